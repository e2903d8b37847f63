//! The standard scenarios: a network profile, how long a call over it lasts, and what else uses the link.
//! Side `a` of the network is the sender that is judged; most profiles are bad in its direction only.

use std::time::Duration;

/// What else is on the link of the call that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A second call of the same kind.
    Call,
    /// A TCP download in the same direction as the pictures, from the beginning to the end.
    Download,
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name on the command line and in the report, and that of its profile.
    pub name: &'static str,
    /// How long the call lasts, counted from the connection.
    pub length: Duration,
    /// How long it lasts in the short runs that guard against regressions; `None`: it is not among them.
    pub short: Option<Duration>,
    /// What else is there.
    pub beside: Beside,
    /// When the caller that is judged makes no pictures, in seconds from its first one.
    pub pause: Option<(u64, u64)>,
    /// In a few words, for the report.
    pub title: &'static str,
}

const fn scenario(name: &'static str, seconds: u64, title: &'static str) -> Scenario {
    Scenario { name, length: Duration::from_secs(seconds), short: None, beside: Beside::Nothing, pause: None, title }
}

impl Scenario {
    const fn short(self, seconds: u64) -> Self {
        Self { short: Some(Duration::from_secs(seconds)), ..self }
    }

    const fn beside(self, beside: Beside) -> Self {
        Self { beside, ..self }
    }

    const fn pause(self, from: u64, to: u64) -> Self {
        Self { pause: Some((from, to)), ..self }
    }

    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        STANDARD.into_iter().find(|scenario| scenario.name == name)
    }
}

/// All of them, the gentlest first.
pub const STANDARD: [Scenario; 14] = [
    scenario("clean", 20, "a good network").short(12),
    scenario("loss5", 30, "5 % of packets lost, both ways").short(14),
    scenario("burst", 30, "losses in bursts of five packets"),
    scenario("bw1m", 40, "an up-link of 1 Mbit/s").short(20),
    scenario("bw300k", 40, "an up-link of 300 kbit/s"),
    scenario("jitter30", 30, "30 ms of jitter"),
    scenario("drop", 90, "2.5 to 0.5 to 2.5 Mbit/s"),
    scenario("blackout5", 60, "five seconds without any packet"),
    scenario("wifi-stall", 30, "the air time stops for 200 ms every two seconds"),
    scenario("rfc8867-5.1", 100, "variable capacity, one flow (RFC 8867 §5.1)"),
    scenario("rfc8867-5.3", 100, "congested feedback, flows both ways (RFC 8867 §5.3)"),
    scenario("rfc8867-5.8", 90, "one of two calls pauses its pictures (RFC 8867 §5.8)")
        .beside(Beside::Call)
        .pause(40, 60),
    scenario("shared", 60, "two calls share a link").beside(Beside::Call),
    scenario("tcp", 60, "a download beside the call").beside(Beside::Download),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::profile::Profile;

    #[test]
    fn every_scenario_has_its_profile_and_a_name_of_its_own() {
        for scenario in STANDARD {
            assert!(Profile::named(scenario.name).is_some(), "{}", scenario.name);
            assert_eq!(Scenario::named(scenario.name), Some(scenario));
        }
    }

    #[test]
    fn the_short_runs_of_two_pairs_three_times_over_take_about_five_minutes() {
        let seconds: u64 = STANDARD.iter().filter_map(|scenario| scenario.short).map(|short| short.as_secs()).sum();
        assert!((30..=50).contains(&seconds), "{seconds} s");
    }
}
