//! AVX2 on x86-64, with the integer dot products of AVX-VNNI where the processor has them.

use core::arch::x86_64::*;

use super::{Kernel, LANES, Wide};

/// 256-bit vectors; `VNNI` says whether one instruction multiplies and adds.
#[derive(Clone, Copy)]
pub struct Avx<const VNNI: bool>;

/// Whether the processor has what [`run`] needs.
#[inline]
pub fn there() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Run with the best of them.
///
/// # Safety
/// [`there`] must have said so.
#[inline]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    if is_x86_feature_detected!("avxvnni") {
        // SAFETY: the processor was asked just now.
        unsafe { run_vnni(kernel) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { run_avx2(kernel) }
    }
}

#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
unsafe fn run_vnni<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx<true>>()
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx<false>>()
}

// SAFETY of all below: `dispatch` gives this type only to processors that have the instructions; what is read and
// written is the promise of the caller.
impl<const VNNI: bool> Wide for Avx<VNNI> {
    type F = __m256;
    type I = __m256i;
    const ROWS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: __m256) {
        unsafe { _mm256_storeu_ps(p, x) }
    }
    #[inline(always)]
    fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn min(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(b, a) }
    }
    #[inline(always)]
    fn max(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(b, a) }
    }
    #[inline(always)]
    fn madd(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn lanes(x: __m256) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), x) };
        out
    }
    #[inline(always)]
    unsafe fn halves(p: *const u8) -> __m256 {
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(p.cast())) }
    }
    #[inline(always)]
    unsafe fn bhalves(p: *const u8) -> __m256 {
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
        }
    }
    #[inline(always)]
    unsafe fn bytes(p: *const u8) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()))) }
    }
    #[inline(always)]
    unsafe fn signed_bytes(p: *const u8) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast()))) }
    }
    #[inline(always)]
    fn zero() -> __m256i {
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    fn splat16(x: i16) -> __m256i {
        unsafe { _mm256_set1_epi16(x) }
    }
    #[inline(always)]
    unsafe fn load_int(p: *const u8) -> __m256i {
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_int(p: *mut u8, x: __m256i) {
        unsafe { _mm256_storeu_si256(p.cast(), x) }
    }
    #[inline(always)]
    unsafe fn load_pair(p: *const i16) -> __m256i {
        unsafe { _mm256_set1_epi32(p.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    fn to_float(x: __m256i) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(x) }
    }
    #[inline(always)]
    fn to_int(x: __m256) -> __m256i {
        unsafe { _mm256_cvttps_epi32(x) }
    }
    #[inline(always)]
    fn power_of_two(x: __m256i) -> __m256 {
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(x, _mm256_set1_epi32(127)))) }
    }
    #[inline(always)]
    fn add32(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    fn sub16(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_sub_epi16(a, b) }
    }
    #[inline(always)]
    fn and(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    fn or(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_or_si256(a, b) }
    }
    // The counts are constants wherever these are used, and become part of the instruction.
    #[inline(always)]
    fn shl16(x: __m256i, by: u32) -> __m256i {
        unsafe { _mm256_sll_epi16(x, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    fn shr16(x: __m256i, by: u32) -> __m256i {
        unsafe { _mm256_srl_epi16(x, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    fn sar16(x: __m256i, by: u32) -> __m256i {
        unsafe { _mm256_sra_epi16(x, _mm_cvtsi32_si128(by as i32)) }
    }
    #[inline(always)]
    fn dot(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
        unsafe {
            if VNNI {
                _mm256_dpwssd_avx_epi32(sum, a, b)
            } else {
                _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
            }
        }
    }
}
