//! How good a connection is, in the three steps that a person can act on.
//! The mark gets worse at once and better only after some seconds, so that it does not flicker.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The mark that stands beside a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionQuality {
    /// Sound or pictures break up.
    Poor,
    /// One notices that it is a call.
    Fair,
    /// Nothing to notice.
    Good,
}

/// What was measured since the connection came up. The counts only grow; one that falls begins anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionFigures {
    /// There and back.
    pub rtt: Option<Duration>,
    /// RTP packets that arrived.
    pub packets: u64,
    /// RTP packets that never came, also not when asked for again.
    pub lost: u64,
    /// Samples that were played.
    pub samples: u64,
    /// Those among them that were made up.
    pub concealed: u64,
    /// How long the picture stood still in all; `None` while the peer sends none, as with its camera off.
    pub frozen: Option<Duration>,
}

/// Judges a connection by its last seconds.
#[derive(Debug, Clone, Default)]
pub struct ConnectionJudge {
    /// Figures of the last [`Self::WINDOW`], oldest first.
    seen: VecDeque<(Instant, ConnectionFigures)>,
    shown: Option<ConnectionQuality>,
    /// Since when it has been better than what is shown, and the worst of that time.
    better: Option<(Instant, ConnectionQuality)>,
}

/// From where on something is fair, and from where on poor.
struct Limits {
    fair: f64,
    poor: f64,
}

/// Milliseconds there and back. ITU-T G.114: up to 150 ms one way few notice, over 400 ms a talk is not to be planned for.
const RTT: Limits = Limits { fair: 300.0, poor: 800.0 };

/// Share of the packets. ITU-T G.1010, table I.1: pictures of a call stand 1 %, its sound 3 %.
const LOSS: Limits = Limits { fair: 0.01, poor: 0.03 };

/// Share of the sound that is made up. In five seconds 1 % is two frames, which one hears; 5 % is a syllable, which one misses.
const CONCEALED: Limits = Limits { fair: 0.01, poor: 0.05 };

/// Share of the time in which the picture stands still. The shortest freeze of the W3C's rule (0.18 s of 5 s) is seen; with a
/// fifth of the time lost nobody can follow lips or hands.
const FROZEN: Limits = Limits { fair: 0.03, poor: 0.2 };

/// Fewer packets than one second of sound has say nothing about a share.
const MIN_PACKETS: u64 = 50;

/// Less sound than half a second, in samples, says nothing either.
const MIN_SAMPLES: u64 = crate::SAMPLE_RATE as u64 / 2;

impl ConnectionJudge {
    /// What is judged: long enough for a share to mean something, short enough to be what the person just heard.
    pub const WINDOW: Duration = Duration::from_secs(5);

    /// How long it must be better before the mark says so; together with the window, eight seconds after the trouble.
    pub const HOLD: Duration = Duration::from_secs(3);

    /// Figures within the window, if they come ten times a second; of more the oldest go.
    const CAPACITY: usize = 50;

    /// A judge that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mark at `now`, by these figures and those before.
    pub fn judge(&mut self, now: Instant, figures: ConnectionFigures) -> ConnectionQuality {
        let grade = self.grade(now, figures);
        let shown = match self.shown {
            Some(shown) if grade > shown => {
                let (since, worst) = self.better.map_or((now, grade), |(since, worst)| (since, worst.min(grade)));
                let held = now.saturating_duration_since(since) >= Self::HOLD;
                self.better = (!held).then_some((since, worst));
                if held { worst } else { shown }
            }
            _ => {
                self.better = None;
                grade
            }
        };
        *self.shown.insert(shown)
    }

    /// The worst of what each figure alone says of the window.
    fn grade(&mut self, now: Instant, figures: ConnectionFigures) -> ConnectionQuality {
        let old = |at: &Instant| now.saturating_duration_since(*at) > Self::WINDOW;
        while self.seen.front().is_some_and(|(at, _)| old(at)) || self.seen.len() == Self::CAPACITY {
            self.seen.pop_front();
        }
        self.seen.push_back((now, figures));
        let (began, first) = self.seen[0];
        let lost = figures.lost.saturating_sub(first.lost);
        let expected = lost.saturating_add(figures.packets.saturating_sub(first.packets));
        let samples = figures.samples.saturating_sub(first.samples);
        let concealed = figures.concealed.saturating_sub(first.concealed).min(samples);
        let frozen = figures.frozen.zip(first.frozen).map(|(frozen, before)| frozen.saturating_sub(before));
        // The first freeze of a window that has just begun is not all of it.
        let window = now.saturating_duration_since(began).max(Self::WINDOW / 2);
        [
            figures.rtt.map(|rtt| RTT.grade(rtt.as_secs_f64() * 1e3)),
            (expected >= MIN_PACKETS).then(|| LOSS.grade(lost as f64 / expected as f64)),
            (samples >= MIN_SAMPLES).then(|| CONCEALED.grade(concealed as f64 / samples as f64)),
            frozen.map(|frozen| FROZEN.grade(frozen.as_secs_f64() / window.as_secs_f64())),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(ConnectionQuality::Good)
    }
}

impl Limits {
    fn grade(&self, value: f64) -> ConnectionQuality {
        match value {
            value if value > self.poor => ConnectionQuality::Poor,
            value if value > self.fair => ConnectionQuality::Fair,
            _ => ConnectionQuality::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectionQuality::{Fair, Good, Poor};
    use super::*;
    use proptest::prelude::*;

    /// What a good connection adds in half a second: 25 packets of sound, and as many of pictures.
    const STEP: Duration = Duration::from_millis(500);

    fn good() -> ConnectionFigures {
        ConnectionFigures {
            rtt: Some(Duration::from_millis(40)),
            packets: 50,
            lost: 0,
            samples: 24_000,
            concealed: 0,
            frozen: Some(Duration::ZERO),
        }
    }

    /// A connection that is told what each half second adds.
    struct Story {
        now: Instant,
        total: ConnectionFigures,
        judge: ConnectionJudge,
    }

    impl Story {
        fn new() -> Self {
            let total = ConnectionFigures { frozen: Some(Duration::ZERO), ..ConnectionFigures::default() };
            Self { now: Instant::now(), total, judge: ConnectionJudge::new() }
        }

        fn goes_on(&mut self, step: ConnectionFigures) -> ConnectionQuality {
            self.now += STEP;
            let total = &mut self.total;
            total.rtt = step.rtt;
            total.packets += step.packets;
            total.lost += step.lost;
            total.samples += step.samples;
            total.concealed += step.concealed;
            total.frozen = step.frozen.map(|frozen| total.frozen.unwrap_or_default() + frozen);
            self.judge.judge(self.now, *total)
        }

        fn lasts(&mut self, steps: usize, step: ConnectionFigures) -> ConnectionQuality {
            (0..steps).map(|_| self.goes_on(step)).last().expect("at least one step")
        }
    }

    #[test]
    fn each_figure_alone_tells_how_good_it_is() {
        let ms = |millis| Some(Duration::from_millis(millis));
        let table = [
            ("all is well", good(), Good),
            ("nothing is known", ConnectionFigures::default(), Good),
            ("a call across an ocean", ConnectionFigures { rtt: ms(300), ..good() }, Good),
            ("a call by satellite", ConnectionFigures { rtt: ms(600), ..good() }, Fair),
            ("a talk in turns", ConnectionFigures { rtt: ms(801), ..good() }, Poor),
            ("a hundredth is lost", ConnectionFigures { packets: 990, lost: 10, ..good() }, Good),
            ("a fiftieth is lost", ConnectionFigures { packets: 49, lost: 1, ..good() }, Fair),
            ("a twentieth is lost", ConnectionFigures { packets: 95, lost: 5, ..good() }, Poor),
            ("a few clicks", ConnectionFigures { concealed: 480, ..good() }, Fair),
            ("words are missing", ConnectionFigures { concealed: 2_400, ..good() }, Poor),
            ("a jerk now and then", ConnectionFigures { frozen: ms(25), ..good() }, Fair),
            ("more stills than film", ConnectionFigures { frozen: ms(300), ..good() }, Poor),
            ("the camera is off", ConnectionFigures { frozen: None, ..good() }, Good),
        ];
        for (what, step, expected) in table {
            assert_eq!(Story::new().lasts(12, step), expected, "{what}");
        }
    }

    #[test]
    fn it_gets_worse_at_once_and_better_after_it_held() {
        let mut story = Story::new();
        assert_eq!(story.lasts(20, good()), Good);
        assert_eq!(story.goes_on(ConnectionFigures { lost: 20, packets: 30, ..good() }), Poor);
        let trouble = story.now;
        while story.goes_on(good()) == Poor {}
        assert_eq!(story.goes_on(good()), Good);
        let took = story.now - trouble;
        let least = ConnectionJudge::WINDOW + ConnectionJudge::HOLD;
        assert!((least..least + 4 * STEP).contains(&took), "{took:?}");
    }

    #[test]
    fn a_relapse_begins_the_wait_anew() {
        let mut story = Story::new();
        let far = ConnectionFigures { rtt: Some(Duration::from_millis(500)), ..good() };
        assert_eq!(story.goes_on(far), Fair);
        for _ in 0..5 {
            assert_eq!(story.lasts(5, good()), Fair, "two and a half seconds are not enough");
            assert_eq!(story.goes_on(far), Fair);
        }
        assert_eq!(story.lasts(8, good()), Good);
    }

    #[test]
    fn one_lost_packet_of_a_few_means_nothing() {
        let quiet = ConnectionFigures { packets: 1, lost: 1, samples: 0, ..good() };
        assert_eq!(Story::new().lasts(10, quiet), Good);
    }

    #[test]
    fn another_connection_counts_from_nothing_and_that_is_no_loss() {
        let mut story = Story::new();
        story.lasts(10, ConnectionFigures { lost: 10_000, packets: 100_000, ..good() });
        story.judge = ConnectionJudge::new();
        story.total = ConnectionFigures::default();
        assert_eq!(story.lasts(4, good()), Good);
    }

    fn steps() -> impl Strategy<Value = Vec<ConnectionFigures>> {
        let step = (0..2_000u64, 0..200u64, 0..20u64, 0..3_000u64, prop::option::of(0..500u64)).prop_map(
            |(rtt, packets, lost, concealed, frozen)| ConnectionFigures {
                rtt: (rtt > 0).then(|| Duration::from_millis(rtt)),
                packets,
                lost,
                samples: 24_000,
                concealed,
                frozen: frozen.map(Duration::from_millis),
            },
        );
        prop::collection::vec(step, 1..60)
    }

    proptest! {
        #[test]
        fn the_mark_never_rises_twice_within_the_hold(steps in steps()) {
            let mut story = Story::new();
            let (mut before, mut changed) = (None, story.now);
            for step in steps {
                let mark = story.goes_on(step);
                if before.is_some_and(|before| before < mark) {
                    prop_assert!(story.now - changed >= ConnectionJudge::HOLD);
                }
                if before != Some(mark) {
                    changed = story.now;
                }
                before = Some(mark);
            }
        }

        #[test]
        fn a_longer_way_never_makes_it_better(steps in steps(), longer in 0..1_000u64) {
            let (mut near, mut far) = (Story::new(), Story::new());
            for step in steps {
                let rtt = Some(step.rtt.unwrap_or_default() + Duration::from_millis(longer));
                let near = near.goes_on(step);
                let far = far.goes_on(ConnectionFigures { rtt, ..step });
                prop_assert!(far <= near);
            }
        }

        #[test]
        fn figures_that_make_no_sense_are_judged_all_the_same(
            figures in prop::collection::vec((any::<[u64; 4]>(), any::<Option<Duration>>(), 0..9u64), 0..99),
        ) {
            let (mut judge, mut now) = (ConnectionJudge::new(), Instant::now());
            for ([packets, lost, samples, concealed], time, pause) in figures {
                now += Duration::from_secs(pause);
                judge.judge(now, ConnectionFigures { rtt: time, packets, lost, samples, concealed, frozen: time });
                prop_assert!(judge.seen.len() <= ConnectionJudge::CAPACITY);
            }
        }
    }
}
