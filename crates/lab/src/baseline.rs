//! The guard against getting worse: the ratios of ours by a peer's that a checked-in file holds, and those of new runs.
//! Only ratios from the same runs are compared, never times of one machine with those of another.
//!
//! `baseline.json` is `{"schema": 1, "peers": {PEER: {SCENARIO: {FIGURE: RATIO}}}}`. A peer is named like a
//! [`Pair`](crate::report::table::Pair), a figure by the key of its [`Measure`](crate::report::measure::Measure). A ratio is
//! the measure's `steady_ratio` of the medians of repeated runs (three are the rule), to three digits. Runs in which the
//! network was late ([`network_kept_time`]) are left out on both sides.

mod findings;
mod regression;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::figures::Run;
use crate::report::measure::network_kept_time;
use crate::report::table::{Comparison, Row};
pub use findings::{Figure, Findings, Missing, Regression};
use regression::is_steady;
pub use regression::{MOST_ROUNDS, TOLERANCE, compare};

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

#[cfg(test)]
mod tests;
