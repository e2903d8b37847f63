//! Hears the marks in a recording: each chirp with its kind and its time to a fraction of a millisecond, and where the pilot fails.
//! A matched filter in quadrature: its peak is that of the chirp's envelope, so that a codec which shifts phases moves nothing.

use std::ops::Range;

use super::{CHIRP, KINDS, PILOT_HZ, PILOT_LEVEL, RATE, chirp};

/// A match counts from this share of a perfect one on; Opus at 24 kbit/s leaves 0.66 and more, noise gets under 0.2.
const MATCH: f32 = 0.5;

/// The coarse search takes one of so many samples: at 12 kHz the chirps are still whole.
const DECIMATION: usize = 4;

/// The coarse search tries one of so many starts: an envelope is four times as wide, and [`exact`] looks between them.
const STRIDE: usize = 3;

/// A place is searched from this mean square on, after [`coarse`]: a chirp at a seventh of its level, and over the pilot.
const LOUD: f32 = 1.5e-4;

/// And from this much over what is usual there: with noise all over, what a chirp that matches at least adds.
const OVER_USUAL: f32 = 1.3;

/// Two chirps are never that near, in seconds: the second is the rest of the first.
const APART: f64 = 0.1;

/// Steps in which gaps are measured, in samples: a millisecond.
const STEP: usize = RATE as usize / 1_000;

/// A period of the pilot, in samples.
const PERIOD: usize = (RATE as f32 / PILOT_HZ) as usize;

/// A silence from this length on is a gap.
pub(crate) const GAP_MS: f64 = 20.0;

/// Below this share of the pilot's level it is silent.
const SILENT: f32 = 0.25;

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
    /// Its length, in milliseconds; to one of them.
    pub length_ms: f64,
}

/// The chirps in a recording, in order. Takes less than a second for a minute of sound, with noise in it too.
#[must_use]
pub fn chirps(samples: &[f32]) -> Vec<Heard> {
    let whole: Vec<Template> = (0..KINDS).map(|kind| Template::new(chirp(kind))).collect();
    let small: Vec<Template> = (0..KINDS).map(|kind| Template::new(chirp(kind).map(|part| coarse(&part)))).collect();
    let low = coarse(samples);
    let mut heard: Vec<Heard> = Vec::new();
    for places in loud(&low, CHIRP / DECIMATION) {
        let tried = places
            .step_by(STRIDE)
            .flat_map(|at| small.iter().enumerate().map(move |(kind, template)| (kind, template, at)));
        let best = tried.map(|(kind, template, at)| (template.likeness(&low, at), kind, at));
        let best = best.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 >= MATCH);
        let Some((_, kind, at)) = best else { continue };
        let at = exact(samples, at * DECIMATION, &whole[kind]);
        if heard.last().is_none_or(|last| at - last.at > APART) {
            heard.push(Heard { kind, at });
        }
    }
    heard
}

/// What is searched for: a chirp, and the same a quarter of a period ahead.
struct Template {
    parts: [Vec<f32>; 2],
    energy: f32,
}

impl Template {
    fn new(parts: [Vec<f32>; 2]) -> Self {
        let energy = energy(&parts[0]);
        Self { parts, energy }
    }

    /// How alike the samples from there on are, 0 to 1, whatever their loudness and phase.
    fn likeness(&self, samples: &[f32], at: usize) -> f32 {
        let Some(samples) = samples.get(at..at + self.parts[0].len()) else { return 0.0 };
        let [sine, cosine] =
            self.parts.each_ref().map(|part| samples.iter().zip(part).map(|(a, b)| a * b).sum::<f32>());
        let energy = energy(samples) * self.energy;
        if energy > 0.0 { ((sine * sine + cosine * cosine) / energy).sqrt() } else { 0.0 }
    }
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// At 12 kHz, as differences between samples: that leaves little of the pilot, which lies below all chirps.
fn coarse(samples: &[f32]) -> Vec<f32> {
    let mut last = 0.0;
    let means = samples.chunks_exact(DECIMATION).map(|few| few.iter().sum::<f32>() / DECIMATION as f32);
    means.map(|mean| mean - std::mem::replace(&mut last, mean)).collect()
}

/// Where a chirp may begin: each range of starts from which a chirp's length of samples is loud, at most two lengths long.
fn loud(samples: &[f32], length: usize) -> Vec<Range<usize>> {
    let energies = energies(samples, length);
    let mut sorted = energies.clone();
    // Chirps sound for less than a tenth of the time.
    let usual =
        if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable_by(energies.len() / 2, f32::total_cmp).1 };
    let limit = (LOUD * length as f32).max(OVER_USUAL * usual);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, _) in energies.iter().enumerate().filter(|(_, energy)| **energy >= limit) {
        match ranges.last_mut() {
            Some(last) if last.end == at && last.len() < 2 * length => last.end = at + 1,
            _ => ranges.push(at..at + 1),
        }
    }
    ranges
}

/// Of that many samples from each place on.
fn energies(samples: &[f32], length: usize) -> Vec<f32> {
    let Some(first) = samples.get(..length) else { return Vec::new() };
    // In double precision: what is added is subtracted again.
    let mut sum = f64::from(energy(first));
    let steps =
        samples.iter().zip(&samples[length..]).map(|(old, new)| f64::from(*new).powi(2) - f64::from(*old).powi(2));
    let later = steps.map(|step| {
        sum += step;
        sum as f32
    });
    std::iter::once(energy(first)).chain(later).collect()
}

/// The start of the chirp near `at`, in seconds, to a sample.
fn exact(samples: &[f32], at: usize, template: &Template) -> f64 {
    let reach = STRIDE * DECIMATION;
    let near = at.saturating_sub(reach)..=at + reach;
    let best = near.map(|at| (template.likeness(samples, at), at)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(at, |(_, at)| at) as f64 / f64::from(RATE)
}

/// The silences after the first sound of the recording, also one that lasts to its end.
#[must_use]
pub fn gaps(samples: &[f32]) -> Vec<Gap> {
    let limit = (SILENT * PILOT_LEVEL).powi(2) / 2.0 * PERIOD as f32;
    let sounding = samples.windows(PERIOD).step_by(STEP).map(|period| energy(period) >= limit);
    let mut gaps: Vec<Gap> = Vec::new();
    let mut silent = None;
    let mut heard = false;
    // What comes after the end ends a silence.
    for (at, sounding) in sounding.chain([true]).enumerate() {
        match silent {
            Some(begin) if sounding => {
                let length_ms = ((at - 1 - begin) * STEP + PERIOD) as f64 * 1e3 / f64::from(RATE);
                if length_ms >= GAP_MS {
                    gaps.push(Gap { at: begin as f64 * STEP as f64 / f64::from(RATE), length_ms });
                }
                silent = None;
            }
            None if heard && !sounding => silent = Some(at),
            _ => {}
        }
        heard |= sounding;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::sound::round;

    /// Two rounds, beginning that many samples late.
    fn played(late: usize) -> Vec<f32> {
        let round = round();
        let mut samples = vec![0.0; late];
        samples.extend(round.iter().chain(&round));
        samples
    }

    fn kinds(heard: &[Heard]) -> Vec<usize> {
        heard.iter().map(|heard| heard.kind).collect()
    }

    #[test]
    fn every_chirp_is_heard_when_it_sounds() {
        for late in [0, 1, 480, 12_345] {
            let heard = chirps(&played(late));
            assert_eq!(kinds(&heard), (0..16).map(|number| number % KINDS).collect::<Vec<_>>());
            for (number, heard) in heard.iter().enumerate() {
                let expected = number as f64 + late as f64 / f64::from(RATE);
                assert!((heard.at - expected).abs() < 0.0001, "{heard:?} instead of {expected}");
            }
        }
    }

    #[test]
    fn quiet_and_coarse_sound_is_enough() {
        let quiet: Vec<f32> = played(100).iter().map(|sample| (sample * 100.0).round() * 0.003).collect();
        let heard = chirps(&quiet);
        assert_eq!(kinds(&heard), (0..16).map(|number| number % KINDS).collect::<Vec<_>>());
        assert!(
            heard.iter().zip(0..).all(|(heard, number)| (heard.at - f64::from(number) - 100.0 / 48e3).abs() < 0.0005)
        );
    }

    #[test]
    fn noise_hides_no_chirp_and_is_none() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 24) as f32 - 0.5) * 0.2
        };
        let noisy: Vec<f32> = played(0).iter().map(|sample| sample + noise()).collect();
        let heard = chirps(&noisy);
        assert_eq!(kinds(&heard), (0..16).map(|number| number % KINDS).collect::<Vec<_>>());
        assert!(heard.iter().zip(0..).all(|(heard, number)| (heard.at - f64::from(number)).abs() < 0.001));
        assert_eq!(chirps(&(0..RATE).map(|_| noise()).collect::<Vec<_>>()), []);
    }

    #[test]
    fn no_kind_is_taken_for_another_however_it_is_shifted() {
        let small = |kind: usize| chirp(kind).map(|part| coarse(&part));
        for kind in 0..KINDS {
            let template = Template::new(small(kind));
            for other in (0..KINDS).filter(|other| *other != kind) {
                let silence = vec![0.0; CHIRP / DECIMATION];
                let [sound, _] = small(other);
                let among = [silence.clone(), sound, silence].concat();
                // At least half of the chirp; what is left of one is like any.
                let within = CHIRP / DECIMATION / 2..CHIRP / DECIMATION * 3 / 2;
                let most = within.map(|at| template.likeness(&among, at)).fold(0.0, f32::max);
                assert!(most < 0.6, "{kind} is like {other}: {most}");
            }
        }
    }

    #[test]
    fn silence_and_the_pilot_alone_hold_no_chirp() {
        assert_eq!(chirps(&vec![0.0; RATE as usize]), []);
        assert_eq!(chirps(&[]), []);
        assert_eq!(chirps(&round()[RATE as usize / 2..RATE as usize - 100]), []);
    }

    #[test]
    fn gaps_are_found_with_their_length() {
        let mut samples = played(4_800);
        assert_eq!(gaps(&samples), [], "what comes before the first sound is no gap");
        samples[100_800..100_800 + 9_600].fill(0.0);
        samples[150_011..150_011 + 1_200].fill(0.0);
        samples[200_400..200_400 + 480].fill(0.0);
        samples.extend([0.0; 24_000]);
        let found = gaps(&samples);
        let expected = [(2.1, 200.0), (150_011.0 / 48e3, 25.0), (16.1, 500.0)];
        assert_eq!(found.len(), expected.len(), "10 ms are none: {found:?}");
        for (found, (at, length_ms)) in found.iter().zip(expected) {
            assert!((found.at - at).abs() < 0.0015 && (found.length_ms - length_ms).abs() <= 2.0, "{found:?}");
        }
        assert_eq!(gaps(&[0.0; 9_600]), []);
        assert_eq!(gaps(&[]), []);
    }
}
