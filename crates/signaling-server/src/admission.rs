//! Counts who is connected and says whether one more may come in.
//! Bounded by the connections that it let in.

use std::collections::HashMap;

use crate::address::Origin;
use crate::config::Limits;

/// The connections at the moment, by origin.
#[derive(Debug)]
pub(crate) struct Admission {
    by_origin: HashMap<Origin, usize>,
    total: usize,
    per_address: usize,
    from_loopback: usize,
    at_a_time: usize,
}

impl Admission {
    /// Nobody is connected.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            by_origin: HashMap::new(),
            total: 0,
            per_address: limits.connections_per_address,
            from_loopback: limits.connections_from_loopback,
            at_a_time: limits.connections,
        }
    }

    /// Counts a connection in; false when there are too many. Each true is paired with one [`leave`](Self::leave).
    pub(crate) fn enter(&mut self, origin: Origin) -> bool {
        let allowed = if origin.is_loopback() { self.from_loopback } else { self.per_address };
        let present = self.by_origin.get(&origin).copied().unwrap_or(0);
        if self.total >= self.at_a_time || present >= allowed {
            return false;
        }
        self.total += 1;
        self.by_origin.insert(origin, present + 1);
        true
    }

    /// Counts a connection out.
    pub(crate) fn leave(&mut self, origin: Origin) {
        let Some(present) = self.by_origin.get_mut(&origin) else { return };
        self.total -= 1;
        *present -= 1;
        if *present == 0 {
            self.by_origin.remove(&origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_the_whole_have_their_bounds() {
        let limits = Limits { connections: 25, ..Limits::default() };
        let mut admission = Admission::new(&limits);
        let (one, two) = (Origin::of([192, 0, 2, 1].into()), Origin::of([192, 0, 2, 2].into()));
        assert_eq!((0..30).filter(|_| admission.enter(one)).count(), 20);
        assert_eq!((0..30).filter(|_| admission.enter(two)).count(), 5);
        admission.leave(one);
        assert!(admission.enter(two));
        for _ in 0..19 {
            admission.leave(one);
        }
        for _ in 0..6 {
            admission.leave(two);
        }
        admission.leave(two);
        assert_eq!((admission.total, admission.by_origin.len()), (0, 0));
    }

    #[test]
    fn loopback_has_more_room_than_a_stranger() {
        let mut admission = Admission::new(&Limits::default());
        let here = Origin::of([127, 0, 0, 1].into());
        assert_eq!((0..2_000).filter(|_| admission.enter(here)).count(), 1_000);
    }
}
