//! Pictures that need no camera: the test card and Y4M files, given at their own pace by a thread that ends at once when told.
//! A file's rate is kept, except that no more pictures than wanted pass.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use media_codec::{TestCard, Y4mReader, convert};
use media_core::{CapturedPicture, LatestSlot, Picture, PicturePool};

use crate::error::Notifier;
use crate::pace::{FrameGate, Schedule};
use crate::{CaptureError, CaptureNotice, VideoFormat};

/// Pictures in flight: one drawn, one in the slot, one encoded, one shown.
pub(crate) const POOL: usize = 4;

/// How long a stop waits for the thread, which only ever waits for its next picture.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// Pictures that a thread of their own gives, until this is dropped.
pub(crate) struct Paced {
    stop: Option<mpsc::Sender<()>>,
    ended: Receiver<()>,
}

impl Paced {
    /// Starts the thread.
    pub(crate) fn start(
        pictures: impl Pictures,
        format: VideoFormat,
        slot: Arc<LatestSlot<CapturedPicture>>,
        notify: Notifier,
    ) -> Result<Self, CaptureError> {
        let (stop, stopped) = mpsc::channel();
        let (ended_sender, ended) = mpsc::channel();
        let run = move || {
            play(pictures, format, slot, notify, stopped);
            drop(ended_sender);
        };
        let spawned = std::thread::Builder::new().name("pictures".into()).spawn(run);
        let failed =
            |error: std::io::Error| CaptureError::Failed { device: "the source".into(), reason: error.to_string() };
        spawned.map_err(failed)?;
        Ok(Self { stop: Some(stop), ended })
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.stop.take();
        // Ends when the thread drops its sender.
        let _ = self.ended.recv_timeout(STOP_LIMIT);
    }
}

/// Something that has one picture after another.
pub(crate) trait Pictures: Send + 'static {
    /// Pictures per second, as a fraction.
    fn rate(&self) -> (u32, u32);

    /// The picture with this number, counted from 0, which is due then.
    fn next(&mut self, index: u64, due: Instant) -> Result<Next, CaptureError>;
}

/// What comes next.
pub(crate) enum Next {
    Picture(Picture),
    /// Nothing this time.
    Nothing,
    /// Nothing any more.
    End,
}

/// The test card at the wanted size and rate.
pub(crate) struct Card {
    card: TestCard,
    format: VideoFormat,
    pool: PicturePool,
}

impl Card {
    pub(crate) fn new(format: VideoFormat) -> Self {
        Self { card: TestCard::new(format.size), format, pool: PicturePool::new(POOL) }
    }
}

impl Pictures for Card {
    fn rate(&self) -> (u32, u32) {
        (self.format.frame_rate.hz(), 1)
    }

    fn next(&mut self, index: u64, _: Instant) -> Result<Next, CaptureError> {
        let mut picture = self.pool.take(self.format.size);
        self.card.draw(index, &mut picture);
        Ok(Next::Picture(picture))
    }
}

/// A Y4M file, once or over and over.
pub(crate) struct Clip {
    path: PathBuf,
    reader: Y4mReader<BufReader<File>>,
    format: VideoFormat,
    once: bool,
    pool: PicturePool,
}

impl Clip {
    /// Opens a file and reads its first picture as a trial.
    pub(crate) fn open(path: &Path, once: bool, format: VideoFormat) -> Result<Self, CaptureError> {
        let error = |reason: String| CaptureError::File { path: path.to_owned(), reason };
        let file = File::open(path).map_err(|cause| error(cause.to_string()))?;
        let reader = Y4mReader::new(BufReader::new(file)).map_err(|cause| error(cause.to_string()))?;
        let mut clip = Self { path: path.to_owned(), reader, format, once, pool: PicturePool::new(POOL) };
        if clip.read()?.is_none() {
            return Err(error("there is no picture in it".to_owned()));
        }
        clip.rewind()?;
        Ok(clip)
    }

    fn read(&mut self) -> Result<Option<Picture>, CaptureError> {
        self.reader.read_picture(&self.pool).map_err(|cause| self.error(&cause))
    }

    fn rewind(&mut self) -> Result<(), CaptureError> {
        self.reader.rewind().map_err(|cause| self.error(&cause))
    }

    fn error(&self, cause: &impl ToString) -> CaptureError {
        CaptureError::File { path: self.path.clone(), reason: cause.to_string() }
    }
}

impl Pictures for Clip {
    fn rate(&self) -> (u32, u32) {
        self.reader.frame_rate()
    }

    fn next(&mut self, _: u64, _: Instant) -> Result<Next, CaptureError> {
        let mut picture = self.read()?;
        if picture.is_none() && !self.once {
            self.rewind()?;
            picture = self.read()?;
        }
        Ok(picture.map_or(Next::End, |picture| Next::Picture(fit(picture, self.format.size, &self.pool))))
    }
}

/// The picture at the wanted size: as it is, or scaled with bars where its shape differs.
pub(crate) fn fit(picture: Picture, size: media_core::Size, pool: &PicturePool) -> Picture {
    if picture.size() == size {
        return picture;
    }
    let mut scaled = pool.take(size);
    convert::scale(&picture, &mut scaled);
    scaled
}

/// Puts the pictures into the slot when they are due, until they end or `stop` is dropped.
fn play(
    mut pictures: impl Pictures,
    format: VideoFormat,
    slot: Arc<LatestSlot<CapturedPicture>>,
    notify: Notifier,
    stop: Receiver<()>,
) {
    let mut schedule = Schedule::new(Instant::now(), pictures.rate());
    let mut gate = FrameGate::new(format.frame_rate.interval());
    loop {
        let (index, due) = schedule.next(Instant::now());
        let picture = match pictures.next(index, due) {
            Ok(Next::Picture(picture)) => Some(picture),
            Ok(Next::Nothing) => None,
            Ok(Next::End) => return notify.tell(CaptureNotice::Ended),
            Err(error) => return notify.tell(CaptureNotice::Lost(error.to_string())),
        };
        let wait = due.saturating_duration_since(Instant::now());
        if stop.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        if let Some(picture) = picture
            && gate.admit(due)
        {
            // The due time, not the time of waking: what is sent is stamped without the scheduler's jitter.
            slot.put(CapturedPicture { picture: Arc::new(picture), captured_at: due });
        }
    }
}
