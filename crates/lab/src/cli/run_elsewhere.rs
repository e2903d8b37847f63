//! `lab run` where there are no network namespaces.

use super::Outcome;

/// Says so.
pub(crate) fn run(_: &[String]) -> Outcome {
    Err("`lab run` needs Linux; `ringback lab` runs two callers over a network in memory on any system".to_owned())
}
