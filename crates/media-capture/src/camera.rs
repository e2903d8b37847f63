//! A camera that is kept running: a supervisor opens it on a thread of its own and watches that pictures come. While it is gone or
//! hangs, the first other that works takes its place.

mod announcer;
mod format;
mod pixels;
mod reader;
mod readers;
mod supervisor;
#[cfg(target_os = "linux")]
#[path = "camera/linux.rs"]
pub(crate) mod system;
#[cfg(not(target_os = "linux"))]
#[path = "camera/portable.rs"]
pub(crate) mod system;

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use media_core::{CapturedPicture, LatestSlot};

use self::announcer::Announcer;
use self::readers::Readers;
use self::supervisor::{Event, STOP_LIMIT, Supervisor};
use crate::clip::Paced;
use crate::error::Notifier;
use crate::{CaptureError, VideoFormat};

/// Which camera to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CameraChoice {
    /// The one with this id: without it there is no start.
    Only(String),
    /// The one with this id, or without one the first, wherever that is there; else another, or none until there is one.
    Rather(Option<String>),
}

/// A camera that runs. Dropping it ends it.
pub(crate) struct CameraCapture {
    opened: Result<String, CaptureError>,
    in_use: InUse,
    events: mpsc::Sender<Event>,
    ended: mpsc::Receiver<()>,
}

/// The id of the camera in use.
type InUse = Arc<Mutex<Option<String>>>;

impl CameraCapture {
    /// Opens the camera, waiting some seconds at most. [`Self::opened`] tells how that went.
    pub(crate) fn start(
        choice: CameraChoice,
        format: VideoFormat,
        slot: Arc<LatestSlot<CapturedPicture>>,
        notify: Notifier,
    ) -> Self {
        let (events, inbox) = mpsc::channel();
        let (first_sender, first) = mpsc::sync_channel(1);
        let (ended_sender, ended) = mpsc::channel();
        let in_use = InUse::default();
        let readers = Readers::new(format, slot, events.clone());
        let announcer = Announcer::new(first_sender, notify);
        let supervisor = Supervisor::new(choice, readers, announcer, inbox, in_use.clone());
        let run = move || {
            supervisor.run();
            drop(ended_sender);
        };
        let failed = |reason: String| CaptureError::Failed { device: "the camera".to_owned(), reason };
        let opened = match std::thread::Builder::new().name("camera".into()).spawn(run) {
            Ok(_) => first.recv().unwrap_or_else(|_| Err(failed("its thread ended".to_owned()))),
            Err(error) => Err(failed(error.to_string())),
        };
        Self { opened, in_use, events, ended }
    }

    /// What was opened, for people, or why none was.
    pub(crate) fn opened(&self) -> Result<&str, CaptureError> {
        self.opened.as_deref().map_err(Clone::clone)
    }

    /// The id of the camera in use now.
    pub(crate) fn id(&self) -> Option<String> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives pictures until a camera does.
    pub(crate) fn stand_in(&self, stand_in: Paced) {
        // A supervisor that has ended drops it.
        let _ = self.events.send(Event::StandIn(stand_in));
    }
}

impl Drop for CameraCapture {
    fn drop(&mut self) {
        // The supervisor may have ended already; it drops its sender when it does.
        let _ = self.events.send(Event::Stop);
        let _ = self.ended.recv_timeout(STOP_LIMIT * 2);
    }
}

/// How a camera is called in texts for people.
pub(crate) fn name(id: &str) -> String {
    format!("camera {id}")
}

/// The error behind an operating system's error number (errno on Linux), else the given words.
fn failure(id: &str, code: Option<i32>, reason: String) -> CaptureError {
    let device = name(id);
    match code {
        // EBUSY
        Some(16) => CaptureError::Busy { device, holder: system::holder(id) },
        // EPERM, EACCES
        Some(1 | 13) => CaptureError::Denied { device },
        // ENOENT, ENXIO, ENODEV
        Some(2 | 6 | 19) => CaptureError::Missing { device },
        _ => CaptureError::Failed { device, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_error_numbers_become_what_a_person_can_act_on() {
        let explained = |code| failure("999", Some(code), "no words".to_owned());
        let device = || "camera 999".to_owned();
        assert_eq!(explained(16), CaptureError::Busy { device: device(), holder: None });
        assert_eq!(explained(13), CaptureError::Denied { device: device() });
        assert_eq!(explained(1), CaptureError::Denied { device: device() });
        for gone in [2, 6, 19] {
            assert_eq!(explained(gone), CaptureError::Missing { device: device() });
        }
        for other in [Some(5), None] {
            let error = failure("999", other, "no words".to_owned());
            assert_eq!(error, CaptureError::Failed { device: device(), reason: "no words".to_owned() });
        }
    }
}
