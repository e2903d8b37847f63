//! When packets leave, and in which order: sound at once, repairs before pictures, and pictures evenly enough for a narrow link.
//! A keyframe, several times as large as the pictures around it, so delays neither sound nor what a frozen picture waits for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Bitrate;

/// Pictures leave faster than the link is estimated to carry by this factor, so that a keyframe has left before the next frame
/// comes; the encoder keeps the mean below it. libwebrtc uses the same factor.
const HEADROOM: f64 = 2.5;

/// Packets of 1200 bytes that may leave together after a pause.
const BURST_BITS: f64 = 5.0 * 1_200.0 * 8.0;

/// Whoever sends them sleeps that much longer than it must, so that it is not woken a moment too soon.
const TICK: Duration = Duration::from_millis(1);

/// What waits leaves at such a speed that it would be gone in so many seconds, even when the estimate has just fallen.
const LONGEST: f64 = 1.0;

/// Packets in each queue: two seconds at 20 Mbit/s.
const MOST: usize = 4_096;

/// What a packet carries. Earlier kinds go before later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Sound: it leaves at once, and pictures pay for it.
    Sound,
    /// A packet that the peer lacks.
    Repair,
    /// A packet of a picture.
    Picture,
}

/// The packets that wait to leave.
#[derive(Debug)]
pub struct Pacer<P> {
    rate: f64,
    /// Bits that may leave; below zero they have left already.
    budget: f64,
    filled_at: Option<Instant>,
    sound: VecDeque<(usize, P)>,
    repairs: VecDeque<(usize, P)>,
    pictures: VecDeque<(usize, P)>,
    /// Of repairs and pictures.
    waiting_bits: f64,
}

impl<P> Pacer<P> {
    /// A pacer without packets, for a link that carries `target`.
    #[must_use]
    pub fn new(target: Bitrate) -> Self {
        let mut pacer = Self {
            rate: 0.0,
            budget: BURST_BITS,
            filled_at: None,
            sound: VecDeque::new(),
            repairs: VecDeque::new(),
            pictures: VecDeque::new(),
            waiting_bits: 0.0,
        };
        pacer.set_target(target);
        pacer
    }

    /// The link is estimated to carry that much.
    pub fn set_target(&mut self, target: Bitrate) {
        self.rate = HEADROOM * target.max(Bitrate::from_kbps(1)).bps() as f64;
    }

    /// A packet of that many bytes wants to leave. False where there is no room: it is lost.
    pub fn push(&mut self, now: Instant, urgency: Urgency, bytes: usize, packet: P) -> bool {
        self.fill(now);
        let queue = match urgency {
            Urgency::Sound => &mut self.sound,
            Urgency::Repair => &mut self.repairs,
            Urgency::Picture => &mut self.pictures,
        };
        if queue.len() >= MOST {
            return false;
        }
        queue.push_back((bytes, packet));
        if urgency != Urgency::Sound {
            self.waiting_bits += bits(bytes);
        }
        true
    }

    /// The next packet that leaves now.
    pub fn pop(&mut self, now: Instant) -> Option<P> {
        self.fill(now);
        if let Some((bytes, packet)) = self.sound.pop_front() {
            self.budget -= bits(bytes);
            return Some(packet);
        }
        if self.budget <= 0.0 {
            return None;
        }
        let (bytes, packet) = self.repairs.pop_front().or_else(|| self.pictures.pop_front())?;
        self.budget -= bits(bytes);
        self.waiting_bits -= bits(bytes);
        Some(packet)
    }

    /// When the next packet leaves; holds from one `None` of [`Pacer::pop`] to the next packet.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let filled = self.filled_at?;
        if !self.sound.is_empty() {
            return Some(filled);
        }
        if self.repairs.is_empty() && self.pictures.is_empty() {
            return None;
        }
        if self.budget > 0.0 {
            return Some(filled);
        }
        let dry = Duration::try_from_secs_f64(-self.budget / self.speed()).unwrap_or(Duration::MAX);
        Some(filled + dry.min(Duration::from_secs(1)) + TICK)
    }

    fn fill(&mut self, now: Instant) {
        let passed = self.filled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.filled_at = self.filled_at.max(Some(now));
        self.budget = (self.budget + passed.as_secs_f64() * self.speed()).min(BURST_BITS);
    }

    /// Bits a second, for what waits now.
    fn speed(&self) -> f64 {
        self.rate.max(self.waiting_bits / LONGEST)
    }
}

fn bits(bytes: usize) -> f64 {
    bytes as f64 * 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: usize = 1_200;

    /// Runs for so many milliseconds; gives what left, and when.
    fn run(pacer: &mut Pacer<u32>, start: Instant, millis: std::ops::Range<u64>) -> Vec<(u64, u32)> {
        let mut left = Vec::new();
        for millis in millis {
            let now = start + Duration::from_millis(millis);
            left.extend(std::iter::from_fn(|| pacer.pop(now)).map(|packet| (millis, packet)));
        }
        left
    }

    #[test]
    fn pictures_leave_evenly_after_a_burst() {
        let (mut pacer, start) = (Pacer::new(Bitrate::from_kbps(384)), Instant::now());
        for number in 0..50 {
            assert!(pacer.push(start, Urgency::Picture, PACKET, number));
        }
        let left = run(&mut pacer, start, 0..1_000);
        assert!(left.iter().map(|(_, packet)| *packet).eq(0..50), "in order");
        // 960 kbit/s are a packet in 10 ms; a sixth leaves as soon as the fifth has been paid for.
        assert_eq!(left.iter().filter(|(millis, _)| *millis == 0).count(), 5);
        assert!((440..=460).contains(&left[49].0), "{}", left[49].0);
    }

    #[test]
    fn sound_waits_for_nothing_and_repairs_go_before_pictures() {
        let (mut pacer, start) = (Pacer::new(Bitrate::from_kbps(100)), Instant::now());
        for number in 0..20 {
            assert!(pacer.push(start, Urgency::Picture, PACKET, number));
        }
        run(&mut pacer, start, 0..10);
        let now = start + Duration::from_millis(10);
        assert!(pacer.push(now, Urgency::Repair, PACKET, 100) && pacer.push(now, Urgency::Sound, 100, 200));
        assert_eq!(pacer.deadline(), Some(now));
        let left = run(&mut pacer, start, 10..1_000);
        assert_eq!(left[0], (10, 200));
        assert_eq!(left[1].1, 100);
        assert_eq!(left.len(), 2 + 14);
    }

    #[test]
    fn the_deadline_is_when_the_next_packet_leaves() {
        let (mut pacer, start) = (Pacer::new(Bitrate::from_kbps(384)), Instant::now());
        assert_eq!(pacer.deadline(), None);
        let mut now = start;
        for number in 0..8 {
            assert!(pacer.push(start, Urgency::Picture, PACKET, number));
        }
        let (mut left, mut wakes) = (0, 0);
        loop {
            left += std::iter::from_fn(|| pacer.pop(now)).count();
            let Some(at) = pacer.deadline() else { break };
            assert!(at > now);
            (now, wakes) = (at, wakes + 1);
        }
        assert_eq!(left, 8);
        assert_eq!(wakes, 3, "one for each packet after the burst");
    }

    #[test]
    fn when_the_link_becomes_narrow_what_waits_leaves_within_a_second_or_so() {
        let (mut pacer, start) = (Pacer::new(Bitrate::from_kbps(4_000)), Instant::now());
        for number in 0..100 {
            assert!(pacer.push(start, Urgency::Picture, PACKET, number));
        }
        pacer.set_target(Bitrate::from_kbps(100));
        let left = run(&mut pacer, start, 0..3_000);
        assert_eq!(left.len(), 100);
        let at_first = left.iter().filter(|(millis, _)| *millis < 1_000).count();
        assert!((55..80).contains(&at_first), "{at_first}: the fuller the faster, and evenly in the end");
    }

    proptest::proptest! {
        /// Whatever comes when, each kind leaves in its order, all of it, soon enough, and sound without delay.
        #[test]
        fn everything_leaves_in_its_order(
            steps in proptest::collection::vec((0_u64..40, 0_u8..3, 1_usize..1_500, 50_u64..5_000), 1..300),
        ) {
            let (mut pacer, mut now) = (Pacer::new(Bitrate::from_kbps(300)), Instant::now());
            let mut left: [Vec<usize>; 3] = Default::default();
            let mut pushed: [Vec<usize>; 3] = Default::default();
            for (number, (passed, kind, bytes, target)) in steps.into_iter().enumerate() {
                now += Duration::from_millis(passed);
                pacer.set_target(Bitrate::from_kbps(target));
                let urgency = [Urgency::Sound, Urgency::Repair, Urgency::Picture][usize::from(kind)];
                proptest::prop_assert!(pacer.push(now, urgency, bytes, (kind, number)));
                pushed[usize::from(kind)].push(number);
                for (kind, number) in std::iter::from_fn(|| pacer.pop(now)) {
                    left[usize::from(kind)].push(number);
                }
                proptest::prop_assert_eq!(&left[0], &pushed[0]);
                proptest::prop_assert!(pacer.deadline().is_none_or(|at| at > now));
            }
            let end = now + Duration::from_secs(20);
            while let Some(at) = pacer.deadline() {
                proptest::prop_assert!(at > now && at < end);
                now = at;
                for (kind, number) in std::iter::from_fn(|| pacer.pop(now)) {
                    left[usize::from(kind)].push(number);
                }
            }
            proptest::prop_assert_eq!(left, pushed);
        }
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        let (mut pacer, start) = (Pacer::new(Bitrate::from_kbps(100)), Instant::now());
        let taken = (0..2 * MOST as u32).filter(|number| pacer.push(start, Urgency::Picture, PACKET, *number)).count();
        assert_eq!(taken, MOST);
        assert!(pacer.push(start, Urgency::Sound, PACKET, 0), "the others have their own room");
    }
}
