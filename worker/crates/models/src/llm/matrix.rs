//! A matrix of weights in the format of its file, reordered for the kernels.

use std::marker::PhantomData;

use super::format as formats;
use super::input::Input;
use super::kernel::{Product, Stretch};
use super::{pack, plain};
use crate::cpu::wide::{Kernel, LANES, dispatch};
use crate::gguf::Dtype;

/// `n` rows of `k` columns.
#[derive(Debug)]
pub struct Matrix {
    dtype: Dtype,
    n: usize,
    k: usize,
    panels: Vec<u8>,
}

/// There is no memory for this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory(pub usize);

/// Where weights are put while they arrive.
pub trait Store {
    /// A matrix there.
    type Matrix;

    /// Bytes that a matrix would take, where they can be counted.
    fn bytes_of(dtype: Dtype, n: usize, k: usize) -> Option<usize>;

    /// An empty matrix of `n` rows and `k` columns.
    ///
    /// # Errors
    /// When there is no memory for it.
    fn matrix(&self, dtype: Dtype, n: usize, k: usize) -> Result<Self::Matrix, NoMemory>;

    /// Add the next eight rows as they lie in the file; at the end there may be fewer.
    fn push(&self, matrix: &mut Self::Matrix, rows: &[u8]);
}

/// Puts weights into the memory of the processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnProcessor;

impl Store for OnProcessor {
    type Matrix = Matrix;

    fn bytes_of(dtype: Dtype, n: usize, k: usize) -> Option<usize> {
        Matrix::bytes_of(dtype, n, k)
    }

    fn matrix(&self, dtype: Dtype, n: usize, k: usize) -> Result<Matrix, NoMemory> {
        Matrix::new(dtype, n, k)
    }

    fn push(&self, matrix: &mut Matrix, rows: &[u8]) {
        matrix.push(rows);
    }
}

impl Matrix {
    /// An empty matrix, to be filled panel by panel.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(dtype: Dtype, n: usize, k: usize) -> Result<Self, NoMemory> {
        let bytes = Self::bytes_of(dtype, n, k).ok_or(NoMemory(usize::MAX))?;
        let mut panels = Vec::new();
        panels.try_reserve_exact(bytes).map_err(|_| NoMemory(bytes))?;
        Ok(Self { dtype, n, k, panels })
    }

    /// Bytes that a matrix would take in memory, where they can be counted.
    #[must_use]
    pub fn bytes_of(dtype: Dtype, n: usize, k: usize) -> Option<usize> {
        n.div_ceil(LANES).checked_mul(pack::panel_bytes(dtype, k))
    }

    /// Rows.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Numbers in it: products that one row of an input costs.
    #[must_use]
    pub fn size(&self) -> usize {
        self.n * self.k
    }

    /// Bytes of a row in the file.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.k / self.dtype.block_len() * self.dtype.block_bytes()
    }

    /// Bytes that it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.panels.capacity()
    }

    /// Add the next eight rows as they lie in the file; at the end there may be fewer.
    pub fn push(&mut self, rows: &[u8]) {
        let (from, bytes) = (self.panels.len(), pack::panel_bytes(self.dtype, self.k));
        self.panels.resize(from + bytes, 0);
        pack::pack_panel(self.dtype, rows, self.row_bytes(), &mut self.panels[from..]);
    }

    /// Whether all rows are there.
    #[cfg(test)]
    fn is_full(&self) -> bool {
        self.panels.len() == self.n.div_ceil(LANES) * pack::panel_bytes(self.dtype, self.k)
    }

    /// The numbers of a row.
    ///
    /// # Panics
    /// When there is no such row, or `out` is not as long as one.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.n && out.len() == self.k, "a row of the matrix");
        let bytes = pack::panel_bytes(self.dtype, self.k);
        let panel = &self.panels[row / LANES * bytes..][..bytes];
        pack::unpack_row(self.dtype, panel, row % LANES, out);
    }

    /// `out[m, n] = input[m, k] · selfᵀ`.
    ///
    /// # Panics
    /// When the shapes do not fit or the matrix is not full.
    pub fn product(&self, input: &Input, out: &mut [f32], stretch: &mut Stretch) {
        assert_eq!(self.k, input.k, "columns of both sides");
        match self.dtype {
            Dtype::F32 => dispatch(self.plain::<plain::F32>(input, out)),
            Dtype::F16 => dispatch(self.plain::<plain::F16>(input, out)),
            Dtype::BF16 => dispatch(self.plain::<plain::BF16>(input, out)),
            Dtype::Q4_0 => dispatch(self.blocks::<formats::Q4_0>(input, out, stretch)),
            Dtype::Q4_1 => dispatch(self.blocks::<formats::Q4_1>(input, out, stretch)),
            Dtype::Q5_0 => dispatch(self.blocks::<formats::Q5_0>(input, out, stretch)),
            Dtype::Q5_1 => dispatch(self.blocks::<formats::Q5_1>(input, out, stretch)),
            Dtype::Q8_0 => dispatch(self.blocks::<formats::Q8_0>(input, out, stretch)),
            Dtype::Q4_K => dispatch(self.blocks::<formats::Q4_K>(input, out, stretch)),
            Dtype::Q5_K => dispatch(self.blocks::<formats::Q5_K>(input, out, stretch)),
            Dtype::Q6_K => dispatch(self.blocks::<formats::Q6_K>(input, out, stretch)),
        }
    }

    fn plain<'a, P: plain::Plain>(
        &'a self,
        input: &'a Input,
        out: &'a mut [f32],
    ) -> impl Kernel<Output = ()> + 'a {
        plain::Product::<P> { panels: &self.panels, n: self.n, input, out, format: PhantomData }
    }

    fn blocks<'a, F: formats::Format>(
        &'a self,
        input: &'a Input,
        out: &'a mut [f32],
        stretch: &'a mut Stretch,
    ) -> impl Kernel<Output = ()> + 'a {
        Product::<F> { panels: &self.panels, n: self.n, input, out, stretch, format: PhantomData }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(in crate::llm) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::wide::dispatch_portable;
    use crate::gguf::dequantise;

    /// Random blocks with scales as models have them, and their numbers.
    pub fn random(dtype: Dtype, n: usize, k: usize, seed: u64) -> (Vec<u8>, Vec<f32>) {
        let mut state = seed | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u32
        };
        let mut bytes: Vec<u8> =
            (0..n * k / dtype.block_len() * dtype.block_bytes()).map(|_| next() as u8).collect();
        for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
            let (sign, plain) = ((next() as u16 & 1) << 15, (next() % 4000) as f32 * 1e-3 - 2.0);
            match dtype {
                Dtype::F32 => block.copy_from_slice(&plain.to_le_bytes()),
                Dtype::BF16 => block.copy_from_slice(&((plain.to_bits() >> 16) as u16).to_le_bytes()),
                _ => {}
            }
            for at in dtype.scales() {
                let high = sign | (0x0800 + (next() % 0x2000) as u16);
                block[*at..at + 2].copy_from_slice(&high.to_le_bytes());
            }
        }
        let mut numbers = vec![0.0; n * k];
        dequantise(dtype, &bytes, &mut numbers).unwrap();
        (bytes, numbers)
    }

    pub fn matrix(dtype: Dtype, n: usize, k: usize, bytes: &[u8]) -> Matrix {
        let mut matrix = Matrix::new(dtype, n, k).unwrap();
        for rows in bytes.chunks(LANES * matrix.row_bytes()) {
            assert!(!matrix.is_full());
            matrix.push(rows);
        }
        assert!(matrix.is_full());
        matrix
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn rows_come_back_bit_for_bit(kind in 0..11_usize, n in 1..20_usize, blocks in 1..4_usize, seed: u64) {
            let dtype = Dtype::ALL[kind];
            let k = blocks * dtype.block_len();
            let (bytes, numbers) = random(dtype, n, k, seed);
            let matrix = matrix(dtype, n, k, &bytes);
            let mut row = vec![0.0; k];
            for (i, expected) in numbers.chunks_exact(k).enumerate() {
                matrix.row(i, &mut row);
                let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&row), bits(expected), "row {} of {}", i, dtype);
            }
        }

        #[test]
        fn products_are_those_of_the_numbers(
            kind in 0..11_usize, m in 1..19_usize, n in 1..40_usize, columns in 1..2600_usize, seed: u64,
        ) {
            let dtype = Dtype::ALL[kind];
            let k = columns.next_multiple_of(dtype.block_len());
            let (bytes, numbers) = random(dtype, n, k, seed);
            let matrix = matrix(dtype, n, k, &bytes);
            let mut input = Input::default();
            for (i, x) in input.reset(m, k).iter_mut().enumerate() {
                *x = ((i as u64).wrapping_mul(seed | 1) >> 20) as u16 as f32 / 30_000.0 - 1.0;
            }
            input.quantise();
            let (mut stretch, mut out) = (Stretch::default(), vec![f32::NAN; m * n]);
            matrix.product(&input, &mut out, &mut stretch);
            let mut plain = vec![f32::NAN; m * n];
            input.quantise_portable();
            match dtype {
                Dtype::F16 => dispatch_portable(matrix.plain::<plain::F16>(&input, &mut plain)),
                Dtype::Q5_0 => dispatch_portable(matrix.blocks::<formats::Q5_0>(&input, &mut plain, &mut stretch)),
                Dtype::Q4_K => dispatch_portable(matrix.blocks::<formats::Q4_K>(&input, &mut plain, &mut stretch)),
                Dtype::Q6_K => dispatch_portable(matrix.blocks::<formats::Q6_K>(&input, &mut plain, &mut stretch)),
                _ => plain.copy_from_slice(&out),
            }
            for (i, x) in input.floats.chunks_exact(k).enumerate() {
                for (j, w) in numbers.chunks_exact(k).enumerate() {
                    let products = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w));
                    let (expected, size) = products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs()));
                    for got in [out[i * n + j], plain[i * n + j]] {
                        let off = (f64::from(got) - expected).abs();
                        prop_assert!(off <= 3e-5 * size + 1e-6, "{} at {}, {}: {} not {}", dtype, i, j, got, expected);
                    }
                }
            }
        }
    }
}
