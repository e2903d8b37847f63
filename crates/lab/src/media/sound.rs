//! The sound that measures itself: a pilot tone that shows gaps, and chirps whose kind and time show delay.
//! It is made here, kept in files as [`wav`] says, and heard again by [`hear`].

pub mod hear;
pub mod wav;

use std::f32::consts::{FRAC_PI_2, TAU};

pub use hear::{Gap, Heard, chirps, gaps};
pub use wav::{Recording, load, save};

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

/// Where the chirps begin and end in hertz, two kinds for each: upwards and downwards. All lies within what speech codecs keep.
const BANDS: [(f32, f32); KINDS / 2] = [(600.0, 1_400.0), (1_200.0, 2_200.0), (2_000.0, 3_200.0), (1_000.0, 2_600.0)];

/// One round of the sound: [`KINDS`] seconds, chirp number n at second n.
#[must_use]
pub fn round() -> Vec<f32> {
    let mut samples: Vec<f32> =
        (0..KINDS * RATE as usize).map(|at| PILOT_LEVEL * (TAU * PILOT_HZ * at as f32 / RATE as f32).sin()).collect();
    for kind in 0..KINDS {
        let at = kind * RATE as usize;
        let [chirp, _] = chirp(kind);
        samples[at..at + CHIRP].iter_mut().zip(chirp).for_each(|(out, sample)| *out += CHIRP_LEVEL * sample);
    }
    samples
}

/// A chirp of that kind, of full scale, under a smooth window; and the same a quarter of a period ahead.
fn chirp(kind: usize) -> [Vec<f32>; 2] {
    let (low, high) = BANDS[kind / 2];
    let (from, to) = if kind.is_multiple_of(2) { (low, high) } else { (high, low) };
    let length = CHIRP as f32 / RATE as f32;
    [0.0, FRAC_PI_2].map(|ahead| {
        let sample = |at: usize| {
            let t = at as f32 / RATE as f32;
            let phase = TAU * (from * t + (to - from) * t * t / (2.0 * length));
            let window = 0.5 - 0.5 * (TAU * at as f32 / CHIRP as f32).cos();
            window * (phase + ahead).sin()
        };
        (0..CHIRP).map(sample).collect()
    })
}
