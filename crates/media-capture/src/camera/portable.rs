//! Cameras through nokhwa, for the systems where it is the way to them.
//! Asking for formats opens the camera for a moment, and waiting for a frame can last for ever.

use std::time::{Duration, SystemTime};

use nokhwa::utils::{
    ApiBackend, CameraFormat as NokhwaFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType,
    Resolution,
};
use nokhwa::{Buffer, Camera, NokhwaError};

use super::{failure, name};
use crate::{CameraFormat, CameraInfo, CaptureError, PixelFormat, VideoFormat};

const READABLE: [FrameFormat; 6] = [
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::MJPEG,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
    FrameFormat::GRAY,
];

/// The cameras that are there. One that cannot be opened is listed with the reason.
pub(crate) fn cameras() -> Vec<CameraInfo> {
    let found = nokhwa::query(ApiBackend::Auto).unwrap_or_default();
    found.iter().map(|info| describe(info.index().as_string(), info.human_name())).collect()
}

/// The ids of the cameras that are there. Opens nothing.
pub(crate) fn present() -> Vec<String> {
    nokhwa::query(ApiBackend::Auto).unwrap_or_default().iter().map(|info| info.index().as_string()).collect()
}

fn describe(id: String, title: String) -> CameraInfo {
    match all_formats(&id) {
        Ok(formats) => CameraInfo { id, name: title, formats, problem: None },
        Err(problem) => CameraInfo { id, name: title, formats: Vec::new(), problem: Some(problem) },
    }
}

/// The formats of a camera that can be used.
pub(super) fn formats(id: &str, _: VideoFormat) -> Result<Vec<CameraFormat>, CaptureError> {
    all_formats(id)
}

/// Not to be known here.
pub(crate) fn holder(_: &str) -> Option<audio_device::holder::Holder> {
    None
}

/// A camera that is open and gives frames.
pub(super) struct Stream {
    id: String,
    title: String,
    camera: Camera,
    frame: Option<Buffer>,
}

/// A frame as the camera gave it.
pub(super) struct Frame<'a> {
    pub(super) bytes: &'a [u8],
    /// How long ago it was taken, where that is known.
    pub(super) age: Option<Duration>,
}

impl Stream {
    /// Opens the camera in just this format.
    pub(super) fn open(id: &str, format: CameraFormat) -> Result<Self, CaptureError> {
        let explain = |error: NokhwaError| explain(id, &error);
        let exact = exact(format);
        let decoders = [exact.format()];
        let wanted = RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &decoders);
        let mut camera = Camera::new(index(id), wanted).map_err(explain)?;
        camera.open_stream().map_err(explain)?;
        let title = camera.info().human_name().trim().to_owned();
        Ok(Self { id: id.to_owned(), title, camera, frame: None })
    }

    /// The camera's name for people.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The next frame.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let frame = self.camera.frame().map_err(|error| explain(&self.id, &error))?;
        // Wall-clock time since 1970, as nokhwa converts it.
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = frame.capture_timestamp().and_then(|taken| wall.checked_sub(taken));
        Ok(Some(Frame { bytes: self.frame.insert(frame).buffer(), age }))
    }
}

fn index(id: &str) -> CameraIndex {
    id.parse().map_or_else(|_| CameraIndex::String(id.to_owned()), CameraIndex::Index)
}

fn exact(format: CameraFormat) -> NokhwaFormat {
    let pixel = match format.pixel {
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
        PixelFormat::Rgb => FrameFormat::RAWRGB,
        PixelFormat::Bgr => FrameFormat::RAWBGR,
        PixelFormat::Gray => FrameFormat::GRAY,
    };
    NokhwaFormat::new(Resolution::new(format.width, format.height), pixel, format.frame_rate)
}

/// nokhwa passes the operating system's errors on as text.
fn explain(id: &str, error: &NokhwaError) -> CaptureError {
    let text = error.to_string();
    let code = text.rsplit_once("os error ").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    failure(id, code, text)
}

fn all_formats(id: &str) -> Result<Vec<CameraFormat>, CaptureError> {
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &READABLE);
    let failed = |error: nokhwa::NokhwaError| CaptureError::Failed { device: name(id), reason: error.to_string() };
    let mut camera = Camera::new(index(id), any).map_err(failed)?;
    let listed = camera.compatible_camera_formats().map_err(failed)?;
    let format = |format: &nokhwa::utils::CameraFormat| CameraFormat {
        pixel: pixel(format.format()),
        width: format.width(),
        height: format.height(),
        frame_rate: format.frame_rate(),
    };
    Ok(listed.iter().map(format).collect())
}

fn pixel(format: FrameFormat) -> PixelFormat {
    match format {
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::RAWRGB => PixelFormat::Rgb,
        FrameFormat::RAWBGR => PixelFormat::Bgr,
        FrameFormat::GRAY => PixelFormat::Gray,
    }
}
