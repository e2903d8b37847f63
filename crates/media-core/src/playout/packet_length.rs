//! Learns how much media time one packet holds, from the timestamps of packets that follow each other.
//! A pause between two packets looks like one long packet, so a new length has to be seen twice.

use crate::{FRAME_SAMPLES, SAMPLE_RATE};

/// The length of a packet in samples at 48 kHz.
#[derive(Debug)]
pub(super) struct PacketLength {
    pub(super) samples: i64,
    candidate: i64,
    learnt: bool,
}

impl Default for PacketLength {
    fn default() -> Self {
        Self { samples: FRAME_SAMPLES as i64, candidate: 0, learnt: false }
    }
}

impl PacketLength {
    /// Opus packets hold 2.5 to 120 ms (RFC 6716 §2.1.4).
    const RANGE: std::ops::RangeInclusive<i64> = Self::UNIT..=SAMPLE_RATE as i64 * 12 / 100;

    /// All its lengths are multiples of 2.5 ms; of any other length no decoder can make up a frame.
    const UNIT: i64 = SAMPLE_RATE as i64 / 400;

    /// Two packets in sequence had timestamps this far apart.
    pub(super) fn observe(&mut self, samples: i64) {
        if !Self::RANGE.contains(&samples) || samples % Self::UNIT != 0 {
            return;
        }
        if !self.learnt || samples == self.candidate {
            self.samples = samples;
            self.learnt = true;
        }
        self.candidate = samples;
    }

    pub(super) fn micros(&self) -> i64 {
        micros(self.samples)
    }
}

/// Samples at 48 kHz as microseconds.
pub(super) fn micros(samples: i64) -> i64 {
    samples.saturating_mul(1_000_000) / i64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_length_is_believed_and_a_change_when_it_repeats() {
        let mut length = PacketLength::default();
        let seen = [480, 2880, 480, 19_200, 0, -480, 2880, 2880, 1 << 40].map(|samples| {
            length.observe(samples);
            length.samples
        });
        assert_eq!(seen, [480, 480, 480, 480, 480, 480, 480, 2880, 2880]);
    }

    #[test]
    fn a_length_that_no_packet_can_have_is_never_believed() {
        let mut length = PacketLength::default();
        for samples in [961, 961, 121, 121, 5759, 5759] {
            length.observe(samples);
            assert_eq!(length.samples, 960, "{samples}");
        }
        length.observe(480);
        assert_eq!(length.samples, 480);
    }
}
