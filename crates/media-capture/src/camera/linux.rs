//! What Linux knows of its cameras, asked without changing their settings, so that a camera in use can still be listed.
//! nokhwa's own listing panics on odd names in /dev, shows each camera's metadata node as a camera, and sets a format to ask for formats.

use std::io;
use std::path::Path;

use audio_device::holder::Holder;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::{failure, name};
use crate::{CameraFormat, CameraInfo, CaptureError, PixelFormat, VideoFormat};

/// Sizes and rates offered for a camera that takes any, besides those wanted.
const COMMON_SIZES: [(u32, u32); 5] = [(320, 180), (640, 360), (640, 480), (1280, 720), (1920, 1080)];
const COMMON_RATES: [u32; 6] = [10, 15, 20, 24, 25, 30];

/// The cameras that are there. One that cannot be asked (busy, denied) is listed with the reason.
pub(crate) fn cameras() -> Vec<CameraInfo> {
    present().into_iter().filter_map(|id| describe(&id)).collect()
}

/// The ids of the nodes that may be cameras, by their names in /dev: costs a look into that folder, and opens nothing.
pub(crate) fn present() -> Vec<String> {
    let mut numbers: Vec<u32> = v4l::context::enum_devices()
        .iter()
        .filter_map(|node| node.path().file_name()?.to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| number.to_string()).collect()
}

/// The other program that has the camera open, where that may be known.
pub(crate) fn holder(id: &str) -> Option<Holder> {
    audio_device::holder::of_file(Path::new(&format!("/dev/video{id}")))
}

/// `None` for a node that gives no pictures (metadata, output, codec).
fn describe(id: &str) -> Option<CameraInfo> {
    let title = std::fs::read_to_string(format!("/sys/class/video4linux/video{id}/name"));
    let title = title.map_or_else(|_| format!("/dev/video{id}"), |title| title.trim().to_owned());
    let (formats, problem) = match list(id, None) {
        Ok((false, _)) => return None,
        Ok((true, formats)) if formats.is_empty() => (formats, Some(CaptureError::Format { device: name(id) })),
        Ok((true, formats)) => (formats, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Some(CameraInfo { id: id.to_owned(), name: title, formats, problem })
}

/// The formats of a camera that can be used.
pub(super) fn formats(id: &str, wanted: VideoFormat) -> Result<Vec<CameraFormat>, CaptureError> {
    list(id, Some(wanted)).map(|(_, formats)| formats)
}

/// Puts the camera into a plain format. Best effort: the opening that follows tells whether it helped.
pub(super) fn settle(id: &str, format: CameraFormat) {
    let settle = || -> io::Result<()> {
        let device = device(id)?;
        device.set_format(&Format::new(format.width, format.height, FourCC::new(code(format.pixel))))?;
        device.set_params(&Parameters::with_fps(format.frame_rate)).map(drop)
    };
    if let Err(error) = settle() {
        tracing::debug!(camera = id, %error, "camera keeps its format");
    }
}

/// Whether the node gives pictures at all, and in which usable formats.
fn list(id: &str, wanted: Option<VideoFormat>) -> Result<(bool, Vec<CameraFormat>), CaptureError> {
    let explain = |error: io::Error| failure(id, error.raw_os_error(), error.to_string());
    let device = device(id).map_err(explain)?;
    let offered = device.enum_formats().map_err(explain)?;
    let mut formats = Vec::new();
    for fourcc in offered.iter().map(|offer| offer.fourcc) {
        let Some(pixel) = pixel(fourcc) else { continue };
        // A driver that lists no sizes or rates has none that could be asked for.
        let sizes = device.enum_framesizes(fourcc).unwrap_or_default();
        for (width, height) in sizes.iter().flat_map(|size| discrete_sizes(&size.size, wanted)) {
            let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
            let rates = intervals.iter().flat_map(|interval| discrete_rates(&interval.interval, wanted));
            formats.extend(rates.map(|frame_rate| CameraFormat { pixel, width, height, frame_rate }));
        }
    }
    Ok((!offered.is_empty(), formats))
}

/// nokhwa and v4l know cameras by number only; anything else is no camera (ENOENT).
fn device(id: &str) -> io::Result<Device> {
    let number: u32 = id.parse().map_err(|_| io::Error::from_raw_os_error(2))?;
    Device::new(number as usize)
}

fn discrete_sizes(size: &FrameSizeEnum, wanted: Option<VideoFormat>) -> Vec<(u32, u32)> {
    match size {
        FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => {
            let fits = |value: u32, min: u32, max: u32, step: u32| {
                (min..=max).contains(&value) && (value - min).is_multiple_of(step.max(1))
            };
            let wanted = wanted.map(|format| (format.size.width, format.size.height));
            let candidates = COMMON_SIZES.into_iter().chain(wanted).chain([(range.max_width, range.max_height)]);
            candidates
                .filter(|&(width, height)| {
                    fits(width, range.min_width, range.max_width, range.step_width)
                        && fits(height, range.min_height, range.max_height, range.step_height)
                })
                .collect()
        }
    }
}

/// Whole rates only: nokhwa asks for 1/rate seconds a picture.
fn discrete_rates(interval: &FrameIntervalEnum, wanted: Option<VideoFormat>) -> Vec<u32> {
    match interval {
        FrameIntervalEnum::Discrete(interval) if interval.numerator == 1 => vec![interval.denominator],
        FrameIntervalEnum::Discrete(_) => Vec::new(),
        FrameIntervalEnum::Stepwise(range) => {
            let candidates = COMMON_RATES.into_iter().chain(wanted.map(|format| format.frame_rate.hz()));
            let seconds = |fraction: &v4l::fraction::Fraction| {
                f64::from(fraction.numerator) / f64::from(fraction.denominator.max(1))
            };
            let limits = seconds(&range.min)..=seconds(&range.max);
            candidates.filter(|rate| limits.contains(&(1.0 / f64::from(*rate)))).collect()
        }
    }
}

fn pixel(fourcc: FourCC) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|pixel| *code(*pixel) == fourcc.repr)
}

fn code(pixel: PixelFormat) -> &'static [u8; 4] {
    match pixel {
        PixelFormat::Yuyv => b"YUYV",
        PixelFormat::Nv12 => b"NV12",
        PixelFormat::Mjpeg => b"MJPG",
        PixelFormat::Rgb => b"RGB3",
        PixelFormat::Bgr => b"BGR3",
        PixelFormat::Gray => b"GRAY",
    }
}
