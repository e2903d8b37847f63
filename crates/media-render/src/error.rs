//! What can go wrong with a sink, and what a running one has to say: texts for the person in front of the machine.
//! The sound library's error types end below this crate.

use std::path::{Path, PathBuf};

use audio_device::DeviceError;

/// Why a sink cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The speaker cannot be used.
    #[error(transparent)]
    Speaker(#[from] DeviceError),
    /// A file cannot be written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl RenderError {
    /// Whether somebody has the device, which may be this program itself.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Speaker(DeviceError::Busy(_)))
    }

    pub(crate) fn file(path: &Path, reason: &impl ToString) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// What a sink reports while a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderNotice {
    /// A speaker that is wanted cannot be used, and another or none is; says why and what.
    Fallback(String),
    /// The sink takes nothing any more, but may come back; says why.
    Lost(String),
    /// A lost speaker, or one that was not there at the start, works now; says which.
    Restored(String),
}
