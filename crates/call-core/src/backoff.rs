//! How long to wait before the next attempt to reach a server.
//! The waits grow and are spread at random, so that a server that comes back is not met by all of its clients at once.

use std::time::Duration;

/// Exponential backoff with full jitter: a random part of 0.5 s · 2ⁿ, at most 30 s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    attempt: u32,
}

impl Backoff {
    /// The widest first wait.
    pub const BASE: Duration = Duration::from_millis(500);
    /// The widest wait of all: long enough to spare a server, short enough that a person still waits for it.
    pub const CAP: Duration = Duration::from_secs(30);

    /// Starts with the first attempt.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The wait before the next attempt. `random` is uniform in `[0, 1)`; other values are clamped, NaN counts as 1.
    pub fn next(&mut self, random: f64) -> Duration {
        let widest = Self::BASE.saturating_mul(2_u32.saturating_pow(self.attempt)).min(Self::CAP);
        self.attempt = self.attempt.saturating_add(1);
        let part = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
        widest.mul_f64(part)
    }

    /// Starts over, after an attempt proved good.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_wait_doubles_up_to_the_cap() {
        let mut backoff = Backoff::new();
        let waits = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        for millis in waits {
            assert_eq!(backoff.next(1.0), Duration::from_millis(millis));
        }
        for _ in 0..100 {
            assert_eq!(backoff.next(1.0), Backoff::CAP);
        }
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(250));
    }

    #[test]
    fn no_randomness_is_wild_enough_to_break_it() {
        for random in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 2.0, 0.0] {
            assert!(Backoff::new().next(random) <= Backoff::BASE);
        }
    }
}
