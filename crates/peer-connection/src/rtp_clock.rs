//! RTP timestamps and sequence numbers of one outgoing stream, derived from the moments of capture.
//! Sound counts its own samples, so that a jittery capture clock is not heard; pictures carry their capture time.

use media_core::{FRAME_SAMPLES, SAMPLE_RATE};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// Ticks per second of every video payload format (RFC 3551 §5).
const VIDEO_CLOCK: u32 = 90_000;

/// Silence in the capture from which on the sound's timestamps jump: well over the jitter of a capture thread.
const AUDIO_GAP: Duration = Duration::from_millis(120);

/// What the first packet of a frame is stamped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) timestamp: u32,
    /// The first frame, or one after a gap.
    pub(crate) begins: bool,
}

/// Timestamps of a stream of sound in frames of [`FRAME_SAMPLES`].
#[derive(Debug)]
pub(crate) struct AudioClock {
    next: u32,
    last_captured: Option<Instant>,
}

impl AudioClock {
    /// RFC 3550 §5.1: the initial timestamp is random.
    pub(crate) fn new() -> Self {
        Self { next: random(), last_captured: None }
    }

    /// The timestamp of the frame whose first sample was captured then.
    pub(crate) fn stamp(&mut self, captured: Instant) -> Stamp {
        let frame = Duration::from_secs_f64(FRAME_SAMPLES as f64 / f64::from(SAMPLE_RATE));
        let step = self.last_captured.map(|last| captured.saturating_duration_since(last));
        let gap = step.filter(|step| *step > frame + AUDIO_GAP);
        if let Some(step) = gap {
            // Whole frames that were not sent: their place in media time stays empty.
            let missing = ((step.as_secs_f64() / frame.as_secs_f64()).round() as u32).saturating_sub(1);
            self.next = self.next.wrapping_add(missing.wrapping_mul(FRAME_SAMPLES as u32));
        }
        self.last_captured = Some(captured);
        let timestamp = self.next;
        self.next = timestamp.wrapping_add(FRAME_SAMPLES as u32);
        Stamp { timestamp, begins: step.is_none() || gap.is_some() }
    }
}

/// Timestamps of a stream of pictures.
#[derive(Debug)]
pub(crate) struct VideoClock {
    start: u32,
    origin: Option<Instant>,
    last: Option<u64>,
}

impl VideoClock {
    /// RFC 3550 §5.1: the initial timestamp is random.
    pub(crate) fn new() -> Self {
        Self { start: random(), origin: None, last: None }
    }

    /// The timestamp of the picture captured then; later than that of every picture before.
    pub(crate) fn stamp(&mut self, captured: Instant) -> Stamp {
        let origin = *self.origin.get_or_insert(captured);
        let elapsed = captured.saturating_duration_since(origin);
        let ticks = elapsed.as_micros() as u64 * u64::from(VIDEO_CLOCK) / 1_000_000;
        let begins = self.last.is_none();
        let ticks = self.last.map_or(ticks, |last| ticks.max(last + 1));
        self.last = Some(ticks);
        Stamp { timestamp: self.start.wrapping_add(ticks as u32), begins }
    }
}

/// The standard library's one source of randomness; good enough for what RFC 3550 wants to be unpredictable.
pub(crate) fn random() -> u32 {
    RandomState::new().hash_one(0_u8) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_counts_samples_however_unevenly_it_was_captured() {
        let (mut clock, start) = (AudioClock::new(), Instant::now());
        let first = clock.stamp(start);
        assert!(first.begins);
        for (index, millis) in [28_u64, 31, 70, 79, 95].into_iter().enumerate() {
            let stamp = clock.stamp(start + Duration::from_millis(millis));
            assert_eq!(stamp.timestamp.wrapping_sub(first.timestamp), (index as u32 + 1) * 960);
            assert!(!stamp.begins);
        }
    }

    #[test]
    fn a_gap_in_the_sound_stays_a_gap_of_whole_frames() {
        let (mut clock, start) = (AudioClock::new(), Instant::now());
        let first = clock.stamp(start);
        let after = clock.stamp(start + Duration::from_millis(403));
        assert_eq!(after.timestamp.wrapping_sub(first.timestamp), 20 * 960);
        assert!(after.begins);
    }

    #[test]
    fn pictures_carry_their_capture_time_and_never_go_back() {
        let (mut clock, start) = (VideoClock::new(), Instant::now());
        let first = clock.stamp(start).timestamp;
        let at = |clock: &mut VideoClock, millis| {
            clock.stamp(start + Duration::from_millis(millis)).timestamp.wrapping_sub(first)
        };
        assert_eq!(at(&mut clock, 33), 2_970);
        assert_eq!(at(&mut clock, 100), 9_000);
        assert_eq!(at(&mut clock, 90), 9_001);
    }
}
