//! Which datagrams of a DTLS handshake are to be sent once more, and when: a pure state machine, told the time.
//! What repeats is the datagram as it was, so a peer that had it already drops it (RFC 6347 §4.1.2.6).

use bytes::Bytes;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An answer that takes longer is asked for once more; then twice as long, and so on. Most paths answer in that time, and
/// a repetition costs one datagram.
const FIRST: Duration = Duration::from_millis(50);

/// The longest of those times, as in RFC 6347 §4.2.4.1.
const LONGEST: Duration = Duration::from_secs(1);

/// Half a minute of repetitions; by then the call has been given up.
const MAX_REPEATS: u32 = 32;

/// A flight leaves at once. What leaves that much later is the same flight, which the library sends anew.
const APART: Duration = Duration::from_millis(10);

/// Datagrams of one flight; a long chain of certificates takes five.
const MAX_DATAGRAMS: usize = 16;

/// What a datagram carries, as far as a handshake is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// Part of a handshake.
    Handshake {
        /// It opens with the message that only a client sends.
        client_hello: bool,
        /// It holds a record under the new keys: the sender's `Finished`.
        finished: bool,
    },
    /// Media, or data under the new keys: for its sender the handshake is over.
    Data,
    /// Neither, or unreadable.
    Nothing,
}

/// The last flight of ours.
#[derive(Debug, Default)]
pub(super) struct Flight {
    is_client: Option<bool>,
    datagrams: Vec<(SocketAddr, Bytes)>,
    sent_at: Option<Instant>,
    /// The peer spoke since: what is sent next is a new flight.
    heard: bool,
    repeats: u32,
    due: Option<Instant>,
    is_over: bool,
}

impl Flight {
    /// A datagram was sent.
    pub(super) fn sent(&mut self, now: Instant, to: SocketAddr, datagram: &[u8], carries: Carries) {
        let Carries::Handshake { client_hello, .. } = carries else { return };
        if self.is_over {
            return;
        }
        self.is_client.get_or_insert(client_hello);
        let is_apart = self.sent_at.is_none_or(|at| now.saturating_duration_since(at) >= APART);
        if self.heard {
            self.repeats = 0;
        }
        if self.heard || is_apart {
            self.datagrams.clear();
        }
        self.heard = false;
        self.sent_at = Some(now);
        if self.datagrams.len() < MAX_DATAGRAMS {
            self.datagrams.push((to, Bytes::copy_from_slice(datagram)));
        }
        self.due = Some(now + wait(self.repeats));
    }

    /// A datagram came. What does not come from where the flight went says nothing about it.
    pub(super) fn received(&mut self, from: SocketAddr, carries: Carries) {
        if !self.datagrams.iter().any(|(to, _)| *to == from) {
            return;
        }
        match carries {
            // A server's `Finished` is the end of the handshake, a client's asks for that of the server.
            Carries::Handshake { finished: true, .. } if self.is_client == Some(true) => self.end(),
            Carries::Handshake { .. } => self.heard = true,
            Carries::Data => self.end(),
            Carries::Nothing => {}
        }
    }

    /// When something is to be sent once more.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Nothing will be sent once more, ever.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What is to be sent once more now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(SocketAddr, Bytes)> {
        if self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.repeats += 1;
        self.due = (self.repeats < MAX_REPEATS).then(|| now + wait(self.repeats));
        self.datagrams.clone()
    }

    fn end(&mut self) {
        *self = Self { is_over: true, ..Self::default() };
    }
}

fn wait(repeats: u32) -> Duration {
    FIRST.saturating_mul(1 << repeats.min(10)).min(LONGEST)
}
