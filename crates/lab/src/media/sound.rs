//! The sound that measures itself: a pilot tone that shows gaps, and chirps whose kind and time show delay.
//! Chirps are found by a matched filter, to a fraction of a millisecond, through a speech codec too.

use std::f32::consts::TAU;
use std::io;
use std::path::Path;

/// Samples a second.
pub const RATE: u32 = 48_000;

/// Kinds of chirps, one a second, so that a delay is told up to that many seconds.
pub const KINDS: usize = 8;

/// The pilot, in hertz and of full scale.
const PILOT_HZ: f32 = 300.0;
const PILOT_LEVEL: f32 = 0.05;

/// A chirp's length in samples: 40 ms.
const CHIRP: usize = RATE as usize / 25;
const CHIRP_LEVEL: f32 = 0.4;

/// A match counts from this share of a perfect one on; speech codecs leave over 0.7, another kind gets under 0.3.
const MATCH: f32 = 0.45;

/// The coarse search goes in these steps; a chirp's correlation is that wide at least.
const DECIMATION: usize = 4;

/// A silence from this length on is a gap.
const GAP_MS: f64 = 20.0;

/// Below this share of the pilot's usual level it is silent.
const SILENT: f32 = 0.25;

/// One round of the sound: [`KINDS`] seconds, chirp number n at second n.
#[must_use]
pub fn round() -> Vec<f32> {
    let mut samples: Vec<f32> =
        (0..KINDS * RATE as usize).map(|at| PILOT_LEVEL * (TAU * PILOT_HZ * at as f32 / RATE as f32).sin()).collect();
    for kind in 0..KINDS {
        let at = kind * RATE as usize;
        samples[at..at + CHIRP].iter_mut().zip(chirp(kind)).for_each(|(out, sample)| *out += CHIRP_LEVEL * sample);
    }
    samples
}

/// A chirp of that kind, of full scale: from one frequency to another within 600 to 3400 Hz, under a smooth window.
fn chirp(kind: usize) -> Vec<f32> {
    let (low, high) = [(600.0, 1_400.0), (1_200.0, 2_200.0), (2_000.0, 3_200.0), (700.0, 3_400.0)][kind / 2];
    let (from, to) = if kind.is_multiple_of(2) { (low, high) } else { (high, low) };
    let length = CHIRP as f32 / RATE as f32;
    (0..CHIRP)
        .map(|at| {
            let t = at as f32 / RATE as f32;
            let phase = TAU * (from * t + (to - from) * t * t / (2.0 * length));
            let window = 0.5 - 0.5 * (TAU * at as f32 / CHIRP as f32).cos();
            window * phase.sin()
        })
        .collect()
}

/// A chirp that was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Which one.
    pub kind: usize,
    /// Its beginning, in seconds from the recording's.
    pub at: f64,
}

/// A silence where the pilot should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Its beginning, in seconds from the recording's.
    pub at: f64,
    /// Its length, in milliseconds.
    pub length_ms: f64,
}

/// The chirps in a recording, in order.
#[must_use]
pub fn chirps(samples: &[f32]) -> Vec<Heard> {
    let kinds: Vec<Vec<f32>> = (0..KINDS).map(|kind| without_pilot(&chirp(kind))).collect();
    let coarse: Vec<Vec<f32>> = kinds.iter().map(|kind| decimate(kind)).collect();
    let samples = &without_pilot(samples);
    let low = decimate(samples);
    let mut heard: Vec<Heard> = Vec::new();
    for start in loud(&low, coarse[0].len()) {
        let best = (0..KINDS)
            .flat_map(|kind| start.clone().map(move |at| (kind, at)))
            .map(|(kind, at)| (matching(&low, at, &coarse[kind]), kind, at))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((score, kind, at)) = best.filter(|best| best.0 > MATCH) else { continue };
        debug_assert!(score <= 1.01);
        let at = fine(samples, at * DECIMATION, &kinds[kind]);
        let repeated = heard.last().is_some_and(|last| at - last.at < 0.03);
        if !repeated {
            heard.push(Heard { kind, at });
        }
    }
    heard
}

/// Ranges of starts to try: around each place where a chirp's worth of samples is loudest.
fn loud(samples: &[f32], length: usize) -> Vec<std::ops::Range<usize>> {
    if samples.len() < length {
        return Vec::new();
    }
    let mut energy = Vec::with_capacity(samples.len() - length + 1);
    let mut sum: f64 = samples[..length].iter().map(|s| f64::from(s * s)).sum();
    energy.push(sum);
    for at in length..samples.len() {
        sum += f64::from(samples[at] * samples[at]) - f64::from(samples[at - length] * samples[at - length]);
        energy.push(sum.max(0.0));
    }
    // A chirp at a tenth of its level still stands out from what is left of the pilot.
    let least = length as f64 * f64::from(CHIRP_LEVEL * CHIRP_LEVEL) * 0.375 / 2.0 * 0.01;
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < energy.len() {
        if energy[at] < least {
            at += 1;
            continue;
        }
        let end = (at..energy.len()).take(2 * length).take_while(|&at| energy[at] >= least).last().unwrap_or(at) + 1;
        ranges.push(at.saturating_sub(length / 2)..end.min(energy.len()));
        at = end;
    }
    ranges
}

/// The exact start of a chirp near `at`, in seconds, between samples.
fn fine(samples: &[f32], at: usize, kind: &[f32]) -> f64 {
    let from = at.saturating_sub(3 * DECIMATION);
    let to = (at + 3 * DECIMATION).min(samples.len().saturating_sub(kind.len()));
    let score = |at: usize| matching(samples, at, kind);
    let best = (from..=to.max(from)).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(at);
    best as f64 / f64::from(RATE)
}

/// How alike, 0 to 1, whatever the loudness.
fn matching(samples: &[f32], at: usize, kind: &[f32]) -> f32 {
    let Some(part) = samples.get(at..at + kind.len()) else { return 0.0 };
    let dot: f32 = part.iter().zip(kind).map(|(a, b)| a * b).sum();
    let energy: f32 = part.iter().map(|a| a * a).sum();
    let own: f32 = kind.iter().map(|b| b * b).sum();
    if energy > 0.0 { dot.abs() / (energy * own).sqrt() } else { 0.0 }
}

/// Every fourth sample after averaging four.
fn decimate(samples: &[f32]) -> Vec<f32> {
    samples.chunks_exact(DECIMATION).map(|four| four.iter().sum::<f32>() / DECIMATION as f32).collect()
}

/// Without the pilot: half a period later it has the opposite sign. Chirps are shaped by this, too, and so is what they are
/// compared with.
fn without_pilot(samples: &[f32]) -> Vec<f32> {
    let half = (RATE as f32 / PILOT_HZ / 2.0) as usize;
    let before = |at: usize| at.checked_sub(half).map_or(0.0, |at| samples[at]);
    (0..samples.len()).map(|at| (samples[at] + before(at)) / 2.0).collect()
}

/// The silences between the first and the last sound of the recording.
#[must_use]
pub fn gaps(samples: &[f32]) -> Vec<Gap> {
    // Blocks of 5 ms hold one and a half periods of the pilot.
    const BLOCK: usize = RATE as usize / 200;
    let level = |block: &[f32]| (block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32).sqrt();
    let levels: Vec<f32> = samples.chunks_exact(BLOCK).map(level).collect();
    let limit = SILENT * PILOT_LEVEL / 2f32.sqrt();
    let sounding = |level: &f32| *level >= limit;
    let (Some(first), Some(last)) = (levels.iter().position(sounding), levels.iter().rposition(sounding)) else {
        return Vec::new();
    };
    let mut gaps: Vec<Gap> = Vec::new();
    let mut silent = 0;
    for at in first..=last {
        if !sounding(&levels[at]) {
            silent += 1;
            continue;
        }
        let length_ms = silent as f64 * 5.0;
        if length_ms >= GAP_MS {
            gaps.push(Gap { at: (at - silent) as f64 * 0.005, length_ms });
        }
        silent = 0;
    }
    gaps
}

const FORMAT: hound::WavSpec =
    hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };

/// Writes a whole sound as WAV.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: &Path, samples: &[f32]) -> io::Result<()> {
    let mut recording = Recording::create(path)?;
    recording.write(samples);
    recording.finish().map(drop)
}

/// Reads a WAV file of 48 kHz, mono, 16 bit.
///
/// # Errors
/// When it cannot be read or is of another format.
pub fn load(path: &Path) -> io::Result<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).map_err(failed)?;
    if reader.spec() != FORMAT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the sound is not 48 kHz, mono, 16 bit"));
    }
    let samples = reader.samples::<i16>().map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0));
    samples.collect::<Result<_, _>>().map_err(failed)
}

/// A WAV file that grows as sound is played.
pub struct Recording {
    writer: hound::WavWriter<io::BufWriter<std::fs::File>>,
    samples: u64,
    failure: Option<io::Error>,
}

impl Recording {
    /// Makes the file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let writer = hound::WavWriter::create(path, FORMAT).map_err(failed)?;
        Ok(Self { writer, samples: 0, failure: None })
    }

    /// Appends samples; the first failure is kept for [`Self::finish`].
    pub fn write(&mut self, samples: &[f32]) {
        self.samples += samples.len() as u64;
        for sample in samples {
            let sample = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            if self.failure.is_none()
                && let Err(error) = self.writer.write_sample(sample)
            {
                self.failure = Some(failed(error));
            }
        }
    }

    /// Completes the file and tells how many samples it has.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(self) -> io::Result<u64> {
        match self.failure {
            Some(error) => Err(error),
            None => self.writer.finalize().map(|()| self.samples).map_err(failed),
        }
    }
}

fn failed(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds, beginning within the first, that many samples late.
    fn played(late: usize) -> Vec<f32> {
        let round = round();
        let mut samples = vec![0.0; late];
        samples.extend(round.iter().chain(&round));
        samples
    }

    fn quantised(samples: &[f32]) -> Vec<f32> {
        samples.iter().map(|s| (s * 100.0).round() / 100.0).collect()
    }

    #[test]
    fn every_chirp_is_heard_when_it_sounds() {
        for late in [0, 1, 480, 12_345] {
            let heard = chirps(&played(late));
            assert_eq!(heard.len(), 2 * KINDS, "{heard:?}");
            for (number, heard) in heard.iter().enumerate() {
                assert_eq!(heard.kind, number % KINDS);
                let expected = number as f64 + late as f64 / f64::from(RATE);
                assert!((heard.at - expected).abs() < 0.0005, "{heard:?} instead of {expected}");
            }
        }
    }

    #[test]
    fn quiet_and_coarse_sound_is_enough() {
        let quiet: Vec<f32> = quantised(&played(100)).iter().map(|s| s * 0.3).collect();
        let heard = chirps(&quiet);
        assert_eq!(
            heard.iter().map(|heard| heard.kind).collect::<Vec<_>>(),
            (0..16).map(|n| n % 8).collect::<Vec<_>>()
        );
    }

    #[test]
    fn silence_and_the_pilot_alone_hold_no_chirp() {
        assert_eq!(chirps(&vec![0.0; RATE as usize]), []);
        assert_eq!(chirps(&[]), []);
        let pilot: Vec<f32> = round()[RATE as usize / 2..RATE as usize - 100].to_vec();
        assert_eq!(chirps(&pilot), []);
    }

    #[test]
    fn gaps_are_found_with_their_length() {
        let mut samples = played(4_800);
        assert_eq!(gaps(&samples), [], "what comes before the first sound is no gap");
        samples[100_800..100_800 + 9_600].fill(0.0);
        samples[200_400..200_400 + 480].fill(0.0);
        let found = gaps(&samples);
        assert_eq!(found.len(), 1, "10 ms are none: {found:?}");
        assert!((found[0].at - 2.1).abs() < 0.006 && (found[0].length_ms - 200.0).abs() <= 10.0, "{found:?}");
        assert_eq!(gaps(&[0.0; 9_600]), []);
    }

    #[test]
    fn a_file_keeps_the_sound() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound.wav");
        save(&path, &round()).expect("writable");
        let loaded = load(&path).expect("as written");
        assert!(loaded.iter().zip(round()).all(|(a, b)| (a - b).abs() < 0.0001));
        assert_eq!(loaded.len(), KINDS * RATE as usize);
    }
}
