//! simd128: eight lanes are two vectors.

use core::arch::wasm32::*;

use super::{LANES, Wide};

/// Two vectors.
#[derive(Clone, Copy)]
pub struct Pair;

/// Lanes 0–3 and 4–7.
#[derive(Clone, Copy)]
pub struct V(v128, v128);

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(v128, v128) -> v128) -> V {
    V(f(a.0, b.0), f(a.1, b.1))
}

#[inline(always)]
fn map(a: V, f: impl Fn(v128) -> v128) -> V {
    V(f(a.0), f(a.1))
}

/// Eight int16 as int32, with their signs.
#[inline(always)]
unsafe fn load16(p: *const u8) -> V {
    // SAFETY: the caller's promise.
    let all = unsafe { v128_load(p.cast()) };
    V(i32x4_extend_low_i16x8(all), i32x4_extend_high_i16x8(all))
}

#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
fn fused(a: v128, b: v128, c: v128) -> v128 {
    f32x4_relaxed_madd(a, b, c)
}
#[cfg(not(target_feature = "relaxed-simd"))]
#[inline(always)]
fn fused(a: v128, b: v128, c: v128) -> v128 {
    f32x4_add(f32x4_mul(a, b), c)
}

impl Wide for Pair {
    type F = V;
    type I = V;
    const ROWS: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> V {
        V(f32x4_splat(x), f32x4_splat(x))
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        unsafe { V(v128_load(p.cast()), v128_load(p.add(4).cast())) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: V) {
        unsafe {
            v128_store(p.cast(), x.0);
            v128_store(p.add(4).cast(), x.1);
        }
    }
    #[inline(always)]
    fn add(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_add(a, b))
    }
    #[inline(always)]
    fn sub(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_sub(a, b))
    }
    #[inline(always)]
    fn mul(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_mul(a, b))
    }
    #[inline(always)]
    fn div(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_div(a, b))
    }
    #[inline(always)]
    fn min(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_pmin(a, b))
    }
    #[inline(always)]
    fn max(a: V, b: V) -> V {
        zip(a, b, |a, b| f32x4_pmax(a, b))
    }
    #[inline(always)]
    fn madd(a: V, b: V, c: V) -> V {
        V(fused(a.0, b.0, c.0), fused(a.1, b.1, c.1))
    }
    #[inline(always)]
    fn lanes(x: V) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        // SAFETY: the array holds eight numbers.
        unsafe { Self::store(out.as_mut_ptr(), x) };
        out
    }
    #[inline(always)]
    unsafe fn halves(p: *const u8) -> V {
        // The exponent is 112 too small once the fraction is in place; the product mends it, below the normal range too.
        map(unsafe { load16(p) }, |x| {
            let bits = v128_and(i32x4_shl(x, 13), u32x4_splat(0x8fff_e000));
            f32x4_mul(bits, u32x4_splat((112 + 127) << 23))
        })
    }
    #[inline(always)]
    unsafe fn bhalves(p: *const u8) -> V {
        map(unsafe { load16(p) }, |x| i32x4_shl(x, 16))
    }
    #[inline(always)]
    unsafe fn bytes(p: *const u8) -> V {
        let wide = unsafe { u16x8_load_extend_u8x8(p) };
        V(
            f32x4_convert_i32x4(u32x4_extend_low_u16x8(wide)),
            f32x4_convert_i32x4(u32x4_extend_high_u16x8(wide)),
        )
    }
    #[inline(always)]
    unsafe fn signed_bytes(p: *const u8) -> V {
        let wide = unsafe { i16x8_load_extend_i8x8(p.cast()) };
        V(
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(wide)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(wide)),
        )
    }
    #[inline(always)]
    fn zero() -> V {
        V(i32x4_splat(0), i32x4_splat(0))
    }
    #[inline(always)]
    fn splat16(x: i16) -> V {
        V(i16x8_splat(x), i16x8_splat(x))
    }
    #[inline(always)]
    unsafe fn load_int(p: *const u8) -> V {
        unsafe { V(v128_load(p.cast()), v128_load(p.add(16).cast())) }
    }
    #[inline(always)]
    unsafe fn store_int(p: *mut u8, x: V) {
        unsafe {
            v128_store(p.cast(), x.0);
            v128_store(p.add(16).cast(), x.1);
        }
    }
    #[inline(always)]
    unsafe fn load_pair(p: *const i16) -> V {
        let both = unsafe { v128_load32_splat(p.cast()) };
        V(both, both)
    }
    #[inline(always)]
    fn to_float(x: V) -> V {
        map(x, |x| f32x4_convert_i32x4(x))
    }
    #[inline(always)]
    fn to_int(x: V) -> V {
        map(x, |x| i32x4_trunc_sat_f32x4(x))
    }
    #[inline(always)]
    fn power_of_two(x: V) -> V {
        map(x, |x| i32x4_shl(i32x4_add(x, i32x4_splat(127)), 23))
    }
    #[inline(always)]
    fn add32(a: V, b: V) -> V {
        zip(a, b, |a, b| i32x4_add(a, b))
    }
    #[inline(always)]
    fn sub16(a: V, b: V) -> V {
        zip(a, b, |a, b| i16x8_sub(a, b))
    }
    #[inline(always)]
    fn and(a: V, b: V) -> V {
        zip(a, b, |a, b| v128_and(a, b))
    }
    #[inline(always)]
    fn or(a: V, b: V) -> V {
        zip(a, b, |a, b| v128_or(a, b))
    }
    #[inline(always)]
    fn shl16(x: V, by: u32) -> V {
        map(x, |x| i16x8_shl(x, by))
    }
    #[inline(always)]
    fn shr16(x: V, by: u32) -> V {
        map(x, |x| u16x8_shr(x, by))
    }
    #[inline(always)]
    fn sar16(x: V, by: u32) -> V {
        map(x, |x| i16x8_shr(x, by))
    }
    #[inline(always)]
    fn dot(sum: V, a: V, b: V) -> V {
        V(i32x4_add(sum.0, i32x4_dot_i16x8(a.0, b.0)), i32x4_add(sum.1, i32x4_dot_i16x8(a.1, b.1)))
    }
}
