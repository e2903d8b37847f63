//! Tones: a sound file to send, and how much of a received one is that tone.
//! Looks at tenths of a second, so that a gap shows as a gap and not as a lower average.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use media_codec::{WavReader, WavWriter, goertzel_power};
use media_core::SAMPLE_RATE;

use crate::place::folder;

/// A tenth of a second of samples.
const PIECE: usize = SAMPLE_RATE as usize / 10;

/// Quieter than that (-50 dBFS) is silence.
const SILENCE: f32 = 0.003;

/// Writes a file with a steady tone, or finds it as an earlier test left it.
pub fn tone_file(hz: f32, seconds: usize) -> PathBuf {
    let path = folder("clips").join(format!("tone-{hz}-{seconds}.wav"));
    if path.exists() {
        return path;
    }
    let file = BufWriter::new(File::create(&path).expect("the target folder is writable"));
    let mut writer = WavWriter::new(file).expect("the disk has room");
    let samples: Vec<f32> = (0..seconds * SAMPLE_RATE as usize)
        .map(|index| (index as f32 * hz * std::f32::consts::TAU / SAMPLE_RATE as f32).sin() * 0.25)
        .collect();
    writer.write(&samples).expect("the disk has room");
    writer.finish().expect("the disk has room");
    path
}

/// All of a sound file, as 48 kHz mono.
pub fn read(path: &Path) -> Vec<f32> {
    let file = File::open(path).unwrap_or_else(|error| panic!("no {}: {error}", path.display()));
    let mut reader =
        WavReader::new(std::io::BufReader::new(file)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut samples = Vec::new();
    while reader.read(PIECE, &mut samples).unwrap_or_else(|error| panic!("{}: {error}", path.display())) > 0 {}
    samples
}

/// What a file that is still being written holds by now; nothing before the first sound.
pub fn so_far(path: &Path) -> Vec<f32> {
    let mut samples = Vec::new();
    let Ok(file) = File::open(path) else { return samples };
    let Ok(mut reader) = WavReader::new(std::io::BufReader::new(file)) else { return samples };
    while reader.read(PIECE, &mut samples).is_ok_and(|read| read > 0) {}
    samples
}

/// What was found in a stretch of sound.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// Seconds in which there was any sound.
    pub sound: f64,
    /// Seconds in which nearly all of the sound was the tone.
    pub tone: f64,
    /// All seconds.
    pub total: f64,
}

/// Listens for a tone.
pub fn listen(samples: &[f32], hz: f32) -> Heard {
    let mut heard = Heard { sound: 0.0, tone: 0.0, total: samples.len() as f64 / f64::from(SAMPLE_RATE) };
    for piece in samples.chunks_exact(PIECE) {
        let energy = piece.iter().map(|sample| sample * sample).sum::<f32>() / PIECE as f32;
        if energy.sqrt() < SILENCE {
            continue;
        }
        heard.sound += 0.1;
        if goertzel_power(piece, hz) > 0.7 * energy {
            heard.tone += 0.1;
        }
    }
    heard
}
