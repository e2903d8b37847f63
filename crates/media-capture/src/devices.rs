//! Which cameras and microphones are there, with what a person needs to choose among them.
//! Listing changes no device's settings and takes a few seconds at most.

use std::fmt;
use std::time::Instant;

use audio_device::Direction;
pub use audio_device::{AudioDeviceInfo, AudioFormat};

use crate::camera::{name, system};
use crate::{AudioSource, CaptureError, VideoSource};

/// How a camera lays out its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Packed 4:2:2, two bytes a pixel.
    Yuyv,
    /// Planar 4:2:0 with interleaved chroma.
    Nv12,
    /// A JPEG image a frame.
    Mjpeg,
    /// Red, green, blue, a byte each.
    Rgb,
    /// Blue, green, red, a byte each.
    Bgr,
    /// Brightness only.
    Gray,
}

impl PixelFormat {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Yuyv, Self::Nv12, Self::Mjpeg, Self::Rgb, Self::Bgr, Self::Gray];
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Mjpeg => "MJPEG",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Gray => "gray",
        })
    }
}

/// A format that a camera offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CameraFormat {
    /// Layout of the pixels.
    pub pixel: PixelFormat,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Pictures per second.
    pub frame_rate: u32,
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} {} fps {}", self.width, self.height, self.frame_rate, self.pixel)
    }
}

/// A camera that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraInfo {
    /// What to choose it by.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The formats that can be used.
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used now, when that is known.
    pub problem: Option<CaptureError>,
}

/// The cameras that are there, in the system's order.
pub fn list_cameras() -> Vec<CameraInfo> {
    system::cameras()
}

/// Looks whether a source that names a camera or a microphone names one that is there; opens nothing.
///
/// # Errors
/// When it is not there.
pub fn check(video: &VideoSource, audio: &AudioSource) -> Result<(), CaptureError> {
    if let VideoSource::Camera(id) = video
        && !system::present().contains(id)
    {
        return Err(CaptureError::Missing { device: name(id) });
    }
    match audio {
        AudioSource::Microphone(id) => Ok(audio_device::check(id, Direction::Input)?),
        _ => Ok(()),
    }
}

/// Tells at little cost whether cameras, microphones or speakers have come or gone since the last look.
#[derive(Default)]
pub struct Presence {
    sound: audio_device::Presence,
    cameras: Vec<String>,
    heard: String,
}

impl Presence {
    /// One that has not looked yet: to it, all that the first look finds has just come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the cameras are others than at the last look, and whether the sound devices are. Blocks while a sound server hangs.
    pub fn changed(&mut self, now: Instant) -> (bool, bool) {
        let cameras = system::present();
        let signs = self.sound.signs(now);
        let changed = (self.cameras != cameras, self.heard != signs);
        if changed.1 {
            signs.clone_into(&mut self.heard);
        }
        self.cameras = cameras;
        changed
    }
}

/// The microphones that are there, the default one first. What only plays back a speaker's sound is left out.
///
/// # Errors
/// When there is no sound system, or it does not answer.
pub fn list_microphones() -> Result<Vec<AudioDeviceInfo>, CaptureError> {
    Ok(audio_device::list(Direction::Input)?)
}
