//! Lines out of a stream, each at most so long: what a program sends never takes more memory than one line.
//! A longer line is skipped to its end and told; the next one is read as if nothing had been.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::message::MOST_BYTES;

/// Reads lines; may be dropped and asked again at any time without losing a byte.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no end of a line.
    searched: usize,
    skips: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), searched: 0, skips: false }
    }

    /// The next line without its end; one byte more than [`MOST_BYTES`] of a line that is too long. `None` at the end, where an
    /// unfinished line is dropped: half a wish is none.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
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
                    let mut line = std::mem::take(&mut self.buffer);
                    line.truncate(MOST_BYTES + 1);
                    return Some(line);
                }
                return None;
            };
            let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
            self.searched = 0;
            line.pop();
            if !std::mem::take(&mut self.skips) {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_whole() {
        let text = format!("one\n\n{}\ntwo\nhalf", "x".repeat(5 * MOST_BYTES));
        let mut lines = Lines::new(text.as_bytes());
        let mut lengths = Vec::new();
        while let Some(line) = lines.next().await.expect("memory can be read") {
            assert!(lines.buffer.capacity() <= 8 * MOST_BYTES);
            lengths.push(line.len());
        }
        assert_eq!(lengths, [3, 0, MOST_BYTES + 1, 3]);
    }

    #[tokio::test]
    async fn lines_come_whole_however_they_are_cut() {
        let (mut ours, theirs) = tokio::io::duplex(4);
        let writer = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            ours.write_all(b"hello there\nand you\n").await
        });
        let mut lines = Lines::new(theirs);
        assert_eq!(lines.next().await.expect("read"), Some(b"hello there".to_vec()));
        assert_eq!(lines.next().await.expect("read"), Some(b"and you".to_vec()));
        assert_eq!(lines.next().await.expect("read"), None);
        writer.await.expect("ends").expect("written");
    }
}
