//! A message comes from another program: whatever its bytes are, decoding it ends in an error or in a value that goes
//! over the wire again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{EngineRequest, Frame, ModelRequest, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decode, encode, decode: compared as bytes, because a number in a message may be NaN, which equals nothing.
fn there_and_back<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let value = decode::<T>(data).ok()?;
    let wire = encode(&value);
    assert!(!wire.is_empty(), "a decoded value was not encoded");
    let Ok(again) = decode::<T>(&wire) else { panic!("the encoding of a decoded value was refused") };
    assert_eq!(encode(&again), wire);
    Some(value)
}

fn requests(data: &[u8]) {
    there_and_back::<EngineRequest>(data);
    there_and_back::<ModelRequest>(data);
}

fuzz_target!(|data: &[u8]| {
    requests(data);
    if let Some(Frame::Request { body, .. }) = there_and_back::<Frame>(data) {
        requests(&body);
    }
});
