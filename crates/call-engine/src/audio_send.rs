//! Our sound on its way out: one OS thread takes what the microphone gave, cuts it into 20 ms frames and encodes them.
//! Muted, it sends silence, so that the peer's playout never starves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_capture::AudioCapture;
use media_codec::OpusEncoder;
use media_core::{Bitrate, FRAME_SAMPLES, SAMPLE_RATE};
use peer_connection::MediaSender;
use tracing::warn;

use crate::levels::Levels;

/// How often the microphone is drained; half a frame keeps the added delay under 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// What may wait to be encoded; more than this means that the thread was held up, and old sound is worth less than new.
const BACKLOG_SAMPLES: usize = SAMPLE_RATE as usize / 5;

/// The thread and what steers it.
pub(crate) struct AudioSend {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    capture: Mutex<Option<AudioCapture>>,
    levels: Arc<Levels>,
    sender: Mutex<Option<MediaSender>>,
    microphone_on: AtomicBool,
    stopped: AtomicBool,
}

impl AudioSend {
    /// Starts the thread, without a microphone yet. How loud it is goes to `levels`.
    pub(crate) fn start(bitrate: Bitrate, levels: Arc<Levels>) -> Result<Self, media_codec::CodecError> {
        let encoder = OpusEncoder::new(bitrate)?;
        let shared = Arc::new(Shared {
            capture: Mutex::new(None),
            levels,
            sender: Mutex::new(None),
            microphone_on: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
        });
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new().name("audio-send".into()).spawn(move || run(&shared, encoder)).ok()
        };
        Ok(Self { shared, thread: Mutex::new(thread) })
    }

    /// From now on the sound comes from `capture`; gives back what it came from before, to be closed.
    pub(crate) fn take_from(&self, capture: Option<AudioCapture>) -> Option<AudioCapture> {
        std::mem::replace(&mut *lock(&self.shared.capture), capture)
    }

    /// From now on frames go to `sender`.
    pub(crate) fn attach(&self, sender: MediaSender) {
        *lock(&self.shared.sender) = Some(sender);
    }

    /// Stops sending; the microphone is still drained.
    pub(crate) fn detach(&self) {
        *lock(&self.shared.sender) = None;
    }

    /// Off: silence is sent.
    pub(crate) fn set_microphone_on(&self, on: bool) {
        self.shared.microphone_on.store(on, Ordering::Relaxed);
    }

    /// Ends the thread; it is over after a tick.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for AudioSend {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared, mut encoder: OpusEncoder) {
    let mut samples = Vec::with_capacity(BACKLOG_SAMPLES);
    let mut packet = Vec::new();
    let mut tick = Instant::now();
    while !shared.stopped.load(Ordering::Relaxed) {
        let last = tick;
        tick = wait_for_tick(tick, TICK);
        let (now, before) = (Instant::now(), samples.len());
        if let Some(capture) = &mut *lock(&shared.capture) {
            capture.pull(now, &mut samples);
        }
        // What is heard, whether or not it is sent.
        shared.levels.microphone.note(&samples[before..], tick - last);
        if samples.len() > BACKLOG_SAMPLES {
            samples.drain(..samples.len() - BACKLOG_SAMPLES);
        }
        let sender = lock(&shared.sender).clone();
        let Some(sender) = sender else {
            samples.clear();
            continue;
        };
        if !shared.microphone_on.load(Ordering::Relaxed) {
            samples.fill(0.0);
        }
        let whole = samples.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        for (index, frame) in samples[..whole].chunks_exact(FRAME_SAMPLES).enumerate() {
            // The frame's first sample was captured that long before the newest one.
            let age = Duration::from_secs_f64((samples.len() - index * FRAME_SAMPLES) as f64 / f64::from(SAMPLE_RATE));
            match encoder.encode(frame, &mut packet) {
                Ok(()) => {
                    let _ = sender.send(&packet, now.checked_sub(age).unwrap_or(now));
                }
                Err(error) => warn!("a sound frame could not be encoded and was skipped: {error}"),
            }
        }
        samples.drain(..whole);
    }
}

/// Sleeps to the tick after `last` and returns it; ticks that passed meanwhile are left out.
pub(crate) fn wait_for_tick(last: Instant, interval: Duration) -> Instant {
    let now = Instant::now();
    let next = last + interval;
    if next > now {
        std::thread::sleep(next - now);
        next
    } else {
        now
    }
}
