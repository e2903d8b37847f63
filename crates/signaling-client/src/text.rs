//! Words from a server made fit to show a person. They stay one short line and cannot steer the terminal.

/// Longest piece of a server's words worth showing, in characters; more would bury our own sentence.
const LONGEST: usize = 160;

/// `text` as one line: control and direction-changing characters left out, cut after 160 characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut shown = text.chars().filter(|&c| !steers(c));
    let mut line: String = shown.by_ref().take(LONGEST).collect();
    if shown.next().is_some() {
        line.push('…');
    }
    line.trim().to_owned()
}

/// Escape sequences start with a control character; the others reorder or hide what is beside them (UAX #9).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_overrides_are_left_out() {
        assert_eq!(one_line("\u{1b}[31mfull\r\n"), "[31mfull");
        assert_eq!(one_line("a\u{202e}b"), "ab");
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(one_line(&"é".repeat(200)).chars().count(), LONGEST + 1);
    }
}
