//! Relates RTP timestamps to the local clock: how long a packet was under way, against the fastest of the last seconds.
//! The fastest ones are a moving floor, so a drift between the two clocks or a change of route is forgotten within ten seconds.

use std::time::Instant;

use crate::quality::signed_micros;

/// Transit times of one stream, in microseconds against the first packet's.
#[derive(Debug, Clone)]
pub(crate) struct Transit {
    clock_rate: i64,
    anchor: Option<Anchor>,
}

#[derive(Debug, Clone)]
struct Anchor {
    arrived: Instant,
    timestamp: i64,
    window_ends: i64,
    /// The least transit time of the window before this one, and of this one.
    floors: [i64; 2],
}

/// What [`Transit::observe`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// The packet took this long.
    Took(i64),
    /// The packet does not continue the timestamps before it; the stream has been anchored anew, and it took nothing.
    Jumped,
}

impl Transit {
    /// Two windows are kept. At a drift of 200 ppm the floor then lags by 2 ms at most.
    const WINDOW: i64 = 5_000_000;

    /// No network holds packets for so long in a call that goes on: the sender's timestamps made a jump.
    const MAX_JUMP: i64 = 2_000_000;

    /// For a stream with this RTP clock in Hz.
    pub(crate) fn new(clock_rate: u32) -> Self {
        Self { clock_rate: i64::from(clock_rate), anchor: None }
    }

    /// A packet with this unwrapped timestamp arrived.
    pub(crate) fn observe(&mut self, arrived: Instant, timestamp: i64) -> Observed {
        let took = self.of(arrived, timestamp);
        if let Some(anchor) = &mut self.anchor
            && (took - anchor.floors[0].min(anchor.floors[1])).abs() <= Self::MAX_JUMP
        {
            let since = signed_micros(arrived, anchor.arrived);
            if since >= anchor.window_ends {
                anchor.floors = [anchor.floors[1], took];
                anchor.window_ends = since + Self::WINDOW;
            }
            anchor.floors[1] = anchor.floors[1].min(took);
            return Observed::Took(took);
        }
        let first = self.anchor.is_none();
        self.anchor = Some(Anchor { arrived, timestamp, window_ends: Self::WINDOW, floors: [0; 2] });
        if first { Observed::Took(0) } else { Observed::Jumped }
    }

    /// The transit time of a packet with this timestamp that arrives at `at`; zero before the first packet.
    pub(crate) fn of(&self, at: Instant, timestamp: i64) -> i64 {
        self.anchor.as_ref().map_or(0, |anchor| {
            signed_micros(at, anchor.arrived) - (timestamp - anchor.timestamp) * 1_000_000 / self.clock_rate
        })
    }

    /// The least transit time of the last five to ten seconds.
    pub(crate) fn floor(&self) -> i64 {
        self.anchor.as_ref().map_or(0, |anchor| anchor.floors[0].min(anchor.floors[1]))
    }

    /// How much longer than the fastest packets one took, or would take, that arrives at `at`.
    pub(crate) fn above_floor(&self, at: Instant, timestamp: i64) -> i64 {
        self.of(at, timestamp) - self.floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn run(
        transit: &mut Transit,
        start: Instant,
        packets: std::ops::Range<u64>,
        arrival: impl Fn(u64) -> f64,
    ) -> Observed {
        packets
            .map(|packet| transit.observe(start + Duration::from_secs_f64(arrival(packet)), packet as i64 * 960))
            .last()
            .expect("the range is not empty")
    }

    #[test]
    fn a_clock_that_runs_away_does_not_move_a_packet_from_the_floor() {
        for drift in [-200e-6, 200e-6] {
            let (mut transit, start) = (Transit::new(48_000), Instant::now());
            for packet in 0..30_000 {
                let arrived = start + Duration::from_secs_f64(packet as f64 * 0.02 * (1.0 + drift));
                transit.observe(arrived, packet * 960);
                assert!((0..=2_100).contains(&transit.above_floor(arrived, packet * 960)));
            }
        }
    }

    #[test]
    fn a_longer_route_becomes_the_floor() {
        let (mut transit, start) = (Transit::new(48_000), Instant::now());
        run(&mut transit, start, 0..500, |packet| packet as f64 * 0.02);
        run(&mut transit, start, 500..1100, |packet| packet as f64 * 0.02 + 0.1);
        assert!((99_000..=100_001).contains(&transit.floor()));
    }

    #[test]
    fn a_jump_of_the_timestamps_starts_anew() {
        let (mut transit, start) = (Transit::new(48_000), Instant::now());
        run(&mut transit, start, 0..50, |packet| packet as f64 * 0.02);
        assert_eq!(transit.observe(start + Duration::from_secs(1), 1 << 30), Observed::Jumped);
        assert_eq!(transit.above_floor(start + Duration::from_millis(1020), (1 << 30) + 960), 0);
    }
}
