//! What can go wrong with a source, and what a running source has to say: texts for the person in front of the machine.
//! The error types of the device libraries end in this crate.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use audio_device::DeviceError;
use audio_device::holder::{Holder, by_whom};

/// Why a source cannot be used. The call can go on without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The machine has no camera.
    #[error("no camera was found")]
    NoCamera,
    /// There is no such camera, or it was unplugged.
    #[error("{device} was not found: connect it, or choose another")]
    Missing {
        /// What was looked for.
        device: String,
    },
    /// Another program holds the camera.
    #[error("{device} is in use by {}: close it there, or choose another", by_whom(holder.as_ref()))]
    Busy {
        /// The camera.
        device: String,
        /// That program, where the system tells.
        holder: Option<Holder>,
    },
    /// The operating system refused access to the camera.
    #[error("access to {device} was denied: allow it in the system settings, or join the group `video`")]
    Denied {
        /// The camera.
        device: String,
    },
    /// The camera offers nothing that can be used.
    #[error("{device} offers no picture format that can be used: choose another")]
    Format {
        /// The camera.
        device: String,
    },
    /// The camera gives no pictures, or does not answer at all.
    #[error("{device} gives no pictures: unplug it and plug it in again")]
    Stalled {
        /// The camera.
        device: String,
    },
    /// Anything else that the camera's driver reports.
    #[error("{device} failed: {reason}")]
    Failed {
        /// The camera.
        device: String,
        /// The driver's words.
        reason: String,
    },
    /// A file cannot be read or is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The microphone cannot be used.
    #[error(transparent)]
    Microphone(#[from] DeviceError),
}

impl CaptureError {
    /// Whether somebody has the device, which may be this program itself.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Microphone(DeviceError::Busy(_)))
    }
}

/// What a source reports while a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureNotice {
    /// A device that is wanted cannot be used and something else is; says why and what.
    Fallback(String),
    /// The source gives nothing any more, but may come back; says why.
    Lost(String),
    /// A lost source, or one that was not there at the start, works now; says which.
    Restored(String),
    /// A file that plays once has reached its end.
    Ended,
}

/// The caller's function for notices, for the several threads that a source may have one after the other.
#[derive(Clone)]
pub(crate) struct Notifier(Arc<Mutex<dyn Fn(CaptureNotice) + Send>>);

impl Notifier {
    pub(crate) fn new(notify: impl Fn(CaptureNotice) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(notify)))
    }

    pub(crate) fn tell(&self, notice: CaptureNotice) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)(notice);
    }
}
