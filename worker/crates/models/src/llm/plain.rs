//! Products in float32: for weights that are no blocks, and for the attention.

use super::input::Input;
use crate::cpu::wide::{Kernel, LANES, Wide};

/// A number format without blocks.
pub trait Plain: 'static {
    /// Bytes of a number.
    const BYTES: usize;

    /// Eight numbers.
    ///
    /// # Safety
    /// `p` must be good for reading them.
    unsafe fn load<W: Wide>(p: *const u8) -> W::F;
}

macro_rules! plain {
    ($name:ident, $bytes:literal, $load:expr) => {
        #[doc = concat!("The format ", stringify!($name), ".")]
        pub struct $name;

        impl Plain for $name {
            const BYTES: usize = $bytes;

            #[inline(always)]
            unsafe fn load<W: Wide>(p: *const u8) -> W::F {
                // SAFETY: the caller's promise.
                unsafe { $load(p) }
            }
        }
    };
}

plain!(F32, 4, |p: *const u8| W::load(p.cast()));
plain!(F16, 2, |p| W::halves(p));
plain!(BF16, 2, |p| W::bhalves(p));

/// `R` rows of float32 (`x_stride` numbers apart) times `k` groups of eight numbers (`w_stride` bytes apart).
///
/// # Safety
/// Both must be good for reading what that means.
#[inline(always)]
pub unsafe fn tile<W: Wide, P: Plain, const R: usize>(
    x: *const f32,
    x_stride: usize,
    w: *const u8,
    w_stride: usize,
    k: usize,
) -> [W::F; R] {
    let mut sums = [W::splat(0.0); R];
    // SAFETY (all): the caller's promise.
    unsafe {
        for at in 0..k {
            let w = P::load::<W>(w.add(at * w_stride));
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = W::madd(W::splat(*x.add(r * x_stride + at)), w, *sum);
            }
        }
    }
    sums
}

/// `out[m, n] = input[m, k] · weightsᵀ`.
pub struct Product<'a, P: Plain> {
    /// Panels without gaps: for each column eight numbers.
    pub panels: &'a [u8],
    /// Rows of the weights.
    pub n: usize,
    /// The left side.
    pub input: &'a Input,
    /// Row-major, `n` columns.
    pub out: &'a mut [f32],
    /// The format of the weights.
    pub format: std::marker::PhantomData<P>,
}

impl<P: Plain> Kernel for Product<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { panels, n, input, out, .. } = self;
        let (m, k) = (input.m, input.k);
        let group_bytes = LANES * P::BYTES;
        assert!(k > 0 && panels.len() == n.div_ceil(LANES) * k * group_bytes, "shapes of a product");
        assert!(input.floats.len() == m * k && out.len() == m * n, "shapes of a product");
        for (index, panel) in panels.chunks_exact(k * group_bytes).enumerate() {
            let (column, panel) = (index * LANES, panel.as_ptr());
            let mut row = 0;
            while row < m {
                let x = input.floats[row * k..].as_ptr();
                let mut put = |sums: &[W::F]| {
                    for (r, sums) in sums.iter().enumerate() {
                        let out = &mut out[(row + r) * n..(row + r + 1) * n][column..];
                        out.iter_mut().zip(W::lanes(*sums)).for_each(|(out, sum)| *out = sum);
                    }
                };
                // SAFETY: the assertions above; there are as many rows left.
                row += unsafe {
                    match m - row {
                        4.. => {
                            put(&tile::<W, P, 4>(x, k, panel, group_bytes, k));
                            4
                        }
                        _ => {
                            put(&tile::<W, P, 1>(x, k, panel, group_bytes, k));
                            1
                        }
                    }
                };
            }
        }
    }
}
