//! Reads a record. Empty cells are `None`, unknown columns are passed over, and a line that was cut off is left out.
//! What cannot be understood is named with its file and line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{PeerRecord, RenderedPicture, Second, SentPicture};
use crate::media::sound;

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
    /// `sent.csv`, in order of time.
    pub sent: Vec<SentPicture>,
    /// `pictures.csv`, in order of time.
    pub rendered: Vec<RenderedPicture>,
    /// `seconds.csv`, in order of time.
    pub seconds: Vec<Second>,
    /// `sound.wav`; empty when there is none.
    pub sound: Vec<f32>,
    /// `kept/`.
    pub kept: Vec<Kept>,
}

impl PeerRecord {
    /// Reads `peer.json` alone.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join("peer.json");
        let read = fs::read(&path).and_then(|json| Ok(serde_json::from_slice(&json)?));
        read.map_err(|cause| RecordError::File { path, cause })
    }
}

impl Record {
    /// Reads a folder. Only `peer.json` must be there: a caller that failed may have left nothing else.
    ///
    /// # Errors
    /// A file that cannot be read or is malformed, with the line.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let at = |name: &str| folder.join(name);
        let failed = |path: PathBuf| move |cause: io::Error| RecordError::File { path, cause };
        let peer = PeerRecord::read(folder)?;
        let sound = match at("sound.wav") {
            path if path.exists() => sound::load(&path).map_err(failed(path))?,
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
        let mut record = Self { peer, sent, rendered, seconds, sound, kept: kept(&at("kept")) };
        // Several threads of a caller may have written.
        record.sent.sort_by_key(|picture| picture.captured_us);
        record.rendered.sort_by_key(|picture| picture.rendered_us);
        record.seconds.sort_by_key(|second| second.at_us);
        Ok(record)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_cell_is_named_and_a_cut_off_line_is_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
        assert!(Record::read(folder.path()).unwrap_err().to_string().contains("peer.json"));
        write("peer.json", r#"{"name":"x","version":"1","unknown":{}}"#);
        write("sent.csv", "captured_us,other,index\n7,,2\n\n5,x,1\n9");
        let sent = Record::read(folder.path()).expect("readable").sent;
        assert_eq!(sent.iter().map(|sent| sent.index).collect::<Vec<_>>(), [1, 2]);
        write("sent.csv", "index,captured_us\n1,5\n2,soon\n");
        let error = Record::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(r#"sent.csv:3: "soon" is no value of column captured_us"#), "{error}");
    }
}
