//! The TXT record of a hosted room: which room, and how to check its host.
//! Reading one never fails in a way that matters; what is not understood is not a room.

use std::fmt::Write as _;

use call_core::RoomId;
use sha2::{Digest, Sha256};

/// Version of the record's layout.
const VERSION: &str = "1";
/// Keeps the digest apart from digests of the same text elsewhere.
const DOMAIN: &[u8] = b"ringback room 1\0";
/// Bytes of the digest: 128 bits never meet by accident and keep the record short.
const TAG_BYTES: usize = 16;

/// What a host says about its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    tag: [u8; TAG_BYTES],
    pin: Option<[u8; 32]>,
}

impl Record {
    /// The record for a room whose server has that certificate pin.
    pub(super) fn new(room: &RoomId, pin: Option<[u8; 32]>) -> Self {
        Self { tag: tag(room), pin }
    }

    /// Whether it is about this room.
    pub(super) fn is_about(&self, room: &RoomId) -> bool {
        self.tag == tag(room)
    }

    /// SHA-256 of the server's certificate; `None` when it speaks plain.
    pub(super) fn pin(&self) -> Option<[u8; 32]> {
        self.pin
    }

    /// The record's keys and values.
    pub(super) fn to_txt(self) -> Vec<(&'static str, String)> {
        let mut txt = vec![("v", VERSION.to_owned()), ("room", to_hex(&self.tag))];
        txt.extend(self.pin.map(|pin| ("pin", to_hex(&pin))));
        txt
    }

    /// Reads a record by its keys; `None` when it is of another version or broken.
    pub(super) fn from_txt<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if value("v") != Some(VERSION) {
            return None;
        }
        let tag = from_hex(value("room")?)?;
        // A pin that cannot be read must not turn into "no pin needed".
        let pin = match value("pin") {
            None => None,
            Some(pin) => Some(from_hex(pin)?),
        };
        Some(Self { tag, pin })
    }
}

fn tag(room: &RoomId) -> [u8; TAG_BYTES] {
    let digest = Sha256::new().chain_update(DOMAIN).chain_update(room.as_str()).finalize();
    digest.first_chunk().copied().expect("SHA-256 has 32 bytes")
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(txt: &[(&str, String)]) -> Option<Record> {
        Record::from_txt(|key| txt.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str()))
    }

    fn room(name: &str) -> RoomId {
        RoomId::new(name).expect("a room")
    }

    #[test]
    fn a_record_says_which_room_without_naming_it() {
        let record = Record::new(&room("kitchen"), Some([0xA5; 32]));
        let txt = record.to_txt();
        assert_eq!(read(&txt), Some(record));
        assert!(record.is_about(&room("kitchen")) && !record.is_about(&room("Kitchen")));
        assert!(txt.iter().all(|(_, value)| !value.contains("kitchen")));
        let longest = txt.iter().map(|(key, value)| key.len() + 1 + value.len()).max();
        assert!(longest < Some(256), "DNS keeps one string of a TXT record in a length byte");
    }

    #[test]
    fn the_digest_of_a_room_stays_the_same_in_later_versions() {
        let expected = "7c2aae6e6b7f8b833faa4e6e2fed6108";
        assert_eq!(Record::new(&room("kitchen"), None).to_txt()[1], ("room", expected.to_owned()));
    }

    #[test]
    fn a_broken_record_is_no_room() {
        let good = Record::new(&room("kitchen"), Some([7; 32])).to_txt();
        for (at, broken) in [(0, "2"), (1, ""), (1, "zz"), (1, "é"), (2, ""), (2, "07")] {
            let mut txt = good.clone();
            txt[at].1 = broken.to_owned();
            assert_eq!(read(&txt), None, "{broken} in {}", txt[at].0);
        }
        assert_eq!(read(&good[1..]), None);
        assert_eq!(read(&[]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(version in "1|.{0,4}", room in ".{0,64}", pin in ".{0,64}") {
            read(&[("v", version), ("room", room), ("pin", pin)]);
        }
    }
}
