//! Three hosts around one core, each with an up-link and a down-link, that do what a profile says: pure, told the time.
//! Events happen in the order of their times however late they are asked for, so that the outcome is the seed's alone.

use std::collections::VecDeque;
use std::time::Duration;

use media_core::Bitrate;

use super::conditions::Conditions;
use super::link::{Backlog, Counters, Link, Packet};
use super::place::{Direction, LinkName, Port};
use super::profile::{Profile, Schedule};
use super::rng::Rng;

/// A packet that has reached its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<P> {
    /// When it was due, on the caller's clock.
    pub at: Duration,
    /// Where it arrived.
    pub to: Port,
    /// What arrived.
    pub packet: P,
}

/// How a link stands at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// What became of its packets so far.
    pub counters: Counters,
    /// What waits before its bottleneck.
    pub backlog: Backlog,
    /// What it carries; `None`: without limit.
    pub capacity: Option<Bitrate>,
}

/// A packet and its destination.
#[derive(Clone, Debug)]
struct Addressed<P> {
    to: Port,
    packet: P,
}

impl<P: Packet> Packet for Addressed<P> {
    fn wire_bytes(&self) -> u64 {
        self.packet.wire_bytes()
    }
}

/// The network of a, b and s.
#[derive(Debug)]
pub struct Star<P> {
    profile: Profile,
    schedule: Schedule,
    /// The profile's zero; `None` while it stands still there.
    zero: Option<Duration>,
    /// As [`LinkName::ALL`].
    links: [Link<Addressed<P>>; 6],
    /// Emptied by the caller; bounded by what the down-links carry.
    arrived: VecDeque<Arrival<P>>,
}

impl<P: Packet> Star<P> {
    /// A network that stands as at the profile's zero until [`Star::start`].
    pub fn new(profile: Profile, seed: u64) -> Self {
        let mut seeds = Rng::new(seed);
        let links = std::array::from_fn(|_| Link::new(seeds.next()));
        let mut star = Self { profile, schedule: Schedule::default(), zero: None, links, arrived: VecDeque::new() };
        star.rewind(Duration::ZERO);
        star
    }

    /// The profile's zero is now: steps, stalls and traces count from here. Packets on the way stay there.
    pub fn start(&mut self, now: Duration) {
        self.advance(now);
        self.rewind(now);
        self.zero = Some(now);
    }

    /// A packet leaves a host for another one.
    pub fn send(&mut self, now: Duration, from: Port, to: Port, packet: P) {
        self.advance(now);
        self.link_mut(from.up()).send(now, Addressed { to, packet });
    }

    /// A packet reaches a host without a link: it comes from the host itself.
    pub fn deliver(&mut self, now: Duration, to: Port, packet: P) {
        self.advance(now);
        self.arrived.push_back(Arrival { at: now, to, packet });
    }

    /// The next packet that has arrived by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Arrival<P>> {
        self.advance(now);
        self.arrived.pop_front()
    }

    /// When to call [`Star::poll`] next; `None` while no packet is on its way.
    pub fn deadline(&self) -> Option<Duration> {
        let waiting = self.arrived.front().map(|arrival| arrival.at);
        let moving = self.links.iter().filter_map(Link::deadline).min();
        // A step can hurry what is on its way, and nothing else.
        let step = self.next_step().filter(|_| moving.is_some());
        [waiting, moving, step].into_iter().flatten().min()
    }

    /// How a link stands.
    pub fn link(&mut self, now: Duration, name: LinkName) -> LinkState {
        self.advance(now);
        let link = &self.links[index(name)];
        LinkState { counters: link.counters(), backlog: link.backlog(now), capacity: link.conditions().capacity() }
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next_event().filter(|at| *at <= now) {
            self.step(at);
            for name in LinkName::ALL.into_iter().filter(|name| name.direction == Direction::Up) {
                while let Some((due, addressed)) = self.link_mut(name).poll(at) {
                    self.link_mut(addressed.to.down()).send(due, addressed);
                }
            }
            for port in Port::ALL {
                while let Some((at, Addressed { to, packet })) = self.link_mut(port.down()).poll(at) {
                    self.arrived.push_back(Arrival { at, to, packet });
                }
            }
        }
    }

    /// Makes the changes of the profile that are due.
    fn step(&mut self, now: Duration) {
        let Some(zero) = self.zero else { return };
        while let Some((at, step)) = self.schedule.next_until(&self.profile, now.saturating_sub(zero)) {
            for name in &step.links {
                let link = &mut self.links[index(*name)];
                let mut conditions = link.conditions().clone();
                step.apply(*name, &mut conditions);
                link.set(zero + at, conditions);
            }
        }
    }

    /// Back to the profile's zero.
    fn rewind(&mut self, now: Duration) {
        self.schedule = Schedule::default();
        let mut conditions: [Conditions; 6] = std::array::from_fn(|_| Conditions::default());
        while let Some((_, step)) = self.schedule.next_until(&self.profile, Duration::ZERO) {
            for name in &step.links {
                step.apply(*name, &mut conditions[index(*name)]);
            }
        }
        for (link, conditions) in self.links.iter_mut().zip(conditions) {
            link.start(now);
            link.set(now, conditions);
        }
    }

    fn next_event(&self) -> Option<Duration> {
        self.links.iter().filter_map(Link::deadline).chain(self.next_step()).min()
    }

    fn next_step(&self) -> Option<Duration> {
        Some(self.zero? + self.schedule.next_at(&self.profile)?)
    }

    fn link_mut(&mut self, name: LinkName) -> &mut Link<Addressed<P>> {
        &mut self.links[index(name)]
    }
}

fn index(name: LinkName) -> usize {
    name.port as usize * 2 + name.direction as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::network::place::Path;

    const MS: Duration = Duration::from_millis(1);

    fn star(text: &str) -> Star<Vec<u8>> {
        let mut star = Star::new(Profile::parse(text).unwrap(), 1);
        star.start(Duration::ZERO);
        star
    }

    #[test]
    fn each_link_has_its_place() {
        let places: Vec<usize> = LinkName::ALL.into_iter().map(index).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_packet_passes_the_up_link_of_its_sender_and_the_down_link_of_its_receiver() {
        for from in Port::ALL {
            for to in Port::ALL.into_iter().filter(|to| *to != from) {
                let mut star = star("a.up 0s delay=1ms\na.down 0s delay=2ms\nb.up 0s delay=4ms\nb.down 0s delay=8ms");
                star.send(Duration::ZERO, from, to, vec![0; 100]);
                let delays = [(Port::A.up(), 1), (Port::A.down(), 2), (Port::B.up(), 4), (Port::B.down(), 8)];
                let passed = Path { from, to }.links();
                let expected: u32 = delays.iter().filter(|(link, _)| passed.contains(link)).map(|(_, ms)| ms).sum();
                let arrival = star.poll(MS * 100).unwrap();
                assert_eq!((arrival.at, arrival.to), (MS * expected, to));
                for link in LinkName::ALL {
                    let entered = star.link(MS * 100, link).counters.entered.packets;
                    assert_eq!(entered, u64::from(passed.contains(&link)), "{link}");
                }
            }
        }
    }

    #[test]
    fn the_profile_stands_still_at_its_zero_until_it_is_started() {
        let profile = Profile::parse("ab 0s delay=10ms\nab 1s delay=20ms").unwrap();
        let mut star = Star::new(profile, 1);
        let passes = |star: &mut Star<Vec<u8>>, at: u32| {
            star.send(MS * at, Port::A, Port::B, vec![0; 100]);
            star.poll(MS * (at + 500)).map(|arrival| arrival.at - MS * at)
        };
        assert_eq!(passes(&mut star, 5000), Some(MS * 10));
        star.start(MS * 6000);
        assert_eq!(passes(&mut star, 6400), Some(MS * 10));
        assert_eq!(passes(&mut star, 7000), Some(MS * 20));
        star.start(MS * 8000);
        assert_eq!(passes(&mut star, 8000), Some(MS * 10));
    }

    #[test]
    fn a_step_takes_effect_between_packets_however_late_it_is_polled() {
        let mut star = star("ab 0s delay=10ms\nab 1s down=on\nab 2s down=off");
        for at in [0, 1000, 1999, 2000] {
            star.send(MS * at, Port::A, Port::B, vec![0; 100]);
        }
        let arrived: Vec<Duration> = std::iter::from_fn(|| star.poll(MS * 10_000)).map(|arrival| arrival.at).collect();
        assert_eq!(arrived, [MS * 10, MS * 2010]);
    }

    #[test]
    fn without_packets_there_is_no_deadline() {
        let mut star = star("ab 0s delay=10ms\nab 5ms rate=1mbit\nrepeat 1s");
        assert_eq!(star.deadline(), None);
        star.send(MS, Port::A, Port::B, vec![0; 100]);
        assert_eq!(star.deadline(), Some(MS * 5), "the step");
        assert_eq!(star.poll(MS * 11).map(|arrival| arrival.at), Some(MS * 11));
        assert_eq!(star.deadline(), None);
    }

    proptest! {
        #[test]
        fn how_often_it_is_polled_makes_no_difference(polls in prop::collection::vec(0u32..2000, 0..40)) {
            let run = |polls: &[u32]| {
                let mut star = star("both 0s delay=20ms jitter=10ms loss=10% dup=5%\nab 0s rate=300kbit stall=1s,100ms\n\
                    ab 500ms rate=100kbit loss=ge:5%,20%\nba 700ms down=on\nba 900ms down=off");
                let mut arrivals = Vec::new();
                for at in 0..2000 {
                    if at % 7 == 0 {
                        star.send(MS * at, Port::A, Port::B, vec![1; 400]);
                        star.send(MS * at, Port::B, Port::A, vec![2; 100]);
                    }
                    if polls.contains(&at) {
                        arrivals.extend(std::iter::from_fn(|| star.poll(MS * at)));
                    }
                }
                arrivals.extend(std::iter::from_fn(|| star.poll(MS * 60_000)));
                arrivals
            };
            prop_assert_eq!(run(&polls), run(&[]));
        }
    }
}
