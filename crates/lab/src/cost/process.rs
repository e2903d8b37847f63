//! What `/proc` says of one process (proc(5)), parsed.
//! Pure; what is not there or not a number is `None`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::{kibibytes, value};

/// The unit of CPU times in `/proc`: USER_HZ is 100 wherever Rust runs on Linux.
const TICK: Duration = Duration::from_millis(10);

/// A process. Its number alone may be another one's later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// Its number.
    pub number: u32,
    /// When it started, in ticks since the machine did.
    pub started: u64,
}

/// `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Which process.
    pub id: Id,
    /// The number of its parent.
    pub parent: u32,
    /// It has ended, and its parent has not waited for it yet.
    pub is_zombie: bool,
    /// CPU time of its threads, those that have ended included, in user and system mode.
    pub own: Duration,
    /// CPU time of its children that it waited for, and of theirs.
    pub reaped: Duration,
    /// Threads now.
    pub threads: u64,
}

impl Stat {
    /// Parses the line; `None` when it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        // The second field, the name in brackets, may hold anything.
        let number = line.split(' ').next()?.parse().ok()?;
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5) counts from 1, and these begin with the third.
        let field = |at: usize| fields.get(at - 3).copied();
        let count = |at| field(at)?.parse::<u64>().ok();
        // cutime and cstime are signed, and no less than 0.
        let ticks = |at| Some(TICK * u32::try_from(count(at)?).ok()?);
        Some(Self {
            id: Id { number, started: count(22)? },
            parent: field(4)?.parse().ok()?,
            is_zombie: matches!(field(3)?, "Z" | "X"),
            own: ticks(14)? + ticks(15)?,
            reaped: ticks(16)? + ticks(17)?,
            threads: count(20)?,
        })
    }
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Its proportional set size; `None` when it may not be read.
    pub pss_bytes: Option<u64>,
    /// Its open file descriptors; `None` when they may not be counted.
    pub handles: Option<u64>,
}

/// Everything that is looked up of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// `/proc/PID/stat`.
    pub stat: Stat,
    /// Voluntary context switches of each thread so far, by its number; `None` when they may not be read.
    pub switches: Option<BTreeMap<u32, u64>>,
    /// What it holds; `None` when that was not looked at.
    pub held: Option<Held>,
}

/// The proportional set size in `/proc/PID/smaps_rollup`, bytes.
#[must_use]
pub fn pss_bytes(smaps_rollup: &str) -> Option<u64> {
    kibibytes(smaps_rollup, "Pss")
}

/// The voluntary context switches in `/proc/PID/task/TID/status`.
#[must_use]
pub fn switches(status: &str) -> Option<u64> {
    value(status, "voluntary_ctxt_switches")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_whatever_the_name_of_the_process() {
        let line = "42 (x) S 1 (y) R 7 1 1 0 -1 4194560 9 9 0 0 120 30 5 1 20 0 3 0 98765 1 2 18446744073709551615\n";
        let expected = Stat {
            id: Id { number: 42, started: 98765 },
            parent: 7,
            is_zombie: false,
            own: Duration::from_millis(1500),
            reaped: Duration::from_millis(60),
            threads: 3,
        };
        assert_eq!(Stat::parse(line), Some(expected));
        let zombie = Stat::parse(&line.replace(") R", ") Z")).expect("a line");
        assert!(zombie.is_zombie);
    }

    #[test]
    fn what_is_no_stat_is_none() {
        for line in ["", "42", "42 (x", "42 (x) S 1", "x (x) S 1 1 1 0 -1 0 0 0 0 0 1 1 1 1 20 0 1 0 9"] {
            assert_eq!(Stat::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_set_size_and_the_switches_are_found_among_their_likes() {
        assert_eq!(pss_bytes("00-ff r--p\nRss: 4 kB\nPss:      3 kB\nPss_Anon: 1 kB\n"), Some(3072));
        assert_eq!(switches("nonvoluntary_ctxt_switches:\t1\nvoluntary_ctxt_switches:\t7\n"), Some(7));
        assert_eq!((pss_bytes(""), switches("")), (None, None));
    }
}
