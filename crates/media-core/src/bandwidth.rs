//! How much the path carries, from what became of the packets that were sent: the sender's half of Google congestion control
//! (draft-ietf-rmcat-gcc-02), with the bounds that a camera needs, which often sends less than it may.
//!
//! Growing delay is the first sign of a full link and heavy loss the second; whichever of the two allows less wins. What is
//! aimed at never runs far ahead of what arrives, so that a quiet picture does not let the aim grow into the clouds. A call
//! begins low, and goes quickly to what its first large pictures have shown of the path.

mod acknowledged;
mod capacity;
mod groups;
mod loss;
mod trains;
mod trend;

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::Bitrate;

use acknowledged::Acknowledged;
use capacity::Capacity;
use groups::Groups;
use loss::LossBound;
use trains::{Shown, Trains};
use trend::{Trend, Usage};

/// After an overload the aim is this share of what arrived in it, so that the queue empties.
const BACK_OFF: f64 = 0.85;

/// Milliseconds of queue without which there is no overload: a path that stood still and let everything go at once is as wide as
/// before.
const STANDING: f64 = 15.0;

/// Growth in a second where nothing is known of the link, below what it has carried, and above it or what trains have shown.
const GROWTH_AT_FIRST: f64 = 1.4;
const GROWTH_BELOW: f64 = 1.2;
const GROWTH_ABOVE: f64 = 1.08;

/// Beside the measured capacity the aim grows by one packet of this many bits in a response time.
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// The peer's reports come about this often, beside the way there and back.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The aim is at most so many times what arrives, and a little more, so that it can leave the ground.
const AHEAD: f64 = 1.5;
const AHEAD_BPS: f64 = 10_000.0;

/// Before the link has been met the aim goes to what trains have shown, but in a response time to no more than so many times what
/// it was, or what arrives: what is tried next has then shown itself, too.
const RISE: f64 = 2.0;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Bytes on the wire.
    pub size: usize,
    /// When it left.
    pub sent: Instant,
    /// How it ended.
    pub arrival: Arrival,
}

/// How a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It arrived then, by the peer's clock, whose zero is its own affair.
    At(Duration),
    /// The peer said that it did not.
    Lost,
    /// The report that spoke of it was lost itself.
    Untold,
}

impl Fate {
    fn arrived(&self) -> Option<Duration> {
        match self.arrival {
            Arrival::At(time) => Some(time),
            Arrival::Lost | Arrival::Untold => None,
        }
    }
}

/// Whether the aim may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Grow,
    /// A queue is emptying, or a back-off has just been made.
    Hold,
}

/// The estimate, and what it is made from.
#[derive(Debug)]
pub struct BandwidthEstimate {
    min: f64,
    max: f64,
    aim: f64,
    mode: Mode,
    updated_at: Option<Instant>,
    round_trip: Option<Duration>,
    groups: Groups,
    trend: Trend,
    acknowledged: Acknowledged,
    capacity: Capacity,
    loss: LossBound,
    /// Until the link has been met: an overload, heavy loss or its own rate.
    trains: Option<Trains>,
}

impl BandwidthEstimate {
    /// Begins at `start`, and stays between the two others.
    #[must_use]
    pub fn new(start: Bitrate, min: Bitrate, max: Bitrate) -> Self {
        let min = min.bps() as f64;
        let max = (max.bps() as f64).max(min);
        Self {
            min,
            max,
            aim: (start.bps() as f64).clamp(min, max),
            mode: Mode::Grow,
            updated_at: None,
            round_trip: None,
            groups: Groups::default(),
            trend: Trend::default(),
            acknowledged: Acknowledged::default(),
            capacity: Capacity::default(),
            loss: LossBound::default(),
            trains: Some(Trains::default()),
        }
    }

    /// What may be sent, headers and repairs included.
    #[must_use]
    pub fn target(&self) -> Bitrate {
        Bitrate::from_bps(self.aim.min(self.loss.bps()).clamp(self.min, self.max) as u64)
    }

    /// To the peer and back with its report, by the newest packet of the last one; `None` before any has arrived.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The peer has told what became of these packets, in the order in which they were sent.
    pub fn told(&mut self, now: Instant, fates: &[Fate]) {
        let mut usage = None;
        let mut newest = None;
        let (mut told, mut lost) = (0, 0);
        for fate in fates {
            if fate.arrival == Arrival::Untold {
                self.acknowledged.add_untold(fate.size);
                continue;
            }
            told += 1;
            let Some(arrived) = fate.arrived() else {
                lost += 1;
                continue;
            };
            newest = newest.max(Some(fate.sent));
            self.acknowledged.add(arrived, fate.size);
            if let Some(delta) = self.groups.add(fate.sent, arrived) {
                // One overload among several reports is an overload.
                let found = self.trend.update(delta);
                if usage != Some(Usage::Over) {
                    usage = Some(found);
                }
            }
        }
        let carried = BACK_OFF * self.acknowledged.bps().unwrap_or(0.0);
        self.loss.update(now, lost, told, self.aim, carried);
        let passed =
            self.updated_at.replace(now).map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        self.round_trip = newest.map(|sent| now.saturating_duration_since(sent)).or(self.round_trip);
        if usage == Some(Usage::Over) && self.trend.standing() < STANDING {
            usage = Some(Usage::Normal);
        }
        if let Some(usage) = usage {
            self.steer(usage, passed.min(Duration::from_secs(1)));
        }
        self.begin(fates, passed);
        self.aim = self.aim.clamp(self.min, self.max);
    }

    /// Goes up to what the trains have shown, and once to the link's own rate, up or down.
    fn begin(&mut self, fates: &[Fate], passed: Duration) {
        if self.loss.bps().is_finite() {
            self.trains = None;
        }
        let shown = self.trains.as_mut().and_then(|trains| trains.told(fates));
        match (shown, self.acknowledged.bps()) {
            (Some(Shown::Link(bps)), _) => self.back_off(bps, BACK_OFF * bps),
            (Some(Shown::AtLeast(bps)), Some(arriving)) => {
                let times = RISE.powf((passed.as_secs_f64() / self.response().as_secs_f64()).min(1.0));
                self.aim = self.aim.max((times * self.aim).min(RISE * arriving).min(BACK_OFF * bps));
            }
            _ => {}
        }
    }

    fn steer(&mut self, usage: Usage, passed: Duration) {
        let arriving = self.acknowledged.bps();
        match usage {
            Usage::Over => {
                self.mode = Mode::Hold;
                if let Some(arriving) = arriving {
                    self.back_off(arriving, self.aim.min(BACK_OFF * arriving));
                }
            }
            Usage::Under => self.mode = Mode::Hold,
            Usage::Normal if self.mode == Mode::Hold => self.mode = Mode::Grow,
            Usage::Normal => {
                let Some(arriving) = arriving else { return };
                let seconds = passed.as_secs_f64();
                let is_above = self.trains.as_ref().is_some_and(|trains| trains.are_slower_than(self.aim));
                let beside = self.capacity.compare(arriving).or(is_above.then_some(Ordering::Greater));
                let grown = match beside {
                    None => self.aim * GROWTH_AT_FIRST.powf(seconds),
                    Some(Ordering::Less) => self.aim * GROWTH_BELOW.powf(seconds),
                    Some(Ordering::Equal) => self.aim + PACKET_BITS * seconds / self.response().as_secs_f64(),
                    Some(Ordering::Greater) => self.aim * GROWTH_ABOVE.powf(seconds),
                };
                self.aim = self.aim.max(grown.min(AHEAD * arriving + AHEAD_BPS));
            }
        }
    }

    /// The link has been met, and carries that much.
    fn back_off(&mut self, carried: f64, aim: f64) {
        self.capacity.overloaded(carried);
        self.aim = aim;
        self.mode = Mode::Hold;
        self.trains = None;
    }

    /// To the peer, and back with its next report.
    fn response(&self) -> Duration {
        self.round_trip.unwrap_or_default() + REPORT_INTERVAL
    }
}

#[cfg(test)]
mod tests;
