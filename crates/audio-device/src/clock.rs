//! How many samples a stretch of time asks for, counted from its start so that rounding never adds up to drift.
//! Sources and sinks without a device clock (files, test tones, silence) are paced by it.

use std::time::{Duration, Instant};

use media_core::SAMPLE_RATE;

/// Samples that `span` holds at 48 kHz, rounded down.
pub(crate) fn samples_in(span: Duration) -> u64 {
    let samples = span.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    u64::try_from(samples).expect("12 million years of audio fit")
}

/// How long that many samples last at 48 kHz.
fn span_of(samples: u64) -> Duration {
    let whole = Duration::from_secs(samples / u64::from(SAMPLE_RATE));
    whole + Duration::from_nanos(samples % u64::from(SAMPLE_RATE) * 1_000_000_000 / u64::from(SAMPLE_RATE))
}

/// Counts the samples that elapsed time asks for, at 48 kHz, against those already given.
#[derive(Debug, Clone, Default)]
pub struct SampleClock {
    start: Option<Instant>,
    given: u64,
}

impl SampleClock {
    /// A clock that starts with the first call of [`SampleClock::due`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples that are due at `now` and not yet given. The first call starts the clock and returns 0.
    pub fn due(&mut self, now: Instant) -> usize {
        let start = *self.start.get_or_insert(now);
        let owed = samples_in(now.saturating_duration_since(start));
        usize::try_from(owed.saturating_sub(self.given)).unwrap_or(usize::MAX)
    }

    /// When the next sample is due; `None` before the clock has started.
    pub fn next_at(&self) -> Option<Instant> {
        Some(self.start? + span_of(self.given))
    }

    /// Notes that `samples` were given.
    pub fn give(&mut self, samples: usize) {
        self.given += samples as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_odd_steps_gives_exactly_an_hour_of_samples() {
        let start = Instant::now();
        let mut clock = SampleClock::new();
        let mut now = start;
        let mut given = 0;
        while now < start + Duration::from_secs(3600) {
            let due = clock.due(now);
            clock.give(due);
            given += due as u64;
            now += Duration::from_micros(9_973);
        }
        assert!(clock.next_at().is_some_and(|next| next.duration_since(start).abs_diff(now - start).as_millis() < 11));
        let due = clock.due(start + Duration::from_secs(3600)) as u64;
        assert_eq!(given + due, 3600 * u64::from(SAMPLE_RATE));
    }

    #[test]
    fn a_consumer_that_took_more_than_was_due_waits_for_time_to_catch_up() {
        let start = Instant::now();
        let mut clock = SampleClock::new();
        assert_eq!(clock.due(start), 0);
        clock.give(960);
        assert_eq!(clock.due(start + Duration::from_millis(10)), 0);
        assert_eq!(clock.due(start + Duration::from_millis(30)), 480);
    }
}
