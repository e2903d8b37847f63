//! When pictures are due: a schedule counted from its start, so that it never drifts, and a gate that thins out what comes too fast.
//! Both are told the time.

use std::time::{Duration, Instant};

/// A source this far behind (the machine slept) starts its schedule anew instead of hurrying after it.
const HOPELESS: Duration = Duration::from_secs(1);

/// The due time of each picture of a source with a fixed rate.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    start: Instant,
    /// Pictures per second as a fraction, such as 30000/1001.
    rate: (u32, u32),
    index: u64,
}

impl Schedule {
    /// The first picture is due at `start`; `rate` is a fraction of two positive numbers.
    pub(crate) fn new(start: Instant, rate: (u32, u32)) -> Self {
        Self { start, rate: (rate.0.max(1), rate.1.max(1)), index: 0 }
    }

    /// The number of the next picture and its due time. Skips the time, not the pictures, of a long sleep.
    pub(crate) fn next(&mut self, now: Instant) -> (u64, Instant) {
        let index = self.index;
        self.index += 1;
        let due = self.start + self.offset(index);
        let late = now.saturating_duration_since(due);
        if late > HOPELESS {
            self.start += late;
            return (index, now);
        }
        (index, due)
    }

    fn offset(&self, index: u64) -> Duration {
        let (rate, per) = self.rate;
        let nanoseconds = u128::from(index) * u128::from(per) * 1_000_000_000 / u128::from(rate);
        Duration::from_nanos(u64::try_from(nanoseconds).expect("584 years of pictures fit"))
    }
}

/// Lets pictures through at no more than a given rate, evenly, whatever the rate they come at.
#[derive(Debug, Clone)]
pub(crate) struct FrameGate {
    interval: Duration,
    next: Option<Instant>,
}

impl FrameGate {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, next: None }
    }

    /// Whether a picture taken at `at` may pass. Allows for a quarter of an interval of jitter.
    pub(crate) fn admit(&mut self, at: Instant) -> bool {
        let Some(next) = self.next else {
            self.next = Some(at + self.interval);
            return true;
        };
        if at + self.interval / 4 < next {
            return false;
        }
        // Counted on from the last due time, so that a late picture does not lower the rate.
        self.next = Some((next + self.interval).max(at));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ntsc_schedule_does_not_drift_in_a_day() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, (30_000, 1_001));
        let mut due = start;
        for expected in 0..=2_592_000 / 10 {
            let index;
            (index, due) = schedule.next(due);
            assert_eq!(index, expected);
        }
        // 259 200 pictures at 30000/1001 Hz.
        assert_eq!(due - start, Duration::from_nanos(8_648_640_000_000));
    }

    #[test]
    fn a_slow_reader_catches_up_but_a_machine_that_slept_does_not() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, (10, 1));
        schedule.next(start);
        let late = start + Duration::from_millis(600);
        assert_eq!(schedule.next(late), (1, start + Duration::from_millis(100)));
        let slept = start + Duration::from_secs(3600);
        assert_eq!(schedule.next(slept), (2, slept));
        assert_eq!(schedule.next(slept), (3, slept + Duration::from_millis(100)));
    }

    /// Pictures per second that pass when they come at `rate` with a jitter of ±`jitter` ms.
    fn passing(rate: u64, wanted: u32, jitter: u64) -> usize {
        let start = Instant::now();
        let mut gate = FrameGate::new(Duration::from_secs(1) / wanted);
        let early_or_late = |index: u64| Duration::from_millis((index * 7) % (2 * jitter + 1));
        let times = (0..rate * 10)
            .map(|index| start + Duration::from_nanos(index * 1_000_000_000 / rate) + early_or_late(index));
        times.filter(|at| gate.admit(*at)).count() / 10
    }

    #[test]
    fn the_gate_halves_thins_and_leaves_alone() {
        assert_eq!(passing(60, 30, 0), 30);
        assert_eq!(passing(30, 15, 3), 15);
        assert_eq!(passing(30, 24, 2), 24);
        assert_eq!(passing(30, 30, 8), 30);
        assert_eq!(passing(15, 30, 8), 15);
        assert_eq!(passing(90, 30, 4), 30);
    }
}
