//! Made-up runs to try the reports with: two pairs, three runs each, numbers by formula.
//! They look like calls, and say nothing about any.

use crate::figures::{Cost, Quantiles, Run, SecondFigures, Totals};

/// Three runs of us and of a browser in each of the scenarios.
pub(super) fn runs(scenarios: &[&str]) -> Vec<Run> {
    let mut runs = Vec::new();
    for scenario in scenarios {
        for repeat in 0..3 {
            for caller in ["ringback", "chromium/VP8"] {
                runs.push(run(scenario, caller, repeat));
            }
        }
    }
    runs
}

/// One run. Under `drop` the capacity falls from 2.5 to 0.5 Mbit/s at 30 s and rises again at 60 s.
pub(super) fn run(scenario: &str, caller: &str, repeat: u32) -> Run {
    let ours = caller == "ringback";
    let bad = scenario == "drop";
    let shift = f64::from(repeat) * 1.5;
    let latency = |p50: f64| Some(Quantiles { p50, p95: p50 * 1.5, p99: p50 * 4.0, max: p50 * 8.0 });
    let seconds: Vec<SecondFigures> = (0..if bad { 90 } else { 20 }).map(|at| second(bad, ours, repeat, at)).collect();
    let frozen = seconds.iter().map(|second| second.frozen_ms).sum::<f64>();
    let totals = Totals {
        seconds: Some(seconds.len() as f64),
        first_picture_ms: Some(if ours { 310.0 } else { 203.0 } + shift),
        first_sound_ms: Some(if ours { 180.0 } else { 190.0 } + shift),
        picture_latency_ms: latency(if ours { 41.0 } else { 52.0 } + shift),
        sound_latency_ms: if ours { latency(64.0 + shift) } else { None },
        skew_ms: latency(if ours { 8.0 } else { 9.0 }),
        frame_rate: Some(if ours { 28.4 } else { 29.6 }),
        freezes: Some(if bad { if ours { 2 } else { 7 } } else { 0 }),
        freeze_seconds: Some(frozen / 1e3),
        longest_freeze_ms: Some(if bad { 900.0 } else { 0.0 }),
        concealed_ratio: Some(0.012),
        sound_gaps: Some(0),
        sound_gap_ms: Some(0.0),
        link_use: bad.then_some(if ours { 0.83 } else { 0.75 }),
        queue_peak_ms: Some(if bad { 410.0 } else { 2.0 }),
        queue_mean_ms: Some(if bad { 38.0 } else { 0.4 }),
        adapt_down_s: bad.then_some(if ours { 4.2 } else { 15.6 }),
        come_back_s: (bad && !ours).then_some(17.7),
        psnr_db: Some(if ours { 36.1 } else { 37.9 }),
        ssim: Some(if ours { 0.962 } else { 0.963 }),
        mean_width: Some(if bad { 1010.0 } else { 1280.0 }),
        ..Totals::default()
    };
    let cost = |cpu, mebibytes: u64| Cost {
        cpu_per_second: Some(cpu),
        peak_pss_bytes: Some(mebibytes << 20),
        threads: Some(if ours { 17 } else { 93 }),
        wakeups_per_second: Some(if ours { 1450.0 } else { 3900.0 }),
    };
    Run {
        scenario: scenario.into(),
        sender: caller.into(),
        receiver: caller.into(),
        error: None,
        totals,
        seconds,
        sender_cost: if ours { cost(0.31, 74) } else { cost(0.35, 412) },
        receiver_cost: if ours { cost(0.142, 61) } else { cost(0.23, 398) },
        load_before: Some(0.4 + f64::from(repeat)),
        load_after: Some(1.1 + f64::from(repeat)),
        network_late_p99_ms: Some(if repeat == 2 { 6.3 } else { 0.4 }),
    }
}

fn second(bad: bool, ours: bool, repeat: u32, at: u32) -> SecondFigures {
    let low = bad && (30..60).contains(&at);
    let wave = f64::from((at * 7 + repeat * 5 + u32::from(ours) * 3) % 11) / 10.0;
    // How deep in trouble: all of it when the capacity falls, none after a while that differs.
    let settle = if ours { 4.0 } else { 15.0 };
    let trouble = if low { (1.0 - f64::from(at - 30) / settle).max(0.0) } else { 0.0 };
    let climb = if bad && at >= 60 { (f64::from(at - 60) / if ours { 12.0 } else { 18.0 }).min(1.0) } else { 1.0 };
    let target = if low { 0.43e6 } else { 0.45e6 + 1.7e6 * climb * (f64::from(at) / 6.0).min(1.0) };
    let picture = if ours { 40.0 } else { 51.0 } + wave * 6.0 + trouble * if ours { 420.0 } else { 1400.0 };
    let heard = ours || !(33..38).contains(&at);
    SecondFigures {
        at: f64::from(at),
        picture_latency_ms: Some(picture),
        sound_latency_ms: heard.then_some(60.0 + wave * 4.0 + trouble * 300.0),
        pictures: if trouble > 0.5 { 14 } else { 30 },
        frozen_ms: if trouble > 0.6 { trouble * 700.0 } else { 0.0 },
        wire_bps: Some(target * (0.9 + wave * 0.12)),
        target_bps: Some(target),
        capacity_bps: bad.then_some(if low { 0.5e6 } else { 2.5e6 }),
        queue_ms: Some(1.0 + wave * 3.0 + trouble * 400.0),
        width: Some(if low { 640.0 } else { 1280.0 }),
        qp: None,
    }
}
