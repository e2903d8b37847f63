//! A call in virtual time: a sender, a network that delays and loses packets, and a player that asks for 10 ms at a time.
//! It records what was played when, for the tests to judge.

use std::time::{Duration, Instant};

use super::{Adjust, Playout, PlayoutBuffer, PlayoutConfig, PlayoutFigures};
use crate::{RtpPacket, TICK_SAMPLES};

/// A repeatable source of uniform numbers (xorshift64*), so that a failing run fails again.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One packet of a call: when it arrives in seconds, and its number.
pub(super) type Arrival = (f64, u32);

/// A call to simulate.
pub(super) struct Call {
    pub(super) samples: u32,
    pub(super) first_sequence: u16,
    pub(super) first_timestamp: u32,
    /// How much faster the player's clock runs than the others, as a share.
    pub(super) player_drift: f64,
    pub(super) arrivals: Vec<Arrival>,
    /// Samples that stretching takes out or puts in.
    pub(super) pitch: usize,
    /// The player asks for so many ticks at once.
    pub(super) burst: u32,
    /// From this second on the player stands still for so many seconds.
    pub(super) player_stall: (f64, f64),
}

/// What became of a call.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Second and number of each packet played.
    pub(super) played: Vec<Arrival>,
    /// The delay against the fastest packets when a packet was played, as the buffer sees it: second, milliseconds.
    pub(super) delays: Vec<(f64, f64)>,
    pub(super) concealed: usize,
    pub(super) restored: usize,
    pub(super) silent: usize,
    pub(super) total: usize,
    pub(super) figures: PlayoutFigures,
}

impl Outcome {
    /// Concealed samples by all but the silent ones.
    pub(super) fn concealment(&self) -> f64 {
        self.concealed as f64 / (self.total - self.silent) as f64
    }

    /// The least and greatest delay of packets played in this span of seconds.
    pub(super) fn delay_range(&self, from: f64, to: f64) -> (f64, f64) {
        let within = self.delays.iter().filter(|(second, _)| (from..to).contains(second));
        within.fold((f64::MAX, 0.0), |(least, most), &(_, delay)| (delay.min(least), delay.max(most)))
    }

    pub(super) fn assert_in_order(&self) {
        assert!(self.played.windows(2).all(|pair| pair[0].1 < pair[1].1), "packets are played in order, once");
    }
}

impl Call {
    /// 20 ms packets that are under way for as long as `network` says, in seconds; `None` loses one.
    pub(super) fn new(seconds: u32, mut network: impl FnMut(u32) -> Option<f64>) -> Self {
        // Whole microseconds: packets that were held up together arrive together.
        let arrival = |number: u32, took: f64| ((f64::from(number) * 2e4 + took * 1e6).round() / 1e6, number);
        let arrivals = (0..seconds * 50).filter_map(|number| Some(arrival(number, network(number)?))).collect();
        Self {
            samples: 960,
            // Both wrap around within the first seconds.
            first_sequence: 65_500,
            first_timestamp: u32::MAX - 48_000,
            player_drift: 0.0,
            arrivals,
            pitch: 300,
            burst: 1,
            player_stall: (f64::MAX, 0.0),
        }
    }

    pub(super) fn run(&self) -> Outcome {
        self.run_with(|packet| packet)
    }

    /// Runs the call; `rewrite` may change sequence numbers and timestamps on the way.
    pub(super) fn run_with(&self, rewrite: impl Fn(RtpPacket<u32>) -> RtpPacket<u32>) -> Outcome {
        let start = Instant::now();
        let at = |second: f64| start + Duration::from_secs_f64(second);
        let mut arrivals = self.arrivals.clone();
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let end = arrivals.last().map_or(0.0, |last| last.0);
        let mut arrivals = arrivals.into_iter().peekable();
        let mut buffer = PlayoutBuffer::new(PlayoutConfig::default());
        let mut outcome = Outcome::default();
        let mut ready = 0;
        for tick in 0.. {
            let mut now = f64::from(tick - tick % self.burst) * 0.01 / (1.0 + self.player_drift);
            if now >= self.player_stall.0 {
                now += self.player_stall.1;
            }
            if now > end + 0.02 {
                break;
            }
            while let Some((arrived, number)) = arrivals.next_if(|arrival| arrival.0 <= now) {
                let packet = rewrite(RtpPacket {
                    sequence_number: self.first_sequence.wrapping_add(number as u16),
                    timestamp: self.first_timestamp.wrapping_add(number.wrapping_mul(self.samples)),
                    marker: false,
                    payload: number,
                    arrived: at(arrived),
                });
                buffer.insert(at(arrived), packet);
            }
            while ready < TICK_SAMPLES {
                let length = buffer.packet_samples();
                let made = match buffer.next(at(now)) {
                    Playout::Packet { payload, adjust } => {
                        outcome.played.push((now, payload));
                        outcome.delays.push((now, buffer.figures().current_delay.as_secs_f64() * 1e3));
                        match adjust {
                            Adjust::Keep => self.samples as usize,
                            Adjust::Shorten => self.samples as usize - self.pitch,
                            Adjust::Lengthen => self.samples as usize + self.pitch,
                        }
                    }
                    Playout::Fec { .. } => {
                        outcome.restored += 1;
                        length
                    }
                    Playout::Conceal => {
                        outcome.concealed += length;
                        length
                    }
                    Playout::Silence => {
                        outcome.silent += TICK_SAMPLES;
                        TICK_SAMPLES
                    }
                };
                outcome.total += made;
                ready += made;
            }
            ready -= TICK_SAMPLES;
        }
        outcome.figures = buffer.figures();
        outcome
    }
}
