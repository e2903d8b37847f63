//! What can go wrong with a sound device, in words that tell the person what to do about it.
//! The sound library's own error type ends here.

use std::fmt;

use cpal::ErrorKind;

use crate::holder::{self, Holder};

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

/// A device that another program holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    /// Microphone or speaker.
    pub kind: Direction,
    /// That program, where the system tells.
    pub holder: Option<Holder>,
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, who) = (self.kind, holder::by_whom(self.holder.as_ref()));
        write!(f, "the {kind} is in use by {who}: close it there, or choose another {kind}")
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
    /// The device that was chosen before is not there now.
    #[error("the chosen {0} is not there: connect it, or choose another")]
    Absent(Direction),
    /// A device that worked is there no more.
    #[error("the {0} is gone: it was unplugged, or the sound server has ended")]
    Gone(Direction),
    /// Another program holds the device.
    #[error("{0}")]
    Busy(InUse),
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
        Self::of_device(kind, "", error)
    }

    /// As [`Self::from_cpal`], for the device with this id: one in use tells by whom.
    pub(crate) fn of_device(kind: Direction, id: &str, error: &cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Self::Missing(kind),
            ErrorKind::DeviceBusy => Self::Busy(InUse { kind, holder: holder::of_sound(id, kind) }),
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

/// What happens to a device while its stream runs, and at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceNotice {
    /// The device is gone and no other works; the stream goes on as silence until one does.
    Lost(DeviceError),
    /// The device works (again), or another one in its place; its name.
    Restored(String),
    /// A better device is there, or is wanted, and cannot be used.
    Instead {
        /// Why not.
        error: DeviceError,
        /// The name of the one that is used.
        name: String,
    },
}
