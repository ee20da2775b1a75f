//! A snapshot of the index is read from disk: whatever stands there, reading it ends in an error or in an index that
//! answers, encodes and decodes again.
#![no_main]

use index::{Filter, Index, Layers, Query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Index::decode(data);
    // The checksum would stop nearly everything, so the body is also given a right one.
    let mut sealed = b"ALCVIDX\n".to_vec();
    sealed.extend_from_slice(data);
    let sum = crc32c::crc32c(&sealed);
    sealed.extend_from_slice(&sum.to_le_bytes());
    if let Ok(mut index) = Index::decode(&sealed) {
        let filter = Filter::default();
        let query = Query { text: "parse session", vector: None, k: 10, layers: Layers::ALL, filter: &filter };
        let _ = index.search(&query);
        let again = Index::decode(&index.encode()).map(|index| index.num_chunks());
        assert_eq!(again, Ok(index.num_chunks()));
        let paths: Vec<String> = index.paths().map(str::to_owned).collect();
        for path in paths {
            assert!(index.remove_file(&path));
        }
        assert_eq!(index.num_chunks(), 0);
        while index.compact_step(1000) {}
    }
});
