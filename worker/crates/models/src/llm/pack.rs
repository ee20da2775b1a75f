//! Reorders blocks of a file into panels, and reads single rows back out of them.

use super::format::{Sizes, UNIT};
use crate::cpu::wide::LANES;
use crate::gguf::Dtype;

/// Bytes of one vector of a panel.
const WORDS: usize = 4 * LANES;

/// Bytes of a panel of rows with `k` columns.
#[must_use]
pub fn panel_bytes(dtype: Dtype, k: usize) -> usize {
    let blocks = k / dtype.block_len();
    blocks * Sizes::of(dtype).map_or(LANES * dtype.block_bytes(), Sizes::block_bytes)
}

/// Where the parts of a unit begin: `(scales, codes above four bits, low four bits)`.
fn parts(dtype: Dtype) -> (usize, usize, usize) {
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 => (0, 0, 0),
        Dtype::Q4_0 | Dtype::Q8_0 => (0, 16, 16),
        Dtype::Q4_1 => (0, 32, 32),
        Dtype::Q5_0 => (0, 16, 48),
        Dtype::Q5_1 => (0, 32, 64),
        Dtype::Q4_K => (0, 16, 16),
        Dtype::Q5_K => (0, 16, 48),
        Dtype::Q6_K => (0, 16, 80),
    }
}

/// Reorder rows of a file, `row_bytes` apart, into one panel. Rows that are missing at the end become zeros.
pub fn pack_panel(dtype: Dtype, rows: &[u8], row_bytes: usize, panel: &mut [u8]) {
    let (size, num) = (dtype.block_bytes(), row_bytes / dtype.block_bytes());
    panel.fill(0);
    for (lane, row) in rows.chunks_exact(row_bytes).enumerate().take(LANES) {
        let Some(sizes) = Sizes::of(dtype) else {
            for (out, number) in panel.chunks_exact_mut(LANES * size).zip(row.chunks_exact(size)) {
                out[lane * size..][..size].copy_from_slice(number);
            }
            continue;
        };
        let blocks = panel.chunks_exact_mut(sizes.block_bytes()).take(num);
        for (out, block) in blocks.zip(row.chunks_exact(size)) {
            pack_block(dtype, sizes, block, lane, out);
        }
    }
}

fn pack_block(dtype: Dtype, sizes: Sizes, block: &[u8], lane: usize, out: &mut [u8]) {
    let (head, units) = out.split_at_mut(sizes.head_bytes);
    pack_head(dtype, block, lane, head);
    let (_, high, low) = parts(dtype);
    for (i, unit) in units.chunks_exact_mut(sizes.unit_bytes).enumerate() {
        pack_scales(dtype, block, i, lane, unit);
        let codes = codes(dtype, block, i);
        if dtype == Dtype::Q8_0 {
            for (i, quad) in codes.as_chunks::<4>().0.iter().enumerate() {
                let word = [quad[0], quad[2], quad[1], quad[3]];
                unit[low + i * WORDS + 4 * lane..][..4].copy_from_slice(&word);
            }
            continue;
        }
        for (i, eight) in codes.as_chunks::<8>().0.iter().enumerate() {
            let word = eight
                .iter()
                .enumerate()
                .fold(0, |word, (i, &code)| word | (u32::from(code & 0x0f) << (4 * (i / 2) + 16 * (i % 2))));
            unit[low + i * WORDS + 4 * lane..][..4].copy_from_slice(&word.to_le_bytes());
        }
        // Codes per word of the bits above four.
        let (per_word, bits) = match low - high {
            0 => continue,
            WORDS => (32, 1),
            _ => (16, 2),
        };
        for (i, codes) in codes.chunks_exact(per_word).enumerate() {
            let word = codes
                .iter()
                .enumerate()
                .fold(0, |word, (i, &code)| word | (u32::from(code >> 4) << (bits * (i / 2) + 16 * (i % 2))));
            unit[high + i * WORDS + 4 * lane..][..4].copy_from_slice(&word.to_le_bytes());
        }
    }
}

fn half(block: &[u8], at: usize) -> f32 {
    crate::gguf::half([block[at], block[at + 1]])
}

fn put_float(head: &mut [u8], place: usize, lane: usize, number: f32) {
    head[place * WORDS + 4 * lane..][..4].copy_from_slice(&number.to_le_bytes());
}

fn pack_head(dtype: Dtype, block: &[u8], lane: usize, head: &mut [u8]) {
    match dtype {
        Dtype::Q4_K | Dtype::Q5_K => {
            put_float(head, 0, lane, half(block, 0));
            // Files subtract it, kernels add.
            put_float(head, 1, lane, -half(block, 2));
        }
        Dtype::Q6_K => put_float(head, 0, lane, half(block, 208)),
        _ => {}
    }
}

fn pack_scales(dtype: Dtype, block: &[u8], i: usize, lane: usize, unit: &mut [u8]) {
    match dtype {
        Dtype::Q4_K | Dtype::Q5_K => {
            (unit[lane], unit[LANES + lane]) = crate::gguf::scale_and_offset(&block[4..16], i);
        }
        Dtype::Q6_K => {
            unit[lane] = block[192 + 2 * i];
            unit[LANES + lane] = block[192 + 2 * i + 1];
        }
        _ => {
            unit[2 * lane..][..2].copy_from_slice(&block[..2]);
            if matches!(dtype, Dtype::Q4_1 | Dtype::Q5_1) {
                unit[2 * LANES + 2 * lane..][..2].copy_from_slice(&block[2..4]);
            }
        }
    }
}

/// The codes of unit `i` of a block of the file. Those of Q4_0 are made signed, as its kernel wants them.
fn codes(dtype: Dtype, block: &[u8], i: usize) -> [u8; UNIT] {
    let mut out = [0; UNIT];
    // The halves of sixteen bytes: the low ones first.
    let nibbles = |out: &mut [u8; UNIT], bytes: &[u8]| {
        for (j, &byte) in bytes[..16].iter().enumerate() {
            out[j] = byte & 0x0f;
            out[16 + j] = byte >> 4;
        }
    };
    let fifth_bits = |out: &mut [u8; UNIT], bytes: &[u8]| {
        for (j, out) in out.iter_mut().enumerate() {
            *out |= ((bytes[j / 8] >> (j % 8)) & 1) << 4;
        }
    };
    // The low or high halves of 32 bytes.
    let halves = |out: &mut [u8; UNIT], bytes: &[u8], high: bool| {
        for (out, &byte) in out.iter_mut().zip(bytes) {
            *out = if high { byte >> 4 } else { byte & 0x0f };
        }
    };
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 => {}
        Dtype::Q4_0 => {
            nibbles(&mut out, &block[2..]);
            out.iter_mut().for_each(|code| *code ^= 8);
        }
        Dtype::Q4_1 => nibbles(&mut out, &block[4..]),
        Dtype::Q5_0 => {
            nibbles(&mut out, &block[6..]);
            fifth_bits(&mut out, &block[2..]);
        }
        Dtype::Q5_1 => {
            nibbles(&mut out, &block[8..]);
            fifth_bits(&mut out, &block[4..]);
        }
        Dtype::Q8_0 => out.copy_from_slice(&block[2..2 + UNIT]),
        Dtype::Q4_K => halves(&mut out, &block[16 + i / 2 * 32..], i % 2 == 1),
        Dtype::Q5_K => {
            halves(&mut out, &block[48 + i / 2 * 32..], i % 2 == 1);
            for (out, high) in out.iter_mut().zip(&block[16..48]) {
                *out |= ((high >> i) & 1) << 4;
            }
        }
        Dtype::Q6_K => {
            let (part, quarter) = (i / 4, i % 4);
            halves(&mut out, &block[part * 64 + quarter % 2 * 32..], quarter / 2 == 1);
            for (out, high) in out.iter_mut().zip(&block[128 + part * 32..]) {
                *out |= ((high >> (quarter * 2)) & 3) << 4;
            }
        }
    }
    out
}

/// The code of column `column` of a unit, as [`codes`] made it.
fn code(dtype: Dtype, unit: &[u8], lane: usize, column: usize) -> u8 {
    let (_, high, low) = parts(dtype);
    let word = |at: usize, i: usize| {
        let bytes = &unit[at + i * WORDS + 4 * lane..][..4];
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    };
    let place = |i: usize, bits: usize| bits * (i / 2) + 16 * (i % 2);
    if dtype == Dtype::Q8_0 {
        return unit[low + column / 4 * WORDS + 4 * lane + [0, 2, 1, 3][column % 4]];
    }
    let nibble = (word(low, column / 8) >> place(column % 8, 4)) as u8 & 0x0f;
    let above = match low - high {
        0 => 0,
        WORDS => (word(high, 0) >> place(column, 1)) as u8 & 1,
        _ => (word(high, column / 16) >> place(column % 16, 2)) as u8 & 3,
    };
    nibble | (above << 4)
}

/// Write the numbers of one row of a panel, bit for bit those that [`crate::gguf::dequantise`] makes of the file.
pub fn unpack_row(dtype: Dtype, panel: &[u8], lane: usize, out: &mut [f32]) {
    let Some(sizes) = Sizes::of(dtype) else {
        let size = dtype.block_bytes();
        for (number, out) in panel.chunks_exact(LANES * size).zip(out) {
            let bytes = &number[lane * size..][..size];
            *out = match *bytes {
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                [a, b] if dtype == Dtype::F16 => crate::gguf::half([a, b]),
                [a, b] => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
                _ => 0.0,
            };
        }
        return;
    };
    let blocks = panel.chunks_exact(sizes.block_bytes());
    for (block, out) in blocks.zip(out.chunks_exact_mut(UNIT * sizes.units)) {
        let (head, units) = block.split_at(sizes.head_bytes);
        let float = |place: usize| {
            let bytes = &head[place * WORDS + 4 * lane..][..4];
            f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        for (unit, out) in units.chunks_exact(sizes.unit_bytes).zip(out.chunks_exact_mut(UNIT)) {
            let (first, second) = (f32::from(unit[lane]), f32::from(unit[LANES + lane]));
            let scale = || half(unit, 2 * lane);
            let least = || half(unit, 2 * LANES + 2 * lane);
            for (column, out) in out.iter_mut().enumerate() {
                let code = code(dtype, unit, lane, column);
                *out = match dtype {
                    Dtype::F32 | Dtype::F16 | Dtype::BF16 => 0.0,
                    Dtype::Q4_0 => scale() * f32::from((code ^ 8) as i8 - 8),
                    Dtype::Q5_0 => scale() * f32::from(code as i8 - 16),
                    Dtype::Q8_0 => scale() * f32::from(code as i8),
                    Dtype::Q4_1 | Dtype::Q5_1 => scale() * f32::from(code) + least(),
                    Dtype::Q4_K | Dtype::Q5_K => float(0) * first * f32::from(code) + float(1) * second,
                    Dtype::Q6_K => {
                        let scale = f32::from(unit[column / 16 * LANES + lane] as i8);
                        float(0) * scale * f32::from(code as i8 - 32)
                    }
                };
            }
        }
    }
}
