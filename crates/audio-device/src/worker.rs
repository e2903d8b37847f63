//! The thread behind a stream: opens the device, watches that sound flows, and opens it again after an error or a loss.
//! Everything about devices that can block happens here, so that neither the audio thread nor a call's start or end waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use cpal::traits::StreamTrait;

use crate::format::{HostKind, StreamPlan};
use crate::host::{self, DeviceChoice, Found};
use crate::{DeviceError, DeviceNotice, Direction};

/// How long a start waits for the device. A sound server that answers at all does so in milliseconds.
const START_LIMIT: Duration = Duration::from_secs(2);
/// How long an end waits for the device to close before it leaves the thread to itself.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// Time between two attempts at a device that is gone.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// How often a running stream is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// How long a stream may take to build on a server; on ALSA, how often a silent device is asked whether it is still there.
pub(crate) const POLL_LIMIT: Duration = Duration::from_secs(1);
/// A stream whose callback was not called for this long is dead. PulseAudio's null sink needs 2 s to start.
const STALL_LIMIT: Duration = Duration::from_secs(5);
/// How often a sound server is asked whether the microphone is still there.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Underruns of a small buffer after which the stream is opened again with a larger one.
const XRUN_LIMIT: u64 = 3;

/// What a stream's callbacks report without blocking.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Calls of the data callback.
    pub(crate) beats: AtomicU64,
    /// Over- or underruns inside the sound system.
    xruns: AtomicU64,
    /// Whether an error was passed on; one is enough, some backends report thousands.
    failed: AtomicBool,
}

/// The caller's end of a stream that was opened.
pub(crate) struct Feed<End> {
    /// The ring between the callback and the audio thread.
    pub(crate) ring: End,
    pub(crate) plan: StreamPlan,
    pub(crate) pulse: Arc<Pulse>,
}

/// Builds a stream for a device with a plan, and the ring to its callback.
pub(crate) trait BuildStream: Send + 'static {
    type End: Send + 'static;
    const DIRECTION: Direction;

    fn build(
        &self,
        device: &cpal::Device,
        plan: &StreamPlan,
        pulse: Arc<Pulse>,
        on_error: impl FnMut(cpal::Error) + Send + 'static,
    ) -> Result<(cpal::Stream, Self::End), cpal::Error>;
}

/// The owner's handle of the thread. Dropping it ends the stream, within [`STOP_LIMIT`] or a little more.
pub(crate) struct Worker<End> {
    /// The ring of each stream that was opened, newest last.
    pub(crate) feeds: mpsc::Receiver<Feed<End>>,
    /// The device's name, or why it could not be opened at the start.
    pub(crate) opened: Result<String, DeviceError>,
    stop: Arc<AtomicBool>,
    wake: mpsc::Sender<Signal>,
    ended: mpsc::Receiver<()>,
}

enum Signal {
    Stop,
    Failed { stream: u64, error: cpal::Error },
}

impl<End: Send + 'static> Worker<End> {
    /// Starts the thread and waits up to [`START_LIMIT`] for the device. A device that cannot be opened is tried on and on.
    pub(crate) fn start<B: BuildStream<End = End>>(
        builder: B,
        choice: DeviceChoice,
        notify: impl Fn(DeviceNotice) + Send + 'static,
    ) -> Self {
        let (feed_sender, feeds) = mpsc::channel();
        let (wake, signals) = mpsc::channel();
        let (ended_sender, ended) = mpsc::sync_channel(1);
        let (first_sender, first) = mpsc::sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = Thread {
            builder,
            choice,
            notify,
            feeds: feed_sender,
            signals,
            wake: wake.clone(),
            stop: Arc::clone(&stop),
            first: Some(first_sender),
            lost: false,
            streams: 0,
            worked: false,
            patient: false,
        };
        let run = move || {
            thread.run();
            drop(ended_sender);
        };
        let name = format!("{}-device", B::DIRECTION);
        let opened = match std::thread::Builder::new().name(name).spawn(run) {
            Ok(_) => first.recv_timeout(START_LIMIT).unwrap_or(Err(DeviceError::Unresponsive(B::DIRECTION))),
            Err(error) => Err(DeviceError::Failed { kind: B::DIRECTION, reason: error.to_string() }),
        };
        Self { feeds, opened, stop, wake, ended }
    }
}

impl<End> Drop for Worker<End> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The thread may have ended already.
        let _ = self.wake.send(Signal::Stop);
        // Ends when the thread drops its sender; a thread that a dead sound server holds is left behind.
        if self.ended.recv_timeout(STOP_LIMIT * 2) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the sound system did not let go of the device in time");
        }
    }
}

struct Thread<B: BuildStream, N> {
    builder: B,
    choice: DeviceChoice,
    notify: N,
    feeds: mpsc::Sender<Feed<B::End>>,
    signals: mpsc::Receiver<Signal>,
    wake: mpsc::Sender<Signal>,
    stop: Arc<AtomicBool>,
    /// The owner that waits for the first attempt.
    first: Option<mpsc::SyncSender<Result<String, DeviceError>>>,
    /// Whether the owner believes the device to be gone.
    lost: bool,
    /// Streams opened so far: an error of an earlier one does not end the present one.
    streams: u64,
    /// Whether the device was open before.
    worked: bool,
    /// Whether a stream had trouble with its small buffer.
    patient: bool,
}

struct Running {
    stream: cpal::Stream,
    pulse: Arc<Pulse>,
    found: Found,
}

impl<B: BuildStream, N: Fn(DeviceNotice)> Thread<B, N> {
    fn run(mut self) {
        while !self.stopped() {
            let begun = Instant::now();
            let error = match self.open() {
                Ok(running) => {
                    self.announce(Ok(running.found.name.clone()));
                    self.worked = true;
                    let ending = self.watch(&running);
                    let flowed = running.pulse.beats.load(Ordering::Relaxed) > 0;
                    self.patient |= running.found.kind == HostKind::Alsa;
                    retire(running.stream);
                    let Some(error) = ending else { return };
                    tracing::warn!(device = running.found.name, %error, "sound stream broke; opening it again");
                    if flowed && begun.elapsed() > RETRY_INTERVAL {
                        continue;
                    }
                    error
                }
                Err(error) => error,
            };
            self.announce(Err(if self.worked { error.after_use() } else { error }));
            self.pause(RETRY_INTERVAL);
        }
    }

    /// Tells how an attempt went: as the answer that the owner waits for, later as a notice of what changed.
    fn announce(&mut self, outcome: Result<String, DeviceError>) {
        if let Some(first) = self.first.take() {
            self.lost = outcome.is_err();
            if first.send(outcome.clone()).is_ok() {
                return;
            }
            // The owner has waited long enough and goes on without the device.
            self.lost = true;
        }
        match outcome {
            Ok(name) if self.lost => (self.notify)(DeviceNotice::Restored(name)),
            Err(error) if !self.lost => (self.notify)(DeviceNotice::Lost(error)),
            Ok(_) | Err(_) => return,
        }
        self.lost = !self.lost;
    }

    /// Opens the first device that works; when none does, the error of the first tells the most.
    fn open(&mut self) -> Result<Running, DeviceError> {
        let mut failure = None;
        for found in host::candidates(&self.choice, B::DIRECTION)? {
            match self.open_stream(found) {
                Ok(running) => return Ok(running),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.expect("there is at least one candidate"))
    }

    fn open_stream(&mut self, found: Found) -> Result<Running, DeviceError> {
        let plan = found.plan(B::DIRECTION, self.patient)?;
        self.streams += 1;
        let pulse = Arc::new(Pulse::default());
        let build =
            |plan: &StreamPlan| self.builder.build(&found.device, plan, Arc::clone(&pulse), self.on_error(&pulse));
        let (stream, ring) = match build(&plan) {
            // Some take no other buffer than their own: ALSA's mixing devices (21 ms), other systems. It is small then.
            Err(error) if found.kind != HostKind::Server && error.kind() == cpal::ErrorKind::UnsupportedConfig => {
                build(&StreamPlan { period: None, ..plan })
            }
            built => built,
        }
        .map_err(|error| DeviceError::from_cpal(B::DIRECTION, &error))?;
        let plan = StreamPlan { period: stream.buffer_size().ok().or(plan.period), ..plan };
        // The owner is gone only while this thread is about to stop.
        let _ = self.feeds.send(Feed { ring, plan, pulse: Arc::clone(&pulse) });
        Ok(Running { stream, pulse, found })
    }

    fn on_error(&self, pulse: &Arc<Pulse>) -> impl FnMut(cpal::Error) + Send + 'static {
        let (pulse, wake, stream) = (Arc::clone(pulse), self.wake.clone(), self.streams);
        move |error| match error.kind() {
            cpal::ErrorKind::Xrun => drop(pulse.xruns.fetch_add(1, Ordering::Relaxed)),
            cpal::ErrorKind::DeviceChanged | cpal::ErrorKind::RealtimeDenied => {}
            _ if pulse.failed.swap(true, Ordering::Relaxed) => {}
            // Fails only when the thread is ending.
            _ => drop(wake.send(Signal::Failed { stream, error })),
        }
    }

    /// Lets the stream run until it breaks; `None` when the owner ends it.
    fn watch(&self, running: &Running) -> Option<DeviceError> {
        let failed = |reason: &str| Some(DeviceError::Failed { kind: B::DIRECTION, reason: reason.to_owned() });
        if let Err(error) = running.stream.play() {
            return Some(DeviceError::from_cpal(B::DIRECTION, &error));
        }
        let (mut beats, mut beat_at, mut checked_at) = (0, Instant::now(), Instant::now());
        loop {
            match self.signals.recv_timeout(WATCH_INTERVAL) {
                Ok(Signal::Failed { stream, error }) if stream == self.streams => {
                    return Some(DeviceError::from_cpal(B::DIRECTION, &error));
                }
                Ok(Signal::Failed { .. } | Signal::Stop) | Err(_) => {}
            }
            if self.stopped() {
                return None;
            }
            let now = running.pulse.beats.load(Ordering::Relaxed);
            if now != beats {
                (beats, beat_at) = (now, Instant::now());
                // A server moves the stream of a microphone that was unplugged to another source, if need be to one that plays back
                // the speaker: the peer would hear itself. It is asked only while it is seen to work, for asking could block.
                let may_move = B::DIRECTION == Direction::Input && running.found.kind == HostKind::Server;
                if may_move && checked_at.elapsed() > CHECK_INTERVAL {
                    if !running.found.is_there() {
                        return Some(DeviceError::Gone(B::DIRECTION));
                    }
                    checked_at = Instant::now();
                }
            } else if beat_at.elapsed() > STALL_LIMIT {
                return failed("it stopped without a word");
            }
            let small_buffer = running.found.kind == HostKind::Alsa && !self.patient;
            if small_buffer && running.pulse.xruns.load(Ordering::Relaxed) >= XRUN_LIMIT {
                return failed("its buffer is too small");
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits, unless the owner wants an end.
    fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.stopped() {
            // Late errors of a stream that is gone do not shorten the wait.
            match self.signals.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// Closes a stream, but waits no longer than [`STOP_LIMIT`]: closing joins threads that a dead sound server may hold for ever.
fn retire(stream: cpal::Stream) {
    let (done_sender, done) = mpsc::sync_channel::<()>(1);
    let close = move || {
        drop(stream);
        drop(done_sender);
    };
    if std::thread::Builder::new().name("sound-close".into()).spawn(close).is_ok()
        && done.recv_timeout(STOP_LIMIT) == Err(RecvTimeoutError::Timeout)
    {
        tracing::debug!("a sound stream does not close");
    }
}
