//! Sound: how late the chirps were heard, which never were, where the pilot fell silent.
//! A chirp that was heard is the latest of its kind that was sent before: latencies are told up to the length of a round.

use super::pictures::Shown;
use super::{Window, quantiles, sum};
use crate::figures::Totals;
use crate::media::sound::hear::GAP_MS;
use crate::media::sound::{self, Gap, KINDS, RATE};
use crate::record::Record;

/// A clock may seem that much ahead of the other by rounding alone.
const SLACK_US: u64 = 5_000;

/// Chirps sent less than this before the end, or than the worst latency and half a second, are not expected any more.
const LAST_MS: f64 = 2_000.0;
const LATER_MS: f64 = 500.0;

/// A sample of that level is heard; the pilot's are over it, rounding errors are not.
const AUDIBLE: f32 = 0.01;

/// A picture belongs to a chirp when they were captured within this time.
const TOGETHER_US: u64 = 50_000;

/// A chirp that was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chirp {
    pub(super) sent_us: u64,
    pub(super) heard_us: u64,
    pub(super) latency_ms: f64,
}

/// What was heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Listened {
    pub(super) chirps: Vec<Chirp>,
    /// When the first sound was heard.
    pub(super) first_us: Option<u64>,
    gaps: Vec<Gap>,
    origin_us: u64,
}

pub(super) fn listen(sender: &Record, receiver: &Record) -> Listened {
    let samples = &receiver.sound;
    let Some(origin_us) = receiver.peer.sound_origin_us.filter(|_| !samples.is_empty()) else {
        return Listened::default();
    };
    let at_us = |seconds: f64| origin_us.saturating_add((seconds * 1e6).round() as u64);
    let first = samples.iter().position(|sample| sample.abs() > AUDIBLE);
    let chirps = sound::chirps(samples).into_iter().filter_map(|heard| {
        let heard_us = at_us(heard.at);
        let sent_us = sent(sender.peer.sound_sent_origin_us?, heard.kind, heard_us)?;
        Some(Chirp { sent_us, heard_us, latency_ms: (heard_us as f64 - sent_us as f64) / 1e3 })
    });
    Listened {
        chirps: chirps.collect(),
        first_us: first.map(|at| at_us(at as f64 / f64::from(RATE))),
        gaps: sound::gaps(samples),
        origin_us,
    }
}

/// When the chirp of this kind that was heard then was sent.
fn sent(origin_us: u64, kind: usize, heard_us: u64) -> Option<u64> {
    const ROUND_US: u64 = KINDS as u64 * 1_000_000;
    let first_us = origin_us.checked_add(kind as u64 * 1_000_000)?;
    let since = heard_us.checked_add(SLACK_US)?.checked_sub(first_us)?;
    Some(first_us + since / ROUND_US * ROUND_US)
}

pub(super) fn judge(totals: &mut Totals, heard: &Listened, sender: &Record, receiver: &Record, window: Window) {
    let judged = heard.chirps.iter().filter(|chirp| window.holds(chirp.heard_us));
    totals.sound_latency_ms = quantiles(judged.map(|chirp| chirp.latency_ms));
    let peer = &receiver.peer;
    totals.concealed_ratio = match (peer.sound_concealed_samples, peer.sound_samples) {
        (Some(concealed), Some(all)) if all > 0 => Some(concealed as f64 / all as f64),
        _ => None,
    };
    let Some(first_us) = heard.first_us else { return };
    let gaps: Vec<f64> = heard.gaps.iter().filter_map(|gap| heard.within(gap, window)).collect();
    totals.sound_gaps = Some(gaps.len() as u64);
    totals.sound_gap_ms = Some(sum(gaps.iter().copied()));
    totals.chirps_missing =
        sender.peer.sound_sent_origin_us.map(|origin_us| missing(heard, origin_us, window, first_us));
}

impl Listened {
    /// Milliseconds of a gap within a time; `None` when what is left of it is none.
    fn within(&self, gap: &Gap, window: Window) -> Option<f64> {
        let from_us = self.origin_us.saturating_add((gap.at * 1e6) as u64);
        let to_us = from_us.saturating_add((gap.length_ms * 1e3) as u64);
        let left_ms = to_us.min(window.to_us).saturating_sub(from_us.max(window.from_us)) as f64 / 1e3;
        (left_ms >= GAP_MS).then_some(left_ms)
    }
}

/// Chirps that were sent while sound was heard, early enough to be heard too, and were not.
fn missing(heard: &Listened, origin_us: u64, window: Window, first_us: u64) -> u64 {
    let worst_ms = heard.chirps.iter().map(|chirp| chirp.latency_ms).fold(0.0, f64::max);
    let last_us = ((worst_ms + LATER_MS).max(LAST_MS) * 1e3) as u64;
    let seconds = window.from_us.max(first_us).saturating_sub(origin_us).div_ceil(1_000_000);
    let expected = (origin_us + seconds * 1_000_000..window.to_us.saturating_sub(last_us)).step_by(1_000_000);
    expected.filter(|sent_us| heard.chirps.iter().all(|chirp| chirp.sent_us != *sent_us)).count() as u64
}

/// Picture latency minus sound latency, in milliseconds, for each chirp that has a picture captured at the same time.
pub(super) fn skew(chirps: &[Chirp], shown: &[Shown]) -> Vec<f64> {
    let nearest = |sent_us: u64| shown.iter().min_by_key(|shown| shown.captured_us.abs_diff(sent_us));
    chirps
        .iter()
        .filter_map(|chirp| {
            let shown =
                nearest(chirp.sent_us).filter(|shown| shown.captured_us.abs_diff(chirp.sent_us) <= TOGETHER_US)?;
            Some(shown.latency_ms - chirp.latency_ms)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chirp_is_the_latest_of_its_kind_that_was_sent_before_it_was_heard() {
        const ORIGIN_US: u64 = 1_700_000_000_000_000;
        for (kind, heard_after_us, sent_after_us) in [
            (0, 0, Some(0)),
            (0, 7_999_000, Some(8_000_000)),
            (0, 7_990_000, Some(0)),
            (3, 3_040_000, Some(3_000_000)),
            (3, 2_990_000, None),
            (3, 19_500_000, Some(19_000_000)),
            (7, 14_900_000, Some(7_000_000)),
        ] {
            let sent_us = sent(ORIGIN_US, kind, ORIGIN_US + heard_after_us);
            assert_eq!(sent_us.map(|sent_us| sent_us - ORIGIN_US), sent_after_us, "{kind} at {heard_after_us}");
        }
        assert_eq!(sent(u64::MAX, 1, u64::MAX), None, "a clock that is wrong is no panic");
    }
}
