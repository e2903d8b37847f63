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
        // `min` and `max` return the other operand for NaN, so the product is always finite and not negative.
        widest.mul_f64(random.min(1.0).max(0.0))
    }

    /// Starts over, after an attempt proved good.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}
