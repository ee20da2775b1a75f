//! GGUF files that lie: the kinds on which other readers have failed, and how much memory a lie may cost.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "gguf/writer.rs"]
mod writer;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use models::gguf::{Array, Dtype, GgufError, Header, MAX_HEADER_BYTES, Parsed, Value};
use writer::{Bytes, Writer, texts};

/// Counts what each thread has taken, because tests run side by side.
struct Counting;

thread_local! {
    static TAKEN: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = TAKEN.try_with(|taken| {
        taken.set(taken.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(taken.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Parse, and check that it took no more memory than four times the file and some.
fn parse(file: &[u8], file_bytes: Option<u64>) -> Result<Parsed, GgufError> {
    let before = TAKEN.get();
    MOST.set(before);
    let start = std::time::Instant::now();
    let result = Header::parse(file, file_bytes);
    let most = MOST.get() - before;
    let limit = 4 * file.len() as isize + (1 << 20);
    assert!(most <= limit, "{most} bytes for a file of {}", file.len());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    result
}

/// The message with which a file is refused, whether its length is known or not.
fn refused(file: &[u8]) -> String {
    let unknown = parse(file, None).map(|_| ()).unwrap_err();
    let known = parse(file, Some(file.len() as u64)).map(|_| ()).unwrap_err();
    assert_eq!(known, unknown);
    known.to_string()
}

/// A file without metadata and with this table; its data are zeros, more than enough.
fn table(num: u64, entries: impl FnOnce(Bytes) -> Bytes) -> Vec<u8> {
    entries(Bytes::head(3, num, 0)).pad(32).raw(&[0; 4096]).0
}

fn entry(name: &str, dims: &[u64], code: u32, offset: u64) -> Vec<u8> {
    table(1, |bytes| bytes.entry(name, dims, code, offset))
}

fn value(value: &Value) -> Vec<u8> {
    Bytes::head(3, 0, 1).pair("k", value).raw(&[0; 64]).0
}

#[test]
fn counts_and_heads_that_cannot_be() {
    let rest = [0; 4096];
    let cases = [
        (b"FUGG".to_vec(), "this is not a GGUF file: it does not start with “GGUF”"),
        (Bytes::head(0, 0, 0).0, "this GGUF file has version 0 of the format: Alcove reads versions 2 and 3"),
        (Bytes::head(1, 0, 0).0, "this GGUF file has version 1 of the format: Alcove reads versions 2 and 3"),
        (Bytes::head(4, 0, 0).0, "this GGUF file has version 4 of the format: Alcove reads versions 2 and 3"),
        (
            Bytes::head(3u32.swap_bytes(), 0, 0).0,
            "this GGUF file is big-endian, made for other machines: get the little-endian one",
        ),
        (
            Bytes::head(3, u64::MAX, 0).raw(&rest).0,
            "the model file is damaged: the length of the table of tensors is 18446744073709551615, \
             and more than 65536 cannot be",
        ),
        (
            Bytes::head(3, 0, u64::MAX).raw(&rest).0,
            "the model file is damaged: the length of the metadata is 18446744073709551615, \
             and more than 16384 cannot be",
        ),
    ];
    for (mut file, message) in cases {
        file.resize(file.len().max(24), 0);
        assert_eq!(refused(&file), message);
    }
    // Nothing at all is a sound file of nothing.
    assert!(matches!(parse(&Bytes::head(3, 0, 0).0, Some(24)), Ok(Parsed::Whole(_))));
    for len in 0..24 {
        let cut = &Bytes::head(3, 0, 0).0[..len];
        assert!(matches!(parse(cut, Some(len as u64)), Err(GgufError::Truncated { .. })), "{len}");
    }
    // Counts within the limits, but beyond the file.
    let message = parse(&Bytes::head(3, 1000, 1000).0, Some(24)).unwrap_err().to_string();
    assert_eq!(
        message,
        "the model file is cut short: its header ends at byte 47024, but the file has 24 bytes"
    );
}

#[test]
fn metadata_that_cannot_be() {
    let damaged = |rest: &str| format!("the model file is damaged: {rest}");
    let one = || Bytes::head(3, 0, 1);
    let rest = [0; 64];
    let twice = Bytes::head(3, 0, 2).pair("a", &Value::U8(1)).pair("a", &Value::U8(2)).0;
    let align = |value: Value| one().pair("general.alignment", &value).raw(&rest).0;
    let cases = [
        (
            one().u64(u64::MAX).raw(&rest).0,
            "the length of a key of the metadata is 18446744073709551615, and more than 1048576 cannot be",
        ),
        (one().string("").u32(4).u32(1).0, "a key of the metadata is empty"),
        (one().u64(1).raw(&[0xff]).raw(&rest).0, "a key of the metadata is not valid UTF-8"),
        (one().string("k").u32(13).raw(&rest).0, "the value of “k” is of the unknown type 13"),
        (one().string("k").u32(u32::MAX).raw(&rest).0, "the value of “k” is of the unknown type 4294967295"),
        (
            one().string("k").u32(7).raw(&[2]).raw(&rest).0,
            "the value of “k” is 2, which is neither yes nor no",
        ),
        (
            one().string("k").u32(8).u64(1 << 40).raw(&rest).0,
            "the length of the value of “k” is 1099511627776, and more than 1048576 cannot be",
        ),
        (one().string("k").u32(8).u64(2).raw(&[0xc3, 0x28]).0, "the value of “k” is not valid UTF-8"),
        (
            one().string("k").u32(9).u32(4).u64(u64::MAX).raw(&rest).0,
            "the number of elements of the value of “k” is 18446744073709551615, \
             and more than 4194304 cannot be",
        ),
        (one().string("k").u32(9).u32(13).u64(0).raw(&rest).0, "the value of “k” is of the unknown type 13"),
        (
            one().string("k").u32(9).u32(8).u64(1).u64(u64::MAX).raw(&rest).0,
            "the length of a string of the value of “k” is 18446744073709551615, \
             and more than 1048576 cannot be",
        ),
        (twice, "the value of “a” stands there twice"),
        (
            align(Value::U32(13)),
            "the value of “general.alignment” is 13 instead of a power of two up to 65536",
        ),
        (align(Value::U32(0)), "the value of “general.alignment” is 0 instead of a power of two up to 65536"),
        (
            align(Value::I32(32)),
            "the value of “general.alignment” is a whole number with a sign instead of a u32",
        ),
        (align(Value::U64(32)), "the value of “general.alignment” is a whole number instead of a u32"),
    ];
    for (file, message) in cases {
        assert_eq!(refused(&file), damaged(message));
    }
}

#[test]
fn depth_and_number_of_lists_are_bounded() {
    let nest = |depth: usize| (1..depth).fold(Array::U8(vec![7]), |inner, _| Array::Arrays(vec![inner]));
    assert!(parse(&value(&Value::Array(nest(4))), None).is_ok());
    let message = refused(&value(&Value::Array(nest(5))));
    assert_eq!(
        message,
        "the model file is damaged: the depth of the value of “k” is 5, and more than 4 cannot be"
    );
    // A megabyte that opens lists without end.
    let open = (0..80_000).fold(Bytes::head(3, 0, 1).string("k").u32(9), |bytes, _| bytes.u32(9).u64(1));
    assert!(refused(&open.0).contains("the depth"));
    let many = Array::Arrays(vec![Array::U8(Vec::new()); 1 << 14]);
    assert!(parse(&value(&Value::Array(many)), None).is_ok());
    let many = Array::Arrays(vec![Array::Arrays(vec![Array::U8(Vec::new()); 100]); 200]);
    assert!(refused(&value(&Value::Array(many))).contains("lists inside of lists"));
}

#[test]
fn tensors_that_cannot_be() {
    let damaged = |rest: &str| format!("the model file is damaged: {rest}");
    let (f32, q8_0) = (Dtype::F32.code(), Dtype::Q8_0.code());
    let long = "n".repeat(65);
    let two = |second: &str, offset: u64| {
        table(2, |bytes| bytes.entry("t", &[8], f32, 0).entry(second, &[8], f32, offset))
    };
    let cases = [
        (
            entry(&long, &[8], f32, 0),
            "the length of a name in the table of tensors is 65, and more than 64 cannot be",
        ),
        (entry("", &[8], f32, 0), "a name in the table of tensors is empty"),
        (entry("t", &[], f32, 0), "the tensor “t” has no dimensions"),
        (
            entry("t", &[1; 5], f32, 0),
            "the number of dimensions of the tensor “t” is 5, and more than 4 cannot be",
        ),
        (entry("t", &[8, 0], f32, 0), "the tensor “t” has a dimension of 0"),
        (entry("t", &[u64::MAX], f32, 0), "the tensor “t” has dimensions whose product overflows"),
        (entry("t", &[1 << 32, 1 << 31], f32, 0), "the tensor “t” has dimensions whose product overflows"),
        (entry("t", &[1 << 32; 4], f32, 0), "the tensor “t” has dimensions whose product overflows"),
        // The product of these is 2⁶⁴ + 2³³, which would wrap around to something small.
        (
            entry("t", &[(1 << 33), (1 << 31) + 1], f32, 0),
            "the tensor “t” has dimensions whose product overflows",
        ),
        (entry("t", &[1 << 62], f32, 0), "the tensor “t” has a size that overflows"),
        (
            entry("t", &[1 << 43], f32, 0),
            "the size of the tensor “t” is 35184372088832, and more than 17592186044416 cannot be",
        ),
        (
            entry("t", &[33], q8_0, 0),
            "the tensor “t” has rows of 33 numbers, which are not whole blocks of 32 for Q8_0",
        ),
        (
            // As many numbers as a block has, but in rows shorter than that.
            entry("t", &[16, 2], q8_0, 0),
            "the tensor “t” has rows of 16 numbers, which are not whole blocks of 32 for Q8_0",
        ),
        (
            entry("t", &[8], f32, 32),
            "the tensor “t” begins at byte 32 of the data, where byte 0 is its place",
        ),
        (two("u", 0), "the tensor “u” begins at byte 0 of the data, where byte 32 is its place"),
        (two("u", 33), "the tensor “u” begins at byte 33 of the data, where byte 32 is its place"),
        (
            two("u", u64::MAX - 31),
            "the tensor “u” begins at byte 18446744073709551584 of the data, where byte 32 is its place",
        ),
        (two("t", 32), "the tensor “t” stands there twice"),
    ];
    for (file, message) in cases {
        assert_eq!(refused(&file), damaged(message));
    }
}

#[test]
fn formats_without_code_are_named() {
    for (code, name) in [(23, "IQ4_XS"), (10, "Q2_K"), (4, "Q4_2"), (26, "I32"), (77, "the unknown type 77")]
    {
        let message = format!(
            "the tensor “t” is stored as {name}, which Alcove does not read: take a file in Q4_K_M or Q8_0"
        );
        assert_eq!(refused(&entry("t", &[256], code, 0)), message);
    }
    for dtype in Dtype::ALL {
        assert!(matches!(parse(&entry("t", &[256], dtype.code(), 0), None), Ok(Parsed::Whole(_))));
    }
}

#[test]
fn data_that_is_not_there() {
    let mut writer = Writer::default();
    writer.add("a", &[1000], Dtype::F32);
    writer.add("b", &[3, 32], Dtype::Q4_0);
    let file = writer.file();
    let Ok(Parsed::Whole(header)) = parse(&file, Some(file.len() as u64)) else { panic!("it is sound") };
    let end = header.file_bytes();
    assert_eq!(end, header.data_start() + 4000 + 54);
    // The padding behind the last tensor may be missing, the tensor may not.
    assert!(parse(&file[..end as usize], Some(end)).is_ok());
    let message = |len: u64| parse(&file[..len as usize], Some(len)).unwrap_err().to_string();
    let cut = |name: &str, end: u64, len: u64| {
        format!(
            "the model file is cut short: the tensor “{name}” ends at byte {end}, but the file has {len} bytes"
        )
    };
    assert_eq!(message(end - 1), cut("b", end, end - 1));
    let end = header.data_start() + 4000;
    assert_eq!(message(end - 1), cut("a", end, end - 1));
    // A start of the file is enough, whatever of it: that it is short is known from its length alone.
    let start = &file[..header.header_bytes() as usize];
    assert_eq!(parse(start, Some(end - 1)).unwrap_err().to_string(), cut("a", end, end - 1));
    assert!(matches!(parse(start, None), Ok(Parsed::Whole(_))));
    // Sizes that each are possible and together are not.
    let huge = 1 << 41;
    let sum = table(3, |bytes| {
        (0..3).fold(bytes, |bytes, i| bytes.entry(&format!("t{i}"), &[huge], 0, i * huge * 4))
    });
    assert!(refused(&sum).contains("the end of the tensor “t2”"));
}

#[test]
fn a_header_without_end_is_given_up() {
    // Every wish is followed with zeros, as a server that never stops would.
    let mut len = 24;
    let head = Bytes::head(3, 0, 5000).0;
    let pair = Bytes::default().string("key").u32(9).u32(10).u64(1 << 22).0;
    let wish = loop {
        let mut file = head.clone();
        for i in 0..5000u32 {
            let mut pair = pair.clone();
            pair[8..11].copy_from_slice(format!("{:03}", i % 1000).as_bytes());
            file.extend_from_slice(&pair);
            if file.len() >= len {
                break;
            }
            file.resize(len.min(file.len() + (8 << 22)), 0);
        }
        file.truncate(len);
        match Header::parse(&file, None) {
            Ok(Parsed::NeedMore { at_least }) => {
                assert!(at_least as usize > len && at_least <= MAX_HEADER_BYTES);
                len = (at_least as usize).max(len + (1 << 20));
            }
            other => break other.map(|_| ()).unwrap_err(),
        }
    };
    assert!(wish.to_string().contains("and more than 67108864 cannot be"), "{wish}");
}

#[test]
fn a_vocabulary_takes_little_more_than_its_text() {
    let tokens: Vec<String> = (0..100_000).map(|i| format!("t{i}")).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let file = value(&texts(&tokens));
    let before = TAKEN.get();
    MOST.set(before);
    assert!(matches!(Header::parse(&file, None), Ok(Parsed::Whole(_))));
    let most = MOST.get() - before;
    assert!(most < file.len() as isize, "{most} bytes for a file of {}", file.len());
}

#[test]
fn many_small_things_take_bounded_memory() {
    let pairs =
        (0..1 << 14).fold(Bytes::head(3, 0, 1 << 14), |bytes, i| bytes.pair(&format!("{i}"), &Value::U8(0)));
    let most = |file: &[u8]| {
        let before = TAKEN.get();
        MOST.set(before);
        assert!(matches!(Header::parse(file, None), Ok(Parsed::Whole(_))));
        MOST.get() - before
    };
    assert!(most(&pairs.0) < 8 << 20, "{} bytes", most(&pairs.0));
    let tensors = (0..1 << 16)
        .fold(Bytes::head(3, 1 << 16, 0), |bytes, i| bytes.entry(&format!("{i}"), &[8], 0, i * 32));
    assert!(most(&tensors.0) < 4 * tensors.0.len() as isize + (8 << 20), "{} bytes", most(&tensors.0));
}

#[test]
fn a_list_is_asked_for_at_its_least_size_at_once() {
    // Strings take eight bytes each at least, lists twelve: known before the first of them is there.
    for (code, num, each) in [(8, 1 << 22, 8), (9, 1 << 14, 12), (4, 1 << 20, 4)] {
        let file = Bytes::head(3, 0, 1).string("k").u32(9).u32(code).u64(num).0;
        let expected = file.len() as u64 + num * each;
        let wish = parse(&file, None);
        assert!(matches!(wish, Ok(Parsed::NeedMore { at_least }) if at_least == expected), "{wish:?}");
        let actual = file.len() as u64;
        let what = "the value of “k”".to_owned();
        let short = parse(&file, Some(actual)).unwrap_err();
        assert_eq!(short, GgufError::Truncated { what, expected, actual });
    }
}
