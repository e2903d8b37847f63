//! The codec against the recorded server, and against what a stranger could send.

use call_core::Candidate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replay::{join, replay, words};

const A: &str = "34470a9e-1129-4bc9-8707-dfe3d5726b8e";
const B: &str = "ccf4524c-a3ac-45bd-96eb-ff75c5e71193";

fn codec() -> MatchboxCodec {
    MatchboxCodec::new(join("ws://127.0.0.1:3536"))
}

/// In the room, with nobody else known.
fn joined() -> MatchboxCodec {
    let mut codec = codec();
    codec.on_open(Instant::now());
    assert_eq!(hear(&mut codec, &json!({ "IdAssigned": A }).to_string()), ["joined, waits, polite, 0 ICE servers"]);
    codec
}

fn hear(codec: &mut MatchboxCodec, text: &str) -> Vec<String> {
    match codec.on_text(Instant::now(), text) {
        Ok(out) => {
            out.iter().map(|out| if let Out::Event(event) = out { words(event) } else { format!("{out:?}") }).collect()
        }
        Err(error) => vec![format!("skipped: {error}")],
    }
}

fn signal(sender: &str, data: Value) -> String {
    json!({ "Signal": { "sender": sender, "data": data } }).to_string()
}

/// What the call of the recorded client wanted when it sent this.
fn wish(text: &str) -> Option<Command> {
    let data = serde_json::from_str::<Value>(text).ok()?.get("Signal")?.get("data")?.clone();
    if let Some(sdp) = data["Offer"].as_str() {
        Some(Command::Describe(Description::offer(sdp)))
    } else if let Some(sdp) = data["Answer"].as_str() {
        Some(Command::Describe(Description::answer(sdp)))
    } else if let Some(json) = data["IceCandidate"].as_str() {
        let candidate = crate::ice::read_candidate(serde_json::from_str(json).expect("recorded JSON"))?;
        Some(Command::Candidate(candidate))
    } else {
        None
    }
}

#[test]
fn the_first_in_the_room_offers_to_the_next_and_ignores_the_third() {
    let replay = replay(&mut codec(), include_str!("testdata/room.txt"), "A", wish);
    let stranger = "skipped: the message of type \"NewPeer\" belongs to another call";
    assert_eq!(
        replay.told,
        ["joined, waits, polite, 0 ICE servers", "offer wanted", "answer", "candidate", stranger, "peer left", "close"]
    );
    assert_eq!(replay.sent[..1], replay.recorded[..1], "the offer, to the byte");
}

#[test]
fn the_second_answers() {
    let replay = replay(&mut codec(), include_str!("testdata/room.txt"), "B", wish);
    let other_data = "skipped: the message is of the unknown type \"x-app\"";
    let stranger = "skipped: the message of type \"NewPeer\" belongs to another call";
    assert_eq!(replay.told, ["joined, waits, polite, 0 ICE servers", "offer", stranger, other_data, "close"]);
    let read = |text: &String| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(read(&replay.sent[0]), read(&replay.recorded[0]), "the answer");
    // The recorded client wrote null for what it did not know; we leave that out.
    let candidate = |text: &String| {
        let json = read(text)["Signal"]["data"]["IceCandidate"].as_str().expect("text").to_owned();
        crate::ice::read_candidate(serde_json::from_str(&json).expect("JSON"))
    };
    assert_eq!(candidate(&replay.sent[1]), candidate(&replay.recorded[1]));
}

#[test]
fn the_third_waits_and_hears_nothing_of_the_others() {
    let replay = replay(&mut codec(), include_str!("testdata/room.txt"), "C", wish);
    assert_eq!(replay.told, ["joined, waits, polite, 0 ICE servers", "lost: cut"]);
    assert!(replay.sent.is_empty());
}

#[test]
fn the_first_of_two_who_offer_is_the_peer() {
    let mut codec = joined();
    assert_eq!(hear(&mut codec, &signal(B, json!({ "Offer": "v=0" }))), ["offer"]);
    let stranger = |kind| [format!("skipped: the message of type \"{kind}\" belongs to another call")];
    assert_eq!(hear(&mut codec, &signal("C", json!({ "Offer": "v=0" }))), stranger("Offer"));
    assert_eq!(hear(&mut codec, &signal("C", json!({ "IceCandidate": "null" }))), stranger("IceCandidate"));
    assert_eq!(hear(&mut codec, &signal(B, json!({ "IceCandidate": "null" }))), ["end of candidates"]);
    // The other one's leaving is no news; after the peer's, the next who comes is the peer.
    assert_eq!(hear(&mut codec, r#"{"PeerLeft":"C"}"#), [""; 0]);
    assert_eq!(hear(&mut codec, &json!({ "PeerLeft": B }).to_string()), ["peer left"]);
    assert_eq!(hear(&mut codec, r#"{"NewPeer":"D"}"#), ["offer wanted"]);
    let out = codec.on_command(Instant::now(), Command::Describe(Description::offer("v=1")));
    assert_eq!(out, [Out::Send(r#"{"Signal":{"receiver":"D","data":{"Offer":"v=1"}}}"#.to_owned())]);
}

#[test]
fn the_third_is_told_that_the_room_is_full() {
    let mut first = joined();
    hear(&mut first, &json!({ "NewPeer": B }).to_string());
    let out = first.on_text(Instant::now(), r#"{"NewPeer":"C"}"#).expect("a good message");
    let [Out::Send(busy), Out::Skipped(ProtocolError::Stranger("NewPeer"))] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!(busy, r#"{"Signal":{"receiver":"C","data":{"Answer":""}}}"#);
    let mut third = joined();
    assert_eq!(hear(&mut third, &signal(A, json!({ "Answer": "" }))), ["room full", "Close"]);
    assert_eq!(third.deadline(), None);
}

#[test]
fn nothing_is_sent_while_nobody_is_there() {
    let mut codec = joined();
    assert!(codec.on_command(Instant::now(), Command::Describe(Description::offer("v=0"))).is_empty());
    assert!(codec.on_command(Instant::now(), Command::Candidate(Candidate::default())).is_empty());
}

#[test]
fn a_candidate_is_json_text_and_null_ends_them() {
    let mut codec = joined();
    hear(&mut codec, &json!({ "NewPeer": B }).to_string());
    let candidate =
        Candidate { candidate: "candidate:1".to_owned(), sdp_m_line_index: Some(0), ..Candidate::default() };
    for (candidate, json) in
        [(candidate, r#"{\"candidate\":\"candidate:1\",\"sdpMLineIndex\":0}"#), (Candidate::default(), "null")]
    {
        let text = format!(r#"{{"Signal":{{"receiver":"{B}","data":{{"IceCandidate":"{json}"}}}}}}"#);
        assert_eq!(codec.on_command(Instant::now(), Command::Candidate(candidate)), [Out::Send(text)]);
    }
}

#[test]
fn a_sign_of_life_goes_out_every_ten_seconds() {
    let mut codec = codec();
    let start = Instant::now();
    assert_eq!(codec.deadline(), None);
    codec.on_open(start);
    for beat in 1..4 {
        let due = start + beat * Duration::from_secs(10);
        assert_eq!(codec.deadline(), Some(due));
        assert!(codec.on_timeout(due - Duration::from_millis(1)).is_empty());
        assert_eq!(codec.on_timeout(due), [Out::Send("\"KeepAlive\"".to_owned())]);
    }
    codec.on_command(start, Command::Leave);
    assert_eq!(codec.deadline(), None);
}

#[test]
fn the_room_is_the_last_part_of_the_path() {
    for (url, room, address) in [
        ("ws://host:3536", "room1", "ws://host:3536/room1"),
        ("ws://host:3536/?next=2", "a/b c", "ws://host:3536/a%2Fb%20c?next=2"),
        ("wss://host/games/", "room1", "wss://host/games/room1"),
    ] {
        let room = call_core::RoomId::new(room).expect("a good name");
        let codec = MatchboxCodec::new(Join { room, ..join(url) });
        assert_eq!(codec.address().as_str(), address);
    }
}

#[test]
fn messages_out_of_shape_are_skipped() {
    let long = "x".repeat(MAX_MESSAGE);
    for text in [
        "",
        "junk",
        "[]",
        "{}",
        "\"KeepAlive\"",
        r#"{"a":1,"b":2}"#,
        r#"{"IdAssigned":7}"#,
        r#"{"Signal":{}}"#,
        r#"{"Signal":{"sender":"x"}}"#,
        r#"{"Signal":{"sender":"x","data":{"Offer":1}}}"#,
        r#"{"Signal":{"sender":"x","data":{"IceCandidate":"{"}}}"#,
        r#"{"IdAssigned":"again"}"#,
        r#"{"NewPeer":""}"#,
        &format!(r#"{{"NewPeer":"{long}"}}"#),
    ] {
        let mut codec = joined();
        assert!(hear(&mut codec, text)[0].starts_with("skipped"), "{}", &text[..text.len().min(60)]);
        assert_eq!(codec.peer, None);
    }
}

/// More than any name.
const MAX_MESSAGE: usize = 10_000;

#[test]
fn an_end_before_the_name_is_a_refusal_and_later_a_loss() {
    let closed = || CloseInfo::Frame { code: 1000, reason: String::new() };
    let event = codec().on_close(closed()).expect("a last word");
    assert!(words(&event).starts_with("refused: it closed the connection before it gave us a name"), "{event:?}");
    let event = joined().on_close(closed()).expect("a last word");
    assert!(words(&event).starts_with("lost: "), "{event:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(texts in proptest::collection::vec(text(), 0..20)) {
        let mut codec = codec();
        codec.on_open(Instant::now());
        for text in texts {
            let _ = codec.on_text(Instant::now(), &text);
            codec.on_command(Instant::now(), Command::Candidate(Candidate::default()));
        }
    }
}

/// Noise, and messages that are almost good.
fn text() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["IdAssigned", "NewPeer", "PeerLeft", "Signal", "Offer", "IceCandidate"]);
    let leaf = prop_oneof![Just(Value::Null), ".{0,8}".prop_map(Value::from), Just(json!("A"))];
    let body = leaf.prop_recursive(3, 8, 2, move |inner| {
        (kind.clone(), inner.clone(), inner).prop_map(|(kind, a, b)| match kind {
            "Signal" => json!({ "Signal": { "sender": a, "data": b } }),
            kind => json!({ kind: a }),
        })
    });
    prop_oneof![".{0,40}", body.prop_map(|value| value.to_string())]
}
