//! The buffer itself: packets in, one decision out each time the player asks.
//! A packet is held by its number and judged by its timestamp, so that loss, lateness and a pause are told apart.

use std::time::{Duration, Instant};

use super::delay::DelayEstimator;
use super::pace::Pace;
use super::packet_length::{PacketLength, micros};
use super::{Playout, PlayoutConfig, PlayoutFigures};
use crate::SAMPLE_RATE;
use crate::quality::JitterMeter;
use crate::ring::Ring;
use crate::rtp::{Place, RtpPacket, SequenceTracker, TimestampUnwrapper};

/// The buffer of one audio stream with a 48 kHz RTP clock (RFC 7587).
#[derive(Debug)]
pub struct PlayoutBuffer<P> {
    config: PlayoutConfig,
    ring: Ring<Entry<P>>,
    sequence: SequenceTracker,
    timestamps: TimestampUnwrapper,
    delay: DelayEstimator,
    pace: Pace,
    length: PacketLength,
    jitter: JitterMeter,
    /// The number due next: that after the packet played last, before that the first one received.
    next: i64,
    state: State,
    concealing: bool,
    figures: PlayoutFigures,
}

/// A packet that came in; without its payload once it was played or given up.
#[derive(Debug)]
struct Entry<P> {
    number: i64,
    timestamp: i64,
    payload: Option<P>,
}

/// Where the player is.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing was played yet.
    Fresh,
    /// The stream pauses, or all of it is late.
    Paused,
    /// Within a run of packets.
    Playing {
        /// The timestamp that is due next.
        due: i64,
        /// Frames made up since the packet played last.
        made_up: i64,
        /// The packet played last came after a pause: a silent stream sends single ones (DTX), so another may follow.
        after_pause: bool,
    },
}

/// What is to be done when the first packet that waits is this one.
enum Verdict {
    Play,
    Restore,
    Conceal,
    Wait,
}

impl<P: Clone> PlayoutBuffer<P> {
    /// 256 packets, of which 156 may wait: at 20 ms 3 s, at 10 ms still four times the greatest delay.
    const CAPACITY: i64 = 256;

    /// Packets remembered behind the newest one, to tell a duplicate from a late packet.
    const HISTORY: i64 = 100;

    /// A packet this much later than the target is still played, so that a short stall costs no words; then the delay
    /// shrinks again. Beyond it packets are skipped: to catch up would take seconds.
    const MAX_EXCESS: i64 = 250_000;

    /// After 100 ms a decoder has faded to silence: take it for a pause of the stream.
    const MAX_CONCEALMENT: i64 = SAMPLE_RATE as i64 / 10;

    /// Lost packets of one gap that count for the delay: the in-band FEC brings back one of them, however many they are.
    const MAX_COUNTED: i64 = 3;

    /// An empty buffer.
    pub fn new(config: PlayoutConfig) -> Self {
        Self {
            config,
            ring: Ring::new(Self::CAPACITY as usize),
            sequence: SequenceTracker::new(Self::HISTORY),
            timestamps: TimestampUnwrapper::default(),
            delay: DelayEstimator::new(config),
            pace: Pace::default(),
            length: PacketLength::default(),
            jitter: JitterMeter::new(SAMPLE_RATE),
            next: 0,
            state: State::Fresh,
            concealing: false,
            figures: PlayoutFigures::default(),
        }
    }

    /// A packet came in; one that `arrived` after `now` counts as arrived now.
    pub fn insert(&mut self, now: Instant, packet: RtpPacket<P>) {
        let number = match self.sequence.place(packet.sequence_number) {
            Place::At(number) => number,
            Place::Stray => return,
            Place::Started(number) => {
                self.start_at(number);
                number
            }
        };
        if self.entry(number).is_some() {
            self.figures.duplicates += 1;
            self.sequence.used(false);
            return;
        }
        let arrived = packet.arrived.min(now);
        let timestamp = self.timestamps.unwrap(packet.timestamp);
        self.figures.received += 1;
        self.jitter.arrived(arrived, packet.timestamp);
        if !self.delay.arrived(arrived, timestamp, self.length.micros()) {
            self.give_up_before(number);
            self.state = State::Paused;
        }
        self.store(arrived, Entry { number, timestamp, payload: Some(packet.payload) });
    }

    /// What to play now. Call it each time the player has less than it needs, whatever the packets' length.
    pub fn next(&mut self, now: Instant) -> Playout<P> {
        self.skip(now);
        let playout = match self.head() {
            Some(number) => self.with_packet(now, number),
            None => self.without_packet(),
        };
        let concealing = matches!(playout, Playout::Conceal);
        self.figures.concealed_events += u64::from(concealing && !self.concealing);
        self.concealing = concealing;
        playout
    }

    /// Length in samples of one packet, learnt from the timestamps (960 = 20 ms until then): that much is to be made up for
    /// [`Playout::Fec`] and [`Playout::Conceal`]. Silence may have any length.
    pub fn packet_samples(&self) -> usize {
        self.length.samples as usize
    }

    /// What the buffer did so far.
    pub fn figures(&self) -> PlayoutFigures {
        let timestamp = |number| self.entry(number).map(|entry| entry.timestamp);
        let oldest = self.head().and_then(timestamp);
        let newest = self.sequence.highest().and_then(timestamp);
        let buffered = oldest.zip(newest).map_or(0, |(oldest, newest)| newest - oldest + self.length.samples);
        PlayoutFigures {
            delay: Duration::from_micros(self.delay.target().unsigned_abs()),
            buffered: Duration::from_micros(micros(buffered.max(0)).unsigned_abs()),
            jitter: self.jitter.jitter(),
            ..self.figures
        }
    }

    /// A new line of sequence numbers: nothing known of the old one holds.
    fn start_at(&mut self, number: i64) {
        self.ring.clear();
        self.timestamps = TimestampUnwrapper::default();
        self.delay = DelayEstimator::new(self.config);
        self.pace.restart();
        self.next = number;
        self.state = State::Fresh;
    }

    fn store(&mut self, arrived: Instant, mut entry: Entry<P>) {
        let number = entry.number;
        if matches!(self.state, State::Fresh) {
            // Packets may overtake the very first one.
            self.next = self.next.min(number);
        }
        self.give_up_before(number - (Self::CAPACITY - Self::HISTORY) + 1);
        let passed = number < self.next;
        if passed {
            // Its place was played without it, and it was counted as lost.
            self.figures.lost = self.figures.lost.saturating_sub(1);
            entry.payload = None;
        }
        self.figures.late += u64::from(passed || self.came_late(&entry, arrived));
        self.sequence.used(!passed);
        if let Some(before) = self.entry(number - 1) {
            self.length.observe(entry.timestamp - before.timestamp);
        }
        *self.ring.slot(number) = Some(entry);
    }

    /// Whether a packet that can still be played comes after its time.
    fn came_late(&self, entry: &Entry<P>, arrived: Instant) -> bool {
        match self.state {
            State::Fresh => false,
            State::Playing { due, .. } => entry.timestamp < due,
            State::Paused => self.delay.delay(arrived, entry.timestamp) > self.figures.current_delay.as_micros() as i64,
        }
    }

    /// The packet with this number, if it came in.
    fn entry(&self, number: i64) -> Option<&Entry<P>> {
        self.ring.get(number).filter(|entry| entry.number == number)
    }

    /// The packets that wait, by number.
    fn waiting(&self) -> impl DoubleEndedIterator<Item = &Entry<P>> {
        let end = self.sequence.highest().map_or(self.next, |highest| highest + 1);
        (self.next..end).filter_map(|number| self.entry(number).filter(|entry| entry.payload.is_some()))
    }

    /// The number of the first packet that waits.
    fn head(&self) -> Option<i64> {
        self.waiting().next().map(|entry| entry.number)
    }

    /// Moves on to this number; what waits before it is skipped.
    fn give_up_before(&mut self, number: i64) {
        for passed in self.next..number {
            let came = self.ring.slot(passed).as_mut().filter(|entry| entry.number == passed);
            match came {
                Some(entry) => {
                    entry.payload = None;
                    self.figures.skipped += 1;
                }
                None => self.figures.lost += 1,
            }
        }
        self.next = self.next.max(number);
    }

    /// Skips to a packet with the target delay when the one at the head has far too much: the player or the network stalled.
    fn skip(&mut self, now: Instant) {
        let delay = |entry: &Entry<P>| self.delay.delay(now, entry.timestamp);
        let target = self.delay.target();
        if self.waiting().next().is_none_or(|head| delay(head) <= target + Self::MAX_EXCESS) {
            return;
        }
        let fresh = self.waiting().find(|entry| delay(entry) <= target).or_else(|| self.waiting().next_back());
        let Some((number, timestamp)) = fresh.map(|entry| (entry.number, entry.timestamp)) else { return };
        self.give_up_before(number);
        self.pace.restart();
        if let State::Playing { after_pause, .. } = self.state {
            self.state = State::Playing { due: timestamp, made_up: 0, after_pause };
        }
    }

    fn with_packet(&mut self, now: Instant, number: i64) -> Playout<P> {
        let timestamp = self.entry(number).expect("the head was just found in the ring").timestamp;
        let delay = self.delay.delay(now, timestamp);
        match self.verdict(number, timestamp, delay) {
            Verdict::Play => self.play(number, timestamp, delay),
            Verdict::Restore => self.restore(number, timestamp),
            Verdict::Conceal => self.conceal(),
            Verdict::Wait => self.silence(),
        }
    }

    fn verdict(&self, number: i64, timestamp: i64, delay: i64) -> Verdict {
        let when_due = if delay >= self.delay.target() - Pace::BELOW { Verdict::Play } else { Verdict::Wait };
        let State::Playing { due, made_up, .. } = self.state else { return when_due };
        let gap = timestamp - due;
        let missing = number - self.next - made_up;
        if gap <= 0 {
            // Due, or late behind frames made up in its place: playing it now, the delay grows by those.
            Verdict::Play
        } else if missing <= 0 {
            // Nothing is missing, so the sender left a gap in the timestamps: it paused.
            when_due
        } else if gap <= self.length.samples {
            Verdict::Restore
        } else if self.faded(made_up) {
            Verdict::Wait
        } else {
            Verdict::Conceal
        }
    }

    fn play(&mut self, number: i64, timestamp: i64, delay: i64) -> Playout<P> {
        if !matches!(self.state, State::Playing { due, .. } if due == timestamp) {
            self.pace.restart();
        }
        let after_pause = matches!(self.state, State::Paused);
        self.pass_lost(number);
        self.delay.due(false);
        self.next = number + 1;
        self.state = State::Playing { due: timestamp + self.length.samples, made_up: 0, after_pause };
        self.figures.current_delay = Duration::from_micros(delay.max(0).unsigned_abs());
        let entry = self.ring.slot(number).as_mut();
        let payload = entry.and_then(|entry| entry.payload.take()).expect("only a packet that waits is played");
        Playout::Packet { payload, adjust: self.pace.played(delay, self.delay.target()) }
    }

    fn restore(&mut self, number: i64, timestamp: i64) -> Playout<P> {
        self.pass_lost(number);
        self.next = number;
        self.state = State::Playing { due: timestamp, made_up: 0, after_pause: false };
        self.figures.recovered += 1;
        let payload = self.entry(number).and_then(|entry| entry.payload.clone());
        Playout::Fec { payload: payload.expect("only from a packet that waits another is restored") }
    }

    fn without_packet(&mut self) -> Playout<P> {
        match self.state {
            State::Playing { made_up, after_pause: false, .. } if !self.faded(made_up) => self.conceal(),
            _ => self.silence(),
        }
    }

    fn conceal(&mut self) -> Playout<P> {
        if let State::Playing { due, made_up, .. } = &mut self.state {
            *due += self.length.samples;
            *made_up += 1;
        }
        Playout::Conceal
    }

    fn silence(&mut self) -> Playout<P> {
        if matches!(self.state, State::Playing { .. }) {
            self.state = State::Paused;
        }
        Playout::Silence
    }

    fn faded(&self, made_up: i64) -> bool {
        made_up * self.length.samples >= Self::MAX_CONCEALMENT
    }

    /// The packets between the position and this number never came.
    fn pass_lost(&mut self, number: i64) {
        let lost = number - self.next;
        self.figures.lost += lost.unsigned_abs();
        for _ in 0..lost.min(Self::MAX_COUNTED) {
            self.delay.due(true);
        }
    }
}
