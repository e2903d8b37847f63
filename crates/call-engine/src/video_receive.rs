//! The peer's pictures on their way in: one OS thread orders the packets, decodes whole frames and shows each at its due time.
//! What is missing the peer is asked for: packets first, and a keyframe when the chain of frames is broken, which freezes the last
//! good picture until then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_codec::{H264Decoder, h264_rtp};
use media_core::{
    EncodedFrame, FpsMeter, FrameBuffer, FrameFigures, FrameOutput, FreezeMeter, LatestSlot, Picture, PicturePool,
};
use media_render::{PictureTaker, VideoFile};
use peer_connection::{PacketQueue, PictureRequest, Popped};
use tracing::debug;

use crate::config::Repaint;
use crate::figures::VideoReceived;

/// Decoded pictures that wait for their due time: a third of a second at 30 frames, far over the buffer's own margin.
const DUE_CAPACITY: usize = 10;

/// How long the thread sleeps at most when nothing is due.
const IDLE: Duration = Duration::from_millis(100);

/// Where pictures go and what they are counted in; lives as long as the call.
pub(crate) struct VideoReceive {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    window: Arc<LatestSlot<Arc<Picture>>>,
    repaint: Option<Repaint>,
    file: Mutex<Option<VideoFile>>,
    taker: Option<PictureTaker>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    decoded: u64,
    dropped: u64,
    buffer: FrameFigures,
    last: Option<Arc<Picture>>,
    first_decoded: Option<Instant>,
    fps: FpsMeter,
    freezes: FreezeMeter,
}

impl VideoReceive {
    pub(crate) fn new(
        window: Arc<LatestSlot<Arc<Picture>>>,
        repaint: Option<Repaint>,
        file: Option<VideoFile>,
        taker: Option<PictureTaker>,
    ) -> Self {
        let (file, counts) = (Mutex::new(file), Mutex::new(Counts::default()));
        let shared = Arc::new(Shared { window, repaint, file, taker, counts });
        Self { shared, threads: Vec::new() }
    }

    /// The call's time begins: the output file counts its pictures from here.
    pub(crate) fn begin(&self, now: Instant) {
        if let Some(file) = &*self.shared.file() {
            file.begin(now);
        }
    }

    /// Shows what comes through `packets` until that queue closes.
    pub(crate) fn attach(&mut self, packets: PacketQueue, request: impl Fn(PictureRequest) + Send + 'static) {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name("video-decode".into())
            .spawn(move || Pipeline::new(&shared, request).run(&packets));
        self.threads.extend(thread.ok());
    }

    /// When the first picture was decoded.
    pub(crate) fn first_decoded(&self) -> Option<Instant> {
        self.shared.lock().first_decoded
    }

    pub(crate) fn figures(&self, now: Instant) -> VideoReceived {
        let counts = self.shared.lock();
        let freezes = counts.freezes.figures(now);
        VideoReceived {
            codec: counts.last.is_some().then(|| "h264".into()),
            packets: Some(counts.buffer.packets),
            lost: Some(counts.buffer.lost),
            bytes: None,
            frames_decoded: Some(counts.decoded),
            frames_dropped: Some(counts.dropped),
            freezes: counts.last.is_some().then_some(freezes.freezes),
            freeze_time: counts.last.is_some().then_some(freezes.freeze_time),
            size: counts.last.as_ref().map(|picture| picture.size()),
            fps: counts.last.is_some().then(|| counts.fps.fps(now)),
            nacks: Some(counts.buffer.packet_requests),
            plis: Some(counts.buffer.keyframe_requests),
        }
    }

    /// Joins the threads (their queues are closed by now) and completes the file up to `now`.
    pub(crate) fn finish(&mut self, now: Instant) -> Result<(), media_render::RenderError> {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let file = self.shared.file().take();
        file.map_or(Ok(()), |file| file.finish(now))
    }
}

impl Shared {
    fn file(&self) -> std::sync::MutexGuard<'_, Option<VideoFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, picture: Arc<Picture>, now: Instant) {
        {
            let mut counts = self.lock();
            counts.fps.frame(now);
            counts.freezes.rendered(now);
            counts.last = Some(picture.clone());
        }
        if let Some(file) = &mut *self.file() {
            file.show(now, picture.clone());
        }
        if let Some(taker) = &self.taker {
            taker.take(now, &picture);
        }
        self.window.put(picture);
        if let Some(repaint) = &self.repaint {
            repaint();
        }
    }
}

/// One connection's worth of pictures.
struct Pipeline<'a, R> {
    shared: &'a Shared,
    buffer: FrameBuffer<Bytes>,
    decoder: Option<H264Decoder>,
    pool: PicturePool,
    due: VecDeque<(Instant, Arc<Picture>)>,
    access_unit: Vec<u8>,
    request: R,
}

impl<'a, R: Fn(PictureRequest)> Pipeline<'a, R> {
    fn new(shared: &'a Shared, request: R) -> Self {
        Self {
            shared,
            buffer: FrameBuffer::new(media_core::FrameBufferConfig::default()),
            decoder: None,
            pool: PicturePool::new(DUE_CAPACITY + 2),
            due: VecDeque::with_capacity(DUE_CAPACITY),
            access_unit: Vec::new(),
            request,
        }
    }

    fn run(&mut self, packets: &PacketQueue) {
        loop {
            let now = Instant::now();
            self.show_due(now);
            if self.due.len() < DUE_CAPACITY {
                match self.buffer.poll(now) {
                    Some(FrameOutput::Frame(frame)) => {
                        self.decode(&frame);
                        continue;
                    }
                    Some(FrameOutput::KeyframeNeeded) => {
                        (self.request)(PictureRequest::Keyframe);
                        continue;
                    }
                    Some(FrameOutput::PacketsMissing(numbers)) => {
                        (self.request)(PictureRequest::Packets(numbers));
                        continue;
                    }
                    None => {}
                }
            }
            match packets.pop_timeout(self.sleep(now)) {
                Popped::Packet(packet) => self.insert(packet, packets),
                Popped::TimedOut => {}
                Popped::Closed => return,
            }
        }
    }

    /// Takes `first` and whatever else lies in the queue, so that a burst is ordered before it is judged.
    fn insert(&mut self, first: media_core::RtpPacket<Bytes>, packets: &PacketQueue) {
        let mut next = Some(first);
        while let Some(packet) = next {
            let info = h264_rtp::inspect(&packet.payload);
            self.buffer.insert(packet.arrived, packet, info);
            next = packets.try_pop();
        }
        self.shared.lock().buffer = self.buffer.figures();
    }

    fn sleep(&self, now: Instant) -> Duration {
        let due = self.due.front().map(|(due, _)| *due);
        let wake = [due, self.buffer.deadline()].into_iter().flatten().min();
        wake.map_or(IDLE, |wake| wake.saturating_duration_since(now)).min(IDLE)
    }

    fn decode(&mut self, frame: &EncodedFrame<Bytes>) {
        self.access_unit.clear();
        let picture = h264_rtp::depacketize(frame.packets.iter().map(|payload| &payload[..]), &mut self.access_unit)
            .and_then(|()| {
                let decoder = match &mut self.decoder {
                    Some(decoder) => decoder,
                    none => none.insert(H264Decoder::new()?),
                };
                decoder.decode(&self.access_unit, &self.pool)
            });
        match picture {
            Ok(Some(picture)) => {
                {
                    let mut counts = self.shared.lock();
                    counts.decoded += 1;
                    counts.first_decoded.get_or_insert_with(Instant::now);
                }
                self.due.push_back((frame.due, Arc::new(picture)));
            }
            Ok(None) => {}
            Err(error) => {
                debug!("a frame could not be decoded: {error}");
                self.shared.lock().dropped += 1;
                // The buffer asks for a keyframe at its next poll.
                self.buffer.restart();
            }
        }
    }

    /// Of several due pictures only the newest is shown; the others came too late to be seen.
    fn show_due(&mut self, now: Instant) {
        let mut newest = None;
        while self.due.front().is_some_and(|(due, _)| *due <= now) {
            if newest.is_some() {
                self.shared.lock().dropped += 1;
            }
            newest = self.due.pop_front();
        }
        if let Some((_, picture)) = newest {
            self.shared.show(picture, now);
        }
    }
}
