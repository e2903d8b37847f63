//! `cargo xtask window` and `cargo xtask screenshots`: builds the optimised program, and looks at its window on a screen of its own.
//! The looking is done by the tests' harness, which knows how to start calls and screens.

use std::process::Command;

use crate::needs;
use crate::packages::{self, Consent};
use crate::shell::{Outcome, cargo, run as run_shown, target};

/// Runs `look COMMAND` of the tests' harness.
pub(crate) fn run(command: &str, consent: Consent) -> Outcome {
    let mut needed = needs::build();
    needed.extend(needs::window());
    needed.extend(needs::screen());
    packages::provide(&needed, consent)?;
    run_shown(&mut cargo(&["build", "--release", "--locked", "--package", "ringback"]))?;
    run_shown(&mut cargo(&["build", "--locked", "--package", "ringback-tests", "--bin", "look"]))?;
    let (program, look) = (target().join("release/ringback"), target().join("debug/look"));
    run_shown(Command::new(look).arg(command).env("RINGBACK_BIN", program))
}
