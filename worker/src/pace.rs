//! How fast chunks are embedded: at full speed while nobody waits for anything, in portions while a person searches,
//! types or leafs through files, so that the processor is there for what they do.

/// A person counts as busy for this long after what they did, milliseconds.
const BUSY_MS: f64 = 400.0;
/// Pause between two portions while a person is busy, milliseconds. Embedding goes on for whoever never stops typing.
const PORTION_EVERY_MS: f64 = 500.0;

/// What may be handed to a model worker now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// As much as keeps it working.
    Full,
    /// A small batch, once it has nothing to do.
    Portion,
    /// Nothing.
    Nothing,
}

/// When a person was seen last, and when the last portion went out. Times are those of one monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    busy_until_ms: f64,
    next_portion_ms: f64,
}

impl Pace {
    /// A person did something whose answer they wait for.
    pub(crate) fn person_acted(&mut self, now_ms: f64) {
        self.busy_until_ms = now_ms + BUSY_MS;
    }

    /// What may go out now.
    pub(crate) fn allowance(&self, now_ms: f64) -> Allowance {
        if now_ms >= self.busy_until_ms {
            Allowance::Full
        } else if now_ms >= self.next_portion_ms {
            Allowance::Portion
        } else {
            Allowance::Nothing
        }
    }

    /// A portion went out.
    pub(crate) fn portion_went(&mut self, now_ms: f64) {
        self.next_portion_ms = now_ms + PORTION_EVERY_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_never_stops_typing_gets_portions_and_then_full_speed() {
        let mut pace = Pace::default();
        assert_eq!(pace.allowance(0.0), Allowance::Full);
        let mut portions = 0;
        // Ten seconds of a key every 100 ms, looked at every 20 ms.
        for tick in 0..500 {
            let now_ms = 1000.0 + f64::from(tick) * 20.0;
            if tick % 5 == 0 {
                pace.person_acted(now_ms);
            }
            match pace.allowance(now_ms) {
                Allowance::Full => panic!("full speed at {now_ms} ms"),
                Allowance::Portion => {
                    portions += 1;
                    pace.portion_went(now_ms);
                }
                Allowance::Nothing => {}
            }
        }
        assert_eq!(portions, 20);
        let last_key_ms = 1000.0 + 495.0 * 20.0;
        assert_eq!(pace.allowance(last_key_ms + BUSY_MS), Allowance::Full);
    }
}
