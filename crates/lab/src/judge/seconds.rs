//! The same figures second by second, for the curves; seconds count from the network's zero.
//! Only whole seconds: what is left at the end is in the totals.

use super::freezes::Freeze;
use super::pictures::{Shown, mean_qp};
use super::sound::Chirp;
use super::{Direction, Window, mean, median, sum, wire};
use crate::figures::SecondFigures;
use crate::record::RenderedPicture;

/// No run is longer: a clock was wrong.
const MOST: u64 = 24 * 3_600;

/// What was on the screen, in order of time.
pub(super) struct Screen<'a> {
    pub(super) changes: &'a [RenderedPicture],
    pub(super) shown: &'a [Shown],
    pub(super) freezes: &'a [Freeze],
}

/// From zero, or the beginning of what is judged when that is earlier or zero is unknown.
pub(super) fn all(direction: &Direction, window: Window, screen: &Screen, chirps: &[Chirp]) -> Vec<SecondFigures> {
    let zero_us = direction.facts.zero_us.unwrap_or(window.from_us).min(window.from_us);
    let count = (window.to_us - zero_us) / 1_000_000;
    (0..count.min(MOST)).map(|second| one(direction, second, zero_us, screen, chirps)).collect()
}

fn one(direction: &Direction, second: u64, zero_us: u64, screen: &Screen, chirps: &[Chirp]) -> SecondFigures {
    let from_us = zero_us + second * 1_000_000;
    let span = Window { from_us, to_us: from_us + 999_999 };
    let shown = screen.shown.iter().filter(|shown| span.holds(shown.rendered_us));
    let changes = screen.changes.iter().filter(|picture| span.holds(picture.rendered_us));
    let chirps = chirps.iter().filter(|chirp| span.holds(chirp.heard_us));
    let sender = &direction.sender.seconds;
    let (wire_bps, queue_ms, capacity_bps) = wire::of_second(direction.link, span);
    SecondFigures {
        at: second as f64,
        picture_latency_ms: median(shown.map(|shown| shown.latency_ms)),
        sound_latency_ms: median(chirps.map(|chirp| chirp.latency_ms)),
        pictures: changes.clone().count() as u64,
        frozen_ms: sum(screen.freezes.iter().map(|freeze| freeze.within(span) * 1e3)),
        wire_bps,
        target_bps: sender.iter().rfind(|state| state.at_us <= span.to_us).and_then(|state| state.target_bps),
        capacity_bps,
        queue_ms,
        width: mean(changes.map(|picture| f64::from(picture.width))),
        qp: mean_qp(sender, span),
    }
}
