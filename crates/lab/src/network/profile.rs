//! What the links do and when: a text of one change a line, parsed into steps, and the questions a judge asks of it.
//!
//! `WHICH WHEN KEY=VALUE …`, for example `ab 40s rate=500kbit`; `#` begins a comment, and the first comment of a profile
//! is its description. What a line does not name stays as it was.
//!
//! | WHICH | links |
//! |---|---|
//! | `both` | `a.up` and `a.down` |
//! | `ab`, `a.up` | from a to everybody |
//! | `ba`, `a.down` | from everybody to a |
//! | `b.up`, `b.down`, `b.both` | those of b |
//!
//! | KEY | VALUE | meaning |
//! |---|---|---|
//! | `delay` | `25ms` | propagation, one way |
//! | `jitter` | `30ms` | added to the delay, packet by packet |
//! | `dist` | `normal`, `uniform`, `pareto` | [`Distribution`](super::conditions::Distribution) of the jitter |
//! | `corr` | `0.5` | how like the sample before a sample of normal jitter is |
//! | `jitter-reorders` | `on`, `off` | off: packets stay in order, so with many of them the delay sticks to its recent maximum |
//! | `loss` | `5%`, `ge:1%,20%`, `ge:P,R,GOOD,BAD`, `none` | independent, or bursts: [`Loss`](super::conditions::Loss) |
//! | `rate` | `500kbit`, `none` | capacity; also `bit`, `mbit`, `gbit` |
//! | `queue` | `300ms`, `64kB`, `50pkts` | what may wait before it |
//! | `trace` | FILE, `none` | capacity as mahimahi records it: on each line a millisecond at which 1500 bytes may go |
//! | `stall` | `2s,200ms`, `none` | every 2 s nothing goes for 200 ms, then all of it |
//! | `reorder` | `1%,20ms`, `none` | this share is held back that long and so overtaken |
//! | `dup` | `0.5%` | this share arrives twice |
//! | `down` | `on`, `off` | everything is dropped |
//!
//! Two lines stand apart: `repeat 60s` starts the profile again from its zero, and `lasts 60s` says how long a scenario
//! over it runs.

mod events;
mod parse;
mod schedule;
mod values;

use std::path::Path as FilePath;
use std::time::Duration;

pub use events::{Blackout, CapacityChange};
pub use parse::{Problem, ProfileError};
pub(crate) use schedule::Schedule;
pub use values::time;

use super::conditions::{Change, Conditions};
use super::place::LinkName;

/// The profiles that come with the program, as (name, text).
const BUILT_IN: [(&str, &str); 14] = [
    ("clean", include_str!("../../profiles/clean.profile")),
    ("loss5", include_str!("../../profiles/loss5.profile")),
    ("burst", include_str!("../../profiles/burst.profile")),
    ("bw1m", include_str!("../../profiles/bw1m.profile")),
    ("bw300k", include_str!("../../profiles/bw300k.profile")),
    ("jitter30", include_str!("../../profiles/jitter30.profile")),
    ("drop", include_str!("../../profiles/drop.profile")),
    ("blackout5", include_str!("../../profiles/blackout5.profile")),
    ("wifi-stall", include_str!("../../profiles/wifi-stall.profile")),
    ("rfc8867-5.1", include_str!("../../profiles/rfc8867-5.1.profile")),
    ("rfc8867-5.3", include_str!("../../profiles/rfc8867-5.3.profile")),
    ("rfc8867-5.8", include_str!("../../profiles/rfc8867-5.8.profile")),
    ("shared", include_str!("../../profiles/shared.profile")),
    ("tcp", include_str!("../../profiles/tcp.profile")),
];

/// Changes of some links at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, from the profile's zero.
    pub at: Duration,
    /// Of which links.
    pub links: Vec<LinkName>,
    /// What changes, in this order.
    pub changes: Vec<Change>,
}

/// A profile; the default leaves all links perfect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What it is like, in a line.
    pub description: String,
    /// Sorted by time; those of the same time in the order of the text.
    pub steps: Vec<Step>,
    /// It starts again after this long.
    pub repeat: Option<Duration>,
    /// How long a scenario over it runs.
    pub lasts: Option<Duration>,
}

/// A profile could not be had from a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    File(String, std::io::Error),
    /// It is no profile.
    #[error("{0}, {1}")]
    Profile(String, ProfileError),
}

impl Profile {
    /// The profile of that name that comes with the program.
    pub fn named(name: &str) -> Option<Self> {
        Self::text(name).map(|text| Self::parse(text).expect("a test parses each of them"))
    }

    /// Its text, to add to.
    pub fn text(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The names of all profiles that come with the program, the gentlest first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Reads a text without traces; one that names a trace is refused, since it may not open files.
    ///
    /// # Errors
    /// The first line that cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        parse::parse(text, |_| Err("only a profile in a file may name a trace".to_owned()))
    }

    /// Reads a file and the traces that it names; their names are relative to it.
    ///
    /// # Errors
    /// When it cannot be read, or is no profile.
    pub fn load(file: &FilePath) -> Result<Self, LoadError> {
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| LoadError::File(name(), error))?;
        Self::parse_in(&text, file.parent().unwrap_or(FilePath::new("")))
            .map_err(|error| LoadError::Profile(name(), error))
    }

    /// Reads a text whose traces are files of that folder.
    ///
    /// # Errors
    /// The first line that cannot be understood, and why.
    pub fn parse_in(text: &str, folder: &FilePath) -> Result<Self, ProfileError> {
        parse::parse(text, |trace| {
            let file = folder.join(trace);
            std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
        })
    }

    /// What this link does at that time.
    pub fn conditions_at(&self, link: LinkName, time: Duration) -> Conditions {
        let mut conditions = Conditions::default();
        let mut schedule = Schedule::default();
        while let Some((_, step)) = schedule.next_until(self, time) {
            step.apply(link, &mut conditions);
        }
        conditions
    }
}

impl Step {
    /// Makes its changes, if they are of this link.
    pub(crate) fn apply(&self, link: LinkName, conditions: &mut Conditions) {
        if self.links.contains(&link) {
            self.changes.iter().for_each(|change| conditions.apply(change));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::place::{Path, Port};

    #[test]
    fn every_built_in_profile_parses_describes_itself_and_says_how_long_it_lasts() {
        for name in Profile::names() {
            let profile = Profile::named(name).unwrap();
            assert!(!profile.description.is_empty(), "{name} has no description");
            let lasts = profile.lasts.unwrap_or_else(|| panic!("{name} does not say how long it lasts"));
            assert!(profile.steps.iter().all(|step| step.at < lasts), "{name} ends before its last step");
        }
        assert_eq!(Profile::named("perfect"), None);
    }

    #[test]
    fn no_profile_file_is_left_out() {
        let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let mut names: Vec<&str> = Profile::names().collect();
        files.sort();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn the_conditions_at_a_time_are_those_of_all_steps_before_it() {
        let profile = Profile::named("drop").unwrap();
        let rate = |seconds| {
            let conditions = profile.conditions_at(Port::A.up(), Duration::from_secs(seconds));
            conditions.rate.map(|rate| rate.bps())
        };
        assert_eq!([rate(0), rate(39), rate(40), rate(60)], [2_500_000, 2_500_000, 500_000, 2_500_000].map(Some));
        assert!(
            Path::B_TO_A
                .links()
                .iter()
                .all(|link| { profile.conditions_at(*link, Duration::from_secs(50)).rate.is_none() })
        );
    }

    #[test]
    fn what_the_end_of_a_turn_left_stands_at_the_next_ones_beginning() {
        let profile = Profile::parse("ab 0s rate=1mbit\nab 5s loss=5%\nab 7s rate=2mbit\nrepeat 10s").unwrap();
        let at = |seconds| profile.conditions_at(Port::A.up(), Duration::from_secs(seconds));
        assert_eq!(at(4).loss, super::super::conditions::Loss::None);
        assert_eq!(at(1_000_004).loss, super::super::conditions::Loss::Random(0.05));
        assert_eq!(at(1_000_004).rate.unwrap().bps(), 1_000_000);
    }
}
