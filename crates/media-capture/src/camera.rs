//! A camera that is kept running: a supervisor opens it on a thread of its own and watches that pictures come. While it is gone the
//! first other that works takes its place. The reading call of the camera library can block for ever, so nothing joins that thread.

mod format;
mod pixels;
mod reader;
#[cfg(target_os = "linux")]
#[path = "camera/linux.rs"]
pub(crate) mod system;
#[cfg(not(target_os = "linux"))]
#[path = "camera/portable.rs"]
pub(crate) mod system;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use media_core::{CapturedPicture, DevicePreference, LatestSlot};

use crate::error::Notifier;
use crate::{CaptureError, CaptureNotice, VideoFormat};

/// How long opening may take. USB cameras need up to two seconds.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// A camera without a picture for this long has stalled. The first one can take two seconds of exposure control.
const STALL_LIMIT: Duration = Duration::from_secs(3);
/// How long an end waits for the reader, which returns with the next picture.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// How often a running camera is looked at, and which cameras are there: what comes or goes is to be answered within a second.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// A camera that runs. Dropping it ends it.
pub(crate) struct CameraCapture {
    id: String,
    description: String,
    events: mpsc::Sender<Event>,
    ended: mpsc::Receiver<()>,
}

enum Event {
    Stop,
    /// The reader with this number has opened its camera; what it opened.
    Opened(u64, String),
    /// The reader with this number has ended.
    Ended(u64, Result<(), CaptureError>),
}

/// What a reader shares with its supervisor.
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    /// Pictures delivered or thinned out: the camera lives.
    pub(crate) pictures: AtomicU64,
}

impl CameraCapture {
    /// Opens the camera, waiting at most [`OPEN_LIMIT`].
    pub(crate) fn start(
        id: &str,
        format: VideoFormat,
        slot: Arc<LatestSlot<CapturedPicture>>,
        notify: Notifier,
    ) -> Result<Self, CaptureError> {
        let (events, inbox) = mpsc::channel();
        let (first_sender, first) = mpsc::sync_channel(1);
        let (ended_sender, ended) = mpsc::channel();
        let supervisor = Supervisor {
            id: id.to_owned(),
            preference: DevicePreference::new(Some(id.to_owned())),
            format,
            slot,
            notify,
            events: events.clone(),
            inbox,
            first: Some(first_sender),
            lost: false,
            opened: name(id),
            told: id.to_owned(),
            readers: 0,
        };
        let run = move || {
            supervisor.run();
            drop(ended_sender);
        };
        let failed = |reason: String| CaptureError::Failed { device: name(id), reason };
        std::thread::Builder::new().name("camera".into()).spawn(run).map_err(|error| failed(error.to_string()))?;
        let description = first.recv().unwrap_or_else(|_| Err(failed("its thread ended".to_owned())))?;
        Ok(Self { id: id.to_owned(), description, events, ended })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }
}

impl Drop for CameraCapture {
    fn drop(&mut self) {
        // The supervisor may have ended already; it drops its sender when it does.
        let _ = self.events.send(Event::Stop);
        let _ = self.ended.recv_timeout(STOP_LIMIT * 2);
    }
}

/// How a camera is called in texts for people.
pub(crate) fn name(id: &str) -> String {
    format!("camera {id}")
}

struct Supervisor {
    /// The camera in use, or the last one that was.
    id: String,
    /// Which to use of those that are there, the one that was asked for first.
    preference: DevicePreference,
    format: VideoFormat,
    slot: Arc<LatestSlot<CapturedPicture>>,
    notify: Notifier,
    events: mpsc::Sender<Event>,
    inbox: mpsc::Receiver<Event>,
    /// The owner that waits for the first attempt.
    first: Option<mpsc::SyncSender<Result<String, CaptureError>>>,
    /// Whether the owner was told that the camera is gone.
    lost: bool,
    /// What was opened last.
    opened: String,
    /// The camera that the owner was told of last.
    told: String,
    /// Readers started so far: what an earlier one says late is not about the present one.
    readers: u64,
}

enum Ending {
    Stop,
    /// A better camera is there.
    Replaced(String),
    Lost(CaptureError),
}

impl Supervisor {
    fn run(mut self) {
        loop {
            let shared = Arc::new(Shared { stop: AtomicBool::new(false), pictures: AtomicU64::new(0) });
            let ending = match self.spawn_reader(Arc::clone(&shared)) {
                Ok(()) => self.watch(&shared),
                Err(error) => Ending::Lost(error),
            };
            shared.stop.store(true, Ordering::Release);
            let error = match ending {
                Ending::Stop => {
                    self.await_reader();
                    return;
                }
                Ending::Replaced(better) => {
                    if self.await_reader() {
                        return;
                    }
                    self.id = better;
                    continue;
                }
                Ending::Lost(error) => error,
            };
            if let Some(first) = self.first.take() {
                // The owner is still waiting: it decides what to do without the camera.
                return first.send(Err(error)).unwrap_or(());
            }
            self.preference.failed(Instant::now(), &self.id);
            match self.next(&error) {
                Some(next) => self.id = next,
                None => return,
            }
        }
    }

    fn spawn_reader(&mut self, shared: Arc<Shared>) -> Result<(), CaptureError> {
        self.readers += 1;
        let (id, format, slot, events) = (self.id.clone(), self.format, Arc::clone(&self.slot), self.events.clone());
        let number = self.readers;
        let run = move || {
            // The supervisor is gone when this reader was left behind.
            let opened = |description| events.send(Event::Opened(number, description)).unwrap_or(());
            // The camera libraries panic on replies that they do not expect.
            let read = AssertUnwindSafe(|| reader::run(&id, format, &slot, &shared, opened));
            let ended = std::panic::catch_unwind(read).unwrap_or_else(|_| {
                Err(CaptureError::Failed {
                    device: name(&id),
                    reason: "its driver gave a reply that makes no sense".into(),
                })
            });
            drop(slot);
            let _ = events.send(Event::Ended(number, ended));
        };
        let spawned = std::thread::Builder::new().name("camera-reader".into()).spawn(run);
        spawned.map(drop).map_err(|error| CaptureError::Failed { device: name(&self.id), reason: error.to_string() })
    }

    /// Stays while the reader does. A camera that stalls is reported, but its reader is waited for: the library shares one handle of
    /// a device, so that it cannot be opened again while a read blocks.
    fn watch(&mut self, shared: &Shared) -> Ending {
        let (mut pictures, mut since, mut limit) = (0, Instant::now(), OPEN_LIMIT);
        loop {
            match self.inbox.recv_timeout(WATCH_INTERVAL) {
                Ok(Event::Stop) => return Ending::Stop,
                Ok(Event::Opened(number, description)) if number == self.readers => {
                    (since, limit) = (Instant::now(), STALL_LIMIT);
                    self.opened.clone_from(&description);
                    if let Some(first) = self.first.take() {
                        first.send(Ok(description)).unwrap_or(());
                    }
                }
                Ok(Event::Ended(number, outcome)) if number == self.readers => {
                    return Ending::Lost(outcome.err().unwrap_or_else(|| self.stalled()));
                }
                Ok(Event::Opened(..) | Event::Ended(..)) | Err(_) => {}
            }
            let now = shared.pictures.load(Ordering::Relaxed);
            if now != pictures {
                (pictures, since) = (now, Instant::now());
                if std::mem::replace(&mut self.lost, false) || self.told != self.id {
                    self.told.clone_from(&self.id);
                    self.notify.tell(CaptureNotice::Restored(self.opened.clone()));
                }
            } else if since.elapsed() > limit {
                let error = self.stalled();
                if self.first.is_some() {
                    return Ending::Lost(error);
                }
                self.lose(&error);
            }
            if self.first.is_none()
                && let Some(better) = self.better()
            {
                return Ending::Replaced(better);
            }
        }
    }

    /// A camera to be used instead of the one in use. One that is gone is not replaced here: its reader says so.
    fn better(&mut self) -> Option<String> {
        self.preference.see(system::present());
        let here = self.preference.has(&self.id);
        here.then(|| self.preference.surely_better_than(Instant::now(), &self.id).into_iter().next()).flatten()
    }

    /// The camera to try after this error, as soon as there is one; `None` when told to stop.
    fn next(&mut self, error: &CaptureError) -> Option<String> {
        loop {
            self.preference.see(system::present());
            if let Some(next) = self.preference.order(Instant::now()).into_iter().next() {
                return Some(next);
            }
            self.lose(error);
            match self.inbox.recv_timeout(WATCH_INTERVAL) {
                // What an old reader says does not matter any more.
                Ok(Event::Opened(..) | Event::Ended(..)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn stalled(&self) -> CaptureError {
        CaptureError::Stalled { device: name(&self.id) }
    }

    /// Tells the owner, once for each loss.
    fn lose(&mut self, error: &CaptureError) {
        if !std::mem::replace(&mut self.lost, true) {
            tracing::warn!(camera = self.id, %error, "camera lost");
            self.notify.tell(CaptureNotice::Lost(error.to_string()));
        }
    }

    /// Gives the reader time to close the camera, then leaves it behind. True when told to stop meanwhile.
    fn await_reader(&self) -> bool {
        let until = Instant::now() + STOP_LIMIT;
        let mut stop = false;
        loop {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended(number, _)) if number == self.readers => return stop,
                Ok(event) => stop |= matches!(event, Event::Stop),
                Err(_) => {
                    tracing::debug!(camera = self.id, "camera does not close; leaving it behind");
                    return stop;
                }
            }
        }
    }
}

/// The error behind an operating system's error number (errno on Linux), else the given words.
fn failure(id: &str, code: Option<i32>, reason: String) -> CaptureError {
    let device = name(id);
    match code {
        // EBUSY
        Some(16) => CaptureError::Busy { device, holder: system::holder(id) },
        // EPERM, EACCES
        Some(1 | 13) => CaptureError::Denied { device },
        // ENOENT, ENXIO, ENODEV
        Some(2 | 6 | 19) => CaptureError::Missing { device },
        _ => CaptureError::Failed { device, reason },
    }
}
