//! The window on a screen of its own: it shows the peer's moving picture, and its keys work.
//! What it looked like is kept in the target folder's `artefacts`.

use std::time::{Duration, Instant};

use ringback_tests::place::alone;
use ringback_tests::program::{Call, Server};
use ringback_tests::screen::Screen;

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
        .without("--headless")
        .on(&server)
        .media("test", "none")
        .option("--audio-out", "none")
        .option("--size", "640x360")
        .env("DISPLAY", screen.display())
        .env("WAYLAND_DISPLAY", "")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
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
            .without("--headless")
            .on(&server)
            .media("test", "none")
            .option("--audio-out", "none")
            .option("--size", "320x180")
            .env("DISPLAY", screen.display())
            .env("WAYLAND_DISPLAY", "")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .start();
        window.process.line_err("* waiting", ENDS);
        let caller = Call::new("caller", "doorbell").on(&server).media("test", "none").option("--size", "320x180");
        let caller = caller.option("--audio-out", "none").option("--video-out", "none").option("--duration", "2s");
        let mut caller = caller.start();
        window.process.line_err("* somebody calls", ENDS);
        screen.press("Ringback", key);
        caller.ends_with(code, ENDS);
        window.ends_with(0, ENDS);
        let reason = if code == 10 { "declined" } else { "peer_hung_up" };
        assert_eq!(window.report().text("end.reason"), reason);
    }
}
