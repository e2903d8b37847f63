//! Our sound on its way out: one OS thread takes what the microphone gave, cuts it into 20 ms frames and encodes them.
//! Muted, it sends silence, so that the peer's playout never starves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media_capture::AudioCapture;
use media_codec::OpusEncoder;
use media_core::{Bitrate, FRAME_SAMPLES, SAMPLE_RATE};
use peer_connection::MediaSender;
use tracing::warn;

use crate::levels::Levels;
use crate::ticking::Ticking;

/// How often the microphone is drained; half a frame keeps the added delay under 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// What may wait to be encoded; more than this means that the thread was held up, and old sound is worth less than new.
const BACKLOG_SAMPLES: usize = SAMPLE_RATE as usize / 5;

/// The thread and what steers it.
pub(crate) struct AudioSend {
    /// Dropped first, so that devices are not closed on it.
    thread: Ticking,
    shared: Arc<Shared>,
}

struct Shared {
    capture: Mutex<Option<AudioCapture>>,
    levels: Arc<Levels>,
    sender: Mutex<Option<MediaSender>>,
    microphone_on: AtomicBool,
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
        });
        let (theirs, mut frames) = (shared.clone(), Frames::new(encoder));
        let thread = Ticking::start("audio-send", TICK, move |elapsed| frames.tick(&theirs, elapsed));
        Ok(Self { shared, thread })
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
        self.thread.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was captured and is not sent yet, and the encoder.
struct Frames {
    encoder: OpusEncoder,
    samples: Vec<f32>,
    packet: Vec<u8>,
}

impl Frames {
    fn new(encoder: OpusEncoder) -> Self {
        Self { encoder, samples: Vec::with_capacity(BACKLOG_SAMPLES), packet: Vec::new() }
    }

    /// Takes what the microphone gave and sends what is whole of it.
    fn tick(&mut self, shared: &Shared, elapsed: Duration) {
        let Self { encoder, samples, packet } = self;
        let (now, before) = (Instant::now(), samples.len());
        if let Some(capture) = &mut *lock(&shared.capture) {
            capture.pull(now, samples);
        }
        // What is heard, whether or not it is sent.
        shared.levels.microphone.note(&samples[before..], elapsed);
        if samples.len() > BACKLOG_SAMPLES {
            samples.drain(..samples.len() - BACKLOG_SAMPLES);
        }
        let Some(sender) = lock(&shared.sender).clone() else { return samples.clear() };
        if !shared.microphone_on.load(Ordering::Relaxed) {
            samples.fill(0.0);
        }
        let whole = samples.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        for (index, frame) in samples[..whole].chunks_exact(FRAME_SAMPLES).enumerate() {
            // The frame's first sample was captured that long before the newest one.
            let age = Duration::from_secs_f64((samples.len() - index * FRAME_SAMPLES) as f64 / f64::from(SAMPLE_RATE));
            match encoder.encode(frame, packet) {
                Ok(()) => {
                    let _ = sender.send(packet, now.checked_sub(age).unwrap_or(now));
                }
                Err(error) => warn!("a sound frame could not be encoded and was skipped: {error}"),
            }
        }
        samples.drain(..whole);
    }
}
