//! Starts a source of pictures on its own thread; pictures arrive in a slot at the size asked for and at most at the rate asked for.
//! Stopping is bounded: a camera driver that does not return is left behind.

use std::sync::Arc;

use media_core::{CapturedPicture, FrameRate, LatestSlot, Size};

use crate::camera::{CameraCapture, CameraChoice};
use crate::clip::{Card, Clip, Paced};
use crate::error::Notifier;
use crate::program::Drawn;
use crate::{CaptureError, CaptureNotice, VideoSource};

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
    Paced(#[expect(dead_code, reason = "stops by being dropped")] Paced),
    Camera(CameraCapture),
}

/// Starts a source. Blocks until a camera is open or has failed, at most five seconds. `notify` is called from the source's thread
/// (a fallback: from this one) and must not block. `make_do`: a camera that was chosen and is not there gives way, as `auto` would
/// have it, until it is.
///
/// # Errors
/// When the source named cannot be used; `auto` falls back to the test card instead, until there is a camera.
pub fn start(
    source: &VideoSource,
    format: VideoFormat,
    make_do: bool,
    slot: Arc<LatestSlot<CapturedPicture>>,
    notify: impl Fn(CaptureNotice) + Send + 'static,
) -> Result<VideoCapture, CaptureError> {
    let notify = Notifier::new(notify);
    let (description, running) = match source {
        VideoSource::None => ("no pictures".to_owned(), Running::Nothing),
        VideoSource::TestCard => test_card(format, slot, notify).map(|(name, card)| (name, Running::Paced(card)))?,
        VideoSource::File { path, once } => {
            let clip = Paced::start(Clip::open(path, *once, format)?, format, slot, notify)?;
            (path.display().to_string(), Running::Paced(clip))
        }
        VideoSource::Program(maker) => {
            let drawn = Paced::start(Drawn::new(maker.clone(), format), format, slot, notify)?;
            ("the program".to_owned(), Running::Paced(drawn))
        }
        VideoSource::Camera(id) if !make_do => {
            let camera = CameraCapture::start(CameraChoice::Only(id.clone()), format, slot, notify);
            (camera.opened()?.to_owned(), Running::Camera(camera))
        }
        VideoSource::Camera(id) => camera_or_card(Some(id.clone()), format, slot, notify)?,
        VideoSource::Auto => camera_or_card(None, format, slot, notify)?,
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

/// The chosen camera or another, else the test card until there is one.
fn camera_or_card(
    chosen: Option<String>,
    format: VideoFormat,
    slot: Slot,
    notify: Notifier,
) -> Result<(String, Running), CaptureError> {
    let camera = CameraCapture::start(CameraChoice::Rather(chosen), format, Arc::clone(&slot), notify.clone());
    let description = match camera.opened() {
        Ok(description) => description.to_owned(),
        Err(reason) => {
            notify.tell(CaptureNotice::Fallback(format!("{reason}; showing the test card until there is one")));
            let (description, card) = test_card(format, slot, notify)?;
            camera.stand_in(card);
            description
        }
    };
    Ok((description, Running::Camera(camera)))
}

fn test_card(format: VideoFormat, slot: Slot, notify: Notifier) -> Result<(String, Paced), CaptureError> {
    Ok(("test card".to_owned(), Paced::start(Card::new(format), format, slot, notify)?))
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

    /// The id of the camera that gives the pictures now, if one does.
    pub fn camera(&self) -> Option<String> {
        match &self.running {
            Running::Camera(camera) => camera.id(),
            Running::Nothing | Running::Paced(_) => None,
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

#[cfg(test)]
mod tests;
