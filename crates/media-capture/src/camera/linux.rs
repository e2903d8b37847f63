//! Cameras on Linux: what is there, asked without changing settings, so that a camera in use can still be listed; and its frames.
//! No wait for a frame is endless, so that a camera that hangs can be closed and opened anew.

use std::io;
use std::path::Path;
use std::time::Duration;

use audio_device::holder::Holder;
use v4l::buffer::Type;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::prelude::MmapStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::{failure, name};
use crate::{CameraFormat, CameraInfo, CaptureError, PixelFormat, VideoFormat};

/// Sizes and rates offered for a camera that takes any, besides those wanted.
const COMMON_SIZES: [(u32, u32); 5] = [(320, 180), (640, 360), (640, 480), (1280, 720), (1920, 1080)];
const COMMON_RATES: [u32; 6] = [10, 15, 20, 24, 25, 30];

/// Frames between driver and program: one is written, one read, two are for jitter.
const BUFFERS: u32 = 4;
/// More buffers than a driver gives (VIDEO_MAX_FRAME).
const MAX_BUFFERS: usize = 32;
/// How long one wait for a frame lasts, in milliseconds: an end is seen after it.
const WAIT: i32 = 200;

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

/// A camera that is open and gives frames.
pub(super) struct Stream {
    id: String,
    title: String,
    stream: MmapStream<'static>,
    /// Whether a frame was taken: the library gives one in exchange for the one before.
    primed: bool,
}

/// A frame as the driver wrote it.
pub(super) struct Frame<'a> {
    pub(super) bytes: &'a [u8],
    /// How long ago it was taken, as the driver says.
    pub(super) age: Option<Duration>,
}

impl Stream {
    /// Opens the camera in just this format.
    pub(super) fn open(id: &str, format: CameraFormat) -> Result<Self, CaptureError> {
        let explain = |error: io::Error| explain(id, &error);
        let device = device(id).map_err(explain)?;
        let title = device.query_caps().map_err(explain)?.card.trim().to_owned();
        let wanted = Format::new(format.width, format.height, FourCC::new(code(format.pixel)));
        let given = device.set_format(&wanted).map_err(explain)?;
        if (given.width, given.height, given.fourcc) != (wanted.width, wanted.height, wanted.fourcc) {
            return Err(CaptureError::Format { device: name(id) });
        }
        if let Err(error) = device.set_params(&Parameters::with_fps(format.frame_rate)) {
            tracing::debug!(camera = id, %error, "camera keeps its rate");
        }
        let mut stream = MmapStream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(explain)?;
        // As many as the driver has made.
        for index in 0..MAX_BUFFERS {
            match CaptureStream::queue(&mut stream, index) {
                Ok(()) => {}
                Err(error) if index == 0 => return Err(explain(error)),
                Err(_) => break,
            }
        }
        stream.start().map_err(explain)?;
        Ok(Self { id: id.to_owned(), title, stream, primed: false })
    }

    /// The camera's name for people.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The next frame; none where it does not come in a while.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let explain = |error: io::Error| explain(&self.id, &error);
        match self.stream.handle().poll(libc::POLLIN, WAIT) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(explain(error)),
        }
        if !std::mem::replace(&mut self.primed, true) {
            return CaptureStream::dequeue(&mut self.stream).map(|_| None).map_err(explain);
        }
        let (bytes, metadata) = CaptureStream::next(&mut self.stream).map_err(explain)?;
        // A compressed frame is shorter than its buffer. Some drivers do not say.
        let used = usize::try_from(metadata.bytesused).unwrap_or(0);
        let bytes = bytes.get(..used).filter(|bytes| !bytes.is_empty()).unwrap_or(bytes);
        Ok(Some(Frame { bytes, age: age(metadata.timestamp.into()) }))
    }
}

/// How long ago that was by the clock that drivers use for frames (V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC).
fn age(taken: Duration) -> Option<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime(2) writes to the structure that it is given, which lives until after the call.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let now = Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?);
    now.checked_sub(taken).filter(|_| answer == 0 && !taken.is_zero())
}

fn explain(id: &str, error: &io::Error) -> CaptureError {
    failure(id, error.raw_os_error(), error.to_string())
}

/// Whether the node gives pictures at all, and in which usable formats.
fn list(id: &str, wanted: Option<VideoFormat>) -> Result<(bool, Vec<CameraFormat>), CaptureError> {
    let explain = |error: io::Error| explain(id, &error);
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

/// v4l knows cameras by number only; anything else is no camera (ENOENT).
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
