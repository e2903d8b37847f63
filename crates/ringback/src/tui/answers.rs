//! What the terminal can do, asked and read: pictures by kitty's protocol or as sixels, keys that are let go, the shape of a cell.
//! A terminal that knows none of it says nothing, or less; the last question is one that every terminal answers.

/// Asks, in this order: kitty's graphics (a picture of one pixel that is not shown), kitty's keyboard, the size of a cell in pixels,
/// and what kind of terminal this is (DA1).
pub(crate) const QUESTIONS: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[?u\x1b[16t\x1b[c";

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// It shows pictures by kitty's protocol.
    pub(crate) kitty: bool,
    /// It shows sixels (attribute 4 of DA1).
    pub(crate) sixel: bool,
    /// It tells when a key is let go.
    pub(crate) releases: bool,
    /// Width and height of a cell in pixels.
    pub(crate) cell: Option<(u16, u16)>,
    /// DA1 was answered: nothing more will come.
    pub(crate) is_complete: bool,
}

impl Answers {
    /// Reads what came so far; what is no answer, such as keys that were typed meanwhile, is passed over.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut answers = Self::default();
        let text = String::from_utf8_lossy(bytes);
        for part in text.split('\x1b').skip(1) {
            if let Some(answer) = part.strip_prefix("_Gi=31;") {
                answers.kitty = answer.starts_with("OK");
            } else if let Some(answer) = part.strip_prefix("[?") {
                answers.read_private(answer);
            } else if let Some(answer) = part.strip_prefix("[6;") {
                let size = answer.split_once('t').and_then(|(size, _)| size.split_once(';'));
                // Height first.
                let size = size.and_then(|(height, width)| Some((width.parse().ok()?, height.parse().ok()?)));
                answers.cell = size.filter(|size| (1..=256).contains(&size.0) && (1..=256).contains(&size.1));
            }
        }
        answers
    }

    fn read_private(&mut self, answer: &str) {
        let end = answer.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(answer.len());
        let (numbers, end) = answer.split_at(end);
        match end.chars().next() {
            Some('u') => self.releases = true,
            Some('c') => {
                self.sixel = numbers.split(';').skip(1).any(|attribute| attribute == "4");
                self.is_complete = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_say_what_they_can() {
        for (name, said, expected) in [
            (
                "kitty",
                "\x1b_Gi=31;OK\x1b\\\x1b[?0u\x1b[6;20;10t\x1b[?62;52;c",
                Answers { kitty: true, releases: true, cell: Some((10, 20)), is_complete: true, sixel: false },
            ),
            (
                "foot",
                "\x1b[?0u\x1b[6;17;8t\x1b[?62;4;22;28c",
                Answers { sixel: true, releases: true, cell: Some((8, 17)), is_complete: true, kitty: false },
            ),
            ("tmux", "\x1b[?1;2c", Answers { is_complete: true, ..Answers::default() }),
            (
                "one that refuses",
                "\x1b_Gi=31;ENOTSUPP\x1b\\\x1b[?6c",
                Answers { is_complete: true, ..Answers::default() },
            ),
            (
                "one that is typed on",
                "q\x1b[Amm\x1b[?62;4c!",
                Answers { sixel: true, is_complete: true, ..Answers::default() },
            ),
            ("one that is slow", "\x1b[?62;4", Answers::default()),
            (
                "one that jokes",
                "\x1b[6;99999;0t\x1b[6;t\x1b[?c\x1b",
                Answers { is_complete: true, ..Answers::default() },
            ),
            ("none", "", Answers::default()),
        ] {
            assert_eq!(Answers::read(said.as_bytes()), expected, "{name}");
        }
    }
}
