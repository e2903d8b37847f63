//! How fast a sender gives way when the capacity falls, takes it when it rises, and is back after a blackout.
//! Only the first fall and what follows it is judged; scenarios with many changes are read from the curves.

use std::time::Duration;

use super::pictures::Shown;
use super::wire::bitrate;
use super::{Facts, LinkRow, Window, median};
use crate::figures::Totals;

/// Over its usual value by this much, the latency is not back yet.
const TOLERATED_MS: f64 = 300.0;

/// What is usual, is so in that time before a fall.
const USUAL: Duration = Duration::from_secs(10);

/// A latency that is over at the end of the time, by less than this, did not come back.
const SETTLED: Duration = Duration::from_secs(2);

/// Back is who reaches this share of the former rate.
const BACK: f64 = 0.8;

/// The rate is a mean over that time.
const RATE_OVER_US: u64 = 1_000_000;

pub(super) fn judge(totals: &mut Totals, shown: &[Shown], link: &[LinkRow], facts: &Facts, window: Window) {
    let at_us = |time: Duration| facts.zero_us + time.as_micros() as u64;
    if let Some(&(_, end)) = facts.blackouts.iter().find(|(begin, _)| window.holds(at_us(*begin))) {
        let end_us = at_us(end);
        let first = shown.iter().filter(|shown| shown.captured_us >= end_us).map(|shown| shown.rendered_us).min();
        totals.recovery_ms = first.map(|rendered_us| (rendered_us - end_us) as f64 / 1e3);
    }
    let Some(fall_us) = facts.falls.iter().map(|fall| at_us(*fall)).find(|fall| window.holds(*fall)) else { return };
    let rise_us = facts.rises.iter().map(|rise| at_us(*rise)).find(|rise| *rise > fall_us && window.holds(*rise));
    totals.adapt_down_s = down(shown, Window { from_us: fall_us, to_us: rise_us.unwrap_or(window.to_us) });
    totals.come_back_s = rise_us.and_then(|rise_us| back(link, fall_us, Window { from_us: rise_us, ..window }));
}

fn down(shown: &[Shown], after: Window) -> Option<f64> {
    let usual = USUAL.as_micros() as u64;
    let before = shown.iter().filter(|shown| (after.from_us.saturating_sub(usual)..after.from_us).contains(&shown.captured_us));
    let limit = median(before.map(|shown| shown.latency_ms))? + TOLERATED_MS;
    let late = shown.iter().filter(|shown| after.holds(shown.captured_us) && shown.latency_ms > limit);
    let Some(last_us) = late.map(|shown| shown.captured_us).max() else { return Some(0.0) };
    let settled = last_us + (SETTLED.as_micros() as u64) < after.to_us;
    settled.then(|| (last_us - after.from_us) as f64 / 1e6)
}

fn back(link: &[LinkRow], fall_us: u64, after: Window) -> Option<f64> {
    let row = |at_us: u64| link.iter().rfind(|row| row.at_us <= at_us);
    let former = bitrate(row(fall_us.saturating_sub(USUAL.as_micros() as u64)).or(link.first())?, row(fall_us)?)?;
    let reached = link.iter().filter(|later| later.at_us >= after.from_us + RATE_OVER_US && later.at_us <= after.to_us);
    let reached = reached.filter(|later| {
        row(later.at_us - RATE_OVER_US).and_then(|earlier| bitrate(earlier, later)).is_some_and(|rate| rate >= BACK * former)
    });
    reached.map(|row| (row.at_us - after.from_us) as f64 / 1e6).next()
}
