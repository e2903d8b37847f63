//! The test sound: a steady tone with a beep an octave above it once a second, so that a person hears that time goes on.
//! And the measure that finds such a tone in a recording.

use std::f64::consts::TAU;

use media_core::SAMPLE_RATE;

/// A440: in the middle of what every codec and loudspeaker carries.
pub const DEFAULT_TONE_HZ: f32 = 440.0;

/// −12 dBFS: loud enough to hear, with room for the beep on top.
const LEVEL: f64 = 0.251;

/// One beep a second, 100 ms long.
const BEEP_PERIOD: u64 = SAMPLE_RATE as u64;
const BEEP_SAMPLES: u64 = SAMPLE_RATE as u64 / 10;

/// A generator of the test sound; its phase runs on from call to call.
#[derive(Debug, Clone)]
pub struct Tone {
    hz: f64,
    position: u64,
}

impl Tone {
    /// A tone of `hz` at −12 dBFS.
    pub fn new(hz: f32) -> Self {
        Self { hz: f64::from(hz), position: 0 }
    }

    /// Overwrites `samples` with the next stretch of the sound.
    pub fn fill(&mut self, samples: &mut [f32]) {
        for sample in samples {
            // Whole periods are dropped before the sine, so that hours keep the precision of the first second.
            let turns = (self.position as f64 * self.hz / f64::from(SAMPLE_RATE)).fract();
            let beep = self.position % BEEP_PERIOD;
            let envelope =
                if beep < BEEP_SAMPLES { 0.5 - 0.5 * (TAU * beep as f64 / BEEP_SAMPLES as f64).cos() } else { 0.0 };
            *sample = (LEVEL * ((TAU * turns).sin() + envelope * (2.0 * TAU * turns).sin())) as f32;
            self.position += 1;
        }
    }
}

impl Default for Tone {
    fn default() -> Self {
        Self::new(DEFAULT_TONE_HZ)
    }
}

/// Power of the component at `hz` in 48 kHz sound, as amplitude² / 2: 0.5 for a full-scale sine, 0 for silence.
/// Resolves about 48 000 / `samples.len()` Hz (Goertzel's algorithm).
pub fn goertzel_power(samples: &[f32], hz: f32) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * f64::from(hz) / f64::from(SAMPLE_RATE)).cos();
    let (mut last, mut before) = (0.0_f64, 0.0_f64);
    for &sample in samples {
        (last, before) = (f64::from(sample) + coefficient * last - before, last);
    }
    let magnitude = last * last + before * before - coefficient * last * before;
    (2.0 * magnitude / (samples.len() as f64).powi(2)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_is_at_its_frequency_and_level() {
        let mut samples = vec![0.0; 48_000];
        Tone::default().fill(&mut samples);
        let power = goertzel_power(&samples[9_600..], 440.0);
        let dbfs = 10.0 * (power * 2.0).log10();
        assert!((dbfs + 12.0).abs() < 0.1, "{dbfs} dBFS");
        assert!(goertzel_power(&samples[9_600..], 1_000.0) < power / 1_000.0);
        assert!(goertzel_power(&samples[..4_800], 880.0) > power / 10.0, "the beep");
        assert!(samples.iter().all(|sample| sample.abs() < 0.51));
    }

    #[test]
    fn pieces_make_up_the_whole() {
        let (mut whole, mut pieces) = (vec![0.0; 3_000], vec![0.0; 3_000]);
        Tone::new(333.0).fill(&mut whole);
        let mut tone = Tone::new(333.0);
        pieces.chunks_mut(7).for_each(|piece| tone.fill(piece));
        assert_eq!(whole, pieces);
    }
}
