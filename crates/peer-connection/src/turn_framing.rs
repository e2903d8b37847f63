//! TURN messages in a stream of bytes: where one ends and the next begins (RFC 8656 §12.5, RFC 8489 §6.2.2).
//! Pure; what is no TURN is an error, because after it no beginning can be found again.

use bytes::{Buf as _, Bytes, BytesMut};
use std::net::{IpAddr, SocketAddr};

/// Header of a STUN message, and of channel data.
const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;

/// The stream is not TURN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak TURN")]
pub(crate) struct NotTurn;

/// Takes a stream apart. Holds one unfinished message at most, 64 KiB.
#[derive(Debug, Default)]
pub(crate) struct Deframer(BytesMut);

impl Deframer {
    /// The next bytes of the stream.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole message, without padding; to be asked until there is none.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, NotTurn> {
        let Some(&[first, _, high, low]) = self.0.first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (whole, padded) = match first >> 6 {
            0 if length % 4 == 0 => (STUN_HEADER + length, STUN_HEADER + length),
            1 => (CHANNEL_HEADER + length, (CHANNEL_HEADER + length).next_multiple_of(4)),
            _ => return Err(NotTurn),
        };
        if self.0.len() < padded {
            return Ok(None);
        }
        let message = self.0.split_to(whole).freeze();
        self.0.advance(padded - whole);
        Ok(Some(message))
    }
}

/// Appends a message, with the padding that channel data has in a stream.
pub(crate) fn frame(message: &[u8], stream: &mut Vec<u8>) {
    stream.extend_from_slice(message);
    if message.first().is_some_and(|first| first >> 6 == 1) {
        stream.resize(stream.len() + message.len().next_multiple_of(4) - message.len(), 0);
    }
}

/// The address that an Allocate success response gives us at the relay (RFC 8656 §7.2, XOR-RELAYED-ADDRESS).
pub(crate) fn relayed_address(message: &[u8]) -> Option<SocketAddr> {
    const ALLOCATE_SUCCESS: [u8; 2] = [0x01, 0x03];
    const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    let (header, mut attributes) = message.split_at_checked(STUN_HEADER)?;
    if header[..2] != ALLOCATE_SUCCESS || header[4..8] != COOKIE {
        return None;
    }
    loop {
        let (&[k0, k1, l0, l1], rest) = attributes.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([k0, k1]) != XOR_RELAYED_ADDRESS {
            attributes = rest.get(length.next_multiple_of(4)..)?;
            continue;
        }
        let &[_, _, p0, p1] = value.first_chunk()?;
        let port = u16::from_be_bytes([p0, p1]) ^ 0x2112;
        // Masked with the cookie, and with the transaction id where it is longer (RFC 8489 §14.2).
        let mut ip = value[4..].to_vec();
        ip.iter_mut().zip(&header[4..]).for_each(|(byte, mask)| *byte ^= mask);
        let ip = match <[u8; 4]>::try_from(&ip[..]) {
            Ok(v4) => IpAddr::from(v4),
            Err(_) => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
        };
        return Some(SocketAddr::new(ip, port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stun(words: usize) -> Vec<u8> {
        let mut message = vec![0, 1, 0, (words * 4) as u8];
        message.resize(STUN_HEADER + words * 4, 7);
        message
    }

    fn channel(length: usize) -> Vec<u8> {
        let mut message = vec![0x40, 0, (length >> 8) as u8, length as u8];
        message.resize(CHANNEL_HEADER + length, 9);
        message
    }

    #[test]
    fn what_is_neither_stun_nor_channel_data_ends_the_stream() {
        for bytes in [&b"HTTP/1.1 400"[..], &[0x80, 0, 0, 0], &[0, 1, 0, 3], &[0xff; 20]] {
            let mut deframer = Deframer::default();
            deframer.feed(bytes);
            // `H` is 01 in its first bits: channel data as far as one can tell, whose end never comes.
            assert!(deframer.next() != Ok(Some(Bytes::copy_from_slice(bytes))), "{bytes:?}");
        }
    }

    #[test]
    fn the_relayed_address_is_read_from_the_answer_to_allocate() {
        let mut message = vec![0x01, 0x03, 0, 20, 0x21, 0x12, 0xa4, 0x42];
        message.extend([5; 12]);
        message.extend([0x00, 0x0d, 0, 4, 0, 0, 2, 88]); // lifetime
        message.extend([0x00, 0x16, 0, 8, 0, 1, 0x21 ^ 0x30, 0x12 ^ 0x39, 0x21 ^ 192, 0x12, 0xa4 ^ 2, 0x42 ^ 7]);
        assert_eq!(relayed_address(&message), Some("192.0.2.7:12345".parse().expect("an address")));
        message[1] = 0x04;
        assert_eq!(relayed_address(&message), None, "an answer to Refresh");
        assert_eq!(relayed_address(&stun(5)), None);
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_the_stream_is_cut(
            sizes in proptest::collection::vec((any::<bool>(), 0usize..60), 1..20),
            cuts in proptest::collection::vec(1usize..50, 1..20),
        ) {
            let messages: Vec<Vec<u8>> =
                sizes.into_iter().map(|(is_stun, size)| if is_stun { stun(size) } else { channel(size * 5) }).collect();
            let mut stream = Vec::new();
            messages.iter().for_each(|message| frame(message, &mut stream));
            let (mut deframer, mut got, mut rest) = (Deframer::default(), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                deframer.feed(now);
                while let Some(message) = deframer.next().expect("well-formed") {
                    got.push(message.to_vec());
                }
                rest = later;
            }
            prop_assert_eq!(got, messages);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut deframer = Deframer::default();
            deframer.feed(&bytes);
            while let Ok(Some(_)) = deframer.next() {}
            let mut answer = vec![0x01, 0x03, 0, 0, 0x21, 0x12, 0xa4, 0x42];
            answer.extend(&bytes);
            relayed_address(&answer);
        }
    }
}
