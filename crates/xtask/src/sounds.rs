//! `cargo xtask sounds`: makes the program's own sounds in `assets/sounds`, from numbers alone.
//! A test compares what lies there with what this makes, so that no sound is there that cannot be made again.

use std::f64::consts::TAU;
use std::path::Path;

use crate::shell::{Outcome, workspace};

/// Enough for tones below 4 kHz, and half the size of what a sound card takes.
const RATE: u32 = 16_000;

/// As loud as all tones together may get: a ring in an ear should not hurt.
const LOUDEST: f64 = 0.4;

/// How fast a struck tone appears: without a click, and still struck.
const ATTACK: f64 = 0.008;

/// One tone of a sound.
struct Tone {
    /// Seconds from the beginning of the sound.
    at: f64,
    hertz: f64,
    /// Seconds after which it is down to 1/e.
    fades: f64,
}

const fn tone(at: f64, hertz: f64, fades: f64) -> Tone {
    Tone { at, hertz, fades }
}

/// A sound: its file, its length in seconds, and its tones.
struct Sound {
    file: &'static str,
    length: f64,
    tones: &'static [Tone],
}

/// The ring is a falling third struck twice, and silence until it comes again; the test of a speaker is a rising chord.
const SOUNDS: [Sound; 2] = [
    Sound {
        file: "ring.wav",
        length: 3.0,
        tones: &[tone(0.0, 784.0, 0.25), tone(0.18, 659.3, 0.35), tone(0.8, 784.0, 0.25), tone(0.98, 659.3, 0.35)],
    },
    Sound {
        file: "test.wav",
        length: 1.6,
        tones: &[tone(0.0, 440.0, 0.4), tone(0.25, 554.4, 0.4), tone(0.5, 659.3, 0.4), tone(0.75, 880.0, 0.3)],
    },
];

/// Writes them.
pub(crate) fn run() -> Outcome {
    let folder = workspace().join("assets/sounds");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for sound in &SOUNDS {
        let path = folder.join(sound.file);
        write(&path, &sound.samples())?;
        println!("made {}", path.display());
    }
    Ok(())
}

impl Sound {
    fn samples(&self) -> Vec<i16> {
        let count = (self.length * f64::from(RATE)) as u32;
        let fade_out = 0.02;
        let values = (0..count).map(|at| {
            let time = f64::from(at) / f64::from(RATE);
            let end = ((self.length - time) / fade_out).min(1.0);
            self.tones.iter().map(|tone| tone.value(time)).sum::<f64>() * end
        });
        let values: Vec<f64> = values.collect();
        let peak = values.iter().fold(0.0_f64, |peak, value| peak.max(value.abs()));
        values.iter().map(|value| (value / peak * LOUDEST * f64::from(i16::MAX)).round() as i16).collect()
    }
}

impl Tone {
    /// A struck bar: the tone and, fading sooner, two of its overtones.
    fn value(&self, time: f64) -> f64 {
        let time = time - self.at;
        if time <= 0.0 {
            return 0.0;
        }
        let partial = |times: f64, strength: f64| {
            strength * (TAU * self.hertz * times * time).sin() * (-time * times / self.fades).exp()
        };
        (time / ATTACK).min(1.0) * (partial(1.0, 1.0) + partial(2.0, 0.3) + partial(4.0, 0.12))
    }
}

/// RIFF WAVE, 16 bit, one channel.
fn write(path: &Path, samples: &[i16]) -> Outcome {
    let bytes = samples.len() as u32 * 2;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // PCM, one channel; then the rate, bytes a second, bytes a sample, bits a sample.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, file).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sounds_that_lie_there_are_those_that_are_made_here() {
        for sound in &SOUNDS {
            let path = workspace().join("assets/sounds").join(sound.file);
            let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(file.len() <= 100 << 10, "{} is too large", path.display());
            let there = file[44..].chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]));
            let made = sound.samples();
            assert_eq!(there.len(), made.len(), "{}: cargo xtask sounds", path.display());
            // The sine of one system may differ in its last digit from another's.
            assert!(there.zip(made).all(|(there, made)| there.abs_diff(made) <= 1), "{}", path.display());
        }
    }

    #[test]
    fn a_sound_begins_and_ends_without_a_click() {
        for sound in &SOUNDS {
            let samples = sound.samples();
            assert!(samples[0].abs() < 50 && samples[samples.len() - 1].abs() < 50, "{}", sound.file);
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max();
            assert_eq!(loudest, Some((LOUDEST * f64::from(i16::MAX)).round() as u16));
        }
    }
}
