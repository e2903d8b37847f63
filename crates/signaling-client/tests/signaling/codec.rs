//! The codec against what the recordings do not hold: wrong types, wrong times, hostile sizes and plain noise.

use std::time::Instant;

use call_core::{Candidate, Description, DescriptionKind, IceServer, Reject, RoomId, Secret, SignalingEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use signaling_client::{AyameCodec, CloseInfo, Codec, Command, Join, Out, ProtocolError, Url};

fn codec(key: Option<&str>) -> AyameCodec {
    AyameCodec::new(Join {
        room: RoomId::new("kitchen").expect("a good name"),
        client_id: "alice".to_owned(),
        key: key.map(Secret::new),
        agent: "ringback 1.2.3".to_owned(),
        url: Url::parse("ws://host/signaling").expect("a URL"),
        token: Secret::new("token"),
        seed: 1,
    })
}

fn joined() -> AyameCodec {
    let mut codec = codec(None);
    codec.on_text(Instant::now(), r#"{"type":"accept","isExistClient":true}"#).expect("a good accept");
    codec
}

#[track_caller]
fn only_event(out: Result<Vec<Out>, ProtocolError>) -> SignalingEvent {
    match out.expect("a good message").as_slice() {
        [Out::Event(event)] => event.clone(),
        other => panic!("not one event: {other:?}"),
    }
}

fn sent(out: Vec<Out>) -> Vec<String> {
    out.into_iter()
        .map(|step| match step {
            Out::Send(text) => text,
            other => panic!("not sent: {other:?}"),
        })
        .collect()
}

#[test]
fn register_is_ayame_and_asks_for_fresh_credentials() {
    assert_eq!(
        sent(codec(None).on_open(Instant::now())),
        [
            r#"{"type":"register","roomId":"kitchen","clientId":"alice","ayameClient":"ringback 1.2.3","renewIceServers":true}"#
        ]
    );
    assert_eq!(
        sent(codec(Some("k")).on_open(Instant::now())),
        [
            r#"{"type":"register","roomId":"kitchen","clientId":"alice","key":"k","signalingKey":"k","ayameClient":"ringback 1.2.3","renewIceServers":true}"#
        ]
    );
}

#[test]
fn debug_output_tells_neither_key_nor_sdp() {
    let mut codec = codec(Some("open sesame"));
    let shown = format!("{codec:?} {:?}", codec.on_open(Instant::now()));
    assert!(!shown.contains("sesame"), "{shown}");
    let mut codec = joined();
    let shown = format!("{:?}", codec.on_text(Instant::now(), r#"{"type":"offer","sdp":"v=0 secret"}"#));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn fresh_credentials_are_told_in_the_room_only() {
    let fresh = r#"{"type":"iceServers","iceServers":[{"urls":["turn:host"],"username":"u","credential":"c"}]}"#;
    let expected = IceServer {
        urls: vec!["turn:host".to_owned()],
        username: Some("u".to_owned()),
        credential: Some(Secret::new("c")),
    };
    let mut codec = joined();
    let event = only_event(codec.on_text(Instant::now(), fresh));
    assert_eq!(event, SignalingEvent::IceServers(vec![expected]));
    let early = self::codec(None).on_text(Instant::now(), fresh);
    assert!(matches!(early, Err(ProtocolError::Unexpected("iceServers"))));
    let without = joined().on_text(Instant::now(), r#"{"type":"iceServers"}"#);
    assert!(matches!(without, Err(ProtocolError::Malformed("iceServers"))));
}

#[test]
fn both_names_of_the_flag_that_somebody_is_there_are_read() {
    for (flags, offers_first) in [
        (json!({"isExistClient": true}), true),
        (json!({"isExistUser": true}), true),
        (json!({"isExistClient": false, "isExistUser": false}), false),
    ] {
        let mut accept = flags;
        accept["type"] = "accept".into();
        let event = only_event(codec(None).on_text(Instant::now(), &accept.to_string()));
        let SignalingEvent::Joined { role, ice_servers, .. } = event else { panic!("{event:?}") };
        assert_eq!((role.offers_first, role.polite), (offers_first, !offers_first));
        assert!(ice_servers.is_empty());
    }
}

#[test]
fn bad_ice_servers_are_left_out_and_the_rest_is_used() {
    let accept = json!({"type": "accept", "isExistClient": false, "iceServers": [
        {"urls": "stun:one"}, {"urls": []}, {"urls": 7}, "stun:two", null, {"urls": ["turn:three"], "username": null},
    ]});
    let out = codec(None).on_text(Instant::now(), &accept.to_string()).expect("a good accept");
    let [Out::Skipped(ProtocolError::IceServers(4)), Out::Event(SignalingEvent::Joined { ice_servers, .. })] =
        out.as_slice()
    else {
        panic!("{out:?}")
    };
    assert_eq!(
        ice_servers.iter().map(|server| server.urls[0].as_str()).collect::<Vec<_>>(),
        ["stun:one", "turn:three"]
    );
}

#[test]
fn a_flood_of_ice_servers_is_cut() {
    let many = vec![json!({"urls": vec!["stun:host"; 100]}); 1000];
    let accept = json!({"type": "accept", "isExistClient": false, "iceServers": many});
    let out = codec(None).on_text(Instant::now(), &accept.to_string()).expect("a good accept");
    let Some(Out::Event(SignalingEvent::Joined { ice_servers, .. })) = out.last() else { panic!("{out:?}") };
    assert_eq!((ice_servers.len(), ice_servers[0].urls.len()), (16, 8));
}

#[test]
fn candidates_are_read_in_every_form_that_clients_send() {
    let full = Candidate {
        candidate: "candidate:1 1 udp 1 h 9 typ host".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("x".to_owned()),
    };
    let bare = Candidate { candidate: full.candidate.clone(), ..Candidate::default() };
    for (ice, expected) in [
        (json!({"candidate": full.candidate, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "x"}), &full),
        (json!({"candidate": full.candidate, "sdpMid": null, "sdpMLineIndex": null}), &bare),
        (json!({"candidate": format!("a={}", full.candidate)}), &bare),
        (json!({"candidate": "", "sdpMid": null}), &Candidate::default()),
        (json!({"candidate": null}), &Candidate::default()),
        (json!(null), &Candidate::default()),
    ] {
        let message = json!({"type": "candidate", "ice": ice}).to_string();
        let SignalingEvent::Candidate(read) = only_event(joined().on_text(Instant::now(), &message)) else {
            panic!("{message}")
        };
        // Candidates compare whole but print nothing, hence no assert_eq.
        assert!(read == *expected, "{message}");
    }
}

#[test]
fn malformed_messages_are_errors_of_their_kind() {
    use ProtocolError::{Malformed, NoType, NotJson, Unexpected, UnknownType};
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, error) in [
        ("", NotJson),
        ("null", NotJson),
        ("\"offer\"", NotJson),
        ("[\"bye\"]", NotJson),
        ("{\"type\":\"ping\"", NotJson),
        ("{\"type\":\"ping\"} {}", NotJson),
        (deep.as_str(), NotJson),
        ("{}", NoType),
        ("{\"type\":null}", NoType),
        ("{\"type\":{\"type\":\"ping\"}}", NoType),
        ("{\"type\":\"ping\",\"type\":\"bye\"}", NoType),
        ("{\"type\":\"x-custom\"}", UnknownType("x-custom".to_owned())),
        ("{\"type\":\"\\u001b[2J\"}", UnknownType("[2J".to_owned())),
        ("{\"type\":\"offer\"}", Malformed("offer")),
        ("{\"type\":\"offer\",\"sdp\":7}", Malformed("offer")),
        ("{\"type\":\"answer\",\"sdp\":null}", Malformed("answer")),
        ("{\"type\":\"candidate\"}", Malformed("candidate")),
        ("{\"type\":\"candidate\",\"ice\":\"x\"}", Malformed("candidate")),
        ("{\"type\":\"candidate\",\"ice\":{\"candidate\":1}}", Malformed("candidate")),
        ("{\"type\":\"candidate\",\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":-1}}", Malformed("candidate")),
        ("{\"type\":\"candidate\",\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":70000}}", Malformed("candidate")),
        ("{\"type\":\"accept\",\"isExistClient\":false}", Unexpected("accept")),
        ("{\"type\":\"reject\",\"reason\":\"full\"}", Unexpected("reject")),
    ] {
        let start: String = text.chars().take(60).collect();
        assert_eq!(joined().on_text(Instant::now(), text).expect_err(&start), error, "{start}");
    }
    for text in ["{\"type\":\"accept\"}", "{\"type\":\"accept\",\"isExistClient\":\"yes\"}"] {
        assert_eq!(codec(None).on_text(Instant::now(), text), Err(Malformed("accept")));
    }
    let nested = format!("{{\"type\":\"accept\",\"isExistClient\":false,\"iceServers\":{deep}}}");
    assert_eq!(codec(None).on_text(Instant::now(), &nested), Err(Malformed("accept")));
}

#[test]
fn before_the_room_is_joined_nothing_of_a_peer_is_believed_and_nothing_is_sent_to_one() {
    let mut codec = codec(None);
    for kind in ["offer", "answer", "bye"] {
        let text = json!({"type": kind, "sdp": "v=0"}).to_string();
        assert!(matches!(codec.on_text(Instant::now(), &text), Err(ProtocolError::Unexpected(named)) if named == kind));
    }
    assert_eq!(codec.on_command(Instant::now(), Command::Describe(Description::offer("v=0"))), []);
    assert_eq!(
        sent(codec.on_text(Instant::now(), "{\"type\":\"ping\"}").expect("pings are answered early")),
        [r#"{"type":"pong"}"#]
    );
}

#[test]
fn what_ayame_has_no_word_for_is_not_sent() {
    let mut codec = joined();
    let rollback = Description { kind: DescriptionKind::Rollback, sdp: String::new() };
    assert_eq!(codec.on_command(Instant::now(), Command::Describe(rollback)), []);
    assert_eq!(codec.on_command(Instant::now(), Command::Candidate(Candidate::default())), []);
    assert_eq!(codec.on_command(Instant::now(), Command::Leave), [Out::Close]);
    assert_eq!(codec.on_command(Instant::now(), Command::Leave), []);
    assert_eq!(codec.on_text(Instant::now(), "{\"type\":\"bye\"}"), Ok(vec![]));
    assert_eq!(codec.on_close(CloseInfo::Frame { code: 1000, reason: String::new() }), None);
}

#[test]
fn rejections_say_what_to_do() {
    let refused = |text: &str| SignalingEvent::Rejected(Reject::Refused(text.to_owned()));
    for (key, reason, expected) in [
        (None, json!("full"), SignalingEvent::Rejected(Reject::RoomFull)),
        (
            None,
            json!("InvalidSignalingKey"),
            refused("it wants a signaling key (InvalidSignalingKey): pass it with --key"),
        ),
        (
            Some("k"),
            json!("InvalidSignalingKey"),
            refused("it does not accept the signaling key (InvalidSignalingKey): check --key"),
        ),
        (None, json!("InternalServerError"), refused("InternalServerError")),
        (None, json!("no\u{1b}[31m\nway"), refused("no[31mway")),
        (None, json!(null), refused("it gave no reason")),
    ] {
        let out = codec(key).on_text(Instant::now(), &json!({"type": "reject", "reason": reason}).to_string());
        assert_eq!(out, Ok(vec![Out::Event(expected), Out::Close]));
    }
}

#[test]
fn a_close_before_the_answer_is_a_refusal_unless_the_server_blames_itself() {
    let close = |code, reason: &str| codec(None).on_close(CloseInfo::Frame { code, reason: reason.to_owned() });
    assert!(matches!(close(1000, ""), Some(SignalingEvent::Rejected(Reject::Refused(_)))));
    assert!(
        matches!(close(1008, "origin"), Some(SignalingEvent::Rejected(Reject::Refused(why))) if why.contains("\"origin\""))
    );
    for code in [1001, 1011, 1012, 1013] {
        assert!(matches!(close(code, ""), Some(SignalingEvent::Unreachable { retry: true, .. })), "{code}");
    }
    let cut = codec(None).on_close(CloseInfo::Broken("cut".to_owned()));
    assert_eq!(cut, Some(SignalingEvent::Unreachable { reason: "cut".to_owned(), retry: true }));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("sdp".to_owned()),
            Just("ice".to_owned()),
            Just("iceServers".to_owned()),
            Just("urls".to_owned()),
            Just("candidate".to_owned()),
            Just("sdpMLineIndex".to_owned()),
            Just("isExistClient".to_owned()),
            Just("reason".to_owned()),
            ".{0,8}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_message() -> impl Strategy<Value = String> {
    let kind =
        prop::sample::select(vec!["accept", "reject", "offer", "answer", "candidate", "ping", "bye", "register", "x"]);
    prop_oneof![
        ".{0,64}",
        any_json().prop_map(|value| value.to_string()),
        (kind, any_json(), any_json(), any_json()).prop_map(|(kind, sdp, ice, flag)| {
            json!({"type": kind, "sdp": sdp, "ice": ice, "isExistClient": flag, "iceServers": ice, "reason": sdp})
                .to_string()
        }),
    ]
}

proptest! {
    #[test]
    fn no_message_panics_and_joining_happens_once(messages in prop::collection::vec(any_message(), 0..12)) {
        let mut codec = codec(None);
        let mut answers = 0;
        for message in &messages {
            for step in codec.on_text(Instant::now(), message).unwrap_or_default() {
                if let Out::Event(SignalingEvent::Joined { .. } | SignalingEvent::Rejected(_)) = step {
                    answers += 1;
                }
            }
        }
        prop_assert!(answers <= 1);
        prop_assert_eq!(codec.is_answered(), answers == 1);
    }

    #[test]
    fn what_we_send_is_read_back_the_same(sdp in any::<String>(), mid in any::<Option<String>>(), index in any::<Option<u16>>()) {
        let mut codec = joined();
        let offer = Description::offer(sdp.clone());
        let text = sent(codec.on_command(Instant::now(), Command::Describe(offer.clone()))).remove(0);
        prop_assert_eq!(only_event(codec.on_text(Instant::now(), &text)), SignalingEvent::Description(offer));
        let candidate = Candidate {
            candidate: format!("candidate:{sdp}"), sdp_mid: mid, sdp_m_line_index: index, username_fragment: None,
        };
        let text = sent(codec.on_command(Instant::now(), Command::Candidate(candidate.clone()))).remove(0);
        prop_assert_eq!(only_event(codec.on_text(Instant::now(), &text)), SignalingEvent::Candidate(candidate));
    }
}
