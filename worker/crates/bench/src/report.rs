//! Figures as rows of `docs/benchmarks.json`.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The figure's id; it names the unit where there is one.
    pub id: &'static str,
    /// Which part or variant was measured.
    pub case: String,
    /// What came out.
    pub value: f64,
    /// Unit of the value; empty for plain numbers.
    pub unit: &'static str,
    /// What is wanted; empty where the value only stands beside another one.
    pub target: &'static str,
    /// How many measurements or questions it was made of.
    pub samples: usize,
}

impl Row {
    /// A row with its value rounded to four significant digits.
    #[must_use]
    pub fn new(
        id: &'static str,
        case: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: &'static str,
        samples: usize,
    ) -> Self {
        Self { id, case: case.into(), value: significant(value), unit, target, samples }
    }
}

fn significant(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = (3 - value.abs().log10().floor() as i32).max(0) as usize;
    format!("{value:.digits$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_four_digits() {
        for (value, wanted) in
            [(0.0, 0.0), (0.123_456, 0.1235), (1.234_56, 1.235), (56.789, 56.79), (12_345.6, 12346.0)]
        {
            assert_eq!(significant(value), wanted);
        }
        assert_eq!(significant(-0.001_234_56), -0.001_235);
    }
}
