//! The playout buffer turns audio packets that arrive unevenly into one packet each time the player asks.
//! It keeps as little delay as the network allows, and clock drift never adds to it.

mod buffer;
mod delay;
mod pace;
mod packet_length;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use buffer::PlayoutBuffer;

/// Bounds of the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutConfig {
    /// The least target delay.
    pub min_delay: Duration,
    /// The greatest target delay: beyond it people talk over each other, so late packets are given up instead.
    pub max_delay: Duration,
    /// The target delay before anything is known of the network.
    pub initial_delay: Duration,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self {
            min_delay: Duration::from_millis(20),
            max_delay: Duration::from_millis(400),
            initial_delay: Duration::from_millis(30),
        }
    }
}

/// What to play next. [`PlayoutBuffer::packet_samples`] tells how long a made-up frame has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playout<P> {
    /// Decode this packet, then stretch the result as told.
    Packet {
        /// The packet's payload.
        payload: P,
        /// What to do to its length.
        adjust: Adjust,
    },
    /// The packet due is lost, the one after it is here: decode its in-band FEC.
    Fec {
        /// A copy of the next packet's payload.
        payload: P,
    },
    /// The packet due is not here: let the decoder conceal it.
    Conceal,
    /// Nothing ever arrived, or the stream paused (DTX, mute).
    Silence,
}

/// What to do to the length of a decoded frame, by about one pitch period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjust {
    /// Play it as it is.
    Keep,
    /// Take a pitch period out: the delay is too long.
    Shorten,
    /// Put a pitch period in: the delay is too short.
    Lengthen,
}

/// What the buffer did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlayoutFigures {
    /// The target delay.
    pub delay: Duration,
    /// How long the packet played last lay behind the fastest packets of the last seconds.
    pub current_delay: Duration,
    /// Media time that lies in the buffer, from the position being played to the newest packet.
    pub buffered: Duration,
    /// Packets that came in, duplicates excluded.
    pub received: u64,
    /// Packets that never came in.
    pub lost: u64,
    /// Packets that came in after their time.
    pub late: u64,
    /// Packets that came in again.
    pub duplicates: u64,
    /// Packets thrown away because the player fell too far behind.
    pub skipped: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Runs of concealment, however long each.
    pub concealed_events: u64,
    /// Lost packets that were recovered from the next packet's in-band FEC.
    pub recovered: u64,
}
