//! A test that cannot run here says so where a person sees it, and is counted as skipped.
//! Only what a machine cannot give (a privilege, another operating system) is a reason; a missing package is not.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Reports that the running test is skipped, and why.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    // Not `eprint!`: the test runner keeps that to itself while a test passes.
    let _ = std::io::stderr().write_all(format!("SKIPPED {line}").as_bytes());
    let Some(list) = std::env::var_os("RINGBACK_SKIPS") else { return };
    let written =
        OpenOptions::new().append(true).create(true).open(list).and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("the list of skipped tests is writable");
}
