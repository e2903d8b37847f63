//! The codec against the recorded server, against the orders in which clients meet, and against what a stranger could send.

use call_core::{Candidate, RoomId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replay::{join, replay, words};

const TRACE: &str = include_str!("testdata/peerjs.txt");
const HOST: &str = "joined, waits, polite, 0 ICE servers";
const GUEST: &str = "joined, offers, impolite, 0 ICE servers";
const OPEN: &str = r#"{"type":"OPEN"}"#;
const TAKEN: &str = r#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#;
const MS: Duration = Duration::from_millis(1);

/// The name of our first call, from the seed of the tests.
const CONNECTION: &str = "mc_0000000000000001";

fn codec() -> PeerJsCodec {
    PeerJsCodec::new(join("ws://127.0.0.1:9000/myapp"))
}

/// A codec, the time, and what it says, as words.
struct Client {
    codec: PeerJsCodec,
    now: Instant,
}

impl Client {
    fn open() -> Self {
        let mut client = Self { codec: codec(), now: Instant::now() };
        assert_eq!(client.codec.on_open(client.now), []);
        client
    }

    fn host() -> Self {
        let mut client = Self::open();
        assert_eq!(client.hear(OPEN), [HOST]);
        client
    }

    fn guest() -> Self {
        let mut client = Self::open();
        assert_eq!(client.hear(TAKEN), ["Reopen"]);
        client.codec.on_open(client.now);
        assert_eq!(client.hear(OPEN), [GUEST]);
        client
    }

    fn hear(&mut self, text: &str) -> Vec<String> {
        match self.codec.on_text(self.now, text) {
            Ok(out) => shown(out),
            Err(error) => vec![format!("skipped: {error}")],
        }
    }

    fn want(&mut self, command: Command) -> Vec<String> {
        shown(self.codec.on_command(self.now, command))
    }

    fn describe(&mut self, description: Description) -> Vec<String> {
        self.want(Command::Describe(description))
    }

    /// Lets time pass, with the codec's timers on time.
    fn wait(&mut self, time: Duration) -> Vec<String> {
        let until = self.now + time;
        let mut all = Vec::new();
        while let Some(due) = self.codec.deadline().filter(|&due| due <= until) {
            self.now = due;
            all.extend(shown(self.codec.on_timeout(due)));
            assert!(self.codec.deadline().is_none_or(|next| next > due), "a deadline that stays");
        }
        self.now = until;
        all
    }

    fn name(&self) -> String {
        let address = self.codec.address();
        let id = address.query_pairs().find(|(name, _)| name == "id").expect("there is one");
        id.1.into_owned()
    }
}

fn shown(out: Vec<Out>) -> Vec<String> {
    let show = |out| match out {
        Out::Event(event) => words(&event),
        Out::Send(text) => text,
        other => format!("{other:?}"),
    };
    out.into_iter().map(show).collect()
}

fn offer_of(src: &str, connection: &str) -> String {
    let payload = json!({"sdp": {"type": "offer", "sdp": "v=0"}, "type": "media", "connectionId": connection});
    json!({"type": "OFFER", "src": src, "dst": "room1", "payload": payload}).to_string()
}

fn answer_of(src: &str, connection: &str) -> String {
    let payload = json!({"sdp": {"type": "answer", "sdp": "v=0"}, "type": "media", "connectionId": connection});
    json!({"type": "ANSWER", "src": src, "dst": "x", "payload": payload}).to_string()
}

fn said(kind: &str, src: &str) -> String {
    json!({"type": kind, "src": src, "dst": "x"}).to_string()
}

/// What the call of the recorded client wanted when it sent this.
fn wish(text: &str) -> Option<Command> {
    let message: Value = serde_json::from_str(text).ok()?;
    let payload = &message["payload"];
    let sdp = payload["sdp"]["sdp"].as_str();
    match message["type"].as_str()? {
        // The recording goes on with other calls, which ours does not make.
        "OFFER" if payload["connectionId"] == CONNECTION && payload["type"] == "media" => {
            Some(Command::Describe(Description::offer(sdp?)))
        }
        "ANSWER" => Some(Command::Describe(Description::answer(sdp?))),
        "CANDIDATE" if payload["candidate"].is_object() => {
            Some(Command::Candidate(crate::ice::read_candidate(payload["candidate"].clone())?))
        }
        _ => None,
    }
}

fn json_of(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect()
}

#[test]
fn a_recorded_host() {
    let replay = replay(&mut codec(), TRACE, "A", wish);
    let data_alone = "skipped: the message of type \"OFFER\" belongs to another call";
    let odd = "skipped: the message of type \"CANDIDATE\" lacks a member or has one of the wrong type";
    assert_eq!(replay.told, [HOST, "offer", "candidate", data_alone, "peer left", odd, "close"]);
    // To the byte. The recorded sign of life was not due yet, and there was no peer left to say goodbye to.
    assert_eq!(replay.sent, replay.recorded[..1]);
}

#[test]
fn a_recorded_guest() {
    let mut codec = codec();
    let taken = codec.on_text(Instant::now(), TAKEN);
    assert_eq!(taken, Ok(vec![Out::Reopen]));
    let trace = TRACE.replace("mc_abc", CONNECTION);
    let replay = replay(&mut codec, &trace, "B", wish);
    let stranger = "skipped: the message of type \"EXPIRE\" belongs to another call";
    assert_eq!(replay.told, [GUEST, "answer", stranger, "close",]);
    let mut recorded = json_of(&replay.recorded[..2]);
    let _ = recorded[0]["payload"].as_object_mut().expect("an object").remove("metadata");
    assert_eq!(json_of(&replay.sent[..2]), recorded);
    assert!(replay.sent[2..].iter().all(|text| text.contains("HEARTBEAT") || text.contains("LEAVE")));
}

#[test]
fn recorded_refusals() {
    let refused = |reason: &str| format!("refused: {reason}");
    for (who, told) in [
        ("D", refused("it wants another key than \"peerjs\" (Invalid key provided): pass it with --key")),
        (
            "E",
            refused(
                "it wants another key than \"peerjs\" (No id, token, or key supplied to websocket server): pass it with --key",
            ),
        ),
    ] {
        assert_eq!(replay(&mut codec(), TRACE, who, wish).told, [&told, "close"]);
    }
    let taken = replay(&mut codec(), TRACE, "C", wish).told;
    assert_eq!(taken[0], "reopen");
}

#[test]
fn a_server_without_room_may_have_some_later() {
    let mut client = Client::open();
    let told = client.hear(r#"{"type":"ERROR","payload":{"msg":"Server has reached its concurrent user limit"}}"#);
    assert!(told[0].starts_with("unreachable, retry true"), "{told:?}");
}

#[test]
fn the_name_and_the_keys_are_in_the_address() {
    let mut join = join("ws://127.0.0.1:9000/myapp/?x=1");
    assert_eq!(
        PeerJsCodec::new(join.clone()).address().as_str(),
        "ws://127.0.0.1:9000/myapp/peerjs?x=1&key=peerjs&id=room1&token=token&version=1.5.5"
    );
    join.url.set_path("/");
    join.key = Some(Secret::new("k&"));
    join.room = RoomId::new("a/b").expect("a good room");
    let address = PeerJsCodec::new(join).address();
    assert_eq!(
        address.as_str(),
        "ws://127.0.0.1:9000/peerjs?x=1&key=k%26&id=ringback-612f62&token=token&version=1.5.5"
    );
}

#[test]
fn a_taken_name_makes_a_guest_and_a_taken_guest_another() {
    let mut client = Client::open();
    assert_eq!(client.name(), "room1");
    let mut names = Vec::new();
    for _ in 0..2 {
        assert_eq!(client.hear(TAKEN), ["Reopen"]);
        names.push(client.name());
        client.codec.on_open(client.now);
        assert!(!client.codec.is_answered());
    }
    assert!(names[0].starts_with("room1-") && names[0] != names[1], "{names:?}");
}

#[test]
fn a_name_that_is_taken_over_with_the_same_token_is_ours_without_a_word() {
    let mut client = Client::open();
    assert_eq!(client.wait(SILENT_CONSENT - MS), Vec::<String>::new());
    assert_eq!(client.wait(MS), [HOST]);
    // Or at once, when something waits for us.
    let mut client = Client::open();
    assert_eq!(client.hear(&offer_of("guest", "mc_1")), [HOST, "offer"]);
    // A server that says no after that was not silent, only slow.
    let told = client.hear(TAKEN);
    assert_eq!(told, ["lost: the server gave our name to somebody else", "Close"]);
}

#[test]
fn a_sign_of_life_goes_out_every_five_seconds() {
    let mut client = Client::host();
    assert_eq!(client.wait(16 * HEARTBEAT), vec![r#"{"type":"HEARTBEAT"}"#; 16]);
    client.want(Command::Leave);
    assert_eq!(client.codec.deadline(), None);
}

#[test]
fn a_host_that_left_meanwhile_is_a_peer_that_left() {
    let mut client = Client::guest();
    assert_eq!(client.describe(Description::offer("v=0")).len(), 1);
    assert_eq!(
        client.hear(&said("EXPIRE", "somebody")),
        ["skipped: the message of type \"EXPIRE\" belongs to another call"]
    );
    assert_eq!(client.hear(&said("EXPIRE", "room1")), ["peer left"]);
    assert!(client.hear(&said("EXPIRE", "room1"))[0].starts_with("skipped"));
}

#[test]
fn a_host_that_does_not_answer_is_a_ghost() {
    let mut client = Client::guest();
    client.describe(Description::offer("v=0"));
    let told = client.wait(ANSWER);
    assert_eq!(told.last().map(String::as_str), Some("peer left"));
    // An answer that comes after that is of no use.
    assert!(client.hear(&answer_of("room1", CONNECTION))[0].starts_with("skipped"));
}

#[test]
fn an_answer_ends_the_wait() {
    let mut client = Client::guest();
    client.describe(Description::offer("v=0"));
    assert_eq!(client.hear(&answer_of("room1", CONNECTION)), ["answer"]);
    let twice = "skipped: the message of type \"ANSWER\" came at a time when it means nothing";
    assert_eq!(client.hear(&answer_of("room1", CONNECTION)), [twice]);
    assert!(client.wait(2 * ANSWER).iter().all(|told| told.contains("HEARTBEAT")));
}

#[test]
fn each_call_has_a_name_of_its_own() {
    let mut client = Client::guest();
    let first = client.describe(Description::offer("v=0"));
    let second = client.describe(Description::offer("v=0"));
    assert_ne!(first, second);
    assert!(client.hear(&answer_of("room1", CONNECTION))[0].starts_with("skipped"), "it answers the first");
}

#[test]
fn a_third_is_turned_away_and_knows_why() {
    let mut host = Client::host();
    assert_eq!(host.hear(&offer_of("one", "mc_1")), ["offer"]);
    let turned_away = host.hear(&offer_of("two", "mc_2"));
    assert_eq!(turned_away[0], r#"{"type":"LEAVE","payload":{"reason":"busy"},"dst":"two"}"#);
    // As the server passes it on.
    let mut third = Client::guest();
    third.describe(Description::offer("v=0"));
    let busy = json!({"type": "LEAVE", "src": "room1", "dst": "two", "payload": {"reason": "busy"}}).to_string();
    assert_eq!(third.hear(&busy), ["room full", "Close"]);
}

#[test]
fn a_guest_that_calls_again_has_forgotten_the_first_call() {
    let mut host = Client::host();
    assert_eq!(host.hear(&offer_of("one", "mc_1")), ["offer"]);
    // Not answered yet: the new offer takes the place of the first.
    assert_eq!(host.hear(&offer_of("one", "mc_2")), ["offer"]);
    let answer = host.describe(Description::answer("v=0"));
    assert!(answer[0].contains("mc_2"), "{answer:?}");
    assert_eq!(host.hear(&offer_of("one", "mc_3")), ["peer left", "offer"]);
    assert!(host.hear(&offer_of("one", "mc_3"))[0].starts_with("skipped"));
}

#[test]
fn who_leaves_tells_the_peer() {
    let mut host = Client::host();
    host.hear(&offer_of("one", "mc_1"));
    assert_eq!(host.want(Command::Leave), [r#"{"type":"LEAVE","dst":"one"}"#, "Close"]);
    assert_eq!(Client::host().want(Command::Leave), ["Close"]);
}

#[test]
fn nobody_calls_a_guest() {
    let mut guest = Client::guest();
    assert_eq!(
        guest.hear(&offer_of("one", "mc_1")),
        ["skipped: the message of type \"OFFER\" belongs to another call"]
    );
}

#[test]
fn candidates_go_out_in_full_and_their_end_not_at_all() {
    let mut host = Client::host();
    host.hear(&offer_of("one", "mc_1"));
    let candidate = Candidate {
        candidate: "candidate:1".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    assert_eq!(
        host.want(Command::Candidate(candidate)),
        [
            r#"{"type":"CANDIDATE","payload":{"candidate":{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":0},"type":"media","connectionId":"mc_1"},"dst":"one"}"#
        ]
    );
    assert_eq!(host.want(Command::Candidate(Candidate::default())), Vec::<String>::new());
}

#[test]
fn malformed_messages_are_skipped_with_what_is_wrong() {
    let long = "x".repeat(1000);
    for (text, error) in [
        ("", ProtocolError::NotJson),
        ("[]", ProtocolError::NotJson),
        ("{}", ProtocolError::NoType),
        (r#"{"type":"X"}"#, ProtocolError::UnknownType("X".to_owned())),
        (r#"{"type":"OFFER"}"#, ProtocolError::Malformed("OFFER")),
        (r#"{"type":"OFFER","src":"a","payload":[]}"#, ProtocolError::Malformed("OFFER")),
        (r#"{"type":"OFFER","src":"a","payload":{"connectionId":"c"}}"#, ProtocolError::Malformed("OFFER")),
        (&offer_of(&long, "c"), ProtocolError::Malformed("OFFER")),
        (&offer_of("a", &long), ProtocolError::Malformed("OFFER")),
        (&offer_of("a", ""), ProtocolError::Malformed("OFFER")),
    ] {
        assert_eq!(Client::host().codec.on_text(Instant::now(), text), Err(error), "{text}");
    }
}

fn any_message() -> impl Strategy<Value = String> {
    let kind =
        prop::sample::select(vec!["OPEN", "ID-TAKEN", "ERROR", "OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE", "x"]);
    let name = || prop::sample::select(vec!["room1", "one", "two", CONNECTION, ""]);
    let sdp = prop_oneof![Just(Value::Null), Just(json!({"sdp": "v=0"})), ".{0,8}".prop_map(Value::from)];
    prop_oneof![
        1 => ".{0,64}",
        4 => (kind, name(), name(), sdp, any::<bool>()).prop_map(|(kind, src, connection, sdp, data)| {
            let payload = json!({
                "connectionId": connection, "sdp": sdp, "candidate": sdp, "msg": sdp,
                "type": if data { "data" } else { "media" },
            });
            json!({"type": kind, "src": src, "payload": payload}).to_string()
        }),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_the_room_is_joined_once_and_nothing_follows_the_end(
        steps in prop::collection::vec((any_message(), 0_u8..8), 0..24)
    ) {
        let mut client = Client::open();
        let (mut joined, mut over) = (false, false);
        for (text, wish) in steps {
            let mut told = client.hear(&text);
            told.extend(match wish {
                0 => client.describe(Description::offer("o")),
                1 => client.describe(Description::answer("a")),
                2 => client.want(Command::Candidate(Candidate { candidate: "c".to_owned(), ..Candidate::default() })),
                3 => client.wait(HEARTBEAT),
                _ => Vec::new(),
            });
            for word in told {
                if over {
                    prop_assert!(word == "Close" || word.starts_with("skipped"), "{} after the end", word);
                }
                if word.starts_with("joined") {
                    prop_assert!(!joined);
                    joined = true;
                }
                over |= ["room full", "refused", "unreachable", "lost"].iter().any(|end| word.starts_with(end));
            }
        }
        prop_assert_eq!(client.codec.is_answered(), joined || over);
    }
}
