//! Messages go over the wire and come back as they were, and no bytes at all make the decoder panic.
#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{
    BatchOf, Blob, DecodeError, Embed, EngineRequest, Fault, FaultCode, FileIn, Frame, Hello, Layer,
    LoadEmbedder, MAX_FRAME_BYTES, ModelRequest, PutFiles, RenamePath, Search, SearchFilter, SearchHit,
    SearchMode, SearchQuery, SearchReply, WorkspaceId, decode, encode,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(any::<String>(), 0..5)
}

fn frames() -> impl Strategy<Value = Frame> {
    let body = || vec(any::<u8>(), 0..200);
    prop_oneof![
        (any::<String>(), texts())
            .prop_map(|(build, capabilities)| Frame::Hello(Hello { build, capabilities })),
        (any::<u32>(), body()).prop_map(|(id, body)| Frame::Request { id, body }),
        any::<u32>().prop_map(|id| Frame::Cancel { id }),
        (any::<u32>(), body()).prop_map(|(id, body)| Frame::Event { id, body }),
        (any::<u32>(), body()).prop_map(|(id, body)| Frame::Done { id, body }),
        (any::<u32>(), any::<String>(), any::<Option<u32>>()).prop_map(|(id, sentence, retry_after_ms)| {
            Frame::Fault { id, fault: Fault { code: FaultCode::Conflict, sentence, retry_after_ms } }
        }),
        any::<u32>().prop_map(|seq| Frame::Ping { seq }),
        any::<u32>().prop_map(|seq| Frame::Pong { seq }),
    ]
}

fn engine_requests() -> impl Strategy<Value = EngineRequest> {
    let batches = prop_oneof![
        (any::<u32>(), texts()).prop_map(|(batch, left_out)| BatchOf::Folder { batch, left_out }),
        Just(BatchOf::Loose),
        any::<bool>().prop_map(|on_disk| BatchOf::Chosen { on_disk }),
    ];
    let files = vec((any::<String>(), any::<u32>(), any::<u64>()), 0..4);
    let put = (any::<u64>(), files, any::<bool>(), any::<u64>(), any::<bool>(), batches).prop_map(
        |(workspace, files, honour_ignore, max_file_bytes, last, of)| {
            let file = |(path, blob, mtime_ms)| FileIn { path, blob: Blob(blob), mtime_ms };
            EngineRequest::from(PutFiles {
                workspace: WorkspaceId(workspace),
                files: files.into_iter().map(file).collect(),
                honour_ignore,
                max_file_bytes,
                last,
                of,
            })
        },
    );
    let search = (any::<String>(), any::<bool>(), any::<u32>(), texts(), any::<Option<u64>>()).prop_map(
        |(text, case_sensitive, k, languages, changed_since_unix_ms)| {
            let filter =
                SearchFilter { path_glob: text.clone(), languages, kinds: Vec::new(), changed_since_unix_ms };
            let layers = vec![Layer::Exact, Layer::Vectors];
            let mode = SearchMode::Regex;
            let query = SearchQuery { text, mode, case_sensitive, k, layers, filter };
            EngineRequest::from(Search { workspace: WorkspaceId(u64::from(k)), query })
        },
    );
    let rename = (any::<u64>(), any::<String>(), any::<String>())
        .prop_map(|(workspace, from, to)| RenamePath { workspace: WorkspaceId(workspace), from, to }.into());
    prop_oneof![put, search, rename]
}

fn model_requests() -> impl Strategy<Value = ModelRequest> {
    prop_oneof![
        (texts(), any::<bool>()).prop_map(|(texts, urgent)| Embed { texts, urgent }.into()),
        any::<String>().prop_map(|base_url| {
            LoadEmbedder { base_url, precision: None, device: protocol::DeviceKind::WebGpu }.into()
        }),
    ]
}

/// The same comes back; less of it, or more behind it, is refused.
fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, cut: usize) {
    let mut wire = encode(value);
    assert_eq!(decode::<T>(&wire).as_ref(), Ok(value));
    let shorter = &wire[..cut % wire.len()];
    assert!(
        decode::<T>(shorter).is_err(),
        "{} of {} bytes were taken for the whole",
        shorter.len(),
        wire.len()
    );
    wire.push(0);
    assert_eq!(decode::<T>(&wire), Err(DecodeError::Trailing(1)));
}

/// Whatever the bytes are, they are refused, or what they say survives another way there and back. Compared as bytes,
/// because a number may be NaN, which equals nothing.
fn settles<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = decode::<T>(bytes) {
        let wire = encode(&value);
        assert_eq!(encode(&decode::<T>(&wire).unwrap()), wire);
    }
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were(frame in frames(), cut in any::<usize>()) {
        there_and_back(&frame, cut);
    }

    #[test]
    fn requests_of_the_engine_come_back_as_they_were(request in engine_requests(), cut in any::<usize>()) {
        there_and_back(&request, cut);
    }

    #[test]
    fn requests_of_the_model_come_back_as_they_were(request in model_requests(), cut in any::<usize>()) {
        there_and_back(&request, cut);
    }

    // The first byte chooses among the variants of an enum: kept small, so that most of them are met.
    #[test]
    fn any_bytes_are_refused_or_understood(first in 0_u8..48, rest in vec(prop_oneof![0_u8..4, any::<u8>()], 0..60)) {
        let bytes = [[first].as_slice(), &rest].concat();
        settles::<Frame>(&bytes);
        settles::<EngineRequest>(&bytes);
        settles::<ModelRequest>(&bytes);
        settles::<SearchReply>(&bytes);
    }
}

#[test]
fn numbers_at_their_limits_come_back_bit_by_bit() {
    for score in [f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE / 2.0] {
        let hit = SearchHit {
            path: "\u{202e}a\u{0}b".into(),
            language: String::new(),
            start_line: u32::MAX,
            end_line: 0,
            symbol: String::new(),
            kind: None,
            score,
            layers: Vec::new(),
            preview: Vec::new(),
        };
        let back = decode::<SearchHit>(&encode(&hit)).unwrap();
        assert_eq!((back.score.to_bits(), &back.path), (score.to_bits(), &hit.path));
    }
}

#[test]
fn a_message_longer_than_the_limit_is_refused_before_it_is_looked_at() {
    let len = MAX_FRAME_BYTES + 1;
    assert_eq!(decode::<Frame>(&vec![0; len]), Err(DecodeError::TooLong { len }));
}
