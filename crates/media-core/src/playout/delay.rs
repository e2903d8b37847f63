//! The target delay: how long to hold packets so that about 97 of 100 are there when they are due.
//! It follows a histogram of how much later than the fastest packets each one came, in which old packets fade.

use std::time::{Duration, Instant};

use super::PlayoutConfig;
use crate::SAMPLE_RATE;
use crate::transit::{Observed, Transit};

/// Learns the target delay of one stream from its arrivals; all times in microseconds.
#[derive(Debug)]
pub(super) struct DelayEstimator {
    config: PlayoutConfig,
    transit: Transit,
    histogram: Histogram,
    last_arrival: Option<Instant>,
    /// When the last outage ended: nothing had arrived for longer than any delay covers.
    outage_end: Option<Instant>,
    /// Share of lost packets, smoothed.
    loss: f32,
    lossy: bool,
    target: i64,
}

impl DelayEstimator {
    /// The share of packets that are to arrive in time. Waiting for the last few costs more than concealing them.
    const PERCENTILE: f32 = 0.97;

    /// Held on top: the player asks a little early or late, and stretching moves the delay in steps.
    const MARGIN: i64 = 10_000;

    /// Weight of one packet in the loss figure: about 5 s of memory.
    const LOSS_GAIN: f32 = 1.0 / 256.0;

    /// From this loss on the delay makes room for the next packet's FEC, down to the other it keeps it.
    const LOSSY_FROM: f32 = 0.01;
    const LOSSY_UNTIL: f32 = 0.005;

    pub(super) fn new(config: PlayoutConfig) -> Self {
        let mut fresh = Self {
            config,
            transit: Transit::new(SAMPLE_RATE),
            histogram: Histogram::new(),
            last_arrival: None,
            outage_end: None,
            loss: 0.0,
            lossy: false,
            target: 0,
        };
        fresh.target = fresh.within_bounds(config.initial_delay.as_micros() as i64);
        fresh
    }

    /// A packet arrived; false when its timestamp does not continue those before it and all was forgotten.
    pub(super) fn arrived(&mut self, arrived: Instant, timestamp: i64, packet_micros: i64) -> bool {
        let Observed::Took(took) = self.transit.observe(arrived, timestamp) else {
            self.histogram = Histogram::new();
            return false;
        };
        if !self.held_by_outage(arrived, took) {
            self.histogram.add(took, self.transit.floor());
            self.retarget(packet_micros);
        }
        true
    }

    /// Whether the packet would have come during an outage. No delay helps against one, so the burst that ends it, of packets
    /// by the dozen, must not raise the target for half a minute.
    fn held_by_outage(&mut self, arrived: Instant, took: i64) -> bool {
        let gap = self.last_arrival.map_or(Duration::ZERO, |last| arrived.saturating_duration_since(last));
        self.last_arrival = self.last_arrival.max(Some(arrived));
        if gap > self.config.max_delay {
            self.outage_end = Some(arrived);
        }
        let late = Duration::from_micros((took - self.transit.floor()).max(0).unsigned_abs());
        self.outage_end.is_some_and(|end| arrived < end + late)
    }

    /// A packet was played, or had to be done without.
    pub(super) fn due(&mut self, lost: bool) {
        self.loss += (f32::from(u8::from(lost)) - self.loss) * Self::LOSS_GAIN;
        self.lossy = self.loss > if self.lossy { Self::LOSSY_UNTIL } else { Self::LOSSY_FROM };
    }

    /// The delay to hold packets for, against the fastest ones.
    pub(super) fn target(&self) -> i64 {
        self.target
    }

    /// The delay against the fastest packets of one with this timestamp, if it is played now.
    pub(super) fn delay(&self, now: Instant, timestamp: i64) -> i64 {
        self.transit.above_floor(now, timestamp)
    }

    fn retarget(&mut self, packet_micros: i64) {
        if let Some(late) = self.histogram.percentile(Self::PERCENTILE, self.transit.floor()) {
            // A lost packet is restored from the one after it, which is sent one packet's length later.
            let fec = if self.lossy { packet_micros } else { 0 };
            self.target = self.within_bounds(late + Self::MARGIN + fec);
        }
    }

    fn within_bounds(&self, delay: i64) -> i64 {
        let [min, max] = [self.config.min_delay, self.config.max_delay].map(|bound| bound.as_micros() as i64);
        delay.min(max).max(min)
    }
}

/// Transit times in bins, counted from the floor up; the bins move along when the floor does.
#[derive(Debug)]
struct Histogram {
    weights: [f32; Self::BINS],
    /// The bin of the floor, on the line of transit times.
    origin: i64,
    packets: u32,
}

impl Histogram {
    /// 128 bins of 5 ms: 640 ms, half as much again as the greatest delay.
    const BINS: usize = 128;
    const BIN: i64 = 5_000;

    /// What is left of a packet's weight at the next one: 333 packets of memory, 7 s at 20 ms.
    const FADE: f32 = 0.997;

    /// The percentile of fewer packets is a guess, and the initial delay a better one.
    const MIN_PACKETS: u32 = 10;

    fn new() -> Self {
        Self { weights: [0.0; Self::BINS], origin: 0, packets: 0 }
    }

    fn add(&mut self, took: i64, floor: i64) {
        self.move_to(floor.div_euclid(Self::BIN));
        // In the beginning all packets weigh the same.
        let fade = Self::FADE.min(self.packets as f32 / (self.packets + 1) as f32);
        for weight in &mut self.weights {
            *weight *= fade;
        }
        let bin = (took.div_euclid(Self::BIN) - self.origin).clamp(0, Self::BINS as i64 - 1);
        self.weights[bin as usize] += 1.0 - fade;
        self.packets = self.packets.saturating_add(1);
    }

    /// Moves the first bin to another transit time; what falls off an end stays in the last bin there.
    fn move_to(&mut self, origin: i64) {
        let step = (origin - self.origin).clamp(-(Self::BINS as i64), Self::BINS as i64);
        self.origin = origin;
        if step == 0 {
            return;
        }
        let mut moved = [0.0; Self::BINS];
        for (bin, weight) in self.weights.iter().enumerate() {
            moved[(bin as i64 - step).clamp(0, Self::BINS as i64 - 1) as usize] += weight;
        }
        self.weights = moved;
    }

    /// The time above the floor within which this share of packets came, rounded up to a bin.
    fn percentile(&self, share: f32, floor: i64) -> Option<i64> {
        if self.packets < Self::MIN_PACKETS {
            return None;
        }
        let mut left = self.weights.iter().sum::<f32>() * share;
        let within = |weight: &f32| {
            left -= weight;
            left <= 0.0
        };
        let bin = self.weights.iter().position(within).unwrap_or(Self::BINS - 1);
        Some((self.origin + bin as i64 + 1) * Self::BIN - floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1000;

    fn filled(lateness: impl Fn(u32) -> i64, floor: i64) -> Histogram {
        let mut histogram = Histogram::new();
        for packet in 0..2000 {
            histogram.add(floor + lateness(packet), floor);
        }
        histogram
    }

    #[test]
    fn three_of_a_hundred_may_come_later() {
        let histogram = filled(|packet| if packet % 50 == 0 { 300 * MS } else { 42 * MS }, 0);
        assert_eq!(histogram.percentile(0.97, 0), Some(45 * MS));
        let histogram = filled(|packet| if packet % 20 == 0 { 300 * MS } else { 42 * MS }, 0);
        assert_eq!(histogram.percentile(0.97, 0), Some(305 * MS));
    }

    #[test]
    fn the_bins_move_with_the_floor() {
        let mut histogram = filled(|_| 100 * MS, -7 * MS);
        histogram.add(93 * MS, 93 * MS);
        let late = histogram.percentile(0.97, 93 * MS).expect("there are packets enough");
        assert!((0..=5 * MS).contains(&late), "the floor rose to where the packets are: {late}");
        histogram.add(-7 * MS, -7 * MS);
        assert!(histogram.percentile(0.97, -7 * MS).is_some_and(|late| (100 * MS..=105 * MS).contains(&late)));
    }

    #[test]
    fn a_calm_network_is_believed_after_some_seconds() {
        let mut histogram = filled(|_| 200 * MS, 0);
        let believed = (0..).position(|_| {
            histogram.add(0, 0);
            histogram.percentile(0.97, 0) == Some(5 * MS)
        });
        assert!(believed.is_some_and(|packets| (1000..1300).contains(&packets)), "{believed:?}");
    }
}
