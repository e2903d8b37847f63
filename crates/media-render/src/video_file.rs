//! Records what a window would have shown into a Y4M file, on a thread of its own: one picture per frame interval from the begin on,
//! the last one repeated while nothing new comes, so that the file is as long as the call.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Instant;

use media_codec::{Y4mWriter, convert};
use media_core::{FrameRate, Picture, Size};

use crate::RenderError;
use crate::film::{Film, Stretch};

/// Pictures that wait for the disk: half a second at 60 Hz, after which the disk is too slow for this rate anyway.
const QUEUE: usize = 32;
/// Size of the black pictures of a call in which nothing was ever shown.
const NOTHING_SHOWN: Size = Size { width: 320, height: 180 };

/// A recording that runs. Dropping it without [`VideoFile::finish`] leaves what was written so far.
pub struct VideoFile {
    path: PathBuf,
    commands: SyncSender<Command>,
    thread: JoinHandle<Result<(), RenderError>>,
    dropped: u64,
}

enum Command {
    Begin(Instant),
    Show(Instant, Arc<Picture>),
    Finish(Instant),
}

impl VideoFile {
    /// Creates or overwrites the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path, frame_rate: FrameRate) -> Result<Self, RenderError> {
        let file = File::create(path).map_err(|cause| RenderError::file(path, &cause))?;
        let (commands, inbox) = mpsc::sync_channel(QUEUE);
        let recorder = Recorder { path: path.to_owned(), rate: frame_rate, output: Output::Empty(file), black: 0 };
        let film = Film::new(frame_rate);
        let thread = std::thread::Builder::new().name("video-file".into()).spawn(move || recorder.run(film, &inbox));
        let thread = thread.map_err(|cause| RenderError::file(path, &cause))?;
        Ok(Self { path: path.to_owned(), commands, thread, dropped: 0 })
    }

    /// Starts the recording at `now`; what is shown earlier counts as shown at the start.
    pub fn begin(&self, now: Instant) {
        // Waits for room: a recording without a begin would be empty.
        let _ = self.commands.send(Command::Begin(now));
    }

    /// A picture is shown at `now`, which may be its due time. Never waits: when the disk is far behind, the picture is left out.
    pub fn show(&mut self, now: Instant, picture: Arc<Picture>) {
        match self.commands.try_send(Command::Show(now, picture)) {
            Ok(()) => {}
            // Disconnected: the thread has met an error, which `finish` reports.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped += 1,
        }
    }

    /// Pictures left out because the disk was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Repeats the last picture up to `now` and completes the file. Waits for the disk.
    ///
    /// # Errors
    /// When the file could not be written in full.
    pub fn finish(self, now: Instant) -> Result<(), RenderError> {
        let _ = self.commands.send(Command::Finish(now));
        drop(self.commands);
        self.thread.join().unwrap_or_else(|_| Err(RenderError::file(&self.path, &"the recording broke off")))
    }
}

struct Recorder {
    path: PathBuf,
    rate: FrameRate,
    output: Output,
    /// Black pictures owed from before the size was known.
    black: u64,
}

enum Output {
    /// Nothing is written before the first picture tells the size.
    Empty(File),
    Open {
        writer: Y4mWriter<File>,
        canvas: Picture,
    },
    Closed,
}

impl Recorder {
    fn run(mut self, mut film: Film, inbox: &mpsc::Receiver<Command>) -> Result<(), RenderError> {
        loop {
            // Without news, what is due is written all the same: a process that dies leaves a file that is nearly complete.
            let stretch = match inbox.recv_timeout(film.interval() * 30) {
                Ok(Command::Begin(at)) => {
                    film.begin(at);
                    None
                }
                Ok(Command::Show(at, picture)) => {
                    let size = picture.size();
                    let stretch = film.show(at, picture);
                    self.write(stretch)?;
                    self.open(size)?;
                    None
                }
                Ok(Command::Finish(at)) => {
                    let rest = film.advance(at);
                    self.write(rest)?;
                    return self.close();
                }
                // Half of the waiting time stays open for pictures that are on their way here.
                Err(RecvTimeoutError::Timeout) => {
                    Instant::now().checked_sub(film.interval() * 15).and_then(|until| film.advance(until))
                }
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            };
            self.write(stretch)?;
        }
    }

    fn write(&mut self, stretch: Option<Stretch>) -> Result<(), RenderError> {
        let Some(Stretch { picture, times }) = stretch else { return Ok(()) };
        match (&mut self.output, picture) {
            (Output::Open { writer, canvas }, picture) => {
                if let Some(picture) = picture {
                    convert::scale(&picture, canvas);
                }
                (0..times).try_for_each(|_| writer.write(canvas)).map_err(|cause| RenderError::file(&self.path, &cause))
            }
            (Output::Empty(_) | Output::Closed, _) => {
                self.black += times;
                Ok(())
            }
        }
    }

    /// Writes the header and the black pictures owed, once.
    fn open(&mut self, size: Size) -> Result<(), RenderError> {
        let file = match std::mem::replace(&mut self.output, Output::Closed) {
            Output::Empty(file) => file,
            open => {
                self.output = open;
                return Ok(());
            }
        };
        let error = |cause: media_codec::Y4mError| RenderError::file(&self.path, &cause);
        let writer = Y4mWriter::new(file, size, self.rate).map_err(error)?;
        self.output = Output::Open { writer, canvas: Picture::black(size) };
        let times = std::mem::take(&mut self.black);
        self.write(Some(Stretch { picture: None, times }))
    }

    fn close(mut self) -> Result<(), RenderError> {
        self.open(NOTHING_SHOWN)?;
        match self.output {
            Output::Open { writer, .. } => {
                writer.finish().map(drop).map_err(|cause| RenderError::file(&self.path, &cause))
            }
            Output::Empty(_) | Output::Closed => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;
    use std::time::Duration;

    use media_codec::{Y4mReader, draw_stamp, read_stamp};
    use media_core::PicturePool;

    use super::*;

    fn rate() -> FrameRate {
        FrameRate::new(30).expect("a valid rate")
    }

    fn stamped(width: u32, height: u32, number: u32) -> Arc<Picture> {
        let mut picture = Picture::black(Size::new(width, height).expect("a valid size"));
        draw_stamp(&mut picture, number);
        Arc::new(picture)
    }

    fn stamps(path: &Path) -> (Size, Vec<Option<u32>>) {
        let file = File::open(path).expect("the file exists");
        let mut reader = Y4mReader::new(BufReader::new(file)).expect("a Y4M file");
        let pool = PicturePool::new(1);
        let pictures = std::iter::from_fn(|| reader.read_picture(&pool).expect("whole pictures"));
        let stamps = pictures.map(|picture| read_stamp(&picture)).collect();
        (reader.size(), stamps)
    }

    #[test]
    fn the_file_holds_black_then_each_picture_then_the_frozen_last_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.y4m");
        let mut file = VideoFile::create(&path, rate()).expect("the file can be created");
        let begun = Instant::now();
        let at = |index: u64| begun + Duration::from_millis(index * 1000 / 30);
        file.begin(begun);
        for number in 3..6 {
            file.show(at(number), stamped(320, 180, number as u32));
        }
        // A larger picture, as after a change of the peer's camera.
        file.show(at(6), stamped(640, 360, 6));
        file.finish(at(9)).expect("the file can be completed");
        let expected = [None, None, None, Some(3), Some(4), Some(5), Some(6), Some(6), Some(6)];
        assert_eq!(stamps(&path), (Size { width: 320, height: 180 }, expected.to_vec()));
    }

    #[test]
    fn a_call_without_pictures_is_black_for_its_length() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.y4m");
        let file = VideoFile::create(&path, rate()).expect("the file can be created");
        let begun = Instant::now();
        file.begin(begun);
        file.finish(begun + Duration::from_secs(1)).expect("the file can be completed");
        assert_eq!(stamps(&path), (NOTHING_SHOWN, vec![None; 30]));
    }

    #[test]
    fn a_call_that_never_began_leaves_a_file_without_pictures() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.y4m");
        let mut file = VideoFile::create(&path, rate()).expect("the file can be created");
        file.show(Instant::now(), stamped(64, 64, 1));
        file.finish(Instant::now()).expect("the file can be completed");
        let written = std::fs::read_to_string(&path).expect("a header is text");
        assert!(written.starts_with("YUV4MPEG2 W64 H64 F30:1") && written.lines().count() == 1, "{written}");
    }

    #[test]
    fn errors_name_the_file() {
        let error = VideoFile::create(Path::new("/no/such/folder/out.y4m"), rate()).err().expect("cannot be created");
        assert!(error.to_string().starts_with("/no/such/folder/out.y4m: "), "{error}");
        let Ok(mut full) = VideoFile::create(Path::new("/dev/full"), rate()) else { return };
        let begun = Instant::now();
        full.begin(begun);
        full.show(begun, stamped(64, 64, 1));
        let error = full.finish(begun + Duration::from_secs(1)).expect_err("the device is full");
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    }
}
