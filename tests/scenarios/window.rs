//! The window on a screen of its own: it shows the peer's moving picture, and its keys work.
//! What it looked like is kept in the target folder's `artefacts`.

use std::time::{Duration, Instant};

use ringback_tests::control::{Script, SocketPlace};
use ringback_tests::place::alone;
use ringback_tests::program::{Call, Server};
use ringback_tests::screen::Screen;
use ringback_tests::sound::{listen, read, tone_file};

const ENDS: Duration = Duration::from_secs(40);

#[test]
fn the_window_shows_the_peer_and_hangs_up_on_a_key() {
    let _alone = alone();
    let server = Server::start();
    let screen = Screen::start();
    let peer = Call::new("peer", "gallery").on(&server).media("test", "test").option("--audio-out", "none");
    let mut peer = peer.option("--video-out", "none").option("--size", "640x360").start();
    peer.process.line_err("* waiting", ENDS);
    let mut call = Call::new("window", "gallery")
        .shown_on(&screen)
        .on(&server)
        .media("test", "none")
        .option("--audio-out", "none")
        .option("--size", "640x360")
        .start();
    peer.connected();

    // The peer's test card moves: two looks differ. Nothing but time makes the next picture.
    let deadline = Instant::now() + ENDS;
    let mut before = screen.look();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = screen.look();
        if now.colours() > 30 && now.changed(&before) > 0.005 {
            now.keep("window-in-call.png");
            break;
        }
        if Instant::now() > deadline {
            now.keep("window-failed.png");
            call.process.fail("shows no moving picture");
        }
        before = now;
    }

    screen.press("Ringback", "q");
    peer.process.line_err("* ended", Duration::from_secs(3));
    peer.ends_with(0, ENDS);
    assert_eq!(peer.report().text("end.reason"), "peer_hung_up");
    call.ends_with(0, ENDS);
    assert_eq!(call.report().text("end.reason"), "hung_up");
}

#[test]
fn the_window_asks_before_a_call_is_answered() {
    let _alone = alone();
    let server = Server::start();
    let screen = Screen::start();
    for (key, code) in [("d", 10), ("a", 0)] {
        let mut window = Call::new("window", "doorbell")
            .shown_on(&screen)
            .on(&server)
            .media("test", "none")
            .option("--audio-out", "none")
            .option("--size", "320x180")
            .start();
        window.process.line_err("* waiting", ENDS);
        let caller = Call::new("caller", "doorbell").on(&server).media("test", "none").option("--size", "320x180");
        let caller = caller.option("--audio-out", "none").option("--video-out", "none").option("--duration", "2s");
        let mut caller = caller.start();
        window.process.line_err("* somebody calls", ENDS);
        screen.press("Ringback", key);
        caller.ends_with(code, ENDS);
        if code == 0 {
            // The window says that the other hung up, and stays until somebody is done with it.
            window.process.line_err("* ended", ENDS);
            screen.press("over", "q");
        }
        window.ends_with(0, ENDS);
        let reason = if code == 10 { "declined" } else { "peer_hung_up" };
        assert_eq!(window.report().text("end.reason"), reason);
    }
}

#[test]
fn a_key_mutes_and_the_peer_sees_and_hears_it() {
    let _alone = alone();
    let server = Server::start();
    let screen = Screen::start();
    let tone = tone_file(440.0, 10);
    let place = SocketPlace::new();
    let peer = Call::new("peer", "library").on(&server).media("none", "none").recorded();
    let mut peer = peer.option("--video-out", "none").option("--control", &place.text()).start();
    peer.process.line_err("* waiting", ENDS);
    let mut window = Call::new("window", "library")
        .shown_on(&screen)
        .on(&server)
        .media("none", &format!("file:{}", tone.display()))
        .option("--audio-out", "none")
        .start();
    peer.in_call_for(4);
    let mut script = Script::connect(&place.path());
    script.state("the window's microphone on", |state| state["peer"]["microphone_on"] == true);
    screen.press("Ringback", "m");
    let muted = Instant::now();
    script.state("the window muted", |state| state["peer"]["microphone_on"] == false);
    // Long enough that what is heard before and after it can be told apart.
    std::thread::sleep(Duration::from_secs(4));
    screen.press("Ringback", "q");
    let silent = muted.elapsed().as_secs_f64();
    peer.ends_with(0, ENDS);
    window.ends_with(0, ENDS);
    let samples = read(&peer.sound());
    let heard = listen(&samples, 440.0);
    assert!(heard.tone > 1.5, "the peer hears the tone before: {heard:?}");
    // What is on its way when the key is pressed, and what the end takes, is forgiven.
    let quiet = heard.total - heard.sound;
    assert!(quiet > silent - 1.5, "the peer hears silence for {silent:.1} s: {heard:?}");
    let last = listen(&samples[samples.len().saturating_sub(2 * 48_000)..], 440.0);
    assert!(last.sound < 0.3, "the last two seconds are silent: {last:?}");
}

#[test]
fn the_window_without_a_room_asks_for_one_and_calls() {
    let _alone = alone();
    let server = Server::start();
    let screen = Screen::start();
    let peer = Call::new("peer", "attic").on(&server).silent();
    let mut peer = peer.start();
    peer.process.line_err("* waiting", ENDS);
    let mut window =
        Call::to("window", &server.url()).shown_on(&screen).media("none", "none").option("--audio-out", "none").start();
    // The room's field has the keyboard from the start.
    for key in ["a", "t", "t", "i", "c", "Return"] {
        screen.press("Ringback", key);
    }
    peer.connected();
    window.process.line_err("* connected", ENDS);
    screen.press("attic", "q");
    peer.ends_with(0, ENDS);
    window.process.line_err("* ended", ENDS);
    // The page after the call: q again closes it.
    screen.press("over", "q");
    window.ends_with(0, ENDS);
    assert_eq!(window.report().text("end.reason"), "hung_up");
}
