//! Calls that no person touches: scripts place and drive them over the control socket, with a window and without.
//! What a script asks for happens to the call, and the peer notices.

use std::time::{Duration, Instant};

use ringback_tests::control::{Script, SocketPlace};
use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Server};
use ringback_tests::screen::Screen;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

fn driven(name: &str, server: &Server, place: &SocketPlace) -> Call {
    Call::new(name, "studio")
        .on(server)
        .media("test", "test")
        .option("--audio-out", "none")
        .option("--video-out", "none")
        .option("--size", "320x180")
        .option("--control", &place.text())
}

#[test]
fn a_script_takes_a_call_talks_and_hangs_up() {
    let _alone = alone();
    let server = Server::start();
    let (place, peers_place) = (SocketPlace::new(), SocketPlace::new());
    let mut call = driven("driven", &server, &place).without("--headless").start();
    let mut script = Script::connect(&place.path());
    let answer = script.asks(json!({ "do": "subscribe", "a_second": 20, "levels": true }));
    assert_eq!(answer["snapshot"]["room"], "studio");
    script.state("waiting", |state| state["phase"] == "waiting");

    let mut peer = driven("peer", &server, &peers_place).flag("--chat").start();
    script.phase("ringing");
    script.asks(json!({ "do": "accept" }));
    script.phase("connected");
    peer.connected();
    let mut peers_script = Script::connect(&peers_place.path());
    peers_script.asks(json!({ "do": "subscribe" }));

    script.asks(json!({ "do": "microphone", "on": false }));
    script.wait("the muted state", |told| told["snapshot"]["microphone_on"] == false);
    script.asks(json!({ "do": "camera", "on": false }));
    script.state("camera off", |state| state["camera_on"] == false && state["microphone_on"] == false);
    peers_script.state("our state", |state| state["peer"] == json!({ "microphone_on": false, "camera_on": false }));

    script.asks(json!({ "do": "chat", "text": "good evening" }));
    peers_script.wait("our line", |told| told["event"] == "chat" && told["text"] == "good evening");
    peer.process.line_out("good evening", SOON);
    peer.process.say("who is there?");
    script.wait("the peer's line", |told| told["event"] == "chat" && told["text"] == "who is there?");
    peers_script.asks(json!({ "do": "chat", "text": "\u{1b}[2J\nsecond line" }));
    script.wait("the peer's second line", |told| told["text"] == "\u{1b}[2J\nsecond line");

    for (wish, member, value) in [
        ("video_source", "source", "none"),
        ("video_source", "source", "test"),
        ("audio_source", "source", "none"),
        ("audio_sink", "sink", "none"),
    ] {
        script.asks(json!({ "do": wish, member: value }));
        script.state(value, |state| state["media"][wish] == value);
    }

    script.write("{ this is no JSON");
    script.wait("a refusal", |told| told["error"].as_str().is_some_and(|error| error.starts_with("no JSON object")));
    let refused = script.ask(json!({ "do": "fly" }));
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("hang_up")), "{refused}");
    script.wait("levels", |told| told["levels"]["microphone"].is_number());
    let state = script.state("the path", |state| state["figures"]["path"]["local_type"] == "host");
    assert!(!state.to_string().contains("127.0.0.1"), "no address: {state}");

    script.asks(json!({ "do": "hang_up" }));
    script.wait("the end", |told| told["event"] == "ended" && told["reason"] == "hung_up");
    script.wait("the last state", |told| told["snapshot"]["end"]["reason"] == "hung_up");
    script.ends();
    call.ends_with(0, SOON);
    assert_eq!(call.report().text("end.reason"), "hung_up");
    assert!(!place.path().exists(), "the socket is removed");
    peers_script.wait("the peer's end", |told| told["event"] == "ended" && told["reason"] == "peer_hung_up");
    peer.ends_with(0, SOON);
}

#[test]
fn a_script_takes_a_call_without_camera_or_declines_it() {
    let _alone = alone();
    let server = Server::start();
    for (wish, callers_code, camera_on) in [("decline", 10, true), ("accept_without_camera", 0, false)] {
        let place = SocketPlace::new();
        let mut call = driven("driven", &server, &place).without("--headless").start();
        let mut script = Script::connect(&place.path());
        script.asks(json!({ "do": "subscribe" }));
        script.state("waiting", |state| state["phase"] == "waiting");
        let caller = Call::new("caller", "studio").on(&server).silent().option("--duration", "2s");
        let mut caller = caller.start();
        script.phase("ringing");
        script.asks(json!({ "do": wish }));
        script.wait("the end", |told| told["event"] == "ended");
        let last = script.wait("the last state", |told| told["snapshot"]["end"].is_object());
        assert_eq!(last["snapshot"]["camera_on"], camera_on, "{last}");
        caller.ends_with(callers_code, SOON);
        call.ends_with(0, SOON);
    }
}

#[test]
fn a_socket_belongs_to_one_living_program() {
    let _alone = alone();
    let server = Server::start();
    let place = SocketPlace::new();
    let mut first = driven("first", &server, &place).start();
    let mut script = Script::connect(&place.path());
    let mut second = driven("second", &server, &place).start();
    second.process.line_err("another program listens on", SOON);
    second.ends_with(2, SOON);
    script.asks(json!({ "do": "snapshot" }));

    first.process.signal(Signal::Kill);
    first.process.wait(SOON);
    assert!(place.path().exists(), "nobody was left to remove it");
    let mut third = driven("third", &server, &place).start();
    third.process.line_err("* waiting", SOON);
    let mut script = Script::connect(&place.path());
    // The room's server may still see the first one: only the socket is of interest here.
    script.asks(json!({ "do": "hang_up" }));
    third.ends_with(0, SOON);
}

/// Waits until the microphone of the preview is heard.
fn preview_is_heard(script: &mut Script) {
    let deadline = Instant::now() + SOON;
    while script.ask(json!({ "do": "levels" }))["levels"]["microphone"].as_f64().is_none_or(|level| level < 0.01) {
        assert!(Instant::now() < deadline, "the preview is silent");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_script_places_one_call_after_the_other_in_a_program_without_a_screen() {
    let _alone = alone();
    let server = Server::start();
    let place = SocketPlace::new();
    let mut program = Call::without_room("program").option("--control", &place.text());
    program = program.option("--video-out", "none").option("--audio-out", "none");
    let mut program = program.start();
    let mut script = Script::connect(&place.path());
    let answer = script.asks(json!({ "do": "subscribe", "snapshots": false }));
    assert_eq!((&answer["page"]["name"], &answer["snapshot"]), (&json!("start"), &json!(null)));
    assert_eq!(answer["page"]["window"], json!(null));
    for refused in ["call_again", "snapshot", "hang_up", "swap", "levels"] {
        assert!(script.ask(json!({ "do": refused }))["error"].is_string(), "{refused}");
    }
    assert!(script.ask(json!({ "do": "call", "room": "studio", "size": "wide" }))["error"].is_string());
    assert_eq!(script.asks(json!({ "do": "rooms" }))["rooms"], json!([]));
    assert!(script.asks(json!({ "do": "devices" }))["devices"].is_object());
    script.asks(json!({ "do": "test_sound", "sink": "none" }));

    script.asks(json!({ "do": "preview", "on": true, "video_source": "test", "audio_source": "test" }));
    preview_is_heard(&mut script);

    let room = json!({
        "do": "call", "room": "studio", "server": server.url(), "size": "320x180", "fps": 15, "auto_accept": false,
    });
    script.asks(room);
    script.page("call");
    assert!(script.ask(json!({ "do": "call_again" }))["error"].is_string(), "there is one");
    script.state("waiting", |state| state["phase"] == "waiting");
    let link = script.asks(json!({ "do": "invitation" }))["invitation"]["link"].clone();
    assert!(link.as_str().is_some_and(|link| link.contains("room=studio")), "{link}");
    let visitor = || Call::new("visitor", "studio").on(&server).silent().start();
    let mut first = visitor();
    script.phase("ringing");
    script.asks(json!({ "do": "accept" }));
    script.phase("connected");
    first.connected();
    let state = script.state("the preview's media", |state| state["media"]["video_source"] == "test");
    assert_eq!(state["media"]["audio_source"], "test");
    script.asks(json!({ "do": "audio_source", "source": "none" }));
    script.state("no sound", |state| state["media"]["audio_source"] == "none");
    script.asks(json!({ "do": "hang_up" }));
    let page = script.page("ended");
    assert_eq!((&page["end"]["reason"], &page["room"]), (&json!("hung_up"), &json!("studio")));
    first.ends_with(0, SOON);

    script.asks(json!({ "do": "call_again" }));
    script.page("call");
    script.state("waiting again", |state| state["phase"] == "waiting" && state["media"]["audio_source"] == "none");
    let mut second = visitor();
    script.phase("ringing");
    script.asks(json!({ "do": "accept" }));
    script.phase("connected");
    second.connected();
    second.process.signal(Signal::Interrupt);
    // Whether its goodbye or the server's word is here first.
    let is_theirs = |reason: &Value| *reason == "peer_hung_up" || *reason == "peer_left";
    script.wait("the second end", |told| told["event"] == "ended" && is_theirs(&told["reason"]));
    second.ends_with(0, SOON);
    script.page("ended");
    script.asks(json!({ "do": "start_page" }));
    script.page("start");
    assert_eq!(script.asks(json!({ "do": "rooms" }))["rooms"], json!(["studio"]));
    script.asks(json!({ "do": "quit" }));
    script.ends();
    program.ends_with(0, SOON);
    assert!(program.report().at("milestones_ms.first_paint").is_null());
    assert!(!place.path().exists(), "the socket is removed");
}

#[test]
fn a_script_drives_a_window_from_its_start_page() {
    let _alone = alone();
    let server = Server::start();
    let screen = Screen::start();
    let place = SocketPlace::new();
    let window = Call::without_room("window").without("--headless").option("--control", &place.text());
    let window = window.media("test", "test").option("--audio-out", "none").option("--size", "320x180");
    let window = window.env("DISPLAY", screen.display()).env("WAYLAND_DISPLAY", "").env("LIBGL_ALWAYS_SOFTWARE", "1");
    let mut window = window.start();
    let mut script = Script::connect(&place.path());
    script.asks(json!({ "do": "subscribe", "snapshots": false }));
    script.wait("a window", |told| told["page"]["name"] == "start" && told["page"]["window"].is_object());
    preview_is_heard(&mut script);
    script.asks(json!({ "do": "panel", "panel": "help", "on": true }));
    script.wait("the help", |told| told["page"]["window"]["help"] == true);
    script.asks(json!({ "do": "panel", "panel": "help", "on": false }));

    script.asks(json!({ "do": "call", "room": "studio", "server": server.url() }));
    script.page("call");
    script.state("waiting", |state| state["phase"] == "waiting");
    let mut visitor = Call::new("visitor", "studio").on(&server).silent().start();
    script.phase("ringing");
    script.asks(json!({ "do": "accept" }));
    script.phase("connected");
    visitor.connected();
    script.asks(json!({ "do": "panel", "panel": "chat", "on": true }));
    script.wait("the chat", |told| told["page"]["window"]["chat"] == true);
    // Letters are for the chat while it is open.
    script.asks(json!({ "do": "panel", "panel": "chat", "on": false }));
    script.wait("no chat", |told| told["page"]["window"]["chat"] == false);
    script.asks(json!({ "do": "swap" }));
    script.wait("swapped pictures", |told| told["page"]["window"]["swapped"] == true);
    // What a person does is told as well.
    screen.press("Ringback", "i");
    script.wait("the figures", |told| told["page"]["window"]["statistics"] == true);
    script.asks(json!({ "do": "hang_up" }));
    script.page("ended");
    visitor.ends_with(0, SOON);
    script.asks(json!({ "do": "quit" }));
    script.ends();
    window.ends_with(0, SOON);
    assert!(window.report().number("milestones_ms.first_paint") > 0.0);
}
