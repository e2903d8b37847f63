//! The codec against the recorded server, and against what a stranger could send.

use call_core::{Candidate, Description, Secret};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replay::{join, replay, words};

const OPEN: &str = r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

fn codec() -> MiroTalkCodec {
    MiroTalkCodec::new(join("ws://127.0.0.1:3100"))
}

/// Has asked for the room.
fn joining(key: Option<&str>) -> MiroTalkCodec {
    let mut codec = MiroTalkCodec::new(Join { key: key.map(Secret::new), ..join("ws://127.0.0.1:3100") });
    codec.on_open(Instant::now());
    assert_eq!(hear(&mut codec, OPEN), ["Send(2 bytes)"]);
    hear(&mut codec, r#"40{"sid":"me"}"#);
    assert_eq!(codec.state, State::Joining);
    codec
}

fn hear(codec: &mut MiroTalkCodec, text: &str) -> Vec<String> {
    match codec.on_text(Instant::now(), text) {
        Ok(out) => {
            out.iter().map(|out| if let Out::Event(event) = out { words(event) } else { format!("{out:?}") }).collect()
        }
        Err(error) => vec![format!("skipped: {error}")],
    }
}

fn event(name: &str, argument: Value) -> String {
    format!("42{}", json!([name, argument]))
}

fn add_peer(id: &str, offers: bool, browser: &str) -> String {
    let servers = json!([{ "urls": "stun:h" }, { "urls": ["turn:h"], "username": "u", "credential": "c" }]);
    let peers = json!({ id: { "browser": browser } });
    event("addPeer", json!({ "peer_id": id, "peers": peers, "should_create_offer": offers, "iceServers": servers }))
}

/// What the call of the recorded client wanted when it sent this.
fn wish(text: &str) -> Option<Command> {
    let event: Value = serde_json::from_str(text.strip_prefix("42")?).expect("recorded JSON");
    let description = &event[1]["session_description"];
    match event[0].as_str() {
        Some("relaySDP") => {
            let sdp = description["sdp"].as_str().expect("text");
            let description =
                if description["type"] == "offer" { Description::offer(sdp) } else { Description::answer(sdp) };
            Some(Command::Describe(description))
        }
        Some("relayICE") => crate::ice::read_candidate(event[1]["ice_candidate"].clone()).map(Command::Candidate),
        _ => None,
    }
}

/// Frames that mean the same, whatever the white space and the order of members.
#[track_caller]
fn assert_same(ours: &[String], recorded: &[String]) {
    let read = |text: &String| match text.strip_prefix("42") {
        Some(json) => {
            let mut event: Value = serde_json::from_str(json).expect("JSON");
            if event[0] == "join" {
                let request = event[1].as_object_mut().expect("an object");
                // Who and what each client is, and a member that the server does not read.
                for name in ["peer_name", "peer_uuid", "peer_info", "join_data_time"] {
                    request.remove(name);
                }
            }
            event
        }
        None => Value::from(text.as_str()),
    };
    assert_eq!(ours.iter().map(read).collect::<Vec<_>>(), recorded.iter().map(read).collect::<Vec<_>>());
}

#[test]
fn the_first_in_the_room_waits_and_answers() {
    let replay = replay(&mut codec(), include_str!("testdata/room.txt"), "A", wish);
    assert_eq!(replay.told, ["joined, waits, impolite, 0 ICE servers", "offer", "peer left", "close"]);
    assert_same(&replay.sent, &replay.recorded);
}

#[test]
fn the_second_offers_with_the_servers_that_it_was_told() {
    let replay = replay(&mut codec(), include_str!("testdata/room.txt"), "B", wish);
    assert_eq!(replay.told, ["joined, offers, impolite, 2 ICE servers", "answer", "candidate", "close"]);
    assert_same(&replay.sent, &replay.recorded);
}

#[test]
fn the_join_request_is_complete() {
    let mut codec = MiroTalkCodec::new(Join { key: Some("open sesame".into()), ..join("ws://host") });
    codec.on_text(Instant::now(), OPEN).expect("a good frame");
    let out = codec.on_text(Instant::now(), r#"40{"sid":"me"}"#).expect("a good frame");
    let [Out::Send(text)] = out.as_slice() else { panic!("{out:?}") };
    let event: Value = serde_json::from_str(text.strip_prefix("42").expect("an event")).expect("JSON");
    let expected = json!(["join", {
        "channel": "room1", "channel_password": "open sesame", "peer_uuid": "me", "peer_name": "ringback 3c469e9d", "peer_avatar": "",
        "peer_token": false, "peer_video": true, "peer_audio": true, "peer_video_status": true,
        "peer_audio_status": true, "peer_screen_status": false, "peer_hand_status": false, "peer_rec_status": false,
        "peer_privacy_status": false, "peer_info": {
            "osName": std::env::consts::OS, "osVersion": "", "browserName": "ringback", "browserVersion": "1.2.3",
        },
    }]);
    assert_eq!(event, expected);
    assert!(!format!("{codec:?}").contains("sesame"));
}

#[test]
fn toward_another_of_ours_the_newcomer_yields() {
    for (browser, joined) in [
        ("Chrome 130", "joined, offers, impolite, 2 ICE servers"),
        ("ringback 0.9", "joined, offers, polite, 2 ICE servers"),
    ] {
        assert_eq!(hear(&mut joining(None), &add_peer("X", true, browser)), [joined]);
    }
}

#[test]
fn our_own_ghost_is_nobody() {
    let mut codec = joining(None);
    let ghost = json!({ "peer_name": codec.name, "browser": "ringback 1.2.3" });
    let namesake = json!({ "peer_name": codec.name, "browser": "Chrome 130" });
    let add = |id: &str, member: &Value| {
        event("addPeer", json!({ "peer_id": id, "peers": { id: member }, "should_create_offer": true }))
    };
    assert_eq!(hear(&mut codec, &add("X", &ghost)), [""; 0]);
    assert_eq!(hear(&mut codec, &add("Y", &namesake)), ["joined, offers, impolite, 0 ICE servers"]);
}

#[test]
fn the_first_other_member_is_the_peer() {
    let mut codec = joining(None);
    hear(&mut codec, &add_peer("X", true, "Chrome 130"));
    let stranger = |kind| [format!("skipped: the message of type \"{kind}\" belongs to another call")];
    assert_eq!(hear(&mut codec, &add_peer("Y", true, "Chrome 130")), stranger("addPeer"));
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    let described = |id| event("sessionDescription", json!({ "peer_id": id, "session_description": offer }));
    assert_eq!(hear(&mut codec, &described("Y")), stranger("sessionDescription"));
    assert_eq!(hear(&mut codec, &described("X")), ["offer"]);
    assert_eq!(hear(&mut codec, &event("removePeer", json!({ "peer_id": "Y" }))), [""; 0]);
    assert_eq!(hear(&mut codec, &event("removePeer", json!({ "peer_id": "X" }))), ["peer left"]);
    assert!(codec.on_command(Instant::now(), Command::Describe(Description::offer("v=0"))).is_empty());
    // The server can ask either side to offer.
    assert_eq!(hear(&mut codec, &add_peer("Z", true, "Chrome 130")), ["offer wanted"]);
}

#[test]
fn refusals_say_what_to_do() {
    for (name, key, reason) in [
        ("unauthorized", None, "it lets only people in who signed in on its page (unauthorized)"),
        ("roomIsLocked", None, "the room is locked: pass its password with --key"),
        ("roomIsLocked", Some("k"), "the room is locked, and its password is another one: check --key"),
        ("roomIsJoinLocked", None, "the room takes nobody in at the moment: ask who is in it to unlock it"),
    ] {
        let mut codec = joining(key);
        assert_eq!(hear(&mut codec, &format!("42[\"{name}\"]")), [format!("refused: {reason}"), "Close".to_owned()]);
        assert!(codec.is_answered() && codec.deadline().is_none());
    }
    let mut codec = codec();
    hear(&mut codec, OPEN);
    assert_eq!(hear(&mut codec, r#"44{"message":"no\u001b"}"#), ["refused: it does not let us in (no)", "Close"]);
}

#[test]
fn pings_are_answered_and_a_silent_server_is_given_up() {
    let mut codec = codec();
    let start = Instant::now();
    assert_eq!(codec.deadline(), None);
    codec.on_text(start, OPEN).expect("a good frame");
    let later = start + Duration::from_secs(25);
    assert_eq!(codec.on_text(later, "2"), Ok(vec![Out::Send("3".to_owned())]));
    let dead = later + Duration::from_secs(45);
    assert_eq!(codec.deadline(), Some(dead));
    assert!(codec.on_timeout(dead - Duration::from_millis(1)).is_empty());
    let reason = "the server has been silent for 45s".to_owned();
    let last = SignalingEvent::Unreachable { reason, retry: true };
    assert_eq!(codec.on_timeout(dead), [Out::Event(last), Out::Close]);
    assert_eq!(codec.deadline(), None);
}

#[test]
fn a_session_that_the_server_ends_is_lost() {
    let mut codec = joining(None);
    hear(&mut codec, &event("serverInfo", json!({})));
    assert_eq!(hear(&mut codec, "41"), ["lost: the server ended the conversation", "Close"]);
    assert_eq!(codec.on_close(CloseInfo::Broken("cut".to_owned())), None);
}

#[test]
fn chat_and_moderation_are_no_part_of_a_call() {
    let mut codec = joining(None);
    for name in ["message", "peerStatus", "whiteboardAction"] {
        assert_eq!(hear(&mut codec, &event(name, json!({ "peer_id": "X" }))), [""; 0]);
    }
    assert_eq!(codec.state, State::Joining);
}

#[test]
fn the_socket_is_below_the_path_of_the_url() {
    for (url, address) in [
        ("wss://host", "wss://host/socket.io/?EIO=4&transport=websocket"),
        ("ws://host:3000/talk/?x=1", "ws://host:3000/talk/socket.io/?EIO=4&transport=websocket"),
    ] {
        assert_eq!(MiroTalkCodec::new(join(url)).address().as_str(), address);
    }
}

#[test]
fn messages_out_of_shape_are_skipped() {
    for text in [
        "",
        "junk",
        "42",
        "42{}",
        "42[]",
        "0{}",
        "40{}",
        r#"42["addPeer"]"#,
        r#"42["addPeer",{"peer_id":7}]"#,
        r#"42["addPeer",{"peer_id":"","should_create_offer":true}]"#,
        r#"42["sessionDescription",{"peer_id":"X","session_description":{"type":"pranswer","sdp":""}}]"#,
        r#"42["iceCandidate",{"peer_id":"X","ice_candidate":7}]"#,
        r#"42["removePeer",[]]"#,
        r#"42["iceCandidate",{"peer_id":"X","ice_candidate":null}]"#,
    ] {
        let mut codec = joining(None);
        assert!(hear(&mut codec, text)[0].starts_with("skipped"), "{text}");
        assert_eq!(codec.state, State::Joining);
    }
}

#[test]
fn an_empty_candidate_is_not_sent() {
    let mut codec = joining(None);
    hear(&mut codec, &add_peer("X", true, "Chrome 130"));
    assert!(codec.on_command(Instant::now(), Command::Candidate(Candidate::default())).is_empty());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(texts in proptest::collection::vec(text(), 0..20), opened: bool) {
        let mut codec = if opened { joining(None) } else { codec() };
        for text in texts {
            let _ = codec.on_text(Instant::now(), &text);
            codec.on_command(Instant::now(), Command::Describe(Description::offer("v=0")));
        }
    }
}

/// Noise, and frames that are almost good.
fn text() -> impl Strategy<Value = String> {
    let names = ["serverInfo", "addPeer", "removePeer", "sessionDescription", "iceCandidate", "roomIsLocked"];
    let id = prop_oneof![Just(json!("X")), Just(json!("Y")), Just(Value::Null)];
    let inner =
        prop_oneof![Just(json!({ "type": "offer", "sdp": "" })), Just(json!({ "candidate": "c" })), Just(json!(7))];
    let frame = (prop::sample::select(names.to_vec()), id, inner, any::<bool>()).prop_map(|(name, id, inner, flag)| {
        event(name, json!({
            "peer_id": id, "session_description": inner, "ice_candidate": inner, "should_create_offer": flag, "iceServers": inner,
        }))
    });
    prop_oneof!["[0-9]{0,3}.{0,20}", Just(OPEN.to_owned()), Just("40{}".to_owned()), frame]
}
