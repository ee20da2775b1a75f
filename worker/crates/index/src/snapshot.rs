//! The lexical part and the chunk tables as bytes, so that a reload need not read and parse every file again.
//!
//! Layout: magic, version, body, CRC-32C of everything before it. Numbers are LEB128, so nothing depends on the width of
//! `usize`. Only living terms and chunks are written, renumbered; vectors are stored one by one elsewhere. Reading
//! checks every count against the bytes that are left, so damaged or hostile input costs no more memory than its size
//! allows and ends in an error, never in a panic.

use rustc_hash::FxHashMap;
use std::ops::Range;

use crate::index::{Chunk, File, Index};
use crate::lexical::{Counts, Forward, NUM_FIELDS};

const MAGIC: &[u8; 8] = b"ALCVIDX\n";
/// Raise it whenever the layout, the splitting of words or the chunking changes: older snapshots are then rebuilt.
const VERSION: u64 = 1;

/// Why a snapshot cannot be used. The answer to each is to build the index again.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotErr {
    /// It is no snapshot, or not all of one.
    #[error("The saved index is damaged; it will be built again.")]
    Damaged,
    /// It was written by another version of the program.
    #[error("The saved index is of another version; it will be built again.")]
    Version,
}

impl Index {
    /// The lexical part and the chunk tables as bytes. Equal content gives equal answers after [`Index::decode`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.number(VERSION);
        out.number(self.dim() as u64);
        let mut files: Vec<&File> = self.files.iter().flatten().collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let forward_of =
            |file: &File| file.chunks.clone().into_iter().filter_map(|n| Some((n, self.lexical.forward(n)?)));

        // Terms by first use, so that only living ones are written and equal content gives equal bytes.
        let mut renumbered: Vec<Option<u32>> = vec![None; self.lexical.num_terms()];
        let mut names: Vec<&str> = Vec::new();
        for (_, forward) in files.iter().flat_map(|f| forward_of(f)) {
            let mut terms: Vec<&str> = Vec::new();
            for &(term, _) in &forward.terms {
                if renumbered[term as usize].is_none() {
                    renumbered[term as usize] = Some(0);
                    terms.extend(self.lexical.term(term));
                }
            }
            names.append(&mut terms);
        }
        names.sort_unstable();
        let places: FxHashMap<&str, u32> = names.iter().zip(0..).map(|(&name, at)| (name, at)).collect();
        for (term, place) in renumbered.iter_mut().enumerate() {
            if place.is_some() {
                *place = self.lexical.term(term as u32).and_then(|name| places.get(name).copied());
            }
        }
        out.number(names.len() as u64);
        for name in names {
            out.text(name);
        }

        out.number(files.len() as u64);
        for file in files {
            out.text(&file.path);
            out.text(&file.language);
            out.number(file.mtime_ms);
            out.number(file.chunks.len() as u64);
            for (number, forward) in forward_of(file) {
                let chunk = &self.chunks[number as usize];
                out.text(&chunk.symbol);
                out.0.push(chunk.kind);
                out.range(&chunk.bytes);
                out.range(&chunk.lines);
                out.0.extend_from_slice(&chunk.key);
                for len in forward.len {
                    out.number(u64::from(len));
                }
                let mut terms: Vec<(u32, Counts)> =
                    forward.terms.iter().filter_map(|&(t, c)| Some((renumbered[t as usize]?, c))).collect();
                terms.sort_unstable();
                out.number(terms.len() as u64);
                let mut last = 0;
                for (term, counts) in terms {
                    out.number(u64::from(term - last));
                    last = term;
                    out.counts(counts);
                }
            }
        }
        let sum = crc32c::crc32c(&out.0);
        out.0.extend_from_slice(&sum.to_le_bytes());
        out.0
    }

    /// Read what [`Index::encode`] wrote. The vectors have to be put again.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotErr> {
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(SnapshotErr::Damaged)?;
        let rest = body.strip_prefix(MAGIC).ok_or(SnapshotErr::Damaged)?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
            return Err(SnapshotErr::Damaged);
        }
        Self::decode_body(rest)
    }

    /// Everything behind the magic and before the checksum.
    pub(crate) fn decode_body(bytes: &[u8]) -> Result<Self, SnapshotErr> {
        let mut input = Input(bytes);
        if input.number()? != VERSION {
            return Err(SnapshotErr::Version);
        }
        let dim = u16::try_from(input.number()?).map_err(|_| SnapshotErr::Damaged)?;
        let mut index = Self::new(usize::from(dim));
        let num_terms = input.count(1)?;
        for at in 0..num_terms {
            // Equal names would give two terms one number.
            if index.lexical.intern(input.text()?) as usize != at {
                return Err(SnapshotErr::Damaged);
            }
        }
        for _ in 0..input.count(4)? {
            let (path, language, mtime_ms) = (input.text()?, input.text()?, input.number()?);
            if index.has_file(path) {
                return Err(SnapshotErr::Damaged);
            }
            let at = index.free_file();
            let num_chunks = input.count(20)?;
            let mut chunks = Vec::with_capacity(num_chunks);
            for _ in 0..num_chunks {
                let (chunk, forward) = read_chunk(&mut input, at, num_terms)?;
                let number = index.lexical.add_forward(forward);
                index.attach(number, chunk);
                chunks.push(number);
            }
            index.place(at, File { path: path.into(), language: language.into(), mtime_ms, chunks });
        }
        if input.0.is_empty() { Ok(index) } else { Err(SnapshotErr::Damaged) }
    }
}

fn read_chunk(input: &mut Input<'_>, file: u32, num_terms: usize) -> Result<(Chunk, Forward), SnapshotErr> {
    let symbol = input.text()?.into();
    let kind = input.byte()?;
    let (bytes, lines) = (input.range()?, input.range()?);
    let key = *input.take(16)?.first_chunk().ok_or(SnapshotErr::Damaged)?;
    let mut len = [0u32; NUM_FIELDS];
    for place in &mut len {
        *place = input.number32()?;
    }
    let mut terms: Vec<(u32, Counts)> = Vec::with_capacity(input.peek_count(2)?);
    let mut last = 0u32;
    for at in 0..input.count(2)? {
        let step = input.number32()?;
        last = last.checked_add(step).ok_or(SnapshotErr::Damaged)?;
        if last as usize >= num_terms || (at > 0 && step == 0) {
            return Err(SnapshotErr::Damaged);
        }
        terms.push((last, input.counts()?));
    }
    Ok((Chunk { file, symbol, kind, bytes, lines, key }, Forward { terms: terms.into(), len }))
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn range(&mut self, range: &Range<u32>) {
        self.number(u64::from(range.start));
        self.number(u64::from(range.end.saturating_sub(range.start)));
    }

    /// Most terms stand in the body only, and seldom: one byte below 128 is a body count, anything else is spelt out.
    fn counts(&mut self, counts: Counts) {
        if let [body @ 1..0x80, 0, 0] = counts {
            self.0.push(body);
        } else {
            self.0.push(0x80);
            self.0.extend_from_slice(&counts);
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], SnapshotErr> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(SnapshotErr::Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, SnapshotErr> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64, SnapshotErr> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(SnapshotErr::Damaged)
    }

    fn number32(&mut self) -> Result<u32, SnapshotErr> {
        u32::try_from(self.number()?).map_err(|_| SnapshotErr::Damaged)
    }

    /// A count of things that take at least `least` bytes each.
    fn count(&mut self, least: usize) -> Result<usize, SnapshotErr> {
        let count = usize::try_from(self.number()?).map_err(|_| SnapshotErr::Damaged)?;
        if count > self.0.len() / least { Err(SnapshotErr::Damaged) } else { Ok(count) }
    }

    /// What [`Self::count`] is about to give.
    fn peek_count(&self, least: usize) -> Result<usize, SnapshotErr> {
        Input(self.0).count(least)
    }

    fn text(&mut self) -> Result<&'a str, SnapshotErr> {
        let len = self.count(1)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| SnapshotErr::Damaged)
    }

    fn range(&mut self) -> Result<Range<u32>, SnapshotErr> {
        let (start, len) = (self.number32()?, self.number32()?);
        Ok(start..start.checked_add(len).ok_or(SnapshotErr::Damaged)?)
    }

    fn counts(&mut self) -> Result<Counts, SnapshotErr> {
        match self.byte()? {
            body @ 1..0x80 => Ok([body, 0, 0]),
            0x80 => {
                let counts = *self.take(NUM_FIELDS)?.first_chunk().ok_or(SnapshotErr::Damaged)?;
                if counts == [0; NUM_FIELDS] { Err(SnapshotErr::Damaged) } else { Ok(counts) }
            }
            _ => Err(SnapshotErr::Damaged),
        }
    }
}
