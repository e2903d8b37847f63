//! The sender's up-link: bitrate, share of the capacity that was used, and the queue that built up.
//! Whole IP packets count, as the link sees them, of everything that the sender sends.

use super::{LinkRow, Window, mean};
use crate::figures::Totals;

pub(super) fn judge(totals: &mut Totals, link: &[LinkRow], window: Window) {
    let rows: Vec<&LinkRow> = link.iter().filter(|row| window.holds(row.at_us)).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    totals.wire_bitrate_bps = bitrate(first, last);
    totals.queue_peak_ms = Some(rows.iter().map(|row| row.queue_ms).fold(0.0, f64::max));
    totals.queue_mean_ms = mean(rows.iter().map(|row| row.queue_ms));
    // Bits that could have passed, if all of the time was limited.
    let possible: Option<f64> = rows
        .windows(2)
        .map(|pair| Some(pair[0].capacity_bps? * pair[1].at_us.saturating_sub(pair[0].at_us) as f64 / 1e6))
        .sum::<Option<f64>>();
    let used = last.in_bytes.saturating_sub(first.in_bytes) as f64 * 8.0;
    totals.link_use = possible.filter(|possible| *possible > 0.0).map(|possible| used / possible);
}

/// Bits a second on the wire, the longest queue in milliseconds and the capacity, in one second.
pub(super) fn of_second(link: &[LinkRow], span: Window) -> (Option<f64>, Option<f64>, Option<f64>) {
    let before = link.iter().rfind(|row| row.at_us < span.from_us);
    let within: Vec<&LinkRow> = link.iter().filter(|row| span.holds(row.at_us)).collect();
    let Some(last) = within.last() else { return (None, None, None) };
    let queue_ms = within.iter().map(|row| row.queue_ms).reduce(f64::max);
    (bitrate(before.unwrap_or(within[0]), last), queue_ms, last.capacity_bps)
}

/// Mean between two moments; `None` when they are one.
pub(super) fn bitrate(first: &LinkRow, last: &LinkRow) -> Option<f64> {
    let seconds = last.at_us.checked_sub(first.at_us).filter(|us| *us > 0)? as f64 / 1e6;
    Some(last.in_bytes.saturating_sub(first.in_bytes) as f64 * 8.0 / seconds)
}
