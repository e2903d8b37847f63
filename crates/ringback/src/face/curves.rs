//! The last minute of a call as points to draw curves from: one point for each measurement of the engine, rates taken between two.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use call_engine::{Phase, Snapshot};

/// How far back the curves go.
const SPAN: Duration = Duration::from_secs(60);

/// Measurements that are kept; the engine makes two a second.
const MAX_POINTS: usize = 256;

/// Two measurements closer than this give no rate.
const SHORTEST: Duration = Duration::from_millis(200);

/// What happened between two measurements; `None` where it was not measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: Instant,
    pub(crate) sent_kbps: Option<f64>,
    pub(crate) received_kbps: Option<f64>,
    /// Share of the packets to us that never came, 0 to 1.
    pub(crate) loss: Option<f64>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) fps: Option<f64>,
    /// From the peer's microphone to our ear, without the devices: half the round trip and the playout delay.
    pub(crate) latency: Option<Duration>,
}

/// The last minute.
#[derive(Debug, Default)]
pub(crate) struct Curves {
    points: VecDeque<Point>,
    before: Option<Snapshot>,
}

impl Curves {
    /// Takes the newest measurement; the same one twice counts once.
    pub(crate) fn measured(&mut self, snapshot: &Snapshot) {
        if snapshot.phase != Phase::Connected {
            self.before = None;
            return;
        }
        let Some(before) = &self.before else {
            self.before = Some(snapshot.clone());
            return;
        };
        let elapsed = snapshot.measured_at.saturating_duration_since(before.measured_at);
        if elapsed < SHORTEST {
            return;
        }
        let point = point(before, snapshot, elapsed.as_secs_f64());
        self.points.push_back(point);
        let oldest = snapshot.measured_at.checked_sub(SPAN);
        while self.points.len() > MAX_POINTS || self.points.front().is_some_and(|point| Some(point.at) < oldest) {
            self.points.pop_front();
        }
        self.before = Some(snapshot.clone());
    }

    /// From the oldest to the newest.
    pub(crate) fn points(&self) -> impl ExactSizeIterator<Item = &Point> + DoubleEndedIterator {
        self.points.iter()
    }
}

fn point(before: &Snapshot, now: &Snapshot, seconds: f64) -> Point {
    let (old, new) = (&before.figures, &now.figures);
    let more = |old: Option<u64>, new: Option<u64>| Some(new?.saturating_sub(old.unwrap_or(0)));
    let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0) + other.unwrap_or(0)),
    };
    let kbps = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 * 8e-3 / seconds);
    let lost = sum(
        more(old.audio_received.lost, new.audio_received.lost),
        more(old.video_received.lost, new.video_received.lost),
    );
    let came = sum(
        more(old.audio_received.packets, new.audio_received.packets),
        more(old.video_received.packets, new.video_received.packets),
    );
    let rtt = new.path.rtt;
    Point {
        at: now.measured_at,
        sent_kbps: kbps(sum(
            more(old.audio_sent.bytes, new.audio_sent.bytes),
            more(old.video_sent.bytes, new.video_sent.bytes),
        )),
        received_kbps: kbps(sum(
            more(old.audio_received.bytes, new.audio_received.bytes),
            more(old.video_received.bytes, new.video_received.bytes),
        )),
        loss: lost
            .zip(came)
            .filter(|(lost, came)| lost + came > 0)
            .map(|(lost, came)| lost as f64 / (lost + came) as f64),
        rtt,
        fps: new.video_received.fps,
        latency: rtt.zip(new.audio_received.playout_delay).map(|(rtt, delay)| rtt / 2 + delay),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(at: Instant, sent: u64, lost: u64, came: u64) -> Snapshot {
        let mut snapshot = Snapshot { phase: Phase::Connected, measured_at: at, ..Snapshot::default() };
        snapshot.figures.video_sent.bytes = Some(sent);
        snapshot.figures.video_received.lost = Some(lost);
        snapshot.figures.video_received.packets = Some(came);
        snapshot
    }

    #[test]
    fn rates_are_taken_between_two_measurements() {
        let (mut curves, start) = (Curves::default(), Instant::now());
        curves.measured(&measured(start, 1000, 0, 0));
        curves.measured(&measured(start, 1000, 0, 0));
        assert_eq!(curves.points().len(), 0, "one measurement is no rate");
        curves.measured(&measured(start + Duration::from_millis(500), 51_000, 1, 99));
        let point = *curves.points().next().expect("a rate");
        assert_eq!((point.sent_kbps, point.loss, point.received_kbps), (Some(800.0), Some(0.01), None));
    }

    #[test]
    fn a_minute_is_kept_and_no_more() {
        let (mut curves, start) = (Curves::default(), Instant::now());
        for half_seconds in 0..400 {
            curves.measured(&measured(start + half_seconds * Duration::from_millis(500), 0, 0, 0));
        }
        let first = curves.points().next().expect("points").at;
        let last = curves.points().next_back().expect("points").at;
        assert_eq!((last - first, curves.points().len()), (SPAN, 121));
    }
}
