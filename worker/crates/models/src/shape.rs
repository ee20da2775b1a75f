//! The numbers that define a BERT encoder with mean pooling.

/// Sizes of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Known tokens.
    pub vocabulary: usize,
    /// Positions that the model was trained with; no input is longer.
    pub positions: usize,
    /// Width of a token's state and of the embedding.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub inner: usize,
    /// Attention heads; `hidden / heads` is the size of one.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
}

impl Shape {
    /// all-MiniLM-L6-v2.
    pub const MINI_LM: Self =
        Self { vocabulary: 30_522, positions: 512, hidden: 384, inner: 1536, heads: 12, layers: 6 };

    /// True when the kernels can run it: the widths are multiples of sixteen, heads of eight, and nothing is empty or absurdly large.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        let fits = |x: usize, max: usize| x > 0 && x <= max;
        fits(self.vocabulary, 1 << 20)
            && fits(self.positions, 1 << 14)
            && fits(self.hidden, 1 << 13)
            && fits(self.inner, 1 << 15)
            && fits(self.layers, 128)
            && fits(self.heads, self.hidden)
            && self.hidden.is_multiple_of(self.heads)
            && (self.hidden / self.heads).is_multiple_of(8)
            && self.hidden.is_multiple_of(16)
            && self.inner.is_multiple_of(16)
    }
}

/// Added to the variance in layer normalisation; fixed by the training of all BERT models.
pub const LAYER_NORM_EPSILON: f32 = 1e-12;
