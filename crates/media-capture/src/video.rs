//! Starts a source of pictures on its own thread; pictures arrive in a slot at the size asked for and at most at the rate asked for.
//! Stopping is bounded: a camera driver that does not return is left behind.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use media_core::{CapturedPicture, FrameRate, LatestSlot, Size};

use crate::camera::CameraCapture;
use crate::clip::{self, Card, Clip, Pictures};
use crate::error::Notifier;
use crate::program::Drawn;
use crate::{CaptureError, CaptureNotice, VideoSource, list_cameras};

/// How long a stop waits for the thread of a file or the test card, which only ever waits for its next picture.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// The pictures wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFormat {
    /// Every picture has this size; one of another shape gets bars.
    pub size: Size,
    /// No more pictures per second than this.
    pub frame_rate: FrameRate,
}

/// A source of pictures that runs. Dropping it stops it.
pub struct VideoCapture {
    description: String,
    size: Size,
    running: Running,
}

enum Running {
    Nothing,
    Paced {
        stop: Option<mpsc::Sender<()>>,
        ended: mpsc::Receiver<()>,
    },
    /// Stops by being dropped.
    Camera(CameraCapture),
}

/// Starts a source. Blocks until a camera is open or has failed, at most five seconds. `notify` is called from the source's thread
/// (a fallback: from this one) and must not block.
///
/// # Errors
/// When the source named cannot be used; `auto` falls back to the test card instead.
pub fn start(
    source: &VideoSource,
    format: VideoFormat,
    slot: Arc<LatestSlot<CapturedPicture>>,
    notify: impl Fn(CaptureNotice) + Send + 'static,
) -> Result<VideoCapture, CaptureError> {
    let notify = Notifier::new(notify);
    let (description, running) = match source {
        VideoSource::None => ("no pictures".to_owned(), Running::Nothing),
        VideoSource::TestCard => test_card(format, slot, notify)?,
        VideoSource::File { path, once } => {
            let clip = Clip::open(path, *once, format)?;
            (path.display().to_string(), paced(clip, format, slot, notify)?)
        }
        VideoSource::Program(maker) => {
            ("the program".to_owned(), paced(Drawn::new(maker.clone(), format), format, slot, notify)?)
        }
        VideoSource::Camera(id) => from_camera(id, format, slot, notify)?,
        VideoSource::Auto => first_camera(format, &slot, &notify).or_else(|reason| {
            notify.tell(CaptureNotice::Fallback(format!("{reason}; showing the test card instead")));
            test_card(format, slot, notify)
        })?,
    };
    Ok(VideoCapture { description, size: format.size, running })
}

/// Looks at a file without playing it; other sources are looked at when they start.
///
/// # Errors
/// When the file cannot be read, or is not what it should be.
pub fn check(source: &VideoSource, format: VideoFormat) -> Result<(), CaptureError> {
    match source {
        VideoSource::File { path, once } => Clip::open(path, *once, format).map(drop),
        _ => Ok(()),
    }
}

type Slot = Arc<LatestSlot<CapturedPicture>>;
type Started = (String, Running);

/// The first camera that opens, or why the last one did not.
fn first_camera(format: VideoFormat, slot: &Slot, notify: &Notifier) -> Result<Started, CaptureError> {
    let mut failure = CaptureError::NoCamera;
    for camera in list_cameras() {
        match from_camera(&camera.id, format, Arc::clone(slot), notify.clone()) {
            Ok(started) => return Ok(started),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn from_camera(id: &str, format: VideoFormat, slot: Slot, notify: Notifier) -> Result<Started, CaptureError> {
    let camera = CameraCapture::start(id, format, slot, notify)?;
    Ok((camera.description().to_owned(), Running::Camera(camera)))
}

fn test_card(format: VideoFormat, slot: Slot, notify: Notifier) -> Result<Started, CaptureError> {
    Ok(("test card".to_owned(), paced(Card::new(format), format, slot, notify)?))
}

fn paced(pictures: impl Pictures, format: VideoFormat, slot: Slot, notify: Notifier) -> Result<Running, CaptureError> {
    let (stop, stopped) = mpsc::channel();
    let (ended_sender, ended) = mpsc::channel();
    let run = move || {
        clip::play(pictures, format, slot, notify, stopped);
        drop(ended_sender);
    };
    let spawned = std::thread::Builder::new().name("pictures".into()).spawn(run);
    spawned.map_err(|error| CaptureError::Failed { device: "the source".into(), reason: error.to_string() })?;
    Ok(Running::Paced { stop: Some(stop), ended })
}

impl VideoCapture {
    /// What the pictures come from, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it gives pictures: `none` does not.
    pub fn works(&self) -> bool {
        !matches!(self.running, Running::Nothing)
    }

    /// The id of the camera, if it is one.
    pub fn camera(&self) -> Option<&str> {
        match &self.running {
            Running::Camera(camera) => Some(camera.id()),
            Running::Nothing | Running::Paced { .. } => None,
        }
    }

    /// The size of every picture.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Ends the source: no picture comes after this returns, at most half a second later (a second with a camera).
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for VideoCapture {
    fn drop(&mut self) {
        if let Running::Paced { stop, ended } = &mut self.running {
            stop.take();
            // Ends when the thread drops its sender.
            let _ = ended.recv_timeout(STOP_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests;
