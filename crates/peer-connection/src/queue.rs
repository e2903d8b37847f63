//! The peer's RTP packets on their way from the network to a media thread.
//! Bounded, never blocks the network side, and wakes an OS thread that waits; when full the oldest packet goes.

use bytes::Bytes;
use media_core::RtpPacket;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Packets that wait at most: about a second of 720p video. A thread that is later than that wants the newest ones.
pub const QUEUE_CAPACITY: usize = 512;

/// What [`PacketQueue::pop_timeout`] came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Popped {
    /// The oldest packet.
    Packet(RtpPacket<Bytes>),
    /// Nothing came in time.
    TimedOut,
    /// Nothing is left and nothing will come: the connection is closed.
    Closed,
}

/// A handle on the queue; clones share it.
#[derive(Clone, Debug, Default)]
pub struct PacketQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    packets: VecDeque<RtpPacket<Bytes>>,
    dropped: u64,
    closed: bool,
}

impl PacketQueue {
    /// The oldest packet, if there is one.
    #[must_use]
    pub fn try_pop(&self) -> Option<RtpPacket<Bytes>> {
        self.lock().packets.pop_front()
    }

    /// Waits for a packet, for `timeout` at most.
    #[must_use]
    pub fn pop_timeout(&self, timeout: Duration) -> Popped {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(packet) = state.packets.pop_front() {
                return Popped::Packet(packet);
            }
            if state.closed {
                return Popped::Closed;
            }
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Popped::TimedOut;
            }
            state = self.shared.changed.wait_timeout(state, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Packets that were dropped because nobody took them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(crate) fn push(&self, packet: RtpPacket<Bytes>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if state.packets.len() == QUEUE_CAPACITY {
            state.packets.pop_front();
            state.dropped += 1;
        }
        state.packets.push_back(packet);
        self.shared.changed.notify_one();
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence_number: u16) -> RtpPacket<Bytes> {
        RtpPacket { sequence_number, timestamp: 0, marker: false, payload: Bytes::new(), arrived: Instant::now() }
    }

    #[test]
    fn a_full_queue_drops_its_oldest_packet_and_counts_it() {
        let queue = PacketQueue::default();
        for number in 0..=QUEUE_CAPACITY as u16 {
            queue.push(packet(number));
        }
        assert_eq!(queue.dropped(), 1);
        assert_eq!(queue.try_pop().map(|packet| packet.sequence_number), Some(1));
    }

    #[test]
    fn closing_wakes_the_thread_that_waits_and_leaves_what_is_queued() {
        let queue = PacketQueue::default();
        let waiting = queue.clone();
        let thread = std::thread::spawn(move || waiting.pop_timeout(Duration::from_secs(10)));
        queue.close();
        assert_eq!(thread.join().expect("no panic"), Popped::Closed);

        let queue = PacketQueue::default();
        queue.push(packet(7));
        queue.close();
        queue.push(packet(8));
        assert!(matches!(queue.pop_timeout(Duration::ZERO), Popped::Packet(packet) if packet.sequence_number == 7));
        assert_eq!(queue.pop_timeout(Duration::ZERO), Popped::Closed);
    }

    #[test]
    fn an_empty_queue_times_out() {
        assert_eq!(PacketQueue::default().pop_timeout(Duration::ZERO), Popped::TimedOut);
    }
}
