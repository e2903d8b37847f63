//! The comparison of us and a peer, scenario by scenario and figure by figure, as plain data.
//! Each value is the median over the repeated runs of a pair; what was not measured is `None`.

use std::fmt;

use super::measure::{Better, MEASURES, Measure};
use crate::figures::Run;

/// The name that our own callers go by.
pub const OURS: &str = "ringback";

/// Who calls whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Who sends, and with which codec.
    pub sender: String,
    /// Who receives.
    pub receiver: String,
}

impl Pair {
    /// The pair of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self { sender: run.sender.clone(), receiver: run.receiver.clone() }
    }

    /// All pairs in these runs, in order of appearance.
    #[must_use]
    pub fn all(runs: &[Run]) -> Vec<Self> {
        let mut pairs = Vec::new();
        for pair in runs.iter().map(Self::of) {
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }

    /// Whether both callers are ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        is_ours(&self.sender) && is_ours(&self.receiver)
    }

    /// Whether neither is.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        !is_ours(&self.sender) && !is_ours(&self.receiver)
    }

    /// Whether a run is one of this pair.
    #[must_use]
    pub fn made(&self, run: &Run) -> bool {
        run.sender == self.sender && run.receiver == self.receiver
    }
}

/// `chromium/VP8`, or `ringback → chromium/VP8`.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sender == self.receiver {
            write!(f, "{}", self.sender)
        } else {
            write!(f, "{} → {}", self.sender, self.receiver)
        }
    }
}

/// Whose value is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// Ours.
    Ours,
    /// The peer's.
    Theirs,
    /// They differ by no more than the grain of the measure.
    Neither,
    /// At least one of them was not measured.
    Unknown,
}

/// One figure of one scenario.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub measure: &'static Measure,
    /// Our median.
    pub ours: Option<f64>,
    /// The peer's.
    pub theirs: Option<f64>,
    /// Whose is better.
    pub winner: Winner,
    /// Ours by theirs; `None` when one is missing or theirs is 0.
    pub ratio: Option<f64>,
}

impl Row {
    fn new(measure: &'static Measure, ours: Option<f64>, theirs: Option<f64>) -> Self {
        let both = ours.zip(theirs);
        let winner = both.map_or(Winner::Unknown, |(ours, theirs)| {
            let we_win = match measure.better {
                Better::Lower => ours < theirs,
                Better::Higher => ours > theirs,
            };
            match we_win {
                _ if (ours - theirs).abs() <= measure.grain => Winner::Neither,
                true => Winner::Ours,
                false => Winner::Theirs,
            }
        });
        let ratio = both.filter(|&(_, theirs)| theirs != 0.0).map(|(ours, theirs)| ours / theirs);
        Self { measure, ours, theirs, winner, ratio }
    }

    /// Whether anything was measured on either side.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.ours.is_some() || self.theirs.is_some()
    }

    /// The ratio as people read it.
    #[must_use]
    pub fn show_ratio(&self) -> String {
        self.ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}"))
    }
}

/// One scenario of a comparison.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// How many of our runs gave figures.
    pub our_runs: usize,
    /// How many of the peer's.
    pub their_runs: usize,
    /// One for each of [`MEASURES`].
    pub rows: Vec<Row>,
    /// What kept runs of either side from having figures.
    pub failures: Vec<String>,
}

impl Scenario {
    fn new(name: String, runs: &[Run], ours: &Pair, theirs: &Pair) -> Self {
        let of =
            |pair: &Pair| -> Vec<&Run> { runs.iter().filter(|run| run.scenario == name && pair.made(run)).collect() };
        let (our, their) = (of(ours), of(theirs));
        let rows = MEASURES
            .iter()
            .map(|measure| {
                Row::new(measure, measure.median(our.iter().copied()), measure.median(their.iter().copied()))
            })
            .collect();
        let judged = |runs: &[&Run]| runs.iter().filter(|run| run.error.is_none()).count();
        let failures = our
            .iter()
            .chain(&their)
            .filter_map(|run| run.error.as_ref().map(|error| format!("{}: {error}", Pair::of(run))))
            .collect();
        Self { our_runs: judged(&our), their_runs: judged(&their), rows, failures, name }
    }
}

/// Us and one peer.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Our pair.
    pub ours: Pair,
    /// The peer's.
    pub theirs: Pair,
    /// Each scenario that at least one of them ran, in order of appearance.
    pub scenarios: Vec<Scenario>,
}

impl Comparison {
    /// Compares two pairs.
    #[must_use]
    pub fn new(runs: &[Run], ours: &Pair, theirs: &Pair) -> Self {
        let of_either: Vec<&Run> = runs.iter().filter(|run| ours.made(run) || theirs.made(run)).collect();
        let scenarios = scenario_names(of_either)
            .into_iter()
            .map(|name| Scenario::new(name.to_owned(), runs, ours, theirs))
            .collect();
        Self { ours: ours.clone(), theirs: theirs.clone(), scenarios }
    }

    /// Compares the first pair that is ours with each other one; empty when there are no two to compare.
    #[must_use]
    pub fn all(runs: &[Run]) -> Vec<Self> {
        let pairs = Pair::all(runs);
        let Some(ours) = pairs.iter().find(|pair| pair.is_ours()) else { return Vec::new() };
        pairs.iter().filter(|pair| *pair != ours).map(|theirs| Self::new(runs, ours, theirs)).collect()
    }
}

/// The names of the scenarios in these runs, in order of appearance.
pub(super) fn scenario_names<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for run in runs {
        if !names.contains(&run.scenario.as_str()) {
            names.push(run.scenario.as_str());
        }
    }
    names
}

fn is_ours(caller: &str) -> bool {
    caller.split('/').next() == Some(OURS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Totals;

    fn run(scenario: &str, caller: &str, totals: Totals) -> Run {
        let (scenario, caller) = (scenario.to_owned(), caller.to_owned());
        Run { scenario, sender: caller.clone(), receiver: caller, totals, ..Run::default() }
    }

    fn row<'a>(scenario: &'a Scenario, key: &str) -> &'a Row {
        scenario.rows.iter().find(|row| row.measure.key == key).expect("in the list")
    }

    #[test]
    fn medians_of_repeated_runs_are_compared_and_the_better_one_wins() {
        let freezes = |count, rate| Totals { freezes: Some(count), frame_rate: Some(rate), ..Totals::default() };
        let runs = [
            run("loss5", "ringback", freezes(0, 29.0)),
            run("loss5", "chromium/VP8", freezes(4, 30.0)),
            run("loss5", "ringback", freezes(9, 20.0)),
            run("loss5", "ringback", freezes(1, 28.0)),
        ];
        let all = Comparison::all(&runs);
        assert_eq!(all.len(), 1);
        let scenario = &all[0].scenarios[0];
        assert_eq!((scenario.our_runs, scenario.their_runs), (3, 1));
        let freezes = row(scenario, "freezes");
        assert_eq!((freezes.ours, freezes.theirs, freezes.ratio), (Some(1.0), Some(4.0), Some(0.25)));
        assert_eq!(freezes.winner, Winner::Ours);
        assert_eq!(row(scenario, "frame_rate").winner, Winner::Theirs, "more pictures are better");
        assert_eq!(row(scenario, "psnr").winner, Winner::Unknown);
    }

    #[test]
    fn a_difference_below_the_grain_wins_nothing_and_zero_divides_nothing() {
        let freezes = Measure::named("freezes").expect("in the list");
        let row = Row::new(freezes, Some(1.0), Some(0.0));
        assert_eq!((row.winner, row.ratio), (Winner::Neither, None));
        assert_eq!(Row::new(freezes, Some(2.0), Some(0.0)).winner, Winner::Theirs);
        assert_eq!(Row::new(freezes, None, Some(0.0)).winner, Winner::Unknown);
    }

    #[test]
    fn a_failed_run_is_told_and_not_counted() {
        let failed = Run { error: Some("not installed".into()), ..run("clean", "aiortc", Totals::default()) };
        let runs = [run("clean", "ringback/H264", Totals::default()), failed];
        let scenario = &Comparison::all(&runs)[0].scenarios[0];
        assert_eq!((scenario.our_runs, scenario.their_runs), (1, 0));
        assert_eq!(scenario.failures, ["aiortc: not installed"]);
    }

    #[test]
    fn pairs_are_ours_foreign_or_mixed() {
        let pair = |sender: &str, receiver: &str| Pair { sender: sender.into(), receiver: receiver.into() };
        let mixed = pair("ringback", "chromium/VP8");
        assert!(!mixed.is_ours() && !mixed.is_foreign());
        assert_eq!(mixed.to_string(), "ringback → chromium/VP8");
        assert!(pair("ringback/H264", "ringback").is_ours());
        assert!(pair("aiortc", "ringbackish").is_foreign());
        assert!(Comparison::all(&[run("clean", "aiortc", Totals::default())]).is_empty());
    }
}
