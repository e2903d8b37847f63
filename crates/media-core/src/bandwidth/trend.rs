//! Whether the delay grows: a line through the last groups, against a threshold that learns how uneven the path is by itself.
//! (draft-ietf-rmcat-gcc-02 §5.3 to §5.4, with the line instead of the Kalman filter, as in "Analysis and Design of the Google
//! Congestion Control for WebRTC", MMSys 2016, and its successors.)

use std::collections::VecDeque;
use std::time::Duration;

use super::groups::Delta;

/// Groups that the line goes through: two thirds of a second of video.
const WINDOW: usize = 20;

/// How much of the smoothed delay stays from group to group.
const SMOOTHING: f64 = 0.9;

/// From the line's slope to the threshold's scale.
const GAIN: f64 = 4.0;

/// A slope counts for at most that many groups.
const MOST_GROUPS: f64 = 60.0;

/// The threshold at the beginning and its bounds, and how fast it goes up and down, per millisecond.
const THRESHOLD: f64 = 12.5;
const LOWEST: f64 = 6.0;
const HIGHEST: f64 = 600.0;
const RISE: f64 = 0.0087;
const FALL: f64 = 0.039;

/// What lies that far above the threshold is a spike, from which nothing is learnt.
const SPIKE: f64 = 15.0;

/// A slope has to be too steep for longer than this.
const OVER_FOR: f64 = 10.0;

/// The least delay is that of so many groups, two seconds of video: a route that became longer is no queue.
const REMEMBERED: usize = 60;

/// The load of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Normal,
    /// A queue grows.
    Over,
    /// A queue empties.
    Under,
}

#[derive(Debug)]
pub(super) struct Trend {
    groups: usize,
    delay: f64,
    delays: VecDeque<f64>,
    smoothed: f64,
    points: VecDeque<(f64, f64)>,
    began_at: Option<Duration>,
    slope: f64,
    threshold: f64,
    learnt_at: Option<Duration>,
    /// For how many milliseconds the slope has been too steep, and in how many groups.
    over: Option<(f64, u32)>,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            groups: 0,
            delay: 0.0,
            delays: VecDeque::with_capacity(REMEMBERED + 1),
            smoothed: 0.0,
            points: VecDeque::with_capacity(WINDOW + 1),
            began_at: None,
            slope: 0.0,
            threshold: THRESHOLD,
            learnt_at: None,
            over: None,
        }
    }
}

impl Trend {
    /// Takes the next group, and says how the path is loaded.
    pub(super) fn update(&mut self, delta: Delta) -> Usage {
        let began = *self.began_at.get_or_insert(delta.at);
        self.groups += 1;
        self.delay += delta.arrived - delta.sent;
        self.delays.push_back(self.delay);
        if self.delays.len() > REMEMBERED {
            self.delays.pop_front();
        }
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        let at = delta.at.saturating_sub(began).as_secs_f64() * 1e3;
        self.points.push_back((at, self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let before = self.slope;
        if self.points.len() == WINDOW {
            self.slope = slope(&self.points).unwrap_or(before);
        }
        let scaled = (self.groups as f64).min(MOST_GROUPS) * self.slope * GAIN;
        let usage = self.judge(scaled, self.slope >= before, delta.sent);
        self.learn(scaled, delta.at);
        usage
    }

    /// How much longer than the quickest group of late the last one took, in milliseconds: what stands in a queue.
    pub(super) fn standing(&self) -> f64 {
        self.delay - self.delays.iter().copied().fold(self.delay, f64::min)
    }

    fn judge(&mut self, scaled: f64, rises: bool, passed: f64) -> Usage {
        if scaled <= self.threshold {
            self.over = None;
            return if scaled < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        let (time, groups) = self.over.map_or((passed / 2.0, 1), |(time, groups)| (time + passed, groups + 1));
        if time > OVER_FOR && groups > 1 && rises {
            self.over = Some((0.0, 0));
            return Usage::Over;
        }
        self.over = Some((time, groups));
        Usage::Normal
    }

    fn learn(&mut self, scaled: f64, now: Duration) {
        let passed = self.learnt_at.replace(now).map_or(Duration::ZERO, |before| now.saturating_sub(before));
        let distance = scaled.abs() - self.threshold;
        if distance > SPIKE {
            return;
        }
        let speed = if distance < 0.0 { FALL } else { RISE };
        let passed = (passed.as_secs_f64() * 1e3).min(100.0);
        self.threshold = (self.threshold + speed * distance * passed).clamp(LOWEST, HIGHEST);
    }
}

/// Of the line with the least squared distance; `None` when all points lie at one time.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), point| {
        (above + (point.0 - x) * (point.1 - y), below + (point.0 - x).powi(2))
    });
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in groups 33 ms apart whose delay changes by that much from each to the next.
    fn found(count: u64, change: impl Fn(u64) -> f64) -> Vec<Usage> {
        let mut trend = Trend::default();
        let at = |group| Duration::from_millis(33 * group);
        let delta = |group| Delta { sent: 33.0, arrived: 33.0 + change(group), at: at(group) };
        (0..count).map(|group| trend.update(delta(group))).collect()
    }

    #[test]
    fn an_even_path_is_normal_and_so_is_an_uneven_one() {
        assert!(found(300, |_| 0.0).iter().all(|usage| *usage == Usage::Normal));
        let uneven = found(900, |group| if group % 2 == 0 { 12.0 } else { -12.0 });
        assert!(uneven[100..].iter().all(|usage| *usage != Usage::Over));
    }

    #[test]
    fn a_delay_that_grows_is_an_overload_within_four_tenths_of_a_second() {
        let usages = found(60, |group| if group < 30 { 0.0 } else { 8.0 });
        assert!(usages[..30].iter().all(|usage| *usage == Usage::Normal));
        assert!(usages[30..42].contains(&Usage::Over), "{usages:?}");
    }

    #[test]
    fn a_queue_that_empties_is_told_from_one_that_grows() {
        let usages = found(90, |group| match group {
            0..30 => 0.0,
            30..45 => 8.0,
            _ => -4.0,
        });
        assert!(usages[55..].contains(&Usage::Under) && !usages[55..].contains(&Usage::Over), "{usages:?}");
    }
}
