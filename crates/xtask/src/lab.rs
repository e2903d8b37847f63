//! `cargo xtask lab` and `cargo xtask bench`: builds the optimised program and the lab, and leaves the rest to the lab.
//! What is measured is the program as people run it.

use std::process::Command;

use crate::shell::{Outcome, cargo, run as run_shown, target, workspace};
use crate::{needs, packages};

/// Runs `lab COMMAND ARGUMENTS`.
pub(crate) fn run(command: &str, arguments: &[String], consent: packages::Consent) -> Outcome {
    let mut needed = needs::build();
    needed.extend(needs::lab());
    if command == "bench" {
        needed.extend(needs::bench());
    }
    packages::provide(&needed, consent)?;
    measured(command, arguments)
}

/// Whether calls got worse, compared with those of the browser beside them: the short runs against the baseline.
pub(crate) fn guard() -> Outcome {
    let baseline = workspace().join("crates/lab/baseline.json");
    measured("run", &["--short".to_owned(), "--check".to_owned(), baseline.display().to_string()])
}

fn measured(command: &str, arguments: &[String]) -> Outcome {
    run_shown(&mut cargo(&["build", "--release", "--locked", "--package", "ringback", "--package", "lab"]))?;
    let built = target().join("release");
    let ringback = built.join("ringback");
    run_shown(Command::new(built.join("lab")).arg(command).args(arguments).env("RINGBACK_BIN", ringback))
}
