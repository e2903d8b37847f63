//! What a tree of processes has used, from one look at it after another.
//! Pure: it is told what was seen and when. What could not be read of one process is `None` for the whole tree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::process::{Id, Process, Stat};
use super::slope::slope;
use crate::figures::Cost;

/// Points kept: over an hour at one a second. When they are full, every second one goes, and as many come in from then on.
const MOST_POINTS: usize = 4096;

/// Looks whose CPU time is kept: ten minutes at twenty a second. Longer runs are asked for their mean only.
const MOST_LOOKS: usize = 12_000;

/// What the tree held at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Since the first look.
    pub at: Duration,
    /// Proportional set size, bytes.
    pub pss_bytes: Option<u64>,
    /// Open file descriptors.
    pub handles: Option<u64>,
    /// Threads.
    pub threads: u64,
}

/// The account of one tree.
#[derive(Debug)]
pub struct Account {
    root: u32,
    /// All that was there at the last look.
    latest: BTreeMap<Id, Process>,
    /// CPU time of processes that ended and that no parent in the tree has on its own account.
    lost: Duration,
    /// Context switches since the first look; `None` when a process kept its own to itself.
    switches: Option<u64>,
    first: Option<(Instant, Duration)>,
    last: Option<(Instant, Duration)>,
    points: Vec<Point>,
    /// CPU time since the first look, at each of the first looks.
    used: Vec<(Instant, Duration)>,
    peak_pss: Option<u64>,
    /// One look in so many makes a point.
    stride: usize,
    looks: usize,
}

impl Account {
    /// Of the tree below the process of this number.
    #[must_use]
    pub fn new(root: u32) -> Self {
        Self {
            root,
            latest: BTreeMap::new(),
            lost: Duration::ZERO,
            switches: Some(0),
            first: None,
            last: None,
            points: Vec::new(),
            used: Vec::new(),
            peak_pss: None,
            stride: 1,
            looks: 0,
        }
    }

    /// Which of all processes of the machine belong to the tree: the root, what descends from it, and what did at the last
    /// look and was left by its parent.
    #[must_use]
    pub fn tree(&self, all: &[Stat]) -> Vec<Stat> {
        // After the first look the root is known by its start as well.
        let is_root = |stat: &Stat| self.first.is_none() && stat.id.number == self.root;
        let mut children: BTreeMap<u32, Vec<&Stat>> = BTreeMap::new();
        for stat in all {
            children.entry(stat.parent).or_default().push(stat);
        }
        let mut open: Vec<&Stat> =
            all.iter().filter(|stat| is_root(stat) || self.latest.contains_key(&stat.id)).collect();
        let mut found = BTreeSet::new();
        let mut tree = Vec::new();
        while let Some(stat) = open.pop() {
            if found.insert(stat.id) {
                tree.push(*stat);
                open.extend(children.get(&stat.id.number).into_iter().flatten());
            }
        }
        tree
    }

    /// Takes what was seen of the processes of the tree; nothing at all, when it has ended, changes nothing.
    pub fn add(&mut self, now: Instant, processes: Vec<Process>) {
        if processes.is_empty() {
            return;
        }
        let seen: BTreeMap<Id, Process> = processes.into_iter().map(|process| (process.stat.id, process)).collect();
        self.lost += self.lost_between(&seen);
        if self.first.is_some() {
            self.switches = self.switches.zip(self.switches_between(&seen)).map(|(sum, more)| sum + more);
        } else if seen.values().any(|process| process.switches.is_none()) {
            self.switches = None;
        }
        self.latest = seen;
        let used =
            self.lost + self.latest.values().map(|process| process.stat.own + process.stat.reaped).sum::<Duration>();
        let (begin, before) = *self.first.get_or_insert((now, used));
        if self.used.len() < MOST_LOOKS {
            self.used.push((now, used.saturating_sub(before)));
        }
        self.last = Some((now, used));
        self.note(now.saturating_duration_since(begin));
    }

    /// What it cost between the first look and the last; CPU time and wake-ups are `None` with fewer than two.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let (Some((begin, before)), Some((end, after))) = (self.first, self.last) else { return Cost::default() };
        let seconds = end.saturating_duration_since(begin).as_secs_f64();
        let a_second = |amount: f64| (seconds > 0.0).then(|| amount / seconds);
        Cost {
            cpu_per_second: a_second(after.saturating_sub(before).as_secs_f64()),
            peak_pss_bytes: self.peak_pss,
            threads: Some(self.threads()),
            wakeups_per_second: self.switches.and_then(|switches| a_second(switches as f64)),
        }
    }

    /// CPU time used between two moments, by the straight line between the looks around each; `None` when one is before the
    /// first look or after the last that was kept.
    #[must_use]
    pub fn used_between(&self, from: Instant, to: Instant) -> Option<Duration> {
        Some(self.used_until(to)?.saturating_sub(self.used_until(from)?))
    }

    fn used_until(&self, at: Instant) -> Option<Duration> {
        let after = self.used.partition_point(|(look, _)| *look < at);
        let (next, used) = *self.used.get(after)?;
        let Some((previous, before)) = after.checked_sub(1).map(|at| self.used[at]) else {
            return (next == at).then_some(used);
        };
        let share = (at - previous).as_secs_f64() / (next - previous).as_secs_f64();
        Some(before + used.saturating_sub(before).mul_f64(share))
    }

    /// What it held, over time.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Bytes of proportional set size that it grows by in an hour; `None` with too few points.
    #[must_use]
    pub fn memory_slope(&self) -> Option<f64> {
        slope(self.points.iter().filter_map(|point| Some((point.at, point.pss_bytes? as f64))))
    }

    /// Open file descriptors that it grows by in an hour; `None` with too few points.
    #[must_use]
    pub fn handles_slope(&self) -> Option<f64> {
        slope(self.points.iter().filter_map(|point| Some((point.at, point.handles? as f64))))
    }

    fn threads(&self) -> u64 {
        let alive = self.latest.values().filter(|process| !process.stat.is_zombie);
        alive.map(|process| process.stat.threads).sum()
    }

    /// A process that is gone is on the account of the parent that waited for it, or of that one's. Where no ancestor has
    /// grown by as much (it did not wait, or has ended too), the difference is lost from the accounts of the living.
    fn lost_between(&self, seen: &BTreeMap<Id, Process>) -> Duration {
        let by_number: BTreeMap<u32, Id> = self.latest.keys().map(|id| (id.number, *id)).collect();
        let mut owed: BTreeMap<Option<Id>, Duration> = BTreeMap::new();
        for (id, process) in &self.latest {
            if !seen.contains_key(id) {
                *owed.entry(self.heir(process, &by_number, seen)).or_default() +=
                    process.stat.own + process.stat.reaped;
            }
        }
        let lost = owed.into_iter().map(|(heir, owed)| {
            let reaped = |processes: &BTreeMap<Id, Process>| Some(processes.get(&heir?)?.stat.reaped);
            let gained = reaped(seen).zip(reaped(&self.latest)).map(|(now, before)| now.saturating_sub(before));
            owed.saturating_sub(gained.unwrap_or_default())
        });
        lost.sum()
    }

    /// The nearest ancestor that is still there.
    fn heir(&self, gone: &Process, by_number: &BTreeMap<u32, Id>, seen: &BTreeMap<Id, Process>) -> Option<Id> {
        let parent = |process: &Process| self.latest.get(by_number.get(&process.stat.parent)?);
        // No chain is longer than there are processes.
        let ancestors = std::iter::successors(parent(gone), |process| parent(process)).take(self.latest.len());
        ancestors.map(|process| process.stat.id).find(|id| seen.contains_key(id))
    }

    fn switches_between(&self, seen: &BTreeMap<Id, Process>) -> Option<u64> {
        let mut sum = 0;
        for (id, process) in seen {
            let before = self.latest.get(id).and_then(|process| process.switches.as_ref());
            for (thread, count) in process.switches.as_ref()? {
                // A thread that is new has all of its own since the last look.
                let counted = before.and_then(|before| before.get(thread)).copied().unwrap_or_default();
                sum += count.saturating_sub(counted);
            }
        }
        Some(sum)
    }

    fn note(&mut self, at: Duration) {
        let held: Option<Vec<_>> = self.latest.values().map(|process| process.held).collect();
        let Some(held) = held else { return };
        let sum = |values: Vec<Option<u64>>| values.into_iter().sum::<Option<u64>>();
        let pss_bytes = sum(held.iter().map(|held| held.pss_bytes).collect());
        let handles = sum(held.iter().map(|held| held.handles).collect());
        self.peak_pss = self.peak_pss.max(pss_bytes);
        if self.looks.is_multiple_of(self.stride) {
            self.points.push(Point { at, pss_bytes, handles, threads: self.threads() });
        }
        self.looks += 1;
        if self.points.len() == MOST_POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::process::Held;

    fn process(number: u32, parent: u32, own: u64, reaped: u64) -> Process {
        let id = Id { number, started: u64::from(number) };
        let [own, reaped] = [own, reaped].map(Duration::from_secs);
        Process {
            stat: Stat { id, parent, is_zombie: false, own, reaped, threads: 1 },
            switches: Some(BTreeMap::from([(number, 0)])),
            held: Some(Held { pss_bytes: Some(1), handles: Some(1) }),
        }
    }

    /// CPU seconds after these looks, a second apart.
    fn used(looks: Vec<Vec<Process>>) -> f64 {
        let mut account = Account::new(1);
        let begin = Instant::now();
        let seconds = looks.len() as f64 - 1.0;
        for (second, processes) in looks.into_iter().enumerate() {
            account.add(begin + Duration::from_secs(second as u64), processes);
        }
        account.cost().cpu_per_second.expect("two looks") * seconds
    }

    #[test]
    fn what_a_child_used_counts_once_whoever_waits_for_it() {
        let before = || vec![process(1, 0, 10, 0), process(2, 1, 5, 0), process(3, 2, 3, 0)];
        let after = |reaped| vec![process(1, 0, 10, reaped)];
        assert_eq!(used(vec![before(), after(8)]), 0.0, "waited for as it was");
        assert_eq!(used(vec![before(), after(9)]), 1.0, "and used one more before its end");
        assert_eq!(used(vec![before(), after(0)]), 0.0, "never waited for");
        assert_eq!(used(vec![before(), after(5)]), 0.0, "waited for in part");
        assert_eq!(used(vec![before(), vec![process(3, 0, 4, 0)]]), 1.0, "only the orphan is left");
        assert_eq!(
            used(vec![before(), vec![process(1, 0, 10, 2), process(2, 1, 5, 0), process(3, 2, 3, 0)]]),
            2.0,
            "unseen"
        );
    }

    #[test]
    fn the_tree_holds_descendants_and_orphans_and_no_stranger_with_an_old_number() {
        let stats = |processes: &[Process]| processes.iter().map(|process| process.stat).collect::<Vec<_>>();
        let numbers = |account: &Account, processes: &[Process]| {
            let mut numbers: Vec<u32> = account.tree(&stats(processes)).iter().map(|stat| stat.id.number).collect();
            numbers.sort_unstable();
            numbers
        };
        let mut account = Account::new(10);
        let all = [
            process(1, 0, 0, 0),
            process(12, 11, 0, 0),
            process(11, 10, 0, 0),
            process(10, 1, 0, 0),
            process(20, 1, 0, 0),
        ];
        assert_eq!(numbers(&account, &all), [10, 11, 12]);
        account.add(Instant::now(), vec![all[1].clone(), all[2].clone(), all[3].clone()]);
        let mut stranger = process(10, 1, 0, 0);
        stranger.stat.id.started = 999;
        let orphaned = [process(1, 0, 0, 0), process(12, 1, 0, 0), process(13, 12, 0, 0), stranger];
        assert_eq!(numbers(&account, &orphaned), [12, 13]);
    }

    #[test]
    fn wake_ups_of_threads_that_end_stay_counted() {
        let with = |switches: &[(u32, u64)]| Process {
            switches: Some(switches.iter().copied().collect()),
            ..process(1, 0, 0, 0)
        };
        let mut account = Account::new(1);
        let begin = Instant::now();
        for (second, switches) in
            [&[(1, 100), (2, 50)][..], &[(1, 110), (2, 60)], &[(1, 110), (3, 4)]].into_iter().enumerate()
        {
            account.add(begin + Duration::from_secs(second as u64), vec![with(switches)]);
        }
        assert_eq!(account.cost().wakeups_per_second, Some(12.0));
        account.add(begin + Duration::from_secs(3), vec![Process { switches: None, ..process(1, 0, 0, 0) }]);
        assert_eq!(account.cost().wakeups_per_second, None);
    }

    #[test]
    fn one_look_tells_no_rate_and_an_ended_tree_adds_nothing() {
        let mut account = Account::new(1);
        let begin = Instant::now();
        account.add(begin, Vec::new());
        assert_eq!(account.cost(), Cost::default());
        account.add(begin, vec![process(1, 0, 1, 0)]);
        let cost = account.cost();
        assert_eq!((cost.cpu_per_second, cost.threads), (None, Some(1)));
        account.add(begin + Duration::from_secs(9), Vec::new());
        assert_eq!(account.cost(), cost);
    }

    #[test]
    fn the_cpu_time_of_a_part_lies_between_its_looks() {
        let mut account = Account::new(1);
        let begin = Instant::now();
        for (second, own) in [10, 11, 15, 15].into_iter().enumerate() {
            account.add(begin + Duration::from_secs(second as u64), vec![process(1, 0, own, 0)]);
        }
        let at = |seconds: f64| begin + Duration::from_secs_f64(seconds);
        let used = |from, to| account.used_between(at(from), at(to)).map(|used| used.as_secs_f64());
        assert_eq!((used(0.0, 3.0), used(1.0, 1.5), used(0.5, 2.5)), (Some(5.0), Some(2.0), Some(4.5)));
        assert_eq!((account.used_between(begin - Duration::from_secs(1), at(1.0)), used(1.0, 3.1)), (None, None));
    }

    #[test]
    fn a_long_soak_keeps_its_slope_and_not_all_its_points() {
        let mut account = Account::new(1);
        let begin = Instant::now();
        for second in 0..20_000 {
            let held = Held { pss_bytes: Some(1_000_000 + 10 * second), handles: Some(7) };
            account.add(begin + Duration::from_secs(second), vec![Process { held: Some(held), ..process(1, 0, 0, 0) }]);
        }
        assert!(account.points().len() < MOST_POINTS);
        let gaps = account.points().windows(2).map(|two| two[1].at - two[0].at);
        assert!(gaps.min() == gaps_max(account.points()), "evenly apart");
        assert!((account.memory_slope().expect("enough points") - 36_000.0).abs() < 1e-3);
        assert!(account.handles_slope().expect("enough points").abs() < 1e-9);
        assert_eq!(account.cost().peak_pss_bytes, Some(1_000_000 + 199_990));
    }

    fn gaps_max(points: &[Point]) -> Option<Duration> {
        points.windows(2).map(|two| two[1].at - two[0].at).max()
    }
}
