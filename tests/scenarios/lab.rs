//! `ringback lab`: a call within one process over a network in memory, and the figures that it prints.

use std::process::Command;
use std::time::Duration;

use ringback_tests::place::{alone, scratch};
use ringback_tests::process::Process;
use ringback_tests::program::ringback;
use serde_json::Value;

const ENDS: Duration = Duration::from_secs(40);

fn lab(arguments: &[&str]) -> Process {
    let mut command = Command::new(ringback());
    command.arg("lab").args(arguments);
    Process::start("lab", &mut command)
}

#[test]
fn a_delay_that_is_put_in_comes_out_as_latency_both_ways() {
    let _alone = alone();
    let folder = scratch();
    let path = folder.path().join("figures.json");
    let json = path.to_str().expect("a path of ours is text");
    let mut process = lab(&["--delay", "80ms", "--duration", "4s", "--size", "320x180", "--json", json]);
    assert_eq!(process.wait(ENDS).code(), Some(0), "{}", process.stderr.text());
    process.line_out("picture latency p50", ENDS);
    let runs: Value = serde_json::from_slice(&std::fs::read(&path).expect("it was written")).expect("JSON");
    for run in runs.as_array().expect("a run each way") {
        let totals = &run["totals"];
        let picture = totals["picture_latency_ms"]["p50"].as_f64().expect("pictures were shown");
        assert!((80.0..250.0).contains(&picture), "{totals}");
        let sound = totals["sound_latency_ms"]["p50"].as_f64().expect("sound was heard");
        assert!((80.0..400.0).contains(&sound), "{totals}");
        assert!(totals["frame_rate"].as_f64().is_some_and(|rate| rate > 20.0), "{totals}");
        assert!(totals["recovery_ms"].is_null(), "there was no blackout: {totals}");
    }
}

#[test]
fn an_impossible_network_is_refused_in_a_line() {
    for (arguments, words) in [(["--loss", "150%"], "loss"), (["--profile", "nowhere"], "nowhere")] {
        let mut process = lab(&arguments);
        assert_eq!(process.wait(ENDS).code(), Some(2));
        let said = process.stderr.text();
        assert!(said.lines().count() == 1 && said.starts_with("error: ") && said.contains(words), "{said}");
    }
}
