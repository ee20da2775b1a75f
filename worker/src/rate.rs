//! How fast something goes that comes in batches and is held up now and then.

use std::collections::VecDeque;

/// Batches older than this say little about what comes, milliseconds.
const WINDOW_MS: f64 = 60_000.0;
/// A longer gap between two batches means that something else had its turn, for instance an answer in the chat: it
/// counts for this much, so that what is left does not seem to take hours afterwards. Milliseconds.
const MAX_GAP_MS: f64 = 5000.0;
/// With less time than this seen nobody can tell, milliseconds.
const LEAST_MS: f64 = 3000.0;

/// Times and sizes of the last batches.
#[derive(Debug, Default)]
pub(crate) struct Rate(VecDeque<(f64, u32)>);

impl Rate {
    /// A batch of `num` was done.
    pub(crate) fn add(&mut self, now_ms: f64, num: u32) {
        self.0.push_back((now_ms, num));
    }

    /// Things per second; 0 while too little was seen to say, and once nothing was for a whole window.
    pub(crate) fn per_s(&mut self, now_ms: f64) -> f32 {
        while self.0.front().is_some_and(|(at, _)| now_ms - at >= WINDOW_MS) {
            self.0.pop_front();
        }
        let (mut busy_ms, mut sum, mut before) = (0.0, 0, None);
        for &(at, num) in &self.0 {
            // How long the first batch took is not known, so it does not count.
            if let Some(before) = before {
                busy_ms += f64::min(at - before, MAX_GAP_MS);
                sum += num;
            }
            before = Some(at);
        }
        if busy_ms < LEAST_MS { 0.0 } else { (f64::from(sum) / (busy_ms / 1000.0)) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_steady_flow_is_measured() {
        let mut rate = Rate::default();
        for second in 0..100 {
            rate.add(f64::from(second) * 1000.0, 7);
        }
        assert!((rate.per_s(99_500.0) - 7.0).abs() < 0.01, "{}", rate.per_s(99_500.0));
    }

    #[test]
    fn a_minute_for_something_else_does_not_count_as_slowness() {
        let mut rate = Rate::default();
        for second in 0..20 {
            rate.add(f64::from(second) * 1000.0, 10);
        }
        for second in 50..60 {
            rate.add(f64::from(second) * 1000.0, 10);
        }
        let per_s = rate.per_s(60_000.0);
        assert!((8.0..=10.0).contains(&per_s), "{per_s}");
    }

    #[test]
    fn nothing_is_said_of_too_little_or_too_long_ago() {
        let mut rate = Rate::default();
        rate.add(0.0, 5);
        rate.add(1000.0, 5);
        assert_eq!(rate.per_s(1000.0), 0.0);
        rate.add(4000.0, 5);
        assert!(rate.per_s(4000.0) > 0.0);
        assert_eq!(rate.per_s(100_000.0), 0.0);
    }
}
