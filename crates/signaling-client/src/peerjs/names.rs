//! Names of PeerJS clients. A room is the name of whoever hosts it, so a page can call a room that is a good name as it is.

use std::fmt::Write as _;

use call_core::{RoomId, Secret};
use sha2::{Digest as _, Sha256};

/// Before the name of a room that is no good name of a client.
const ENCODED: &str = "ringback-";
/// Characters that tell one guest of a room from another.
const GUEST_LETTERS: usize = 6;

/// The client's name that stands for `room`: the room itself where PeerJS takes it for a name, otherwise its bytes in hex.
/// Two rooms never have the same one.
pub(super) fn host(room: &RoomId) -> String {
    let room = room.as_str();
    if is_client_name(room) && !room.starts_with(ENCODED) {
        return room.to_owned();
    }
    room.bytes().fold(ENCODED.to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// A name for a guest of `host`: the same in all attempts of a client, so that its `token` takes over what an earlier one left.
/// `number` gives others, should one be taken.
pub(super) fn guest(host: &str, token: &Secret, number: u32) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digest = Sha256::new().chain_update(token.expose()).chain_update(number.to_be_bytes()).finalize();
    let letters = digest.iter().take(GUEST_LETTERS).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    format!("{host}-{}", letters.collect::<String>())
}

/// Whether PeerJS clients take this for the name of another: letters and digits of ASCII, with a space, `_` or `-` only between them.
fn is_client_name(name: &str) -> bool {
    name.split([' ', '_', '-']).all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::new(name).expect("a good room")
    }

    #[test]
    fn good_names_stay_and_others_are_written_in_hex() {
        for (given, name) in [
            ("kitchen", "kitchen"),
            ("Kitchen 2-b_c", "Kitchen 2-b_c"),
            ("a--b", "ringback-612d2d62"),
            ("-a", "ringback-2d61"),
            ("a/b", "ringback-612f62"),
            ("ü", "ringback-c3bc"),
            ("ringback-2d61", "ringback-72696e676261636b2d32643631"),
        ] {
            assert_eq!(host(&room(given)), name, "{given}");
        }
    }

    #[test]
    fn a_guest_is_known_by_its_token() {
        let (one, other) = (Secret::new("one"), Secret::new("other"));
        let name = guest("kitchen", &one, 0);
        assert_eq!(name, guest("kitchen", &one, 0));
        assert_ne!(name, guest("kitchen", &other, 0));
        assert_ne!(name, guest("kitchen", &one, 1));
        assert!(is_client_name(&name) && name.len() == "kitchen-123456".len(), "{name}");
    }

    proptest! {
        #[test]
        fn every_room_has_a_good_name_of_its_own(one in "[a-c/ü_ -]{1,8}", other in "[a-c/ü_ -]{1,8}") {
            if let (Ok(one), Ok(other)) = (RoomId::new(one), RoomId::new(other)) {
                prop_assert!(is_client_name(&host(&one)));
                prop_assert_eq!(host(&one) == host(&other), one == other);
            }
        }
    }
}
