//! How many bits a second arrive at the peer, over the last half second of its own clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Long against the distance of pictures, short against that of decisions.
const WINDOW: Duration = Duration::from_millis(500);

/// Less than this tells nothing yet.
const LEAST: Duration = Duration::from_millis(150);

/// 100 Mbit/s in packets of 1200 bytes; more would be no call.
const MOST_PACKETS: usize = 6_000;

#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    packets: VecDeque<(Duration, usize)>,
    bytes: usize,
    began_at: Option<Duration>,
    /// Bytes of which no report came.
    untold: usize,
}

impl Acknowledged {
    /// A packet of that many bytes has left, and the report that spoke of it was lost: it is taken to have arrived together with
    /// the next of which one came.
    pub(super) fn add_untold(&mut self, size: usize) {
        self.untold += size;
    }

    /// A packet of that many bytes has arrived.
    pub(super) fn add(&mut self, arrived: Duration, size: usize) {
        let size = size + std::mem::take(&mut self.untold);
        self.began_at.get_or_insert(arrived);
        self.packets.push_back((arrived, size));
        self.bytes += size;
        let newest = self.packets.iter().rev().take(8).map(|packet| packet.0).max().unwrap_or(arrived);
        while let Some(&(at, size)) = self.packets.front() {
            if self.packets.len() <= MOST_PACKETS && newest.saturating_sub(at) < WINDOW {
                break;
            }
            self.bytes -= size;
            self.packets.pop_front();
        }
    }

    /// Bits a second; `None` before enough is known.
    pub(super) fn bps(&self) -> Option<f64> {
        let newest = self.packets.back()?.0;
        let known = newest.saturating_sub(self.began_at?).min(WINDOW);
        (known >= LEAST).then(|| self.bytes as f64 * 8.0 / known.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_half_second() {
        let mut acknowledged = Acknowledged::default();
        for millis in 0..2_000_u64 {
            if millis == 100 {
                assert_eq!(acknowledged.bps(), None);
            }
            // 1000 bytes a millisecond, and half of that in the second second.
            let size = if millis < 1_000 { 1_000 } else { 500 };
            acknowledged.add(Duration::from_millis(millis), size);
            if millis == 999 || millis == 1_999 {
                let expected = size as f64 * 8e3;
                let found = acknowledged.bps().expect("known");
                assert!((found / expected - 1.0).abs() < 0.01, "{found} instead of {expected}");
            }
        }
    }
}
