//! The guard against getting worse: the ratios of ours by a peer's that a checked-in file holds, and those of new runs.
//! Only ratios from the same runs are compared, never times of one machine with those of another.
//!
//! `baseline.json` is `{"schema": 1, "peers": {PEER: {SCENARIO: {FIGURE: RATIO}}}}`. A peer is named like a [`Pair`], a figure
//! by its [`Measure::key`]. A ratio is [`Measure::steady_ratio`] of the medians of repeated runs (three are the rule), to
//! three digits. Runs in which the network was late ([`network_kept_time`]) are left out on both sides.
//!
//! A ratio over [`TOLERANCE`] times worse is a regression, if it would still be one were our value a grain better
//! ([`Measure::grain`]; [`MEASURES`](crate::report::measure::MEASURES) lists them): a freeze where there was none, or 2 ms
//! more at a latency of 5 ms, is chance. So is a median that has crossed the line while the rounds lie on both sides of
//! it: [`MOST_ROUNDS`] of our rounds beside each of the peer's have to be over it as well. What the baseline has and the
//! runs lack is told; where the peer still has it, it counts as worse.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::figures::Run;
use crate::report::measure::{Better, Measure, network_kept_time};
use crate::report::table::{Comparison, Pair, Row};

/// A ratio may get worse by this factor.
pub const TOLERANCE: f64 = 1.25;

/// The share of rounds, each of ours beside each of the peer's, that have to be a regression by themselves too.
pub const MOST_ROUNDS: f64 = 0.75;

/// The version of the format.
const SCHEMA: u32 = 1;

/// Figure by ratio, of a scenario.
type Ratios = BTreeMap<String, f64>;

/// What is expected of new runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    schema: u32,
    peers: BTreeMap<String, BTreeMap<String, Ratios>>,
}

/// Why a baseline cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// No file, or no right to it.
    #[error("cannot read the baseline; make one from a full run first")]
    Read(#[from] io::Error),
    /// It is something else.
    #[error("the baseline is not in its format; make it anew from a full run")]
    Format(#[from] serde_json::Error),
    /// It is of another version of this program.
    #[error("the baseline is of version {0}, and this program reads version {SCHEMA}; make it anew from a full run")]
    Version(u32),
}

/// A ratio that got worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// Which.
    pub figure: Figure,
    /// The ratio that was expected.
    pub expected: f64,
    /// The ratio that came.
    pub found: f64,
    /// How many times worse that is; over 1.
    pub worse: f64,
    /// Our median, in the unit of the measure.
    pub ours: f64,
    /// The peer's.
    pub theirs: f64,
}

/// A figure of a scenario against a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The peer.
    pub peer: String,
    /// The scenario.
    pub scenario: String,
    /// The key of the measure.
    pub key: String,
}

/// A ratio of the baseline for which the runs have no counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub figure: Figure,
    /// Whether the peer has it and we have not: a failed call or one that never recovered looks like this.
    pub only_ours: bool,
}

/// What the comparison with a baseline found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What got worse.
    pub regressions: Vec<Regression>,
    /// What could not be compared.
    pub missing: Vec<Missing>,
}

impl Findings {
    /// The scenarios in which something got worse, or in which we have no figure any more where the peer still has one.
    #[must_use]
    pub fn scenarios(&self) -> Vec<String> {
        let lost = self.missing.iter().filter(|missing| missing.only_ours).map(|missing| &missing.figure);
        let worse = self.regressions.iter().map(|regression| &regression.figure);
        let mut names: Vec<String> = worse.chain(lost).map(|figure| figure.scenario.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Baseline {
    /// From runs: each figure that both sides have, against each peer that is not us on either side. A figure that differs
    /// from round to round so much that one of them alone would be a regression guards nothing, and is left out.
    #[must_use]
    pub fn from_runs(runs: &[Run]) -> Self {
        let mut peers = BTreeMap::new();
        let timely = timely(runs);
        for comparison in comparisons(&timely) {
            let mut scenarios = BTreeMap::new();
            for scenario in &comparison.scenarios {
                let steady = |row: &&Row| is_steady(row, &timely, &comparison, &scenario.name);
                let ratios: Ratios = scenario.rows.iter().filter(steady).filter_map(ratio).collect();
                if !ratios.is_empty() {
                    scenarios.insert(scenario.name.clone(), ratios);
                }
            }
            peers.insert(comparison.theirs.to_string(), scenarios);
        }
        Self { schema: SCHEMA, peers }
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the file is not there, or not a baseline of this version.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_slice(&fs::read(path)?)?;
        if baseline.schema != SCHEMA {
            return Err(BaselineError::Version(baseline.schema));
        }
        Ok(baseline)
    }

    /// Writes it, one ratio a line, so that a change of it reads well.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        fs::write(path, text)
    }

    /// The baseline without scenarios other than these, for runs of a few.
    #[must_use]
    pub fn only(mut self, scenarios: &[&str]) -> Self {
        for peer in self.peers.values_mut() {
            peer.retain(|name, _| scenarios.contains(&name.as_str()));
        }
        self
    }
}

/// Compares new runs with a baseline.
#[must_use]
pub fn compare(baseline: &Baseline, runs: &[Run]) -> Findings {
    let timely = timely(runs);
    let comparisons = comparisons(&timely);
    let mut findings = Findings::default();
    for (peer, scenarios) in &baseline.peers {
        let comparison = comparisons.iter().find(|comparison| comparison.theirs.to_string() == *peer);
        for (name, ratios) in scenarios {
            let scenario = comparison.and_then(|comparison| comparison.scenarios.iter().find(|one| one.name == *name));
            for (key, &expected) in ratios {
                let figure = Figure { peer: peer.clone(), scenario: name.clone(), key: key.clone() };
                let row = scenario.and_then(|scenario| scenario.rows.iter().find(|row| row.measure.key == *key));
                let both = row.zip(comparison);
                let rounds = both.map(|(row, comparison)| Rounds::of(row.measure, comparison, name, &timely));
                judge(&mut findings, figure, expected, row, &rounds.unwrap_or_default());
            }
        }
    }
    findings
}

fn judge(findings: &mut Findings, figure: Figure, expected: f64, row: Option<&Row>, rounds: &Rounds) {
    let ours_and_theirs = (row.and_then(|row| row.ours), row.and_then(|row| row.theirs));
    let (Some(row), (Some(ours), Some(theirs))) = (row, ours_and_theirs) else {
        findings.missing.push(Missing { figure, only_ours: ours_and_theirs.1.is_some() });
        return;
    };
    let measure = row.measure;
    if is_worse(measure, expected, ours, theirs) && rounds.share_worse(measure, expected) >= MOST_ROUNDS {
        let found = measure.steady_ratio(ours, theirs);
        let worse = times_worse(measure, expected, found);
        findings.regressions.push(Regression { figure, expected, found, worse, ours, theirs });
    }
}

/// A figure in each round, of ours and of a peer's.
#[derive(Default)]
struct Rounds {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Rounds {
    fn of(measure: &Measure, comparison: &Comparison, scenario: &str, runs: &[Run]) -> Self {
        let values = |pair: &Pair| {
            let made = runs.iter().filter(|run| run.scenario == scenario && pair.made(run));
            made.filter_map(|run| measure.of(run)).collect()
        };
        Self { ours: values(&comparison.ours), theirs: values(&comparison.theirs) }
    }

    /// How many of our rounds beside each of theirs are a regression from that ratio; 0 without rounds.
    fn share_worse(&self, measure: &Measure, expected: f64) -> f64 {
        let pairs = self.ours.iter().flat_map(|ours| self.theirs.iter().map(move |theirs| (*ours, *theirs)));
        let worse: Vec<bool> = pairs.map(|(ours, theirs)| is_worse(measure, expected, ours, theirs)).collect();
        worse.iter().filter(|worse| **worse).count() as f64 / worse.len().max(1) as f64
    }
}

/// Whether these two values are a regression from that ratio.
fn is_worse(measure: &Measure, expected: f64, ours: f64, theirs: f64) -> bool {
    let found = measure.steady_ratio(measure.a_grain_better(ours), theirs);
    times_worse(measure, expected, found) > TOLERANCE
}

/// Whether there is a ratio, and no round of ours beside any of the peer's would be a regression from it.
fn is_steady(row: &Row, runs: &[Run], comparison: &Comparison, scenario: &str) -> bool {
    let Some((ours, theirs)) = row.ours.zip(row.theirs) else { return false };
    // By next to nothing there is no ratio; next to nothing on both sides is one, and is to stay.
    let grain = row.measure.grain;
    if theirs.abs() < grain && ours.abs() > grain {
        return false;
    }
    let expected = row.measure.steady_ratio(ours, theirs);
    Rounds::of(row.measure, comparison, scenario, runs).share_worse(row.measure, expected) == 0.0
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, expected, found, worse, ours, theirs } = self;
        write!(
            f,
            "{figure}: {worse:.2} times worse, ratio {found:.2} after {expected:.2} (ours {ours:.3}, theirs {theirs:.3})"
        )
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.only_ours { "we have none, the peer has" } else { "not measured" };
        write!(f, "{}: {whose}", self.figure)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Measure::named(&self.key).map_or(self.key.as_str(), |measure| measure.name);
        write!(f, "{}, {name} against {}", self.scenario, self.peer)
    }
}

fn timely(runs: &[Run]) -> Vec<Run> {
    runs.iter().filter(|run| network_kept_time(run)).cloned().collect()
}

fn comparisons(runs: &[Run]) -> Vec<Comparison> {
    Comparison::all(runs).into_iter().filter(|comparison| comparison.theirs.is_foreign()).collect()
}

fn ratio(row: &Row) -> Option<(String, f64)> {
    let (ours, theirs) = row.ours.zip(row.theirs)?;
    let ratio = row.measure.steady_ratio(ours, theirs);
    Some((row.measure.key.to_owned(), (ratio * 1e3).round() / 1e3))
}

fn times_worse(measure: &Measure, expected: f64, found: f64) -> f64 {
    match measure.better {
        Better::Lower => found / expected,
        Better::Higher => expected / found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Quantiles, Totals};

    fn run(caller: &str, totals: Totals) -> Run {
        let caller = caller.to_owned();
        Run { scenario: "loss5".into(), sender: caller.clone(), receiver: caller, totals, ..Run::default() }
    }

    /// One run of ours and one of a peer's.
    fn pair(ours: Totals, theirs: Totals) -> [Run; 2] {
        [run("ringback", ours), run("chromium/VP8", theirs)]
    }

    fn latency(p50: f64) -> Totals {
        let latency = Quantiles { p50, p95: p50, p99: p50, max: p50 };
        Totals { picture_latency_ms: Some(latency), ..Totals::default() }
    }

    fn regressed(before: [Run; 2], now: [Run; 2]) -> Vec<String> {
        let found = compare(&Baseline::from_runs(&before), &now);
        assert_eq!(found.missing, []);
        found.regressions.into_iter().map(|regression| regression.figure.key).collect()
    }

    #[test]
    fn a_ratio_that_got_much_worse_is_a_regression_and_a_slower_machine_is_none() {
        let before = || pair(latency(100.0), latency(100.0));
        assert_eq!(regressed(before(), pair(latency(300.0), latency(300.0))), Vec::<String>::new());
        assert_eq!(regressed(before(), pair(latency(120.0), latency(100.0))), Vec::<String>::new());
        let all = ["picture_latency_p50", "picture_latency_p95", "picture_latency_p99"];
        assert_eq!(regressed(before(), pair(latency(150.0), latency(100.0))), all);
        assert_eq!(regressed(before(), pair(latency(50.0), latency(100.0))), Vec::<String>::new(), "better");
    }

    #[test]
    fn where_more_is_better_less_is_a_regression() {
        let totals = |frame_rate, psnr, ssim| Totals {
            frame_rate: Some(frame_rate),
            psnr_db: Some(psnr),
            ssim: Some(ssim),
            ..Totals::default()
        };
        let good = || totals(30.0, 38.0, 0.96);
        let none = Vec::<String>::new();
        assert_eq!(
            regressed(pair(good(), good()), pair(totals(20.0, 35.0, 0.93), good())),
            ["frame_rate", "psnr", "ssim"]
        );
        assert_eq!(regressed(pair(good(), good()), pair(totals(26.0, 37.0, 0.955), good())), none);
        assert_eq!(regressed(pair(totals(20.0, 35.0, 0.93), good()), pair(good(), good())), none);
    }

    #[test]
    fn small_numbers_do_not_cry_wolf() {
        let freezes = |count| Totals { freezes: Some(count), ..Totals::default() };
        let none = Vec::<String>::new();
        for (before, now) in [(0, 0), (0, 1), (1, 0), (1, 2)] {
            let found = regressed(pair(freezes(before), freezes(0)), pair(freezes(now), freezes(0)));
            assert_eq!(found, none, "{before} before, {now} now");
        }
        assert_eq!(regressed(pair(freezes(0), freezes(0)), pair(freezes(2), freezes(0))), ["freezes"]);
        assert_eq!(regressed(pair(latency(3.0), latency(3.0)), pair(latency(5.0), latency(3.0))), none);
    }

    #[test]
    fn what_is_missing_is_told_and_by_whom() {
        let baseline = Baseline::from_runs(&pair(latency(50.0), latency(50.0)));
        let found = compare(&baseline, &pair(Totals::default(), latency(50.0)));
        assert_eq!(found.regressions, []);
        assert_eq!(found.missing.len(), 3);
        assert!(found.missing.iter().all(|missing| missing.only_ours));
        assert_eq!(found.scenarios(), ["loss5"]);
        assert_eq!(
            found.missing[0].to_string(),
            "loss5, picture latency p50 against chromium/VP8: we have none, the peer has"
        );
        assert!(compare(&baseline, &[]).missing.iter().all(|missing| !missing.only_ours));
        assert!(compare(&baseline, &[]).scenarios().is_empty(), "the peer has none either");
        assert_eq!(compare(&baseline.only(&["drop"]), &[]), Findings::default());
    }

    #[test]
    fn runs_over_a_late_network_and_mixed_pairs_are_left_out() {
        let late = |mut run: Run| {
            run.network_late_p99_ms = Some(40.0);
            run
        };
        let [ours, theirs] = pair(latency(50.0), latency(50.0));
        let mixed = Run { sender: "ringback".into(), ..theirs.clone() };
        let baseline =
            Baseline::from_runs(&[ours.clone(), mixed, theirs.clone(), late(run("ringback", latency(900.0)))]);
        assert_eq!(baseline, Baseline::from_runs(&[ours, theirs]));
        assert_eq!(baseline.peers.len(), 1);
    }

    #[test]
    fn the_median_of_three_is_what_counts() {
        let repeated = |ours: [f64; 3]| -> Vec<Run> {
            ours.into_iter().flat_map(|ours| pair(latency(ours), latency(50.0))).collect()
        };
        let baseline = Baseline::from_runs(&repeated([50.0, 50.0, 50.0]));
        assert_eq!(compare(&baseline, &repeated([50.0, 900.0, 48.0])).regressions, []);
        assert_eq!(compare(&baseline, &repeated([90.0, 900.0, 95.0])).regressions.len(), 3);
        assert_eq!(
            compare(&baseline, &repeated([80.0, 900.0, 48.0])).regressions,
            [],
            "rounds on both sides of the line"
        );
    }

    #[test]
    fn what_differs_from_round_to_round_guards_nothing() {
        let repeated = |ours: [f64; 3]| -> Vec<Run> {
            ours.into_iter().flat_map(|ours| pair(latency(ours), latency(50.0))).collect()
        };
        assert!(!Baseline::from_runs(&repeated([50.0, 55.0, 52.0])).peers["chromium/VP8"].is_empty());
        assert!(Baseline::from_runs(&repeated([50.0, 90.0, 52.0])).peers["chromium/VP8"].is_empty());
        let frozen = |seconds| Totals { freeze_seconds: Some(seconds), ..Totals::default() };
        for (ours, theirs, guards) in [(9.0, 0.0, false), (0.0, 0.0, true), (9.0, 1.0, true)] {
            let baseline = Baseline::from_runs(&pair(frozen(ours), frozen(theirs)));
            assert_eq!(!baseline.peers["chromium/VP8"].is_empty(), guards, "{ours} s by {theirs} s");
        }
    }

    #[test]
    fn a_baseline_is_written_for_people_and_read_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("baseline.json");
        let freezes = |count| Totals { freezes: Some(count), ..Totals::default() };
        let baseline = Baseline::from_runs(&pair(freezes(1), freezes(2)));
        baseline.write(&path).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), include_str!("report/testdata/baseline.json"));
        assert_eq!(Baseline::read(&path).expect("a baseline"), baseline);

        fs::write(&path, r#"{"schema": 2, "peers": {}}"#).expect("written");
        assert!(matches!(Baseline::read(&path), Err(BaselineError::Version(2))));
        fs::write(&path, "{}").expect("written");
        assert!(matches!(Baseline::read(&path), Err(BaselineError::Format(_))));
        assert!(matches!(Baseline::read(folder.path()), Err(BaselineError::Read(_))));
    }
}
