//! What a caller leaves of its run in a folder: the same files whoever the caller is, so that all are judged alike.
//! All times are microseconds of Unix time; an empty cell of a table, or `null`, is what could not be measured.
//!
//! | file | what |
//! |---|---|
//! | `peer.json` | [`PeerRecord`] |
//! | `sent.csv` | `index,captured_us`: one line a captured picture, [`SentPicture`] |
//! | `pictures.csv` | `rendered_us,index,captured_us,width,height`: one line a rendered picture, [`RenderedPicture`] |
//! | `seconds.csv` | `at_us,target_bps,frames_encoded,qp_sum,frames_decoded,rtt_ms`: one line a second, [`Second`] |
//! | `sound.wav` | what was played: 48 kHz mono, 16 bit; its first sample at [`PeerRecord::sound_origin_us`] |
//! | `kept/INDEX-WIDTHxHEIGHT.i420` | every 30th rendered picture (INDEX a multiple of 30, decimal), raw |
//!
//! A caller is started with its orders in the environment, and ends by itself:
//!
//! | variable | meaning |
//! |---|---|
//! | `LAB_FOLDER` | the folder above; it exists and is empty |
//! | `LAB_SERVER` | signaling, an Ayame server: `ws://HOST:PORT/signaling` |
//! | `LAB_ROOM` | the room |
//! | `LAB_SECONDS` | hang up that long after the connection stood |
//! | `LAB_WAIT` | give up (exit code 1, `error` in `peer.json`) when no connection stood after that many seconds |
//! | `LAB_SCENE` | a file of raw I420 pictures of `LAB_SIZE`, shown forwards, then backwards, and so on |
//! | `LAB_SOUND` | the WAV file that is sent over and over ([`crate::media::sound`]) |
//! | `LAB_SIZE`, `LAB_FPS` | `1280x720`, `30` |
//! | `LAB_CODEC` | `h264` or `vp8`: the only one to offer |
//! | `LAB_MAX_BITRATE` | bits per second, sound and picture together |

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use media_core::Picture;
use serde::{Deserialize, Serialize};

use crate::media::stamp;

/// `peer.json`: who the caller is, when it did what, and what it counts itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerRecord {
    /// `ringback`, `chromium`, `aiortc`, `libwebrtc-node`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it sent its pictures with, as negotiated: `h264`, `vp8`.
    pub codec: Option<String>,
    /// Why there is nothing to judge.
    pub error: Option<String>,
    /// When its program began.
    pub started_us: Option<u64>,
    /// When the offer was made or came.
    pub offer_us: Option<u64>,
    /// When the transport (DTLS) was connected.
    pub connected_us: Option<u64>,
    /// When the call ended.
    pub ended_us: Option<u64>,
    /// When the first sample of the sound file was captured; the others follow at 48 kHz.
    pub sound_sent_origin_us: Option<u64>,
    /// When the first sample of `sound.wav` was played; the others follow at 48 kHz.
    pub sound_origin_us: Option<u64>,
    /// Samples played in all, and those of them that were made up.
    pub sound_samples: Option<u64>,
    /// See above.
    pub sound_concealed_samples: Option<u64>,
    /// Freezes that it counts itself (W3C webrtc-stats, freezeCount), to compare.
    pub own_freezes: Option<u64>,
}

/// A line of `sent.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentPicture {
    /// Number of the picture, from 0.
    pub index: u32,
    /// When it was captured, that is, handed to the caller.
    pub captured_us: u64,
}

/// A line of `pictures.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderedPicture {
    /// When it was handed to the screen.
    pub rendered_us: u64,
    /// What its stamp says; both `None` when it cannot be read.
    pub index: Option<u32>,
    /// See above.
    pub captured_us: Option<u64>,
    /// Its size as decoded.
    pub width: u32,
    /// See above.
    pub height: u32,
}

/// A line of `seconds.csv`: counters since the beginning, and states, as they stand at that time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// When.
    pub at_us: u64,
    /// What its bandwidth estimate allows now, bits per second.
    pub target_bps: Option<f64>,
    /// Pictures encoded.
    pub frames_encoded: Option<u64>,
    /// Sum of their quantisers, on the codec's scale.
    pub qp_sum: Option<u64>,
    /// Pictures decoded.
    pub frames_decoded: Option<u64>,
    /// Round-trip time as it measures it, milliseconds.
    pub rtt_ms: Option<f64>,
}

/// Every picture with a number divisible by this is kept.
const KEPT_EVERY: u32 = 30;

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file that cannot be read.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A line that is not what it should be.
    #[error("{}:{line}: {cell:?} is no value of column {column}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column's name.
        column: &'static str,
        /// What stands there.
        cell: String,
    },
}

/// A picture that was kept, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Number of the picture.
    pub index: u32,
    /// Its size.
    pub width: u32,
    /// See above.
    pub height: u32,
    /// The raw I420 file.
    pub path: PathBuf,
}

/// All that a caller left, read.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// `peer.json`.
    pub peer: PeerRecord,
    /// `sent.csv`.
    pub sent: Vec<SentPicture>,
    /// `pictures.csv`.
    pub rendered: Vec<RenderedPicture>,
    /// `seconds.csv`.
    pub seconds: Vec<Second>,
    /// `sound.wav`; empty when there is none.
    pub sound: Vec<f32>,
    /// `kept/`.
    pub kept: Vec<Kept>,
}

impl Record {
    /// Reads a folder. Only `peer.json` must be there: a caller that failed may have left nothing else.
    ///
    /// # Errors
    /// A file that cannot be read or is malformed, with the line.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let at = |name: &str| folder.join(name);
        let failed = |path: PathBuf| move |cause: io::Error| RecordError::File { path, cause };
        let peer = fs::read(at("peer.json")).map_err(failed(at("peer.json")))?;
        let peer = serde_json::from_slice(&peer).map_err(|error| failed(at("peer.json"))(error.into()))?;
        let sound = match at("sound.wav") {
            path if path.exists() => crate::media::sound::load(&path).map_err(failed(path))?,
            _ => Vec::new(),
        };
        let sent = table(&at("sent.csv"), |row| {
            Ok(SentPicture { index: row.value("index")?, captured_us: row.value("captured_us")? })
        })?;
        let rendered = table(&at("pictures.csv"), |row| {
            Ok(RenderedPicture {
                rendered_us: row.value("rendered_us")?,
                index: row.optional("index")?,
                captured_us: row.optional("captured_us")?,
                width: row.value("width")?,
                height: row.value("height")?,
            })
        })?;
        let seconds = table(&at("seconds.csv"), |row| {
            Ok(Second {
                at_us: row.value("at_us")?,
                target_bps: row.optional("target_bps")?,
                frames_encoded: row.optional("frames_encoded")?,
                qp_sum: row.optional("qp_sum")?,
                frames_decoded: row.optional("frames_decoded")?,
                rtt_ms: row.optional("rtt_ms")?,
            })
        })?;
        Ok(Self { peer, sent, rendered, seconds, sound, kept: kept(&at("kept")) })
    }
}

/// The pictures in the folder, in the order of their numbers; files of other names are passed over.
fn kept(folder: &Path) -> Vec<Kept> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut kept: Vec<Kept> = files
        .filter_map(|path| {
            let (index, size) = path.file_stem()?.to_str()?.split_once('-')?;
            let (width, height) = size.split_once('x')?;
            let (index, width, height) = (index.parse().ok()?, width.parse().ok()?, height.parse().ok()?);
            Some(Kept { index, width, height, path })
        })
        .collect();
    kept.sort_by_key(|kept| kept.index);
    kept
}

/// A line of a table.
struct Row<'a> {
    path: &'a Path,
    line: usize,
    columns: &'a [&'a str],
    cells: Vec<&'a str>,
}

impl Row<'_> {
    fn optional<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, RecordError> {
        let at = self.columns.iter().position(|name| *name == column);
        let cell = at.and_then(|at| self.cells.get(at)).map_or("", |cell| cell.trim());
        if cell.is_empty() {
            return Ok(None);
        }
        cell.parse().map(Some).map_err(|_| self.wrong(column, cell))
    }

    fn value<T: FromStr>(&self, column: &'static str) -> Result<T, RecordError> {
        self.optional(column)?.ok_or_else(|| self.wrong(column, ""))
    }

    fn wrong(&self, column: &'static str, cell: &str) -> RecordError {
        RecordError::Cell { path: self.path.to_owned(), line: self.line, column, cell: cell.to_owned() }
    }
}

/// The rows of a table whose first line names its columns; no file, no rows. A last line that was cut off is left out.
fn table<T>(path: &Path, read: impl Fn(&Row) -> Result<T, RecordError>) -> Result<Vec<T>, RecordError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(RecordError::File { path: path.to_owned(), cause }),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines().enumerate();
    let columns: Vec<&str> = lines.next().map_or("", |(_, line)| line).split(',').map(str::trim).collect();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| read(&Row { path, line: at + 1, columns: &columns, cells: line.split(',').collect() }))
        .collect()
}

/// Writes the record of a caller, line by line as things happen. A failure to write is told at the end.
pub struct Recorder {
    folder: PathBuf,
    sent: Table,
    pictures: Table,
    seconds: Table,
    failure: Option<io::Error>,
}

impl Recorder {
    /// Begins the files in a folder that is there.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join("kept"))?;
        Ok(Self {
            folder: folder.to_owned(),
            sent: Table::create(folder, "sent.csv", "index,captured_us")?,
            pictures: Table::create(folder, "pictures.csv", "rendered_us,index,captured_us,width,height")?,
            seconds: Table::create(
                folder,
                "seconds.csv",
                "at_us,target_bps,frames_encoded,qp_sum,frames_decoded,rtt_ms",
            )?,
            failure: None,
        })
    }

    /// A picture was captured.
    pub fn sent(&mut self, index: u32, captured_us: u64) {
        let result = self.sent.row(&[&index, &captured_us]);
        self.note(result);
    }

    /// A picture was handed to the screen.
    pub fn rendered(&mut self, rendered_us: u64, picture: &Picture) {
        let stamp = stamp::read(picture);
        let size = picture.size();
        let index = cell(stamp.map(|stamp| stamp.index));
        let captured = cell(stamp.map(|stamp| stamp.captured_us(rendered_us)));
        let result = self.pictures.row(&[&rendered_us, &index, &captured, &size.width, &size.height]);
        self.note(result);
        if let Some(stamp) = stamp.filter(|stamp| stamp.index.is_multiple_of(KEPT_EVERY)) {
            let name = format!("kept/{}-{}x{}.i420", stamp.index, size.width, size.height);
            let result = fs::write(self.folder.join(name), picture.as_bytes());
            self.note(result);
        }
    }

    /// A second has passed.
    pub fn second(&mut self, second: &Second) {
        let Second { at_us, target_bps, frames_encoded, qp_sum, frames_decoded, rtt_ms } = *second;
        let cells = [cell(target_bps), cell(frames_encoded), cell(qp_sum), cell(frames_decoded), cell(rtt_ms)];
        let [target, encoded, qp, decoded, rtt] = &cells;
        let result = self.seconds.row(&[&at_us, target, encoded, qp, decoded, rtt]);
        self.note(result);
    }

    /// Completes the record.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(mut self, peer: &PeerRecord) -> io::Result<()> {
        for table in [&mut self.sent, &mut self.pictures, &mut self.seconds] {
            table.0.flush()?;
        }
        fs::write(self.folder.join("peer.json"), serde_json::to_vec_pretty(peer)?)?;
        self.failure.map_or(Ok(()), Err)
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}

fn cell(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

struct Table(BufWriter<File>);

impl Table {
    fn create(folder: &Path, name: &str, header: &str) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(folder.join(name))?);
        writeln!(file, "{header}")?;
        Ok(Self(file))
    }

    fn row(&mut self, cells: &[&dyn Display]) -> io::Result<()> {
        for (at, cell) in cells.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(self.0, "{comma}{cell}")?;
        }
        writeln!(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::Size;

    #[test]
    fn what_is_recorded_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut recorder = Recorder::create(folder.path()).expect("writable");
        let mut picture = Picture::black(Size::new(320, 180).expect("possible"));
        recorder.sent(60, 1_000_000);
        recorder.rendered(1_100_000, &picture);
        stamp::draw(&mut picture, 60, 1_000_000);
        recorder.rendered(1_133_000, &picture);
        let second = Second { at_us: 2_000_000, target_bps: Some(1.5e6), ..Second::default() };
        recorder.second(&second);
        let peer = PeerRecord { name: "ringback".into(), ..PeerRecord::default() };
        recorder.finish(&peer).expect("written");

        let record = Record::read(folder.path()).expect("readable");
        assert_eq!(record.peer, peer);
        assert_eq!(record.sent, [SentPicture { index: 60, captured_us: 1_000_000 }]);
        let unreadable =
            RenderedPicture { rendered_us: 1_100_000, index: None, captured_us: None, width: 320, height: 180 };
        let read = RenderedPicture {
            rendered_us: 1_133_000,
            index: Some(60),
            captured_us: Some(1_000_000),
            ..unreadable
        };
        assert_eq!(record.rendered, [unreadable, read]);
        assert_eq!(record.seconds, [second]);
        assert_eq!((record.kept[0].index, record.kept[0].width, record.kept[0].height), (60, 320, 180));
        assert!(record.sound.is_empty());
    }

    #[test]
    fn a_wrong_cell_is_named_and_a_cut_off_line_is_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
        assert!(Record::read(folder.path()).unwrap_err().to_string().contains("peer.json"));
        write("peer.json", r#"{"name":"x","version":"1","unknown":{}}"#);
        write("sent.csv", "captured_us,index\n5,1\n\n7,2\n9");
        let sent = Record::read(folder.path()).expect("readable").sent;
        assert_eq!(sent.iter().map(|sent| sent.index).collect::<Vec<_>>(), [1, 2]);
        write("sent.csv", "index,captured_us\n1,5\n2,soon\n");
        let error = Record::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(r#"sent.csv:3: "soon" is no value of column captured_us"#), "{error}");
    }
}
