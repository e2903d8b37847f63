//! What a judge asks of a profile: the capacity at a time, when it falls and rises, and when nothing passes at all.

use std::time::Duration;

use media_core::Bitrate;

use super::{Profile, Schedule};
use crate::network::conditions::Conditions;
use crate::network::place::{LinkName, Path};

/// The capacity of a path changes. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityChange {
    /// When, from the profile's zero.
    pub at: Duration,
    /// What it was.
    pub before: Option<Bitrate>,
    /// What it is from then on.
    pub after: Option<Bitrate>,
}

impl CapacityChange {
    /// Whether there is less than before.
    pub fn falls(&self) -> bool {
        smaller(self.before, self.after) == self.after && self.before != self.after
    }
}

/// A time in which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blackout {
    /// When it begins, from the profile's zero.
    pub start: Duration,
    /// When it ends.
    pub end: Duration,
}

impl Profile {
    /// What this link carries at that time: zero while it is down, the mean of a trace, `None` when nothing limits it.
    pub fn capacity_at(&self, link: LinkName, time: Duration) -> Option<Bitrate> {
        self.conditions_at(link, time).capacity()
    }

    /// What both links of a path carry at that time.
    pub fn path_capacity_at(&self, path: Path, time: Duration) -> Option<Bitrate> {
        path.links().map(|link| self.capacity_at(link, time)).into_iter().reduce(smaller).flatten()
    }

    /// When the capacity of a path changes before `until`, the beginning excepted. Blackouts do not count, and neither
    /// do the ups and downs within a trace.
    pub fn capacity_changes(&self, path: Path, until: Duration) -> Vec<CapacityChange> {
        let values = self.values_over_time(path, until, |links| {
            links.iter().map(|conditions| conditions.limit()).reduce(smaller).flatten()
        });
        let change = |pair: &[(Duration, _)]| CapacityChange { at: pair[1].0, before: pair[0].1, after: pair[1].1 };
        values.windows(2).map(change).collect()
    }

    /// When nothing passes along a path; one that has not ended by then ends with `until`.
    pub fn blackouts(&self, path: Path, until: Duration) -> Vec<Blackout> {
        let mut values = self.values_over_time(path, until, |links| links.iter().any(|conditions| conditions.down));
        values.push((until, false));
        let dark = values.windows(2).filter(|pair| pair[0].1);
        dark.map(|pair| Blackout { start: pair[0].0, end: pair[1].0 }).collect()
    }

    /// A value of the path's two links at zero and at each time that it changes before `until`.
    fn values_over_time<T: PartialEq>(
        &self,
        path: Path,
        until: Duration,
        value: impl Fn(&[Conditions; 2]) -> T,
    ) -> Vec<(Duration, T)> {
        let mut links = [Conditions::default(), Conditions::default()];
        let mut values = vec![(Duration::ZERO, value(&links))];
        let mut schedule = Schedule::default();
        while let Some((at, step)) = schedule.next_until(self, until).filter(|(at, _)| *at < until) {
            for (name, conditions) in path.links().into_iter().zip(&mut links) {
                step.apply(name, conditions);
            }
            // What several steps of one time add up to counts, not each of them.
            values.retain(|(time, _)| *time < at);
            let now = value(&links);
            if values.last().is_none_or(|(_, before)| *before != now) {
                values.push((at, now));
            }
        }
        values
    }
}

/// The smaller of two capacities, where `None` is no limit.
fn smaller(one: Option<Bitrate>, other: Option<Bitrate>) -> Option<Bitrate> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(200);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn kbps(profile: &Profile, path: Path) -> Vec<(u64, Option<u64>, Option<u64>)> {
        let short = |rate: Option<Bitrate>| rate.map(|rate| rate.bps() / 1000);
        let changes = profile.capacity_changes(path, MINUTES);
        changes.iter().map(|change| (change.at.as_secs(), short(change.before), short(change.after))).collect()
    }

    #[test]
    fn a_fall_and_a_rise_are_told_with_their_times() {
        let profile = Profile::named("drop").unwrap();
        assert_eq!(kbps(&profile, Path::A_TO_B), [(40, Some(2500), Some(500)), (60, Some(500), Some(2500))]);
        assert_eq!(kbps(&profile, Path::B_TO_A), []);
        let falls: Vec<bool> =
            profile.capacity_changes(Path::A_TO_B, MINUTES).iter().map(CapacityChange::falls).collect();
        assert_eq!(falls, [true, false]);
        assert_eq!(profile.capacity_changes(Path::A_TO_B, seconds(60)).len(), 1, "the end itself is not part of it");
    }

    #[test]
    fn no_limit_is_more_than_any_and_the_narrower_link_counts() {
        let profile =
            Profile::parse("b.down 0s rate=1mbit\nab 5s rate=300kbit\nab 9s rate=2mbit\nb.down 12s rate=none").unwrap();
        let expected = [(5, Some(1000), Some(300)), (9, Some(300), Some(1000)), (12, Some(1000), Some(2000))];
        assert_eq!(kbps(&profile, Path::A_TO_B), expected);
        assert_eq!(profile.path_capacity_at(Path::A_TO_B, seconds(6)), Some(Bitrate::from_kbps(300)));
        assert_eq!(profile.path_capacity_at(Path::B_TO_A, seconds(6)), None);
        let late = Profile::parse("ab 5s rate=1mbit").unwrap();
        assert_eq!(kbps(&late, Path::A_TO_B), [(5, None, Some(1000))]);
        assert!(late.capacity_changes(Path::A_TO_B, MINUTES)[0].falls());
    }

    #[test]
    fn steps_of_one_time_count_together() {
        let profile = Profile::parse("ab 0s rate=1mbit\nab 5s rate=2mbit\nab 5s rate=1mbit").unwrap();
        assert_eq!(kbps(&profile, Path::A_TO_B), []);
    }

    #[test]
    fn blackouts_have_a_beginning_and_an_end_and_are_no_change_of_capacity() {
        let profile = Profile::named("blackout5").unwrap();
        for path in [Path::A_TO_B, Path::B_TO_A] {
            assert_eq!(profile.blackouts(path, MINUTES), [Blackout { start: seconds(30), end: seconds(35) }]);
            assert_eq!(kbps(&profile, path), []);
        }
        assert_eq!(profile.capacity_at(Path::A_TO_B.links()[0], seconds(31)), Some(Bitrate::ZERO));
        let cut = profile.blackouts(Path::A_TO_B, seconds(32));
        assert_eq!(cut, [Blackout { start: seconds(30), end: seconds(32) }]);
    }

    #[test]
    fn a_blackout_comes_again_each_turn() {
        let profile = Profile::parse("ab 1s down=on\nab 2s down=off\nrepeat 10s").unwrap();
        let starts: Vec<u64> =
            profile.blackouts(Path::A_TO_B, seconds(25)).iter().map(|blackout| blackout.start.as_secs()).collect();
        assert_eq!(starts, [1, 11, 21]);
    }
}
