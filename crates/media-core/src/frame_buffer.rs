//! The frame buffer turns video packets into whole frames in decoding order, starting at a keyframe.
//! A frame whose references are lost never comes out of it: it asks for a keyframe instead.

mod buffer;
mod due;
mod nacks;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

pub use buffer::FrameBuffer;

/// What the payload of a packet says about its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadInfo {
    /// The payload can be the first of its frame (H.264: parameter sets, or the start of a picture's first slice).
    pub starts_frame: bool,
    /// The payload is part of a keyframe (H.264: parameter sets or an IDR slice).
    pub keyframe: bool,
}

/// How long the frame buffer waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameBufferConfig {
    /// How long a packet may be overtaken by others before it counts as lost.
    pub reordering: Duration,
    /// How long after that a retransmission may take at least; longer where answers have been seen to take longer.
    pub retransmission: Duration,
    /// The time between two requests for a keyframe.
    pub keyframe_interval: Duration,
}

impl Default for FrameBufferConfig {
    fn default() -> Self {
        Self {
            reordering: Duration::from_millis(20),
            retransmission: Duration::from_millis(150),
            keyframe_interval: Duration::from_millis(300),
        }
    }
}

/// A whole frame: its payloads in order, to be depacketized and decoded at once and shown when due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame<P> {
    /// The payloads in sequence; none is empty.
    pub packets: Vec<P>,
    /// Its RTP timestamp at 90 kHz.
    pub timestamp: u32,
    /// Whether it can be decoded without any other frame.
    pub keyframe: bool,
    /// When to show it; never before the frame before it.
    pub due: Instant,
    /// When its last packet arrived.
    pub arrived: Instant,
}

/// What [`FrameBuffer::poll`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameOutput<P> {
    /// Decode this frame.
    Frame(EncodedFrame<P>),
    /// Ask the peer for these packets once more (generic NACK, RFC 4585 §6.2.1); never empty, in order.
    PacketsMissing(Vec<u16>),
    /// Ask the peer for a keyframe (PLI, RFC 4585 §6.3.1).
    KeyframeNeeded,
}

/// What the buffer did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameFigures {
    /// Packets that came in, duplicates excluded.
    pub packets: u64,
    /// Packets given up.
    pub lost: u64,
    /// Packets that filled a gap: reordered or retransmitted.
    pub repaired: u64,
    /// Packets that came in again or after they were given up.
    pub duplicates: u64,
    /// Frames handed out.
    pub frames_complete: u64,
    /// Frames thrown away: broken, or without their references.
    pub frames_dropped: u64,
    /// Keyframes handed out.
    pub keyframes: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// Packets asked for, each time counted.
    pub packet_requests: u64,
}
