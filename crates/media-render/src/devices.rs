//! Which speakers are there, with what a person needs to choose among them.
//! Listing takes a few seconds at most.

use audio_device::Direction;
pub use audio_device::{AudioDeviceInfo, AudioFormat};

use crate::{AudioSink, RenderError};

/// The speakers that are there, the default one first.
///
/// # Errors
/// When there is no sound system, or it does not answer.
pub fn list_speakers() -> Result<Vec<AudioDeviceInfo>, RenderError> {
    Ok(audio_device::list(Direction::Output)?)
}

/// Looks whether a sink that names a speaker names one that is there; opens nothing.
///
/// # Errors
/// When it is not there.
pub fn check(sink: &AudioSink) -> Result<(), RenderError> {
    match sink {
        AudioSink::Speaker(id) => Ok(audio_device::check(id, Direction::Output)?),
        _ => Ok(()),
    }
}
