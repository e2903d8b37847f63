//! Packets that leave together count as one: how much later each group arrived than the one before, and how much later it
//! had left. Pacing and radio links bunch packets, and the times within a bunch say nothing of the path's load.

use std::time::{Duration, Instant};

/// Packets that leave within this time are one group.
const SENT_TOGETHER: Duration = Duration::from_millis(5);

/// Packets that arrive with less between them than this, and faster than they left, had waited for each other ...
const ARRIVED_TOGETHER: Duration = Duration::from_millis(5);

/// ... but not for longer than this.
const LONGEST: Duration = Duration::from_millis(100);

/// From one group to the next, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Delta {
    pub(super) sent: f64,
    pub(super) arrived: f64,
    /// When the later one had arrived, by the peer's clock.
    pub(super) at: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Instant,
    sent: Instant,
    first_arrived: Duration,
    arrived: Duration,
}

/// The group that is being filled, and the one before.
#[derive(Debug, Default)]
pub(super) struct Groups {
    before: Option<Group>,
    filling: Option<Group>,
}

impl Groups {
    /// Takes a packet; gives what lies between the last two groups when it begins a new one.
    pub(super) fn add(&mut self, sent: Instant, arrived: Duration) -> Option<Delta> {
        let one = Group { first_sent: sent, sent, first_arrived: arrived, arrived };
        let Some(filling) = &mut self.filling else {
            self.filling = Some(one);
            return None;
        };
        if sent < filling.first_sent {
            // It was overtaken on its way into the report.
            return None;
        }
        if filling.has(sent, arrived) {
            filling.sent = filling.sent.max(sent);
            filling.arrived = filling.arrived.max(arrived);
            return None;
        }
        let full = std::mem::replace(filling, one);
        let before = self.before.replace(full)?;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        Some(Delta {
            sent: millis(full.sent.saturating_duration_since(before.sent)),
            // It may be earlier than the one before.
            arrived: millis(full.arrived) - millis(before.arrived),
            at: full.arrived,
        })
    }
}

impl Group {
    fn has(&self, sent: Instant, arrived: Duration) -> bool {
        if sent - self.first_sent <= SENT_TOGETHER {
            return true;
        }
        let (left, came) = (sent.saturating_duration_since(self.sent), arrived.saturating_sub(self.arrived));
        came < left && came <= ARRIVED_TOGETHER && arrived.saturating_sub(self.first_arrived) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_together_is_one_group() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut groups = Groups::default();
        // sent, arrived → the delta of the two groups before
        for (sent, arrived, delta) in [
            (0, 50, None),
            (2, 52, None),
            (33, 90, None),
            (30, 91, None), // overtaken
            (34, 92, None),
            (66, 120, Some((32.0, 40.0))),
            (100, 150, Some((32.0, 28.0))),
        ] {
            let found = groups
                .add(at(sent), Duration::from_millis(arrived))
                .map(|delta| (delta.sent.round(), delta.arrived.round()));
            assert_eq!(found, delta, "sent at {sent}");
        }
    }

    #[test]
    fn what_a_radio_link_held_back_is_one_group() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut groups = Groups::default();
        assert_eq!(groups.add(at(0), Duration::from_millis(20)), None);
        for (sent, arrived) in [(20, 80), (40, 81), (60, 82)] {
            assert_eq!(groups.add(at(sent), Duration::from_millis(arrived)), None, "all of them came at once");
        }
        let delta = groups.add(at(80), Duration::from_millis(100)).expect("two groups are whole");
        assert_eq!((delta.sent.round(), delta.arrived.round()), (60.0, 62.0));
    }
}
