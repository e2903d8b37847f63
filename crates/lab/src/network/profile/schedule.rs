//! The steps of a profile in the order of time, over all its turns.

use std::time::Duration;

use super::{Profile, Step};

/// A place in a profile. The profile itself is given to each call, so that both can lie in one value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    next: usize,
    turn_began: Duration,
}

impl Schedule {
    /// When the next step is due.
    pub(crate) fn next_at(&self, profile: &Profile) -> Option<Duration> {
        let place = self.settled(profile)?;
        Some(place.turn_began + profile.steps[place.next].at)
    }

    /// The next step and its time, unless it is later than `until`.
    pub(crate) fn next_until<'p>(&mut self, profile: &'p Profile, until: Duration) -> Option<(Duration, &'p Step)> {
        let at = self.next_at(profile).filter(|at| *at <= until)?;
        let place = self.settled(profile)?;
        *self = Self { next: place.next + 1, ..place };
        Some((at, &profile.steps[place.next]))
    }

    /// This place, or the beginning of the next turn when this one is over; `None`: nothing follows.
    fn settled(&self, profile: &Profile) -> Option<Self> {
        let in_turn = |next: usize| {
            let step = profile.steps.get(next);
            step.is_some_and(|step| profile.repeat.is_none_or(|turn| step.at < turn))
        };
        if in_turn(self.next) {
            return Some(self.clone());
        }
        let turn_began = self.turn_began + profile.repeat.filter(|_| in_turn(0))?;
        Some(Self { next: 0, turn_began })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str, until: u64) -> Vec<u64> {
        let profile = Profile::parse(text).unwrap();
        let mut schedule = Schedule::default();
        std::iter::from_fn(|| schedule.next_until(&profile, Duration::from_secs(until)))
            .map(|(at, _)| at.as_secs())
            .collect()
    }

    #[test]
    fn steps_come_in_the_order_of_time_and_again_each_turn() {
        assert_eq!(times("ab 5s loss=1%\nab 0s loss=2%", 100), [0, 5]);
        assert_eq!(times("ab 1s loss=1%\nab 3s loss=2%\nrepeat 4s", 10), [1, 3, 5, 7, 9]);
    }

    #[test]
    fn a_step_after_the_end_of_the_turn_never_comes() {
        assert_eq!(times("ab 1s loss=1%\nab 9s loss=2%\nrepeat 4s", 10), [1, 5, 9]);
        assert_eq!(times("ab 9s loss=2%\nrepeat 4s", 100), [] as [u64; 0]);
    }
}
