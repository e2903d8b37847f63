//! Where a call's sound and pictures come from: cameras, microphones, files and test signals, all alike to the caller.
//! Whatever a device does (missing, busy, denied, silent, unplugged), the caller gets an error or a notice to show, never a hang.
//!
//! Pictures arrive in a [`media_core::LatestSlot`] from a thread of this crate; sound is pulled by the caller's audio thread.

pub mod audio;
mod camera;
mod clip;
pub mod devices;
mod error;
mod pace;
mod program;
mod source;
pub mod video;

pub use audio::AudioCapture;
pub use devices::{
    AudioDeviceInfo, AudioFormat, CameraFormat, CameraInfo, PixelFormat, list_cameras, list_microphones,
};
pub use error::{CaptureError, CaptureNotice};
pub use program::{PictureMaker, SoundMaker};
pub use source::{AudioSource, SourceError, VideoSource};
pub use video::{VideoCapture, VideoFormat};
