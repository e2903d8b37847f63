//! A one-way link that is told the time: drop-tail queue, bottleneck, loss, then the delay line.
//! Times are counted from whatever the caller calls zero; the same seed and calls give the same outcome.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use media_core::Bitrate;

use super::conditions::{Conditions, QueueLimit};
use super::jitter::Jitter;
use super::loss::LossChain;
use super::rng::Rng;
use super::server::{Server, sending_time};

/// Packets that may be under way at once: half a second of full packets at a gigabit, a hundred megabytes.
const UNDER_WAY: usize = 65_536;

/// Bytes that always find room in a queue that is given as time: two full packets, else a slow link passes nothing.
const LEAST_ROOM: u64 = 3000;

/// The capacity by which a queue that is given as time is measured while nothing limits the link.
const ASSUMED_RATE: Bitrate = Bitrate::from_kbps(12_000);

/// What a link carries.
pub trait Packet: Clone {
    /// Bytes of the whole IP packet.
    fn wire_bytes(&self) -> u64;
}

impl Packet for Vec<u8> {
    fn wire_bytes(&self) -> u64 {
        self.len() as u64
    }
}

/// A number of packets and the bytes in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What became of the packets since the link was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Given to the link.
    pub entered: Tally,
    /// Handed out at the other end, duplicates too.
    pub delivered: Tally,
    /// Lost on the way.
    pub lost: Tally,
    /// Dropped because the queue was full.
    pub queue_full: Tally,
    /// Dropped because the link was down.
    pub down: Tally,
}

/// What waits before the bottleneck, the packet that is just leaving included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes of whole packets.
    pub bytes: u64,
    /// How long a packet that comes now would wait for them.
    pub delay: Duration,
}

/// The link.
#[derive(Debug)]
pub struct Link<P> {
    conditions: Conditions,
    counters: Counters,
    rng: Rng,
    loss: LossChain,
    jitter: Jitter,
    server: Server,
    /// Bounded by [`Conditions::queue`].
    queue: VecDeque<P>,
    queued_bytes: u64,
    /// When the head of the queue will have left.
    departure: Option<Duration>,
    /// Bounded by [`UNDER_WAY`].
    under_way: BinaryHeap<Reverse<Arrival<P>>>,
    /// Packets ever put under way; keeps those of the same time in order.
    sequence: u64,
    last_arrival: Duration,
}

impl<P: Packet> Link<P> {
    /// A perfect link.
    pub fn new(seed: u64) -> Self {
        Self {
            conditions: Conditions::default(),
            counters: Counters::default(),
            rng: Rng::new(seed),
            loss: LossChain::default(),
            jitter: Jitter::default(),
            server: Server::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            departure: None,
            under_way: BinaryHeap::new(),
            sequence: 0,
            last_arrival: Duration::ZERO,
        }
    }

    /// Stalls and traces count from this time on.
    pub fn start(&mut self, now: Duration) {
        self.server.start(now);
    }

    /// Changes the conditions. The packet that is just leaving goes on at the new rate; going down empties the queue.
    pub fn set(&mut self, now: Duration, conditions: Conditions) {
        self.serve(now);
        if let (Some(departure), Some(old)) = (self.departure, self.conditions.rate)
            && departure > now
            && conditions.rate != Some(old)
        {
            let share = conditions.rate.map_or(0.0, |new| old.bps() as f64 / new.bps().max(1) as f64);
            self.departure = Some(now + (departure - now).mul_f64(share));
        }
        self.conditions = conditions;
        if self.conditions.down {
            for packet in self.queue.drain(..) {
                self.counters.down.add(packet.wire_bytes());
            }
            self.queued_bytes = 0;
            self.departure = None;
        }
    }

    /// What the link does at present.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// A packet enters the link.
    pub fn send(&mut self, now: Duration, packet: P) {
        self.serve(now);
        let bytes = packet.wire_bytes();
        self.counters.entered.add(bytes);
        if self.conditions.down {
            self.counters.down.add(bytes);
        } else if self.conditions.limit().is_none() && self.queue.is_empty() {
            let leaves = self.server.after_stall(&self.conditions, now);
            self.leave(leaves, packet);
        } else if self.is_full(bytes) {
            self.counters.queue_full.add(bytes);
        } else {
            self.queued_bytes += bytes;
            self.queue.push_back(packet);
            if self.departure.is_none() {
                self.departure = Some(self.server.departure(&self.conditions, now, bytes));
            }
        }
    }

    /// The next packet that has arrived by `now`, and when it did.
    pub fn poll(&mut self, now: Duration) -> Option<(Duration, P)> {
        self.serve(now);
        self.under_way.peek().filter(|Reverse(arrival)| arrival.at <= now)?;
        let Reverse(arrival) = self.under_way.pop()?;
        self.counters.delivered.add(arrival.packet.wire_bytes());
        Some((arrival.at, arrival.packet))
    }

    /// When to call [`Link::poll`] next.
    pub fn deadline(&self) -> Option<Duration> {
        let arrival = self.under_way.peek().map(|Reverse(arrival)| arrival.at);
        [arrival, self.departure].into_iter().flatten().min()
    }

    /// What became of the packets so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What waits at present. Times on a trace are estimated from its mean; stalls to come are not foreseen.
    pub fn backlog(&self, now: Duration) -> Backlog {
        let head = self.departure.map_or(Duration::ZERO, |departure| departure.saturating_sub(now));
        let behind = self.queued_bytes - self.queue.front().map_or(0, P::wire_bytes);
        let rest = self.conditions.limit().map_or(Duration::ZERO, |rate| sending_time(rate, behind));
        Backlog { bytes: self.queued_bytes, delay: head + rest }
    }

    fn is_full(&self, bytes: u64) -> bool {
        match self.conditions.queue {
            QueueLimit::Bytes(limit) => self.queued_bytes + bytes > limit,
            QueueLimit::Packets(limit) => self.queue.len() as u64 >= limit,
            QueueLimit::Time(limit) => {
                let rate = self.conditions.limit().unwrap_or(ASSUMED_RATE);
                let room = (rate.bps() as f64 / 8.0 * limit.as_secs_f64()) as u64;
                self.queued_bytes + bytes > room.max(LEAST_ROOM)
            }
        }
    }

    /// Lets everything leave the bottleneck that has left it by `now`.
    fn serve(&mut self, now: Duration) {
        while let Some(departure) = self.departure.filter(|departure| *departure <= now) {
            if let Some(packet) = self.queue.pop_front() {
                self.queued_bytes -= packet.wire_bytes();
                self.leave(departure, packet);
            }
            let next = self.queue.front().map(P::wire_bytes);
            self.departure = next.map(|bytes| self.server.departure(&self.conditions, departure, bytes));
        }
    }

    /// A packet has left the bottleneck: it is lost, or under way.
    fn leave(&mut self, left: Duration, packet: P) {
        if self.loss.loses(self.conditions.loss, &mut self.rng) {
            self.counters.lost.add(packet.wire_bytes());
            return;
        }
        let jitter = self.jitter.sample(&self.conditions, &mut self.rng);
        let mut at = left + shifted(self.conditions.delay, jitter);
        if self.rng.chance(self.conditions.reordered) {
            at += self.conditions.held_back;
        } else if !self.conditions.jitter_reorders {
            at = at.max(self.last_arrival);
            self.last_arrival = at;
        }
        if self.rng.chance(self.conditions.duplicates) {
            self.put_under_way(at, packet.clone());
        }
        self.put_under_way(at, packet);
    }

    fn put_under_way(&mut self, at: Duration, packet: P) {
        if self.under_way.len() >= UNDER_WAY {
            self.counters.queue_full.add(packet.wire_bytes());
            return;
        }
        self.sequence += 1;
        self.under_way.push(Reverse(Arrival { at, sequence: self.sequence, packet }));
    }
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }
}

fn shifted(delay: Duration, seconds: f64) -> Duration {
    let shift = Duration::from_secs_f64(seconds.abs());
    if seconds < 0.0 { delay.saturating_sub(shift) } else { delay + shift }
}

#[derive(Debug)]
struct Arrival<P> {
    at: Duration,
    sequence: u64,
    packet: P,
}

impl<P> PartialEq for Arrival<P> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<P> Eq for Arrival<P> {}

impl<P> PartialOrd for Arrival<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for Arrival<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

#[cfg(test)]
mod tests;
