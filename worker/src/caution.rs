//! Parsing with care after this worker died.
//!
//! A text that makes a grammar trap, or keeps it busy for longer than the page waits, kills the worker, and would kill
//! each worker that follows. Once one has died, each text is therefore named in the store before it is parsed. A text
//! that was named at two deaths is blamed and cut by lines from then on; once may have been chance, because a worker
//! can also be ended while it does something else.

use std::collections::HashMap;

use store::StoreError;

use crate::disk::Store;

const SUSPECT: &[u8] = b"parsing/suspect";
const BLAMED: &[u8] = b"parsing/blamed";
/// Deaths after which a text is not parsed any more.
const ENOUGH: u8 = 2;

type Hash = [u8; 16];

/// What is known of texts that were being parsed when a worker died.
#[derive(Debug, Default)]
pub(crate) struct Caution {
    careful: bool,
    named: bool,
    deaths: HashMap<Hash, u8>,
}

impl Caution {
    /// Read what the last worker left. `careful`: one died since the page was loaded.
    pub(crate) fn restore(store: &mut Store, careful: bool) -> Result<Self, StoreError> {
        let read =
            |store: &mut Store, key: &[u8]| Ok::<_, StoreError>(store.derived(key)?.unwrap_or_default());
        let mut deaths: HashMap<Hash, u8> = HashMap::new();
        for record in read(store, BLAMED)?.chunks_exact(17) {
            if let Some((hash, count)) = record.split_first_chunk::<16>() {
                deaths.insert(*hash, count.first().copied().unwrap_or_default());
            }
        }
        let suspect: Option<Hash> = read(store, SUSPECT)?.try_into().ok();
        if let Some(hash) = suspect.filter(|_| careful) {
            let count = deaths.entry(hash).or_default();
            *count = count.saturating_add(1);
            let records: Vec<u8> =
                deaths.iter().flat_map(|(hash, count)| [&hash[..], &[*count]].concat()).collect();
            store.put_derived(BLAMED, &records)?;
        }
        Ok(Self { careful, named: suspect.is_some(), deaths })
    }

    /// A worker has died since the page was loaded.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful
    }

    /// Whether a text may be parsed. It is named first, so that its name is there if the worker dies of it.
    pub(crate) fn allows(&mut self, store: &mut Store, hash: &Hash) -> Result<bool, StoreError> {
        if self.deaths.get(hash).is_some_and(|&count| count >= ENOUGH) {
            return Ok(false);
        }
        if self.careful {
            store.put_derived(SUSPECT, hash)?;
            store.commit()?;
            self.named = true;
        }
        Ok(true)
    }

    /// Everything is parsed: nobody is suspected any more.
    pub(crate) fn relax(&mut self, store: &mut Store) -> Result<(), StoreError> {
        if std::mem::take(&mut self.named) {
            store.remove_derived(SUSPECT)?;
            store.commit()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_being_parsed_at_two_deaths_is_not_parsed_again() {
        let mut store = crate::disk::open_memory().unwrap().store;
        let (bad, good) = ([1; 16], [2; 16]);
        for _ in 0..2 {
            let mut caution = Caution::restore(&mut store, true).unwrap();
            assert!(caution.allows(&mut store, &good).unwrap());
            assert!(caution.allows(&mut store, &bad).unwrap());
            // The worker dies here: nobody relaxes.
        }
        let mut caution = Caution::restore(&mut store, true).unwrap();
        assert!(!caution.allows(&mut store, &bad).unwrap());
        assert!(caution.allows(&mut store, &good).unwrap());
        caution.relax(&mut store).unwrap();
        let mut later = Caution::restore(&mut store, false).unwrap();
        assert!(!later.allows(&mut store, &bad).unwrap(), "it stays blamed after a reload");
        assert!(later.allows(&mut store, &good).unwrap());
    }

    #[test]
    fn a_reload_in_the_middle_blames_nobody() {
        let mut store = crate::disk::open_memory().unwrap().store;
        for _ in 0..3 {
            let mut caution = Caution::restore(&mut store, true).unwrap();
            assert!(caution.allows(&mut store, &[1; 16]).unwrap());
            caution.relax(&mut store).unwrap();
            let mut caution = Caution::restore(&mut store, false).unwrap();
            assert!(caution.allows(&mut store, &[1; 16]).unwrap());
        }
    }
}
