//! Our pictures on their way out: one OS thread takes the newest picture, encodes it and hands it to the peer connection.
//! It drops what is late, follows the target bitrate and makes a keyframe when the peer or a drop asks for one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_capture::VideoFormat;
use media_codec::{H264Encoder, VideoEncoderConfig};
use media_core::{Bitrate, CapturedPicture, FpsMeter, KeyframePace, LatestSlot, Picture, SlotWait};
use peer_connection::{MediaSender, Sent};
use tracing::warn;

use crate::config::Repaint;
use crate::figures::VideoSent;

/// When no picture came for this long, a black one is sent if the peer should see black.
const IDLE: Duration = Duration::from_millis(250);

/// The thread and what steers it.
pub(crate) struct VideoSend {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    /// Where pictures come from; closed when another one takes its place.
    pictures: Mutex<Arc<LatestSlot<CapturedPicture>>>,
    /// Whether any come from there.
    has_source: AtomicBool,
    stopped: AtomicBool,
    preview: Arc<LatestSlot<Arc<Picture>>>,
    repaint: Option<Repaint>,
    format: VideoFormat,
    /// The connection that takes our frames; none before the peer is there.
    sender: Mutex<Option<MediaSender>>,
    /// Known before the connection is.
    target_bps: AtomicU64,
    keyframes: Mutex<KeyframePace>,
    camera_on: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    frames: u64,
    bytes: u64,
    keyframes: u64,
    quantizers: Option<u64>,
    keyframe_requests: u64,
    first_sent: Option<Instant>,
    fps: FpsMeter,
}

impl VideoSend {
    /// Starts the thread, without a source yet.
    pub(crate) fn start(preview: Arc<LatestSlot<Arc<Picture>>>, repaint: Option<Repaint>, format: VideoFormat) -> Self {
        let shared = Arc::new(Shared {
            pictures: Mutex::default(),
            has_source: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            preview,
            repaint,
            format,
            sender: Mutex::new(None),
            target_bps: AtomicU64::new(0),
            keyframes: Mutex::default(),
            camera_on: AtomicBool::new(true),
            counts: Mutex::new(Counts::default()),
        });
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new().name("video-encode".into()).spawn(move || run(&shared)).ok()
        };
        Self { shared, thread: Mutex::new(thread) }
    }

    /// From now on pictures are taken from here. Without a source none come, and black ones are sent after those before.
    pub(crate) fn take_from(&self, pictures: Arc<LatestSlot<CapturedPicture>>, has_source: bool) {
        self.shared.has_source.store(has_source, Ordering::Relaxed);
        self.request_keyframe();
        let before = std::mem::replace(&mut *lock(&self.shared.pictures), pictures);
        before.close();
    }

    /// From now on frames go to `sender`, the first of them a keyframe.
    pub(crate) fn attach(&self, sender: MediaSender) {
        lock(&self.shared.keyframes).begin();
        *lock(&self.shared.sender) = Some(sender);
    }

    /// Stops sending; the preview goes on.
    pub(crate) fn detach(&self) {
        *lock(&self.shared.sender) = None;
    }

    /// The peer asked for a keyframe.
    pub(crate) fn keyframe_requested(&self) {
        lock(&self.shared.counts).keyframe_requests += 1;
        self.request_keyframe();
    }

    fn request_keyframe(&self) {
        lock(&self.shared.keyframes).ask();
    }

    /// What the network takes, as the rate allocator gave it.
    pub(crate) fn set_target(&self, target: Bitrate) {
        self.shared.target_bps.store(target.bps(), Ordering::Relaxed);
    }

    /// Off: black pictures are sent, so that the peer sees a camera that is off and not one that froze.
    pub(crate) fn set_camera_on(&self, on: bool) {
        self.shared.camera_on.store(on, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self, now: Instant) -> VideoSent {
        let counts = lock(&self.shared.counts);
        let Some(first) = counts.first_sent else { return VideoSent { frames: Some(0), ..VideoSent::default() } };
        let seconds = now.saturating_duration_since(first).as_secs_f64();
        VideoSent {
            codec: Some("h264".into()),
            frames: Some(counts.frames),
            bytes: Some(counts.bytes),
            size: Some(self.shared.format.size),
            fps: Some(counts.fps.fps(now)),
            bitrate: (seconds > 0.0).then(|| Bitrate::from_bps((counts.bytes as f64 * 8.0 / seconds) as u64)),
            target_bitrate: Some(Bitrate::from_bps(self.shared.target_bps.load(Ordering::Relaxed))),
            keyframes: Some(counts.keyframes),
            quantizers: counts.quantizers,
            nacks: None,
            plis: Some(counts.keyframe_requests),
        }
    }

    /// Ends the thread; at most one encode long.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        lock(&self.shared.pictures).close();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for VideoSend {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared) {
    let black = Arc::new(Picture::black(shared.format.size));
    let mut encoder = None;
    let mut bytes = Vec::new();
    let mut shown = false;
    while !shared.stopped.load(Ordering::Relaxed) {
        let pictures = lock(&shared.pictures).clone();
        let captured = pictures.wait_timeout(IDLE);
        let camera_on = shared.camera_on.load(Ordering::Relaxed);
        let (picture, captured_at) = match captured {
            SlotWait::Value(captured) if camera_on => (captured.picture, captured.captured_at),
            SlotWait::Value(captured) => (black.clone(), captured.captured_at),
            // A camera that stopped giving pictures must not leave the last one standing when it is turned off.
            SlotWait::TimedOut if !camera_on || (shown && !shared.has_source.load(Ordering::Relaxed)) => {
                (black.clone(), Instant::now())
            }
            SlotWait::TimedOut | SlotWait::Closed => continue,
        };
        shown = true;
        shared.preview.put(picture.clone());
        if let Some(repaint) = &shared.repaint {
            repaint();
        }
        let Some(sender) = lock(&shared.sender).clone() else { continue };
        if let Err(error) = encode_and_send(shared, &sender, &mut encoder, &picture, captured_at, &mut bytes) {
            warn!("a picture could not be encoded and was skipped: {error}");
            encoder = None;
        }
    }
}

/// An encoder and the bitrate that it was last given.
struct Running {
    encoder: H264Encoder,
    bitrate: Bitrate,
}

fn encode_and_send(
    shared: &Shared,
    sender: &MediaSender,
    running: &mut Option<Running>,
    picture: &Picture,
    captured_at: Instant,
    bytes: &mut Vec<u8>,
) -> Result<(), media_codec::CodecError> {
    let target = Bitrate::from_bps(shared.target_bps.load(Ordering::Relaxed));
    let VideoFormat { size, frame_rate } = shared.format;
    let running = match running {
        Some(running) => running,
        none => none.insert(Running {
            encoder: H264Encoder::new(VideoEncoderConfig { size, frame_rate, bitrate: target })?,
            bitrate: target,
        }),
    };
    // A new target under 3 % away would only disturb the rate control.
    if running.bitrate.bps().abs_diff(target.bps()) * 100 > running.bitrate.bps() * 3 {
        running.encoder.set_bitrate(target)?;
        running.bitrate = target;
    }
    let now = Instant::now();
    if lock(&shared.keyframes).take(now) {
        running.encoder.request_keyframe();
    }
    let encoded = running.encoder.encode(picture, bytes)?;
    if encoded.skipped {
        return Ok(());
    }
    if encoded.keyframe {
        lock(&shared.keyframes).sent(now, bytes.len(), target);
    }
    match sender.send(bytes, captured_at) {
        Sent::Queued => {
            let mut counts = lock(&shared.counts);
            counts.frames += 1;
            counts.bytes += bytes.len() as u64;
            counts.keyframes += u64::from(encoded.keyframe);
            // Known of all frames or of none: the parameter sets come first.
            if let Some(quantizer) = encoded.quantizer {
                *counts.quantizers.get_or_insert(0) += u64::from(quantizer);
            }
            counts.first_sent.get_or_insert(now);
            counts.fps.frame(now);
        }
        // The frames that follow cannot be decoded without this one.
        Sent::Dropped => lock(&shared.keyframes).ask(),
    }
    Ok(())
}
