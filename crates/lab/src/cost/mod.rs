//! What the processes of a caller cost: CPU time, memory, threads, wake-ups and handles of the whole tree below one process.
//! Looked up again and again while it runs, because what has ended cannot be asked any more.
//!
//! - [`process`]: what `/proc` says of one process, parsed.
//! - [`account`]: what the tree has used, computed from that; pure.
//! - [`reader`]: reads `/proc`.
//! - [`mod@slope`]: whether something grows.

pub mod account;
pub mod process;
pub mod reader;
pub mod slope;

use std::path::Path;
use std::time::{Duration, Instant};

pub use account::{Account, Point};
pub use slope::slope;

use crate::figures::Cost;
use reader::Reader;

/// Memory and handles are looked at no more often: the kernel walks all pages of a process for its memory, which takes
/// milliseconds and holds it up meanwhile.
const HELD_EVERY: Duration = Duration::from_secs(1);

/// Follows a process and all that it starts.
#[derive(Debug)]
pub struct Sampler {
    reader: Reader,
    account: Account,
    held_at: Option<Instant>,
}

impl Sampler {
    /// Of the tree below this process. What it costs is counted from the first sample on.
    #[must_use]
    pub fn new(root: u32) -> Self {
        Self::within(Path::new("/proc"), root)
    }

    /// The same below another `/proc`.
    #[must_use]
    pub fn within(proc: &Path, root: u32) -> Self {
        Self { reader: Reader::new(proc), account: Account::new(root), held_at: None }
    }

    /// Looks at all its processes. A few times a second is enough: what a child used that came and went between two
    /// looks is counted by its parent when that waits for it.
    pub fn sample(&mut self, now: Instant) {
        let is_due = self.held_at.is_none_or(|before| now.saturating_duration_since(before) >= HELD_EVERY);
        let stats = self.reader.stats();
        let tree = self.account.tree(&stats);
        let processes = tree.into_iter().filter_map(|stat| self.reader.process(stat, is_due)).collect();
        self.account.add(now, processes);
        if is_due {
            self.held_at = Some(now);
        }
    }

    /// What it cost between the first sample and the last.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.account.cost()
    }

    /// The account itself, for its course over time.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A made-up `/proc`.
    struct Proc(tempfile::TempDir);

    impl Proc {
        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("in the folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }

        fn process(&self, number: u32, parent: u32, ticks: [u64; 4], pss_kib: u64, switches: &[u64]) {
            let [user, system, user_reaped, system_reaped] = ticks;
            let threads = switches.len();
            let stat = format!(
                "{number} (a (b) c) S {parent} 1 1 0 -1 0 0 0 0 0 {user} {system} {user_reaped} {system_reaped} 20 0 {threads} 0 {number}00 0 0\n"
            );
            self.write(&format!("{number}/stat"), &stat);
            self.write(
                &format!("{number}/smaps_rollup"),
                &format!("00-ff ---p 0 0:0 0 [rollup]\nRss: 9 kB\nPss:  {pss_kib} kB\n"),
            );
            self.write(&format!("{number}/fd/0"), "");
            for (thread, switches) in switches.iter().enumerate() {
                let status =
                    format!("Name:\tx\nvoluntary_ctxt_switches:\t{switches}\nnonvoluntary_ctxt_switches:\t7\n");
                self.write(&format!("{number}/task/{}/status", number + thread as u32), &status);
            }
        }
    }

    #[test]
    fn a_tree_is_followed_also_when_a_part_of_it_ends() {
        let proc = Proc(tempfile::tempdir().expect("a temporary folder"));
        proc.write("cpuinfo", "no process");
        proc.process(10, 1, [100, 50, 0, 0], 1000, &[5, 6]);
        proc.process(11, 10, [10, 0, 0, 0], 500, &[1]);
        proc.process(12, 11, [0; 4], 100, &[0]);
        proc.process(99, 1, [9000, 0, 0, 0], 9000, &[900]);
        let mut sampler = Sampler::within(proc.0.path(), 10);
        assert_eq!(sampler.cost(), Cost::default());
        let begin = Instant::now();
        sampler.sample(begin);
        proc.process(10, 1, [150, 100, 0, 0], 800, &[25, 6]);
        proc.process(11, 10, [60, 0, 0, 0], 900, &[11]);
        sampler.sample(begin + Duration::from_secs(1));
        fs::remove_dir_all(proc.0.path().join("11")).expect("it is there");
        fs::remove_dir_all(proc.0.path().join("12")).expect("it is there");
        proc.process(10, 1, [150, 100, 55, 5], 800, &[25, 6]);
        sampler.sample(begin + Duration::from_secs(2));

        let cost = sampler.cost();
        assert_eq!(cost.cpu_per_second, Some(0.75), "150 ticks of 10 ms in two seconds");
        assert_eq!(cost.wakeups_per_second, Some(15.0));
        assert_eq!((cost.peak_pss_bytes, cost.threads), (Some(1800 << 10), Some(2)));
        let handles: Vec<_> = sampler.account().points().iter().map(|point| point.handles).collect();
        assert_eq!(handles, [Some(3), Some(3), Some(1)]);
    }

    #[test]
    fn memory_is_looked_at_once_a_second() {
        let proc = Proc(tempfile::tempdir().expect("a temporary folder"));
        proc.process(10, 1, [0; 4], 1000, &[5]);
        let mut sampler = Sampler::within(proc.0.path(), 10);
        let begin = Instant::now();
        for look in 0..=10 {
            sampler.sample(begin + Duration::from_millis(200) * look);
        }
        assert_eq!(sampler.account().points().len(), 3);
    }

    #[test]
    fn memory_that_may_not_be_read_is_unknown_and_never_zero() {
        let proc = Proc(tempfile::tempdir().expect("a temporary folder"));
        proc.process(10, 1, [0; 4], 1000, &[5]);
        proc.process(11, 10, [0; 4], 1000, &[5]);
        fs::remove_file(proc.0.path().join("11/smaps_rollup")).expect("it is there");
        let mut sampler = Sampler::within(proc.0.path(), 10);
        sampler.sample(Instant::now());
        assert_eq!(sampler.cost().peak_pss_bytes, None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_can_be_sampled() {
        let mut sampler = Sampler::new(std::process::id());
        let begin = Instant::now();
        sampler.sample(begin);
        sampler.sample(begin + Duration::from_secs(1));
        let cost = sampler.cost();
        assert!(cost.threads.is_some_and(|threads| threads > 0));
        assert!(cost.peak_pss_bytes.is_some_and(|bytes| bytes > 0));
        assert!(cost.cpu_per_second.is_some() && cost.wakeups_per_second.is_some());
    }
}
