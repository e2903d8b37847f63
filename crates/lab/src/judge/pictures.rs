//! Pictures: how late they were shown, how many, in which order, and how coarse.
//! A picture that merely stays on the screen, shown again, is no news and counts once.

use std::collections::HashSet;

use super::{Window, mean, quantiles};
use crate::figures::Totals;
use crate::record::{Record, RenderedPicture, Second};

/// A picture that was shown and read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) captured_us: u64,
    pub(super) rendered_us: u64,
    pub(super) latency_ms: f64,
}

/// The rendered pictures without those that only repeat the one before; an unreadable one repeats none.
pub(super) fn changes(receiver: &Record, window: Window) -> Vec<RenderedPicture> {
    let mut changes: Vec<RenderedPicture> =
        receiver.rendered.iter().filter(|picture| window.holds(picture.rendered_us)).copied().collect();
    changes.dedup_by(|later, earlier| later.index.is_some() && later.index == earlier.index);
    changes
}

/// The pictures that could be read, each when it was shown first.
pub(super) fn shown(changes: &[RenderedPicture]) -> Vec<Shown> {
    let mut known = HashSet::new();
    let new = changes.iter().filter(|picture| picture.index.is_some_and(|index| known.insert(index)));
    new.filter_map(|picture| {
        let captured_us = picture.captured_us?;
        let latency_ms = (picture.rendered_us as f64 - captured_us as f64) / 1e3;
        Some(Shown { captured_us, rendered_us: picture.rendered_us, latency_ms })
    })
    .collect()
}

pub(super) fn judge(
    totals: &mut Totals,
    sender: &Record,
    changes: &[RenderedPicture],
    shown: &[Shown],
    window: Window,
) {
    let sent = sender.sent.iter().filter(|picture| window.holds(picture.captured_us)).count();
    totals.pictures_sent = (!sender.sent.is_empty()).then_some(sent as u64);
    if changes.is_empty() {
        return;
    }
    totals.pictures_rendered = Some(changes.len() as u64);
    totals.pictures_unreadable = Some(changes.iter().filter(|picture| picture.index.is_none()).count() as u64);
    totals.frame_rate = Some(changes.len() as f64 / window.seconds());
    totals.mean_width = mean(changes.iter().map(|picture| f64::from(picture.width)));
    totals.mean_qp = mean_qp(&sender.seconds, window);
    totals.picture_latency_ms = quantiles(shown.iter().map(|shown| shown.latency_ms));
    totals.out_of_order = Some(out_of_order(changes));
}

fn out_of_order(changes: &[RenderedPicture]) -> u64 {
    let mut newest = 0;
    let mut late = 0;
    for index in changes.iter().filter_map(|picture| picture.index) {
        late += u64::from(index < newest);
        newest = newest.max(index);
    }
    late
}

/// From the counters at the edges of the time, or those nearest within it.
pub(super) fn mean_qp(seconds: &[Second], window: Window) -> Option<f64> {
    let within = || seconds.iter().filter(|second| second.at_us <= window.to_us);
    let last = within().next_back()?;
    let first = within().rfind(|second| second.at_us <= window.from_us).or_else(|| within().next())?;
    let frames = last.frames_encoded?.checked_sub(first.frames_encoded?).filter(|frames| *frames > 0)?;
    Some(last.qp_sum?.checked_sub(first.qp_sum?)? as f64 / frames as f64)
}
