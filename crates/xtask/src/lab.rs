//! `cargo xtask lab`: builds the optimised program and the lab, and leaves the rest to the lab.
//! What is measured is the program as people run it.

use std::process::Command;

use crate::shell::{Outcome, cargo, run as run_shown, target};
use crate::{needs, packages};

/// Runs `lab run ARGUMENTS`.
pub(crate) fn run(arguments: &[String], consent: packages::Consent) -> Outcome {
    let mut needed = needs::build();
    needed.extend(needs::lab());
    packages::provide(&needed, consent)?;
    run_shown(&mut cargo(&["build", "--release", "--locked", "--package", "ringback", "--package", "lab"]))?;
    let built = target().join("release");
    run_shown(Command::new(built.join("lab")).arg("run").args(arguments).env("RINGBACK_BIN", built.join("ringback")))
}
