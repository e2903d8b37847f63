//! The thread behind a stream: opens the best device, watches that sound flows, and changes to another when one comes or goes.
//! Everything about devices that can block happens here, so that neither the audio thread nor a call's start or end waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use media_core::DevicePreference;

use crate::announcer::Announcer;
use crate::format::HostKind;
use crate::host::{self, DeviceChoice, Found};
use crate::stream::{BuildStream, Feed, Opener, Running};
use crate::survey::Survey;
use crate::{DeviceError, DeviceNotice};

/// How long a start waits for the device. A sound server that answers at all does so in milliseconds.
const START_LIMIT: Duration = Duration::from_secs(2);
/// How long an end waits for the device to close before it leaves the thread to itself.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// A stream that lived for less was never good. Also how often another sound system is looked for while no device works.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// How often a running stream is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// A stream whose callback was not called for this long is dead. PulseAudio's null sink needs 2 s to start.
const STALL_LIMIT: Duration = Duration::from_secs(5);
/// How often the devices that are there are looked at: what comes or goes is to be answered within a second, and opening a device
/// takes a part of it. The answers of a sound server cost 0.2 ms.
const CHECK_INTERVAL: Duration = Duration::from_millis(300);
/// Devices tried in one go; each takes a while to open. The next go has the next ones.
const MAX_ATTEMPTS: usize = 4;
/// Underruns of a small buffer after which the stream is opened again with a larger one.
const XRUN_LIMIT: u64 = 3;

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

/// What wakes the thread.
pub(crate) enum Signal {
    /// The owner wants an end.
    Stop,
    /// The stream with this number failed.
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
            opener: Opener::new(builder, feed_sender, wake.clone()),
            survey: Survey::new(&choice, B::DIRECTION),
            preference: DevicePreference::new(choice.id().map(str::to_owned)),
            choice,
            announcer: Announcer::new(first_sender, notify),
            signals,
            stop: Arc::clone(&stop),
            failure: None,
            refused: None,
            worked: false,
            systems_at: Instant::now(),
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
    opener: Opener<B>,
    choice: DeviceChoice,
    survey: Survey,
    preference: DevicePreference,
    announcer: Announcer<N>,
    signals: mpsc::Receiver<Signal>,
    stop: Arc<AtomicBool>,
    /// What the last attempt said.
    failure: Option<DeviceError>,
    /// Why a better device than the one that was opened last is not used.
    refused: Option<DeviceError>,
    /// Whether a device was open before: until then only what was chosen will do.
    worked: bool,
    /// When other sound systems were looked for last.
    systems_at: Instant,
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
            let flowed = running.beats() > 0;
            let troubled = matches!(ending, Ending::Starved | Ending::Broken(_));
            self.opener.patient |= running.found.kind == HostKind::Alsa && troubled;
            // Only the same device need be let go of before it can be opened.
            let gone = matches!(ending, Ending::Gone | Ending::Broken(DeviceError::Missing(_)));
            let another = gone || matches!(ending, Ending::Replaced(_));
            let found = running.retire(if another { Duration::ZERO } else { STOP_LIMIT });
            match ending {
                Ending::Stop => return,
                Ending::Starved => tracing::debug!(device = found.name, "a larger buffer is used"),
                Ending::Gone => self.failure = Some(DeviceError::Gone(B::DIRECTION)),
                Ending::Replaced(better) => replacement = Some(*better),
                Ending::Broken(error) => {
                    tracing::warn!(device = found.name, %error, "sound stream broke; opening one again");
                    if !flowed || begun.elapsed() < RETRY_INTERVAL {
                        self.preference.failed(Instant::now(), &found.id);
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
            match self.opener.open(found.clone()) {
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
            let now = running.beats();
            if now != beats {
                (beats, beat_at) = (now, Instant::now());
                if begun.elapsed() > RETRY_INTERVAL {
                    self.preference.worked(&running.found.id);
                }
            } else if beat_at.elapsed() > STALL_LIMIT {
                let reason = "it stopped without a word".to_owned();
                return Ending::Broken(DeviceError::Failed { kind: B::DIRECTION, reason });
            }
            let small_buffer = running.found.kind == HostKind::Alsa && !self.opener.patient;
            if small_buffer && running.xruns() >= XRUN_LIMIT {
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
