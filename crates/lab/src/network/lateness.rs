//! How late the lab itself delivers packets, after the time that the links had for them.
//! Above a few milliseconds the machine is too busy, and what was measured over the lab says little.

use std::time::Duration;

/// Width of a class; quantiles are told to this.
const CLASS: Duration = Duration::from_micros(50);

/// Classes up to 50 ms; what is later counts in the last one, and in [`LateFigures::max`] exactly.
const CLASSES: usize = 1000;

/// Quantiles of the lateness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateFigures {
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// The worst.
    pub max: Duration,
}

/// Counts packets by their lateness.
#[derive(Clone, Debug)]
pub(crate) struct Lateness {
    classes: Vec<u64>,
    max: Duration,
}

impl Lateness {
    pub(crate) fn new() -> Self {
        Self { classes: vec![0; CLASSES], max: Duration::ZERO }
    }

    pub(crate) fn add(&mut self, late: Duration) {
        let class = (late.as_nanos() / CLASS.as_nanos()) as usize;
        self.classes[class.min(CLASSES - 1)] += 1;
        self.max = self.max.max(late);
    }

    pub(crate) fn figures(&self) -> LateFigures {
        LateFigures { p50: self.quantile(0.5), p99: self.quantile(0.99), max: self.max }
    }

    /// The upper edge of the class that holds the quantile.
    fn quantile(&self, share: f64) -> Duration {
        let all = self.classes.iter().sum::<u64>();
        let mut counted = 0;
        let holds = |count: &u64| {
            counted += count;
            counted as f64 >= all as f64 * share && counted > 0
        };
        self.classes.iter().position(holds).map_or(Duration::ZERO, |class| CLASS * (class as u32 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_edges_and_the_worst_is_exact() {
        let mut lateness = Lateness::new();
        assert_eq!(lateness.figures(), LateFigures::default());
        for micros in 0..1000 {
            lateness.add(Duration::from_micros(micros));
        }
        lateness.add(Duration::from_secs(1));
        let expected = LateFigures {
            p50: Duration::from_micros(550),
            p99: Duration::from_micros(1000),
            max: Duration::from_secs(1),
        };
        assert_eq!(lateness.figures(), expected);
    }
}
