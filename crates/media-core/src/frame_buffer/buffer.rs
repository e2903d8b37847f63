//! The buffer itself: packets in, whole frames and requests for packets and keyframes out.
//! It moves over the sequence numbers once, and waits at a gap for as long as a retransmission may take.

use std::time::Instant;

use super::due::DueTimes;
use super::nacks::Nacks;
use super::{EncodedFrame, FrameBufferConfig, FrameFigures, FrameOutput, PayloadInfo};
use crate::ring::Ring;
use crate::rtp::{Place, RtpPacket, SequenceTracker};

/// The buffer of one video stream with a 90 kHz RTP clock.
///
/// Call [`FrameBuffer::poll`] until it returns `None` after each packet and at each [`FrameBuffer::deadline`].
#[derive(Debug)]
pub struct FrameBuffer<P> {
    config: FrameBufferConfig,
    ring: Ring<Slot<P>>,
    sequence: SequenceTracker,
    /// A packet from nowhere: the first one of a new line if the next one follows it.
    stray: Option<(RtpPacket<P>, PayloadInfo)>,
    /// The sequence number after the last one that was handed out or given up.
    cursor: i64,
    /// Nothing was handed out or given up since the line of numbers began, so that it may still begin earlier.
    fresh: bool,
    /// The frames handed out are whole up to the cursor: the next one has its references.
    in_sync: bool,
    /// The highest number of a packet that belongs to a keyframe.
    last_key: i64,
    /// The timestamp of the packet thrown away last, to count frames and not packets.
    dropped: Option<u32>,
    /// The frame with this timestamp has lost a packet.
    broken: Option<u32>,
    due: DueTimes,
    nacks: Nacks,
    request_after: Option<Instant>,
    /// A packet arrived since the last request: somebody is there to answer another one.
    heard: bool,
    deadline: Option<Instant>,
    figures: FrameFigures,
}

/// One sequence number up to the highest one received.
#[derive(Debug)]
enum Slot<P> {
    /// Overtaken by another packet, first noticed then.
    Missing(Instant),
    Here(RtpPacket<P>, PayloadInfo),
}

/// What lies at the cursor.
enum Run {
    /// A whole frame, up to and including this number.
    Frame { last: i64, keyframe: bool },
    /// A gap at this number, noticed then.
    Gap { at: i64, since: Instant },
    /// The beginning of a frame, or nothing.
    Unfinished,
}

impl<P: AsRef<[u8]>> FrameBuffer<P> {
    /// 2048 packets: 5 s at 4 Mbit/s, far more than any wait for a retransmission.
    const CAPACITY: i64 = 2048;

    /// An empty buffer.
    pub fn new(config: FrameBufferConfig) -> Self {
        Self {
            config,
            ring: Ring::new(Self::CAPACITY as usize),
            sequence: SequenceTracker::new(Self::CAPACITY),
            stray: None,
            cursor: 0,
            fresh: true,
            in_sync: false,
            last_key: i64::MIN,
            dropped: None,
            broken: None,
            due: DueTimes::new(),
            nacks: Nacks::default(),
            request_after: None,
            heard: false,
            deadline: None,
            figures: FrameFigures::default(),
        }
    }

    /// A packet came in at `now`.
    pub fn insert(&mut self, now: Instant, packet: RtpPacket<P>, info: PayloadInfo) {
        self.heard = true;
        match self.sequence.place(packet.sequence_number) {
            Place::At(number) => self.store(now, number, packet, info),
            Place::Stray => self.stray = Some((packet, info)),
            Place::Started(number) => {
                self.start_at(number);
                if let Some((first, first_info)) = self.stray.take() {
                    let before = packet.sequence_number.wrapping_sub(first.sequence_number);
                    if (1..Self::CAPACITY as u16 / 2).contains(&before) {
                        self.store(now, number - i64::from(before), first, first_info);
                    }
                }
                self.store(now, number, packet, info);
            }
        }
    }

    /// The next output, or `None` when there is none before the next packet or the deadline.
    pub fn poll(&mut self, now: Instant) -> Option<FrameOutput<P>> {
        self.deadline = None;
        loop {
            self.pass_padding();
            match self.run_from(self.cursor) {
                Run::Frame { last, keyframe } if self.decodable(keyframe) => {
                    return Some(FrameOutput::Frame(self.hand_out(last, keyframe)));
                }
                Run::Frame { last, .. } => self.drop_before(last + 1),
                Run::Gap { at, since } => {
                    let overtaken = since + self.config.reordering;
                    let lost = overtaken + self.config.retransmission.max(self.nacks.patience());
                    if now >= overtaken
                        && let Some(start) = self.whole_keyframe_after(at)
                    {
                        self.drop_before(start);
                        self.in_sync = false;
                    } else if now >= lost || self.nacks.is_hopeless() {
                        self.give_up(at);
                    } else {
                        self.wake_at(if now < overtaken { overtaken } else { lost });
                        break;
                    }
                }
                Run::Unfinished => break,
            }
        }
        if self.request_keyframe(now) {
            return Some(FrameOutput::KeyframeNeeded);
        }
        self.request_packets(now).map(FrameOutput::PacketsMissing)
    }

    /// When to poll although no packet came; it holds from one `None` of [`FrameBuffer::poll`] to the next packet.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The decoder lost track: hand out nothing but a keyframe, and ask for one.
    pub fn restart(&mut self) {
        self.in_sync = false;
    }

    /// What the buffer did so far.
    pub fn figures(&self) -> FrameFigures {
        self.figures
    }

    fn start_at(&mut self, number: i64) {
        self.ring.clear();
        self.nacks.forget_before(i64::MAX);
        self.cursor = number;
        self.fresh = true;
        self.in_sync = false;
        self.last_key = i64::MIN;
        self.dropped = None;
        self.broken = None;
    }

    fn store(&mut self, now: Instant, number: i64, packet: RtpPacket<P>, info: PayloadInfo) {
        let highest = self.sequence.highest().unwrap_or(number);
        if number < self.cursor && self.fresh && highest - number < Self::CAPACITY {
            for between in number + 1..self.cursor {
                if self.ring.get(between).is_none() {
                    self.miss(now, between);
                }
            }
            self.cursor = number;
        }
        if number >= self.cursor + Self::CAPACITY {
            self.drop_before(number + 1 - Self::CAPACITY);
            self.in_sync = false;
        }
        if number < self.cursor || matches!(self.ring.get(number), Some(Slot::Here(..))) {
            self.figures.duplicates += 1;
            self.sequence.used(false);
            return;
        }
        self.sequence.used(true);
        self.figures.packets += 1;
        self.nacks.arrived(now, number);
        let slot = self.ring.slot(number);
        self.figures.repaired += u64::from(slot.is_some());
        *slot = Some(Slot::Here(packet, info));
        if info.keyframe {
            self.last_key = self.last_key.max(number);
        }
        // Everything between this packet and the highest one before it is missing from now on.
        let mut before = number - 1;
        while before >= self.cursor && self.ring.get(before).is_none() {
            self.miss(now, before);
            before -= 1;
        }
    }

    fn miss(&mut self, now: Instant, number: i64) {
        *self.ring.slot(number) = Some(Slot::Missing(now));
        self.nacks.missing(now, number);
    }

    /// Moves the cursor over padding: packets without a payload that belong to no frame.
    fn pass_padding(&mut self) {
        while let Some(Slot::Here(packet, _)) = self.ring.get(self.cursor)
            && packet.payload.as_ref().is_empty()
        {
            *self.ring.slot(self.cursor) = None;
            self.cursor += 1;
        }
    }

    /// What lies at this number, which is taken for the first of a frame.
    fn run_from(&self, start: i64) -> Run {
        let mut frame: Option<(u32, bool)> = None;
        for number in start..start + Self::CAPACITY {
            match self.slot(number) {
                None => break,
                Some(&Slot::Missing(since)) => return Run::Gap { at: number, since },
                Some(Slot::Here(packet, _)) if packet.payload.as_ref().is_empty() => {}
                Some(Slot::Here(packet, info)) => {
                    let (timestamp, mut keyframe) = frame.unwrap_or((packet.timestamp, false));
                    if packet.timestamp != timestamp {
                        // The marker is only a "should" (RFC 6184 §5.1): the next frame ends this one as well.
                        return Run::Frame { last: number - 1, keyframe };
                    }
                    keyframe |= info.keyframe;
                    if packet.marker {
                        return Run::Frame { last: number, keyframe };
                    }
                    frame = Some((timestamp, keyframe));
                }
            }
        }
        Run::Unfinished
    }

    fn slot(&self, number: i64) -> Option<&Slot<P>> {
        self.ring.get(number).filter(|_| number < self.cursor + Self::CAPACITY)
    }

    /// Whether the whole frame at the cursor can be decoded.
    fn decodable(&self, keyframe: bool) -> bool {
        let Some(Slot::Here(first, info)) = self.slot(self.cursor) else { return false };
        self.broken != Some(first.timestamp) && (self.in_sync || keyframe && info.starts_frame)
    }

    fn hand_out(&mut self, last: i64, keyframe: bool) -> EncodedFrame<P> {
        let mut packets = Vec::with_capacity((last - self.cursor + 1).max(0) as usize);
        let (mut timestamp, mut arrived) = (0, None);
        for number in self.cursor..=last {
            if let Some(Slot::Here(packet, _)) = self.ring.slot(number).take()
                && !packet.payload.as_ref().is_empty()
            {
                timestamp = packet.timestamp;
                arrived = arrived.max(Some(packet.arrived));
                packets.push(packet.payload);
            }
        }
        self.cursor = last + 1;
        self.fresh = false;
        self.in_sync = true;
        self.figures.frames_complete += 1;
        self.figures.keyframes += u64::from(keyframe);
        let arrived = arrived.expect("a run is a frame only if a packet with a payload is in it");
        EncodedFrame { packets, timestamp, keyframe, due: self.due.due(arrived, timestamp), arrived }
    }

    /// The first number of a whole keyframe after this gap. It makes the packets before it needless.
    fn whole_keyframe_after(&self, gap: i64) -> Option<i64> {
        let mut frame_before = None;
        for number in gap + 1..=self.last_key {
            let Some(Slot::Here(packet, info)) = self.slot(number) else {
                frame_before = None;
                continue;
            };
            // It belongs to no frame, whatever its timestamp, and so ends none.
            if packet.payload.as_ref().is_empty() {
                continue;
            }
            let begins = frame_before != Some(packet.timestamp) && info.starts_frame && info.keyframe;
            if begins && matches!(self.run_from(number), Run::Frame { keyframe: true, .. }) {
                return Some(number);
            }
            frame_before = Some(packet.timestamp);
        }
        None
    }

    /// The packet in this gap will not come: the frame it belongs to is broken, and so are those that refer to it.
    fn give_up(&mut self, gap: i64) {
        if let Some(Slot::Here(packet, _)) = self.slot(gap - 1).filter(|_| gap > self.cursor) {
            self.broken = Some(packet.timestamp);
        }
        self.drop_before(gap + 1);
        self.in_sync = false;
    }

    /// Throws away what lies before this number.
    fn drop_before(&mut self, number: i64) {
        // Beyond the ring there is nothing but numbers that never came.
        let end = number.min(self.cursor + Self::CAPACITY);
        self.figures.lost += (number - end).unsigned_abs();
        for passed in self.cursor..end {
            match self.ring.slot(passed).take() {
                Some(Slot::Here(packet, _)) if !packet.payload.as_ref().is_empty() => {
                    self.figures.frames_dropped += u64::from(self.dropped != Some(packet.timestamp));
                    self.dropped = Some(packet.timestamp);
                }
                Some(Slot::Here(..)) => {}
                Some(Slot::Missing(_)) | None => self.figures.lost += 1,
            }
        }
        self.cursor = number;
        self.fresh = false;
        self.nacks.forget_before(number);
    }

    /// Whether to ask for a keyframe now: not while one is on its way in, and not too often.
    fn request_keyframe(&mut self, now: Instant) -> bool {
        if self.is_of_use() || !self.heard {
            return false;
        }
        if let Some(after) = self.request_after
            && now < after
        {
            self.wake_at(after);
            return false;
        }
        self.heard = false;
        self.request_after = Some(now + self.config.keyframe_interval);
        self.figures.keyframe_requests += 1;
        true
    }

    /// The packets to ask for now, if any.
    fn request_packets(&mut self, now: Instant) -> Option<Vec<u16>> {
        if !self.is_of_use() {
            return None;
        }
        let numbers = self.nacks.ask(now);
        if let Some(at) = self.nacks.deadline() {
            self.wake_at(at);
        }
        self.figures.packet_requests += numbers.len() as u64;
        (!numbers.is_empty()).then_some(numbers)
    }

    /// What lies at the cursor or comes there can be decoded: its references are there, or a keyframe is on its way in.
    fn is_of_use(&self) -> bool {
        self.in_sync || self.last_key >= self.cursor
    }

    fn wake_at(&mut self, at: Instant) {
        self.deadline = Some(self.deadline.map_or(at, |deadline| deadline.min(at)));
    }
}
