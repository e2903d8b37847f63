//! Whether a camera that should give pictures does: told the time and how many came so far, it says when a camera hangs.
//! A look that comes late counts little, so that a busy machine, or one that slept, is not taken for a camera that hangs.

use std::time::{Duration, Instant};

/// How long a camera may be silent that has given pictures: with the time to notice it and to open another, the picture stands for
/// about a second. A slow camera gives five pictures a second in the dark.
const SILENCE: Duration = Duration::from_millis(750);

/// Pictures in a row that a camera may leave out, where its format is so slow that this takes longer.
const LEFT_OUT: u32 = 3;

/// How long the first picture may take: exposure control can need two seconds.
const FIRST: Duration = Duration::from_secs(3);

/// How long opening may take: USB cameras need up to two seconds.
const OPENING: Duration = Duration::from_secs(5);

/// What one look adds to the silence at most; looks are to be a quarter of a second apart.
const LONGEST_LOOK: Duration = Duration::from_millis(400);

/// What a look at a camera shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// It gives pictures.
    Coming,
    /// None has come since the last look, but one still may.
    Awaited,
    /// None has come for too long.
    Missing,
}

/// One camera, from its opening on.
#[derive(Debug, Clone)]
pub struct PictureWatch {
    limit: Duration,
    /// The limit once a picture has come.
    silence: Duration,
    seen: u64,
    silent: Duration,
    looked_at: Instant,
}

impl PictureWatch {
    /// A camera that is being opened.
    pub fn new(now: Instant) -> Self {
        Self { limit: OPENING, silence: SILENCE, seen: 0, silent: Duration::ZERO, looked_at: now }
    }

    /// It is open, and has this time between two pictures.
    pub fn opened(&mut self, now: Instant, interval: Duration) {
        self.silence = SILENCE.max(interval * (LEFT_OUT + 1));
        self.limit = FIRST.max(self.silence);
        (self.silent, self.looked_at) = (Duration::ZERO, now);
    }

    /// A look at it, when it has given so many `pictures` in all.
    pub fn look(&mut self, now: Instant, pictures: u64) -> Pictures {
        let passed = now.saturating_duration_since(self.looked_at).min(LONGEST_LOOK);
        self.looked_at = now;
        if pictures != self.seen {
            (self.seen, self.silent, self.limit) = (pictures, Duration::ZERO, self.silence);
            return Pictures::Coming;
        }
        self.silent += passed;
        if self.silent >= self.limit { Pictures::Missing } else { Pictures::Awaited }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(250);

    /// A camera whose pictures are this far apart, watched every quarter of a second.
    struct Story {
        now: Instant,
        watch: PictureWatch,
        pictures: u64,
    }

    impl Story {
        fn opened(interval: Duration) -> Self {
            let now = Instant::now();
            let mut watch = PictureWatch::new(now);
            watch.opened(now, interval);
            Self { now, watch, pictures: 0 }
        }

        /// What a look shows after this time, in which so many pictures came.
        fn after(&mut self, time: Duration, pictures: u64) -> Pictures {
            self.now += time;
            self.pictures += pictures;
            self.watch.look(self.now, self.pictures)
        }

        /// How long it may be silent from now on.
        fn patience(&mut self) -> Duration {
            let begun = self.now;
            while self.after(LOOK, 0) != Pictures::Missing {
                assert!(self.now - begun < Duration::from_secs(60), "it hangs");
            }
            self.now - begun
        }
    }

    #[test]
    fn a_camera_that_hangs_is_noticed_within_a_second_whatever_its_sane_rate() {
        // Pictures a second, and the milliseconds of silence after which it hangs.
        for (rate, expected) in [(60, 750), (30, 750), (15, 750), (5, 1_000), (2, 2_000), (1, 4_000)] {
            let interval = Duration::from_secs(1) / rate;
            let mut story = Story::opened(interval);
            assert_eq!(story.after(interval, 1), Pictures::Coming);
            assert_eq!(story.patience(), Duration::from_millis(expected), "{rate}");
        }
    }

    #[test]
    fn opening_and_the_first_picture_take_their_time() {
        let now = Instant::now();
        let mut opening = Story { now, watch: PictureWatch::new(now), pictures: 0 };
        assert_eq!(opening.patience(), OPENING);
        let mut story = Story::opened(Duration::from_millis(33));
        assert_eq!(story.patience(), FIRST);
        assert_eq!(story.after(LOOK, 0), Pictures::Missing, "and it goes on hanging");
        assert_eq!(story.after(LOOK, 1), Pictures::Coming, "until it comes to");
        assert_eq!(story.patience(), SILENCE);
    }

    #[test]
    fn a_camera_that_skips_pictures_in_the_dark_does_not_hang() {
        let mut story = Story::opened(Duration::from_millis(33));
        story.after(LOOK, 1);
        for _ in 0..100 {
            assert_eq!(story.after(LOOK, 0), Pictures::Awaited);
            assert_eq!(story.after(LOOK, 0), Pictures::Awaited);
            assert_eq!(story.after(LOOK, 1), Pictures::Coming);
        }
    }

    #[test]
    fn a_machine_that_stood_still_is_not_taken_for_a_camera_that_hangs() {
        let mut story = Story::opened(Duration::from_millis(33));
        story.after(LOOK, 8);
        assert_eq!(
            story.after(Duration::from_secs(3_600), 0),
            Pictures::Awaited,
            "nobody could look, nor read pictures"
        );
        assert_eq!(story.after(LOOK, 8), Pictures::Coming);
    }
}
