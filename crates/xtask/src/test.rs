//! `cargo xtask test`: every check and every test, each stage even when one before it failed.
//! The last line counts what really ran.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use crate::shell::{Outcome, cargo, run as run_shown, target};
use crate::tally::Tally;
use crate::{checks, lab, needs, packages};

/// One stage: its name on the command line, and what it runs.
struct Stage {
    name: &'static str,
    run: fn(&mut Tally) -> Outcome,
}

/// In the order of their cost, so that the cheapest answer comes first.
const STAGES: [Stage; 7] = [
    Stage { name: "fmt", run: |tally| counted(tally, checks::fmt()) },
    Stage { name: "spelling", run: |tally| counted(tally, checks::spelling()) },
    Stage { name: "deny", run: |tally| counted(tally, checks::deny()) },
    Stage { name: "clippy", run: |tally| counted(tally, checks::clippy()) },
    Stage { name: "doc", run: |tally| counted(tally, checks::doc()) },
    Stage { name: "tests", run: tests },
    Stage { name: "lab", run: |tally| counted(tally, lab::guard()) },
];

/// Runs the named stages, or all of them.
pub(crate) fn run(names: &[String], consent: packages::Consent) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| STAGES.iter().all(|stage| stage.name != name.as_str())) {
        let known: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(format!("no stage `{unknown}`; there are: {}", known.join(", ")));
    }
    let chosen = |stage: &&Stage| names.is_empty() || names.iter().any(|name| name == stage.name);
    let mut needed = needs::build();
    let runs = |name| STAGES.iter().filter(chosen).any(|stage| stage.name == name);
    if runs("tests") {
        needed.extend(needs::window());
        needed.extend(needs::tests());
    }
    if runs("lab") {
        needed.extend(needs::lab());
    }
    packages::provide(&needed, consent)?;

    let mut tally = Tally::default();
    let mut lines = Vec::new();
    for stage in STAGES.iter().filter(chosen) {
        println!("\n=== {} ===", stage.name);
        let began = Instant::now();
        let outcome = (stage.run)(&mut tally);
        let result = match &outcome {
            Ok(()) => "ok".to_owned(),
            Err(message) => format!("FAILED: {message}"),
        };
        lines.push(format!("  {:<10}{:>6.0} s  {result}", stage.name, began.elapsed().as_secs_f64()));
    }
    println!("\n{}", lines.join("\n"));
    println!("{tally}");
    let failed = lines.iter().filter(|line| line.contains("FAILED")).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} stages failed", lines.len())) }
}

/// A stage that runs no tests counts as one.
fn counted(tally: &mut Tally, outcome: Outcome) -> Outcome {
    match outcome {
        Ok(()) => tally.passed += 1,
        Err(_) => tally.failed += 1,
    }
    outcome
}

/// Builds everything once, then runs every test of the workspace against that build.
fn tests(tally: &mut Tally) -> Outcome {
    // All targets in one go, so that the tests and the program they start share every dependency's build.
    run_shown(&mut cargo(&["build", "--workspace", "--all-targets", "--locked"])).inspect_err(|_| tally.failed += 1)?;
    let skips = target().join("skipped-tests.txt");
    std::fs::write(&skips, "").map_err(|error| format!("cannot write {}: {error}", skips.display()))?;

    println!("$ cargo test --workspace --locked --no-fail-fast");
    let mut child = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])
        .env("RINGBACK_BIN", target().join("debug/ringback"))
        .env("RINGBACK_SKIPS", &skips)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo test did not start: {error}"))?;
    let mut run = Tally::default();
    let output = child.stdout.take().expect("its output was asked for as a pipe");
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        println!("{line}");
        run.read(&line);
    }
    let status = child.wait().map_err(|error| format!("cargo test was lost: {error}"))?;

    let skipped = std::fs::read_to_string(&skips).unwrap_or_default();
    for reason in skipped.lines() {
        println!("skipped: {reason}");
        run.skip(1);
    }
    if !status.success() {
        // A test program that died before its result line must not go uncounted.
        run.failed = run.failed.max(1);
    }
    tally.passed += run.passed;
    tally.failed += run.failed;
    tally.skipped += run.skipped;
    if status.success() { Ok(()) } else { Err(format!("cargo test: {run}")) }
}
