//! The thread behind a stream: opens the best device, watches that sound flows, and changes to another when one comes or goes.
//! Everything about devices that can block happens here, so that neither the audio thread nor a call's start or end waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use cpal::traits::StreamTrait;
use media_core::DevicePreference;

use crate::announcer::Announcer;
use crate::format::{HostKind, StreamPlan};
use crate::host::{self, DeviceChoice, Found};
use crate::survey::Survey;
use crate::{DeviceError, DeviceNotice, Direction};

/// How long a start waits for the device. A sound server that answers at all does so in milliseconds.
const START_LIMIT: Duration = Duration::from_secs(2);
/// How long an end waits for the device to close before it leaves the thread to itself.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// A stream that lived for less was never good. Also how often another sound system is looked for while no device works.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// How often a running stream is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// How long a stream may take to build on a server; on ALSA, how often a silent device is asked whether it is still there.
pub(crate) const POLL_LIMIT: Duration = Duration::from_secs(1);
/// A stream whose callback was not called for this long is dead. PulseAudio's null sink needs 2 s to start.
const STALL_LIMIT: Duration = Duration::from_secs(5);
/// How often the devices that are there are looked at: what comes or goes is to be answered within a second, and opening a device
/// takes a part of it. The answers of a sound server cost 0.2 ms.
const CHECK_INTERVAL: Duration = Duration::from_millis(300);
/// Devices tried in one go; each takes a while to open. The next go has the next ones.
const MAX_ATTEMPTS: usize = 4;
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
            survey: Survey::new(&choice, B::DIRECTION),
            preference: DevicePreference::new(choice.id().map(str::to_owned)),
            choice,
            announcer: Announcer::new(first_sender, notify),
            feeds: feed_sender,
            signals,
            wake: wake.clone(),
            stop: Arc::clone(&stop),
            failure: None,
            refused: None,
            streams: 0,
            worked: false,
            systems_at: Instant::now(),
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
    survey: Survey,
    preference: DevicePreference,
    announcer: Announcer<N>,
    feeds: mpsc::Sender<Feed<B::End>>,
    signals: mpsc::Receiver<Signal>,
    wake: mpsc::Sender<Signal>,
    stop: Arc<AtomicBool>,
    /// What the last attempt said.
    failure: Option<DeviceError>,
    /// Why a better device than the one that was opened last is not used.
    refused: Option<DeviceError>,
    /// Streams opened so far: an error of an earlier one does not end the present one.
    streams: u64,
    /// Whether a device was open before: until then only what was chosen will do.
    worked: bool,
    /// When other sound systems were looked for last.
    systems_at: Instant,
    /// Whether a stream had trouble with its small buffer.
    patient: bool,
}

struct Running {
    stream: Arc<cpal::Stream>,
    pulse: Arc<Pulse>,
    found: Found,
    number: u64,
}

/// Why a stream ends.
enum Ending {
    /// The owner wants it.
    Stop,
    /// The device is there no more.
    Gone,
    /// Another device is to be used, and is open.
    Replaced(Box<Running>),
    /// It wants a larger buffer.
    Starved,
    /// It does not work.
    Broken(DeviceError),
}

impl<B: BuildStream, N: Fn(DeviceNotice)> Thread<B, N> {
    fn run(mut self) {
        let mut replacement = None;
        while !self.stopped() {
            let begun = Instant::now();
            let running = match replacement.take().map_or_else(|| self.open(), Ok) {
                Ok(running) => running,
                Err(error) => {
                    self.announcer.fails(if self.worked { error.after_use() } else { error });
                    self.pause();
                    continue;
                }
            };
            self.announcer.works(&running.found.id, &running.found.name, self.refused.take());
            (self.worked, self.failure) = (true, None);
            let ending = self.watch(&running);
            let flowed = running.pulse.beats.load(Ordering::Relaxed) > 0;
            let troubled = matches!(ending, Ending::Starved | Ending::Broken(_));
            self.patient |= running.found.kind == HostKind::Alsa && troubled;
            // Only the same device need be let go of before it can be opened.
            let gone = matches!(ending, Ending::Gone | Ending::Broken(DeviceError::Missing(_)));
            let another = gone || matches!(ending, Ending::Replaced(_));
            retire(running.stream, if another { Duration::ZERO } else { STOP_LIMIT });
            match ending {
                Ending::Stop => return,
                Ending::Starved => tracing::debug!(device = running.found.name, "a larger buffer is used"),
                Ending::Gone => self.failure = Some(DeviceError::Gone(B::DIRECTION)),
                Ending::Replaced(better) => replacement = Some(*better),
                Ending::Broken(error) => {
                    tracing::warn!(device = running.found.name, %error, "sound stream broke; opening one again");
                    if !flowed || begun.elapsed() < RETRY_INTERVAL {
                        self.preference.failed(Instant::now(), &running.found.id);
                    }
                    self.failure = Some(error);
                }
            }
        }
    }

    /// Opens the best device that works; when none does, what the last attempts said.
    fn open(&mut self) -> Result<Running, DeviceError> {
        let there = match &self.choice {
            // Nothing else was asked for, and a wrong id is to be told.
            DeviceChoice::Id(id) if !self.worked => vec![host::find_by_id(id, B::DIRECTION)?],
            DeviceChoice::Id(_) | DeviceChoice::Rather(_) | DeviceChoice::Default => self.look()?,
        };
        self.preference.see(there.iter().map(|found| found.id.clone()));
        self.refused = self.preference.missed().map(|_| DeviceError::Absent(B::DIRECTION));
        let order = self.preference.order(Instant::now());
        let failure = match self.open_first(&there, &order) {
            Ok(running) => return Ok(running),
            Err(failure) => failure,
        };
        let failure = failure.or(self.failure.take()).unwrap_or(DeviceError::Missing(B::DIRECTION));
        self.failure = Some(failure.clone());
        Err(failure)
    }

    fn look(&mut self) -> Result<Vec<Found>, DeviceError> {
        self.survey.look(Instant::now()).map(<[Found]>::to_vec)
    }

    /// Opens the first that works. The error of the first that does not tells the most.
    fn open_first(&mut self, there: &[Found], order: &[String]) -> Result<Running, Option<DeviceError>> {
        let mut failure = None;
        for id in order.iter().take(MAX_ATTEMPTS) {
            let Some(found) = there.iter().find(|found| found.id == *id) else { continue };
            match self.open_stream(found.clone()) {
                Ok(running) => {
                    self.refused = failure.or(self.refused.take());
                    return Ok(running);
                }
                Err(error) => {
                    self.preference.failed(Instant::now(), id);
                    failure = failure.or(Some(error));
                }
            }
        }
        Err(failure)
    }

    fn open_stream(&mut self, found: Found) -> Result<Running, DeviceError> {
        let found = match found.kind {
            // Over a connection of its own: streams and questions on one would wait for each other.
            HostKind::Server => host::find_by_id(&found.id, B::DIRECTION)?,
            HostKind::Alsa | HostKind::Other => found,
        };
        self.streams += 1;
        let pulse = Arc::new(Pulse::default());
        let build =
            |plan: &StreamPlan| self.builder.build(&found.device, plan, Arc::clone(&pulse), self.on_error(&pulse));
        let refuses = |error: &cpal::Error| error.kind() == cpal::ErrorKind::UnsupportedConfig;
        let build = |plan: &StreamPlan| match build(plan) {
            // Some take no other buffer than their own: ALSA's mixing devices (21 ms), other systems. It is small then.
            Err(error) if found.kind != HostKind::Server && refuses(&error) => {
                build(&StreamPlan { period: None, ..*plan })
            }
            built => built,
        };
        let explain = |error: cpal::Error| DeviceError::of_device(B::DIRECTION, &found.id, &error);
        let usual = found.converts().then(|| StreamPlan::of_plug(B::DIRECTION, self.patient));
        let (plan, built) = match usual.map(|plan| (plan, build(&plan))) {
            Some((plan, Ok(built))) => (plan, built),
            Some((_, Err(error))) if !refuses(&error) => return Err(explain(error)),
            Some(_) | None => {
                let plan = found.plan(B::DIRECTION, self.patient)?;
                (plan, build(&plan).map_err(explain)?)
            }
        };
        let (stream, ring) = built;
        let plan = StreamPlan { period: stream.buffer_size().ok().or(plan.period), ..plan };
        // The owner is gone only while this thread is about to stop.
        let _ = self.feeds.send(Feed { ring, plan, pulse: Arc::clone(&pulse) });
        let running = Running { stream: Arc::new(stream), pulse, found, number: self.streams };
        self.play(&running)?;
        Ok(running)
    }

    /// Starts a stream, on a thread of its own: PulseAudio answers when the first sound is through, which its null sink takes 2 s for.
    fn play(&self, running: &Running) -> Result<(), DeviceError> {
        let (wake, stream, number) = (self.wake.clone(), Arc::clone(&running.stream), running.number);
        let play = move || {
            if let Err(error) = stream.play() {
                // Fails only when the thread is ending.
                let _ = wake.send(Signal::Failed { stream: number, error });
            }
        };
        let spawned = std::thread::Builder::new().name("sound-start".into()).spawn(play);
        spawned.map(drop).map_err(|error| DeviceError::Failed { kind: B::DIRECTION, reason: error.to_string() })
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

    /// Lets the stream run until it breaks, or another device is to be used.
    fn watch(&mut self, running: &Running) -> Ending {
        let begun = Instant::now();
        let (mut beats, mut beat_at, mut checked_at) = (0, begun, begun);
        loop {
            match self.signals.recv_timeout(WATCH_INTERVAL) {
                Ok(Signal::Failed { stream, error }) if stream == running.number => {
                    return Ending::Broken(DeviceError::from_cpal(B::DIRECTION, &error));
                }
                Ok(Signal::Failed { .. } | Signal::Stop) | Err(_) => {}
            }
            if self.stopped() {
                return Ending::Stop;
            }
            let now = running.pulse.beats.load(Ordering::Relaxed);
            if now != beats {
                (beats, beat_at) = (now, Instant::now());
                if begun.elapsed() > RETRY_INTERVAL {
                    self.preference.worked(&running.found.id);
                }
            } else if beat_at.elapsed() > STALL_LIMIT {
                let reason = "it stopped without a word".to_owned();
                return Ending::Broken(DeviceError::Failed { kind: B::DIRECTION, reason });
            }
            let small_buffer = running.found.kind == HostKind::Alsa && !self.patient;
            if small_buffer && running.pulse.xruns.load(Ordering::Relaxed) >= XRUN_LIMIT {
                return Ending::Starved;
            }
            if checked_at.elapsed() >= CHECK_INTERVAL {
                if let Some(ending) = self.check(&running.found) {
                    return ending;
                }
                checked_at = Instant::now();
            }
        }
    }

    /// Whether the device in use is still there and still the best. A server moves the stream of a device that was unplugged to
    /// another without a word, if need be to a microphone that plays back the speaker: the peer would hear itself.
    fn check(&mut self, current: &Found) -> Option<Ending> {
        // A system that does not answer says so by the stream as well.
        let there = self.look().ok()?;
        self.preference.see(there.iter().map(|found| found.id.clone()));
        if !self.preference.has(&current.id) {
            return Some(Ending::Gone);
        }
        let now = Instant::now();
        let better = self.preference.better_than(now, &current.id);
        // Those that failed before are tried in silence.
        let fresh = !self.preference.surely_better_than(now, &current.id).is_empty();
        match self.open_first(&there, &better) {
            Ok(better) => return Some(Ending::Replaced(Box::new(better))),
            // Whoever waits for it must know who has it.
            Err(Some(error @ DeviceError::Busy(_))) if fresh => self.announcer.refused(error, &current.name),
            Err(_) => {}
        }
        None
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits before devices are looked at again, unless the owner wants an end.
    fn pause(&mut self) {
        let strict = matches!(self.choice, DeviceChoice::Id(_)) && !self.worked;
        let until = Instant::now() + if strict { RETRY_INTERVAL } else { CHECK_INTERVAL };
        while !self.stopped() {
            // Late errors of a stream that is gone do not shorten the wait.
            if self.signals.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                break;
            }
        }
        if self.systems_at.elapsed() > RETRY_INTERVAL {
            self.systems_at = Instant::now();
            self.survey.forget();
        }
    }
}

/// Closes a stream, but waits no longer than `limit`: closing joins threads that a dead sound server may hold for ever.
fn retire(stream: Arc<cpal::Stream>, limit: Duration) {
    let (done_sender, done) = mpsc::sync_channel::<()>(1);
    let close = move || {
        drop(stream);
        drop(done_sender);
    };
    if std::thread::Builder::new().name("sound-close".into()).spawn(close).is_ok()
        && done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout)
        && !limit.is_zero()
    {
        tracing::debug!("a sound stream does not close");
    }
}
