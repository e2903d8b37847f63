//! The curves of a scenario: which diagrams there are, and which runs are drawn in them.
//! Of repeated runs the middle one is drawn strongly, and the others behind it.

use super::chart::{Chart, Line};
use super::table::Pair;
use crate::figures::{Run, SecondFigures};

type Read = fn(&SecondFigures) -> Option<f64>;

/// Title, unit, value, and whether the capacity is its bound.
const DIAGRAMS: [(&str, &str, Read, bool); 7] = [
    ("Bitrate on the wire", "Mbit/s", |second| megabits(second.wire_bps), true),
    ("Target of the sender", "Mbit/s", |second| megabits(second.target_bps), true),
    ("Latency of the picture", "ms", |second| second.picture_latency_ms, false),
    ("Latency of the sound", "ms", |second| second.sound_latency_ms, false),
    ("Frozen, of each second", "ms", |second| Some(second.frozen_ms), false),
    ("Width of the picture", "px", |second| second.width, false),
    ("Queue before the bottleneck", "ms", |second| second.queue_ms, false),
];

/// All diagrams of a scenario that have something to show, for these pairs, each in the style of its place in the list.
pub(super) fn figures(runs: &[Run], scenario: &str, pairs: &[Pair]) -> String {
    let labels: Vec<String> = pairs.iter().map(Pair::to_string).collect();
    let of: Vec<Vec<&Run>> = pairs
        .iter()
        .map(|pair| {
            runs.iter().filter(|run| run.scenario == scenario && pair.made(run) && !run.seconds.is_empty()).collect()
        })
        .collect();
    let middles: Vec<Option<&Run>> = of.iter().map(|runs| middle(runs)).collect();
    let capacity = middles
        .iter()
        .flatten()
        .next()
        .map_or_else(Vec::new, |run| points(run, |second| megabits(second.capacity_bps)));
    let diagrams = DIAGRAMS.iter().filter_map(|&(title, unit, read, bounded)| {
        let line =
            |style: usize, run: &Run, faint| Line { label: &labels[style], style, faint, points: points(run, read) };
        let behind = of.iter().enumerate().flat_map(|(style, runs)| runs.iter().map(move |run| (style, *run)));
        let behind = behind.filter(|&(style, run)| middles[style].is_none_or(|middle| !std::ptr::eq(middle, run)));
        let behind: Vec<Line> = behind.map(|(style, run)| line(style, run, true)).collect();
        let front = middles.iter().enumerate().filter_map(|(style, run)| Some(line(style, (*run)?, false)));
        let bound = if bounded { capacity.clone() } else { Vec::new() };
        Chart { title, unit, lines: behind.into_iter().chain(front).collect(), bound }.figure()
    });
    diagrams.collect()
}

/// The run that has the middle one of the latencies, or the first where none is known.
fn middle<'a>(runs: &[&'a Run]) -> Option<&'a Run> {
    let latency = |run: &Run| run.totals.picture_latency_ms.map_or(f64::MAX, |latency| latency.p95);
    let mut ordered = runs.to_vec();
    ordered.sort_by(|a, b| latency(a).total_cmp(&latency(b)));
    let known = ordered.iter().filter(|run| run.totals.picture_latency_ms.is_some()).count();
    ordered.get(known.saturating_sub(1) / 2).copied()
}

fn points(run: &Run, read: Read) -> Vec<(f64, Option<f64>)> {
    run.seconds.iter().map(|second| (second.at, read(second))).collect()
}

fn megabits(bits: Option<f64>) -> Option<f64> {
    bits.map(|bits| bits / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn of_three_runs_the_middle_one_is_strong_and_the_others_are_behind() {
        let runs = sample::runs(&["drop"]);
        let pairs = Pair::all(&runs);
        let html = figures(&runs, "drop", &pairs);
        assert_eq!(html.matches("<figure>").count(), DIAGRAMS.len());
        assert_eq!(html.matches("faint").count(), DIAGRAMS.len() * 4, "two pairs, two runs behind");
        let ours: Vec<&Run> = runs.iter().filter(|run| pairs[0].made(run)).collect();
        assert!(std::ptr::eq(middle(&ours).expect("three"), ours[1]));
        assert_eq!(middle(&[]), None);
    }

    #[test]
    fn a_scenario_without_seconds_has_no_diagrams() {
        let runs = [Run { scenario: "clean".into(), ..Run::default() }];
        assert_eq!(figures(&runs, "clean", &Pair::all(&runs)), "");
    }
}
