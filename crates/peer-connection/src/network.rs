//! A network in place of the machine's, such as one in memory: it carries the datagrams of a connection from socket to socket.
//! The machine is still asked for ports, so that addresses are real; nothing is sent on them.

use crate::datagrams::{datagrams, put};
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Makes sockets. Connections that are to reach each other are given the same network.
pub trait Network: Send + Sync + fmt::Debug {
    /// A socket with this address, which no other open one has.
    fn open(&self, local: SocketAddr) -> Arc<dyn NetworkSocket>;
}

/// One end of the network; dropping it closes it.
pub trait NetworkSocket: Send + Sync + fmt::Debug {
    /// Sends a datagram, at once: what the network cannot take is lost.
    fn send(&self, to: SocketAddr, datagram: &[u8]);

    /// The sender and the content of the next datagram; the task is woken when there is one. Only one task asks.
    fn poll_receive(&self, context: &mut Context<'_>) -> Poll<(SocketAddr, Vec<u8>)>;
}

/// A socket of such a network for webrtc-rs.
#[derive(Debug)]
pub(crate) struct Carried {
    socket: Arc<dyn NetworkSocket>,
    /// Holds the port.
    reserved: std::net::UdpSocket,
    local: SocketAddr,
}

impl Carried {
    pub(crate) fn new(network: &dyn Network, reserved: std::net::UdpSocket) -> io::Result<Self> {
        let local = reserved.local_addr()?;
        Ok(Self { socket: network.open(local), reserved, local })
    }
}

impl AsyncUdpSocket for Carried {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.reserved.local_addr()
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        for datagram in datagrams(transmit) {
            self.socket.send(transmit.destination, datagram);
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
        let (from, datagram) = ready!(self.socket.poll_receive(context));
        put(buffer, meta, from, &datagram);
        meta.dst_ip = Some(self.local.ip());
        Poll::Ready(Ok(1))
    }
}
