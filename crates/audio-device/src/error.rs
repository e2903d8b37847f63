//! What can go wrong with a sound device, in words that tell the person what to do about it.
//! The sound library's own error type ends here.

use std::fmt;

use cpal::ErrorKind;

/// Which way the samples go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a microphone.
    Input,
    /// To a speaker.
    Output,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        })
    }
}

/// Why a sound device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The machine has no device of this kind, or no sound system that runs.
    #[error("no {0} found: connect one, or start the sound server")]
    Missing(Direction),
    /// No device has the id that was asked for.
    #[error("no {kind} has the id {id:?}: look up the ids of those that are there")]
    UnknownId {
        /// Microphone or speaker.
        kind: Direction,
        /// The id as it was given.
        id: String,
    },
    /// A device that worked is there no more.
    #[error("the {0} is gone: it was unplugged, or the sound server has ended")]
    Gone(Direction),
    /// Another program holds the device.
    #[error("the {0} is in use by another program: close that program, or choose another {0}")]
    Busy(Direction),
    /// The operating system refused access.
    #[error("access to the {0} was denied: allow it in the system settings, or join the group `audio`")]
    Denied(Direction),
    /// The device has no sample format, rate and channel count that can be used.
    #[error("the {0} offers no sample format that can be used: choose another {0}")]
    Format(Direction),
    /// The sound system did not answer in time.
    #[error("the sound system does not answer: restart it to use the {0}")]
    Unresponsive(Direction),
    /// Anything else the sound system reports.
    #[error("the {kind} failed: {reason}")]
    Failed {
        /// Microphone or speaker.
        kind: Direction,
        /// The sound system's words.
        reason: String,
    },
}

impl DeviceError {
    pub(crate) fn from_cpal(kind: Direction, error: &cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Self::Missing(kind),
            ErrorKind::DeviceBusy => Self::Busy(kind),
            ErrorKind::PermissionDenied => Self::Denied(kind),
            ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => Self::Format(kind),
            _ => Self::Failed { kind, reason: error.to_string() },
        }
    }

    /// The same for a device that has worked before.
    pub(crate) fn after_use(self) -> Self {
        match self {
            Self::Missing(kind) | Self::UnknownId { kind, .. } => Self::Gone(kind),
            other => other,
        }
    }
}

/// What happens to a device while its stream runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceNotice {
    /// The device is gone; the stream goes on as silence and the device is tried again every two seconds.
    Lost(DeviceError),
    /// The device works (again); its name.
    Restored(String),
}
