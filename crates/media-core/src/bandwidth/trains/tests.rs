//! Trains over links in virtual time, and what they show: never more than the link carries, however it lets packets go.

use super::*;
use crate::bandwidth::Arrival;
use proptest::prelude::*;

/// What leaves at `sent` ms comes over a link of `kbps` and is then held back; `None`: it is lost.
fn over(kbps: f64, packets: &[(u64, usize)], held: impl Fn(u64, f64) -> Option<f64>) -> Vec<Fate> {
    let start = Instant::now();
    let mut free_at = 0.0_f64;
    let through = packets.iter().zip(0..).map(|(&(sent, size), number)| {
        free_at = free_at.max(sent as f64) + size as f64 * 8.0 / kbps;
        let arrived = held(number, free_at).map(|at| Duration::from_secs_f64((at + 500.0) / 1e3));
        Fate { size, sent: start + Duration::from_millis(sent), arrival: arrived.map_or(Arrival::Lost, Arrival::At) }
    });
    through.collect()
}

fn even(count: u64, apart: u64) -> Vec<(u64, usize)> {
    (0..count).map(|number| (number * apart, 1_200)).collect()
}

fn kbps(shown: Option<Shown>) -> Option<(&'static str, f64)> {
    shown.map(|shown| match shown {
        Shown::AtLeast(bps) => ("at least", (bps / 1e3).round()),
        Shown::Link(bps) => ("link", (bps / 1e3).round()),
    })
}

#[test]
fn a_train_shows_what_it_tried_or_what_the_link_carries() {
    let freely = |_, at| Some(at);
    let bunches = |every: f64| move |_, at: f64| Some((at / every).ceil() * every);
    let stalled = |number: u64, at: f64| Some(if number < 6 { at } else { at.max(300.0 + number as f64) });
    let table = [
        ("at once, narrow", over(300.0, &even(5, 0), freely), Some(("link", 300.0))),
        ("at once, wide", over(10_000.0, &even(5, 0), freely), Some(("at least", 7_680.0))),
        ("paced, wide", over(10_000.0, &even(12, 13), freely), Some(("at least", 738.0))),
        ("paced, narrow", over(300.0, &even(12, 13), freely), Some(("link", 300.0))),
        ("paced, hardly slower", over(700.0, &even(12, 13), freely), Some(("at least", 700.0))),
        ("too few", over(300.0, &even(2, 0), freely), None),
        ("apart from each other", over(10_000.0, &even(9, 33), freely), None),
        ("held back and let go at once", over(10_000.0, &even(12, 13), bunches(50.0)), Some(("at least", 738.0))),
        ("two lost", over(300.0, &even(9, 0), |n, at| (n % 4 != 2).then_some(at)), Some(("link", 225.0))),
        ("a stall", over(10_000.0, &even(12, 13), stalled), Some(("at least", 341.0))),
        ("out of order", over(300.0, &even(5, 0), |n, at| Some(at + 70.0 * (n % 2) as f64)), Some(("at least", 231.0))),
    ];
    for (name, fates, expected) in table {
        assert_eq!(kbps(Trains::default().told(&fates)), expected, "{name}");
    }
}

#[test]
fn a_report_may_end_within_a_train() {
    let fates = over(300.0, &even(12, 13), |_, at| Some(at));
    let mut trains = Trains::default();
    assert_eq!(trains.told(&fates[..2]), None);
    assert_eq!(kbps(trains.told(&fates[2..5])), Some(("link", 300.0)));
    assert_eq!(kbps(trains.told(&fates[5..])), Some(("link", 300.0)));
    assert_eq!(kbps(trains.told(&[])), Some(("link", 300.0)), "nothing new");
}

#[test]
fn sound_does_not_tie_pictures_together() {
    let mut packets: Vec<_> = (0..10).flat_map(|picture| [(33 * picture, 1_200); 2]).collect();
    packets.extend((0..17).map(|sound| (20 * sound, 130)));
    packets.sort_unstable();
    assert_eq!(Trains::default().told(&over(10_000.0, &packets, |_, at| Some(at))), None);
}

proptest! {
    #[test]
    fn no_train_shows_more_than_the_link_carries(
        kbps in 100.0..10_000.0_f64,
        packets in prop::collection::vec((0..30_u64, 130..1_400_usize, 0.0..50.0_f64, 0..10_u8), 1..150),
        bunches in 1.0..40.0_f64,
        cut in 0..150_usize,
    ) {
        // One packet of sound has come in time before.
        let mut all = vec![(0, 130)];
        for &(after, size, ..) in &packets {
            let before = all[all.len() - 1].0 + if all.len() == 1 { 500 } else { 0 };
            all.push((before + after, size));
        }
        let fates = over(kbps, &all, |number, at| match number {
            0 => Some(at),
            _ => {
                let (.., held, lost) = packets[number as usize - 1];
                (lost > 0).then(|| ((at + held) / bunches).ceil() * bunches)
            }
        });
        let (before, after) = fates.split_at(cut.min(fates.len()));
        let mut trains = Trains::default();
        for part in [before, after] {
            if let Some(Shown::AtLeast(bps)) = trains.told(part) {
                prop_assert!(bps <= kbps * 1_001.0, "{bps:.0} bit/s over {kbps:.0} kbit/s");
            }
        }
    }
}
