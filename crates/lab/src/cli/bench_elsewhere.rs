//! `lab bench` where there are no network namespaces.

use super::Outcome;

/// Says so.
pub(crate) fn run(_: &[String]) -> Outcome {
    Err("`lab bench` needs Linux".to_owned())
}
