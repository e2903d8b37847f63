//! The call's source of pictures, as a part that can be exchanged: what is opened feeds the encoding thread from then on.
//! A file starts to play when the peer is there, so that none of it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_capture::{CaptureError, VideoCapture, VideoFormat, VideoSource};
use media_core::{CapturedPicture, LatestSlot};

use crate::changeable::{Part, Refused};
use crate::media::MediaNotice;
use crate::video_send::VideoSend;
use crate::voice::Voice;

/// Encoding thread and source.
pub(crate) struct Camera {
    send: VideoSend,
    format: VideoFormat,
    state: Mutex<State>,
}

struct State {
    source: Option<Source>,
    /// Whether somebody watches, so that files play.
    watched: bool,
}

/// A source that was opened.
pub(crate) struct Source {
    slot: Arc<LatestSlot<CapturedPicture>>,
    running: Running,
}

enum Running {
    Capture(VideoCapture),
    /// A file that was looked at and does not play yet.
    File(VideoSource, Arc<Voice>),
    /// It was told why.
    Failed,
}

impl Camera {
    /// `watched`: files play at once, instead of from [`Self::watch`] on.
    pub(crate) fn new(send: VideoSend, format: VideoFormat, watched: bool) -> Self {
        Self { send, format, state: Mutex::new(State { source: None, watched }) }
    }

    pub(crate) fn send(&self) -> &VideoSend {
        &self.send
    }

    /// The peer is there.
    pub(crate) fn watch(&self) {
        let mut state = self.lock();
        state.watched = true;
        if let Some(source) = &mut state.source {
            source.play(self.format);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// Starts what has not started.
    fn play(&mut self, format: VideoFormat) {
        let Running::File(source, voice) = &self.running else { return };
        let voice = voice.clone();
        self.running = match start(source, format, false, &self.slot, &voice) {
            Ok(capture) => {
                voice.say(MediaNotice::InUse(sending(&capture)));
                Running::Capture(capture)
            }
            Err(error) => {
                voice.lost(MediaNotice::Problem(format!("no pictures are sent: {error}")));
                Running::Failed
            }
        };
    }
}

impl Part for Camera {
    type Choice = VideoSource;
    type Device = Source;

    const KIND: &'static str = "camera";

    fn open(&self, choice: &VideoSource, make_do: bool, voice: &Arc<Voice>) -> Result<Source, Refused> {
        let refused = |error: CaptureError| Refused::new(error.is_busy(), &error);
        let slot = Arc::new(LatestSlot::new());
        let running = if matches!(choice, VideoSource::File { .. }) {
            media_capture::video::check(choice, self.format).map_err(refused)?;
            Running::File(choice.clone(), voice.clone())
        } else {
            Running::Capture(start(choice, self.format, make_do, &slot, voice).map_err(refused)?)
        };
        Ok(Source { slot, running })
    }

    /// A camera cannot be open twice, and `auto` would take another one while we have the first.
    fn is_in_use(&self, choice: &VideoSource) -> bool {
        let state = self.lock();
        let camera = match &state.source {
            Some(Source { running: Running::Capture(capture), .. }) => capture.camera(),
            _ => None,
        };
        camera.is_some_and(|id| match choice {
            VideoSource::Camera(asked) => *asked == id,
            VideoSource::Auto => true,
            _ => false,
        })
    }

    fn put(&self, mut source: Option<Source>) -> Option<Source> {
        let mut state = self.lock();
        if let Some(source) = &mut source {
            if state.watched {
                source.play(self.format);
            }
            self.send.take_from(source.slot.clone(), Self::name(source).is_some());
        }
        std::mem::replace(&mut state.source, source)
    }

    fn retire(&self, source: Source) -> Result<(), String> {
        drop(source);
        Ok(())
    }

    fn name(source: &Source) -> Option<String> {
        match &source.running {
            Running::Capture(capture) => capture.works().then(|| capture.description().to_owned()),
            Running::File(file, _) => match file {
                VideoSource::File { path, .. } => Some(path.display().to_string()),
                _ => None,
            },
            Running::Failed => None,
        }
    }

    fn announcement(source: &Source) -> Option<String> {
        match &source.running {
            Running::Capture(capture) => Some(sending(capture)),
            // Told when it plays.
            Running::File(..) | Running::Failed => None,
        }
    }
}

fn start(
    source: &VideoSource,
    format: VideoFormat,
    make_do: bool,
    slot: &Arc<LatestSlot<CapturedPicture>>,
    voice: &Arc<Voice>,
) -> Result<VideoCapture, CaptureError> {
    let voice = voice.clone();
    let notify = move |notice| voice.captured(Camera::KIND, notice);
    media_capture::video::start(source, format, make_do, slot.clone(), notify)
}

fn sending(capture: &VideoCapture) -> String {
    match capture.works() {
        true => format!("sending pictures from {}", capture.description()),
        false => "no pictures are sent".to_owned(),
    }
}
