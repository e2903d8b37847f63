//! How loud the microphone and the speaker are right now, for meters: written by the sound threads, read by whoever draws.
//! Peaks fall off within a quarter of a second, so that a reader sees each at whatever pace it draws.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// A peak has fallen to a hundredth after this time.
const FALL: Duration = Duration::from_millis(250);

/// Both directions of a call.
#[derive(Debug, Default)]
pub struct Levels {
    /// What the microphone hears, also while it is muted.
    pub microphone: Level,
    /// What the speaker plays.
    pub speaker: Level,
}

/// The peak of one stream of sound, 0 (silence) to 1 (full scale).
#[derive(Debug, Default)]
pub struct Level(AtomicU32);

impl Level {
    /// The peak now.
    #[must_use]
    pub fn peak(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }

    /// Sound passed by, samples in [-1, 1] or none at all; `elapsed` is the time since the last note. One thread writes.
    pub(crate) fn note(&self, samples: &[f32], elapsed: Duration) {
        let fallen = 0.01_f32.powf(elapsed.as_secs_f32() / FALL.as_secs_f32());
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        self.0.store(peak.max(self.peak() * fallen).min(1.0).to_bits(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    #[test]
    fn a_peak_shows_at_once_and_falls_within_a_quarter_of_a_second() {
        let level = Level::default();
        level.note(&[0.0, -0.5, 0.2], TICK);
        assert!((level.peak() - 0.5).abs() < 1e-6);
        for _ in 0..25 {
            level.note(&[0.0; 480], TICK);
        }
        assert!(level.peak() < 0.006, "{}", level.peak());
        level.note(&[7.0], TICK);
        assert!((level.peak() - 1.0).abs() < 1e-6, "never over full scale");
    }

    #[test]
    fn a_source_that_gives_nothing_any_more_falls_like_silence() {
        let level = Level::default();
        level.note(&[1.0], TICK);
        level.note(&[], FALL);
        assert!((level.peak() - 0.01).abs() < 1e-6, "{}", level.peak());
    }
}
