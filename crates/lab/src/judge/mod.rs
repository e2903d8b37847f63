//! The judge: from the records of two callers and the network between them to the figures of one direction.
//! Pure, and the same for all callers; what cannot be told from the records is `None`.

mod adapt;
mod fidelity;
mod freezes;
mod known;
mod pictures;
mod seconds;
mod sound;
mod wire;

use std::time::Duration;

use crate::figures::{Quantiles, SecondFigures, Totals};
use crate::media::scene::Scene;
use crate::record::{Record, RecordError};

/// The sender's up-link at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkRow {
    /// Unix time, microseconds.
    pub at_us: u64,
    /// Bytes of IP packets that entered it since the beginning.
    pub in_bytes: u64,
    /// How long a packet that enters now waits before the bottleneck.
    pub queue_ms: f64,
    /// Its capacity now; `None`: unlimited.
    pub capacity_bps: Option<f64>,
}

/// What is known of the network beforehand. Times count from its zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The network's zero, Unix time in microseconds; `None` when it is unknown, and with it what depends on the times below.
    pub zero_us: Option<u64>,
    /// When the capacity falls.
    pub falls: Vec<Duration>,
    /// When it rises.
    pub rises: Vec<Duration>,
    /// Beginnings and ends of times in which nothing passes.
    pub blackouts: Vec<(Duration, Duration)>,
    /// Beginnings and ends of times in which the sender is told to film nothing, counted from its first picture.
    pub pauses: Vec<(Duration, Duration)>,
}

/// One direction of a run.
pub struct Direction<'a> {
    /// The caller whose pictures and sound are judged.
    pub sender: &'a Record,
    /// The one that shows and plays them.
    pub receiver: &'a Record,
    /// The sender's up-link, in order of time; empty when it is unknown.
    pub link: &'a [LinkRow],
    /// What the network did.
    pub facts: &'a Facts,
    /// What was filmed; `None` leaves the fidelity unmeasured.
    pub scene: Option<&'a Scene>,
}

/// The time that is judged: from the first picture rendered, or the first sound where there are no pictures, to the end.
#[derive(Clone, Copy, Debug)]
struct Window {
    from_us: u64,
    to_us: u64,
}

impl Window {
    fn holds(self, at_us: u64) -> bool {
        (self.from_us..=self.to_us).contains(&at_us)
    }

    fn seconds(self) -> f64 {
        self.to_us.saturating_sub(self.from_us) as f64 / 1e6
    }
}

/// The sender's pauses as Unix times in microseconds.
fn pauses(sender: &Record, facts: &Facts) -> Vec<(u64, u64)> {
    let Some(first) = sender.sent.first() else { return Vec::new() };
    let at = |time: Duration| first.captured_us + time.as_micros() as u64;
    facts.pauses.iter().map(|(from, to)| (at(*from), at(*to))).collect()
}

/// Judges one direction: the figures in total and second by second, as [`figures`](crate::figures) defines them.
///
/// # Errors
/// A kept picture that cannot be read.
pub fn judge(direction: &Direction) -> Result<(Totals, Vec<SecondFigures>), RecordError> {
    let Direction { sender, receiver, link, facts, scene } = *direction;
    let heard = sound::listen(sender, receiver);
    let mut totals = Totals::default();
    let since_offer = |at_us: Option<u64>| Some((at_us? as f64 - receiver.peer.offer_us? as f64) / 1e3);
    totals.connected_ms = since_offer(receiver.peer.connected_us);
    totals.first_picture_ms = since_offer(receiver.rendered.first().map(|first| first.rendered_us));
    totals.first_sound_ms = since_offer(heard.first_us);

    let Some(window) = window(sender, receiver, heard.first_us) else { return Ok((totals, Vec::new())) };
    totals.seconds = Some(window.seconds());
    let changes = pictures::changes(receiver, window);
    let shown = pictures::shown(&changes);
    pictures::judge(&mut totals, sender, &changes, &shown, window);
    let found = freezes::find(&changes, &pauses(sender, facts), window);
    if let Some(freezes) = &found {
        totals.freezes = Some(freezes.len() as u64);
        totals.freeze_seconds = Some(sum(freezes.iter().map(|freeze| freeze.seconds())));
        totals.longest_freeze_ms = Some(freezes.iter().map(|freeze| freeze.seconds() * 1e3).fold(0.0, f64::max));
    }
    let freezes = found.unwrap_or_default();
    sound::judge(&mut totals, &heard, sender, receiver, window);
    let skew = sound::skew(&heard.chirps, &shown);
    totals.skew_ms = quantiles(skew.iter().map(|skew| skew.abs()));
    totals.skew_mean_ms = mean(skew.iter().copied());
    wire::judge(&mut totals, link, window);
    adapt::judge(&mut totals, &shown, &freezes, link, facts, window);
    if let Some(scene) = scene {
        fidelity::judge(&mut totals, receiver, scene)?;
    }
    let screen = seconds::Screen { changes: &changes, shown: &shown, freezes: &freezes };
    Ok((totals, seconds::all(direction, window, &screen, &heard.chirps)))
}

fn window(sender: &Record, receiver: &Record, first_sound_us: Option<u64>) -> Option<Window> {
    let from_us = receiver.rendered.first().map(|first| first.rendered_us).or(first_sound_us)?;
    let last_us = receiver.rendered.last().map(|last| last.rendered_us);
    let ends = [sender.peer.ended_us, receiver.peer.ended_us];
    // Callers that left no end are judged up to the last picture.
    let to_us = ends.into_iter().flatten().min().or(last_us)?;
    (to_us > from_us).then_some(Window { from_us, to_us })
}

/// Of nothing, 0; the library's is -0.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    quantiles(values).map(|quantiles| quantiles.p50)
}

/// By nearest rank.
fn quantiles(values: impl Iterator<Item = f64>) -> Option<Quantiles> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let rank = |share: f64| values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1];
    (!values.is_empty()).then(|| Quantiles { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks_and_nothing_has_none() {
        assert_eq!(quantiles(std::iter::empty()), None);
        let all = quantiles((1..=100).rev().map(f64::from)).expect("a hundred values");
        assert_eq!(all, Quantiles { p50: 50.0, p95: 95.0, p99: 99.0, max: 100.0 });
        assert_eq!(quantiles([7.0].into_iter()).map(|one| one.p99), Some(7.0));
        assert_eq!(mean([1.0, 2.0].into_iter()), Some(1.5));
    }
}
