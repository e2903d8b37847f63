//! What depends on relays: that nothing leads behind them, that their time-limited credentials are handed out and taken, and
//! that they go on for as long as a call does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use call_core::{IceServer, PeerEvent, Secret};
use peer_connection::{Peer, PeerConfig, PeerEvents, PeerNotice};
use ringback_tests::place::{alone, scratch};
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Server};
use ringback_tests::relay::{Relay, Transport};
use serde_json::{Value, json};
use signaling_server::Turn;

use crate::hostile::villain::{Accomplice, FakeServer, Line, within};

const ENDS: Duration = Duration::from_secs(40);

/// An address of this machine that is neither the relay's nor the server's.
const OWN: &str = "127.0.0.3";

#[tokio::test]
async fn whoever_uses_relays_only_shows_no_other_address_on_the_wire() {
    let _alone = alone();
    let (relay, server) = (Relay::start(), FakeServer::start().await);
    for offers in [true, false] {
        let call = Call::new("the hidden one", "masks").silent().option("--server", &server.url());
        let stun = relay.url(Transport::Udp).replace("turn:", "stun:").replace("?transport=udp", "");
        let call = call.option("--bind", OWN).also("--ice-server", &stun).also("--ice-server", &relay.option());
        let _running = call.flag("--relay-only").flag("-vv").start();
        let mut line = server.joined(offers).await;
        let mut said = Vec::new();
        if !offers {
            let sdp = Accomplice::open().await.offer().await;
            line.offer(&sdp).await;
        }
        while !said.iter().any(|text: &String| text.contains("typ relay")) {
            said.push(line.text().await);
        }
        said.extend(rest(&mut line).await);
        let described = if offers { "offer" } else { "answer" };
        assert!(said.iter().any(|text| text.contains(&format!(r#""type":"{described}""#))), "{said:#?}");
        for text in &said {
            assert!(!text.contains(OWN) && !text.contains(".local"), "{text}");
            let message: Value = serde_json::from_str(text).expect("the client writes JSON");
            let sdp = message["sdp"].as_str().unwrap_or_default();
            for line in sdp.lines().filter(|line| line.starts_with("c=") || line.starts_with("o=")) {
                assert!(line.ends_with("IN IP4 0.0.0.0"), "{line}");
            }
            let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:"));
            for candidate in candidates.chain(message["ice"]["candidate"].as_str()) {
                assert!(candidate.contains(" 127.0.0.1 "), "{candidate}");
                assert!(candidate.contains(" typ relay raddr 0.0.0.0 rport 0"), "{candidate}");
            }
        }
    }
}

/// What a client still says before it answers a sign of life.
async fn rest(line: &mut Line) -> Vec<String> {
    line.say(&json!({ "type": "ping" })).await;
    let mut said = Vec::new();
    loop {
        let text = line.text().await;
        if text.contains(r#""pong""#) {
            return said;
        }
        said.push(text);
    }
}

#[test]
fn the_server_lets_callers_use_a_relay_whose_secret_it_shares() {
    let _alone = alone();
    let (folder, secret) = (scratch(), "between the two");
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{secret}\n")).expect("writable");
    let relay = Relay::with_secret(secret, &[]);
    let url = relay.url(Transport::Udp);
    let file = file.display().to_string();
    let server = Server::with(&["--turn", &url, "--turn-secret-file", &file, "--turn-ttl", "1m", "-vv"]);
    let call = |name| {
        let call = Call::new(name, "guests").on(&server).media("test", "test").option("--size", "320x180");
        let call = call.option("--audio-out", "none").option("--video-out", "none").flag("--relay-only");
        call.option("--duration", "2s").flag("-vv").start()
    };
    let (mut first, mut second) = (call("first"), call("second"));
    for side in [&mut first, &mut second] {
        side.ends_with(0, ENDS);
        let report = side.report();
        assert_eq!(report.text("path.local_type"), "relay", "{report}");
        assert!(report.number("video.received.frames_decoded") > 15.0, "{report}");
        assert!(!side.process.stderr.text().contains(secret));
    }
    assert!(!server.process.stderr.text().contains(secret));
    // The name that coturn let in: until when, and whom.
    assert!(expiries(&relay).iter().all(|expiry| *expiry > 1_700_000_000), "{:?}", relay.users());
}

/// Until when those were let in who were given an address on it.
fn expiries(relay: &Relay) -> Vec<u64> {
    let users = relay.users();
    assert!(!users.is_empty(), "nobody was let in");
    let expiry = |name: &String| name.split_once(':').and_then(|(expiry, _)| expiry.parse().ok());
    users.iter().map(|name| expiry(name).unwrap_or_else(|| panic!("{name}"))).collect()
}

/// The relay forgets all addresses at a time when nobody is let in any more with what was handed out at the join.
#[test]
fn a_call_comes_back_over_relays_after_its_first_credentials_have_expired() {
    let _alone = alone();
    let (folder, secret) = (scratch(), "between the two");
    let file = folder.path().join("secret");
    std::fs::write(&file, secret).expect("writable");
    let relay = Relay::with_secret(secret, &[]);
    let (url, file) = (relay.url(Transport::Udp), file.display().to_string());
    let server = Server::with(&["--turn", &url, "--turn-secret-file", &file, "--turn-ttl", "6s"]);
    let call = |name| {
        let call = Call::new(name, "guests").on(&server).media("test", "test").option("--size", "320x180");
        call.option("--audio-out", "none").option("--video-out", "none").flag("--relay-only").start()
    };
    let sides = [call("first"), call("second")];
    for side in &sides {
        side.in_call_for(8);
    }
    let last = expiries(&relay).into_iter().max().expect("someone was let in");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    assert!(last < now, "{last} is to be over at {now}");
    let relay = relay.again();
    relay.lets_in(2, ENDS);
    assert!(expiries(&relay).iter().all(|expiry| *expiry > last), "{:?} after {last}", relay.users());
    for side in &sides {
        side.in_call_for(20);
    }
    sides[0].process.signal(Signal::Interrupt);
    for (mut side, reason) in sides.into_iter().zip(["interrupted", "peer_hung_up"]) {
        side.ends_with(0, ENDS);
        let report = side.report();
        // The goodbye came over the new path.
        assert_eq!((report.text("path.local_type"), report.text("end.reason")), ("relay", reason), "{report}");
    }
}

#[test]
fn a_server_with_a_relay_but_no_secret_says_so() {
    let mut command = std::process::Command::new(ringback_tests::program::ringback());
    command.args(["serve", "--turn", "turn:127.0.0.1:9"]).env_remove("RINGBACK_TURN_SECRET");
    let mut process = ringback_tests::process::Process::start("server", &mut command);
    assert_eq!(process.wait(ENDS).code(), Some(2));
    assert!(process.stderr.text().contains("--turn-secret-file"), "{}", process.stderr.text());
}

/// A relay that wants a new nonce turns a request down, and lets nobody new in with old credentials; the address at it must
/// not run out over that.
#[tokio::test]
async fn a_call_outlives_the_addresses_nonces_and_credentials_of_its_relay() {
    let _alone = alone();
    let relay = Relay::with_secret("between us", &["--stale-nonce=3", "--max-allocate-lifetime=10"]);
    let turn = Turn {
        urls: vec![relay.url(Transport::Udp)],
        secret: Secret::new("between us"),
        lifetime: Duration::from_secs(4),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
    let (mut first, mut second) =
        (Hidden::open(turn.credentials(now, "first")).await, Hidden::open(turn.credentials(now, "second")).await);
    let offer = first.peer.create_offer().await.expect("an offer");
    first.peer.set_local(offer.clone()).await.expect("our own");
    second.peer.set_remote(offer).await.expect("a good offer");
    let answer = second.peer.create_answer().await.expect("an answer");
    second.peer.set_local(answer.clone()).await.expect("our own");
    first.peer.set_remote(answer).await.expect("a good answer");
    first.peer.add_candidate(second.candidate().await).await.expect("a good one");
    second.peer.add_candidate(first.candidate().await).await.expect("a good one");
    first.until(|event| (event == PeerEvent::DataOpen).then_some(())).await;
    second.until(|event| (event == PeerEvent::DataOpen).then_some(())).await;
    // Real time: the lifetimes are the relay's.
    for second_of_call in 0..13 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let text = format!("second {second_of_call}");
        first.peer.send_chat(&text).await.expect("the channel is open");
        within(&text, async { while second.events.notices.recv().await != Some(PeerNotice::Chat(text.clone())) {} })
            .await;
    }
    let log = relay.log();
    let (_, after) = log.split_once("438").expect("a nonce ran out");
    assert!(after.contains("REFRESH processed, success"), "{log}");
    assert!(!log.contains("allocation timeout"), "{log}");
    tokio::join!(first.peer.close(), second.peer.close());
}

/// A peer connection over that relay only.
struct Hidden {
    peer: Peer,
    events: PeerEvents,
}

impl Hidden {
    async fn open(server: IceServer) -> Self {
        let config = PeerConfig {
            ice_servers: vec![server],
            relay_only: true,
            relay_refresh: Duration::from_secs(2),
            ..PeerConfig::default()
        };
        let (peer, events) = Peer::open(config).await.expect("sockets can be bound");
        Self { peer, events }
    }

    async fn candidate(&mut self) -> call_core::Candidate {
        self.until(|event| match event {
            PeerEvent::LocalCandidate(candidate) if !candidate.is_end_of_candidates() => Some(candidate),
            _ => None,
        })
        .await
    }

    async fn until<T>(&mut self, wanted: impl Fn(PeerEvent) -> Option<T>) -> T {
        within("an event of the connection", async {
            loop {
                if let PeerNotice::Session(event) = self.events.notices.recv().await.expect("the connection reports")
                    && let Some(found) = wanted(event)
                {
                    return found;
                }
            }
        })
        .await
    }
}
