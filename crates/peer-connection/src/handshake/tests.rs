//! Handshakes of the library itself over paths that lose, in virtual time.

use super::{Carries, Flight, carries};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

const DELAY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(30);

static CONFIGS: LazyLock<[Arc<HandshakeConfig>; 2]> = LazyLock::new(|| [true, false].map(config));

/// As the connection sets it.
fn config(is_client: bool) -> Arc<HandshakeConfig> {
    let provider = rtc::crypto::default_provider().expect("one is built in");
    let certificate = Certificate::generate_self_signed(vec!["peer".to_owned()], provider.crypto()).expect("made");
    let config = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![certificate])
        .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_insecure_skip_verify(true)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .build(is_client, None);
    Arc::new(config.expect("valid"))
}

fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4000 + index as u16))
}

/// Client (0) and server (1), and what is under way between them.
struct Handshake<'a> {
    now: Instant,
    ends: [Endpoint; 2],
    flights: Option<[Flight; 2]>,
    wire: VecDeque<(Instant, usize, Bytes)>,
    is_lost: &'a mut dyn FnMut(Duration, usize) -> bool,
    began: Instant,
    completed: [Option<Duration>; 2],
    sent: usize,
}

impl<'a> Handshake<'a> {
    /// How long it took and how many datagrams. `is_lost` is asked for each of them, with the time and the sender.
    fn run(repeats: bool, is_lost: &'a mut dyn FnMut(Duration, usize) -> bool) -> (Option<Duration>, usize) {
        let now = Instant::now();
        let server = Some(CONFIGS[1].clone());
        let mut handshake = Self {
            now,
            ends: [None, server].map(|server| Endpoint::new(address(0), TransportProtocol::UDP, server)),
            flights: repeats.then(Default::default),
            wire: VecDeque::new(),
            is_lost,
            began: now,
            completed: [None, None],
            sent: 0,
        };
        handshake.ends[0].connect(now, address(1), CONFIGS[0].clone(), None).expect("it begins");
        while handshake.step() {}
        (handshake.took(), handshake.sent)
    }

    fn took(&self) -> Option<Duration> {
        Some(self.completed[0]?.max(self.completed[1]?))
    }

    fn step(&mut self) -> bool {
        for end in [0, 1] {
            while let Some(datagram) = self.ends[end].poll_transmit() {
                let datagram = datagram.message.freeze();
                if let Some(flights) = &mut self.flights {
                    flights[end].sent(self.now, address(1 - end), &datagram, carries(&datagram));
                }
                self.send(end, datagram);
            }
        }
        let timers = [0, 1].map(|end| self.ends[end].poll_timeout(&address(1 - end)));
        let repeats = [0, 1].map(|end| self.flights.as_ref().and_then(|flights| flights[end].deadline()));
        let arrival = self.wire.front().map(|(at, ..)| *at);
        let Some(next) = timers.into_iter().chain(repeats).chain([arrival]).flatten().min() else { return false };
        self.now = self.now.max(next);
        if self.took().is_some() || self.now - self.began > PATIENCE {
            return false;
        }
        match self.wire.pop_front_if(|(at, ..)| *at <= self.now) {
            Some((_, end, datagram)) => self.arrive(end, &datagram),
            None => self.time_passed(),
        }
        true
    }

    fn arrive(&mut self, end: usize, datagram: &[u8]) {
        if let Some(flights) = &mut self.flights {
            flights[end].received(address(1 - end), carries(datagram));
        }
        let events = self.ends[end].read(self.now, address(1 - end), None, BytesMut::from(datagram));
        if events.is_ok_and(|events| events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete))) {
            self.completed[end] = Some(self.now - self.began);
        }
    }

    fn time_passed(&mut self) {
        for end in [0, 1] {
            if self.ends[end].poll_timeout(&address(1 - end)).is_some() {
                // It fails once it has given up, which the test sees by its not completing.
                let _ = self.ends[end].handle_timeout(address(1 - end), self.now);
            }
            let due = self.flights.as_mut().map(|flights| flights[end].due(self.now)).unwrap_or_default();
            for (_, datagram) in due {
                self.send(end, datagram);
            }
        }
    }

    fn send(&mut self, end: usize, datagram: Bytes) {
        self.sent += 1;
        if !(self.is_lost)(self.now - self.began, end) {
            self.wire.push_back((self.now + DELAY, 1 - end, datagram));
        }
    }
}

/// Loses the datagrams of one end with these numbers.
fn losing(end: usize, numbers: &[usize]) -> impl FnMut(Duration, usize) -> bool {
    let mut number = 0;
    move |_, from| {
        let is_lost = from == end && numbers.contains(&number);
        number += usize::from(from == end);
        is_lost
    }
}

#[test]
fn a_clean_handshake_repeats_nothing() {
    assert_eq!(Handshake::run(true, &mut |_, _| false), Handshake::run(false, &mut |_, _| false));
}

/// When this fails, the library has been mended, and this module may go.
#[test]
fn the_library_alone_does_not_survive_the_loss_of_one_datagram() {
    for (end, number) in [(0, 2), (1, 1)] {
        assert_eq!(Handshake::run(false, &mut losing(end, &[number])).0, None);
    }
}

#[test]
fn whatever_datagram_is_lost_the_handshake_is_over_soon() {
    for (end, number) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)] {
        let took = Handshake::run(true, &mut losing(end, &[number])).0;
        assert!(took.is_some_and(|took| took < Duration::from_millis(250)), "{end} {number}: {took:?}");
    }
    // The client's repetition is dropped as one that the server had: it takes the library's own timer, one second.
    let last = Handshake::run(true, &mut losing(1, &[2])).0;
    assert!(last.is_some_and(|took| took < Duration::from_millis(1300)), "{last:?}");
}

/// After its seventh repetition, 8 s after the first datagram, the library gives up for good.
#[test]
fn a_path_that_is_dead_for_some_seconds_ends_no_handshake() {
    for start in [0, 30, 50, 70, 90] {
        for seconds in [1, 3, 6] {
            let (start, end) = (Duration::from_millis(start), Duration::from_millis(start + seconds * 1000));
            let took = Handshake::run(true, &mut |at, _| (start..end).contains(&at)).0;
            let limit = end + Duration::from_millis(2300);
            assert!(took.is_some_and(|took| took < limit), "dead from {start:?} to {end:?}: {took:?}");
        }
    }
}

#[test]
fn a_stranger_ends_no_repetition_and_silence_does() {
    let mut flight = Flight::default();
    let mut now = Instant::now();
    let hello = Carries::Handshake { client_hello: true, finished: false };
    flight.sent(now, address(1), &[22], hello);
    for carries in [Carries::Data, Carries::Handshake { client_hello: false, finished: true }] {
        flight.received(address(2), carries);
    }
    let began = now;
    let mut repeats = 0;
    while let Some(deadline) = flight.deadline() {
        now = deadline;
        repeats += flight.due(now).len();
    }
    assert_eq!(repeats, 32);
    assert!(now - began < PATIENCE, "{:?}", now - began);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Three of ten datagrams are lost, both ways: more than any call bears.
    #[test]
    fn no_loss_that_a_call_bears_ends_a_handshake(losses in proptest::collection::vec(0_u8..10, 200)) {
        let mut losses = losses.into_iter().map(|dice| dice < 3);
        let took = Handshake::run(true, &mut |_, _| losses.next().unwrap_or(false)).0;
        prop_assert!(took.is_some(), "it never came to an end");
    }
}
