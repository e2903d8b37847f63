//! Where the peer is really to be reached, when that is not where ICE found it any more: a pure state machine, told the time.
//! An address is believed only after it has answered a check of ours, so that nobody else can turn a call away.
//!
//! ICE as webrtc-rs has it keeps the pair that it chose, and an ICE restart lets go of both sides' paths before the other
//! side has answered: over a path that broke, the answer never comes. So the sockets below ICE follow the peer, as QUIC does
//! (RFC 9000 §9): a check (RFC 8445 §7.2.2) that comes from a new address, while the old one is silent, is checked back, and
//! from then on the new address stands for the old one.

use super::check::{self, Check, Credentials, TransactionId};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Of a peer that moved, nothing comes from its old address. Sound comes every 20 ms, consent checks every 400 ms.
const QUIET: Duration = Duration::from_millis(150);

/// A peer that is heard from its old address that long after a check came from another one has both: it did not move.
const BOTH: Duration = Duration::from_millis(300);

/// Other addresses of the peer that are remembered; it has one for each of its interfaces and relays.
const MAX_OTHERS: usize = 16;

/// A check that got no answer is sent again after that time.
const AGAIN: Duration = Duration::from_millis(100);

/// From our own move on, the peer is told our new address until it answers, ...
const TOLD_FOR: Duration = Duration::from_secs(30);

/// ... and that long at least: what came before it missed us was answered, but not followed.
const TOLD_AT_LEAST: Duration = Duration::from_millis(600);

/// Silence after which a route that leads elsewhere is believed.
const SILENT: Duration = Duration::from_millis(600);

/// The path of one socket.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Where our packets go, as ICE knows it.
    peer: Option<SocketAddr>,
    /// Where they really go, if that differs.
    moved_to: Option<SocketAddr>,
    /// When a packet of the peer last came.
    heard: Option<Instant>,
    /// Where else checks of the peer came from while it was heard, and when at first.
    others: Vec<(SocketAddr, Instant)>,
    /// The new address that was asked whether it is the peer's.
    asked: Option<Asked>,
    /// Since when the peer is told where we are now, and what it was told last.
    telling: Option<(Instant, Asked)>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    address: SocketAddr,
    id: TransactionId,
    at: Instant,
}

/// What to do with a datagram that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Give it to ICE, as if it came from here.
    Pass(SocketAddr),
    /// The same, and send this check to where it came from.
    PassAndAsk(SocketAddr, Vec<u8>),
    /// It was for us.
    Taken,
}

impl Path {
    /// Where a datagram for `destination` is really to be sent. What is no STUN goes to the peer over the path in use; what
    /// goes over a relay is the relay's affair.
    pub(super) fn sent(&mut self, destination: SocketAddr, datagram: &[u8]) -> SocketAddr {
        if is_channel_data(datagram) {
            *self = Self::default();
            return destination;
        }
        if !check::is_stun(datagram) && self.peer != Some(destination) {
            *self = Self { peer: Some(destination), ..Self::default() };
        }
        match self.moved_to {
            Some(real) if self.peer == Some(destination) => real,
            _ => destination,
        }
    }

    /// A datagram came. `id` makes that of the check which this may cause; most datagrams cause none.
    pub(super) fn received(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        credentials: Option<&Credentials>,
        id: impl FnOnce() -> TransactionId,
    ) -> Received {
        let (Some(peer), Some(credentials)) = (self.peer, credentials) else {
            return Received::Pass(from);
        };
        let expected = from == self.moved_to.unwrap_or(peer);
        if expected && self.telling.is_none() {
            self.heard = Some(now);
            return Received::Pass(peer);
        }
        match check::read(datagram, credentials) {
            Some(Check::Answer(id)) if self.told(from, id) => {
                self.telling.take_if(|(since, _)| now.saturating_duration_since(*since) >= TOLD_AT_LEAST);
                self.heard = Some(now);
                Received::Taken
            }
            Some(Check::Answer(id)) if self.asked.is_some_and(|asked| asked.address == from && asked.id == id) => {
                self.asked = None;
                self.moved_to = Some(from).filter(|real| *real != peer);
                self.heard = Some(now);
                Received::Taken
            }
            Some(Check::Request) if !expected && self.is_quiet(now) => {
                if self.has_both(from) || !self.may_ask(now, from) {
                    return Received::Pass(from);
                }
                let id = id();
                self.asked = Some(Asked { address: from, id, at: now });
                Received::PassAndAsk(from, check::request(credentials, id))
            }
            Some(Check::Request) if !expected => {
                let known = self.others.iter().any(|(other, _)| *other == from);
                if !known && self.others.len() < MAX_OTHERS {
                    self.others.push((from, now));
                }
                Received::Pass(from)
            }
            _ if expected => {
                self.heard = Some(now);
                Received::Pass(peer)
            }
            _ => Received::Pass(from),
        }
    }

    /// The peer's real address, while there is a call on this socket.
    pub(super) fn in_use(&self) -> Option<SocketAddr> {
        self.moved_to.or(self.peer)
    }

    /// Whether this socket is to be opened anew: its address is gone, or nothing comes and the way to the peer leads over
    /// another address of ours.
    pub(super) fn is_to_move(
        &self,
        now: Instant,
        address_is_gone: bool,
        route_leads_elsewhere: impl FnOnce() -> bool,
    ) -> bool {
        let is_silent = || self.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= SILENT);
        self.in_use().is_some() && (address_is_gone || (is_silent() && route_leads_elsewhere()))
    }

    /// The socket was opened anew: from now on the peer is told.
    pub(super) fn moved(&mut self, now: Instant) {
        if let Some(address) = self.in_use() {
            let never = now.checked_sub(AGAIN).unwrap_or(now);
            self.telling = Some((now, Asked { address, id: TransactionId::default(), at: never }));
        }
    }

    /// The check that tells the peer where we are, whenever it is due.
    pub(super) fn tell(
        &mut self,
        now: Instant,
        credentials: Option<&Credentials>,
        id: impl FnOnce() -> TransactionId,
    ) -> Option<(SocketAddr, Vec<u8>)> {
        let (since, asked) = self.telling.as_mut()?;
        if now.saturating_duration_since(*since) >= TOLD_FOR {
            self.telling = None;
            return None;
        }
        if now.saturating_duration_since(asked.at) < AGAIN {
            return None;
        }
        (asked.id, asked.at) = (id(), now);
        Some((asked.address, check::request(credentials?, asked.id)))
    }

    /// Whether the peer is being told of our move.
    #[cfg(test)]
    pub(super) fn is_telling(&self) -> bool {
        self.telling.is_some()
    }

    /// Whether the peer was heard where it was, long after it used this address too.
    fn has_both(&self, from: SocketAddr) -> bool {
        let first = self.others.iter().find(|(other, _)| *other == from).map(|(_, first)| *first);
        first.zip(self.heard).is_some_and(|(first, heard)| heard.saturating_duration_since(first) >= BOTH)
    }

    fn told(&self, from: SocketAddr, id: TransactionId) -> bool {
        self.telling.is_some_and(|(_, asked)| asked.address == from && asked.id == id)
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= QUIET)
    }

    fn may_ask(&self, now: Instant, from: SocketAddr) -> bool {
        self.asked.is_none_or(|asked| asked.address != from || now.saturating_duration_since(asked.at) >= AGAIN)
    }
}

/// RFC 7983 §7: the first byte tells.
fn is_channel_data(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(64..=79))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MEDIA: &[u8] = &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    const MS: Duration = Duration::from_millis(1);

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn id(byte: u8) -> TransactionId {
        TransactionId([byte; 12])
    }

    /// Ours, and those of the peer, which are the same the other way round.
    fn credentials() -> (Credentials, Credentials) {
        let (ours, theirs) = (("ours", "our password 123456789"), ("theirs", "their password 1234567"));
        let side = |local: (&str, &str), remote: (&str, &str)| {
            Credentials::of(
                &format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", local.0, local.1),
                &format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", remote.0, remote.1),
            )
            .expect("both are there")
        };
        (side(ours, theirs), side(theirs, ours))
    }

    /// A path in use: packets go to the peer, and come from it.
    fn talking(start: Instant) -> Path {
        let mut path = Path::default();
        assert_eq!(path.sent(address(1), MEDIA), address(1));
        let (ours, _) = credentials();
        assert_eq!(path.received(start, address(1), MEDIA, Some(&ours), || id(1)), Received::Pass(address(1)));
        path
    }

    #[test]
    fn a_peer_that_moved_is_followed_once_its_new_address_has_answered() {
        let start = Instant::now();
        let (ours, theirs) = credentials();
        let mut path = talking(start);
        let hello = check::request(&theirs, id(9));
        let now = start + 200 * MS;
        let received = path.received(now, address(2), &hello, Some(&ours), || id(2));
        let Received::PassAndAsk(from, asked) = received else { panic!("{received:?}") };
        assert_eq!((from, check::read(&asked, &theirs)), (address(2), Some(Check::Request)));
        assert_eq!(path.sent(address(1), MEDIA), address(1), "not yet");
        let answer = check::answer(&theirs, id(2));
        assert_eq!(path.received(now, address(3), &answer, Some(&ours), || id(3)), Received::Pass(address(3)));
        assert_eq!(path.received(now, address(2), &answer, Some(&ours), || id(3)), Received::Taken);
        assert_eq!(path.sent(address(1), MEDIA), address(2));
        assert_eq!(path.received(now, address(2), MEDIA, Some(&ours), || id(3)), Received::Pass(address(1)));
        // And back again.
        let now = now + 200 * MS;
        let received = path.received(now, address(1), &hello, Some(&ours), || id(4));
        assert!(matches!(received, Received::PassAndAsk(..)), "{received:?}");
        assert_eq!(
            path.received(now, address(1), &check::answer(&theirs, id(4)), Some(&ours), || id(5)),
            Received::Taken
        );
        assert_eq!(path.sent(address(1), MEDIA), address(1));
    }

    #[test]
    fn nobody_is_followed_who_does_not_know_the_password_or_while_the_peer_is_heard() {
        let start = Instant::now();
        let (ours, theirs) = credentials();
        let mut path = talking(start);
        let forged = {
            let mut forged = check::request(&theirs, id(9));
            let last = forged.len() - 9;
            forged[last] ^= 1;
            forged
        };
        let own = check::request(&ours, id(9));
        for datagram in [&forged[..], &own, MEDIA, b"", b"\0\x01\0\0"] {
            let received = path.received(start + 300 * MS, address(2), datagram, Some(&ours), || id(2));
            assert_eq!(received, Received::Pass(address(2)));
        }
        let hello = check::request(&theirs, id(9));
        let received = path.received(start + 100 * MS, address(2), &hello, Some(&ours), || id(2));
        assert_eq!(received, Received::Pass(address(2)), "the peer was heard just now");
        let mut idle = Path::default();
        assert_eq!(idle.received(start, address(2), &hello, Some(&ours), || id(2)), Received::Pass(address(2)));
    }

    #[test]
    fn the_other_address_of_a_peer_that_has_two_is_not_followed() {
        let start = Instant::now();
        let (ours, theirs) = credentials();
        let hello = check::request(&theirs, id(9));
        let mut path = talking(start);
        for wait in [10, 400] {
            let now = start + wait * MS;
            assert_eq!(path.received(now, address(1), MEDIA, Some(&ours), || id(2)), Received::Pass(address(1)));
            assert_eq!(path.received(now, address(2), &hello, Some(&ours), || id(2)), Received::Pass(address(2)));
        }
        let quiet = start + 900 * MS;
        assert_eq!(path.received(quiet, address(2), &hello, Some(&ours), || id(2)), Received::Pass(address(2)));
        // One that came just before the silence did not show that it has both.
        let mut path = talking(start);
        assert_eq!(
            path.received(start + 10 * MS, address(2), &hello, Some(&ours), || id(2)),
            Received::Pass(address(2))
        );
        assert_eq!(
            path.received(start + 20 * MS, address(1), MEDIA, Some(&ours), || id(2)),
            Received::Pass(address(1))
        );
        let received = path.received(start + 300 * MS, address(2), &hello, Some(&ours), || id(2));
        assert!(matches!(received, Received::PassAndAsk(..)), "{received:?}");
    }

    #[test]
    fn behind_a_relay_nobody_is_followed() {
        let start = Instant::now();
        let (ours, theirs) = credentials();
        let mut path = talking(start);
        assert_eq!(path.sent(address(7), &[0x40, 0, 0, 4, 1, 2, 3, 4]), address(7));
        let hello = check::request(&theirs, id(9));
        assert_eq!(
            path.received(start + 900 * MS, address(2), &hello, Some(&ours), || id(2)),
            Received::Pass(address(2))
        );
        assert_eq!(path.in_use(), None);
    }

    #[test]
    fn whoever_moved_tells_the_peer_until_it_answers() {
        let start = Instant::now();
        let (ours, theirs) = credentials();
        let mut path = talking(start);
        assert!(!path.is_to_move(start + 5_000 * MS, false, || false));
        assert!(!path.is_to_move(start + 100 * MS, false, || true), "it is heard over this address");
        assert!(path.is_to_move(start + 700 * MS, false, || true));
        assert!(path.is_to_move(start + 100 * MS, true, || false));
        let now = start + 100 * MS;
        path.moved(now);
        let (to, told) = path.tell(now, Some(&ours), || id(2)).expect("at once");
        assert_eq!((to, check::read(&told, &theirs)), (address(1), Some(Check::Request)));
        assert_eq!(path.tell(now + 50 * MS, Some(&ours), || id(3)), None);
        assert!(path.tell(now + 100 * MS, Some(&ours), || id(3)).is_some());
        // The answer of ICE's own check goes to ICE.
        let other = check::answer(&theirs, id(7));
        assert_eq!(path.received(now, address(1), &other, Some(&ours), || id(8)), Received::Pass(address(1)));
        let answer = check::answer(&theirs, id(3));
        assert_eq!(path.received(now, address(1), &answer, Some(&ours), || id(8)), Received::Taken);
        assert!(path.is_telling(), "it may have been answered, but not followed");
        let later = now + TOLD_AT_LEAST;
        let (_, told) = path.tell(later, Some(&ours), || id(5)).expect("due");
        assert_eq!(check::read(&told, &theirs), Some(Check::Request));
        assert_eq!(
            path.received(later, address(1), &check::answer(&theirs, id(5)), Some(&ours), || id(8)),
            Received::Taken
        );
        assert!(!path.is_telling());
        path.moved(now);
        assert_eq!(path.tell(now + TOLD_FOR, Some(&ours), || id(4)), None, "not for ever");
    }

    proptest! {
        #[test]
        fn nothing_from_the_network_panics_or_moves_the_path(
            datagrams in proptest::collection::vec((0..4_u16, proptest::collection::vec(any::<u8>(), 0..80), 0..500_u64), 0..40)
        ) {
            let (ours, _) = credentials();
            let mut now = Instant::now();
            let mut path = talking(now);
            for (port, datagram, wait) in datagrams {
                now += Duration::from_millis(wait);
                let _ = path.received(now, address(port), &datagram, Some(&ours), || id(1));
                prop_assert_eq!(path.sent(address(1), MEDIA), address(1));
            }
        }
    }
}
