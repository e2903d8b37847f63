//! Which of a name's addresses is tried when (Happy Eyeballs, RFC 8305 §5): pure, and told the time. Each has a head start
//! before the next one joins in; one that fails makes room at once.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long one address is tried alone before the next joins in (RFC 8305 §5).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses tried of one name: more only lengthen the wait for an error.
const MAX_ADDRESSES: usize = 16;

/// Attempts to connect that run beside each other.
#[derive(Debug)]
pub(crate) struct Race {
    waiting: VecDeque<SocketAddr>,
    running: usize,
    due: Instant,
}

impl Race {
    /// A race that begins now. The families take turns, beginning with that of the first address (RFC 8305 §4); within a
    /// family the order stays.
    pub(crate) fn new(now: Instant, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let mut addresses = addresses.into_iter().peekable();
        let first_is_ipv6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
        let (same, other): (Vec<_>, Vec<_>) = addresses.partition(|address| address.is_ipv6() == first_is_ipv6);
        let (mut same, mut other) = (same.into_iter(), other.into_iter());
        let mut waiting = VecDeque::new();
        while waiting.len() < MAX_ADDRESSES {
            let pair = [same.next(), other.next()];
            if pair == [None, None] {
                break;
            }
            waiting.extend(pair.into_iter().flatten());
        }
        waiting.truncate(MAX_ADDRESSES);
        Self { waiting, running: 0, due: now }
    }

    /// The address that is to be tried now, if it is time for one.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<SocketAddr> {
        let next = self.waiting.pop_front_if(|_| now >= self.due)?;
        self.running += 1;
        self.due = now + HEAD_START;
        Some(next)
    }

    /// An attempt failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.running = self.running.saturating_sub(1);
        self.due = now;
    }

    /// When [`poll`](Self::poll) has the next address; `None` when there is none.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.due)
    }

    /// Whether all were tried in vain.
    pub(crate) fn is_lost(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    /// All that is tried, as each attempt fails at once.
    fn order(given: &[&str]) -> Vec<SocketAddr> {
        let now = Instant::now();
        let mut race = Race::new(now, addresses(given));
        std::iter::from_fn(|| {
            let next = race.poll(now);
            race.failed(now);
            next
        })
        .collect()
    }

    #[test]
    fn families_take_turns_beginning_with_the_resolver_s_first() {
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"];
        assert_eq!(order(&given), addresses(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"]));
        let given = ["10.0.0.1:1", "10.0.0.2:1", "[::1]:1"];
        assert_eq!(order(&given), addresses(&["10.0.0.1:1", "[::1]:1", "10.0.0.2:1"]));
        assert_eq!(order(&["10.0.0.1:1"; 40]).len(), MAX_ADDRESSES);
    }

    #[test]
    fn a_silent_address_costs_a_quarter_of_a_second_and_a_failed_one_nothing() {
        let start = Instant::now();
        let mut race = Race::new(start, addresses(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]));
        assert!(race.poll(start).is_some());
        assert_eq!((race.poll(start), race.deadline()), (None, Some(start + HEAD_START)));
        assert!(race.poll(start + HEAD_START).is_some());
        let soon = start + HEAD_START + Duration::from_millis(1);
        assert_eq!(race.poll(soon), None);
        race.failed(soon);
        assert!(race.poll(soon).is_some());
        assert_eq!(race.deadline(), None);
        race.failed(soon);
        assert!(!race.is_lost());
        race.failed(soon);
        assert!(race.is_lost());
    }

    proptest! {
        #[test]
        fn each_address_is_tried_once_and_none_too_early(
            count in 0..20_u16,
            steps in proptest::collection::vec((0..400_u64, any::<bool>()), 0..60),
        ) {
            let start = Instant::now();
            let given: Vec<SocketAddr> = (0..count).map(|port| ([10, 0, 0, 1], port).into()).collect();
            let mut race = Race::new(start, given.iter().copied());
            let (mut now, mut tried, mut running, mut last) = (start, Vec::new(), 0, None);
            for (wait, fails) in steps {
                now += Duration::from_millis(wait);
                let free = fails && running > 0;
                if free {
                    race.failed(now);
                    running -= 1;
                }
                if let Some(address) = race.poll(now) {
                    prop_assert!(free || last.is_none_or(|last| now >= last + HEAD_START) || running == 0);
                    last = Some(now);
                    running += 1;
                    tried.push(address);
                }
                prop_assert_eq!(race.is_lost(), running == 0 && tried.len() == given.len().min(MAX_ADDRESSES));
            }
            prop_assert_eq!(&tried[..], &given[..tried.len()]);
        }
    }
}
