//! Whether the next packet is lost: independently, or in bursts as a Gilbert-Elliott chain draws them.

use super::conditions::Loss;
use super::rng::Rng;

/// The state of the chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossChain {
    bad: bool,
}

impl LossChain {
    /// Moves on by one packet; true: it is lost.
    pub(crate) fn loses(&mut self, loss: Loss, rng: &mut Rng) -> bool {
        match loss {
            Loss::None => false,
            Loss::Random(share) => rng.chance(share),
            Loss::Bursts { begin, end, good, bad } => {
                if rng.chance(if self.bad { end } else { begin }) {
                    self.bad = !self.bad;
                }
                rng.chance(if self.bad { bad } else { good })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKETS: usize = 200_000;

    fn outcome(loss: Loss) -> Vec<bool> {
        let (mut chain, mut rng) = (LossChain::default(), Rng::new(7));
        (0..PACKETS).map(|_| chain.loses(loss, &mut rng)).collect()
    }

    fn share(lost: &[bool]) -> f64 {
        lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64
    }

    #[test]
    fn random_loss_is_near_its_share() {
        let lost = share(&outcome(Loss::Random(0.05)));
        assert!((lost - 0.05).abs() < 0.003, "{lost}");
    }

    #[test]
    fn bursts_have_the_share_and_length_of_the_chain() {
        let lost = outcome(Loss::Bursts { begin: 0.01, end: 0.25, good: 0.0, bad: 1.0 });
        // The bad state's share of the time: begin / (begin + end).
        assert!((share(&lost) - 0.01 / 0.26).abs() < 0.004, "{}", share(&lost));
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let mean = share(&lost) * PACKETS as f64 / bursts as f64;
        assert!((mean - 4.0).abs() < 0.3, "{mean}");
    }
}
