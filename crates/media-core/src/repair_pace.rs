//! Which lost packets are sent again. Whoever asks does so at fixed times and does not see what is on its way, and on a full
//! link every copy that comes for nothing pushes out a packet that was needed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// As long as the round trip is not known.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A packet is not sent again before what was sent last can have been seen. A little less than a round trip: the times at which
/// the peer asks are its own, and the next of them may be the last.
const PATIENCE: f64 = 0.8;

/// Repairs take at most this share of what may be sent, beside a burst of so many packets.
const SHARE: f64 = 0.5;
const BURST: f64 = 25.0;

/// Bits of a packet, about.
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// A second of packets at 5 Mbit/s.
const MOST: usize = 512;

/// What was sent again lately.
#[derive(Debug)]
pub struct RepairPace {
    /// Stream, number, and when.
    sent: VecDeque<(u32, u16, Instant)>,
    packets: f64,
    filled_at: Option<Instant>,
}

impl Default for RepairPace {
    fn default() -> Self {
        Self { sent: VecDeque::with_capacity(MOST), packets: BURST, filled_at: None }
    }
}

impl RepairPace {
    /// Whether this packet, which the peer lacks, is to be sent again; `target`, in bits a second, may be sent in all.
    pub fn allows(&mut self, now: Instant, packet: (u32, u16), round_trip: Option<Duration>, target: f64) -> bool {
        let passed = self.filled_at.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.packets = (self.packets + passed.as_secs_f64() * SHARE * target / PACKET_BITS).min(BURST);
        let young = round_trip.unwrap_or(ROUND_TRIP).mul_f64(PATIENCE);
        while self.sent.front().is_some_and(|&(.., at)| now.saturating_duration_since(at) >= young) {
            self.sent.pop_front();
        }
        let is_on_its_way = self.sent.iter().any(|&(stream, number, _)| (stream, number) == packet);
        if is_on_its_way || self.packets < 1.0 || self.sent.len() >= MOST {
            return false;
        }
        self.packets -= 1.0;
        self.sent.push_back((packet.0, packet.1, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_sent_again_once_a_round_trip() {
        let (mut pace, start) = (RepairPace::default(), Instant::now());
        let mut allows = |millis, number| {
            let now = start + Duration::from_millis(millis);
            pace.allows(now, (1, number), Some(Duration::from_millis(200)), 1e6)
        };
        assert!(allows(0, 7) && allows(0, 8));
        assert!(!allows(100, 7) && !allows(159, 8));
        assert!(allows(160, 7) && allows(160, 8));
    }

    #[test]
    fn repairs_take_half_of_what_may_be_sent() {
        let (mut pace, start) = (RepairPace::default(), Instant::now());
        let mut sent = 0;
        for number in 0..2_000_u16 {
            let now = start + Duration::from_millis(u64::from(number) * 5);
            sent += u32::from(pace.allows(now, (1, number), Some(Duration::from_millis(50)), 0.96e6));
        }
        // 100 packets a second are the target, for ten seconds.
        assert!((500..=530).contains(&sent), "{sent}");
    }

    #[test]
    fn light_loss_is_repaired_whole() {
        let (mut pace, start) = (RepairPace::default(), Instant::now());
        for number in 0..200_u16 {
            let now = start + Duration::from_millis(u64::from(number) * 80);
            assert!(pace.allows(now, (1, number), Some(Duration::from_millis(50)), 2e6));
        }
    }
}
