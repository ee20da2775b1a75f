//! Four lanes of float32 and four lanes of int32: the only place that knows instruction sets.
//!
//! wasm uses simd128 (and relaxed SIMD when the module is built for it), x86-64 uses SSE2, which every such processor
//! has, and everything else uses arrays that the compiler vectorises. All three give the same bits, except
//! [`F4::madd`] with `FUSED`, which rounds once instead of twice where relaxed SIMD is compiled in.

// Loads and stores go through raw pointers: the kernels check the bounds of a whole tile once, and checking each load
// again would cost more than the arithmetic.

#[cfg(target_feature = "simd128")]
mod imp {
    use core::arch::wasm32::*;

    pub type Float4 = v128;
    pub type Int4 = v128;

    #[inline(always)]
    pub fn splat(x: f32) -> v128 {
        f32x4_splat(x)
    }
    #[inline(always)]
    pub unsafe fn load(p: *const f32) -> v128 {
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    pub unsafe fn load_splat(p: *const f32) -> v128 {
        unsafe { v128_load32_splat(p.cast()) }
    }
    #[inline(always)]
    pub unsafe fn store(p: *mut f32, v: v128) {
        unsafe { v128_store(p.cast(), v) }
    }
    #[inline(always)]
    pub fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    pub fn sub(a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    pub fn mul(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    pub fn div(a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    #[inline(always)]
    pub fn min(a: v128, b: v128) -> v128 {
        f32x4_pmin(a, b)
    }
    #[inline(always)]
    pub fn max(a: v128, b: v128) -> v128 {
        f32x4_pmax(a, b)
    }
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn fused(a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    pub fn fused(a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }
    #[inline(always)]
    pub fn lanes(v: v128) -> [f32; 4] {
        [
            f32x4_extract_lane::<0>(v),
            f32x4_extract_lane::<1>(v),
            f32x4_extract_lane::<2>(v),
            f32x4_extract_lane::<3>(v),
        ]
    }
    #[inline(always)]
    pub fn from_int(v: v128) -> v128 {
        f32x4_convert_i32x4(v)
    }
    #[inline(always)]
    pub fn to_int(v: v128) -> v128 {
        i32x4_trunc_sat_f32x4(v)
    }
    #[inline(always)]
    pub fn int_bits(v: v128) -> v128 {
        v
    }
    #[inline(always)]
    pub fn int_zero() -> v128 {
        i32x4_splat(0)
    }
    #[inline(always)]
    pub fn int_splat(x: i32) -> v128 {
        i32x4_splat(x)
    }
    #[inline(always)]
    pub unsafe fn int_load(p: *const i32) -> v128 {
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    pub unsafe fn int_load_splat(p: *const i32) -> v128 {
        unsafe { v128_load32_splat(p.cast()) }
    }
    #[inline(always)]
    pub fn int_add(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }
    #[inline(always)]
    pub fn int_mul(a: v128, b: v128) -> v128 {
        i32x4_mul(a, b)
    }
    #[inline(always)]
    pub fn int_shl23(a: v128) -> v128 {
        i32x4_shl(a, 23)
    }
    #[inline(always)]
    pub fn int_lanes(v: v128) -> [i32; 4] {
        [
            i32x4_extract_lane::<0>(v),
            i32x4_extract_lane::<1>(v),
            i32x4_extract_lane::<2>(v),
            i32x4_extract_lane::<3>(v),
        ]
    }
    #[inline(always)]
    pub fn dot_i16(acc: v128, a: v128, b: v128) -> v128 {
        i32x4_add(acc, i32x4_dot_i16x8(a, b))
    }
    #[inline(always)]
    pub fn narrow_i16(a: v128, b: v128) -> v128 {
        i16x8_narrow_i32x4(a, b)
    }
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn narrow_i8(a: v128, b: v128) -> v128 {
        i8x16_narrow_i16x8(a, b)
    }
    #[inline(always)]
    pub unsafe fn int_store(p: *mut i32, v: v128) {
        unsafe { v128_store(p.cast(), v) }
    }
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn dot_i8_u7(acc: v128, w: v128, a: v128) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(w, a, acc)
    }
}

#[cfg(all(target_arch = "x86_64", not(target_feature = "simd128")))]
mod imp {
    use core::arch::x86_64::*;

    pub type Float4 = __m128;
    pub type Int4 = __m128i;

    // SAFETY of this whole module: SSE2 is part of the x86-64 baseline, so its instructions always exist.

    #[inline(always)]
    pub fn splat(x: f32) -> __m128 {
        unsafe { _mm_set1_ps(x) }
    }
    #[inline(always)]
    pub unsafe fn load(p: *const f32) -> __m128 {
        unsafe { _mm_loadu_ps(p) }
    }
    #[inline(always)]
    pub unsafe fn load_splat(p: *const f32) -> __m128 {
        unsafe { _mm_set1_ps(*p) }
    }
    #[inline(always)]
    pub unsafe fn store(p: *mut f32, v: __m128) {
        unsafe { _mm_storeu_ps(p, v) }
    }
    #[inline(always)]
    pub fn add(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_add_ps(a, b) }
    }
    #[inline(always)]
    pub fn sub(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_sub_ps(a, b) }
    }
    #[inline(always)]
    pub fn mul(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_mul_ps(a, b) }
    }
    #[inline(always)]
    pub fn div(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_div_ps(a, b) }
    }
    #[inline(always)]
    pub fn min(a: __m128, b: __m128) -> __m128 {
        // Operand order as wasm's pmin: the first operand wins a tie or a NaN.
        unsafe { _mm_min_ps(b, a) }
    }
    #[inline(always)]
    pub fn max(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_max_ps(b, a) }
    }
    #[inline(always)]
    pub fn fused(a: __m128, b: __m128, c: __m128) -> __m128 {
        add(mul(a, b), c)
    }
    #[inline(always)]
    pub fn lanes(v: __m128) -> [f32; 4] {
        let mut out = [0.0; 4];
        unsafe { _mm_storeu_ps(out.as_mut_ptr(), v) };
        out
    }
    #[inline(always)]
    pub fn from_int(v: __m128i) -> __m128 {
        unsafe { _mm_cvtepi32_ps(v) }
    }
    #[inline(always)]
    pub fn to_int(v: __m128) -> __m128i {
        unsafe { _mm_cvttps_epi32(v) }
    }
    #[inline(always)]
    pub fn int_bits(v: __m128i) -> __m128 {
        unsafe { _mm_castsi128_ps(v) }
    }
    #[inline(always)]
    pub fn int_zero() -> __m128i {
        unsafe { _mm_setzero_si128() }
    }
    #[inline(always)]
    pub fn int_splat(x: i32) -> __m128i {
        unsafe { _mm_set1_epi32(x) }
    }
    #[inline(always)]
    pub unsafe fn int_load(p: *const i32) -> __m128i {
        unsafe { _mm_loadu_si128(p.cast()) }
    }
    #[inline(always)]
    pub unsafe fn int_load_splat(p: *const i32) -> __m128i {
        unsafe { _mm_set1_epi32(p.read_unaligned()) }
    }
    #[inline(always)]
    pub fn int_add(a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_add_epi32(a, b) }
    }
    #[inline(always)]
    pub fn int_mul(a: __m128i, b: __m128i) -> __m128i {
        // SSE2 multiplies only the even lanes to 64 bits; the low halves of both passes make the product.
        unsafe {
            let even = _mm_mul_epu32(a, b);
            let odd = _mm_mul_epu32(_mm_srli_si128::<4>(a), _mm_srli_si128::<4>(b));
            _mm_unpacklo_epi32(
                _mm_shuffle_epi32::<0b00_00_10_00>(even),
                _mm_shuffle_epi32::<0b00_00_10_00>(odd),
            )
        }
    }
    #[inline(always)]
    pub fn int_shl23(a: __m128i) -> __m128i {
        unsafe { _mm_slli_epi32::<23>(a) }
    }
    #[inline(always)]
    pub fn int_lanes(v: __m128i) -> [i32; 4] {
        let mut out = [0; 4];
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), v) };
        out
    }
    #[inline(always)]
    pub fn dot_i16(acc: __m128i, a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_add_epi32(acc, _mm_madd_epi16(a, b)) }
    }
    #[inline(always)]
    pub fn narrow_i16(a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_packs_epi32(a, b) }
    }
    #[inline(always)]
    pub unsafe fn int_store(p: *mut i32, v: __m128i) {
        unsafe { _mm_storeu_si128(p.cast(), v) }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_feature = "simd128")))]
mod imp {
    pub type Float4 = [f32; 4];
    pub type Int4 = [i32; 4];

    #[inline(always)]
    fn zip<T: Copy, R>(a: [T; 4], b: [T; 4], f: impl Fn(T, T) -> R) -> [R; 4] {
        core::array::from_fn(|i| f(a[i], b[i]))
    }
    #[inline(always)]
    pub fn splat(x: f32) -> Float4 {
        [x; 4]
    }
    #[inline(always)]
    pub unsafe fn load(p: *const f32) -> Float4 {
        unsafe { p.cast::<Float4>().read_unaligned() }
    }
    #[inline(always)]
    pub unsafe fn load_splat(p: *const f32) -> Float4 {
        [unsafe { *p }; 4]
    }
    #[inline(always)]
    pub unsafe fn store(p: *mut f32, v: Float4) {
        unsafe { p.cast::<Float4>().write_unaligned(v) }
    }
    #[inline(always)]
    pub fn add(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    pub fn sub(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    pub fn mul(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    pub fn div(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    pub fn min(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    pub fn max(a: Float4, b: Float4) -> Float4 {
        zip(a, b, |a, b| if a < b { b } else { a })
    }
    #[inline(always)]
    pub fn fused(a: Float4, b: Float4, c: Float4) -> Float4 {
        add(mul(a, b), c)
    }
    #[inline(always)]
    pub fn lanes(v: Float4) -> [f32; 4] {
        v
    }
    #[inline(always)]
    pub fn from_int(v: Int4) -> Float4 {
        v.map(|x| x as f32)
    }
    #[inline(always)]
    pub fn to_int(v: Float4) -> Int4 {
        v.map(|x| x as i32)
    }
    #[inline(always)]
    pub fn int_bits(v: Int4) -> Float4 {
        v.map(|x| f32::from_bits(x as u32))
    }
    #[inline(always)]
    pub fn int_zero() -> Int4 {
        [0; 4]
    }
    #[inline(always)]
    pub fn int_splat(x: i32) -> Int4 {
        [x; 4]
    }
    #[inline(always)]
    pub unsafe fn int_load(p: *const i32) -> Int4 {
        unsafe { p.cast::<Int4>().read_unaligned() }
    }
    #[inline(always)]
    pub unsafe fn int_load_splat(p: *const i32) -> Int4 {
        [unsafe { p.read_unaligned() }; 4]
    }
    #[inline(always)]
    pub fn int_add(a: Int4, b: Int4) -> Int4 {
        zip(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    pub fn int_mul(a: Int4, b: Int4) -> Int4 {
        zip(a, b, i32::wrapping_mul)
    }
    #[inline(always)]
    pub fn int_shl23(a: Int4) -> Int4 {
        a.map(|x| x << 23)
    }
    #[inline(always)]
    pub fn int_lanes(v: Int4) -> [i32; 4] {
        v
    }
    #[inline(always)]
    pub fn dot_i16(acc: Int4, a: Int4, b: Int4) -> Int4 {
        // Each lane holds two int16, the first one in the low half.
        let low = |x: i32| i32::from(x as i16);
        let high = |x: i32| x >> 16;
        core::array::from_fn(|i| acc[i] + low(a[i]) * low(b[i]) + high(a[i]) * high(b[i]))
    }
    #[inline(always)]
    pub fn narrow_i16(a: Int4, b: Int4) -> Int4 {
        let pack = |low: i32, high: i32| {
            let clamp = |x: i32| x.clamp(i32::from(i16::MIN), i32::from(i16::MAX));
            (clamp(low) & 0xffff) | (clamp(high) << 16)
        };
        [pack(a[0], a[1]), pack(a[2], a[3]), pack(b[0], b[1]), pack(b[2], b[3])]
    }
    #[inline(always)]
    pub unsafe fn int_store(p: *mut i32, v: Int4) {
        unsafe { p.cast::<Int4>().write_unaligned(v) }
    }
}

/// Four float32.
#[derive(Clone, Copy)]
pub struct F4(imp::Float4);

impl F4 {
    /// The same number in all lanes.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self(imp::splat(x))
    }

    /// Four consecutive numbers.
    ///
    /// # Safety
    /// `p` must be good for reading four numbers.
    #[inline(always)]
    pub unsafe fn load(p: *const f32) -> Self {
        Self(unsafe { imp::load(p) })
    }

    /// One number from memory in all lanes.
    ///
    /// # Safety
    /// `p` must be good for reading one number.
    #[inline(always)]
    pub unsafe fn load_splat(p: *const f32) -> Self {
        Self(unsafe { imp::load_splat(p) })
    }

    /// Write four consecutive numbers.
    ///
    /// # Safety
    /// `p` must be good for writing four numbers.
    #[inline(always)]
    pub unsafe fn store(self, p: *mut f32) {
        unsafe { imp::store(p, self.0) }
    }

    /// Four numbers of a slice of at least four.
    #[inline(always)]
    pub fn of(slice: &[f32]) -> Self {
        assert!(slice.len() >= 4);
        // SAFETY: the slice holds four numbers.
        unsafe { Self::load(slice.as_ptr()) }
    }

    /// Write to a slice of at least four.
    #[inline(always)]
    pub fn put(self, slice: &mut [f32]) {
        assert!(slice.len() >= 4);
        // SAFETY: the slice holds four numbers.
        unsafe { self.store(slice.as_mut_ptr()) }
    }

    /// `self * b + c`; rounded once where `FUSED` and relaxed SIMD meet, twice elsewhere.
    #[inline(always)]
    pub fn madd<const FUSED: bool>(self, b: Self, c: Self) -> Self {
        if FUSED { Self(imp::fused(self.0, b.0, c.0)) } else { self * b + c }
    }

    /// The smaller of each pair.
    #[inline(always)]
    pub fn min(self, b: Self) -> Self {
        Self(imp::min(self.0, b.0))
    }

    /// The larger of each pair.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        Self(imp::max(self.0, b.0))
    }

    /// The four numbers.
    #[inline(always)]
    pub fn lanes(self) -> [f32; 4] {
        imp::lanes(self.0)
    }

    /// Sum of the lanes, always in the same order.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let [a, b, c, d] = self.lanes();
        (a + b) + (c + d)
    }

    /// The largest lane.
    #[inline(always)]
    pub fn largest(self) -> f32 {
        let [a, b, c, d] = self.lanes();
        a.max(b).max(c.max(d))
    }

    /// The smallest lane.
    #[inline(always)]
    pub fn smallest(self) -> f32 {
        let [a, b, c, d] = self.lanes();
        a.min(b).min(c.min(d))
    }

    /// Integers by dropping the fraction. The lanes must lie in the range of `i32`.
    #[inline(always)]
    pub fn trunc(self) -> I4 {
        I4(imp::to_int(self.0))
    }
}

impl std::ops::Add for F4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(imp::add(self.0, b.0))
    }
}

impl std::ops::Sub for F4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(imp::sub(self.0, b.0))
    }
}

impl std::ops::Mul for F4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(imp::mul(self.0, b.0))
    }
}

impl std::ops::Div for F4 {
    type Output = Self;
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Self(imp::div(self.0, b.0))
    }
}

/// Four int32, or the sixteen int8 or eight int16 that share their bits.
#[derive(Clone, Copy)]
pub struct I4(imp::Int4);

impl I4 {
    /// All zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self(imp::int_zero())
    }

    /// The same number in all lanes.
    #[inline(always)]
    pub fn splat(x: i32) -> Self {
        Self(imp::int_splat(x))
    }

    /// Sixteen consecutive bytes.
    ///
    /// # Safety
    /// `p` must be good for reading sixteen bytes; any alignment will do.
    #[inline(always)]
    pub unsafe fn load<T>(p: *const T) -> Self {
        Self(unsafe { imp::int_load(p.cast()) })
    }

    /// Four bytes from memory in all lanes.
    ///
    /// # Safety
    /// `p` must be good for reading four bytes; any alignment will do.
    #[inline(always)]
    pub unsafe fn load_splat<T>(p: *const T) -> Self {
        Self(unsafe { imp::int_load_splat(p.cast()) })
    }

    /// Exact conversion below 2^24, rounded to nearest above.
    #[inline(always)]
    pub fn to_f4(self) -> F4 {
        F4(imp::from_int(self.0))
    }

    /// The four numbers.
    #[inline(always)]
    pub fn lanes(self) -> [i32; 4] {
        imp::int_lanes(self.0)
    }

    /// The float32 with exponent bits `self` and an empty fraction: two to the power of `self - 127`.
    #[inline(always)]
    pub fn exponent(self) -> F4 {
        F4(imp::int_bits(imp::int_shl23(self.0)))
    }

    /// Add the products of the int16 pairs that share a lane.
    #[inline(always)]
    pub fn dot_i16(self, a: Self, b: Self) -> Self {
        Self(imp::dot_i16(self.0, a.0, b.0))
    }

    /// The int16 of the lanes of both, saturated.
    #[inline(always)]
    pub fn narrow_i16(self, high: Self) -> Self {
        Self(imp::narrow_i16(self.0, high.0))
    }

    /// The int8 of the eight int16 of both, saturated.
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn narrow_i8(self, high: Self) -> Self {
        Self(imp::narrow_i8(self.0, high.0))
    }

    /// Write sixteen bytes.
    ///
    /// # Safety
    /// `p` must be good for writing sixteen bytes; any alignment will do.
    #[inline(always)]
    pub unsafe fn store<T>(self, p: *mut T) {
        unsafe { imp::int_store(p.cast(), self.0) }
    }

    /// Add the products of the four bytes that share a lane: `w` signed, `a` in 0 ..= 127. Within those ranges the
    /// instruction has one result on every processor (no partial sum of two products leaves the range of int16).
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn dot_i8_u7(self, w: Self, a: Self) -> Self {
        Self(imp::dot_i8_u7(self.0, w.0, a.0))
    }
}

impl std::ops::Add for I4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(imp::int_add(self.0, b.0))
    }
}

impl std::ops::Mul for I4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(imp::int_mul(self.0, b.0))
    }
}
