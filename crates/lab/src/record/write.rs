//! Writes a record, for callers written in Rust: line by line as things happen, with no more memory than the files' buffers.
//! It writes to disk from the media threads that call it, and a failure to write is told at the end.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use media_core::Picture;

use super::{PeerRecord, Second};
use crate::media::stamp;

/// Every picture with a number divisible by this is kept.
const KEPT_EVERY: u32 = 30;

/// Writes the record of a caller.
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
    use crate::record::{Record, RenderedPicture, SentPicture};
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
        let read =
            RenderedPicture { rendered_us: 1_133_000, index: Some(60), captured_us: Some(1_000_000), ..unreadable };
        assert_eq!(record.rendered, [unreadable, read]);
        assert_eq!(record.seconds, [second]);
        assert_eq!((record.kept[0].index, record.kept[0].width, record.kept[0].height), (60, 320, 180));
        assert!(record.sound.is_empty());
    }
}
