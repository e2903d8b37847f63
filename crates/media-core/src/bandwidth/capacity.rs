//! What the link carried when it was overloaded, and how much that differed from time to time.
//! Close to it the estimate goes carefully; far above it the link has become another.

use std::cmp::Ordering;

/// How much of the mean stays at a new overload.
const MEMORY: f64 = 0.95;

/// That many deviations from the mean are near.
const NEAR: f64 = 3.0;

/// Bounds of the variance, in shares of the mean in kbit/s.
const VARIANCE: (f64, f64) = (0.4, 2.5);

#[derive(Debug, Default)]
pub(super) struct Capacity {
    /// Mean in kbit/s, and variance in shares of it.
    known: Option<(f64, f64)>,
}

impl Capacity {
    /// That many bits a second arrived in an overload.
    pub(super) fn overloaded(&mut self, bps: f64) {
        let found = bps / 1e3;
        self.known = Some(match self.known {
            Some((mean, variance)) if self.compare(bps) == Some(Ordering::Equal) => {
                let mean = MEMORY * mean + (1.0 - MEMORY) * found;
                let error = (mean - found).powi(2) / mean.max(1.0);
                (mean, (MEMORY * variance + (1.0 - MEMORY) * error).clamp(VARIANCE.0, VARIANCE.1))
            }
            _ => (found, VARIANCE.0),
        });
    }

    /// That much beside what the link carries, equal being near it; `None` when it has never been overloaded.
    pub(super) fn compare(&self, bps: f64) -> Option<Ordering> {
        let (mean, variance) = self.known?;
        let above = bps / 1e3 - mean;
        if above.abs() <= NEAR * (variance * mean).sqrt() { Some(Ordering::Equal) } else { above.partial_cmp(&0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_what_the_last_overloads_were_like() {
        let mut capacity = Capacity::default();
        assert_eq!(capacity.compare(1e6), None);
        capacity.overloaded(1e6);
        assert_eq!(capacity.compare(0.98e6), Some(Ordering::Equal));
        assert_eq!(capacity.compare(0.7e6), Some(Ordering::Less));
        // Another link: what was known is forgotten.
        capacity.overloaded(0.3e6);
        assert_eq!(capacity.compare(0.3e6), Some(Ordering::Equal));
        assert_eq!(capacity.compare(1e6), Some(Ordering::Greater));
    }
}
