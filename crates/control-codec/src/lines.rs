//! Lines out of bytes as they come, each at most so long: what a program sends never takes more memory than one line and one read.
//! A longer line is skipped to its end and told; the next one is read as if nothing had been.

/// The longest line that is read, in bytes.
pub const MOST_BYTES: usize = 64 * 1024;

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub struct LineCutter {
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no end of a line.
    searched: usize,
    skips: bool,
}

impl LineCutter {
    /// More bytes came. Lines are to be taken before the next ones.
    pub fn add(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its end; one byte more than [`MOST_BYTES`] of a line that is too long. `None`: more bytes are
    /// needed, and at their end an unfinished line is dropped: half a wish is none.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.buffer.len();
                if self.skips {
                    self.buffer.clear();
                    self.searched = 0;
                } else if self.buffer.len() > MOST_BYTES {
                    self.skips = true;
                    self.searched = 0;
                    return Some(cut(std::mem::take(&mut self.buffer)));
                }
                return None;
            };
            let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
            self.searched = 0;
            line.pop();
            if !std::mem::take(&mut self.skips) {
                return Some(cut(line));
            }
        }
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.buffer.len()
    }
}

fn cut(mut line: Vec<u8>) -> Vec<u8> {
    line.truncate(MOST_BYTES + 1);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            cutter.add(piece);
            lines.extend(std::iter::from_fn(|| cutter.next_line()));
            assert!(cutter.kept() <= MOST_BYTES);
        }
        lines
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_whole() {
        let text = format!("one\n\n{}\ntwo\nhalf", "x".repeat(5 * MOST_BYTES));
        for piece in [1000, 4096, 10 * MOST_BYTES] {
            let lengths: Vec<_> = lines(text.as_bytes(), piece).iter().map(Vec::len).collect();
            assert_eq!(lengths, [3, 0, MOST_BYTES + 1, 3], "{piece} bytes at a time");
        }
    }

    proptest! {
        #[test]
        fn lines_come_whole_however_they_are_cut(text in "[a-c\n]{0,60}", piece in 1..20_usize) {
            let mut expected: Vec<&[u8]> = text.as_bytes().split(|&byte| byte == b'\n').collect();
            expected.pop();
            prop_assert_eq!(lines(text.as_bytes(), piece), expected);
        }
    }
}
