//! Which missing packets to ask for, and when to ask again (generic NACK, RFC 4585 §6.2.1).
//! How long an answer takes is learnt from the answers: a packet asked for too early comes twice, one asked for too late freezes.

use std::time::{Duration, Instant};

/// A packet may be overtaken by a few others without being lost.
const OVERTAKEN: Duration = Duration::from_millis(5);

/// Packets asked for at most. More than that is an outage: a keyframe is sooner here than all of them.
const MOST: usize = 100;

/// The time of an answer before any is known, twice as long each time that it was too short (RFC 6298 §5.5), and the bounds of
/// what is learnt.
const ANSWER: Duration = Duration::from_millis(100);
const SHORTEST: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_millis(400);

/// Each packet is waited for until it could have been answered so many times, or as long as a keyframe may take.
const ANSWERS: u32 = 5;
const PATIENCE: Duration = Duration::from_millis(600);

/// Who has not answered so many questions, nor any, never will: a keyframe is asked for without such patience.
const UNANSWERED: u32 = 8;

/// The deviation at the first answer, as a share of it.
const FIRST_DEVIATION: f64 = 1.0 / 8.0;

/// Shares of a new answer in the mean and in the deviation, and deviations that are waited for (RFC 6298 §2).
const MEAN_SHARE: f64 = 1.0 / 8.0;
const DEVIATION_SHARE: f64 = 1.0 / 4.0;
const DEVIATIONS: f64 = 4.0;

/// The missing packets of a stream; numbers are those of the frame buffer, without wraparound.
#[derive(Debug)]
pub(super) struct Nacks {
    missing: Vec<Missing>,
    /// As long as none is known.
    guess: Duration,
    /// Seconds that an answer takes: mean and deviation.
    answer: Option<(f64, f64)>,
    unanswered: u32,
}

#[derive(Debug)]
struct Missing {
    number: i64,
    noticed: Instant,
    /// The first and the last time that it was asked for.
    asked: Option<(Instant, Instant)>,
}

impl Default for Nacks {
    fn default() -> Self {
        Self { missing: Vec::new(), guess: ANSWER, answer: None, unanswered: 0 }
    }
}

impl Nacks {
    /// This packet was overtaken by another.
    pub(super) fn missing(&mut self, now: Instant, number: i64) {
        if self.missing.len() < MOST {
            self.missing.push(Missing { number, noticed: now, asked: None });
        }
    }

    /// This packet has come.
    pub(super) fn arrived(&mut self, now: Instant, number: i64) {
        let Some(index) = self.missing.iter().position(|missing| missing.number == number) else { return };
        let Some((first, last)) = self.missing.swap_remove(index).asked else { return };
        let took = |since| now.saturating_duration_since(since).as_secs_f64();
        // Which of several questions was answered is not known (RFC 6298 §3), unless it cannot have been the last.
        let is_early = self.answer.is_some_and(|(mean, _)| took(last) < mean / 2.0);
        if first == last || is_early {
            self.learn(took(first));
        }
    }

    /// Nothing before this number is of use any more.
    pub(super) fn forget_before(&mut self, number: i64) {
        self.missing.retain(|missing| {
            let is_of_use = missing.number >= number;
            self.unanswered += u32::from(!is_of_use && missing.asked.is_some());
            is_of_use
        });
    }

    /// So many packets are missing that asking takes longer than a keyframe.
    pub(super) fn is_hopeless(&self) -> bool {
        self.missing.len() >= MOST
    }

    /// How long a packet that was noticed to be missing is worth waiting for.
    pub(super) fn patience(&self) -> Duration {
        let is_deaf = self.answer.is_none() && self.unanswered >= UNANSWERED;
        if is_deaf { Duration::ZERO } else { (self.interval() * ANSWERS).min(PATIENCE) }
    }

    /// The packets to ask for now.
    pub(super) fn ask(&mut self, now: Instant) -> Vec<u16> {
        let interval = self.interval();
        let mut again = false;
        let due = self.missing.iter_mut().filter(|missing| missing.due(interval) <= now);
        let mut numbers: Vec<i64> = due
            .map(|missing| {
                again |= missing.asked.is_some();
                missing.asked = Some((missing.asked.map_or(now, |(first, _)| first), now));
                missing.number
            })
            .collect();
        if again {
            self.guess = (self.guess * 2).min(LONGEST);
        }
        numbers.sort_unstable();
        numbers.into_iter().map(|number| number as u16).collect()
    }

    /// When to ask next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let interval = self.interval();
        self.missing.iter().map(|missing| missing.due(interval)).min()
    }

    fn interval(&self) -> Duration {
        let learnt = self.answer.map(|(mean, deviation)| Duration::from_secs_f64(mean + DEVIATIONS * deviation));
        learnt.map_or(self.guess, |interval| interval.clamp(SHORTEST, LONGEST))
    }

    fn learn(&mut self, took: f64) {
        let Some((mean, deviation)) = &mut self.answer else {
            self.answer = Some((took, took * FIRST_DEVIATION));
            return;
        };
        *deviation += DEVIATION_SHARE * ((took - *mean).abs() - *deviation);
        *mean += MEAN_SHARE * (took - *mean);
    }
}

impl Missing {
    fn due(&self, interval: Duration) -> Instant {
        self.asked.map_or(self.noticed + OVERTAKEN, |(_, last)| last + interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Loses 100 packets a second apart; each question is answered after that many milliseconds.
    fn learnt(start: Instant, answer: impl Fn(i64) -> u64) -> Nacks {
        let mut nacks = Nacks::default();
        for number in 0_i64..100 {
            let noticed = start + Duration::from_secs(number.unsigned_abs());
            nacks.missing(noticed, number);
            let asked = noticed + OVERTAKEN;
            assert_eq!(nacks.ask(asked), [number as u16]);
            nacks.arrived(asked + millis(answer(number)), number);
        }
        nacks
    }

    #[test]
    fn a_packet_is_asked_for_soon_and_again_when_the_answer_should_have_come() {
        let (mut nacks, start) = (Nacks::default(), Instant::now());
        nacks.missing(start, 65_537);
        nacks.missing(start, 65_535);
        assert!(nacks.ask(start + millis(4)).is_empty());
        assert_eq!(nacks.deadline(), Some(start + millis(5)));
        assert_eq!(nacks.ask(start + millis(5)), [65_535, 1], "in order, whatever the order in which they were missed");
        assert!(nacks.ask(start + millis(104)).is_empty());
        nacks.arrived(start + millis(104), 65_535);
        // It took 99 ms, and may take half of that longer.
        assert!(nacks.ask(start + millis(5 + 148)).is_empty());
        assert_eq!(nacks.ask(start + millis(5 + 149)), [1]);
    }

    #[test]
    fn the_time_between_two_questions_is_that_of_an_answer() {
        let start = Instant::now();
        // milliseconds of an answer → between two questions
        for (answer, interval) in [(5, 30..31), (50, 50..55), (200, 200..210), (900, 400..401)] {
            let found = learnt(start, |_| answer).interval().as_millis();
            assert!(interval.contains(&found), "{answer} ms: {found}");
        }
        let uneven = learnt(start, |number| if number % 2 == 0 { 50 } else { 90 }).interval().as_millis();
        assert!((120..180).contains(&uneven), "{uneven}");
    }

    #[test]
    fn an_answer_that_is_slower_than_the_first_guess_is_learnt_all_the_same() {
        let (mut nacks, start) = (Nacks::default(), Instant::now());
        for (number, asked) in [(0, 2), (1, 1)] {
            let noticed = start + Duration::from_secs(number);
            nacks.missing(noticed, number as i64);
            let answered = noticed + OVERTAKEN + millis(180);
            let mut questions = 0;
            while let Some(at) = nacks.deadline().filter(|at| *at < answered) {
                questions += nacks.ask(at).len();
            }
            assert_eq!(questions, asked);
            nacks.arrived(answered, number as i64);
        }
        assert!((180..=280).contains(&nacks.interval().as_millis()), "{:?}", nacks.interval());
    }

    #[test]
    fn an_answer_that_became_slow_is_noticed_although_all_are_asked_for_twice() {
        let start = Instant::now();
        let mut nacks = learnt(start, |_| 50);
        for number in 1_000_i64..1_020 {
            let noticed = start + Duration::from_secs(number.unsigned_abs());
            nacks.missing(noticed, number);
            let (mut now, answer) = (noticed + OVERTAKEN, noticed + OVERTAKEN + millis(220));
            while now < answer {
                nacks.ask(now);
                now = nacks.deadline().expect("it is missing still");
            }
            nacks.arrived(answer, number);
        }
        assert!(nacks.interval() > millis(200), "{:?}", nacks.interval());
    }

    #[test]
    fn what_is_of_no_use_is_not_asked_for_and_no_more_than_may_help() {
        let (mut nacks, start) = (Nacks::default(), Instant::now());
        for number in 0..1_000 {
            assert_eq!(nacks.is_hopeless(), number >= MOST as i64);
            nacks.missing(start, number);
        }
        nacks.forget_before(98);
        assert_eq!(nacks.ask(start + OVERTAKEN), [98, 99]);
        nacks.forget_before(5_000);
        assert_eq!((nacks.deadline(), nacks.is_hopeless()), (None, false));
    }

    #[test]
    fn a_peer_that_never_answers_is_not_waited_for() {
        let (mut nacks, start) = (Nacks::default(), Instant::now());
        for number in 0..8 {
            assert_eq!(nacks.patience(), millis(500));
            nacks.missing(start, number);
            nacks.ask(start + OVERTAKEN);
            nacks.forget_before(number + 1);
        }
        assert_eq!(nacks.patience(), Duration::ZERO);
        nacks.missing(start, 8);
        nacks.ask(start + OVERTAKEN);
        nacks.arrived(start + millis(65), 8);
        assert_eq!(nacks.patience(), millis(450), "it does");
    }
}
