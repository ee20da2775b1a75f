//! The GGUF reader against files of the Python reference, and against files of its own writer.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "gguf/writer.rs"]
mod writer;

use models::gguf::{Array, Dtype, GgufError, Header, Parsed, Strings, Value, dequantise};
use proptest::prelude::*;
use writer::{Tensor, Writer};

/// Written by `gguf/golden.py` with the Python package.
const GOLDEN: &[u8] = include_bytes!("gguf/golden.bin");

fn whole(bytes: &[u8]) -> Header {
    match Header::parse(bytes, Some(bytes.len() as u64)) {
        Ok(Parsed::Whole(header)) => header,
        other => panic!("{other:?}"),
    }
}

fn data<'a>(file: &'a [u8], header: &Header, name: &str) -> &'a [u8] {
    let tensor = header.tensor(name).unwrap();
    &file[tensor.offset as usize..][..tensor.len_bytes as usize]
}

/// Numbers are equal bit for bit. What is not a number has no bits to compare: which ones arise is left to processors.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn every_format_gives_the_numbers_of_the_reference() {
    let header = whole(GOLDEN);
    for dtype in Dtype::ALL {
        let name = format!("in.{dtype}");
        assert_eq!(header.tensor(&name).unwrap().dtype, dtype);
        let expected = data(GOLDEN, &header, &format!("out.{dtype}"));
        let expected: Vec<f32> =
            expected.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let mut got = vec![1.0; header.tensor(&name).unwrap().numbers() as usize];
        dequantise(dtype, data(GOLDEN, &header, &name), &mut got).unwrap();
        assert_eq!(got.len(), expected.len());
        for (i, (&a, &b)) in got.iter().zip(&expected).enumerate() {
            assert!(same(a, b), "{dtype}: number {i} is {a:e} instead of {b:e}");
        }
        // The file has what it is there for: plain numbers, and such that are none.
        assert!(expected.iter().filter(|x| x.is_normal()).count() > 50, "{dtype}");
        assert!(expected.iter().any(|x| x.is_nan()) && expected.iter().any(|x| x.is_infinite()), "{dtype}");
    }
}

#[test]
fn every_type_of_metadata_is_read() {
    let header = whole(GOLDEN);
    assert_eq!(header.version(), 3);
    let text = "Grüße, 世界 🦀\n".to_owned();
    let cases = [
        ("UINT8", Value::U8(255), Array::U8(vec![255; 2])),
        ("INT8", Value::I8(-128), Array::I8(vec![-128; 2])),
        ("UINT16", Value::U16(65535), Array::U16(vec![65535; 2])),
        ("INT16", Value::I16(-32768), Array::I16(vec![-32768; 2])),
        ("UINT32", Value::U32(u32::MAX), Array::U32(vec![u32::MAX; 2])),
        ("INT32", Value::I32(i32::MIN), Array::I32(vec![i32::MIN; 2])),
        ("UINT64", Value::U64(u64::MAX), Array::U64(vec![u64::MAX; 2])),
        ("INT64", Value::I64(i64::MIN), Array::I64(vec![i64::MIN; 2])),
        ("FLOAT32", Value::F32(1.5), Array::F32(vec![1.5; 2])),
        ("FLOAT64", Value::F64(-0.1), Array::F64(vec![-0.1; 2])),
        ("BOOL", Value::Bool(true), Array::Bool(vec![true; 2])),
        ("STRING", Value::String(text.clone()), Array::Strings([&text, &text].into_iter().collect())),
    ];
    for (name, one, many) in cases {
        assert_eq!(header.value(&format!("one.{name}")), Some(&one));
        assert_eq!(header.value(&format!("many.{name}")), Some(&Value::Array(many)));
    }
    let nested = Array::Arrays(vec![
        Array::I32(vec![1, 2, 3]),
        Array::Strings(["a", ""].into_iter().collect()),
        Array::Arrays(vec![Array::Bool(vec![true]), Array::Bool(vec![false, true])]),
    ]);
    assert_eq!(header.value("many.ARRAY"), Some(&Value::Array(nested)));
    assert_eq!(header.metadata().count(), 26);
}

/// The header of a file cut after `len` bytes: `Ok` with what is needed, or nothing more.
fn more(bytes: &[u8], len: usize) -> Option<u64> {
    match Header::parse(&bytes[..len], None) {
        Ok(Parsed::Whole(_)) => None,
        Ok(Parsed::NeedMore { at_least }) => Some(at_least),
        Err(err) => panic!("cut at {len}: {err}"),
    }
}

/// Everything about cutting a sound file, of which `file` has the header and perhaps not all of the data.
fn check_cuts(file: &[u8]) {
    let Ok(Parsed::Whole(header)) = Header::parse(file, None) else { panic!("the header is cut itself") };
    let end = header.header_bytes() as usize;
    for len in 0..=file.len() {
        let wish = more(file, len);
        if len < end {
            let at_least = wish.unwrap() as usize;
            assert!(at_least > len && at_least <= end, "cut at {len} asks for {at_least} of {end}");
        } else {
            assert_eq!(wish, None, "cut at {len} of {end}");
        }
        // Where the length of the file is known to be this, no more can come.
        let cut = Header::parse(&file[..len], Some(len as u64));
        if (len as u64) < header.file_bytes() {
            assert!(matches!(cut, Err(GgufError::Truncated { .. })), "cut at {len}: {cut:?}");
        } else {
            assert!(matches!(cut, Ok(Parsed::Whole(_))), "cut at {len}: {cut:?}");
        }
    }
    let mut len = 0;
    while let Some(at_least) = more(file, len) {
        len = at_least as usize;
    }
    assert_eq!(len, end, "following the wishes ends elsewhere");
}

#[test]
fn a_golden_file_may_be_cut_anywhere() {
    check_cuts(&GOLDEN[..whole(GOLDEN).data_start() as usize + 600]);
}

fn arrays() -> impl Strategy<Value = Array> {
    let strings = prop::collection::vec(".{0,6}", 0..5);
    let leaf = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Array::U8),
        prop::collection::vec(any::<i16>(), 0..9).prop_map(Array::I16),
        prop::collection::vec(any::<u32>(), 0..9).prop_map(Array::U32),
        prop::collection::vec(any::<i64>(), 0..9).prop_map(Array::I64),
        prop::collection::vec(-1e9f32..1e9, 0..9).prop_map(Array::F32),
        prop::collection::vec(any::<bool>(), 0..9).prop_map(Array::Bool),
        strings.prop_map(|all| Array::Strings(all.iter().collect::<Strings>())),
    ];
    // With the one around them, at most as deep as is allowed.
    leaf.prop_recursive(3, 16, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Array::Arrays))
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i8>().prop_map(Value::I8),
        any::<u16>().prop_map(Value::U16),
        any::<i32>().prop_map(Value::I32),
        any::<u64>().prop_map(Value::U64),
        (-1e300f64..1e300).prop_map(Value::F64),
        any::<bool>().prop_map(Value::Bool),
        ".{0,12}".prop_map(Value::String),
        arrays().prop_map(Value::Array),
    ]
}

prop_compose! {
    fn tensors()(kind in 0..Dtype::ALL.len(), blocks in 1u64..4, outer in prop::collection::vec(1u64..4, 0..4),
                 seed in any::<u8>()) -> Tensor {
        let dtype = Dtype::ALL[kind];
        let mut shape = outer;
        shape.truncate(3);
        shape.push(blocks * dtype.block_len() as u64);
        let bytes = dtype.bytes(shape.iter().product()).unwrap() as usize;
        let data = (0..bytes).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        Tensor { name: String::new(), shape, dtype, data }
    }
}

prop_compose! {
    fn files()(version in 2u32..4, pairs in prop::collection::btree_map("[a-z._]{1,12}", values(), 0..6),
               tensors in prop::collection::vec(tensors(), 0..6),
               alignment in prop::option::of(0u32..9)) -> Writer {
        let named = |(i, tensor): (usize, Tensor)| Tensor { name: format!("blk.{}", 9 - i), ..tensor };
        let tensors = tensors.into_iter().enumerate().map(named).collect();
        Writer { version, pairs: pairs.into_iter().collect(), tensors, alignment: alignment.map(|n| 1 << n) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_written_is_read(writer in files()) {
        let file = writer.file();
        let header = whole(&file);
        prop_assert_eq!(header.version(), writer.version);
        for (key, value) in &writer.pairs {
            prop_assert_eq!(header.value(key), Some(value));
        }
        let own = usize::from(writer.alignment.is_some());
        prop_assert_eq!(header.metadata().count(), writer.pairs.len() + own);
        prop_assert_eq!(header.tensors().len(), writer.tensors.len());
        for (tensor, info) in writer.tensors.iter().zip(header.tensors()) {
            prop_assert_eq!(header.tensor(&tensor.name), Some(info));
            prop_assert_eq!((&info.shape, info.dtype), (&tensor.shape, tensor.dtype));
            prop_assert_eq!(info.offset % writer.align() as u64, 0);
            prop_assert_eq!(data(&file, &header, &tensor.name), &tensor.data[..]);
        }
        prop_assert!(header.tensor("blk").is_none());
    }

    #[test]
    fn a_sound_file_may_be_cut_anywhere(writer in files()) {
        let file = writer.file();
        prop_assert_eq!(whole(&file).header_bytes(), writer.header().len() as u64);
        check_cuts(&file[..file.len().min(writer.header().len() + 300)]);
    }

    #[test]
    fn damage_ends_in_an_error_or_in_tensors_inside(
        writer in files(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = writer.file();
        let end = writer.header().len();
        for (at, byte) in flips {
            let at = at.index(end);
            file[at] = byte;
        }
        let len = file.len() as u64;
        match Header::parse(&file, Some(len)) {
            Ok(Parsed::Whole(header)) => {
                for tensor in header.tensors() {
                    prop_assert!(tensor.offset + tensor.len_bytes <= len);
                    prop_assert_eq!(tensor.dtype.bytes(tensor.numbers()), Some(tensor.len_bytes));
                }
            }
            Ok(Parsed::NeedMore { at_least }) => prop_assert!(false, "{at_least} of {len}"),
            Err(err) => prop_assert!(err.to_string().chars().count() < 400),
        }
    }
}
