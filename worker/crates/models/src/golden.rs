//! One input of MiniLM whose output is known: a device that gets it wrong must not fill an index.

/// The first numbers of the embedding of [`ids`], from two independent float32 implementations.
pub const FIRST: [f32; 6] = [0.042_420, 0.033_575, 0.018_810, -0.029_222, -0.089_835, 0.072_735];

/// Largest difference that int8 arithmetic explains.
const TOLERANCE: f32 = 0.02;

/// 128 token ids.
#[must_use]
pub fn ids() -> Vec<u32> {
    let mut ids: Vec<u32> = (0..128).map(|i| 1000 + (i * 7919) % 28_000).collect();
    (ids[0], ids[127]) = (101, 102);
    ids
}

/// True when `vector` is the embedding of [`ids`], as far as its first numbers and its length tell.
#[must_use]
pub fn agrees(vector: &[f32]) -> bool {
    let length = vector.iter().map(|x| x * x).sum::<f32>();
    vector.len() >= FIRST.len()
        && (length - 1.0).abs() < 1e-3
        && vector.iter().zip(FIRST).all(|(x, known)| (x - known).abs() <= TOLERANCE)
}
