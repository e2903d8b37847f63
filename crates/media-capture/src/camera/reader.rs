//! One run of a camera through nokhwa: open it in the best format that it accepts, then turn each raw frame into a picture.
//! Runs on a thread of its own, because reading a frame can block for ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use media_core::{CapturedPicture, LatestSlot};
use nokhwa::utils::{
    CameraFormat as NokhwaFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Camera, NokhwaError};

use super::pixels::Converter;
use super::{Shared, format, name, system};
use crate::pace::FrameGate;
use crate::{CameraFormat, CaptureError, PixelFormat, VideoFormat};

/// Formats tried before giving up: a driver that refuses this many of those it lists refuses all.
const MAX_ATTEMPTS: usize = 6;
/// An older capture time than this is a driver's mistake.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Delivers pictures until told to stop or the camera fails.
pub(super) fn run(
    id: &str,
    wanted: VideoFormat,
    slot: &LatestSlot<CapturedPicture>,
    shared: &Shared,
    opened: impl FnOnce(String),
) -> Result<(), CaptureError> {
    let (mut camera, opened_as) = open(id, wanted)?;
    camera.open_stream().map_err(|error| explain(id, &error))?;
    opened(format!("{} ({}), {opened_as}", name(id), camera.info().human_name().trim()));
    let mut converter =
        Converter::new(opened_as, wanted.size).ok_or_else(|| CaptureError::Format { device: name(id) })?;
    let mut gate = FrameGate::new(wanted.frame_rate.interval());
    let mut damaged = 0_u64;
    while !shared.stop.load(Ordering::Acquire) {
        let frame = camera.frame().map_err(|error| explain(id, &error))?;
        let captured_at = captured_at(Instant::now(), frame.capture_timestamp());
        if shared.stop.load(Ordering::Acquire) {
            break;
        }
        if !gate.admit(captured_at) {
            shared.pictures.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        match converter.convert(frame.buffer()) {
            Ok(picture) => {
                slot.put(CapturedPicture { picture: Arc::new(picture), captured_at });
                shared.pictures.fetch_add(1, Ordering::Relaxed);
            }
            // Cameras damage a frame now and then; when none is whole, the supervisor sees a stall.
            Err(error) => {
                damaged += 1;
                if damaged.is_power_of_two() {
                    tracing::debug!(camera = id, damaged, %error, "damaged camera frames skipped");
                }
            }
        }
    }
    Ok(())
}

fn open(id: &str, wanted: VideoFormat) -> Result<(Camera, CameraFormat), CaptureError> {
    let index = || match id.parse() {
        Ok(number) => CameraIndex::Index(number),
        Err(_) => CameraIndex::String(id.to_owned()),
    };
    let offered = system::formats(id, wanted)?;
    let mut failure = CaptureError::Format { device: name(id) };
    let mut settled = false;
    for candidate in format::rank(&offered, wanted).into_iter().take(MAX_ATTEMPTS) {
        let exact = exact(candidate);
        let decoders = [exact.format()];
        let request = || RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &decoders);
        let mut camera = Camera::new(index(), request());
        if camera.is_err() && !std::mem::replace(&mut settled, true) {
            // nokhwa cannot open a camera that another program left in a format or rate that it has no words for.
            system::settle(id, candidate);
            camera = Camera::new(index(), request());
        }
        match camera {
            Ok(camera) => return Ok((camera, candidate)),
            Err(error) => failure = explain(id, &error),
        }
        if matches!(failure, CaptureError::Busy { .. } | CaptureError::Denied { .. } | CaptureError::Missing { .. }) {
            break;
        }
    }
    Err(failure)
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

/// The driver's own time of capture, where it gives one: wall-clock time since 1970, as nokhwa converts it.
fn captured_at(now: Instant, driver: Option<Duration>) -> Instant {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let age = driver.and_then(|driver| wall.checked_sub(driver)).filter(|age| *age < MAX_AGE);
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

/// nokhwa passes the operating system's errors on as text.
fn explain(id: &str, error: &NokhwaError) -> CaptureError {
    let text = error.to_string();
    let code = text.rsplit_once("os error ").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    super::failure(id, code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_error_numbers_become_what_a_person_can_act_on() {
        let explained = |code: u32| {
            explain("999", &NokhwaError::OpenDeviceError("0".into(), format!("V4L2 Error: text (os error {code})")))
        };
        let device = || "camera 999".to_owned();
        assert_eq!(explained(16), CaptureError::Busy { device: device(), holder: None });
        assert_eq!(explained(13), CaptureError::Denied { device: device() });
        assert_eq!(explained(1), CaptureError::Denied { device: device() });
        assert_eq!(explained(2), CaptureError::Missing { device: device() });
        assert_eq!(explained(19), CaptureError::Missing { device: device() });
        assert!(matches!(explained(5), CaptureError::Failed { .. }));
        let other = NokhwaError::GeneralError("no number".into());
        assert!(matches!(explain("0", &other), CaptureError::Failed { reason, .. } if reason.contains("no number")));
    }

    #[test]
    fn the_drivers_time_is_used_unless_it_makes_no_sense() {
        let now = Instant::now() + Duration::from_secs(10);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let taken = captured_at(now, Some(wall - Duration::from_millis(40)));
        let age = now - taken;
        assert!(age >= Duration::from_millis(40) && age < Duration::from_millis(500), "{age:?}");
        assert_eq!(captured_at(now, None), now);
        assert_eq!(captured_at(now, Some(Duration::from_secs(5))), now);
        assert_eq!(captured_at(now, Some(wall + Duration::from_secs(60))), now);
    }
}
