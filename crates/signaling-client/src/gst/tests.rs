//! The codec against the recorded server, against a server in memory on which clients meet in every order, and against what a
//! stranger could send.

use call_core::Candidate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replay::{join, replay, words};

const TRACE: &str = include_str!("testdata/sessions.txt");
const PRODUCES: &str = "joined, waits, impolite, 0 ICE servers";
const CONSUMES: &str = "joined, waits, polite, 0 ICE servers";

fn codec() -> GstCodec {
    GstCodec::new(join("ws://127.0.0.1:8443"))
}

fn shown(out: Vec<Out>) -> Vec<String> {
    let show = |out| match out {
        Out::Event(event) => words(&event),
        Out::Send(text) => text,
        other => format!("{other:?}"),
    };
    out.into_iter().map(show).collect()
}

fn hear(codec: &mut GstCodec, message: &Value) -> Vec<String> {
    match codec.on_text(Instant::now(), &message.to_string()) {
        Ok(out) => shown(out),
        Err(error) => vec![format!("skipped: {error}")],
    }
}

fn list(ids: &[&str]) -> Value {
    let producers: Vec<Value> = ids.iter().map(|id| json!({"id": id, "meta": {"name": "room1"}})).collect();
    json!({"type": "list", "producers": producers})
}

fn welcomed(peer: &str) -> GstCodec {
    let mut codec = codec();
    codec.on_open(Instant::now());
    let asked = hear(&mut codec, &json!({"type": "welcome", "peerId": peer}));
    assert_eq!(
        asked,
        [r#"{"type":"setPeerStatus","roles":["listener"],"meta":{"name":"room1"}}"#, r#"{"type":"list"}"#]
    );
    codec
}

/// Alone in the room.
fn producing() -> GstCodec {
    let mut codec = welcomed("m");
    hear(&mut codec, &list(&[]));
    assert_eq!(hear(&mut codec, &list(&["m"])), [PRODUCES]);
    codec
}

/// Has called the producer `p`, and hears the ringing.
fn ringing() -> GstCodec {
    let mut codec = welcomed("m");
    assert_eq!(hear(&mut codec, &list(&["p"])), [r#"{"type":"startSession","peerId":"p"}"#]);
    assert!(!codec.is_answered());
    let none = hear(&mut codec, &json!({"type": "sessionStarted", "peerId": "p", "sessionId": "s"}));
    assert!(none.is_empty() && codec.is_answered());
    codec
}

fn offer() -> Value {
    json!({"type": "peer", "sessionId": "s", "sdp": {"type": "offer", "sdp": "v=0"}})
}

/// What the call of the recorded client wanted when it sent this.
fn wish(text: &str) -> Option<Command> {
    let message: Value = serde_json::from_str(text).ok()?;
    let (sdp, ice) = (&message["sdp"], &message["ice"]);
    match sdp["type"].as_str() {
        Some("offer") => Some(Command::Describe(Description::offer(sdp["sdp"].as_str()?))),
        Some("answer") => Some(Command::Describe(Description::answer(sdp["sdp"].as_str()?))),
        _ if ice.is_object() => Some(Command::Candidate(crate::ice::read_candidate(ice.clone())?)),
        _ => None,
    }
}

/// The messages of these types.
fn of_type(texts: &[String], kinds: &[&str]) -> Vec<Value> {
    let read = |text: &String| serde_json::from_str(text).ok();
    texts
        .iter()
        .filter_map(read)
        .filter(|message: &Value| kinds.contains(&message["type"].as_str().unwrap_or("")))
        .collect()
}

#[test]
fn a_recorded_producer() {
    // The recorded one did not look whether somebody was there.
    let looking = "0.018 P <- {\"type\":\"list\",\"producers\":[]}\n";
    let again = "0.222 P <- {\"type\":\"list\",\"producers\":[]}\n";
    let trace = TRACE.replacen("   0.217 P", &format!("{looking}   0.217 P"), 1).replacen(
        "   0.422 C",
        &format!("{again}   0.422 C"),
        1,
    );
    let replay = replay(&mut codec(), &trace, "P", wish);
    let consumers = "skipped: the message is of the unknown type \"listConsumers\"";
    let stranger = "skipped: the message of type \"startSession\" belongs to another call";
    assert_eq!(
        replay.told,
        [
            PRODUCES,
            "offer wanted",
            "answer",
            "candidate",
            stranger,
            "peer left",
            consumers,
            "offer wanted",
            "lost: cut"
        ]
    );
    assert_eq!(of_type(&replay.sent, &["peer"]), of_type(&replay.recorded, &["peer"]));
    assert_eq!(of_type(&replay.sent, &["setPeerStatus"]).last(), of_type(&replay.recorded, &["setPeerStatus"]).last());
    assert_eq!(of_type(&replay.sent, &["endSession"]).len(), 1, "the second caller is turned away");
}

#[test]
fn a_recorded_consumer() {
    let replay = replay(&mut codec(), TRACE, "C", wish);
    assert_eq!(replay.told[..3], [CONSUMES, "offer", "candidate"]);
    assert!(replay.told[3].starts_with("skipped: the server says \"cannot forward offer from "), "{:?}", replay.told);
    let kinds = ["setPeerStatus", "list", "startSession"];
    assert_eq!(of_type(&replay.sent, &kinds), of_type(&replay.recorded, &kinds)[..3]);
    let peer = of_type(&replay.sent, &["peer"]);
    assert_eq!(peer[0], of_type(&replay.recorded, &["peer"])[0], "the answer");
    // The recorded candidate has members that the server strips, and no offer of a consumer is sent at all.
    let session = "1785e36f-6cc2-478b-b6bc-ae37e6d4a08b";
    let ice = json!({"candidate": "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host", "sdpMLineIndex": 0});
    assert_eq!(peer[1..], [json!({"type": "peer", "sessionId": session, "ice": ice})]);
    assert_eq!(replay.told.last().map(String::as_str), Some("close"));
}

#[test]
fn only_producers_of_the_room_are_called_and_the_first_by_name() {
    let mut codec = welcomed("m");
    let producers = json!([
        {"id": "a", "meta": {"name": "another"}}, {"id": "b", "meta": null}, {"id": "c"}, 7, {"meta": {"name": "room1"}},
        {"id": "m", "meta": {"name": "room1"}}, {"id": "y", "meta": {"name": "room1"}}, {"id": "x", "meta": {"name": "room1"}},
    ]);
    let called = hear(&mut codec, &json!({"type": "list", "producers": producers}));
    assert_eq!(called, [r#"{"type":"startSession","peerId":"x"}"#]);
}

#[test]
fn a_consumer_is_in_the_room_with_the_first_word_of_the_producer() {
    let mut codec = ringing();
    assert_eq!(hear(&mut codec, &offer()), [CONSUMES, "offer"]);
    assert_eq!(codec.deadline(), None);
}

#[test]
fn a_producer_that_ends_at_once_is_in_a_call_already() {
    assert_eq!(hear(&mut ringing(), &json!({"type": "endSession", "sessionId": "s"})), ["room full", "Close"]);
}

#[test]
fn a_dead_producer_is_left_and_its_place_taken() {
    let mut codec = ringing();
    let due = codec.deadline().expect("a bound");
    let out = shown(codec.on_timeout(due));
    assert_eq!(out[0], r#"{"type":"endSession","sessionId":"s"}"#);
    assert_eq!(out.last().map(String::as_str), Some(r#"{"type":"list"}"#));
    assert!(hear(&mut codec, &list(&["p"]))[0].contains("producer"), "it is still listed, and not called again");
    assert_eq!(hear(&mut codec, &list(&["p", "m"])), [PRODUCES]);
}

#[test]
fn a_producer_that_left_meanwhile_is_looked_for_again_but_not_for_ever() {
    let mut codec = welcomed("m");
    let gone = json!({"type": "error", "details": "Peer with ID 'p' not found"});
    for _ in 1..MAX_LOOKS {
        hear(&mut codec, &list(&["p"]));
        assert_eq!(hear(&mut codec, &gone).len(), 2);
    }
    hear(&mut codec, &list(&["p"]));
    let told = hear(&mut codec, &gone);
    assert!(told[0].starts_with("unreachable, retry true"), "{told:?}");
}

#[test]
fn a_consumer_may_bring_its_offer_along() {
    let mut codec = producing();
    let call = json!({"type": "startSession", "peerId": "c", "sessionId": "s", "offer": "v=0"});
    assert_eq!(hear(&mut codec, &call), ["offer"]);
    let answer = shown(codec.on_command(Instant::now(), Command::Describe(Description::answer("v=0"))));
    assert_eq!(answer, [r#"{"type":"peer","sessionId":"s","sdp":{"type":"answer","sdp":"v=0"}}"#]);
}

#[test]
fn who_leaves_ends_the_session() {
    let mut codec = producing();
    hear(&mut codec, &json!({"type": "startSession", "peerId": "c", "sessionId": "s", "offer": null}));
    let left = shown(codec.on_command(Instant::now(), Command::Leave));
    assert_eq!(left, [r#"{"type":"endSession","sessionId":"s"}"#, "Close"]);
    assert_eq!(shown(ringing().on_command(Instant::now(), Command::Leave)).len(), 2);
}

#[test]
fn malformed_messages_are_skipped_with_what_is_wrong() {
    let long = "x".repeat(1000);
    for (message, error) in [
        (json!([]), ProtocolError::NotJson),
        (json!({}), ProtocolError::NoType),
        (json!({"type": "x"}), ProtocolError::UnknownType("x".to_owned())),
        (json!({"type": "startSession"}), ProtocolError::Malformed("startSession")),
        (json!({"type": "startSession", "sessionId": long}), ProtocolError::Malformed("startSession")),
        (json!({"type": "peer", "sessionId": "s"}), ProtocolError::Malformed("peer")),
        (json!({"type": "peer", "sessionId": "s", "sdp": {"type": "x", "sdp": ""}}), ProtocolError::Malformed("peer")),
        (json!({"type": "list"}), ProtocolError::Malformed("list")),
    ] {
        assert_eq!(codec().on_text(Instant::now(), &message.to_string()), Err(error), "{message}");
    }
}

/// The server as far as two clients of one room can tell.
struct Room {
    clients: [GstCodec; 2],
    /// What has not arrived, of each client at the server and of the server at each client.
    up: [std::collections::VecDeque<String>; 2],
    down: [std::collections::VecDeque<String>; 2],
    produces: [bool; 2],
    told: [Vec<String>; 2],
    now: Instant,
}

const NAMES: [&str; 2] = ["a", "b"];

impl Room {
    fn new() -> Self {
        let down = NAMES.map(|name| [json!({"type": "welcome", "peerId": name}).to_string()].into());
        Self {
            clients: [codec(), codec()],
            up: Default::default(),
            down,
            produces: [false; 2],
            told: Default::default(),
            now: Instant::now(),
        }
    }

    fn take(&mut self, who: usize, out: Vec<Out>) {
        for step in out {
            match step {
                Out::Send(text) => self.up[who].push_back(text),
                Out::Event(event) => {
                    self.told[who].push(words(&event));
                    let wanted = match event {
                        SignalingEvent::OfferWanted => Description::offer("o"),
                        SignalingEvent::Description(Description { kind: DescriptionKind::Offer, .. }) => {
                            Description::answer("a")
                        }
                        _ => continue,
                    };
                    let out = self.clients[who].on_command(self.now, Command::Describe(wanted));
                    self.take(who, out);
                }
                other => self.told[who].push(format!("{other:?}")),
            }
        }
    }

    /// The server takes one message of `who`.
    fn serve(&mut self, who: usize) {
        let Some(text) = self.up[who].pop_front() else { return };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let other = 1 - who;
        match message["type"].as_str().expect("a type") {
            "setPeerStatus" => self.produces[who] = message["roles"][0] == "producer",
            "list" => {
                let ids: Vec<&str> = (0..2).filter(|&id| self.produces[id]).map(|id| NAMES[id]).collect();
                self.down[who].push_back(list(&ids).to_string());
            }
            "startSession" if self.produces[other] && message["peerId"] == NAMES[other] => {
                let started = json!({"type": "sessionStarted", "peerId": NAMES[other], "sessionId": NAMES[who]});
                self.down[who].push_back(started.to_string());
                let call = json!({"type": "startSession", "peerId": NAMES[who], "sessionId": NAMES[who]});
                self.down[other].push_back(call.to_string());
            }
            "startSession" => self.down[who].push_back(json!({"type": "error", "details": "not found"}).to_string()),
            "peer" | "endSession" => self.down[other].push_back(text),
            _ => {}
        }
    }

    fn deliver(&mut self, who: usize) {
        if let Some(text) = self.down[who].pop_front() {
            let out = self.clients[who].on_text(self.now, &text).unwrap_or_default();
            self.take(who, out);
        }
    }

    /// Everything that is on the way arrives, and then the next timer acts, until nothing is left.
    fn settle(&mut self) {
        loop {
            while self.up.iter().chain(&self.down).any(|queue| !queue.is_empty()) {
                (0..2).for_each(|who| {
                    self.serve(who);
                    self.deliver(who);
                });
            }
            let due = (0..2).filter_map(|who| Some((self.clients[who].deadline()?, who))).min();
            let Some((due, who)) = due else { return };
            self.now = due;
            let out = self.clients[who].on_timeout(due);
            self.take(who, out);
        }
    }
}

proptest! {
    #[test]
    fn two_that_come_in_any_order_meet(steps in prop::collection::vec((0_usize..2, any::<bool>()), 0..40)) {
        let mut room = Room::new();
        for (who, up) in steps {
            if up { room.serve(who) } else { room.deliver(who) }
        }
        room.settle();
        let mut told = room.told;
        told.sort();
        prop_assert_eq!(told, [vec![PRODUCES, "offer wanted", "answer"], vec![CONSUMES, "offer"]]);
    }

    #[test]
    fn whatever_comes_the_room_is_joined_once_and_nothing_follows_the_end(
        steps in prop::collection::vec((any_message(), 0_u8..8), 0..24)
    ) {
        let mut codec = codec();
        let (mut joined, mut over) = (false, false);
        for (message, wish) in steps {
            let now = Instant::now();
            let mut told = shown(codec.on_text(now, &message).unwrap_or_default());
            told.extend(shown(match wish {
                0 => codec.on_command(now, Command::Describe(Description::offer("o"))),
                1 => codec.on_command(now, Command::Describe(Description::answer("a"))),
                2 => codec.on_command(now, Command::Candidate(Candidate { candidate: "c".to_owned(), ..Candidate::default() })),
                3 => {
                    let due = codec.deadline();
                    let out = due.map(|due| codec.on_timeout(due)).unwrap_or_default();
                    prop_assert!(due.is_none() || codec.deadline() > due || codec.deadline().is_none());
                    out
                }
                _ => Vec::new(),
            }));
            for word in told {
                prop_assert!(!over || word == "Close", "{} after the end", word);
                if word.starts_with("joined") {
                    prop_assert!(!joined);
                    joined = true;
                }
                over |= ["room full", "refused", "unreachable", "lost"].iter().any(|end| word.starts_with(end));
            }
            prop_assert!(codec.dead.len() <= MAX_LOOKS);
        }
        prop_assert!(codec.is_answered() || !joined && !over);
    }
}

fn any_message() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "welcome",
        "list",
        "startSession",
        "sessionStarted",
        "peer",
        "endSession",
        "error",
        "peerStatusChanged",
        "x",
    ]);
    let id = || prop::sample::select(vec!["a", "m", "p"]);
    prop_oneof![
        1 => ".{0,64}",
        6 => (kind, id(), id(), any::<bool>()).prop_map(|(kind, peer, session, sdp)| {
            let sdp = if sdp { json!({"type": "offer", "sdp": "v=0"}) } else { Value::Null };
            json!({
                "type": kind, "peerId": peer, "sessionId": session, "sdp": sdp, "ice": {"candidate": "c"},
                "producers": [{"id": peer, "meta": {"name": "room1"}}],
            })
            .to_string()
        }),
    ]
}
