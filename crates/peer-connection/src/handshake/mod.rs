//! A DTLS handshake that survives loss: what it sent and got no answer to is sent once more, below the library.
//!
//! webrtc-rs lets its own timer go when part of a handshake comes that it cannot use yet, a repetition of the peer's for one
//! (rtc-dtls 0.21.1, `wait`), and when the peer's timer is gone too, nobody speaks any more: of the calls that lose the
//! third or the fourth datagram of theirs, none came up. Its time is one second as well, long for people who wait.

mod carries;
mod flight;

use crate::channels::Tasks;
use crate::datagrams::{datagrams, send_now};
use carries::carries;
use flight::{Carries, Flight};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::Notify;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// A socket that repeats handshakes.
#[derive(Debug)]
pub(crate) struct Repeating {
    socket: Arc<dyn AsyncUdpSocket>,
    flight: Mutex<Flight>,
    /// Spares the call the look at each packet.
    is_over: AtomicBool,
    sent: Arc<Notify>,
}

impl Repeating {
    /// Takes over `socket`; a task repeats what is due.
    pub(crate) fn new(socket: Arc<dyn AsyncUdpSocket>, tasks: &Tasks) -> Arc<Self> {
        let (flight, is_over, sent) = (Mutex::default(), AtomicBool::new(false), Arc::new(Notify::new()));
        let repeating = Arc::new(Self { socket, flight, is_over, sent: sent.clone() });
        tasks.spawn(repeat(Arc::downgrade(&repeating), sent));
        repeating
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_sent(&self, transmit: &Transmit<'_>) {
        for datagram in datagrams(transmit) {
            let carries = carries(datagram);
            if matches!(carries, Carries::Handshake { .. }) {
                self.flight().sent(Instant::now(), transmit.destination, datagram, carries);
                self.sent.notify_one();
            }
        }
    }

    fn note_received(&self, buffer: &[u8], meta: &RecvMeta) {
        let received = &buffer[..meta.len.min(buffer.len())];
        for datagram in received.chunks(meta.stride.max(1)) {
            let carries = carries(datagram);
            if carries != Carries::Nothing {
                let mut flight = self.flight();
                flight.received(meta.addr, carries);
                if flight.is_over() {
                    self.is_over.store(true, Relaxed);
                    self.sent.notify_one();
                    return;
                }
            }
        }
    }
}

impl AsyncUdpSocket for Repeating {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.socket.poll_send(context, transmit);
        if sent.is_ready() && !self.is_over.load(Relaxed) {
            self.note_sent(transmit);
        }
        sent
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(context, buffers, meta);
        if let Poll::Ready(Ok(count)) = received
            && !self.is_over.load(Relaxed)
        {
            for (buffer, meta) in buffers.iter().zip(meta.iter()).take(count) {
                self.note_received(buffer, meta);
            }
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

async fn repeat(socket: Weak<Repeating>, sent: Arc<Notify>) {
    loop {
        let deadline = {
            let Some(socket) = socket.upgrade() else { return };
            let mut flight = socket.flight();
            if flight.is_over() {
                return;
            }
            let due = flight.due(Instant::now());
            let deadline = flight.deadline();
            drop(flight);
            for (to, datagram) in due {
                send_now(&*socket.socket, to, &datagram);
            }
            deadline
        };
        match deadline {
            Some(deadline) => {
                let _ = tokio::time::timeout_at(deadline.into(), sent.notified()).await;
            }
            None => sent.notified().await,
        }
    }
}

#[cfg(test)]
mod tests;
