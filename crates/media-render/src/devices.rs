//! Which speakers are there, with what a person needs to choose among them.
//! Listing takes a few seconds at most.

use audio_device::Direction;
pub use audio_device::{AudioDeviceInfo, AudioFormat};

use crate::RenderError;

/// The speakers that are there, the default one first.
///
/// # Errors
/// When there is no sound system, or it does not answer.
pub fn list_speakers() -> Result<Vec<AudioDeviceInfo>, RenderError> {
    Ok(audio_device::list(Direction::Output)?)
}
