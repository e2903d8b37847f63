//! A name for a room that nobody has yet: four short words without a meaning, easy to read, to say and to write in many languages.
//! There are 60^8 of them (47 bits), so that a stranger on the same server does not guess it.

use std::hash::{BuildHasher as _, RandomState};

/// Letters that are read alike in most languages.
const CONSONANTS: &[u8; 12] = b"bdfgklmnprst";
const VOWELS: &[u8; 5] = b"aeiou";

/// Four words of two syllables.
const WORDS: usize = 4;
const SYLLABLES: usize = 2;

/// Another name each time.
pub(super) fn name() -> String {
    // The standard library's hash has 128 secret bits of the system in each state (SipHash).
    spell(RandomState::new().hash_one(0))
}

/// The name with this number; 2^64 is so much larger than their count that none is likelier than another.
fn spell(mut number: u64) -> String {
    let mut letter = |letters: &[u8]| {
        let count = letters.len() as u64;
        let place = number % count;
        number /= count;
        char::from(letters[place as usize])
    };
    let word = |_| (0..SYLLABLES).flat_map(|_| [letter(CONSONANTS), letter(VOWELS)]).collect::<String>();
    (0..WORDS).map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::cli;

    #[test]
    fn a_number_has_one_name_and_a_name_one_number() {
        assert_eq!(spell(0), "baba-baba-baba-baba");
        assert_eq!(spell(1), "daba-baba-baba-baba");
        assert_eq!(spell(12), "beba-baba-baba-baba");
        assert_eq!(spell(60_u64.pow(8) - 1), "tutu-tutu-tutu-tutu");
        let step = 60_u64.pow(8) / 9_973;
        let names: HashSet<_> = (0..9_973).map(|index| spell(index * step)).collect();
        assert_eq!(names.len(), 9_973);
    }

    #[test]
    fn every_time_it_is_another_room_that_can_be_called() {
        let names: HashSet<_> = (0..1_000).map(|_| name()).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| cli::room(name).is_ok_and(|room| room.as_str() == name)));
    }
}
