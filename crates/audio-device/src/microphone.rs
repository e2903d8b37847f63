//! Sound from a microphone as 48 kHz mono, pulled by an audio thread. Time without sound from the device (not yet there, lost,
//! stalled) comes out as silence of the same length, so that what is sent keeps its pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpal::traits::DeviceTrait;
use cpal::{FromSample, I24, SampleFormat, SizedSample};
use media_codec::Resampler;
use media_core::SAMPLE_RATE;

use crate::clock::samples_in;
use crate::format::StreamPlan;
use crate::stream::{BuildStream, Feed, POLL_LIMIT, Pulse};
use crate::worker::Worker;
use crate::{DeviceChoice, DeviceError, DeviceNotice, Direction};

/// Sound that waits for the audio thread: 200 ms, ten of its turns. More would only be played late.
const RING_MILLISECONDS: u32 = 200;
/// Without sound for this long, silence takes its place. Device callbacks are at most 43 ms apart.
const PATIENCE: Duration = Duration::from_millis(100);

/// A microphone's stream.
pub struct Microphone {
    worker: Worker<rtrb::Consumer<f32>>,
    overruns: Arc<AtomicU64>,
    source: Option<Source>,
    gap: GapFiller,
    /// Samples of one pull at the device's rate, kept to not allocate each time.
    scratch: Vec<f32>,
}

struct Source {
    ring: rtrb::Consumer<f32>,
    resampler: Resampler,
}

impl Microphone {
    /// Opens a microphone, waiting for it up to two seconds. [`Microphone::opened`] tells how that went; a stream that could not
    /// be opened gives silence and tries again and again. While the chosen device is
    /// gone, the default one takes its place, and the next that works where that is gone too. `notify` is called from another thread and must not block.
    pub fn open(choice: DeviceChoice, notify: impl Fn(DeviceNotice) + Send + 'static) -> Self {
        let overruns = Arc::new(AtomicU64::new(0));
        let worker = Worker::start(Builder { overruns: Arc::clone(&overruns) }, choice, notify);
        Self { worker, overruns, source: None, gap: GapFiller::default(), scratch: Vec::new() }
    }

    /// The device's name, or why it could not be opened at the start.
    ///
    /// # Errors
    /// The [`DeviceError`] of the first attempt.
    pub fn opened(&self) -> Result<&str, DeviceError> {
        self.worker.opened.as_deref().map_err(Clone::clone)
    }

    /// Appends what came in since the last call, or silence for what did not: 48 kHz mono in [-1, 1]. The first call begins.
    pub fn pull(&mut self, now: Instant, out: &mut Vec<f32>) {
        for feed in self.worker.feeds.try_iter() {
            if self.source.is_none() {
                // Nobody pulled before this.
                self.overruns.store(0, Ordering::Relaxed);
            }
            self.source = Source::new(feed);
        }
        let before = out.len();
        if let Some(source) = &mut self.source {
            source.drain(&mut self.scratch, out);
        }
        match self.gap.close(now, out.len() - before) {
            Gap::Silence(samples) => out.resize(out.len() + samples, 0.0),
            Gap::Skip(samples) => drop(out.drain(before..before + samples)),
        }
    }

    /// Samples that were thrown away because nobody pulled for 200 ms, at the device's rate.
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }
}

impl Source {
    /// What came in before anyone pulled is old and thrown away: it would be heard late.
    fn new(mut feed: Feed<rtrb::Consumer<f32>>) -> Option<Self> {
        if let Ok(old) = feed.ring.read_chunk(feed.ring.slots()) {
            old.commit_all();
        }
        match Resampler::new(feed.plan.rate, SAMPLE_RATE) {
            Ok(resampler) => Some(Self { ring: feed.ring, resampler }),
            Err(error) => {
                tracing::warn!(%error, rate = feed.plan.rate, "microphone cannot be used at its rate");
                None
            }
        }
    }

    fn drain(&mut self, scratch: &mut Vec<f32>, out: &mut Vec<f32>) {
        let waiting = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            scratch.clear();
            let (first, second) = chunk.as_slices();
            scratch.extend_from_slice(first);
            scratch.extend_from_slice(second);
            chunk.commit_all();
            self.resampler.push(scratch, out);
        }
    }
}

/// Lets silence stand in for sound that does not come, so that the stream keeps its pace.
#[derive(Debug, Default)]
struct GapFiller {
    /// When sound came last, or the first pull.
    since: Option<Instant>,
    /// Silence given since then.
    filled: usize,
    /// Whether sound ever came: before that there is nothing to be patient for.
    heard: bool,
}

/// What to do with a pull, in samples.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    /// Add silence.
    Silence(usize),
    /// Leave out the oldest of the captured sound: silence was given in its place.
    Skip(usize),
}

impl GapFiller {
    /// What to do at `now`, when `captured` samples came since the last pull.
    fn close(&mut self, now: Instant, captured: usize) -> Gap {
        let gap = now.saturating_duration_since(*self.since.get_or_insert(now));
        let owed = usize::try_from(samples_in(gap)).unwrap_or(usize::MAX);
        if captured > 0 {
            let surplus = (self.filled + captured).saturating_sub(owed);
            let skip = surplus.min(self.filled).min(captured);
            *self = Self { since: Some(now), filled: 0, heard: true };
            return Gap::Skip(skip);
        }
        if self.heard && gap < PATIENCE {
            return Gap::Silence(0);
        }
        let silence = owed.saturating_sub(self.filled);
        self.filled += silence;
        Gap::Silence(silence)
    }
}

struct Builder {
    overruns: Arc<AtomicU64>,
}

impl BuildStream for Builder {
    type End = rtrb::Consumer<f32>;
    const DIRECTION: Direction = Direction::Input;

    fn build(
        &self,
        device: &cpal::Device,
        plan: &StreamPlan,
        pulse: Arc<Pulse>,
        on_error: impl FnMut(cpal::Error) + Send + 'static,
    ) -> Result<(cpal::Stream, Self::End), cpal::Error> {
        let (ring, consumer) = rtrb::RingBuffer::new((plan.rate * RING_MILLISECONDS / 1000) as usize);
        let inlet = Inlet { ring, channels: usize::from(plan.channels), pulse, overruns: Arc::clone(&self.overruns) };
        let stream = match plan.format {
            SampleFormat::F32 => inlet.build::<f32>(device, plan, on_error),
            SampleFormat::I16 => inlet.build::<i16>(device, plan, on_error),
            SampleFormat::I32 => inlet.build::<i32>(device, plan, on_error),
            SampleFormat::I24 => inlet.build::<I24>(device, plan, on_error),
            _ => Err(cpal::Error::new(cpal::ErrorKind::UnsupportedConfig)),
        }?;
        Ok((stream, consumer))
    }
}

/// What the device callback has: it folds to mono, moves the samples, and does nothing else.
struct Inlet {
    ring: rtrb::Producer<f32>,
    channels: usize,
    pulse: Arc<Pulse>,
    overruns: Arc<AtomicU64>,
}

impl Inlet {
    fn build<T>(
        mut self,
        device: &cpal::Device,
        plan: &StreamPlan,
        on_error: impl FnMut(cpal::Error) + Send + 'static,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let callback = move |data: &[T], _: &cpal::InputCallbackInfo| self.take(data);
        device.build_input_stream(plan.config(), callback, on_error, Some(POLL_LIMIT))
    }

    fn take<T: SizedSample>(&mut self, data: &[T])
    where
        f32: FromSample<T>,
    {
        self.pulse.beats.fetch_add(1, Ordering::Relaxed);
        let frames = data.len() / self.channels;
        let room = self.ring.slots().min(frames);
        if room < frames {
            self.overruns.fetch_add((frames - room) as u64, Ordering::Relaxed);
        }
        let scale = 1.0 / self.channels as f32;
        let mono = data
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().map(|s| s.to_sample::<f32>()).sum::<f32>() * scale);
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            chunk.fill_from_iter(mono);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlet(capacity: usize, channels: usize) -> (Inlet, rtrb::Consumer<f32>) {
        let (ring, consumer) = rtrb::RingBuffer::new(capacity);
        (Inlet { ring, channels, pulse: Arc::default(), overruns: Arc::default() }, consumer)
    }

    #[test]
    fn stereo_is_folded_to_the_mean_of_its_channels() {
        let (mut inlet, mut ring) = inlet(8, 2);
        inlet.take(&[16_384_i16, 0, -16_384, -16_384]);
        assert_eq!(ring.pop(), Ok(0.25));
        assert_eq!(ring.pop(), Ok(-0.5));
        assert!(ring.pop().is_err());
    }

    #[test]
    fn a_full_ring_keeps_the_oldest_and_counts_the_rest() {
        let (mut inlet, mut ring) = inlet(3, 1);
        inlet.take(&[0.1_f32, 0.2]);
        inlet.take(&[0.3_f32, 0.4, 0.5]);
        assert_eq!(inlet.overruns.load(Ordering::Relaxed), 2);
        assert_eq!(inlet.pulse.beats.load(Ordering::Relaxed), 2);
        let kept: Vec<f32> = std::iter::from_fn(|| ring.pop().ok()).collect();
        assert_eq!(kept, [0.1, 0.2, 0.3]);
    }

    fn at(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    /// Silence given in ten-millisecond pulls, from after `from` to `to` milliseconds.
    fn silence(gap: &mut GapFiller, start: Instant, from: u64, to: u64) -> usize {
        let pulls = (from / 10 + 1..=to / 10).map(|tick| gap.close(at(start, tick * 10), 0));
        pulls.map(|pull| if let Gap::Silence(samples) = pull { samples } else { 0 }).sum()
    }

    #[test]
    fn a_gap_is_filled_with_silence_of_its_length() {
        let start = Instant::now();
        let mut gap = GapFiller::default();
        assert_eq!(gap.close(start, 480), Gap::Skip(0));
        assert_eq!(silence(&mut gap, start, 0, 90), 0, "a callback may be late");
        assert_eq!(silence(&mut gap, start, 90, 1000), 48_000);
        assert_eq!(gap.close(at(start, 1010), 480), Gap::Skip(0), "sound is back");
        assert_eq!(gap.close(at(start, 1020), 0), Gap::Silence(0));
    }

    #[test]
    fn sound_that_comes_late_does_not_add_to_the_silence_given_for_it() {
        let start = Instant::now();
        let mut gap = GapFiller::default();
        gap.close(start, 480);
        assert_eq!(silence(&mut gap, start, 0, 150), 7_200);
        // All that was captured meanwhile arrives at once.
        assert_eq!(gap.close(at(start, 160), 7_680), Gap::Skip(7_200));
        assert_eq!(gap.close(at(start, 170), 480), Gap::Skip(0));
    }

    #[test]
    fn a_microphone_that_is_not_there_yet_is_silence_from_the_first_pull() {
        let start = Instant::now();
        let mut gap = GapFiller::default();
        assert_eq!(gap.close(start, 0), Gap::Silence(0));
        assert_eq!(gap.close(at(start, 10), 0), Gap::Silence(480));
        assert_eq!(silence(&mut gap, start, 10, 3_000), 3 * 48_000 - 480);
    }
}
