//! How quantised weights lie in memory, and how the kernels read them.
//!
//! A matrix is cut into panels of eight rows, one for each lane. Its blocks keep every bit that they have in the file;
//! only the order changes, so that one load brings the same columns of all eight rows, and shifts and masks alone make
//! pairs of int16 of them. A *unit* is 32 columns of a panel. Blocks of 32 are one unit; the large blocks of 256 are
//! eight units behind a head, whose two scales are float32 instead of half precision, because they are often below the
//! normal range of the latter, where conversions are slow.
//!
//! The low four bits of all formats but Q8_0 lie in words of 32 bits: word `g` of a row holds columns 8g to 8g + 7, even
//! columns in its low half, odd ones in its high half, so that shifting by 4j brings pair j to the lowest bits.

use crate::cpu::wide::{LANES, Wide};
use crate::gguf::Dtype;

/// Columns of a unit.
pub const UNIT: usize = 32;
/// Bytes of one vector of the panel: four for each row.
const WORDS: usize = 4 * LANES;
/// Bytes of half-precision numbers of all rows.
const HALVES: usize = 2 * LANES;
/// Bytes of the low four bits of a unit.
const NIBBLES: usize = 4 * WORDS;

/// What the kernels must know of a format.
///
/// `block` points to a block of a panel, `unit` to one of its units.
pub trait Format: 'static {
    /// Bytes before the units of a block.
    const HEAD_BYTES: usize = 0;
    /// Units of a block.
    const UNITS: usize = 1;
    /// Bytes of a unit.
    const UNIT_BYTES: usize;
    /// Columns that share a scale: 32 or 16.
    const STEP: usize = UNIT;
    /// Whether something is added besides: a number is `scale * code + least`.
    const LEAST: bool = false;

    /// The codes of columns 8g to 8g + 7 as pairs of int16.
    ///
    /// # Safety
    /// `unit` must be a unit of this format.
    unsafe fn group<W: Wide>(unit: *const u8, g: usize) -> [W::I; 4];

    /// The scales of the rows, for step `step` of the unit.
    ///
    /// # Safety
    /// As above.
    unsafe fn scale<W: Wide>(block: *const u8, unit: *const u8, step: usize) -> W::F;

    /// What is added in each row.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn least<W: Wide>(_block: *const u8, _unit: *const u8) -> W::F {
        W::splat(0.0)
    }
}

/// Four bits as unsigned numbers.
#[inline(always)]
unsafe fn nibbles<W: Wide>(words: *const u8, g: usize) -> [W::I; 4] {
    // SAFETY: the caller points to four vectors.
    let x = unsafe { W::load_int(words.add(g * WORDS)) };
    let mask = W::splat16(0x0f);
    [W::and(x, mask), W::and(W::shr16(x, 4), mask), W::and(W::shr16(x, 8), mask), W::shr16(x, 12)]
}

/// Four bits as signed numbers.
#[inline(always)]
unsafe fn signed_nibbles<W: Wide>(words: *const u8, g: usize) -> [W::I; 4] {
    // SAFETY: the caller points to four vectors.
    let x = unsafe { W::load_int(words.add(g * WORDS)) };
    [
        W::sar16(W::shl16(x, 12), 12),
        W::sar16(W::shl16(x, 8), 12),
        W::sar16(W::shl16(x, 4), 12),
        W::sar16(x, 12),
    ]
}

/// Five bits: the highest of pair p is bit p of each half of one more word.
#[inline(always)]
unsafe fn five_bits<W: Wide>(high: *const u8, words: *const u8, g: usize) -> [W::I; 4] {
    // SAFETY: the caller points to one and four vectors.
    let (low, high) = unsafe { (nibbles::<W>(words, g), W::load_int(high)) };
    let mask = W::splat16(0x10);
    let mut out = low;
    for (j, out) in out.iter_mut().enumerate() {
        let p = (4 * g + j) as u32;
        let bit = if p <= 4 { W::shl16(high, 4 - p) } else { W::shr16(high, p - 4) };
        *out = W::or(*out, W::and(bit, mask));
    }
    out
}

/// Six bits less 32: the highest two of pair p are bits 2p and 2p + 1 (modulo 16) of each half of two more words.
#[inline(always)]
unsafe fn six_bits<W: Wide>(high: *const u8, words: *const u8, g: usize) -> [W::I; 4] {
    // SAFETY: the caller points to two and four vectors.
    let (low, high) = unsafe { (nibbles::<W>(words, g), W::load_int(high.add(g / 2 * WORDS))) };
    let mask = W::splat16(0x30);
    let mut out = low;
    for (j, out) in out.iter_mut().enumerate() {
        let at = 2 * ((4 * g + j) % 8) as u32;
        let bits = if at <= 4 { W::shl16(high, 4 - at) } else { W::shr16(high, at - 4) };
        *out = W::sub16(W::or(*out, W::and(bits, mask)), W::splat16(32));
    }
    out
}

/// Blocks of 32: scale, least where there is one, highest bits where there are some, the rest.
macro_rules! small {
    ($name:ident, least: $least:literal, bytes: $bytes:expr, |$words:ident, $g:ident| $group:expr) => {
        #[doc = concat!("The format ", stringify!($name), ".")]
        #[allow(non_camel_case_types)]
        pub struct $name;

        impl Format for $name {
            const UNIT_BYTES: usize = HALVES * (1 + $least as usize) + $bytes;
            const LEAST: bool = $least;

            #[inline(always)]
            unsafe fn group<W: Wide>(unit: *const u8, $g: usize) -> [W::I; 4] {
                // SAFETY: the caller's promise.
                unsafe {
                    let $words = unit.add(HALVES * (1 + $least as usize));
                    $group
                }
            }
            #[inline(always)]
            unsafe fn scale<W: Wide>(_: *const u8, unit: *const u8, _: usize) -> W::F {
                // SAFETY: the caller's promise.
                unsafe { W::halves(unit) }
            }
            #[inline(always)]
            unsafe fn least<W: Wide>(_: *const u8, unit: *const u8) -> W::F {
                // SAFETY: the caller's promise; nobody asks where there is none.
                if $least { unsafe { W::halves(unit.add(HALVES)) } } else { W::splat(0.0) }
            }
        }
    };
}

small!(Q4_0, least: false, bytes: NIBBLES, |words, g| signed_nibbles::<W>(words, g));
small!(Q4_1, least: true, bytes: NIBBLES, |words, g| nibbles::<W>(words, g));
small!(Q5_0, least: false, bytes: WORDS + NIBBLES, |words, g| {
    let codes = five_bits::<W>(words, words.add(WORDS), g);
    let middle = W::splat16(16);
    [
        W::sub16(codes[0], middle),
        W::sub16(codes[1], middle),
        W::sub16(codes[2], middle),
        W::sub16(codes[3], middle),
    ]
});
small!(Q5_1, least: true, bytes: WORDS + NIBBLES, |words, g| five_bits::<W>(words, words.add(WORDS), g));
// A word holds two pairs: one in the even bytes, one in the odd ones.
small!(Q8_0, least: false, bytes: 8 * WORDS, |words, g| {
    let (x, y) = (W::load_int(words.add(2 * g * WORDS)), W::load_int(words.add((2 * g + 1) * WORDS)));
    [W::sar16(W::shl16(x, 8), 8), W::sar16(x, 8), W::sar16(W::shl16(y, 8), 8), W::sar16(y, 8)]
});

/// Bytes of a float32 of all rows.
const FLOATS: usize = 4 * LANES;

/// Blocks of 256 with a scale and a least per 32: head of two float32, then units of two bytes and the codes.
macro_rules! large {
    ($name:ident, bytes: $bytes:expr, |$words:ident, $g:ident| $group:expr) => {
        #[doc = concat!("The format ", stringify!($name), ".")]
        #[allow(non_camel_case_types)]
        pub struct $name;

        impl Format for $name {
            const HEAD_BYTES: usize = 2 * FLOATS;
            const UNITS: usize = 8;
            const UNIT_BYTES: usize = 2 * LANES + $bytes;
            const LEAST: bool = true;

            #[inline(always)]
            unsafe fn group<W: Wide>(unit: *const u8, $g: usize) -> [W::I; 4] {
                // SAFETY: the caller's promise.
                unsafe {
                    let $words = unit.add(2 * LANES);
                    $group
                }
            }
            #[inline(always)]
            unsafe fn scale<W: Wide>(block: *const u8, unit: *const u8, _: usize) -> W::F {
                // SAFETY: the caller's promise.
                unsafe { W::mul(W::load(block.cast()), W::bytes(unit)) }
            }
            #[inline(always)]
            unsafe fn least<W: Wide>(block: *const u8, unit: *const u8) -> W::F {
                // SAFETY: the caller's promise.
                unsafe { W::mul(W::load(block.add(FLOATS).cast()), W::bytes(unit.add(LANES))) }
            }
        }
    };
}

large!(Q4_K, bytes: NIBBLES, |words, g| nibbles::<W>(words, g));
large!(Q5_K, bytes: WORDS + NIBBLES, |words, g| five_bits::<W>(words, words.add(WORDS), g));

/// The format Q6_K: a head of one float32, then units of two signed bytes, one for each half, and the codes.
#[allow(non_camel_case_types)]
pub struct Q6_K;

impl Format for Q6_K {
    const HEAD_BYTES: usize = FLOATS;
    const UNITS: usize = 8;
    const UNIT_BYTES: usize = 2 * LANES + 2 * WORDS + NIBBLES;
    const STEP: usize = UNIT / 2;

    #[inline(always)]
    unsafe fn group<W: Wide>(unit: *const u8, g: usize) -> [W::I; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let high = unit.add(2 * LANES);
            six_bits::<W>(high, high.add(2 * WORDS), g)
        }
    }
    #[inline(always)]
    unsafe fn scale<W: Wide>(block: *const u8, unit: *const u8, step: usize) -> W::F {
        // SAFETY: the caller's promise.
        unsafe { W::mul(W::load(block.cast()), W::signed_bytes(unit.add(step * LANES))) }
    }
}

/// Sizes of a format as numbers: where they matter and speed does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes before the units of a block.
    pub head_bytes: usize,
    /// Units of a block.
    pub units: usize,
    /// Bytes of a unit.
    pub unit_bytes: usize,
}

impl Sizes {
    /// Those of a format in blocks.
    ///
    /// Nothing for formats without blocks.
    #[must_use]
    pub fn of(dtype: Dtype) -> Option<Self> {
        fn of<F: Format>() -> Option<Sizes> {
            Some(Sizes { head_bytes: F::HEAD_BYTES, units: F::UNITS, unit_bytes: F::UNIT_BYTES })
        }
        match dtype {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => None,
            Dtype::Q4_0 => of::<Q4_0>(),
            Dtype::Q4_1 => of::<Q4_1>(),
            Dtype::Q5_0 => of::<Q5_0>(),
            Dtype::Q5_1 => of::<Q5_1>(),
            Dtype::Q8_0 => of::<Q8_0>(),
            Dtype::Q4_K => of::<Q4_K>(),
            Dtype::Q5_K => of::<Q5_K>(),
            Dtype::Q6_K => of::<Q6_K>(),
        }
    }

    /// Bytes of a block of a panel.
    #[must_use]
    pub fn block_bytes(self) -> usize {
        self.head_bytes + self.units * self.unit_bytes
    }
}
