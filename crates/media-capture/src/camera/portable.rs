//! Cameras through nokhwa alone, for the systems where it is the only way to ask.
//! Asking for formats opens the camera for a moment.

use nokhwa::Camera;
use nokhwa::utils::{ApiBackend, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};

use super::name;
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

/// Needed on Linux only.
pub(super) fn settle(_: &str, _: CameraFormat) {}

fn all_formats(id: &str) -> Result<Vec<CameraFormat>, CaptureError> {
    let index = id.parse().map_or_else(|_| CameraIndex::String(id.to_owned()), CameraIndex::Index);
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &READABLE);
    let failed = |error: nokhwa::NokhwaError| CaptureError::Failed { device: name(id), reason: error.to_string() };
    let mut camera = Camera::new(index, any).map_err(failed)?;
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
