//! One stream of a device: built with a plan that the device takes, started, and closed in the end.
//! Neither start nor close waits for a sound system that does not answer; what fails in between is a signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use cpal::traits::StreamTrait;

use crate::format::{HostKind, StreamPlan};
use crate::host::{self, Found};
use crate::worker::Signal;
use crate::{DeviceError, Direction};

/// How long a stream may take to build on a server; on ALSA, how often a silent device is asked whether it is still there.
pub(crate) const POLL_LIMIT: Duration = Duration::from_secs(1);

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

/// Opens one stream after the other, also beside each other.
pub(crate) struct Opener<B: BuildStream> {
    builder: B,
    feeds: mpsc::Sender<Feed<B::End>>,
    wake: mpsc::Sender<Signal>,
    /// Streams opened so far: an error of an earlier one does not end the present one.
    streams: u64,
    /// Whether a stream had trouble with its small buffer, so that ALSA gets the larger one.
    pub(crate) patient: bool,
}

/// A stream that was started.
pub(crate) struct Running {
    stream: Arc<cpal::Stream>,
    pulse: Arc<Pulse>,
    /// Its device.
    pub(crate) found: Found,
    /// Tells its signals from those of others.
    pub(crate) number: u64,
}

impl<B: BuildStream> Opener<B> {
    /// Whoever holds the other end of `feeds` gets the ring of each stream, and of `wake` its error.
    pub(crate) fn new(builder: B, feeds: mpsc::Sender<Feed<B::End>>, wake: mpsc::Sender<Signal>) -> Self {
        Self { builder, feeds, wake, streams: 0, patient: false }
    }

    /// Builds and starts a stream.
    pub(crate) fn open(&mut self, found: Found) -> Result<Running, DeviceError> {
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
}

impl Running {
    /// Calls of its data callback so far.
    pub(crate) fn beats(&self) -> u64 {
        self.pulse.beats.load(Ordering::Relaxed)
    }

    /// Over- or underruns inside the sound system so far.
    pub(crate) fn xruns(&self) -> u64 {
        self.pulse.xruns.load(Ordering::Relaxed)
    }

    /// Closes it, but waits no longer than `limit`: closing joins threads that a dead sound server may hold for ever.
    /// Gives its device back.
    pub(crate) fn retire(self, limit: Duration) -> Found {
        let Self { stream, found, .. } = self;
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
        found
    }
}
