//! Sound to a speaker from 48 kHz mono, pushed by an audio thread that asks first how much is wanted.
//! While the device takes nothing (not yet there, lost, stalled) time itself says how much is wanted and the sound is thrown away,
//! so that what the network delivers goes on flowing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpal::traits::DeviceTrait;
use cpal::{FromSample, I24, SampleFormat, SizedSample};
use media_codec::Resampler;
use media_core::SAMPLE_RATE;

use crate::clock::SampleClock;
use crate::format::StreamPlan;
use crate::stream::{BuildStream, Feed, POLL_LIMIT, Pulse};
use crate::worker::Worker;
use crate::{DeviceChoice, DeviceError, DeviceNotice, Direction};

/// Sound that waits for the device when all is well: two frames of the codec, so that one late turn is not heard.
const TARGET: Duration = Duration::from_millis(40);
/// What must wait beyond one callback of a device with large buffers.
const MARGIN: Duration = Duration::from_millis(20);
/// Room in the ring beyond its target: the longest packet that may be pushed at once.
const SPARE: Duration = Duration::from_millis(120);
/// A device whose callback was not called for this long takes nothing.
const PATIENCE: Duration = Duration::from_millis(200);

/// A speaker's stream.
pub struct Speaker {
    worker: Worker<rtrb::Producer<f32>>,
    underruns: Arc<AtomicU64>,
    outlet: Option<Outlet>,
    pacing: Pacing,
    scratch: Vec<f32>,
}

struct Outlet {
    ring: rtrb::Producer<f32>,
    resampler: Resampler,
    pulse: Arc<Pulse>,
    rate: u32,
    target: Duration,
}

impl Speaker {
    /// Opens a speaker, waiting for it up to two seconds. [`Speaker::opened`] tells how that went; a stream that could not be
    /// opened swallows its sound and tries again and again. While the chosen device is
    /// gone, the default one takes its place, and the next that works where that is gone too. `notify` is called from another thread and must not block.
    pub fn open(choice: DeviceChoice, notify: impl Fn(DeviceNotice) + Send + 'static) -> Self {
        let underruns = Arc::new(AtomicU64::new(0));
        let worker = Worker::start(Builder { underruns: Arc::clone(&underruns) }, choice, notify);
        Self { worker, underruns, outlet: None, pacing: Pacing::default(), scratch: Vec::new() }
    }

    /// The device's name, or why it could not be opened at the start.
    ///
    /// # Errors
    /// The [`DeviceError`] of the first attempt.
    pub fn opened(&self) -> Result<&str, DeviceError> {
        self.worker.opened.as_deref().map_err(Clone::clone)
    }

    /// Samples at 48 kHz that should be pushed now to keep 40 ms waiting for the device.
    pub fn wanted(&mut self, now: Instant) -> usize {
        for feed in self.worker.feeds.try_iter() {
            self.outlet = Outlet::new(feed);
        }
        let device = self.outlet.as_ref().map(|outlet| Device {
            beats: outlet.pulse.beats.load(Ordering::Relaxed),
            queued: outlet.queued(),
            target: outlet.target,
        });
        self.pacing.wanted(now, device)
    }

    /// Plays 48 kHz mono samples after those that wait. What the device has no room for is thrown away.
    pub fn push(&mut self, samples: &[f32]) {
        if self.pacing.by_clock(samples.len()) {
            return;
        }
        if let Some(outlet) = &mut self.outlet {
            self.scratch.clear();
            outlet.resampler.push(samples, &mut self.scratch);
            // Full only when pushed without being asked.
            let _ = outlet.ring.push_partial_slice(&self.scratch);
        }
    }

    /// How often the device wanted sound and too little waited for it.
    pub fn underruns(&self) -> u64 {
        self.underruns.load(Ordering::Relaxed)
    }

    /// The sound that waits for the device. What the sound system holds beyond that is not known.
    pub fn queued(&self) -> Duration {
        self.outlet.as_ref().map_or(Duration::ZERO, Outlet::queued)
    }
}

impl Outlet {
    fn new(feed: Feed<rtrb::Producer<f32>>) -> Option<Self> {
        let Feed { ring, plan, pulse } = feed;
        match Resampler::new(SAMPLE_RATE, plan.rate) {
            Ok(resampler) => Some(Self { ring, resampler, pulse, rate: plan.rate, target: target(&plan) }),
            Err(error) => {
                tracing::warn!(%error, rate = plan.rate, "speaker cannot be used at its rate");
                None
            }
        }
    }

    fn queued(&self) -> Duration {
        let samples = self.ring.buffer().capacity() - self.ring.slots();
        Duration::from_secs_f64(samples as f64 / f64::from(self.rate))
    }
}

fn target(plan: &StreamPlan) -> Duration {
    let period =
        plan.period.map_or(Duration::ZERO, |frames| Duration::from_secs_f64(f64::from(frames) / f64::from(plan.rate)));
    TARGET.max(period + MARGIN)
}

/// What is known of the device when it is asked how much it wants.
#[derive(Debug, Clone, Copy)]
struct Device {
    beats: u64,
    queued: Duration,
    target: Duration,
}

/// Decides who sets the pace: the device while it takes sound, the clock while it does not.
#[derive(Debug, Default)]
struct Pacing {
    beats: u64,
    beat_at: Option<Instant>,
    clock: Option<SampleClock>,
}

impl Pacing {
    fn wanted(&mut self, now: Instant, device: Option<Device>) -> usize {
        let beats = device.map_or(0, |device| device.beats);
        if beats != self.beats {
            self.beats = beats;
            self.beat_at = (beats > 0).then_some(now);
        }
        let alive = self.beat_at.is_some_and(|at| now.saturating_duration_since(at) < PATIENCE);
        match device.filter(|_| alive) {
            Some(device) => {
                self.clock = None;
                let missing = device.target.saturating_sub(device.queued);
                (missing.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize
            }
            None => self.clock.get_or_insert_default().due(now),
        }
    }

    /// Whether pushed samples only mark time.
    fn by_clock(&mut self, samples: usize) -> bool {
        match &mut self.clock {
            Some(clock) => {
                clock.give(samples);
                true
            }
            None => false,
        }
    }
}

struct Builder {
    underruns: Arc<AtomicU64>,
}

impl BuildStream for Builder {
    type End = rtrb::Producer<f32>;
    const DIRECTION: Direction = Direction::Output;

    fn build(
        &self,
        device: &cpal::Device,
        plan: &StreamPlan,
        pulse: Arc<Pulse>,
        on_error: impl FnMut(cpal::Error) + Send + 'static,
    ) -> Result<(cpal::Stream, Self::End), cpal::Error> {
        let capacity = (target(plan) + SPARE).as_secs_f64() * f64::from(plan.rate);
        let (producer, ring) = rtrb::RingBuffer::new(capacity as usize);
        let channels = usize::from(plan.channels);
        let tap = Tap { ring, channels, dry: true, pulse, underruns: Arc::clone(&self.underruns) };
        let stream = match plan.format {
            SampleFormat::F32 => tap.build::<f32>(device, plan, on_error),
            SampleFormat::I16 => tap.build::<i16>(device, plan, on_error),
            SampleFormat::I32 => tap.build::<i32>(device, plan, on_error),
            SampleFormat::I24 => tap.build::<I24>(device, plan, on_error),
            _ => Err(cpal::Error::new(cpal::ErrorKind::UnsupportedConfig)),
        }?;
        Ok((stream, producer))
    }
}

/// What the device callback has: it moves the samples to the first two channels, and does nothing else.
struct Tap {
    ring: rtrb::Consumer<f32>,
    channels: usize,
    /// Whether the last callback found too little: a stretch without sound is one underrun, not a hundred.
    dry: bool,
    pulse: Arc<Pulse>,
    underruns: Arc<AtomicU64>,
}

impl Tap {
    fn build<T>(
        mut self,
        device: &cpal::Device,
        plan: &StreamPlan,
        on_error: impl FnMut(cpal::Error) + Send + 'static,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
    {
        let callback = move |data: &mut [T], _: &cpal::OutputCallbackInfo| self.fill(data);
        device.build_output_stream(plan.config(), callback, on_error, Some(POLL_LIMIT))
    }

    fn fill<T: SizedSample + FromSample<f32>>(&mut self, data: &mut [T]) {
        self.pulse.beats.fetch_add(1, Ordering::Relaxed);
        let frames = data.len() / self.channels;
        let there = self.ring.slots().min(frames);
        let dry = there < frames;
        if dry && !self.dry {
            self.underruns.fetch_add(1, Ordering::Relaxed);
        }
        self.dry = dry;
        data.fill(T::EQUILIBRIUM);
        if let Ok(chunk) = self.ring.read_chunk(there) {
            for (frame, sample) in data.chunks_exact_mut(self.channels).zip(chunk) {
                frame.iter_mut().take(2).for_each(|channel| *channel = T::from_sample(sample));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(beats: u64, queued: u64) -> Option<Device> {
        Some(Device { beats, queued: Duration::from_millis(queued), target: TARGET })
    }

    #[test]
    fn a_device_that_plays_is_kept_at_its_target() {
        let now = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.wanted(now, device(1, 0)), 1920);
        assert!(!pacing.by_clock(1920));
        assert_eq!(pacing.wanted(now + Duration::from_millis(10), device(2, 30)), 480);
        assert_eq!(pacing.wanted(now + Duration::from_millis(20), device(3, 55)), 0);
    }

    #[test]
    fn a_device_that_stops_hands_the_pace_to_the_clock_and_takes_it_back() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pacing = Pacing::default();
        assert_eq!(pacing.wanted(at(0), device(0, 0)), 0, "opened, but it has taken nothing yet: the clock starts");
        assert_eq!(pacing.wanted(at(10), device(0, 0)), 480);
        assert!(pacing.by_clock(480));
        assert_eq!(pacing.wanted(at(20), device(1, 0)), 1920, "it plays");
        let stuck: Vec<_> = (3..60).map(|tick| pacing.wanted(at(tick * 10), device(1, 40))).collect();
        assert!(stuck[..19].iter().all(|wanted| *wanted == 0), "a late callback is no loss");
        assert!(stuck[20..].iter().all(|wanted| *wanted > 0), "time goes on");
        assert_eq!(pacing.wanted(at(600), device(2, 30)), 480, "back");
        assert!(!pacing.by_clock(480));
    }

    #[test]
    fn a_machine_without_a_speaker_still_wants_every_sample_of_a_call() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        let mut total = 0;
        for tick in 0..=500 {
            let wanted = pacing.wanted(start + Duration::from_millis(tick * 10), None);
            assert!(pacing.by_clock(wanted));
            total += wanted;
        }
        assert_eq!(total, 5 * 48_000);
    }

    #[test]
    fn the_callback_feeds_two_channels_and_counts_a_dry_stretch_once() {
        let (mut producer, ring) = rtrb::RingBuffer::new(16);
        let mut tap = Tap { ring, channels: 4, dry: true, pulse: Arc::default(), underruns: Arc::default() };
        let mut data = [9_i16; 8];
        tap.fill(&mut data);
        assert_eq!(
            (data, tap.underruns.load(Ordering::Relaxed)),
            ([0; 8], 0),
            "silence before the first sound is no underrun"
        );
        producer.push_entire_slice(&[0.5, -0.5, 0.25]).expect("the ring has room");
        tap.fill(&mut data);
        assert_eq!(data, [16_384, 16_384, 0, 0, -16_384, -16_384, 0, 0]);
        tap.fill(&mut data);
        tap.fill(&mut data);
        assert_eq!(tap.underruns.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_device_with_large_buffers_gets_a_larger_target() {
        let plan = |period| StreamPlan { period, ..StreamPlan::SERVER };
        assert_eq!(target(&plan(Some(480))), TARGET);
        assert_eq!(target(&plan(Some(1920))), Duration::from_millis(60));
        assert_eq!(target(&plan(None)), TARGET);
    }
}
