//! Time as a value that is passed in, so that tests decide what the clock says.

use std::cell::Cell;

/// A source of time.
pub trait Clock {
    /// Milliseconds since an arbitrary start; never goes backwards.
    fn monotonic_ms(&self) -> f64;
    /// Milliseconds since 1970-01-01 UTC; may jump when a person sets the clock.
    fn unix_ms(&self) -> u64;
}

/// The clock of the machine: `performance.now()` and `Date.now()` in a browser, the system clocks elsewhere.
#[derive(Debug)]
pub struct SystemClock {
    start: web_time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: web_time::Instant::now() }
    }
}

impl Clock for SystemClock {
    fn monotonic_ms(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1000.0
    }

    fn unix_ms(&self) -> u64 {
        web_time::SystemTime::now()
            .duration_since(web_time::UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: Cell<f64>,
}

impl ManualClock {
    /// Move both times forward by `ms` milliseconds.
    pub fn advance_ms(&self, ms: f64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }
}

impl Clock for ManualClock {
    fn monotonic_ms(&self) -> f64 {
        self.now_ms.get()
    }

    fn unix_ms(&self) -> u64 {
        self.now_ms.get() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_moves_forward() {
        let clock = SystemClock::default();
        let first = clock.monotonic_ms();
        assert!(clock.monotonic_ms() >= first);
        assert!(clock.unix_ms() > 1_700_000_000_000);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::default();
        assert_eq!(clock.unix_ms(), 0);
        clock.advance_ms(12.0);
        assert_eq!(clock.unix_ms(), 12);
    }
}
