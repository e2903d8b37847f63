//! Which characters no font has, and for which of them a font is looked for: each once, and for few enough of them.
//! A pure rule: it is told what is missing and what was found, and says what to look for and what to add.

use std::collections::{HashSet, VecDeque};

/// Fonts that are added while the window lives: people who talk to each other mix few scripts, and each font more is asked for
/// whatever those before it lack.
const MOST_FONTS: usize = 8;

/// Bytes of all those fonts. Their files are mapped, so that only what is drawn of them takes memory; the largest, with coloured
/// emoji or with all of Chinese, have 100 to 200 MB.
const MOST_BYTES: usize = 512 << 20;

/// Characters that are looked for while the window lives. Most of a script come with the font of its first character, and
/// what is left are rare signs; a peer who sends one of each costs no more than this.
const MOST_LOOKS: usize = 128;

/// What is missing, was looked for, and was added.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    waiting: VecDeque<char>,
    looked_for: HashSet<char>,
    fonts: Vec<String>,
    bytes: usize,
    is_searching: bool,
}

impl Missing {
    /// None of the fonts has this character.
    pub(crate) fn lacks(&mut self, character: char) {
        let is_full = self.looked_for.len() + self.waiting.len() >= MOST_LOOKS || self.fonts.len() >= MOST_FONTS;
        if !is_full && !self.looked_for.contains(&character) && !self.waiting.contains(&character) {
            self.waiting.push_back(character);
        }
    }

    /// Whether a search is to begin now. It goes on until [`Self::next`] has nothing more for it.
    pub(crate) fn begins(&mut self) -> bool {
        let begins = !self.is_searching && !self.waiting.is_empty();
        self.is_searching |= begins;
        begins
    }

    /// What to look for next.
    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.waiting.pop_front();
        self.looked_for.extend(next);
        self.is_searching = next.is_some();
        next
    }

    /// A font of this name and so many bytes has the character; true when it is to be added.
    pub(crate) fn found(&mut self, font: &str, bytes: usize) -> bool {
        let all = self.bytes.saturating_add(bytes);
        let is_known = self.fonts.iter().any(|known| known == font);
        if is_known || all > MOST_BYTES || self.fonts.len() >= MOST_FONTS {
            return false;
        }
        self.fonts.push(font.to_owned());
        self.bytes = all;
        // Most of what waits is in that font too; what is not, will be missed once more.
        self.waiting.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Missing characters in the order in which they are looked for, while nothing is found.
    fn searched(missing: &mut Missing) -> String {
        std::iter::from_fn(|| missing.next()).collect()
    }

    #[test]
    fn each_character_is_looked_for_once_and_in_order() {
        for (missed, expected) in [
            (vec![""], ""),
            (vec!["\u{65e5}\u{672c}"], "\u{65e5}\u{672c}"),
            (vec!["\u{65e5}\u{65e5}\u{672c}\u{65e5}"], "\u{65e5}\u{672c}"),
            (vec!["\u{65e5}", "\u{65e5}"], "\u{65e5}"),
            (vec!["\u{65e5}", "\u{672c}\u{65e5}"], "\u{65e5}\u{672c}"),
        ] {
            let mut missing = Missing::default();
            let mut looked = String::new();
            for text in &missed {
                text.chars().for_each(|character| missing.lacks(character));
                assert_eq!(missing.begins(), !missing.waiting.is_empty(), "{missed:?}");
                looked += &searched(&mut missing);
            }
            assert_eq!(looked, expected, "{missed:?}");
        }
    }

    #[test]
    fn one_search_runs_at_a_time_and_the_next_begins_when_something_is_missed_after_it() {
        let mut missing = Missing::default();
        assert!(!missing.begins(), "nothing is missing, so nothing is done");
        missing.lacks('a');
        assert!(missing.begins() && !missing.begins());
        assert_eq!(missing.next(), Some('a'));
        missing.lacks('b');
        assert!(!missing.begins(), "the search that runs takes it");
        assert_eq!(searched(&mut missing), "b");
        assert!(!missing.begins());
        missing.lacks('c');
        assert!(missing.begins());
    }

    #[test]
    fn what_waits_when_a_font_is_found_is_looked_for_only_if_it_is_missed_again() {
        let mut missing = Missing::default();
        "abc".chars().for_each(|character| missing.lacks(character));
        assert_eq!(missing.next(), Some('a'));
        assert!(missing.found("font", 1));
        assert_eq!(missing.next(), None);
        missing.lacks('c');
        missing.lacks('a');
        assert_eq!(searched(&mut missing), "c");
    }

    #[test]
    fn whoever_sends_thousands_of_characters_causes_a_bounded_number_of_looks() {
        let mut missing = Missing::default();
        let mut looks = 0;
        for characters in ('\u{4e00}'..'\u{9fff}').collect::<Vec<_>>().chunks(100) {
            characters.iter().for_each(|character| missing.lacks(*character));
            looks += searched(&mut missing).chars().count();
        }
        assert_eq!(looks, MOST_LOOKS);
        assert!(missing.waiting.is_empty() && !missing.begins());
    }

    #[test]
    fn fonts_are_few_and_together_not_too_large() {
        for (name, fonts, added) in [
            ("another font", vec![("a", 1), ("b", 1)], vec![true, true]),
            ("the same font", vec![("a", 1), ("a", 1)], vec![true, false]),
            ("too large a font", vec![("a", MOST_BYTES + 1), ("b", MOST_BYTES)], vec![false, true]),
            ("too large together", vec![("a", MOST_BYTES - 1), ("b", 2), ("c", 1)], vec![true, false, true]),
        ] {
            let mut missing = Missing::default();
            let seen: Vec<_> = fonts.iter().map(|(font, bytes)| missing.found(font, *bytes)).collect();
            assert_eq!(seen, added, "{name}");
        }
        let mut missing = Missing::default();
        let added = (0..20).filter(|number| missing.found(&number.to_string(), 1)).count();
        assert_eq!(added, MOST_FONTS);
        missing.lacks('a');
        assert!(!missing.begins(), "no more can be added, so that none is looked for");
    }
}
