//! Arrays: for processors without an implementation of their own, and what the others are tested against.

use super::{LANES, Wide};

/// Eight lanes as arrays.
#[derive(Clone, Copy)]
pub struct Arrays;

type F = [f32; LANES];
type I = [i32; LANES];

#[inline(always)]
fn map<A: Copy, R: Copy + Default>(a: [A; LANES], f: impl Fn(A) -> R) -> [R; LANES] {
    let mut out = [R::default(); LANES];
    for i in 0..LANES {
        out[i] = f(a[i]);
    }
    out
}

#[inline(always)]
fn zip<A: Copy, R: Copy + Default>(a: [A; LANES], b: [A; LANES], f: impl Fn(A, A) -> R) -> [R; LANES] {
    let mut out = [R::default(); LANES];
    for i in 0..LANES {
        out[i] = f(a[i], b[i]);
    }
    out
}

/// Both int16 of every lane through `f`.
#[inline(always)]
fn each16(a: I, f: impl Fn(u16) -> u16) -> I {
    map(a, |x| i32::from(f(x as u16)) | (i32::from(f((x >> 16) as u16)) << 16))
}

#[inline(always)]
unsafe fn read<T: Copy, R: Copy + Default>(p: *const u8, f: impl Fn(T) -> R) -> [R; LANES] {
    // SAFETY: the caller's promise.
    map(unsafe { p.cast::<[T; LANES]>().read_unaligned() }, f)
}

impl Wide for Arrays {
    type F = F;
    type I = I;
    const ROWS: usize = 2;

    #[inline(always)]
    fn splat(x: f32) -> F {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> F {
        unsafe { p.cast::<F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: F) {
        unsafe { p.cast::<F>().write_unaligned(x) }
    }
    #[inline(always)]
    fn add(a: F, b: F) -> F {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(a: F, b: F) -> F {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(a: F, b: F) -> F {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(a: F, b: F) -> F {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn min(a: F, b: F) -> F {
        zip(a, b, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    fn max(a: F, b: F) -> F {
        zip(a, b, |a, b| if a < b { b } else { a })
    }
    #[inline(always)]
    fn madd(a: F, b: F, c: F) -> F {
        Self::add(Self::mul(a, b), c)
    }
    #[inline(always)]
    fn lanes(x: F) -> [f32; LANES] {
        x
    }
    #[inline(always)]
    unsafe fn halves(p: *const u8) -> F {
        // The exponent is 112 too small once the fraction is in place; the product mends it, below the normal range too.
        let widen = |x: i16| f32::from_bits((i32::from(x) << 13) as u32 & 0x8fff_e000) * 2f32.powi(112);
        unsafe { read(p, widen) }
    }
    #[inline(always)]
    unsafe fn bhalves(p: *const u8) -> F {
        unsafe { read(p, |x: u16| f32::from_bits(u32::from(x) << 16)) }
    }
    #[inline(always)]
    unsafe fn bytes(p: *const u8) -> F {
        unsafe { read(p, |x: u8| f32::from(x)) }
    }
    #[inline(always)]
    unsafe fn signed_bytes(p: *const u8) -> F {
        unsafe { read(p, |x: i8| f32::from(x)) }
    }
    #[inline(always)]
    fn zero() -> I {
        [0; LANES]
    }
    #[inline(always)]
    fn splat16(x: i16) -> I {
        each16([0; LANES], |_| x as u16)
    }
    #[inline(always)]
    unsafe fn load_int(p: *const u8) -> I {
        unsafe { read(p, |x: i32| x) }
    }
    #[inline(always)]
    unsafe fn store_int(p: *mut u8, x: I) {
        unsafe { p.cast::<I>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn load_pair(p: *const i16) -> I {
        [unsafe { p.cast::<i32>().read_unaligned() }; LANES]
    }
    #[inline(always)]
    fn to_float(x: I) -> F {
        map(x, |x| x as f32)
    }
    #[inline(always)]
    fn to_int(x: F) -> I {
        map(x, |x| x as i32)
    }
    #[inline(always)]
    fn power_of_two(x: I) -> F {
        map(x, |x| f32::from_bits((x.wrapping_add(127) << 23) as u32))
    }
    #[inline(always)]
    fn add32(a: I, b: I) -> I {
        zip(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn sub16(a: I, b: I) -> I {
        let sub = |a: i32, b: i32| i32::from((a as u16).wrapping_sub(b as u16));
        zip(a, b, |a, b| sub(a, b) | (sub(a >> 16, b >> 16) << 16))
    }
    #[inline(always)]
    fn and(a: I, b: I) -> I {
        zip(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(a: I, b: I) -> I {
        zip(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn shl16(x: I, by: u32) -> I {
        each16(x, |x| x << by)
    }
    #[inline(always)]
    fn shr16(x: I, by: u32) -> I {
        each16(x, |x| x >> by)
    }
    #[inline(always)]
    fn sar16(x: I, by: u32) -> I {
        each16(x, |x| ((x as i16) >> by) as u16)
    }
    #[inline(always)]
    fn dot(sum: I, a: I, b: I) -> I {
        let products = zip(a, b, |a, b| {
            let low = i32::from(a as i16) * i32::from(b as i16);
            low.wrapping_add((a >> 16) * (b >> 16))
        });
        Self::add32(sum, products)
    }
}
