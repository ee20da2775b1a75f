//! Eight lanes of float32 or int32: what the kernels of the language models are written in, once for all processors.
//!
//! In wasm eight lanes are two vectors. On x86-64 they are one, where the processor has AVX2, which is asked when the
//! program runs, because it may have been built for any. Everything else gets arrays that the compiler vectorises.
//!
//! A kernel is a type that implements [`Kernel`]; [`dispatch`] runs it with the best instructions. All functions on the
//! way from there to a single instruction are `inline(always)`, otherwise each instruction would become a call.

#[cfg(any(test, not(target_feature = "simd128")))]
mod portable;
#[cfg(target_feature = "simd128")]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Number of lanes.
pub const LANES: usize = 8;

/// A set of instructions.
///
/// The functions are unsafe where they read or write memory, and because the instructions of an implementation must
/// exist on the processor: only [`dispatch`] hands one out.
#[allow(missing_docs)]
pub trait Wide: Copy + 'static {
    /// Eight float32.
    type F: Copy;
    /// Eight int32, or the sixteen int16 that share their bits.
    type I: Copy;
    /// Rows of a register tile that the registers have room for.
    const ROWS: usize;

    fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    unsafe fn store(p: *mut f32, x: Self::F);
    fn add(a: Self::F, b: Self::F) -> Self::F;
    fn sub(a: Self::F, b: Self::F) -> Self::F;
    fn mul(a: Self::F, b: Self::F) -> Self::F;
    fn div(a: Self::F, b: Self::F) -> Self::F;
    fn min(a: Self::F, b: Self::F) -> Self::F;
    fn max(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once or twice.
    fn madd(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    fn lanes(x: Self::F) -> [f32; LANES];
    /// Eight half-precision numbers. Infinities may become large numbers instead.
    unsafe fn halves(p: *const u8) -> Self::F;
    /// Eight bfloat16.
    unsafe fn bhalves(p: *const u8) -> Self::F;
    /// Eight unsigned bytes as numbers.
    unsafe fn bytes(p: *const u8) -> Self::F;
    /// Eight signed bytes as numbers.
    unsafe fn signed_bytes(p: *const u8) -> Self::F;

    fn zero() -> Self::I;
    /// The same int16 in all sixteen places.
    fn splat16(x: i16) -> Self::I;
    /// 32 bytes.
    unsafe fn load_int(p: *const u8) -> Self::I;
    unsafe fn store_int(p: *mut u8, x: Self::I);
    /// Four bytes from memory in all lanes.
    unsafe fn load_pair(p: *const i16) -> Self::I;
    fn to_float(x: Self::I) -> Self::F;
    /// Numbers without their fractions; they must lie in the range of int32.
    fn to_int(x: Self::F) -> Self::I;
    /// Two to the power of the lane.
    fn power_of_two(x: Self::I) -> Self::F;
    fn add32(a: Self::I, b: Self::I) -> Self::I;
    fn sub16(a: Self::I, b: Self::I) -> Self::I;
    fn and(a: Self::I, b: Self::I) -> Self::I;
    fn or(a: Self::I, b: Self::I) -> Self::I;
    /// Shift int16 left.
    fn shl16(x: Self::I, by: u32) -> Self::I;
    /// Shift int16 right, filling with zeros.
    fn shr16(x: Self::I, by: u32) -> Self::I;
    /// Shift int16 right, filling with the sign.
    fn sar16(x: Self::I, by: u32) -> Self::I;
    /// Add the products of the int16 pairs that share a lane.
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
}

/// Work that is compiled once per set of instructions.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// Do it. Must be `inline(always)`, as must be all that it calls.
    fn run<W: Wide>(self) -> Self::Output;
}

/// Run with the best instructions that are there.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_feature = "simd128")]
    return kernel.run::<wasm::Pair>();
    #[cfg(target_arch = "x86_64")]
    if x86::there() {
        // SAFETY: the processor was asked just now.
        return unsafe { x86::run(kernel) };
    }
    #[cfg(not(target_feature = "simd128"))]
    kernel.run::<portable::Arrays>()
}

/// Run with instructions that every processor has: to test them where better ones are there.
#[cfg(test)]
pub fn dispatch_portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<portable::Arrays>()
}

/// Sum of the lanes, always in the same order.
#[inline(always)]
pub fn sum<W: Wide>(x: W::F) -> f32 {
    let [a, b, c, d, e, f, g, h] = W::lanes(x);
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// The largest lane.
#[inline(always)]
pub fn largest<W: Wide>(x: W::F) -> f32 {
    let [a, b, c, d, e, f, g, h] = W::lanes(x);
    a.max(b).max(c.max(d)).max(e.max(f).max(g.max(h)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation on a few numbers, as bits.
    struct All;

    impl Kernel for All {
        type Output = Vec<u32>;

        #[inline(always)]
        fn run<W: Wide>(self) -> Vec<u32> {
            let bytes: Vec<u8> = (0..64_u32).map(|i| (i * 89 + 7) as u8).collect();
            let halves: Vec<u8> =
                (0..8_u16).flat_map(|i| (i * 0x0e67 + 0x8001 * (i % 2)).to_le_bytes()).collect();
            let (a, b) = (
                [1.5_f32, -2.25, 3.0, 0.1, -7.7, 1e9, -1e-9, 100.5],
                [2.0_f32, 3.5, -0.25, 9.0, 7.0, 1.0, -5.0, 0.3],
            );
            let mut out = Vec::new();
            // SAFETY: every array has the bytes of its load.
            unsafe {
                let (x, y) = (W::load(a.as_ptr()), W::load(b.as_ptr()));
                let (i, j) = (W::load_int(bytes.as_ptr()), W::load_int(bytes.as_ptr().add(32)));
                let mut float = |x: W::F| out.extend(W::lanes(x).map(f32::to_bits));
                for x in [W::add(x, y), W::sub(x, y), W::mul(x, y), W::div(x, y), W::min(x, y), W::max(x, y)]
                {
                    float(x);
                }
                float(W::madd(W::splat(2.0), W::splat(3.0), x));
                for x in [
                    W::halves(halves.as_ptr()),
                    W::bhalves(halves.as_ptr()),
                    W::bytes(bytes.as_ptr()),
                    W::signed_bytes(bytes.as_ptr()),
                ] {
                    float(x);
                }
                float(W::power_of_two(W::to_int(W::min(W::max(x, W::splat(-100.0)), W::splat(100.0)))));
                let pair = [-300_i16, 12_345];
                for i in [
                    W::zero(),
                    W::splat16(-77),
                    W::load_pair(pair.as_ptr()),
                    W::add32(i, j),
                    W::sub16(i, j),
                    W::and(i, j),
                    W::or(i, j),
                    W::shl16(i, 5),
                    W::shr16(i, 5),
                    W::sar16(i, 5),
                    W::dot(i, W::shr16(j, 2), W::sar16(i, 3)),
                ] {
                    let mut stored = [0_u8; 32];
                    W::store_int(stored.as_mut_ptr(), i);
                    out.extend(stored.as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b)));
                    out.extend(W::lanes(W::to_float(i)).map(f32::to_bits));
                }
                let mut stored = [0.0; 8];
                W::store(stored.as_mut_ptr(), x);
                out.extend(stored.map(f32::to_bits));
                out.push(sum::<W>(x).to_bits());
                out.push(largest::<W>(x).to_bits());
            }
            out
        }
    }

    #[test]
    fn all_instructions_agree_bit_for_bit() {
        assert_eq!(dispatch(All), dispatch_portable(All));
    }
}
