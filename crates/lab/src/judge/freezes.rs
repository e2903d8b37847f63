//! Freezes, by the rule of W3C webrtc-stats (freezeCount): an interval between two pictures that exceeds three times the mean of
//! the last 30 and that mean + 150 ms. One that lasts to the end counts too; while the sender was told to film nothing, nothing freezes.

use super::Window;
use crate::record::RenderedPicture;

/// Intervals that the usual one is the mean of.
const HISTORY: usize = 30;

/// A picture stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Freeze {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
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

/// All freezes, given what changed on the screen, in order of time, and the sender's pauses; `None` when nothing changed.
pub(super) fn find(changes: &[RenderedPicture], pauses: &[(u64, u64)], window: Window) -> Option<Vec<Freeze>> {
    let paused =
        |from: u64, to: u64| pauses.iter().map(|pause| to.min(pause.1).saturating_sub(from.max(pause.0))).sum();
    let times: Vec<u64> = changes.iter().map(|picture| picture.rendered_us).collect();
    let ends = times.get(1..)?.iter().copied().chain([window.to_us]);
    let mut freezes = Vec::new();
    for (at, to_us) in ends.enumerate() {
        let from_us = times[at];
        let recent = &times[at.saturating_sub(HISTORY)..=at];
        let usual_us = match recent.len() - 1 {
            // A lone picture that stays to the end; before a second one nothing is usual.
            0 if times.len() == 1 => 0.0,
            0 => continue,
            intervals => {
                let paused: u64 = paused(recent[0], from_us);
                (from_us - recent[0] - paused) as f64 / intervals as f64
            }
        };
        // What the picture waits for begins to be filmed at the end of the pause.
        let from_us = pauses
            .iter()
            .filter(|pause| from_us < pause.1 && pause.0 < to_us)
            .map(|pause| pause.1.min(to_us))
            .max()
            .unwrap_or(from_us);
        if to_us.saturating_sub(from_us) as f64 > (3.0 * usual_us).max(usual_us + 150_000.0) {
            freezes.push(Freeze { from_us, to_us });
        }
    }
    Some(freezes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The freezes of pictures that were rendered at these times, in milliseconds, up to an end.
    fn freezes(times: &[u64], end: u64) -> Option<Vec<(u64, u64)>> {
        freezes_with(times, &[], end)
    }

    /// The same where the sender pauses.
    fn freezes_with(times: &[u64], pauses: &[(u64, u64)], end: u64) -> Option<Vec<(u64, u64)>> {
        let picture = |(index, at): (usize, &u64)| RenderedPicture {
            rendered_us: at * 1_000,
            index: Some(index as u32),
            captured_us: Some(0),
            width: 320,
            height: 180,
        };
        let changes: Vec<_> = times.iter().enumerate().map(picture).collect();
        let pauses: Vec<_> = pauses.iter().map(|(from, to)| (from * 1_000, to * 1_000)).collect();
        let found = find(&changes, &pauses, Window { from_us: 0, to_us: end * 1_000 })?;
        Some(found.iter().map(|freeze| (freeze.from_us / 1_000, freeze.to_us / 1_000)).collect())
    }

    #[test]
    fn the_limit_is_150_ms_over_the_usual_interval_or_three_times_that() {
        // Usual: 20 ms, so over 170 ms.
        assert_eq!(freezes(&[0, 20, 40, 210], 230), Some(vec![]));
        assert_eq!(freezes(&[0, 20, 40, 211], 230), Some(vec![(40, 211)]));
        // Usual: 100 ms, so over 300 ms.
        assert_eq!(freezes(&[0, 100, 200, 500], 510), Some(vec![]));
        assert_eq!(freezes(&[0, 100, 200, 501], 510), Some(vec![(200, 501)]));
    }

    #[test]
    fn what_is_usual_is_forgotten_after_thirty_intervals() {
        let slow = (0..10).map(|number| number * 400);
        let fast = (1..=30).map(|number| 3_600 + number * 20);
        let times: Vec<u64> = slow.chain(fast).collect();
        assert_eq!(freezes(&times, 4_370), Some(vec![]));
        assert_eq!(freezes(&times, 4_371), Some(vec![(4_200, 4_371)]));
    }

    #[test]
    fn a_pause_of_the_sender_is_no_freeze_but_what_follows_it_late_is() {
        let before = (0..=50).map(|number| number * 20);
        let pauses = [(1_010, 5_000)];
        let late =
            |first: u64| -> Vec<u64> { before.clone().chain((0..50).map(|number| first + number * 20)).collect() };
        assert_eq!(freezes_with(&late(5_100), &pauses, 6_090), Some(vec![]));
        assert_eq!(freezes_with(&late(5_300), &pauses, 6_290), Some(vec![(5_000, 5_300)]));
        // What is usual does not grow by the pause.
        let mut gap = late(5_100);
        gap.retain(|time| !(5_101..5_300).contains(time));
        assert_eq!(freezes_with(&gap, &pauses, 6_090), Some(vec![(5_100, 5_300)]));
        assert_eq!(
            freezes_with(&before.clone().collect::<Vec<_>>(), &pauses, 4_000),
            Some(vec![]),
            "still in it at the end"
        );
    }

    #[test]
    fn a_lone_picture_is_frozen_and_none_at_all_is_not_measured() {
        assert_eq!(freezes(&[100], 2_000), Some(vec![(100, 2_000)]));
        assert_eq!(freezes(&[], 2_000), None);
    }
}
