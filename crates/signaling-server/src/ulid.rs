//! Connection ids as Ayame hands them out: ULIDs, 48 bits of milliseconds and 80 random bits in Crockford's base 32.
//! They sort by time and cannot be guessed.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::crypto::ring;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 digits of 5 bits hold 128 bits.
const DIGITS: u32 = 26;

/// A new id for this moment.
pub(crate) fn fresh() -> String {
    let mut random = [0; 16];
    let source = ring::default_provider().secure_random;
    source.fill(&mut random).expect("the operating system gives random bytes once it runs programs");
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    encode(millis, u128::from_be_bytes(random))
}

/// The lowest 48 bits of `millis` since 1970 and the lowest 80 bits of `random`.
fn encode(millis: u128, random: u128) -> String {
    let bits = (millis << 80) | (random & ((1 << 80) - 1));
    let digit = |place: u32| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31]);
    (0..DIGITS).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_ulid_specification_is_met() {
        // "01ARZ3NDEKTSV4RRFFQ69G5FAV" is the specification's example.
        assert_eq!(encode(1_469_922_850_259, 0xD676_4C61_EFB9_9302_BD5B), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(encode(u128::MAX, u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }

    #[test]
    fn two_ids_differ() {
        assert_ne!(fresh(), fresh());
    }
}
