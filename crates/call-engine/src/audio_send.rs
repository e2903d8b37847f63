//! Our sound on its way out: one OS thread takes what the microphone gave, cuts it into 20 ms frames and encodes them.
//! Muted, it sends silence, so that the peer's playout never starves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_capture::AudioCapture;
use media_codec::OpusEncoder;
use media_core::{Bitrate, FRAME_SAMPLES, SAMPLE_RATE};
use peer_connection::MediaSender;
use tracing::warn;

/// How often the microphone is drained; half a frame keeps the added delay under 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// What may wait to be encoded; more than this means that the thread was held up, and old sound is worth less than new.
const BACKLOG_SAMPLES: usize = SAMPLE_RATE as usize / 5;

/// The thread and what steers it.
pub(crate) struct AudioSend {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    sender: Mutex<Option<MediaSender>>,
    microphone_on: AtomicBool,
    stopped: AtomicBool,
}

impl AudioSend {
    /// Starts the thread on an open microphone (or its stand-in).
    pub(crate) fn start(capture: AudioCapture, bitrate: Bitrate) -> Result<Self, media_codec::CodecError> {
        let encoder = OpusEncoder::new(bitrate)?;
        let shared = Arc::new(Shared {
            sender: Mutex::new(None),
            microphone_on: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
        });
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new().name("audio-send".into()).spawn(move || run(&shared, capture, encoder)).ok()
        };
        Ok(Self { shared, thread })
    }

    /// From now on frames go to `sender`.
    pub(crate) fn attach(&self, sender: MediaSender) {
        *self.shared.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    /// Stops sending; the microphone is still drained.
    pub(crate) fn detach(&self) {
        *self.shared.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Off: silence is sent.
    pub(crate) fn set_microphone_on(&self, on: bool) {
        self.shared.microphone_on.store(on, Ordering::Relaxed);
    }

    /// Ends the thread and closes the microphone.
    pub(crate) fn stop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, mut capture: AudioCapture, mut encoder: OpusEncoder) {
    let mut samples = Vec::with_capacity(BACKLOG_SAMPLES);
    let mut packet = Vec::new();
    let mut tick = Instant::now();
    while !shared.stopped.load(Ordering::Relaxed) {
        tick = wait_for_tick(tick, TICK);
        let now = Instant::now();
        capture.pull(now, &mut samples);
        if samples.len() > BACKLOG_SAMPLES {
            samples.drain(..samples.len() - BACKLOG_SAMPLES);
        }
        let sender = shared.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
