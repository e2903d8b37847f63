//! How webrtc-rs's sockets pass datagrams on: several of one size in a transmission, one in a buffer with a note beside it.
//! The sockets of ours that stand below it take and give them here.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::task::{Context, Waker};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// The datagrams of a transmission.
pub(crate) fn datagrams<'a>(transmit: &Transmit<'a>) -> impl Iterator<Item = &'a [u8]> {
    let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
    transmit.contents.chunks(size)
}

/// Sends a datagram of our own; one that finds no room is lost, as on the network.
pub(crate) fn send_now(socket: &dyn AsyncUdpSocket, destination: SocketAddr, contents: &[u8]) {
    let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
    let _ = socket.poll_send(&mut Context::from_waker(Waker::noop()), &transmit);
}

/// Puts a received datagram where webrtc-rs wants it; what is longer than the buffer is cut off.
pub(crate) fn put(buffer: &mut IoSliceMut<'_>, meta: &mut RecvMeta, from: SocketAddr, datagram: &[u8]) {
    let length = datagram.len().min(buffer.len());
    buffer[..length].copy_from_slice(&datagram[..length]);
    *meta = RecvMeta::default();
    (meta.addr, meta.len, meta.stride) = (from, length, length.max(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transmission_holds_one_datagram_or_several_of_one_size() {
        let destination = SocketAddr::from(([127, 0, 0, 1], 9));
        for (contents, segment_size, expected) in [
            (&[1, 2, 3][..], None, vec![&[1, 2, 3][..]]),
            (&[1, 2, 3], Some(2), vec![&[1, 2], &[3]]),
            (&[1, 2], Some(2), vec![&[1, 2]]),
            (&[1, 2], Some(0), vec![&[1], &[2]]),
            (&[], None, vec![]),
        ] {
            let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
            assert_eq!(datagrams(&transmit).collect::<Vec<_>>(), expected, "{segment_size:?}");
        }
    }

    #[test]
    fn a_datagram_that_is_too_long_is_cut_off() {
        let from = SocketAddr::from(([127, 0, 0, 1], 9));
        for (datagram, kept) in [(&[][..], 0), (&[7, 8], 2), (&[7, 8, 9, 10], 3)] {
            let (mut buffer, mut meta) = ([0; 3], RecvMeta::default());
            put(&mut IoSliceMut::new(&mut buffer), &mut meta, from, datagram);
            assert_eq!((meta.addr, meta.len, meta.stride), (from, kept, kept.max(1)));
            assert_eq!(buffer[..kept], datagram[..kept]);
        }
    }
}
