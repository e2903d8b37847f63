//! Decides when to stretch: it compares the delay that packets are played with to the target.
//! A band around the target, wider than one pitch period, keeps it from correcting its own corrections.

use super::Adjust;

/// Watches the delay of the packets played; all times in microseconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The least delay since the last decision. The least counts: a player that asks late once has not got more delay.
    least: Option<i64>,
    packets: u32,
}

impl Pace {
    /// The delay may be this much below the target; the target's own margin is twice that.
    pub(super) const BELOW: i64 = 5_000;

    /// The delay may be this much above the target; with `BELOW`, more than the longest pitch period (15 ms).
    const ABOVE: i64 = 15_000;

    /// Further off than this, haste matters more than that nobody hears it.
    const FAR: i64 = 40_000;

    /// Packets between two corrections: of 20 ms and with a pitch period of 7 ms, speech changes its speed by 3.5 %, or 18 %
    /// in haste.
    const CALM: u32 = 10;
    const HASTE: u32 = 2;

    /// A packet is played with this delay: what to do to its length.
    pub(super) fn played(&mut self, delay: i64, target: i64) -> Adjust {
        let least = self.least.map_or(delay, |least| least.min(delay));
        self.least = Some(least);
        self.packets += 1;
        let haste = (least - target).abs() > Self::FAR;
        if self.packets < if haste { Self::HASTE } else { Self::CALM } {
            return Adjust::Keep;
        }
        self.restart();
        if least > target + Self::ABOVE {
            Adjust::Shorten
        } else if least < target - Self::BELOW {
            Adjust::Lengthen
        } else {
            Adjust::Keep
        }
    }

    /// The delay made a jump: what was seen before says nothing.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is done to a hundred packets with this delay, at a target of 60 ms: shortened, lengthened.
    fn adjusted(delay: impl Fn(u32) -> i64) -> (usize, usize) {
        let mut pace = Pace::default();
        let done: Vec<Adjust> = (0..100).map(|packet| pace.played(delay(packet) * 1000, 60_000)).collect();
        let count = |what| done.iter().filter(|&&adjust| adjust == what).count();
        (count(Adjust::Shorten), count(Adjust::Lengthen))
    }

    #[test]
    fn the_further_off_the_more_is_adjusted() {
        for (delay, expected) in
            [(60, (0, 0)), (75, (0, 0)), (76, (10, 0)), (101, (50, 0)), (55, (0, 0)), (54, (0, 10)), (19, (0, 50))]
        {
            assert_eq!(adjusted(|_| delay), expected, "delay {delay} ms");
        }
    }

    #[test]
    fn a_player_that_asks_late_now_and_then_has_no_more_delay() {
        assert_eq!(adjusted(|packet| if packet % 5 == 0 { 60 } else { 90 }), (0, 0));
    }
}
