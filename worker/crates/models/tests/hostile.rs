//! Model files that lie, are cut short or were damaged on the way.
#![allow(clippy::unwrap_used)]

use models::{InputRanges, Int8Encoder, LoadError, Safetensors, Shape, Weights, encode_int8};

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn tensor(name: &str, shape: &str, start: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

#[test]
fn a_sound_file_is_read() {
    let header = format!(r#"{{"__metadata__":{{"format":"pt"}},{}}}"#, tensor("a", "[2,1]", 0, 8));
    let bytes = file(&header, &[0, 0, 128, 63, 0, 0, 0, 64]);
    let tensors = Safetensors::parse(&bytes).unwrap();
    assert_eq!(tensors.names().collect::<Vec<_>>(), ["a"]);
    assert_eq!(tensors.f32("a", &[2, 1]).unwrap(), [1.0, 2.0]);
    assert!(matches!(tensors.f32("a", &[1, 2]), Err(LoadError::Mismatch(_))));
    assert!(matches!(tensors.f32("b", &[2, 1]), Err(LoadError::Mismatch(_))));
}

#[test]
fn lies_are_refused() {
    let one = |entry: String| format!("{{{entry}}}");
    let two = |a: String, b: String| format!("{{{a},{b}}}");
    let data = [0; 16];
    let cases: [(&str, String, &[u8]); 10] = [
        ("overlap", two(tensor("a", "[2]", 0, 8), tensor("b", "[2]", 4, 12)), &data[..12]),
        ("hole", two(tensor("a", "[1]", 0, 4), tensor("b", "[1]", 8, 12)), &data[..12]),
        ("late start", one(tensor("a", "[1]", 4, 8)), &data[..8]),
        ("backwards", one(tensor("a", "[1]", 4, 0)), &data[..4]),
        ("wrong size", one(tensor("a", "[3]", 0, 8)), &data[..8]),
        ("overflow", one(tensor("a", "[4294967296,4294967296,4294967296]", 0, 0)), &[]),
        ("trailing bytes", one(tensor("a", "[1]", 0, 4)), &data),
        ("name twice", two(tensor("a", "[1]", 0, 4), tensor("a", "[1]", 0, 4)), &data[..4]),
        ("not json", "{".into(), &[]),
        ("deep nesting", "[".repeat(100_000), &[]),
    ];
    for (name, header, data) in cases {
        let result = Safetensors::parse(&file(&header, data)).map(|_| ());
        assert!(matches!(result, Err(LoadError::Malformed(_))), "{name}: {result:?}");
    }
    let cut = Safetensors::parse(&file(&one(tensor("a", "[4]", 0, 16)), &data[..8])).map(|_| ());
    assert!(matches!(cut, Err(LoadError::Truncated { actual: _, expected: _ })), "{cut:?}");
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    for bytes in [&[][..], &[1, 2, 3], &[0; 7]] {
        assert!(matches!(Safetensors::parse(bytes), Err(LoadError::Truncated { expected: 8, .. })));
    }
    for length in [100_000_001, u64::from(u32::MAX) + 9, u64::MAX] {
        let result = Safetensors::parse(&length.to_le_bytes()).map(|_| ());
        assert!(matches!(result, Err(LoadError::Malformed(_))), "{length}: {result:?}");
    }
    let result = Safetensors::parse(&99_999_999_u64.to_le_bytes()).map(|_| ());
    assert!(matches!(result, Err(LoadError::Truncated { .. })), "{result:?}");
}

#[test]
fn a_valid_file_of_another_model_is_named_so() {
    let bytes = file(&format!("{{{}}}", tensor("a", "[1]", 0, 4)), &[0; 4]);
    assert!(matches!(Weights::from_safetensors(&bytes, Shape::MINI_LM), Err(LoadError::Mismatch(_))));
}

fn small() -> Weights {
    let shape = Shape { vocabulary: 40, positions: 16, hidden: 32, inner: 64, heads: 2, layers: 1 };
    models::synthetic(shape, 1)
}

#[test]
fn a_prepared_file_survives_no_damage() {
    let good = encode_int8(&small(), &InputRanges::new());
    assert!(Int8Encoder::decode(&good).is_ok());
    for cut in [0, 7, 8, 40, 67, 68, 69, good.len() / 2, good.len() - 1] {
        assert!(Int8Encoder::decode(&good[..cut]).is_err(), "cut at {cut}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(matches!(Int8Encoder::decode(&longer), Err(LoadError::Malformed(_))));
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(Int8Encoder::decode(&bad).is_err(), "a flipped bit at {at} was not noticed");
    }
    // Sizes that would ask for terabytes.
    for at in (12..36).step_by(4) {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Int8Encoder::decode(&bad).is_err());
    }
}
