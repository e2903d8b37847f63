//! How much later or earlier than the delay a packet arrives.

use super::conditions::{Conditions, Distribution};
use super::rng::Rng;

/// Shape of the heavy tail: its mean is finite, and one packet in 300 is more than nine times the jitter late.
const PARETO_SHAPE: f64 = 2.5;

/// The sample before, which a correlated one follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jitter {
    previous: f64,
}

impl Jitter {
    /// The next sample in seconds, negative: earlier. Without jitter no number is drawn.
    pub(crate) fn sample(&mut self, conditions: &Conditions, rng: &mut Rng) -> f64 {
        let jitter = conditions.jitter.as_secs_f64();
        if jitter == 0.0 {
            return 0.0;
        }
        let unit = match conditions.distribution {
            Distribution::Uniform => rng.unit() * 2.0 - 1.0,
            Distribution::Normal => {
                // An AR(1) process whose deviation stays 1; at a correlation of 1 it would never move.
                let follow = conditions.correlation.min(0.9999);
                self.previous = follow * self.previous + (1.0 - follow * follow).sqrt() * rng.normal();
                self.previous
            }
            Distribution::Pareto => rng.unit().max(1e-6).powf(-1.0 / PARETO_SHAPE) - 1.0,
        };
        unit * jitter
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples(distribution: Distribution, correlation: f64) -> Vec<f64> {
        let jitter = Duration::from_millis(10);
        let conditions = Conditions { jitter, distribution, correlation, ..Conditions::default() };
        let (mut state, mut rng) = (Jitter::default(), Rng::new(5));
        (0..50_000).map(|_| state.sample(&conditions, &mut rng) * 1e3).collect()
    }

    fn deviation(samples: &[f64]) -> f64 {
        (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn normal_jitter_has_its_deviation_however_correlated() {
        for correlation in [0.0, 0.5, 0.9] {
            let samples = samples(Distribution::Normal, correlation);
            assert!((deviation(&samples) - 10.0).abs() < 0.6, "{correlation}: {}", deviation(&samples));
            let together = samples.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / samples.len() as f64;
            assert!((together / 100.0 - correlation).abs() < 0.1, "{correlation}: {together}");
        }
    }

    #[test]
    fn uniform_jitter_has_bounds_and_pareto_is_never_early() {
        assert!(samples(Distribution::Uniform, 0.0).iter().all(|sample| sample.abs() <= 10.0));
        let tail = samples(Distribution::Pareto, 0.0);
        assert!(tail.iter().all(|sample| *sample >= 0.0));
        assert!(tail.iter().any(|sample| *sample > 90.0));
    }
}
