//! A token bucket that is told the time.
//! It lets a burst through and then holds to an average.

use std::time::{Duration, Instant};

/// Allows `burst` events at once and one more per `interval`.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    /// When the bucket will be full; each event taken moves it one interval on.
    full_at: Instant,
    interval: Duration,
    burst: u32,
}

impl TokenBucket {
    /// A full bucket. `burst` and `per_second` of zero are taken as one.
    pub(crate) fn per_second(now: Instant, per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { full_at: now, interval, burst: burst.max(1) }
    }

    /// A full bucket that holds a minute's worth.
    pub(crate) fn per_minute(now: Instant, per_minute: u32) -> Self {
        let burst = per_minute.max(1);
        Self { full_at: now, interval: Duration::from_secs(60) / burst, burst }
    }

    /// Takes one event out; false when there is none left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.interval;
        let allowed = full_at.duration_since(now) <= self.interval * self.burst;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }

    /// Whether nothing was taken for so long that this bucket equals a new one.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_average_holds() {
        let start = Instant::now();
        let mut bucket = TokenBucket::per_second(start, 50, 200);
        let passed = (0..300).filter(|_| bucket.take(start)).count();
        assert_eq!(passed, 200);
        let later = start + Duration::from_secs(1);
        let passed = (0..300).filter(|_| bucket.take(later)).count();
        assert_eq!(passed, 50);
        assert!(!bucket.is_full(later));
        assert!(bucket.is_full(later + Duration::from_secs(4)));
    }

    #[test]
    fn a_minutes_worth_may_come_at_once() {
        let start = Instant::now();
        let mut bucket = TokenBucket::per_minute(start, 10);
        assert_eq!((0..20).filter(|_| bucket.take(start)).count(), 10);
        assert!(!bucket.take(start + Duration::from_secs(5)));
        assert!(bucket.take(start + Duration::from_secs(6)));
    }
}
