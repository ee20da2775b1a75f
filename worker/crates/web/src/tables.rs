//! Parts of this module's own memory that are downloaded later.
//!
//! The parsers of nineteen languages are mostly constant tables, two thirds of what the engine worker would download.
//! The build takes them out of the module and writes them to files (`.ci/tables.mjs`); here they are put back, at the
//! addresses that the linker gave them, when a language is first met. Nothing may read a table before.
//!
//! A file holds, all numbers little-endian: `ALCT`, 16 bytes that name the module that it was cut from, the number of
//! parts as u32, for each part its address and length as u32, then the parts.

use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use thiserror::Error;
use wasm_bindgen::JsCast as _;

/// Names the module. The build finds these bytes in the module and replaces them by a hash of all that it took out.
static MODULE: [u8; 16] = *b"alcove-module-id";
/// What stands in a module from which nothing was taken.
const WHOLE: &[u8; 14] = b"alcove-module-";
const MAGIC: &[u8; 4] = b"ALCT";
/// Bytes before the list of parts.
const HEAD: usize = 4 + 16 + 4;

/// Why a file of tables was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TablesError {
    /// It is shorter than it says, longer, or not such a file.
    #[error("the file is damaged")]
    Damaged,
    /// It was made for another build.
    #[error(
        "the file belongs to another version of Alcove; reload the page to get one version of everything"
    )]
    OtherBuild,
}

fn module() -> [u8; 16] {
    // The compiler must not read them at build time: they are replaced afterwards.
    *std::hint::black_box(&MODULE)
}

/// Whether the build took tables out of this module.
#[must_use]
pub fn has_outside_tables() -> bool {
    !module().starts_with(std::hint::black_box(WHOLE))
}

/// Put the tables of one file where they belong.
///
/// # Errors
/// See [`TablesError`]; nothing is written then.
pub fn place_tables(file: &[u8]) -> Result<(), TablesError> {
    let parts = parts(file, &module(), crate::memory_bytes())?;
    let buffer = Reflect::get(&wasm_bindgen::memory(), &"buffer".into()).map_err(|_| TablesError::Damaged)?;
    let buffer: ArrayBuffer = buffer.dyn_into().map_err(|_| TablesError::Damaged)?;
    for (address, bytes) in parts {
        Uint8Array::new_with_byte_offset_and_length(&buffer, address, bytes.len() as u32).copy_from(bytes);
    }
    Ok(())
}

/// The parts of a file with their addresses, all of them checked to lie inside `memory_bytes`.
fn parts<'a>(
    file: &'a [u8],
    module: &[u8; 16],
    memory_bytes: u64,
) -> Result<Vec<(u32, &'a [u8])>, TablesError> {
    let number = |at: usize| {
        let bytes = file.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(TablesError::Damaged)?;
        Ok(u32::from_le_bytes(*bytes))
    };
    if !file.starts_with(MAGIC) {
        return Err(TablesError::Damaged);
    }
    if file.get(4..20) != Some(module) {
        return Err(if file.len() < HEAD { TablesError::Damaged } else { TablesError::OtherBuild });
    }
    let num_parts = number(20)? as usize;
    let list =
        num_parts.checked_mul(8).and_then(|bytes| bytes.checked_add(HEAD)).ok_or(TablesError::Damaged)?;
    let mut rest = file.get(list..).ok_or(TablesError::Damaged)?;
    let mut found = Vec::with_capacity(num_parts);
    for part in 0..num_parts {
        let (address, length) = (number(HEAD + 8 * part)?, number(HEAD + 8 * part + 4)?);
        if u64::from(address) + u64::from(length) > memory_bytes {
            return Err(TablesError::Damaged);
        }
        let (bytes, behind) = rest.split_at_checked(length as usize).ok_or(TablesError::Damaged)?;
        found.push((address, bytes));
        rest = behind;
    }
    if rest.is_empty() { Ok(found) } else { Err(TablesError::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: &[(u32, &[u8])]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&[7; 16]);
        file.extend_from_slice(&(parts.len() as u32).to_le_bytes());
        for (address, bytes) in parts {
            file.extend_from_slice(&address.to_le_bytes());
            file.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        }
        parts.iter().for_each(|(_, bytes)| file.extend_from_slice(bytes));
        file
    }

    #[test]
    fn what_was_cut_out_is_found_again() {
        let whole: [(u32, &[u8]); 3] = [(16, b"abc"), (0, b""), (90, b"0123456789")];
        assert_eq!(parts(&file(&whole), &[7; 16], 100).unwrap(), whole);
    }

    #[test]
    fn a_file_that_is_cut_or_longer_or_points_outside_is_refused() {
        let good = file(&[(16, b"abc"), (90, b"0123456789")]);
        for len in 0..good.len() {
            assert_eq!(parts(&good[..len], &[7; 16], 100), Err(TablesError::Damaged), "{len}");
        }
        let longer = [good.as_slice(), b"x"].concat();
        assert_eq!(parts(&longer, &[7; 16], 100), Err(TablesError::Damaged));
        assert_eq!(parts(&good, &[7; 16], 99), Err(TablesError::Damaged));
        let mut huge = good;
        huge[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(parts(&huge, &[7; 16], 100), Err(TablesError::Damaged));
    }

    #[test]
    fn a_file_of_another_build_is_told_apart() {
        assert_eq!(parts(&file(&[(16, b"abc")]), &[8; 16], 100), Err(TablesError::OtherBuild));
    }
}
