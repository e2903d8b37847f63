//! Makes a stretch of speech one pitch period shorter or longer, so that the playout delay can change without a click and
//! without a change of pitch. Both ends stay as they were, so the pieces before and after still fit.

/// A pitch period lies in 2.5 to 10 ms (100 to 400 Hz); higher voices repeat several times in it, and for deeper ones the
/// best shift within it still joins without a click.
const SHORTEST_PERIOD: usize = 120;
const LONGEST_PERIOD: usize = 480;

/// Removes one pitch period from `samples` (48 kHz) and returns its length; 0, and no change, under 5 ms.
pub fn shorten(samples: &mut Vec<f32>) -> usize {
    let Some(period) = pitch_period(samples) else { return 0 };
    // From the beginning fade over to what comes one period later, and go on from there.
    let fade = period.min(samples.len() - period);
    for index in 0..fade {
        samples[index] = cross(samples[index], samples[index + period], index, fade);
    }
    samples.copy_within(fade + period.., fade);
    samples.truncate(samples.len() - period);
    period
}

/// Repeats one pitch period of `samples` (48 kHz) and returns its length; 0, and no change, under 5 ms.
pub fn lengthen(samples: &mut Vec<f32>) -> usize {
    let Some(period) = pitch_period(samples) else { return 0 };
    let length = samples.len();
    let fade = period.min(length - period);
    samples.resize(length + period, 0.0);
    samples.copy_within(..length, period);
    // The first period stands twice now; fade over from what followed it to its repetition.
    for index in period..period + fade {
        samples[index] = cross(samples[index + period], samples[index], index - period, fade);
    }
    period
}

/// Weighted from `old` at the first index to `new` at the last.
fn cross(old: f32, new: f32, index: usize, length: usize) -> f32 {
    old + (new - old) * (index as f32 + 0.5) / length as f32
}

/// The shift at which the signal resembles itself most; in noise and silence any will do. None when there is too little.
fn pitch_period(samples: &[f32]) -> Option<usize> {
    let longest = LONGEST_PERIOD.min(samples.len() / 2);
    let window = samples.len() - longest;
    (SHORTEST_PERIOD..=longest)
        .map(|period| (period, likeness(&samples[..window], &samples[period..period + window])))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(period, _)| period)
}

/// Normalised correlation, −1 to 1; 0 for silence.
fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let (mut product, mut one_energy, mut other_energy) = (0.0, 0.0, 0.0);
    for (&a, &b) in one.iter().zip(other) {
        product += a * b;
        one_energy += a * a;
        other_energy += b * b;
    }
    let energy: f32 = one_energy * other_energy;
    if energy > 0.0 { product / energy.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goertzel_power;
    use media_core::{FRAME_SAMPLES, SAMPLE_RATE};
    use std::f32::consts::TAU;

    /// A voice-like wave of a fundamental and five harmonics.
    fn voice(hz: f32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| {
                (1..=6u8)
                    .map(|h| 0.2 / f32::from(h) * (TAU * hz * f32::from(h) * n as f32 / SAMPLE_RATE as f32).sin())
                    .sum()
            })
            .collect()
    }

    fn steepest(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    type Stretch = fn(&mut Vec<f32>) -> usize;

    /// Every second 20 ms frame of a second of `input` is stretched.
    fn stretched(input: &[f32], stretch: Stretch) -> Vec<f32> {
        let mut out = Vec::new();
        for (index, frame) in input.chunks_exact(FRAME_SAMPLES).enumerate() {
            let mut frame = frame.to_vec();
            if index % 2 == 1 {
                let changed = stretch(&mut frame);
                assert!((SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&changed));
                assert_eq!(frame.len().abs_diff(FRAME_SAMPLES), changed);
            }
            out.extend(frame);
        }
        out
    }

    #[test]
    fn the_length_changes_and_pitch_and_smoothness_stay() {
        for hz in [110.0, 160.0, 220.0, 300.0] {
            let input = voice(hz, 48_000);
            for stretch in [shorten as Stretch, lengthen] {
                let out = stretched(&input, stretch);
                assert_ne!(out.len(), input.len());
                assert!(steepest(&out) < 1.2 * steepest(&input), "a click at {hz} Hz");
                let middle = &out[2_000..26_000];
                let (before, after) = (goertzel_power(&input[2_000..26_000], hz), goertzel_power(middle, hz));
                assert!(after > 0.7 * before, "the pitch of {hz} Hz is gone: {after} of {before}");
            }
        }
    }

    #[test]
    fn the_ends_stay_as_they_were() {
        let input = voice(130.0, FRAME_SAMPLES);
        for stretch in [shorten as Stretch, lengthen] {
            let mut out = input.clone();
            stretch(&mut out);
            assert!((out[0] - input[0]).abs() < 0.01);
            assert_eq!(out[out.len() - 100..], input[FRAME_SAMPLES - 100..]);
        }
    }

    #[test]
    fn silence_noise_and_short_pieces_are_taken_too() {
        for stretch in [shorten as Stretch, lengthen] {
            assert_ne!(stretch(&mut vec![0.0; FRAME_SAMPLES]), 0);
            assert_eq!(stretch(&mut vec![0.1; 2 * SHORTEST_PERIOD - 1]), 0);
            assert_eq!(stretch(&mut Vec::new()), 0);
            for length in [240, 480, 1_920, 5_760] {
                let mut state = 1_u32;
                let mut noise: Vec<f32> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 8) as f32 / 8_388_608.0 - 1.0
                    })
                    .collect();
                assert_ne!(stretch(&mut noise), 0);
                assert!(noise.iter().all(|sample| sample.abs() <= 1.0));
            }
        }
    }
}
