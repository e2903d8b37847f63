//! An RTP packet as the buffers see it, and the unwrapping of its two counters.
//! A counter that wrapped around, went backwards or started anew never confuses the code above it.

use std::time::Instant;

/// What the buffers need of an RTP packet (RFC 3550 §5.1), with the moment at which it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpPacket<P> {
    /// Counts packets, modulo 2^16.
    pub sequence_number: u16,
    /// Media time in ticks of the codec's clock (48 kHz for Opus, 90 kHz for video), modulo 2^32.
    pub timestamp: u32,
    /// Video: the last packet of a frame. Audio: the first packet after a pause.
    pub marker: bool,
    /// The codec's payload; empty in a padding packet.
    pub payload: P,
    /// When the packet came off the network.
    pub arrived: Instant,
}

/// Extends 16-bit sequence numbers to a line without wraparound; each number is taken to be near the last one.
#[derive(Debug, Clone, Default)]
pub struct SequenceUnwrapper {
    last: Option<i64>,
}

impl SequenceUnwrapper {
    /// The number on the line; the first one stands for itself, a number from before it may be negative.
    pub fn unwrap(&mut self, number: u16) -> i64 {
        let unwrapped = self.last.map_or(i64::from(number), |last| sequence_near(last, number));
        self.last = Some(unwrapped);
        unwrapped
    }
}

/// The number on the line that is nearest to `reference`.
fn sequence_near(reference: i64, number: u16) -> i64 {
    reference + i64::from(number.wrapping_sub(reference as u16) as i16)
}

/// Extends 32-bit RTP timestamps to a line without wraparound; each one is taken to be near the last one.
#[derive(Debug, Clone, Default)]
pub struct TimestampUnwrapper {
    last: Option<i64>,
}

impl TimestampUnwrapper {
    /// The timestamp on the line; the first one stands for itself, one from before it may be negative.
    pub fn unwrap(&mut self, timestamp: u32) -> i64 {
        let near = |last: i64| last + i64::from(timestamp.wrapping_sub(last as u32) as i32);
        let unwrapped = self.last.map_or(i64::from(timestamp), near);
        self.last = Some(unwrapped);
        unwrapped
    }
}

/// Places sequence numbers on a line and notices when the sender starts a new one (after RFC 3550 appendix A.1).
#[derive(Debug, Clone)]
pub(crate) struct SequenceTracker {
    max_behind: i64,
    highest: Option<i64>,
    /// The last number that was out of range: two of a kind are a new line, one is a stray.
    stray: Option<u16>,
    /// The number placed last.
    last: u16,
    /// Useless packets in a row, each one following the one before.
    useless: u32,
}

/// Where a sequence number belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the line.
    At(i64),
    /// Nowhere near the line.
    Stray,
    /// The first on a new line; whatever came before is history.
    Started(i64),
}

impl SequenceTracker {
    /// RFC 3550 appendix A.1, MAX_DROPOUT: a greater step forward is a new line, not an outage.
    const MAX_AHEAD: i64 = 3000;

    /// Two strays within this distance, in order, are a new line; the packets between them may have been lost.
    const NEAR: u16 = 16;

    /// So many packets in a row, in order, that came before or come too late: the sender has stepped back a little to start
    /// anew. Copies sent as padding or to probe the bandwidth do not come in order.
    const MAX_USELESS: u32 = 64;

    /// Numbers up to `max_behind` before the highest one are on the line.
    pub(crate) fn new(max_behind: i64) -> Self {
        Self { max_behind, highest: None, stray: None, last: 0, useless: 0 }
    }

    /// The highest number on the line.
    pub(crate) fn highest(&self) -> Option<i64> {
        self.highest
    }

    /// Places a number; a higher one than any before extends the line.
    pub(crate) fn place(&mut self, number: u16) -> Place {
        let Some(highest) = self.highest else {
            return self.start(number);
        };
        let follows = |before| (1..=Self::NEAR).contains(&number.wrapping_sub(before));
        if !follows(self.last) {
            self.useless = 0;
        }
        self.last = number;
        let unwrapped = sequence_near(highest, number);
        if (-self.max_behind..=Self::MAX_AHEAD).contains(&(unwrapped - highest)) && self.useless < Self::MAX_USELESS {
            self.highest = Some(highest.max(unwrapped));
            return Place::At(unwrapped);
        }
        if self.useless < Self::MAX_USELESS && !self.stray.is_some_and(follows) {
            self.stray = Some(number);
            return Place::Stray;
        }
        self.start(number)
    }

    fn start(&mut self, number: u16) -> Place {
        *self = Self { highest: Some(i64::from(number)), last: number, ..Self::new(self.max_behind) };
        Place::Started(i64::from(number))
    }

    /// The packet last placed could be used, or could not.
    pub(crate) fn used(&mut self, used: bool) {
        self.useless = if used { 0 } else { self.useless + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap_in_both_directions() {
        let mut line = SequenceUnwrapper::default();
        let numbers = [65_534, 65_535, 0, 1, 65_535, 2];
        assert_eq!(numbers.map(|number| line.unwrap(number)), [65_534, 65_535, 65_536, 65_537, 65_535, 65_538]);
        let mut line = SequenceUnwrapper::default();
        assert_eq!([0, 65_535, 1].map(|number| line.unwrap(number)), [0, -1, 1]);
    }

    #[test]
    fn timestamps_wrap_in_both_directions() {
        let mut line = TimestampUnwrapper::default();
        assert_eq!([u32::MAX, 959, u32::MAX].map(|ts| line.unwrap(ts)), [0xffff_ffff, 0x1_0000_03bf, 0xffff_ffff]);
        let mut line = TimestampUnwrapper::default();
        assert_eq!([0, u32::MAX - 959].map(|ts| line.unwrap(ts)), [0, -960]);
    }

    #[test]
    fn one_stray_is_ignored_and_two_begin_a_new_line() {
        let mut tracker = SequenceTracker::new(100);
        assert_eq!(
            [10, 11, 13].map(|number| tracker.place(number)),
            [Place::Started(10), Place::At(11), Place::At(13)]
        );
        assert_eq!(tracker.place(30_000), Place::Stray);
        assert_eq!(tracker.place(14), Place::At(14));
        assert_eq!(tracker.place(50_000), Place::Stray);
        assert_eq!(tracker.place(50_000), Place::Stray, "a copy of a stray proves nothing");
        assert_eq!(tracker.place(50_002), Place::Started(50_002));
        assert_eq!(tracker.place(50_001), Place::At(50_001));
        assert_eq!(tracker.highest(), Some(50_002));
    }

    #[test]
    fn copies_of_old_packets_are_no_step_back() {
        let mut tracker = SequenceTracker::new(1000);
        tracker.place(900);
        for round in 0..1000_u16 {
            assert_eq!(tracker.place(850 + round % 50), Place::At(i64::from(850 + round % 50)));
            tracker.used(false);
        }
    }

    #[test]
    fn a_small_step_back_is_noticed_by_its_uselessness() {
        let mut tracker = SequenceTracker::new(1000);
        assert_eq!(tracker.place(900), Place::Started(900));
        let restarted = (100..).position(|number| {
            let place = tracker.place(number);
            tracker.used(false);
            place == Place::Started(i64::from(number))
        });
        assert_eq!(restarted, Some(SequenceTracker::MAX_USELESS as usize));
    }
}
