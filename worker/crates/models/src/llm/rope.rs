//! Rotary positions: pairs of a head's numbers are turned by an angle that grows with the position.

use crate::gguf::{Config, RopePairs, RopeScaling};

/// The angles of a network.
#[derive(Debug)]
pub struct Rope {
    pairs: RopePairs,
    dims: usize,
    head_dim: usize,
    /// Angle of each pair at position one.
    turns: Vec<f64>,
    /// What all turned numbers are multiplied by.
    scale: f64,
}

impl Rope {
    /// From the configuration and the factors that a file may have per frequency.
    #[must_use]
    pub fn new(config: &Config, factors: Option<&[f32]>) -> Self {
        let dims = config.rope_dims;
        let base = f64::from(config.rope_base);
        let mut turns: Vec<f64> = (0..dims / 2).map(|i| base.powf(-2.0 * i as f64 / dims as f64)).collect();
        for (turn, factor) in turns.iter_mut().zip(factors.unwrap_or_default()) {
            *turn /= f64::from(*factor);
        }
        let mut scale = 1.0;
        match config.rope_scaling {
            RopeScaling::None => {}
            RopeScaling::Linear { factor } => turns.iter_mut().for_each(|turn| *turn /= f64::from(factor)),
            RopeScaling::Yarn { factor, original_context, ext_factor, attn_factor, beta_fast, beta_slow } => {
                // The pair that turns `beta` times within the original context.
                let pair = |beta: f32| {
                    let context = original_context as f64 / (f64::from(beta) * std::f64::consts::TAU);
                    dims as f64 * context.ln() / (2.0 * base.ln())
                };
                let low = pair(beta_fast).floor().max(0.0);
                let high = pair(beta_slow).ceil().min(dims as f64 - 1.0);
                let factor = f64::from(factor);
                for (i, turn) in turns.iter_mut().enumerate() {
                    let ramp = ((i as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
                    let mix = (1.0 - ramp) * f64::from(ext_factor);
                    *turn = *turn / factor * (1.0 - mix) + *turn * mix;
                }
                scale = f64::from(attn_factor);
                if ext_factor != 0.0 {
                    scale *= 1.0 + 0.1 * factor.ln();
                }
            }
        }
        Self { pairs: config.rope_pairs, dims, head_dim: config.head_dim, turns, scale }
    }

    /// Cosine and sine of each pair at `position`, added to `out`.
    pub fn angles(&self, position: usize, out: &mut Vec<(f32, f32)>) {
        out.extend(self.turns.iter().map(|turn| {
            let (sin, cos) = (turn * position as f64).sin_cos();
            ((cos * self.scale) as f32, (sin * self.scale) as f32)
        }));
    }

    /// Turn all heads of each row; `angles` has those of the rows one after the other.
    pub fn turn(&self, x: &mut [f32], row_len: usize, angles: &[(f32, f32)]) {
        let half = self.dims / 2;
        for (row, angles) in x.chunks_exact_mut(row_len).zip(angles.chunks_exact(half)) {
            for head in row.chunks_exact_mut(self.head_dim) {
                for (i, &(cos, sin)) in angles.iter().enumerate() {
                    let (a, b) = match self.pairs {
                        RopePairs::Adjacent => (2 * i, 2 * i + 1),
                        RopePairs::Halves => (i, i + half),
                    };
                    let (x, y) = (head[a], head[b]);
                    (head[a], head[b]) = (x * cos - y * sin, x * sin + y * cos);
                }
            }
        }
    }
}
