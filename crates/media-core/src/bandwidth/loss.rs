//! The bound that heavy loss sets: a short queue overflows before it delays anything (draft-ietf-rmcat-gcc-02 §6).
//! A few percent are a radio link's own affair, which repairs mend, and no reason to send less.

use std::time::{Duration, Instant};

/// Judged over at least that many packets and that long, and over so many more as it takes to know that it was not chance.
const LEAST_PACKETS: usize = 20;
const MOST_PACKETS: usize = 200;
const LEAST_TIME: Duration = Duration::from_millis(250);

/// More than this share is too much, less is nothing.
const TOO_MUCH: f64 = 0.10;
const NOTHING: f64 = 0.02;

/// Growth of the bound in a second without loss.
const GROWTH: f64 = 1.2;

#[derive(Debug)]
pub(super) struct LossBound {
    bps: f64,
    lost: usize,
    told: usize,
    since: Option<Instant>,
}

impl Default for LossBound {
    fn default() -> Self {
        Self { bps: f64::INFINITY, lost: 0, told: 0, since: None }
    }
}

impl LossBound {
    /// The bound; infinite where there is none.
    pub(super) fn bps(&self) -> f64 {
        self.bps
    }

    /// Of `told` packets so many were lost, while `aim` was aimed at. Never less than `carried`, which arrives in spite of it.
    pub(super) fn update(&mut self, now: Instant, lost: usize, told: usize, aim: f64, carried: f64) {
        self.lost += lost;
        self.told += told;
        let passed = now.saturating_duration_since(*self.since.get_or_insert(now));
        if self.told < LEAST_PACKETS || passed < LEAST_TIME {
            return;
        }
        let share = self.lost as f64 / self.told as f64;
        let error = 2.0 * (share * (1.0 - share) / self.told as f64).sqrt();
        if share > TOO_MUCH && share - error < TOO_MUCH && self.told < MOST_PACKETS {
            return;
        }
        if share > TOO_MUCH {
            let bound = self.bps.min(aim);
            self.bps = bound.min(carried.max(bound * (1.0 - 0.5 * share)));
        } else if share < NOTHING {
            self.bps *= GROWTH.powf(passed.as_secs_f64().min(1.0));
        }
        if self.bps > 2.0 * aim {
            self.bps = f64::INFINITY;
        }
        (self.lost, self.told, self.since) = (0, 0, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound after that many reports, 100 ms apart, of 50 packets with that many lost.
    fn after(bound: &mut LossBound, start: Instant, reports: std::ops::Range<u64>, lost: usize) -> f64 {
        carrying(0.0, bound, start, reports, lost)
    }

    fn carrying(
        carried: f64,
        bound: &mut LossBound,
        start: Instant,
        reports: std::ops::Range<u64>,
        lost: usize,
    ) -> f64 {
        for report in reports {
            bound.update(start + Duration::from_millis(100 * report), lost, 50, 1e6, carried);
        }
        bound.bps()
    }

    #[test]
    fn heavy_loss_bounds_and_light_loss_does_not() {
        let start = Instant::now();
        assert_eq!(after(&mut LossBound::default(), start, 0..100, 0), f64::INFINITY);
        assert_eq!(after(&mut LossBound::default(), start, 0..100, 4), f64::INFINITY);
        let mut bound = LossBound::default();
        assert!(after(&mut bound, start, 0..10, 15) < 0.7e6);
        let low = bound.bps();
        assert_eq!(after(&mut bound, start, 10..20, 3), low, "neither much nor little");
        assert_eq!(after(&mut bound, start, 20..100, 0), f64::INFINITY, "it is forgotten in time");
    }

    #[test]
    fn what_arrives_in_spite_of_loss_is_carried() {
        let mut bound = LossBound::default();
        assert_eq!(carrying(0.4e6, &mut bound, Instant::now(), 0..50, 30), 0.4e6);
    }
}
