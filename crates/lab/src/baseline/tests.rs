//! Runs made up, against baselines made of others.

use super::*;
use crate::figures::{Quantiles, Totals};

fn run(caller: &str, totals: Totals) -> Run {
    let caller = caller.to_owned();
    Run { scenario: "loss5".into(), sender: caller.clone(), receiver: caller, totals, ..Run::default() }
}

/// One run of ours and one of a peer's.
fn pair(ours: Totals, theirs: Totals) -> [Run; 2] {
    [run("ringback", ours), run("chromium/VP8", theirs)]
}

fn latency(p50: f64) -> Totals {
    let latency = Quantiles { p50, p95: p50, p99: p50, max: p50 };
    Totals { picture_latency_ms: Some(latency), ..Totals::default() }
}

fn regressed(before: [Run; 2], now: [Run; 2]) -> Vec<String> {
    let found = compare(&Baseline::from_runs(&before), &now);
    assert_eq!(found.missing, []);
    found.regressions.into_iter().map(|regression| regression.figure.key).collect()
}

#[test]
fn a_ratio_that_got_much_worse_is_a_regression_and_a_slower_machine_is_none() {
    let before = || pair(latency(100.0), latency(100.0));
    assert_eq!(regressed(before(), pair(latency(300.0), latency(300.0))), Vec::<String>::new());
    assert_eq!(regressed(before(), pair(latency(120.0), latency(100.0))), Vec::<String>::new());
    let all = ["picture_latency_p50", "picture_latency_p95", "picture_latency_p99"];
    assert_eq!(regressed(before(), pair(latency(150.0), latency(100.0))), all);
    assert_eq!(regressed(before(), pair(latency(50.0), latency(100.0))), Vec::<String>::new(), "better");
}

#[test]
fn where_more_is_better_less_is_a_regression() {
    let totals = |frame_rate, psnr, ssim| Totals {
        frame_rate: Some(frame_rate),
        psnr_db: Some(psnr),
        ssim: Some(ssim),
        ..Totals::default()
    };
    let good = || totals(30.0, 38.0, 0.96);
    let none = Vec::<String>::new();
    assert_eq!(regressed(pair(good(), good()), pair(totals(20.0, 35.0, 0.93), good())), ["frame_rate", "psnr", "ssim"]);
    assert_eq!(regressed(pair(good(), good()), pair(totals(26.0, 37.0, 0.955), good())), none);
    assert_eq!(regressed(pair(totals(20.0, 35.0, 0.93), good()), pair(good(), good())), none);
}

#[test]
fn small_numbers_do_not_cry_wolf() {
    let freezes = |count| Totals { freezes: Some(count), ..Totals::default() };
    let none = Vec::<String>::new();
    for (before, now) in [(0, 0), (0, 1), (1, 0), (1, 2)] {
        let found = regressed(pair(freezes(before), freezes(0)), pair(freezes(now), freezes(0)));
        assert_eq!(found, none, "{before} before, {now} now");
    }
    assert_eq!(regressed(pair(freezes(0), freezes(0)), pair(freezes(2), freezes(0))), ["freezes"]);
    assert_eq!(regressed(pair(latency(3.0), latency(3.0)), pair(latency(5.0), latency(3.0))), none);
}

#[test]
fn what_is_missing_is_told_and_by_whom() {
    let baseline = Baseline::from_runs(&pair(latency(50.0), latency(50.0)));
    let found = compare(&baseline, &pair(Totals::default(), latency(50.0)));
    assert_eq!(found.regressions, []);
    assert_eq!(found.missing.len(), 3);
    assert!(found.missing.iter().all(|missing| missing.only_ours));
    assert_eq!(found.scenarios(), ["loss5"]);
    assert_eq!(
        found.missing[0].to_string(),
        "loss5, picture latency p50 against chromium/VP8: we have none, the peer has"
    );
    assert!(compare(&baseline, &[]).missing.iter().all(|missing| !missing.only_ours));
    assert!(compare(&baseline, &[]).scenarios().is_empty(), "the peer has none either");
    assert_eq!(compare(&baseline.only(&["drop"]), &[]), Findings::default());
}

#[test]
fn runs_over_a_late_network_and_mixed_pairs_are_left_out() {
    let late = |mut run: Run| {
        run.network_late_p99_ms = Some(40.0);
        run
    };
    let [ours, theirs] = pair(latency(50.0), latency(50.0));
    let mixed = Run { sender: "ringback".into(), ..theirs.clone() };
    let baseline = Baseline::from_runs(&[ours.clone(), mixed, theirs.clone(), late(run("ringback", latency(900.0)))]);
    assert_eq!(baseline, Baseline::from_runs(&[ours, theirs]));
    assert_eq!(baseline.peers.len(), 1);
}

#[test]
fn the_median_of_three_is_what_counts() {
    let repeated =
        |ours: [f64; 3]| -> Vec<Run> { ours.into_iter().flat_map(|ours| pair(latency(ours), latency(50.0))).collect() };
    let baseline = Baseline::from_runs(&repeated([50.0, 50.0, 50.0]));
    assert_eq!(compare(&baseline, &repeated([50.0, 900.0, 48.0])).regressions, []);
    assert_eq!(compare(&baseline, &repeated([90.0, 900.0, 95.0])).regressions.len(), 3);
    assert_eq!(compare(&baseline, &repeated([80.0, 900.0, 48.0])).regressions, [], "rounds on both sides of the line");
}

#[test]
fn what_differs_from_round_to_round_guards_nothing() {
    let repeated =
        |ours: [f64; 3]| -> Vec<Run> { ours.into_iter().flat_map(|ours| pair(latency(ours), latency(50.0))).collect() };
    assert!(!Baseline::from_runs(&repeated([50.0, 55.0, 52.0])).peers["chromium/VP8"].is_empty());
    assert!(Baseline::from_runs(&repeated([50.0, 90.0, 52.0])).peers["chromium/VP8"].is_empty());
    let frozen = |seconds| Totals { freeze_seconds: Some(seconds), ..Totals::default() };
    for (ours, theirs, guards) in [(9.0, 0.0, false), (0.0, 0.0, true), (9.0, 1.0, true)] {
        let baseline = Baseline::from_runs(&pair(frozen(ours), frozen(theirs)));
        assert_eq!(!baseline.peers["chromium/VP8"].is_empty(), guards, "{ours} s by {theirs} s");
    }
}

#[test]
fn a_baseline_is_written_for_people_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("baseline.json");
    let freezes = |count| Totals { freezes: Some(count), ..Totals::default() };
    let baseline = Baseline::from_runs(&pair(freezes(1), freezes(2)));
    baseline.write(&path).expect("written");
    assert_eq!(fs::read_to_string(&path).expect("readable"), include_str!("../report/testdata/baseline.json"));
    assert_eq!(Baseline::read(&path).expect("a baseline"), baseline);

    fs::write(&path, r#"{"schema": 2, "peers": {}}"#).expect("written");
    assert!(matches!(Baseline::read(&path), Err(BaselineError::Version(2))));
    fs::write(&path, "{}").expect("written");
    assert!(matches!(Baseline::read(&path), Err(BaselineError::Format(_))));
    assert!(matches!(Baseline::read(folder.path()), Err(BaselineError::Read(_))));
}
