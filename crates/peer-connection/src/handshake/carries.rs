//! What a datagram carries, read from its first bytes (RFC 7983 §7), inside of a TURN relay's wrapping too.
//! Anything malformed carries nothing.

use super::flight::Carries;

/// Bytes before the content of a DTLS record (RFC 6347 §4.1), a TURN channel's datagram (RFC 8656 §12.4), a STUN message
/// (RFC 8489 §5) and one of its attributes.
const RECORD_HEADER: usize = 13;
const CHANNEL_HEADER: usize = 4;
const STUN_HEADER: usize = 20;
const ATTRIBUTE_HEADER: usize = 4;

/// Of a TURN server without a channel (RFC 8656 §18).
const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;
const DATA_ATTRIBUTE: u16 = 0x0013;

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;

/// What `datagram` carries.
pub(super) fn carries(datagram: &[u8]) -> Carries {
    let relayed = match datagram.first() {
        Some(64..=79) => datagram.get(CHANNEL_HEADER..),
        Some(0..=3) => in_indication(datagram),
        _ => Some(datagram),
    };
    relayed.map_or(Carries::Nothing, |datagram| match datagram.first() {
        Some(20..=63) => in_records(datagram),
        Some(128..=191) => Carries::Data,
        _ => Carries::Nothing,
    })
}

fn in_records(mut datagram: &[u8]) -> Carries {
    let mut carries = Carries::Nothing;
    while let Some((header, rest)) = datagram.split_at_checked(RECORD_HEADER) {
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let Some((content, next)) = rest.split_at_checked(length) else { break };
        let is_first = carries == Carries::Nothing;
        carries = match (header[0], carries) {
            (APPLICATION_DATA, _) => return Carries::Data,
            (HANDSHAKE | CHANGE_CIPHER_SPEC, before) => {
                let is_encrypted = header[3..5] != [0, 0];
                let is_hello = is_first && header[0] == HANDSHAKE && content.first() == Some(&CLIENT_HELLO);
                let (was_hello, was_finished) = match before {
                    Carries::Handshake { client_hello, finished } => (client_hello, finished),
                    _ => (false, false),
                };
                Carries::Handshake {
                    client_hello: was_hello || is_hello && !is_encrypted,
                    finished: was_finished || is_encrypted,
                }
            }
            (_, before) => before,
        };
        datagram = next;
    }
    carries
}

/// What a relay was given, or gives, to pass on.
fn in_indication(message: &[u8]) -> Option<&[u8]> {
    let kind = u16::from_be_bytes([*message.first()?, *message.get(1)?]);
    if kind != SEND_INDICATION && kind != DATA_INDICATION {
        return None;
    }
    let mut attributes = message.get(STUN_HEADER..)?;
    loop {
        let (header, rest) = attributes.split_at_checked(ATTRIBUTE_HEADER)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let value = rest.get(..length)?;
        if header[..2] == DATA_ATTRIBUTE.to_be_bytes() {
            return Some(value);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 0, 0, content.len() as u8];
        record.extend_from_slice(content);
        record
    }

    fn over_a_channel(datagram: &[u8]) -> Vec<u8> {
        [&[0x40, 1, 0, datagram.len() as u8], datagram].concat()
    }

    fn indicated(kind: u16, datagram: &[u8]) -> Vec<u8> {
        let mut message = kind.to_be_bytes().to_vec();
        message.extend_from_slice(&[0; 18]);
        message.extend_from_slice(&[0, 0x12, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0x13, 0, datagram.len() as u8]);
        message.extend_from_slice(datagram);
        message
    }

    #[test]
    fn a_handshake_is_told_from_data_directly_and_over_a_relay() {
        const PART: Carries = Carries::Handshake { client_hello: false, finished: false };
        const HELLO: Carries = Carries::Handshake { client_hello: true, finished: false };
        const FINISHED: Carries = Carries::Handshake { client_hello: false, finished: true };
        let last = [record(CHANGE_CIPHER_SPEC, 0, &[1]), record(HANDSHAKE, 1, &[1, 2, 3])].concat();
        for (expected, datagram) in [
            (HELLO, record(HANDSHAKE, 0, &[CLIENT_HELLO, 0])),
            (PART, record(HANDSHAKE, 0, &[2, 0])),
            (PART, record(CHANGE_CIPHER_SPEC, 0, &[1])),
            (FINISHED, last),
            (Carries::Data, record(APPLICATION_DATA, 1, &[1])),
            (Carries::Data, vec![0x80, 96, 0, 1]),
            (Carries::Nothing, record(21, 0, &[1, 0])),
            (Carries::Nothing, vec![HANDSHAKE, 254, 253]),
            (Carries::Nothing, vec![]),
        ] {
            assert_eq!(carries(&datagram), expected);
            assert_eq!(carries(&over_a_channel(&datagram)), expected);
            assert_eq!(carries(&indicated(SEND_INDICATION, &datagram)), expected);
            assert_eq!(carries(&indicated(DATA_INDICATION, &datagram)), expected);
            assert_eq!(carries(&indicated(0x0001, &datagram)), Carries::Nothing);
        }
    }

    proptest! {
        #[test]
        fn garbage_does_no_harm(mut garbage in proptest::collection::vec(any::<u8>(), 0..80), first in 0_u8..80) {
            if let Some(byte) = garbage.first_mut() {
                *byte = first;
            }
            carries(&garbage);
        }
    }
}
