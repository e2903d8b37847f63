//! When a packet has left the bottleneck: by its rate or its recorded trace, and not while it stalls.

use std::time::Duration;

use media_core::Bitrate;

use super::conditions::{Conditions, TRACE_BYTES, Trace};

/// Keeps the place in the trace, and the time from which stalls and traces count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    zero: Duration,
    position: u64,
    /// Bytes of the chance at `position` that are used.
    used: u64,
}

impl Server {
    /// Stalls and traces begin anew at this time.
    pub(crate) fn start(&mut self, now: Duration) {
        *self = Self { zero: now, position: 0, used: 0 };
    }

    /// When a packet of this size, taken up at `from`, has left.
    pub(crate) fn departure(&mut self, conditions: &Conditions, from: Duration, bytes: u64) -> Duration {
        let from = self.after_stall(conditions, from);
        match (&conditions.trace, conditions.rate) {
            (Some(trace), _) => self.zero + self.next_chance(trace, from.saturating_sub(self.zero), bytes),
            (None, Some(rate)) => from + sending_time(rate, bytes),
            (None, None) => from,
        }
    }

    /// The earliest time from `time` on that is not inside a stall.
    pub(crate) fn after_stall(&self, conditions: &Conditions, time: Duration) -> Duration {
        let Some(stall) = conditions.stall else { return time };
        let passed = time.saturating_sub(self.zero).as_nanos() % stall.every.as_nanos().max(1);
        // Below `every`, which a profile bounds to a day: far from 2^64 nanoseconds.
        time + stall.hold.saturating_sub(Duration::from_nanos(passed as u64))
    }

    fn next_chance(&mut self, trace: &Trace, from: Duration, bytes: u64) -> Duration {
        if trace.at(self.position) < from {
            // Chances that nobody used are gone.
            self.position = self.position.max(trace.position_before(from));
            while trace.at(self.position) < from {
                self.position += 1;
            }
            self.used = 0;
        }
        self.used += bytes;
        while self.used > TRACE_BYTES {
            self.used -= TRACE_BYTES;
            self.position += 1;
        }
        trace.at(self.position)
    }
}

/// How long a rate takes for so many bytes; a rate of zero counts as one bit per second.
pub(crate) fn sending_time(rate: Bitrate, bytes: u64) -> Duration {
    let nanos = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(rate.bps().max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::network::conditions::Stall;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_chance_carries_several_small_packets_and_a_large_packet_takes_several() {
        let trace = Arc::new(Trace::new(vec![MS * 10, MS * 20, MS * 30]).unwrap());
        let conditions = Conditions { trace: Some(trace), ..Conditions::default() };
        let mut server = Server::default();
        let mut leaves = |from: u32, bytes| server.departure(&conditions, MS * from, bytes).as_millis();
        assert_eq!([leaves(0, 700), leaves(0, 700), leaves(0, 700)], [10, 10, 20]);
        assert_eq!(leaves(20, 3000), 40, "the turn begins again after the last chance");
        assert_eq!(leaves(1000, 1500), 1000, "idle chances are gone");
    }

    #[test]
    fn stalls_count_from_the_start() {
        let stall = Some(Stall { every: MS * 1000, hold: MS * 200 });
        let conditions = Conditions { stall, ..Conditions::default() };
        let mut server = Server::default();
        server.start(MS * 500);
        for (at, leaves) in [(500, 700), (600, 700), (700, 700), (900, 900), (1499, 1499), (1500, 1700)] {
            assert_eq!(server.departure(&conditions, MS * at, 100), MS * leaves, "{at}");
        }
    }
}
