//! What the network's profile and its log tell the judge, put into the judge's own words.
//! A path is two links: where the sender enters the network, and where the receiver leaves it.

use std::time::Duration;

use super::{Facts, LinkRow};
use crate::network::log::NetworkLog;
use crate::network::place::Path;
use crate::network::profile::Profile;
use crate::network::star::LinkState;

impl Facts {
    /// What this profile does to that path within a time from its zero, which was then (Unix time, microseconds).
    #[must_use]
    pub fn of(profile: &Profile, path: Path, zero_us: Option<u64>, until: Duration) -> Self {
        let changes = profile.capacity_changes(path, until);
        let (falls, rises): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.falls());
        let times =
            |changes: Vec<&crate::network::profile::CapacityChange>| changes.iter().map(|change| change.at).collect();
        let blackouts = profile.blackouts(path, until).iter().map(|blackout| (blackout.start, blackout.end)).collect();
        Self { zero_us, falls: times(falls), rises: times(rises), blackouts, pauses: Vec::new() }
    }
}

impl LinkRow {
    /// How a path stands: what enters it, waits on both its links, and what the narrower of them carries.
    #[must_use]
    pub fn of(at_us: u64, first: &LinkState, second: &LinkState) -> Self {
        let carried = [first.capacity, second.capacity].into_iter().flatten().min();
        Self {
            at_us,
            in_bytes: first.counters.entered.bytes,
            queue_ms: (first.backlog.delay + second.backlog.delay).as_secs_f64() * 1e3,
            capacity_bps: carried.map(|capacity| capacity.bps() as f64),
        }
    }

    /// A path's rows of a log.
    #[must_use]
    pub fn of_log(log: &NetworkLog, path: Path) -> Vec<Self> {
        let [first, second] = path.links();
        log.of(first)
            .zip(log.of(second))
            .map(|(first, second)| Self::of(first.unix_us, &first.state, &second.state))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_tells_its_falls_rises_and_blackouts() {
        let profile = Profile::named("drop").expect("it comes with the program");
        let seconds = Duration::from_secs;
        let facts = Facts::of(&profile, Path::A_TO_B, Some(7), seconds(90));
        assert_eq!((facts.falls, facts.rises), (vec![seconds(40)], vec![seconds(60)]));
        assert_eq!(Facts::of(&profile, Path::B_TO_A, Some(7), seconds(90)).falls, []);
        let blackout = Profile::named("blackout5").expect("it comes with the program");
        let facts = Facts::of(&blackout, Path::A_TO_B, None, seconds(60));
        assert_eq!((facts.zero_us, facts.blackouts), (None, vec![(seconds(30), seconds(35))]));
    }
}
