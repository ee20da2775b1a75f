//! A model file comes from outside: whatever its bytes are, reading it ends in an error or in tensors that lie inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{Int8Encoder, Safetensors, Shape, Weights, encode_int8, InputRanges, synthetic};

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = Safetensors::parse(data) {
        for name in file.names() {
            let _ = file.f32(name, &[1]);
        }
    }
    // A header alone, so that the fuzzer need not guess its length.
    let mut framed = (data.len() as u64).to_le_bytes().to_vec();
    framed.extend_from_slice(data);
    let _ = Safetensors::parse(&framed).map(|file| file.names().count());
    let tiny = Shape { vocabulary: 2, positions: 2, hidden: 16, inner: 16, heads: 2, layers: 1 };
    let _ = Weights::from_safetensors(data, tiny);
    let _ = Int8Encoder::decode(data);
    // A prepared file with bytes of the input laid over its start.
    let mut file = encode_int8(&synthetic(tiny, 1), &InputRanges::new());
    for (byte, other) in file.iter_mut().zip(data) {
        *byte ^= other;
    }
    if let Ok(encoder) = Int8Encoder::decode(&file) {
        let _ = encoder.embed_now(&[&[0, 1]]);
    }
});
