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
        let unwrapped = self.peek(number);
        self.last = Some(unwrapped);
        unwrapped
    }

    /// As [`SequenceUnwrapper::unwrap`], without remembering it.
    fn peek(&self, number: u16) -> i64 {
        self.last.map_or(i64::from(number), |last| {
            last + i64::from(number.wrapping_sub(last as u16) as i16)
        })
    }
}

/// Extends 32-bit RTP timestamps to a line without wraparound; each one is taken to be near the last one.
#[derive(Debug, Clone, Default)]
pub struct TimestampUnwrapper {
    last: Option<i64>,
}

impl TimestampUnwrapper {
    /// The timestamp on the line; the first one stands for itself, one from before it may be negative.
    pub fn unwrap(&mut self, timestamp: u32) -> i64 {
        let unwrapped = self.last.map_or(i64::from(timestamp), |last| {
            last + i64::from(timestamp.wrapping_sub(last as u32) as i32)
        });
        self.last = Some(unwrapped);
        unwrapped
    }
}
