//! Raw video files: YUV4MPEG2 with 8-bit 4:2:0 pictures, read and written one picture at a time.
//! Whatever the file claims, no more memory is taken than one picture of at most 4096x4096.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use media_core::{FrameRate, Picture, PicturePool, Size, UnitError};

/// Longest header line that is read: real ones have under 100 bytes.
const MAX_LINE: u64 = 512;

/// Files without a frame rate, or with an unknown one, play at this.
const DEFAULT_RATE: (u32, u32) = (30, 1);

/// Chroma tags of 8-bit 4:2:0; they differ in where between the luma samples a chroma sample lies.
const CHROMA: [&str; 4] = ["420", "420jpeg", "420mpeg2", "420paldv"];

/// A file cannot be used as video.
#[derive(Debug, thiserror::Error)]
pub enum Y4mError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Some other kind of file.
    #[error("not a y4m file: it does not begin with YUV4MPEG2")]
    NotY4m,
    /// The header breaks off, is too long or holds a word that makes no sense.
    #[error("malformed y4m file: {0}")]
    Malformed(String),
    /// Pictures in another format than 8-bit 4:2:0.
    #[error("the y4m file has {0} pictures; convert it to 8-bit 4:2:0 (ffmpeg -pix_fmt yuv420p)")]
    Chroma(String),
    /// Pictures of an impossible size.
    #[error("unusable y4m file: {0}")]
    Size(#[from] UnitError),
    /// A header without pictures.
    #[error("the y4m file holds no pictures")]
    Empty,
    /// The file ends within a picture.
    #[error("the y4m file is cut off in picture {0}")]
    Truncated(u64),
    /// A picture of another size than the file's.
    #[error("the picture is {got}, the file has {expected}")]
    WrongSize {
        /// Size in the file's header.
        expected: Size,
        /// Size of the picture.
        got: Size,
    },
}

/// Reads a file from the start as often as wanted.
pub struct Y4mReader<R> {
    input: BufReader<R>,
    size: Size,
    frame_rate: (u32, u32),
    /// Where the first picture's header begins.
    first_picture: u64,
    /// Pictures read since the start.
    position: u64,
}

impl<R: Read + Seek> Y4mReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// See [`Y4mError`]; nothing is guessed beyond a missing frame rate.
    pub fn new(input: R) -> Result<Self, Y4mError> {
        let mut input = BufReader::new(input);
        let line = match read_line(&mut input)? {
            Line::Whole(line) => line,
            Line::End => return Err(Y4mError::NotY4m),
            Line::Broken(start) if start.starts_with(b"YUV4MPEG2 ") => {
                return Err(Y4mError::Malformed("the header has no end".into()));
            }
            Line::Broken(_) => return Err(Y4mError::NotY4m),
        };
        let line = String::from_utf8_lossy(&line);
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mError::NotY4m);
        }
        let (mut width, mut height, mut frame_rate) = (None, None, DEFAULT_RATE);
        for word in words {
            let malformed = || Y4mError::Malformed(format!("\"{}\" makes no sense", word.escape_debug()));
            let number = |digits: &str| digits.parse::<u32>().map_err(|_| malformed());
            // A byte that is no ASCII letter cannot be a key, so cutting after one byte is safe once it is.
            match word.as_bytes()[0] {
                b'W' => width = Some(number(&word[1..])?),
                b'H' => height = Some(number(&word[1..])?),
                b'F' => {
                    let (numerator, denominator) = word[1..].split_once(':').ok_or_else(malformed)?;
                    frame_rate = match (number(numerator)?, number(denominator)?) {
                        (0, 0) => DEFAULT_RATE,
                        (numerator, denominator) if plausible(numerator, denominator) => (numerator, denominator),
                        _ => return Err(malformed()),
                    };
                }
                b'C' if !CHROMA.contains(&&word[1..]) => {
                    return Err(Y4mError::Chroma(word[1..].escape_debug().to_string()));
                }
                // Interlacing, pixel aspect and extensions change nothing about how pictures are stored.
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else {
            return Err(Y4mError::Malformed("width or height is missing".into()));
        };
        let size = Size::new(width, height)?;
        if input.fill_buf()?.is_empty() {
            return Err(Y4mError::Empty);
        }
        let first_picture = input.stream_position()?;
        Ok(Self { input, size, frame_rate, first_picture, position: 0 })
    }

    /// Size of every picture.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Pictures per second as numerator and denominator, as in 30000/1001; between 1/10 and 1000.
    pub fn frame_rate(&self) -> (u32, u32) {
        self.frame_rate
    }

    /// The next picture; None after the last.
    ///
    /// # Errors
    /// [`Y4mError::Truncated`], [`Y4mError::Malformed`] or [`Y4mError::Io`]: the rest of the file is lost, but
    /// [`rewind`](Self::rewind) works.
    pub fn read_picture(&mut self, pool: &PicturePool) -> Result<Option<Picture>, Y4mError> {
        match read_line(&mut self.input)? {
            Line::End => return Ok(None),
            Line::Whole(line) if line == b"FRAME" || line.starts_with(b"FRAME ") => {}
            Line::Broken(start) if b"FRAME".starts_with(&start[..start.len().min(5)]) => {
                return Err(Y4mError::Truncated(self.position));
            }
            _ => return Err(Y4mError::Malformed(format!("picture {} does not begin with FRAME", self.position))),
        }
        let mut picture = pool.take(self.size);
        self.input.read_exact(picture.as_bytes_mut()).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Y4mError::Truncated(self.position),
            _ => Y4mError::Io(error),
        })?;
        self.position += 1;
        Ok(Some(picture))
    }

    /// Goes back to the first picture.
    ///
    /// # Errors
    /// [`Y4mError::Io`] when the input cannot.
    pub fn rewind(&mut self) -> Result<(), Y4mError> {
        self.input.seek(SeekFrom::Start(self.first_picture))?;
        self.position = 0;
        Ok(())
    }
}

fn plausible(numerator: u32, denominator: u32) -> bool {
    let (numerator, denominator) = (u64::from(numerator), u64::from(denominator));
    denominator > 0 && numerator * 10 >= denominator && numerator <= denominator * 1000
}

enum Line {
    /// Without its line feed.
    Whole(Vec<u8>),
    /// The input, or the longest line that is read, ends before a line feed.
    Broken(Vec<u8>),
    /// Nothing is left.
    End,
}

fn read_line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(match line.pop() {
        None => Line::End,
        Some(b'\n') => Line::Whole(line),
        Some(last) => {
            line.push(last);
            Line::Broken(line)
        }
    })
}

/// Writes a file, picture by picture; what is written is whole after each.
pub struct Y4mWriter<W> {
    output: W,
    size: Size,
}

impl<W: Write> Y4mWriter<W> {
    /// Writes the header. No buffering is done: a picture is two writes.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn new(mut output: W, size: Size, frame_rate: FrameRate) -> Result<Self, Y4mError> {
        let Size { width, height } = size;
        let header = format!("YUV4MPEG2 W{width} H{height} F{}:1 Ip A1:1 C420jpeg\n", frame_rate.hz());
        output.write_all(header.as_bytes())?;
        Ok(Self { output, size })
    }

    /// Appends a picture of the size that the header tells.
    ///
    /// # Errors
    /// [`Y4mError::WrongSize`], [`Y4mError::Io`].
    pub fn write(&mut self, picture: &Picture) -> Result<(), Y4mError> {
        if picture.size() != self.size {
            return Err(Y4mError::WrongSize { expected: self.size, got: picture.size() });
        }
        self.output.write_all(b"FRAME\n")?;
        self.output.write_all(picture.as_bytes())?;
        Ok(())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn finish(mut self) -> Result<W, Y4mError> {
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const SIZE: Size = Size { width: 16, height: 16 };

    fn open(bytes: &[u8]) -> Result<Y4mReader<Cursor<&[u8]>>, Y4mError> {
        Y4mReader::new(Cursor::new(bytes))
    }

    fn clip(pictures: u8) -> Vec<u8> {
        let mut writer = Y4mWriter::new(Vec::new(), SIZE, FrameRate::new(25).unwrap()).unwrap();
        let mut picture = Picture::black(SIZE);
        for value in 0..pictures {
            picture.as_bytes_mut().fill(value);
            writer.write(&picture).unwrap();
        }
        writer.finish().unwrap()
    }

    /// With one picture of 16x16.
    fn with_header(words: &str) -> Vec<u8> {
        [format!("YUV4MPEG2 {words}\nFRAME\n").as_bytes(), &[0; 384]].concat()
    }

    #[test]
    fn what_was_written_is_read_as_often_as_wanted() {
        let bytes = clip(3);
        assert!(bytes.starts_with(b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\nFRAME\n"));
        let mut reader = open(&bytes).unwrap();
        assert_eq!((reader.size(), reader.frame_rate()), (SIZE, (25, 1)));
        let pool = PicturePool::new(1);
        for _ in 0..2 {
            for value in 0..3 {
                let picture = reader.read_picture(&pool).unwrap().unwrap();
                assert!(picture.as_bytes().iter().all(|&sample| sample == value));
            }
            assert!(reader.read_picture(&pool).unwrap().is_none());
            reader.rewind().unwrap();
        }
    }

    #[test]
    fn all_kinds_of_420_headers_are_read() {
        let pool = PicturePool::new(1);
        for (words, rate) in [
            ("W16 H16", (30, 1)),
            ("W16 H16 F0:0", (30, 1)),
            ("H16 W16 F30000:1001 It A0:0 C420", (30_000, 1_001)),
            ("W16 H16 F25:1 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED", (25, 1)),
            ("W16 H16 C420paldv", (30, 1)),
        ] {
            let bytes = with_header(words);
            let mut reader = open(&bytes).unwrap();
            assert_eq!((reader.size(), reader.frame_rate()), (SIZE, rate), "{words}");
            assert!(reader.read_picture(&pool).unwrap().is_some());
        }
    }

    #[test]
    fn unusable_files_say_why_in_one_line() {
        for (bytes, wanted) in [
            (b"".to_vec(), "not a y4m file: it does not begin with YUV4MPEG2"),
            (b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), "not a y4m file: it does not begin with YUV4MPEG2"),
            (vec![0; 10_000], "not a y4m file: it does not begin with YUV4MPEG2"),
            (b"YUV4MPEG2 W16 H16".to_vec(), "malformed y4m file: the header has no end"),
            ([b"YUV4MPEG2 ", &[b'X'; 9_000][..], b"\n"].concat(), "malformed y4m file: the header has no end"),
            (with_header("W16"), "malformed y4m file: width or height is missing"),
            (with_header("W-1 H16"), "malformed y4m file: \"W-1\" makes no sense"),
            (with_header("W99999999999 H16"), "malformed y4m file: \"W99999999999\" makes no sense"),
            (with_header("W16 H16 F0:1"), "malformed y4m file: \"F0:1\" makes no sense"),
            (with_header("W16 H16 F1:0"), "malformed y4m file: \"F1:0\" makes no sense"),
            (with_header("W16 H16 F4294967295:1"), "malformed y4m file: \"F4294967295:1\" makes no sense"),
            (with_header("W16 H16 F30"), "malformed y4m file: \"F30\" makes no sense"),
            (
                with_header("W16 H16 C444"),
                "the y4m file has 444 pictures; convert it to 8-bit 4:2:0 (ffmpeg -pix_fmt yuv420p)",
            ),
            (
                with_header("W16 H16 C420p10"),
                "the y4m file has 420p10 pictures; convert it to 8-bit 4:2:0 (ffmpeg -pix_fmt yuv420p)",
            ),
            (b"YUV4MPEG2 W16 H16\n".to_vec(), "the y4m file holds no pictures"),
        ] {
            let message = open(&bytes).err().unwrap().to_string();
            assert_eq!(message, wanted);
        }
        for words in ["W17 H16", "W16 H15", "W0 H0", "W4294967295 H4294967295", "W100000 H2"] {
            let error = open(&with_header(words)).err().unwrap();
            assert!(matches!(error, Y4mError::Size(_)), "{words}: {error}");
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_noticed_wherever_it_does() {
        let (bytes, pool) = (clip(2), PicturePool::new(1));
        let header = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for length in header + 1..bytes.len() {
            let mut reader = open(&bytes[..length]).unwrap();
            let whole = (length - header) / 390;
            for _ in 0..whole {
                assert!(reader.read_picture(&pool).unwrap().is_some());
            }
            let rest = reader.read_picture(&pool);
            if (length - header).is_multiple_of(390) {
                assert!(rest.unwrap().is_none());
            } else {
                assert!(matches!(rest, Err(Y4mError::Truncated(picture)) if picture == whole as u64), "at {length}");
            }
            reader.rewind().unwrap();
        }
        let mut other = clip(1);
        other.extend_from_slice(b"NOISE\n");
        let mut reader = open(&other).unwrap();
        assert!(reader.read_picture(&pool).unwrap().is_some());
        assert_eq!(
            reader.read_picture(&pool).unwrap_err().to_string(),
            "malformed y4m file: picture 1 does not begin with FRAME"
        );
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut writer = Y4mWriter::new(Vec::new(), SIZE, FrameRate::new(30).unwrap()).unwrap();
        assert!(matches!(
            writer.write(&Picture::black(Size { width: 32, height: 16 })),
            Err(Y4mError::WrongSize { .. })
        ));
    }

    proptest! {
        #[test]
        fn hostile_files_never_panic(
            words in "([WHFICAX]?[0-9:420pjegmonµ]{0,8} ?){0,6}",
            body in proptest::collection::vec(any::<u8>(), 0..900),
        ) {
            let bytes = [format!("YUV4MPEG2 {words}\n").as_bytes(), &body].concat();
            for bytes in [&bytes, &body] {
                if let Ok(mut reader) = open(bytes) {
                    let pool = PicturePool::new(1);
                    while let Ok(Some(_)) = reader.read_picture(&pool) {}
                    reader.rewind().unwrap();
                }
            }
        }

        #[test]
        fn a_damaged_file_never_panics(at in 0..820usize, byte in any::<u8>()) {
            let mut bytes = clip(2);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(mut reader) = open(&bytes) {
                let pool = PicturePool::new(1);
                while let Ok(Some(_)) = reader.read_picture(&pool) {}
            }
        }
    }
}
