//! What packets that leave close together show of the path: every large picture is a probe that costs nothing. Either all of them
//! came through at some rate at least, or they came evenly and much slower than they left, which is a link's own rate.
//!
//! Time counts from when the first could have come at the earliest, by the least delay ever seen, until the last has come: whatever
//! holds packets back, lets them go in a bunch or puts them out of order makes what is shown smaller, and never larger.

use std::time::{Duration, Instant};

use super::Fate;

/// Packets with less than this between them belong together. Pacing leaves 15 ms between them where a call begins; pictures
/// are 33 ms apart.
const LEFT_TOGETHER: Duration = Duration::from_millis(20);

/// Fewer bytes are sound or what remains of a picture: they leave on their own, and would tie one picture to the next.
const SMALL: usize = 400;

/// Of fewer packets, one that is late by chance would decide.
const LEAST_PACKETS: usize = 3;

/// In less time the pauses of a computer, and the clock of the reports, are too large a share.
const LEAST_TIME: Duration = Duration::from_millis(5);

/// A longer train has shown what it can, and is judged anew.
const MOST_PACKETS: usize = 64;

/// A link's own rate shows in so many packets, which came over a time that is longer than the one they left in by so much, twice
/// what radio links hold packets back (20 to 30 ms), and so many times as long, more than what comes of a busy path.
const LINK_PACKETS: usize = 4;
const SLOWER_BY: Duration = Duration::from_millis(60);
const SLOWER_TIMES: f64 = 1.3;

/// A queue lets packets go evenly, and one may be lost: a pause longer than so many mean ones was a stall.
const EVEN: f64 = 2.0;

/// In bits a second; a link's rate says more than anything else.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Shown {
    /// The path carries that, and perhaps more.
    AtLeast(f64),
    /// A link of it carries that and no more.
    Link(f64),
}

/// A packet that came: its arrival is by the peer's clock.
#[derive(Clone, Copy, Debug)]
struct Packet {
    sent: Instant,
    arrived: Duration,
    size: usize,
}

/// The train that may still go on, and what those before it have shown.
#[derive(Debug, Default)]
pub(super) struct Trains {
    /// Of all packets, the one that came soonest after it had left.
    quickest: Option<Packet>,
    train: Vec<Packet>,
    /// When the train's last packet left, also when that was lost.
    last_sent: Option<Instant>,
    shown: Option<Shown>,
    /// Whether the last train took longer to come than to leave.
    held_up: bool,
}

impl Trains {
    /// Takes a report; what was shown by the best train in it, also by one that may go on in the next.
    pub(super) fn told(&mut self, fates: &[Fate]) -> Option<Shown> {
        let mut best = None;
        let mut note = |shown: Option<Shown>| {
            if shown > best {
                best = shown;
            }
        };
        for fate in fates {
            note(self.add(fate));
        }
        note(self.so_far());
        self.shown = best.or(self.shown);
        self.shown
    }

    /// Whether the last trains came through slower than that many bits a second, and not only because they left no faster.
    pub(super) fn are_slower_than(&self, bps: f64) -> bool {
        self.held_up && matches!(self.shown, Some(Shown::AtLeast(shown) | Shown::Link(shown)) if shown < bps)
    }

    /// Takes a packet; when it begins a new train, says what the one before has shown.
    fn add(&mut self, fate: &Fate) -> Option<Shown> {
        let packet = fate.arrived().map(|arrived| Packet { sent: fate.sent, arrived, size: fate.size });
        if let Some(packet) = packet
            && self.quickest.is_none_or(|quickest| packet.later_than(quickest) < 0.0)
        {
            self.quickest = Some(packet);
        }
        if fate.size < SMALL {
            return None;
        }
        let goes_on = self.last_sent.is_some_and(|last| fate.sent.saturating_duration_since(last) <= LEFT_TOGETHER);
        let shown = if goes_on && self.train.len() < MOST_PACKETS {
            None
        } else {
            let shown = self.so_far();
            self.train.clear();
            shown
        };
        self.last_sent = self.last_sent.max(Some(fate.sent));
        // What was overtaken on its way into the report may be of a train that is gone.
        self.train.extend(packet.filter(|packet| self.train.first().is_none_or(|first| packet.sent >= first.sent)));
        shown
    }

    fn so_far(&mut self) -> Option<Shown> {
        let (quickest, first) = (self.quickest?, self.train.first()?);
        if self.train.len() < LEAST_PACKETS {
            return None;
        }
        let sent = self.train.iter().map(|packet| packet.sent).max()?.saturating_duration_since(first.sent);
        if let Some(link) = self.link(sent) {
            return Some(Shown::Link(link));
        }
        let last = self.train.iter().map(|packet| packet.arrived).max()?;
        let passed = Packet { arrived: last, ..*first }.later_than(quickest);
        self.held_up = passed > SLOWER_TIMES * sent.as_secs_f64();
        // The time in which the quickest packet itself passed the link is not counted, so its bits are not either.
        let bytes = self.train.iter().map(|packet| packet.size).sum::<usize>().saturating_sub(quickest.size);
        // No more is shown than was tried.
        Some(Shown::AtLeast(bytes as f64 * 8.0 / passed.max(sent.max(LEAST_TIME).as_secs_f64())))
    }

    /// The rate of arrival of a train that left in that time, if a queue has set it.
    fn link(&self, sent: Duration) -> Option<f64> {
        let in_order = |a: &Packet, b: &Packet| a.sent <= b.sent && a.arrived <= b.arrived;
        if self.train.len() < LINK_PACKETS || !self.train.is_sorted_by(in_order) {
            return None;
        }
        let came = self.train.last()?.arrived - self.train.first()?.arrived;
        let longest = self.train.windows(2).map(|pair| pair[1].arrived - pair[0].arrived).max()?;
        let pauses = (self.train.len() - 1) as f64;
        let is_slow = came > sent + SLOWER_BY && came > sent.mul_f64(SLOWER_TIMES);
        let is_even = longest.as_secs_f64() * pauses <= EVEN * came.as_secs_f64();
        let bytes: usize = self.train[1..].iter().map(|packet| packet.size).sum();
        (is_slow && is_even).then(|| bytes as f64 * 8.0 / came.as_secs_f64())
    }
}

impl Packet {
    /// How many seconds later it came than the other would have, had that left when it did.
    fn later_than(self, other: Self) -> f64 {
        let sent = self.sent.saturating_duration_since(other.sent).as_secs_f64()
            - other.sent.saturating_duration_since(self.sent).as_secs_f64();
        self.arrived.as_secs_f64() - other.arrived.as_secs_f64() - sent
    }
}

#[cfg(test)]
mod tests;
