//! How fast a sender gives way when the capacity falls, takes it when it rises, and is back after a blackout.
//! Only the first of each is judged; scenarios with many changes are read from the curves.

use std::time::Duration;

use super::freezes::Freeze;
use super::pictures::Shown;
use super::wire::bitrate;
use super::{Facts, LinkRow, Window, median};
use crate::figures::Totals;

/// Over its usual value by this much, the latency is not back yet; nor is it in a freeze of that length.
const TOLERATED_MS: f64 = 300.0;

/// What is usual, is so in that time before a fall.
const USUAL_US: u64 = 10_000_000;

/// Who is late within this time of the end did not come back.
const SETTLED_US: u64 = 2_000_000;

/// Back is who reaches this share of the former rate.
const BACK: f64 = 0.8;

/// The rate is a mean over that time.
const RATE_OVER_US: u64 = 1_000_000;

pub(super) fn judge(
    totals: &mut Totals,
    shown: &[Shown],
    freezes: &[Freeze],
    link: &[LinkRow],
    facts: &Facts,
    window: Window,
) {
    let Some(zero_us) = facts.zero_us else { return };
    let at_us = |time: &Duration| zero_us + time.as_micros() as u64;
    if let Some((_, end)) = facts.blackouts.iter().find(|(begin, _)| window.holds(at_us(begin))) {
        totals.recovery_ms = recovery(shown, at_us(end));
    }
    let Some(fall_us) = facts.falls.iter().map(at_us).find(|fall_us| window.holds(*fall_us)) else { return };
    let rise_us = facts.rises.iter().map(at_us).find(|rise_us| *rise_us > fall_us && window.holds(*rise_us));
    let after = Window { from_us: fall_us, to_us: rise_us.unwrap_or(window.to_us) };
    totals.adapt_down_s = down(shown, freezes, after);
    totals.come_back_s = rise_us.and_then(|rise_us| back(link, fall_us, Window { from_us: rise_us, ..window }));
}

fn recovery(shown: &[Shown], end_us: u64) -> Option<f64> {
    let after = shown.iter().filter(|shown| shown.captured_us >= end_us);
    after.map(|shown| shown.rendered_us).min().map(|rendered_us| (rendered_us as f64 - end_us as f64) / 1e3)
}

/// Until what was late last, a picture or the end of a freeze, was on the screen.
fn down(shown: &[Shown], freezes: &[Freeze], after: Window) -> Option<f64> {
    let before = Window { from_us: after.from_us.saturating_sub(USUAL_US), to_us: after.from_us };
    let usual = shown.iter().filter(|shown| before.holds(shown.captured_us));
    let limit = median(usual.map(|shown| shown.latency_ms))? + TOLERATED_MS;
    let captured_after = || shown.iter().filter(|shown| after.holds(shown.captured_us));
    let late = captured_after().filter(|shown| shown.latency_ms > limit).map(|shown| shown.rendered_us);
    let frozen = freezes.iter().filter(|freeze| freeze.within(after) > 0.0 && freeze.seconds() * 1e3 > TOLERATED_MS);
    let last_us = late.chain(frozen.map(|freeze| freeze.to_us)).max().unwrap_or(after.from_us);
    let seen = captured_after().next().is_some();
    (seen && last_us + SETTLED_US < after.to_us).then(|| (last_us - after.from_us) as f64 / 1e6)
}

fn back(link: &[LinkRow], fall_us: u64, after: Window) -> Option<f64> {
    let row = |at_us: u64| link.iter().rfind(|row| row.at_us <= at_us);
    let former = bitrate(row(fall_us.saturating_sub(USUAL_US)).or(link.first())?, row(fall_us)?)?;
    let measured = Window { from_us: after.from_us + RATE_OVER_US, ..after };
    let mut reached = link.iter().filter(|later| {
        let rate = || bitrate(row(later.at_us - RATE_OVER_US)?, later);
        measured.holds(later.at_us) && rate().is_some_and(|rate| rate >= BACK * former)
    });
    reached.next().map(|row| (row.at_us - after.from_us) as f64 / 1e6)
}
