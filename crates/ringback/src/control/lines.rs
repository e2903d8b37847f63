//! Lines out of a stream, as the codec cuts them.
//! It may be dropped and asked again at any time without losing a byte.

use std::io;

use control_codec::LineCutter;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes that are read at a time: a request or two.
const PIECE: usize = 4096;

/// Reads lines.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    stream: R,
    cutter: LineCutter,
    piece: Box<[u8; PIECE]>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, cutter: LineCutter::default(), piece: Box::new([0; PIECE]) }
    }

    /// The next line, as [`LineCutter::next_line`] has it; `None` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.cutter.next_line() {
                return Ok(Some(line));
            }
            let length = self.stream.read(&mut self.piece[..]).await?;
            if length == 0 {
                return Ok(None);
            }
            self.cutter.add(&self.piece[..length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_however_they_are_cut() {
        let (mut ours, theirs) = tokio::io::duplex(4);
        let writer = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            ours.write_all(b"hello there\nand you\nhalf").await
        });
        let mut lines = Lines::new(theirs);
        assert_eq!(lines.next().await.expect("read"), Some(b"hello there".to_vec()));
        assert_eq!(lines.next().await.expect("read"), Some(b"and you".to_vec()));
        assert_eq!(lines.next().await.expect("read"), None);
        writer.await.expect("ends").expect("written");
    }
}
