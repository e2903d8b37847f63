//! One run of a camera: open it in the best format that it accepts, then turn each raw frame into a picture.
//! Runs on a thread of its own, because a driver can block for ever; whoever started it need not wait.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use media_core::{CapturedPicture, LatestSlot, PictureWatch, Pictures};

use super::pixels::Converter;
use super::supervisor::Event;
use super::{format, name, system};
use crate::pace::FrameGate;
use crate::{CameraFormat, CaptureError, VideoFormat};

/// Formats tried before giving up: a driver that refuses this many of those it lists refuses all.
const MAX_ATTEMPTS: usize = 6;
/// An older capture time than this is a driver's mistake.
const MAX_AGE: Duration = Duration::from_secs(1);

/// What opens a camera.
pub(super) struct Start<'a> {
    /// Which one.
    pub(super) id: &'a str,
    /// Tells its events from those of others.
    pub(super) number: u64,
    pub(super) format: VideoFormat,
    pub(super) slot: &'a Arc<LatestSlot<CapturedPicture>>,
    pub(super) events: &'a mpsc::Sender<Event>,
}

/// A camera that was started, as its supervisor knows it.
pub(super) struct Reader {
    pub(super) id: String,
    pub(super) number: u64,
    /// What was opened, once it is.
    pub(super) opened: Option<String>,
    /// Whether it was found to hang, until it gives pictures again.
    pub(super) hangs: bool,
    /// What is opened in its place, once it was told to stop.
    pub(super) then: Option<Then>,
    watch: PictureWatch,
    shared: Arc<Shared>,
}

/// What follows a reader that was told to stop.
pub(super) enum Then {
    /// The same camera, when it is closed.
    Again,
    /// This other one, when it is closed or at this time.
    Other(String, Instant),
}

struct Shared {
    stop: AtomicBool,
    /// Whether its pictures are wanted; without, they are only counted.
    shown: AtomicBool,
    /// Pictures delivered or left out: the camera lives.
    pictures: AtomicU64,
}

impl Reader {
    /// Starts the thread; its events tell how that goes.
    pub(super) fn start(start: &Start<'_>, shown: bool) -> Result<Self, CaptureError> {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            shown: AtomicBool::new(shown),
            pictures: AtomicU64::new(0),
        });
        let reader = Self {
            id: start.id.to_owned(),
            number: start.number,
            opened: None,
            hangs: false,
            then: None,
            watch: PictureWatch::new(Instant::now()),
            shared: Arc::clone(&shared),
        };
        let (id, number, format) = (start.id.to_owned(), start.number, start.format);
        let (slot, events) = (Arc::clone(start.slot), start.events.clone());
        let run = move || {
            // The supervisor is gone when this reader was left behind.
            let opened = |description, interval| {
                events.send(Event::Opened { number, description, interval }).unwrap_or(());
            };
            // The camera libraries panic on replies that they do not expect.
            let picture = || events.send(Event::Picture).unwrap_or(());
            let read = AssertUnwindSafe(|| run(&id, format, &slot, &shared, opened, picture));
            let outcome = std::panic::catch_unwind(read).unwrap_or_else(|_| {
                let reason = "its driver gave a reply that makes no sense".into();
                Err(CaptureError::Failed { device: name(&id), reason })
            });
            drop(slot);
            let _ = events.send(Event::Ended { number, outcome });
        };
        let spawned = std::thread::Builder::new().name("camera-reader".into()).spawn(run);
        let failed = |error: std::io::Error| CaptureError::Failed { device: name(start.id), reason: error.to_string() };
        spawned.map(|_| reader).map_err(failed)
    }

    /// It has opened its camera, which gives pictures at this interval.
    pub(super) fn opened(&mut self, description: String, interval: Duration) {
        self.opened = Some(description);
        self.watch.opened(Instant::now(), interval);
    }

    /// Whether pictures come.
    pub(super) fn look(&mut self) -> Pictures {
        self.watch.look(Instant::now(), self.shared.pictures.load(Ordering::Relaxed))
    }

    /// From now on its pictures are wanted, or not any more.
    pub(super) fn show(&self, shown: bool) {
        self.shared.shown.store(shown, Ordering::Release);
    }

    /// Tells it to close its camera; it does so with the next picture, or a quarter of a second later.
    pub(super) fn stop(&self) {
        self.show(false);
        self.shared.stop.store(true, Ordering::Release);
    }
}

/// Delivers pictures until told to stop or the camera fails.
fn run(
    id: &str,
    wanted: VideoFormat,
    slot: &LatestSlot<CapturedPicture>,
    shared: &Shared,
    opened: impl FnOnce(String, Duration),
    first_picture: impl FnOnce(),
) -> Result<(), CaptureError> {
    let (mut stream, format) = open(id, wanted)?;
    let mut converter = Converter::new(format, wanted.size).ok_or_else(|| CaptureError::Format { device: name(id) })?;
    let interval = Duration::from_secs(1) / format.frame_rate.max(1);
    opened(format!("{} ({}), {format}", name(id), stream.title()), interval);
    let mut gate = FrameGate::new(wanted.frame_rate.interval());
    let (mut damaged, mut first_picture) = (0_u64, Some(first_picture));
    while !shared.stop.load(Ordering::Acquire) {
        if shared.pictures.load(Ordering::Relaxed) > 0
            && let Some(tell) = first_picture.take()
        {
            tell();
        }
        let Some(frame) = stream.next()? else { continue };
        let captured_at = captured_at(Instant::now(), frame.age);
        let shown = shared.shown.load(Ordering::Acquire);
        if !shown || !gate.admit(captured_at) {
            shared.pictures.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        match converter.convert(frame.bytes) {
            Ok(picture) => {
                if shared.shown.load(Ordering::Acquire) {
                    slot.put(CapturedPicture { picture: Arc::new(picture), captured_at });
                }
                shared.pictures.fetch_add(1, Ordering::Relaxed);
            }
            // Cameras damage a frame now and then; when none is whole, the supervisor sees that they hang.
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

fn open(id: &str, wanted: VideoFormat) -> Result<(system::Stream, CameraFormat), CaptureError> {
    let offered = system::formats(id, wanted)?;
    let mut failure = CaptureError::Format { device: name(id) };
    for candidate in format::rank(&offered, wanted).into_iter().take(MAX_ATTEMPTS) {
        match system::Stream::open(id, candidate) {
            Ok(stream) => return Ok((stream, candidate)),
            Err(error) => failure = error,
        }
        if matches!(failure, CaptureError::Busy { .. } | CaptureError::Denied { .. } | CaptureError::Missing { .. }) {
            break;
        }
    }
    Err(failure)
}

/// The driver's own time of capture, where it gives an age that can be.
fn captured_at(now: Instant, age: Option<Duration>) -> Instant {
    let age = age.filter(|age| *age < MAX_AGE);
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_time_is_used_unless_it_makes_no_sense() {
        let now = Instant::now() + Duration::from_secs(10);
        let milliseconds = Duration::from_millis;
        assert_eq!(captured_at(now, Some(milliseconds(40))), now - milliseconds(40));
        assert_eq!(captured_at(now, None), now);
        assert_eq!(captured_at(now, Some(milliseconds(5_000))), now);
    }
}
