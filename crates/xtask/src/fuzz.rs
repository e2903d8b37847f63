//! `cargo xtask fuzz`: feeds each target of `crates/fuzz` what strangers could send, for a while, and tells what broke it.
//! Stable Rust is enough: LLVM counts the covered edges, libFuzzer steers by them, and no sanitizer is asked for.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::needs;
use crate::packages::{self, Consent};
use crate::shell::{self, Outcome, cargo, target};

/// Per target; enough to see that nothing broke it that is found at once.
pub(crate) const DEFAULT_SECONDS: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");

/// An input may take so long, in seconds; a frame or a packet takes microseconds.
const TIMEOUT: &str = "-timeout=10";

/// The largest pictures of a stream take some hundred megabytes; more is memory that a stranger has us take.
const MEMORY: &str = "-rss_limit_mb=1024";

/// What `cargo fuzz` passes too: counters at every edge, where they are, and what is compared with what.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Branches that were merged into one cannot be told apart by a counter.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// Builds and runs the named targets, or all of them, each for so many seconds.
pub(crate) fn run(names: &[String], seconds: NonZeroU32, consent: Consent) -> Outcome {
    let known = targets()?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(*name)) {
        let known: Vec<_> = known.into_iter().collect();
        return Err(format!("no target `{unknown}`; there are: {}", known.join(", ")));
    }
    let chosen: Vec<&str> =
        known.iter().map(String::as_str).filter(|name| names.is_empty() || names.iter().any(|n| n == name)).collect();
    packages::provide(&needs::build(), consent)?;
    let programs = build(&chosen)?;

    let mut lines = Vec::new();
    for &name in &chosen {
        println!("\n=== {name} ===");
        let found = fuzz(&programs.join(name), name, seconds)?;
        lines.push(format!("  {name:<14}{found}"));
    }
    println!("\n{}", lines.join("\n"));
    let failed = lines.iter().filter(|line| line.contains("FAILED")).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} targets failed", lines.len())) }
}

/// The targets by name: each is a file.
fn targets() -> Outcome<BTreeSet<String>> {
    let folder = manifest().with_file_name("targets");
    let files = std::fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    Ok(sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect())
}

fn manifest() -> PathBuf {
    shell::workspace().join("crates/fuzz/Cargo.toml")
}

/// Builds the targets; gives the folder that they are in.
fn build(names: &[&str]) -> Outcome<PathBuf> {
    let about = shell::output("rustc", &["-vV"]).ok_or("`rustc -vV` failed")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not name its host")?;
    // With a `--target`, the flags are not for build scripts and macros, which have nobody to count for.
    let mut command = cargo(&["build", "--locked", "--target", host, "--manifest-path"]);
    command.arg(manifest());
    for name in names {
        command.args(["--bin", name]);
    }
    let folder = target().join("fuzz");
    shell::run(command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f")).env("CARGO_TARGET_DIR", &folder))?;
    Ok(folder.join(host).join("debug"))
}

/// Runs one target until its time is over or an input breaks it.
fn fuzz(program: &Path, name: &str, seconds: NonZeroU32) -> Outcome<String> {
    let corpus = folder("corpus", name)?;
    let failures = folder("failures", name)?;
    let seeds = manifest().with_file_name("seeds").join(name);
    let mut command = Command::new(program);
    command.current_dir(shell::workspace()).arg(&corpus);
    if seeds.exists() {
        command.arg(&seeds);
    }
    command.arg(format!("-max_total_time={seconds}")).args([TIMEOUT, MEMORY]);
    command.arg(format!("-artifact_prefix={}{}", failures.display(), std::path::MAIN_SEPARATOR));
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} did not start: {error}", program.display()))?;
    let mut report = Report::default();
    let errors = child.stderr.take().expect("its errors were asked for as a pipe");
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        report.read(&String::from_utf8_lossy(&line));
    }
    let status = child.wait().map_err(|error| format!("{name} was lost: {error}"))?;
    if status.success() {
        return Ok(report.progress);
    }
    let Some(input) = report.input else { return Ok(format!("FAILED without an input: {status}")) };
    println!("\n{name} failed on the input {input}\nrun it again: {} {input}", program.display());
    Ok(format!("FAILED on {input}"))
}

/// A folder that stays from run to run.
fn folder(kind: &str, name: &str) -> Outcome<PathBuf> {
    let folder = target().join("fuzz").join(kind).join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

/// What libFuzzer tells of a run.
#[derive(Default)]
struct Report {
    /// Its last words on how far it came: runs, covered edges, corpus.
    progress: String,
    /// The file with the input that broke the target.
    input: Option<String>,
}

impl Report {
    /// Takes note of a line, and shows it unless it only says that the run goes on.
    fn read(&mut self, line: &str) {
        if let Some((runs, rest)) = line.strip_prefix('#').and_then(|line| line.split_once('\t')) {
            let figures = rest.split_once("cov: ").map_or("no coverage", |(_, figures)| figures);
            self.progress = format!("{runs:>9} runs, cov: {}", figures.trim_end());
        } else if let Some((_, input)) = line.split_once("Test unit written to ") {
            self.input = Some(input.trim().to_owned());
        } else if !is_chatter(line) {
            println!("{line}");
        }
    }
}

/// Its settings, the sanitizers that it does not find, and the words that it learnt.
fn is_chatter(line: &str) -> bool {
    let chatter = ["INFO: ", "WARNING: Failed to find function", "\tNEW_FUNC", "######", "\""];
    line.trim().is_empty() || chatter.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_progress_and_the_broken_input_are_kept() {
        let mut report = Report::default();
        for line in [
            "INFO: Running with entropic power schedule (0xFF, 100).",
            "#2\tINITED cov: 39 ft: 39 corp: 1/1b exec/s: 0 rss: 30Mb",
            "#1048576\tpulse  cov: 812 ft: 2312 corp: 300/20Kb lim: 341 exec/s: 26214 rss: 60Mb",
            "artifact_prefix='x/'; Test unit written to x/crash-da39a3ee",
        ] {
            report.read(line);
        }
        assert_eq!(
            report.progress,
            "  1048576 runs, cov: 812 ft: 2312 corp: 300/20Kb lim: 341 exec/s: 26214 rss: 60Mb"
        );
        assert_eq!(report.input.as_deref(), Some("x/crash-da39a3ee"));
    }

    #[test]
    fn every_target_is_built_and_has_seeds() {
        let text = std::fs::read_to_string(manifest()).unwrap();
        let built: BTreeSet<String> =
            text.split("[[bin]]\nname = \"").skip(1).map(|bin| bin.split('"').next().unwrap().to_owned()).collect();
        assert_eq!(targets().unwrap(), built);
        for name in built {
            let seeds = manifest().with_file_name("seeds").join(&name);
            assert!(std::fs::read_dir(&seeds).is_ok_and(|mut files| files.next().is_some()), "{name} has no seeds");
        }
    }

    #[test]
    fn a_target_that_does_not_exist_is_told_with_those_that_do() {
        let error = run(&["nothing".to_owned()], DEFAULT_SECONDS, Consent::Ask).unwrap_err();
        assert!(error.contains("`nothing`") && error.contains("ayame, "), "{error}");
    }
}
