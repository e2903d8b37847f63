//! When a figure has got worse: the rule, and new runs held to a baseline by it.
//! What may be chance is no regression.
//!
//! A ratio over [`TOLERANCE`] times worse is a regression, if it would still be one were our value a grain better
//! ([`Measure::grain`]; [`MEASURES`](crate::report::measure::MEASURES) lists them): a freeze where there was none, or 2 ms
//! more at a latency of 5 ms, is chance. So is a median that has crossed the line while the rounds lie on both sides of
//! it: [`MOST_ROUNDS`] of our rounds beside each of the peer's have to be over it as well. What the baseline has and the
//! runs lack is told; where the peer still has it, it counts as worse.

use super::findings::{Figure, Findings, Missing, Regression};
use super::{Baseline, comparisons, timely};
use crate::figures::Run;
use crate::report::measure::{Better, Measure};
use crate::report::table::{Comparison, Pair, Row};

/// A ratio may get worse by this factor.
pub const TOLERANCE: f64 = 1.25;

/// The share of rounds, each of ours beside each of the peer's, that have to be a regression by themselves too.
pub const MOST_ROUNDS: f64 = 0.75;

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

/// Whether there is a ratio, and no round of ours beside any of the peer's would be a regression from it.
pub(super) fn is_steady(row: &Row, runs: &[Run], comparison: &Comparison, scenario: &str) -> bool {
    let Some((ours, theirs)) = row.ours.zip(row.theirs) else { return false };
    // By next to nothing there is no ratio; next to nothing on both sides is one, and is to stay.
    let grain = row.measure.grain;
    if theirs.abs() < grain && ours.abs() > grain {
        return false;
    }
    let expected = row.measure.steady_ratio(ours, theirs);
    Rounds::of(row.measure, comparison, scenario, runs).share_worse(row.measure, expected) == 0.0
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

fn times_worse(measure: &Measure, expected: f64, found: f64) -> f64 {
    match measure.better {
        Better::Lower => found / expected,
        Better::Higher => expected / found,
    }
}
