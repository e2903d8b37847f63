//! Decides when to ping a silent server and when to give it up. It is told the time and sends nothing itself.

use std::time::{Duration, Instant};

/// What the connection needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Send a WebSocket ping: it keeps idle proxies from cutting the line and makes a live server answer.
    Ping,
    /// Nothing was heard for too long, although we pinged.
    Dead,
}

/// The heart of one connection.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    interval: Duration,
    dead_after: Duration,
    next_ping: Instant,
    heard: Instant,
}

impl KeepAlive {
    /// A connection that opened at `now`: pinged every `interval`, dead after `dead_after` of silence.
    pub(crate) fn new(now: Instant, interval: Duration, dead_after: Duration) -> Self {
        Self { interval, dead_after, next_ping: now + interval, heard: now }
    }

    /// Anything arrived.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When to call [`poll`](Self::poll) next.
    pub(crate) fn deadline(&self) -> Instant {
        self.next_ping.min(self.heard + self.dead_after)
    }

    /// What is due at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Beat> {
        if now >= self.heard + self.dead_after {
            return Some(Beat::Dead);
        }
        if now < self.next_ping {
            return None;
        }
        self.next_ping = now + self.interval;
        Some(Beat::Ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_server_is_pinged_and_then_given_up() {
        let start = Instant::now();
        let mut heart = KeepAlive::new(start, 20 * SECOND, 60 * SECOND);
        assert_eq!(heart.poll(start + 19 * SECOND), None);
        for seconds in [20, 40] {
            let due = start + seconds * SECOND;
            assert_eq!(heart.deadline(), due);
            assert_eq!(heart.poll(due), Some(Beat::Ping));
        }
        assert_eq!(heart.poll(start + 60 * SECOND), Some(Beat::Dead));
    }

    #[test]
    fn any_traffic_keeps_it_alive() {
        let start = Instant::now();
        let mut heart = KeepAlive::new(start, 20 * SECOND, 60 * SECOND);
        for seconds in 1..500 {
            let now = start + seconds * SECOND;
            assert_ne!(heart.poll(now), Some(Beat::Dead));
            if seconds % 50 == 0 {
                heart.heard(now);
            }
        }
    }
}
