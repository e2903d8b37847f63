//! What the comparison with a baseline found, and how that is told to people.
//! A line of it names scenario, figure and peer, and what was expected and what came.

use std::fmt;

use crate::report::measure::Measure;

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
