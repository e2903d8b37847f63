//! Which picture belongs into each frame interval of a recording: the one shown last before the interval's time.
//! Told the time by its caller, so that a slow disk changes nothing in what is recorded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_core::{FrameRate, Picture};

/// Pictures to write, one kind after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// The picture; `None` is black.
    pub(crate) picture: Option<Arc<Picture>>,
    /// How often.
    pub(crate) times: u64,
}

/// Turns pictures shown at any time into pictures at a fixed rate.
#[derive(Debug)]
pub(crate) struct Film {
    rate: FrameRate,
    begun: Option<Instant>,
    written: u64,
    current: Option<Arc<Picture>>,
}

impl Film {
    pub(crate) fn new(rate: FrameRate) -> Self {
        Self { rate, begun: None, written: 0, current: None }
    }

    /// Starts the recording; later calls are ignored.
    pub(crate) fn begin(&mut self, at: Instant) {
        self.begun.get_or_insert(at);
    }

    /// A picture is shown at `at`; gives what to write before it.
    pub(crate) fn show(&mut self, at: Instant, picture: Arc<Picture>) -> Option<Stretch> {
        let before = self.advance(at);
        self.current = Some(picture);
        before
    }

    /// What to write of the time up to `until`, exclusive.
    pub(crate) fn advance(&mut self, until: Instant) -> Option<Stretch> {
        let span = until.saturating_duration_since(self.begun?);
        // Picture k stands for the time k / rate: those with k < span × rate, so a call of 10 s at 30 Hz has 300.
        let due = u64::try_from((span.as_nanos() * u128::from(self.rate.hz())).div_ceil(1_000_000_000));
        let due = due.expect("no call lasts so many pictures");
        let times = due.checked_sub(self.written).filter(|times| *times > 0)?;
        self.written = due;
        Some(Stretch { picture: self.current.clone(), times })
    }

    /// Time between two pictures.
    pub(crate) fn interval(&self) -> Duration {
        self.rate.interval()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::Size;

    fn picture() -> Arc<Picture> {
        Arc::new(Picture::black(Size::new(16, 16).expect("a valid size")))
    }

    fn film() -> (Film, Instant) {
        (Film::new(FrameRate::new(30).expect("a valid rate")), Instant::now())
    }

    fn times(stretch: Option<Stretch>) -> u64 {
        stretch.map_or(0, |stretch| stretch.times)
    }

    #[test]
    fn ten_seconds_are_three_hundred_pictures_whenever_they_are_shown() {
        let (mut film, start) = film();
        film.begin(start);
        let mut total = 0;
        for index in 0_u64..290 {
            let jitter = Duration::from_millis((index * 13) % 9);
            total += times(film.show(start + Duration::from_millis(index * 34) + jitter, picture()));
        }
        total += times(film.advance(start + Duration::from_secs(10)));
        assert_eq!(total, 300);
    }

    #[test]
    fn time_before_the_first_picture_is_black_and_a_frozen_picture_repeats() {
        let (mut film, start) = film();
        film.begin(start);
        let first = film.show(start + Duration::from_millis(500), picture());
        assert_eq!(first, Some(Stretch { picture: None, times: 15 }));
        let frozen = film.advance(start + Duration::from_secs(2)).expect("time has passed");
        assert_eq!((frozen.picture.is_some(), frozen.times), (true, 45));
    }

    #[test]
    fn the_last_picture_of_an_interval_wins() {
        let (mut film, start) = film();
        let last = picture();
        film.begin(start);
        film.show(start, picture());
        film.show(start + Duration::from_millis(34), picture());
        film.show(start + Duration::from_millis(60), Arc::clone(&last));
        let stretch = film.advance(start + Duration::from_millis(67)).expect("an interval has begun");
        assert_eq!(stretch.times, 1);
        assert!(stretch.picture.is_some_and(|picture| Arc::ptr_eq(&picture, &last)));
    }

    #[test]
    fn nothing_is_recorded_before_the_begin() {
        let (mut film, start) = film();
        assert_eq!(film.show(start, picture()), None);
        assert_eq!(film.advance(start + Duration::from_secs(5)), None);
        film.begin(start + Duration::from_secs(5));
        film.begin(start);
        assert_eq!(times(film.advance(start + Duration::from_secs(6))), 30);
    }
}
