//! Mono sound from one sample rate to another, in pieces of any length, without delay or drift in what comes out.
//! For devices and files at other rates than 48 kHz; following a drifting clock is the playout buffer's business.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, WindowFunction};

/// Rates that devices and WAV files come in.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// Filter length in input samples: flat to 93 % of the lower Nyquist frequency, about 1.3 ms of look-ahead at 48 kHz.
const FILTER_SAMPLES: usize = 128;

/// Chunks of 2.5 ms: sound waits no longer than that for a chunk to fill.
const CHUNKS_PER_SECOND: u32 = 400;

/// The sample rates cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot convert sound from {from_hz} to {to_hz} Hz; use rates of 8000 to 192000 Hz")]
pub struct ResamplerError {
    /// Rate that was to go in.
    pub from_hz: u32,
    /// Rate that was to come out.
    pub to_hz: u32,
}

/// Converts one stream.
pub struct Resampler {
    /// None when the rates are equal.
    sinc: Option<Sinc>,
}

struct Sinc {
    inner: Async<f32>,
    /// Input that does not fill a chunk yet.
    waiting: Vec<f32>,
    /// One chunk of output.
    chunk: Vec<f32>,
    /// Of the filter's start-up, still to be dropped.
    skip: usize,
    /// Since the start or the last flush, for the exact length at the next.
    received: u64,
    produced: u64,
    from_hz: u32,
    to_hz: u32,
}

impl Resampler {
    /// A resampler for 8 to 192 kHz; equal rates pass through untouched.
    ///
    /// # Errors
    /// [`ResamplerError`] for other rates.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, ResamplerError> {
        let error = ResamplerError { from_hz, to_hz };
        if !RATES.contains(&from_hz) || !RATES.contains(&to_hz) {
            return Err(error);
        }
        if from_hz == to_hz {
            return Ok(Self { sinc: None });
        }
        let ratio = f64::from(to_hz) / f64::from(from_hz);
        // Downwards the filter must be longer in input samples to be as steep at the output rate.
        let length = (FILTER_SAMPLES as f64 * (1.0 / ratio).max(1.0)) as usize;
        let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
        let chunk = (from_hz / CHUNKS_PER_SECOND) as usize;
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input).map_err(|_| error)?;
        let sinc = Sinc {
            waiting: Vec::with_capacity(chunk),
            chunk: vec![0.0; inner.output_frames_max()],
            skip: inner.output_delay(),
            received: 0,
            produced: 0,
            from_hz,
            to_hz,
            inner,
        };
        Ok(Self { sinc: Some(sinc) })
    }

    /// Appends what `samples` become to `out`; up to 2.5 ms and the filter's look-ahead stay inside until more comes.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match &mut self.sinc {
            None => out.extend_from_slice(samples),
            Some(sinc) => {
                sinc.received += samples.len() as u64;
                sinc.push(samples, out);
            }
        }
    }

    /// Appends what is still inside, as at the end of a file, so that as much time came out as went in; then starts anew.
    pub fn flush(&mut self, out: &mut Vec<f32>) {
        if let Some(sinc) = &mut self.sinc {
            sinc.flush(out);
        }
    }
}

impl Sinc {
    fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) {
        loop {
            let wanted = self.inner.input_frames_next() - self.waiting.len();
            if samples.len() < wanted {
                self.waiting.extend_from_slice(samples);
                return;
            }
            let (now, later) = samples.split_at(wanted);
            self.waiting.extend_from_slice(now);
            samples = later;
            self.convert(out);
        }
    }

    fn convert(&mut self, out: &mut Vec<f32>) {
        let room = self.chunk.len();
        let input = SequentialSlice::new(&self.waiting, 1, self.waiting.len()).expect("one channel as long as it is");
        let mut output = SequentialSlice::new_mut(&mut self.chunk, 1, room).expect("one channel as long as it is");
        let (_, written) = self
            .inner
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("both buffers have the lengths that the resampler asked for");
        let skipped = self.skip.min(written);
        self.skip -= skipped;
        self.produced += (written - skipped) as u64;
        // At a full-scale edge the filter rings beyond 1, which is outside of the internal format.
        out.extend(self.chunk[skipped..written].iter().map(|sample| sample.clamp(-1.0, 1.0)));
        self.waiting.clear();
    }

    fn flush(&mut self, out: &mut Vec<f32>) {
        let (from_hz, to_hz) = (u64::from(self.from_hz), u64::from(self.to_hz));
        let total = (self.received * to_hz + from_hz / 2) / from_hz;
        while self.produced < total {
            let silence = [0.0; 64];
            self.push(&silence, out);
        }
        out.truncate(out.len() - (self.produced - total) as usize);
        self.inner.reset();
        self.waiting.clear();
        self.skip = self.inner.output_delay();
        self.received = 0;
        self.produced = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(hz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let samples = (f64::from(rate) * seconds) as usize;
        (0..samples).map(|n| 0.5 * (TAU * hz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn a_tone_keeps_frequency_level_and_time() {
        for (from, to) in
            [(44_100, 48_000), (8_000, 48_000), (192_000, 48_000), (11_025, 48_000), (48_000, 16_000), (47_999, 48_000)]
        {
            let mut out = Vec::new();
            let mut resampler = Resampler::new(from, to).unwrap();
            for piece in sine(1_000.0, from, 1.0).chunks(333) {
                resampler.push(piece, &mut out);
            }
            resampler.flush(&mut out);
            let expected = sine(1_000.0, to, 1.0);
            assert_eq!(out.len(), expected.len(), "{from} to {to}");
            let margin = to as usize / 100;
            let error =
                out.iter().zip(&expected).skip(margin).take(to as usize - 2 * margin).map(|(a, b)| (a - b).abs());
            let worst = error.fold(0.0, f32::max);
            // The filter's delay is no whole number of output samples: an offset of one or so remains.
            assert!(f64::from(worst) < 1.5 * 0.5 * TAU * 1_000.0 / f64::from(to), "{from} to {to}: off by {worst}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        let mut out = Vec::new();
        Resampler::new(192_000, 48_000).unwrap().push(&sine(30_000.0, 192_000, 0.5), &mut out);
        let worst = out[1_000..].iter().fold(0.0, |worst: f32, sample| worst.max(sample.abs()));
        assert!(worst < 0.001, "aliased: {worst}");
    }

    #[test]
    fn loud_edges_stay_within_full_scale() {
        let square: Vec<f32> = (0..4_000).map(|n| if n / 20 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        for (from, to) in [(8_000, 48_000), (44_100, 48_000), (192_000, 48_000), (48_000, 44_100)] {
            let (mut resampler, mut out) = (Resampler::new(from, to).unwrap(), Vec::new());
            resampler.push(&square, &mut out);
            resampler.flush(&mut out);
            let loudest = out.iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
            assert!((0.9..=1.0).contains(&loudest), "{from} to {to}: {loudest}");
        }
    }

    #[test]
    fn length_does_not_drift() {
        let mut resampler = Resampler::new(44_100, 48_000).unwrap();
        let (mut total, mut out) = (0, Vec::new());
        for _ in 0..60_000 {
            resampler.push(&[0.1; 441], &mut out);
            total += out.len();
            out.clear();
        }
        // Ten minutes; what is missing is inside: a chunk and the filter's look-ahead.
        assert!((0..=400).contains(&(60_000_usize * 480 - total)), "{total} of {}", 60_000 * 480);
        resampler.flush(&mut out);
        assert_eq!(total + out.len(), 60_000 * 480);
    }

    #[test]
    fn after_a_flush_it_starts_anew() {
        let mut resampler = Resampler::new(16_000, 48_000).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for out in [&mut first, &mut second] {
            resampler.push(&sine(300.0, 16_000, 0.1), out);
            resampler.flush(out);
        }
        assert_eq!(first.len(), 4_800);
        assert_eq!(first, second);
    }

    #[test]
    fn equal_rates_pass_through_and_absurd_ones_are_refused() {
        let mut out = Vec::new();
        Resampler::new(48_000, 48_000).unwrap().push(&[0.1, 0.2, 0.3], &mut out);
        assert_eq!(out, [0.1, 0.2, 0.3]);
        for (from, to) in [(0, 48_000), (48_000, 0), (7_999, 48_000), (192_001, 48_000), (u32::MAX, 48_000)] {
            let error = Resampler::new(from, to).err().unwrap();
            assert_eq!(error, ResamplerError { from_hz: from, to_hz: to });
        }
    }
}
