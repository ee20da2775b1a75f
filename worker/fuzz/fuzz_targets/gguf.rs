//! A GGUF file comes from anywhere: whatever its bytes are, reading it ends in an error, in a wish for more that can be
//! fulfilled, or in tensors that lie inside.
#![no_main]

#[path = "../../crates/models/tests/gguf/tiny.rs"]
mod tiny;
#[path = "../../crates/models/tests/gguf/writer.rs"]
mod writer;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use models::gguf::{Arch, Dtype, Header, MAX_HEADER_BYTES, Model, Parsed, dequantise};

fn check(file: &[u8]) {
    let len = file.len() as u64;
    match Header::parse(file, None) {
        Ok(Parsed::NeedMore { at_least }) => assert!(at_least > len && at_least <= MAX_HEADER_BYTES),
        Ok(Parsed::Whole(header)) => {
            assert!(header.header_bytes() <= len && header.header_bytes() <= header.data_start());
            // The same, without a byte too many.
            let header_bytes = header.header_bytes() as usize;
            assert!(matches!(Header::parse(&file[..header_bytes], None), Ok(Parsed::Whole(_))));
            let _ = Model::read(&header).map(|model| model.tokenizer.merges().count());
        }
        Err(err) => assert!(err.to_string().len() < 1000),
    }
    match Header::parse(file, Some(len)) {
        Ok(Parsed::NeedMore { at_least }) => panic!("{at_least} of {len}"),
        Ok(Parsed::Whole(header)) => {
            assert!(header.file_bytes() <= len);
            for tensor in header.tensors() {
                assert!(tensor.offset + tensor.len_bytes <= len);
                assert_eq!(tensor.dtype.bytes(tensor.numbers()), Some(tensor.len_bytes));
                assert_eq!(header.tensor(&tensor.name), Some(tensor));
            }
        }
        Err(_) => {}
    }
}

static SOUND: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [Arch::Llama, Arch::Qwen2].map(|arch| tiny::tiny(arch).file()));

fuzz_target!(|data: &[u8]| {
    check(data);
    // With a sound start, so that the fuzzer need not guess it: two bytes give the counts.
    if let [tensors, pairs, rest @ ..] = data {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend_from_slice(&u64::from(tensors % 8).to_le_bytes());
        file.extend_from_slice(&u64::from(pairs % 32).to_le_bytes());
        file.extend_from_slice(rest);
        check(&file);
    }
    // Sound models with the input laid over them from some place on.
    if let [a, b, rest @ ..] = data {
        for sound in SOUND.iter() {
            let mut file = sound.clone();
            let at = usize::from(u16::from_le_bytes([*a, *b])) % file.len();
            for (byte, other) in file[at..].iter_mut().zip(rest) {
                *byte ^= other;
            }
            check(&file);
        }
    }
    for dtype in Dtype::ALL {
        let num = (data.len() / dtype.block_bytes()).min(4);
        let mut numbers = vec![0.0; num * dtype.block_len()];
        assert_eq!(dequantise(dtype, &data[..num * dtype.block_bytes()], &mut numbers), Ok(()));
    }
});
