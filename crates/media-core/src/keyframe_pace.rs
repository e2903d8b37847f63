//! How soon a keyframe may follow another. Whoever waits for one asks again and again, and on a full link each answer, several
//! times as large as a picture, would be in the way of the one before.

use std::time::{Duration, Instant};

use crate::Bitrate;

/// To the peer and back, as long as that is not known: sooner it cannot know that a keyframe has come.
const ROUND_TRIP: Duration = Duration::from_millis(200);

/// However narrow the link: somebody waits.
const LONGEST: Duration = Duration::from_secs(2);

/// Whether a keyframe is wanted, and when the next may be made.
#[derive(Debug, Default)]
pub struct KeyframePace {
    wanted: bool,
    not_before: Option<Instant>,
}

impl KeyframePace {
    /// Somebody new sees the pictures: the next is a keyframe.
    pub fn begin(&mut self) {
        *self = Self { wanted: true, not_before: None };
    }

    /// A keyframe is asked for. It is made as soon as it may be.
    pub fn ask(&mut self) {
        self.wanted = true;
    }

    /// Whether the next picture is to be a keyframe; true once for all who asked.
    pub fn take(&mut self, now: Instant) -> bool {
        let is_due = self.wanted && self.not_before.is_none_or(|at| now >= at);
        self.wanted &= !is_due;
        is_due
    }

    /// A keyframe of that many bytes was sent, on a link that carries `target`: the next waits until it can have arrived.
    pub fn sent(&mut self, now: Instant, bytes: usize, target: Bitrate) {
        let seconds = bytes as f64 * 8.0 / target.bps().max(1) as f64;
        let passes = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
        self.not_before = Some(now + (ROUND_TRIP + passes).min(LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_keyframe_waits_until_the_one_before_can_have_come() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // bytes, kbit/s → milliseconds
        for (bytes, kbps, wait) in [(25_000, 2_000, 300), (25_000, 400, 700), (25_000, 100, 2_000), (0, 0, 200)] {
            let mut pace = KeyframePace::default();
            pace.ask();
            assert!(pace.take(start), "the first");
            pace.sent(start, bytes, Bitrate::from_kbps(kbps));
            pace.ask();
            assert!(!pace.take(at(wait - 1)) && pace.take(at(wait)), "{bytes} bytes at {kbps} kbit/s");
        }
    }

    #[test]
    fn who_asks_is_answered_once_and_who_is_new_at_once() {
        let now = Instant::now();
        let mut pace = KeyframePace::default();
        assert!(!pace.take(now), "nobody asked");
        pace.ask();
        pace.ask();
        assert!(pace.take(now) && !pace.take(now));
        pace.sent(now, 25_000, Bitrate::from_kbps(400));
        pace.begin();
        assert!(pace.take(now));
    }
}
