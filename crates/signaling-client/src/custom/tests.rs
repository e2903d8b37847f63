//! Mappings against recorded servers and against what a stranger could send.
//! What is wrong with a mapping file itself is tested beside its reader.

use std::time::Duration;

use call_core::RoomId;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::replay::{Replay, join, replay, words as told};

const GST: &str = include_str!("testdata/gst-simple-server.toml");
const CALL: &str = include_str!("testdata/libdatachannel-call.toml");
const WAIT: &str = include_str!("testdata/libdatachannel-wait.toml");
const STRANGER: &str = "skipped: the message of type \"peer_joined\" belongs to another call";

fn codec(mapping: &str, me: &str, room: &str) -> CustomCodec {
    let mapping = Mapping::parse("test.toml", mapping).expect("a good mapping");
    let room = RoomId::new(room).expect("a good name");
    CustomCodec::new(Join { room, client_id: me.to_owned(), ..join("ws://unused") }, Arc::new(mapping))
}

fn hear(codec: &mut CustomCodec, text: &str) -> Vec<String> {
    match codec.on_text(Instant::now(), text) {
        Ok(out) => show(out),
        Err(error) => vec![format!("skipped: {error}")],
    }
}

fn show(out: Vec<Out>) -> Vec<String> {
    let show = |out| match out {
        Out::Send(text) => text,
        Out::Event(event) => told(&event),
        other => format!("{other:?}"),
    };
    out.into_iter().map(show).collect()
}

/// What the call of the recorded client wanted when it sent this.
fn wish(text: &str) -> Option<Command> {
    let message: Value = serde_json::from_str(&text[text.find('{')?..]).expect("recorded JSON");
    let described = |kind: &Value, sdp: &Value| {
        let sdp = sdp.as_str().expect("text");
        let description = if kind == "offer" { Description::offer(sdp) } else { Description::answer(sdp) };
        Some(Command::Describe(description))
    };
    if let Some(sdp) = message.get("sdp") {
        described(&sdp["type"], &sdp["sdp"])
    } else if let Some(sdp) = message.get("description") {
        described(&message["type"], sdp)
    } else {
        let candidate = message["candidate"].as_str()?.to_owned();
        let sdp_mid = message["mid"].as_str().map(str::to_owned);
        Some(Command::Candidate(Candidate { candidate, sdp_mid, ..Candidate::default() }))
    }
}

/// The same words, with the same JSON behind them.
#[track_caller]
fn assert_same(ours: &[String], recorded: &[String]) {
    let read = |text: &String| {
        let (words, json) = text.split_at(text.find('{').unwrap_or(text.len()));
        (words.to_owned(), serde_json::from_str::<Value>(json).unwrap_or_default())
    };
    assert_eq!(ours.iter().map(read).collect::<Vec<_>>(), recorded.iter().map(read).collect::<Vec<_>>());
}

fn gst(who: &str, recording: &str) -> Replay {
    replay(&mut codec(GST, who, "room1"), recording, who, wish)
}

#[test]
fn a_room_of_the_gst_simple_server() {
    let recording = include_str!("testdata/gst-simple-server.txt");
    let first = gst("p1", recording);
    let offer = "skipped: the message of type \"offer\" belongs to another call";
    let complaint = "skipped: the server says \"peer 'zz' not found\"";
    let lost = "lost: the server closed the connection (code 1000, it gave no reason)";
    assert_eq!(first.told, ["joined, waits, polite, 0 ICE servers", STRANGER, offer, complaint, lost]);
    assert_eq!(first.sent[..2], first.recorded[..2]);
    let second = gst("p2", recording);
    assert_eq!(second.told, ["joined, offers, impolite, 0 ICE servers", STRANGER, "peer left", "close"]);
    let third = gst("p3", recording);
    assert_eq!(third.told, ["room full", "close"]);
    let twin = gst("dup", recording);
    assert_eq!(
        twin.told,
        [
            "refused: it closed the connection before we were in the room (code 1002, \"invalid peer uid\"): check the room name, \
          the key and the mapping file"
        ]
    );
}

#[test]
fn two_in_a_room_of_the_gst_simple_server() {
    // The recorded room as it would be without the second of its three members.
    let recording = include_str!("testdata/gst-simple-server.txt").replace("ROOM_OK p1 p2", "ROOM_OK p1");
    let recording: String =
        recording.lines().filter(|line| !line.contains("p2")).map(|line| format!("{line}\n")).collect();
    let first = gst("p1", &recording);
    assert_eq!(first.told[..2], ["joined, waits, polite, 0 ICE servers", "offer"]);
    assert_same(&first.sent, &first.recorded[..3]);
    let third = gst("p3", &recording);
    assert_eq!(third.told, ["joined, offers, impolite, 0 ICE servers", "answer", "peer left", "close"]);
    assert_same(&third.sent, &third.recorded);
}

#[test]
fn a_call_over_the_server_of_the_libdatachannel_examples() {
    let recording = include_str!("testdata/libdatachannel-example.txt");
    let mut codec_b = codec(CALL, "bob", "alice");
    assert_eq!(codec_b.address().as_str(), "ws://localhost:8000/bob");
    let caller = replay(&mut codec_b, recording, "B", wish);
    assert_eq!(caller.told, ["joined, offers, impolite, 0 ICE servers", "answer", "close"]);
    assert_same(&caller.sent[..2], &caller.recorded[..2]);
    let mut codec_a = codec(WAIT, "anybody", "alice");
    assert_eq!(codec_a.address().as_str(), "ws://localhost:8000/alice");
    // The recorded client answered blindly, a millisecond before the offer came.
    let (sent, mut lines): (Vec<&str>, Vec<&str>) = recording.lines().partition(|line| line.contains(" A -> "));
    let end = lines.iter().position(|line| line.ends_with(" A close()")).expect("the recorded end");
    lines.splice(end..end, sent);
    let called = replay(&mut codec_a, &lines.join("\n"), "A", wish);
    assert_eq!(called.told, ["joined, waits, polite, 0 ICE servers", "offer", "candidate", "close"]);
    assert_same(&called.sent[..1], &called.recorded[..1]);
}

#[test]
fn candidates_with_and_without_the_prefix_of_sdp_are_the_same() {
    let mut codec = codec(CALL, "bob", "alice");
    codec.on_open(Instant::now());
    for text in ["a=candidate:1 1 udp", "candidate:1 1 udp"] {
        let message = json!({ "id": "alice", "type": "candidate", "candidate": text, "mid": "0" }).to_string();
        let out = codec.on_text(Instant::now(), &message).expect("a good message");
        let candidate = "candidate:1 1 udp".to_owned();
        let expected = Candidate { candidate, sdp_mid: Some("0".to_owned()), ..Candidate::default() };
        assert_eq!(out, Out::event(SignalingEvent::Candidate(expected)));
    }
}

/// Ayame as a mapping: what the language can do beside the two that are shipped.
const AYAME: &str = r#"
url = "wss://host/signaling?key={key}"
offers = "newcomer"
keep_alive_seconds = 7

[send]
open = { type = "register", roomId = "{room}", clientId = "{me}", key = "{key}" }
leave = { type = "bye" }
keep_alive = { type = "alive" }

[both]
offer = { type = "offer", sdp = "{sdp}" }
answer = { type = "answer", sdp = "{sdp}" }
candidate = { type = "candidate", ice = { candidate = "{candidate}", sdpMid = "{mid}", sdpMLineIndex = "{index}" } }

[receive]
joined = { type = "accept", isExistClient = "{someone}", iceServers = "{ice_servers}" }
full = { type = "reject", reason = "full" }
refused = { type = "reject", reason = "{reason}" }
peer_left = { type = "bye" }
ignored = [{ type = "notice" }, "noise"]

[[reply]]
to = { type = "ping" }
send = { type = "pong" }
"#;

#[test]
fn ayame_is_a_page_of_mapping() {
    let mut ayame = codec(AYAME, "me", "room1");
    let start = Instant::now();
    assert_eq!(ayame.address().as_str(), "wss://host/signaling?key=");
    assert_eq!(show(ayame.on_open(start)), [r#"{"clientId":"me","roomId":"room1","type":"register"}"#]);
    assert_eq!(hear(&mut ayame, r#"{"type":"ping"}"#), [r#"{"type":"pong"}"#]);
    let servers = r#"[{"urls":"stun:h"},{"urls":7}]"#;
    let accept = format!(r#"{{"type":"accept","isExistClient":true,"iceServers":{servers}}}"#);
    let unusable = format!("{:?}", Out::Skipped(ProtocolError::IceServers(1)));
    assert_eq!(hear(&mut ayame, &accept), [unusable.as_str(), "joined, offers, impolite, 1 ICE servers"]);
    assert_eq!(hear(&mut ayame, r#"{"type":"answer","sdp":"v=0"}"#), ["answer"]);
    assert_eq!(hear(&mut ayame, r#"{"type":"candidate","ice":{"candidate":""}}"#), ["end of candidates"]);
    assert_eq!(hear(&mut ayame, "noise"), [""; 0]);
    assert_eq!(hear(&mut ayame, r#"{"type":"bye"}"#), ["peer left"]);
    assert_eq!(ayame.deadline(), Some(start + Duration::from_secs(7)));
    assert_eq!(show(ayame.on_timeout(start + Duration::from_secs(7))), [r#"{"type":"alive"}"#]);
    assert_eq!(ayame.deadline(), Some(start + Duration::from_secs(14)));
    assert_eq!(show(ayame.on_command(start, Command::Leave)), [r#"{"type":"bye"}"#, "Close"]);
    for (reason, expected) in [("full", "room full"), ("no\u{7} key", "refused: no key")] {
        let reject = json!({ "type": "reject", "reason": reason }).to_string();
        assert_eq!(hear(&mut codec(AYAME, "me", "room1"), &reject), [expected, "Close"]);
    }
}

#[test]
fn names_from_the_server_and_echoes_of_our_own_messages() {
    let text = r#"
        url = "wss://host"
        offers = "member"
        [send]
        offer = { line = "42{json}", json = ["say", { to = "{peer}", from = "{me}", sdp = "{sdp}" }] }
        answer = { from = "{me}", answer = "{sdp}" }
        [receive]
        joined = { hello = "{me}", others = "{others}" }
        peer_joined = { came = "{peer}", room = "{room}" }
        offer = { line = "42{json}", json = ["say", { to = "{me}", from = "{peer}", sdp = "{sdp}" }] }
        answer = { from = "{peer}", answer = "{sdp}" }
    "#;
    let mut codec = codec(text, "me", "room1");
    let capabilities = |out: &[Out]| match out {
        [Out::Event(SignalingEvent::Joined { capabilities, .. })] => *capabilities,
        other => panic!("{other:?}"),
    };
    let out = codec.on_text(Instant::now(), r#"{"hello":7,"others":[7]}"#).expect("a good message");
    let capabilities = capabilities(&out);
    assert!(!capabilities.trickle && !capabilities.presence && !capabilities.renegotiation && !capabilities.server_ice);
    assert_eq!(
        told(&match out.into_iter().next() {
            Some(Out::Event(event)) => event,
            other => panic!("{other:?}"),
        }),
        "joined, waits, impolite, 0 ICE servers"
    );
    // Another room, ourselves, and at last somebody.
    assert_eq!(hear(&mut codec, r#"{"came":8,"room":"room2"}"#), ["skipped: the message does not say its type"]);
    assert_eq!(hear(&mut codec, r#"{"came":7,"room":"room1"}"#), [""; 0]);
    assert_eq!(hear(&mut codec, r#"{"came":8,"room":"room1"}"#), ["offer wanted"]);
    let offer = Command::Describe(Description::offer("v=0"));
    assert_eq!(show(codec.on_command(Instant::now(), offer)), [r#"42["say",{"from":7,"sdp":"v=0","to":8}]"#]);
    assert_eq!(hear(&mut codec, r#"{"from":7,"answer":"v=0"}"#), [""; 0]);
    assert_eq!(hear(&mut codec, r#"{"from":8,"answer":"v=0"}"#), ["answer"]);
    assert_eq!(
        hear(&mut codec, r#"42["say",{"to":9,"from":8,"sdp":"v=0"}]"#),
        ["skipped: the message does not say its type"]
    );
    assert_eq!(hear(&mut codec, r#"42["say",{"to":7,"from":8,"sdp":"v=0"}]"#), ["offer"]);
}

#[test]
fn nothing_is_sent_to_nobody() {
    let mut codec = codec(GST, "me", "room1");
    codec.on_open(Instant::now());
    let offer = || Command::Describe(Description::offer("v=0"));
    assert!(codec.on_command(Instant::now(), offer()).is_empty());
    hear(&mut codec, "ROOM_OK ");
    assert!(codec.on_command(Instant::now(), offer()).is_empty());
}

#[test]
fn debug_output_tells_neither_key_nor_mapping() {
    let mapping = Mapping::parse("test.toml", &AYAME.replace("/signaling", "/swordfish")).expect("a good mapping");
    let codec = CustomCodec::new(Join { key: Some("open sesame".into()), ..join("ws://unused") }, Arc::new(mapping));
    assert_eq!(codec.address().as_str(), "wss://host/swordfish?key=open%20sesame");
    let shown = format!("{codec:?}");
    assert!(!shown.contains("swordfish") && !shown.contains("sesame"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(texts in proptest::collection::vec(text(), 0..20), which in 0..3usize) {
        let mut codec = codec([GST, CALL, AYAME][which], "me", "room1");
        codec.on_open(Instant::now());
        for text in texts {
            let _ = codec.on_text(Instant::now(), &text);
            codec.on_command(Instant::now(), Command::Describe(Description::offer("v=0")));
        }
    }

    #[test]
    fn the_address_is_a_url_whatever_the_names(me in ".{1,20}", room in "[^\\p{C}\\s]{1,20}") {
        for url in ["ws://h/{me}/{room}?k={key}", "wss://h:1/x#", "ws://h/%{me}"] {
            let text = CALL.replacen("ws://localhost:8000/{me}", url, 1);
            let Ok(mapping) = Mapping::parse("test.toml", &text) else { continue };
            let Ok(room) = RoomId::new(&room) else { continue };
            let join = Join { room, client_id: me.clone(), key: Some(me.as_str().into()), ..join("ws://unused") };
            let address = CustomCodec::new(join, Arc::new(mapping)).address();
            prop_assert_eq!(address.host_str(), Some("h"));
        }
    }
}

/// Noise, and messages that are almost good.
fn text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["p1", "p2", "me", ""]);
    let line = prop::sample::select(vec![
        "HELLO",
        "ROOM_OK ",
        "ROOM_PEER_JOINED ",
        "ROOM_PEER_LEFT ",
        "ROOM_PEER_MSG ",
        "ERROR ",
    ]);
    let kind = prop::sample::select(vec!["accept", "reject", "offer", "answer", "candidate", "bye", "ping"]);
    let value = prop_oneof![Just(json!(null)), Just(json!("x")), Just(json!(7)), Just(json!({ "candidate": "c" }))];
    let message = (kind, value.clone(), value, any::<bool>()).prop_map(|(kind, a, b, flag)| {
        json!({ "type": kind, "id": a, "sdp": a, "ice": b, "description": a, "candidate": b, "isExistClient": flag, "reason": b })
    });
    prop_oneof![
        ".{0,40}",
        (line, name).prop_map(|(line, name)| format!("{line}{name}")),
        message.prop_map(|message| message.to_string()),
    ]
}
