//! Sound: how late the chirps were heard, which never were, where the pilot fell silent.
//! The n-th chirp of a kind belongs to the latest one sent before it was heard, up to the length of a round.

use super::pictures::Shown;
use super::{Window, quantiles};
use crate::figures::Totals;
use crate::media::sound::{self, Gap, KINDS, RATE};
use crate::record::Record;

/// A clock may seem that much ahead of the other by rounding alone.
const SLACK_US: i64 = 5_000;

/// Chirps sent less than this before the end are not expected any more.
const LAST_US: u64 = 2_000_000;

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
    sent_origin_us: Option<u64>,
}

pub(super) fn listen(sender: &Record, receiver: &Record) -> Listened {
    let samples = &receiver.sound;
    let Some(origin_us) = receiver.peer.sound_origin_us.filter(|_| !samples.is_empty()) else {
        return Listened::default();
    };
    let at_us = |seconds: f64| origin_us + (seconds * 1e6).round() as u64;
    let first = samples.iter().position(|sample| sample.abs() > 0.01);
    let sent_origin_us = sender.peer.sound_sent_origin_us;
    let chirps = sound::chirps(samples).into_iter().filter_map(|heard| {
        let heard_us = at_us(heard.at);
        let sent_us = sent(sent_origin_us?, heard.kind, heard_us)?;
        Some(Chirp { sent_us, heard_us, latency_ms: (heard_us as f64 - sent_us as f64) / 1e3 })
    });
    Listened {
        chirps: chirps.collect(),
        first_us: first.map(|at| at_us(at as f64 / f64::from(RATE))),
        gaps: sound::gaps(samples),
        origin_us,
        sent_origin_us,
    }
}

/// When the chirp of this kind that was heard then was sent.
fn sent(origin_us: u64, kind: usize, heard_us: u64) -> Option<u64> {
    const ROUND_US: i64 = KINDS as i64 * 1_000_000;
    let first_us = origin_us as i64 + kind as i64 * 1_000_000;
    let since = heard_us as i64 + SLACK_US - first_us;
    (since >= 0).then(|| (first_us + since / ROUND_US * ROUND_US) as u64)
}

pub(super) fn judge(totals: &mut Totals, heard: &Listened, receiver: &Record, window: Window) {
    totals.sound_latency_ms = quantiles(heard.chirps.iter().map(|chirp| chirp.latency_ms));
    let peer = &receiver.peer;
    totals.concealed_ratio = match (peer.sound_concealed_samples, peer.sound_samples) {
        (Some(concealed), Some(all)) if all > 0 => Some(concealed as f64 / all as f64),
        _ => None,
    };
    if heard.first_us.is_none() {
        return;
    }
    let judged = heard.gaps.iter().filter(|gap| window.holds(heard.origin_us + (gap.at * 1e6) as u64));
    totals.sound_gaps = Some(judged.clone().count() as u64);
    totals.sound_gap_ms = Some(judged.map(|gap| gap.length_ms).sum());
    if let (Some(origin_us), Some(first)) = (heard.sent_origin_us, heard.chirps.first()) {
        let expected = (0..)
            .map(|second| origin_us + second * 1_000_000)
            .skip_while(|sent_us| *sent_us < first.sent_us)
            .take_while(|sent_us| sent_us + LAST_US <= window.to_us);
        let missing = expected.filter(|sent_us| heard.chirps.iter().all(|chirp| chirp.sent_us != *sent_us));
        totals.chirps_missing = Some(missing.count() as u64);
    }
}

/// Picture latency minus sound latency, in milliseconds, for each chirp that has a picture captured at the same time.
pub(super) fn skew(chirps: &[Chirp], shown: &[Shown]) -> Vec<f64> {
    let nearest = |sent_us: u64| shown.iter().min_by_key(|shown| shown.captured_us.abs_diff(sent_us));
    chirps
        .iter()
        .filter_map(|chirp| {
            let shown = nearest(chirp.sent_us).filter(|shown| shown.captured_us.abs_diff(chirp.sent_us) <= TOGETHER_US)?;
            Some(shown.latency_ms - chirp.latency_ms)
        })
        .collect()
}
