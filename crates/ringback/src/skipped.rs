//! A test that cannot run on this machine says so, and `cargo xtask test` counts it as skipped.
//! It writes where the scenarios' skipped tests are written.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Reports that the running test is skipped, and why.
pub(crate) fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    // Not `eprint!`: the test runner keeps that to itself while a test passes.
    let _ = std::io::stderr().write_all(format!("SKIPPED {line}").as_bytes());
    let Some(list) = std::env::var_os("RINGBACK_SKIPS") else { return };
    let written =
        OpenOptions::new().append(true).create(true).open(list).and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("the list of skipped tests is writable");
}
