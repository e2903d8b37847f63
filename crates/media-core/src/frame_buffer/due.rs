//! When to show a frame: its RTP timestamp on the local clock, plus the delay that most frames keep to.
//! The delay changes by a little from frame to frame, so motion stays even; order is kept whatever the timestamps say.

use std::time::{Duration, Instant};

use crate::VIDEO_CLOCK;
use crate::rtp::TimestampUnwrapper;
use crate::transit::{Observed, Transit};

/// Due times of one stream; numbers are microseconds.
#[derive(Debug)]
pub(super) struct DueTimes {
    timestamps: TimestampUnwrapper,
    transit: Transit,
    /// Held on top of the fastest frames' transit time, so that slower ones are in time too.
    margin: i64,
    /// Transit time plus margin, smoothed: media time plus this is due time.
    offset: i64,
    last: Option<(i64, Instant)>,
}

impl DueTimes {
    /// A first guess, until frames have shown how evenly they come.
    const FIRST_MARGIN: i64 = 10_000;

    /// Beyond this a frozen picture is better than a late one.
    const MAX_MARGIN: i64 = 150_000;

    /// The margin goes towards slower frames by an eighth and back by a 64th: it settles at three quarters of an even spread.
    const MARGIN_UP: i64 = 8;
    const MARGIN_DOWN: i64 = 64;

    /// A picture is shown for up to a quarter longer or a tenth shorter than it was captured for, which nobody sees.
    const SLOWER: i64 = 4;
    const FASTER: i64 = 10;

    /// No frame is held for longer, whatever its timestamp says.
    const MAX_HOLD: Duration = Duration::from_millis(500);

    pub(super) fn new() -> Self {
        Self {
            timestamps: TimestampUnwrapper::default(),
            transit: Transit::new(VIDEO_CLOCK),
            margin: Self::FIRST_MARGIN,
            offset: Self::FIRST_MARGIN,
            last: None,
        }
    }

    /// When to show a frame that was complete at `arrived`: neither before that nor before the frame before it.
    pub(super) fn due(&mut self, arrived: Instant, timestamp: u32) -> Instant {
        let timestamp = self.timestamps.unwrap(timestamp);
        let interval = self.last.map_or(0, |(last, _)| (timestamp - last).max(0) * 1_000_000 / i64::from(VIDEO_CLOCK));
        match self.transit.observe(arrived, timestamp) {
            Observed::Took(took) => self.adjust(took, interval),
            Observed::Jumped => {
                self.margin = Self::FIRST_MARGIN;
                self.offset = Self::FIRST_MARGIN;
            }
        }
        let hold = Duration::from_micros((self.offset - self.transit.of(arrived, timestamp)).max(0).unsigned_abs());
        let mut due = arrived + hold.min(Self::MAX_HOLD);
        if let Some((_, last)) = self.last {
            due = due.max(last);
        }
        self.last = Some((timestamp, due));
        due
    }

    fn adjust(&mut self, took: i64, interval: i64) {
        let floor = self.transit.floor();
        let missing = (took - floor).min(Self::MAX_MARGIN) - self.margin;
        self.margin += missing / if missing > 0 { Self::MARGIN_UP } else { Self::MARGIN_DOWN };
        let wanted = floor + self.margin - self.offset;
        self.offset += wanted.clamp(-interval / Self::FASTER, interval / Self::SLOWER);
    }
}
