//! Freezes, by the rule of W3C webrtc-stats (freezeCount), also one that lasts to the end.
//! A picture that is merely shown again does not end a freeze: only one that differs does.

use super::Window;
use crate::record::RenderedPicture;

/// Intervals that the usual one is the mean of.
const HISTORY: usize = 30;

/// A picture stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Freeze {
    from_us: u64,
    to_us: u64,
}

impl Freeze {
    pub(super) fn seconds(self) -> f64 {
        (self.to_us - self.from_us) as f64 / 1e6
    }

    /// Seconds of it within a time.
    pub(super) fn within(self, span: Window) -> f64 {
        self.to_us.min(span.to_us + 1).saturating_sub(self.from_us.max(span.from_us)) as f64 / 1e6
    }
}

/// All freezes; `None` without two pictures to judge by.
pub(super) fn find(rendered: &[RenderedPicture], window: Window) -> Option<Vec<Freeze>> {
    let mut times: Vec<u64> = Vec::new();
    let mut last = None;
    for picture in rendered.iter().filter(|picture| window.holds(picture.rendered_us)) {
        if picture.index.is_none() || picture.index != last {
            times.push(picture.rendered_us);
        }
        last = picture.index;
    }
    if times.len() < 2 {
        return None;
    }
    let mut freezes = Vec::new();
    let ends = times[1..].iter().copied().chain([window.to_us]);
    for (at, to_us) in ends.enumerate() {
        let from_us = times[at];
        let recent = &times[at.saturating_sub(HISTORY)..=at];
        let (Some(first), Some(intervals)) = (recent.first(), recent.len().checked_sub(1).filter(|n| *n > 0)) else {
            continue;
        };
        let usual = (from_us - first) as f64 / intervals as f64;
        if (to_us.saturating_sub(from_us)) as f64 > (3.0 * usual).max(usual + 150_000.0) {
            freezes.push(Freeze { from_us, to_us });
        }
    }
    Some(freezes)
}
