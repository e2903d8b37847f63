//! Calls between the program and Chromium on the page that the server gives out, whichever of the two comes first.
//! Pictures, sound and chat must arrive on both sides, and either can hang up.

use std::time::Duration;

use ringback_tests::browser::Browser;
use ringback_tests::place::{alone, scratch};
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Running, Server};
use ringback_tests::sound::{listen, read};

const ENDS: Duration = Duration::from_secs(30);

/// Pictures that the browser must have decoded: two seconds of the call.
const FRAMES: u32 = 60;

/// Pictures that the program must have decoded: the browser's fake camera makes 20 a second.
const FRAMES_BACK: f64 = 30.0;

fn native(server: &Server, room: &str) -> Running {
    Call::new("native", room)
        .on(server)
        .media("test", "test")
        .option("--size", "640x360")
        .flag("--chat")
        .recorded()
        .start()
}

fn join(browser: &mut Browser, server: &Server, room: &str) {
    browser.open(&server.page(room));
    browser.click("button", "Join");
}

#[test]
fn the_browser_waits_and_the_program_calls() {
    let _alone = alone();
    let server = Server::start();
    let mut browser = Browser::start();
    join(&mut browser, &server, "browser-first");
    browser.shows("Waiting");
    let native = native(&server, "browser-first");
    talk(&mut browser, native, "call-browser-first.png");
}

#[test]
fn the_program_waits_and_the_browser_calls() {
    let _alone = alone();
    let server = Server::start();
    let native = native(&server, "program-first");
    native.process.line_err("* waiting", ENDS);
    let mut browser = Browser::start();
    join(&mut browser, &server, "program-first");
    talk(&mut browser, native, "call-program-first.png");
}

#[test]
fn the_page_takes_fresh_credentials_and_the_call_knows_nothing_of_it() {
    let _alone = alone();
    let folder = scratch();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "between the two").expect("writable");
    let secret = secret.display().to_string();
    // Nobody needs to answer at that address: it is on the list of servers.
    let relay = ["--turn", "turn:127.0.0.1:9", "--turn-secret-file", &secret, "--turn-ttl", "2s"];
    let server = Server::with(&relay);
    let mut browser = Browser::start();
    join(&mut browser, &server, "renewed");
    browser.shows("Waiting");
    let native = native(&server, "renewed");
    native.connected();
    let mut seen = Vec::new();
    for pictures in [1, 2 * FRAMES, 4 * FRAMES] {
        let users = browser.receives(pictures, 0.0)["iceUsers"].clone();
        assert!(
            users.as_array().is_some_and(|users| users.len() == 1 && !seen.contains(&users[0])),
            "{users} {seen:?}"
        );
        seen.push(users[0].clone());
    }
    talk(&mut browser, native, "call-renewed.png");
}

/// Media and chat both ways; then the program hangs up and the page says so.
fn talk(browser: &mut Browser, mut native: Running, picture: &str) {
    native.connected();
    // The test sound is a steady tone at a quarter of full scale: its energy grows by 0.03 a second.
    let figures = browser.receives(FRAMES, 0.02);
    assert!(figures["framesSent"].as_u64() >= Some(1), "{figures}");

    browser.click("button", "Chat");
    browser.enter("Message", "hello from the page");
    native.process.line_out("hello from the page", ENDS);
    native.process.say("hello from the terminal");
    browser.shows("hello from the terminal");
    browser.keep(picture);

    native.process.signal(Signal::Interrupt);
    native.ends_with(0, ENDS);
    browser.shows("hung up");

    let report = native.report();
    assert!(report.number("video.received.frames_decoded") >= FRAMES_BACK, "{report}");
    assert_eq!(report.number("data.messages_sent"), 1.0, "{report}");
    assert_eq!(report.number("data.messages_received"), 1.0, "{report}");
    // The browser's fake microphone beeps once a second.
    let heard = listen(&read(&native.sound()), 440.0);
    assert!(heard.sound > 0.1, "the browser's beeps: {heard:?}");
}

#[test]
fn the_browser_hangs_up_and_the_program_ends_within_a_second() {
    let _alone = alone();
    let server = Server::start();
    let mut native = native(&server, "short");
    native.process.line_err("* waiting", ENDS);
    let mut browser = Browser::start();
    join(&mut browser, &server, "short");
    native.connected();
    browser.receives(5, 0.0);
    // A goodbye takes a data channel, which may open after the first pictures.
    browser.click("button", "Chat");
    browser.enter("Message", "that is all");
    native.process.line_out("that is all", ENDS);
    browser.click("button", "Hang up");
    native.process.line_err("* ended", Duration::from_secs(1));
    native.ends_with(0, ENDS);
    assert_eq!(native.report().text("end.reason"), "peer_hung_up");
}

#[test]
fn each_side_sees_that_the_other_is_muted_or_without_camera() {
    let _alone = alone();
    let server = Server::start();
    // Sends no pictures, which the page says from the start.
    let mut native = Call::new("native", "muted").on(&server).media("none", "test").recorded().start();
    native.process.line_err("* waiting", ENDS);
    let mut browser = Browser::start();
    join(&mut browser, &server, "muted");
    native.connected();
    browser.shows("The other side: camera off");
    browser.shows("The camera of the other side is off.");
    browser.keep("call-camera-off.png");

    browser.click("button", "Mute microphone");
    native.process.line_err("* the peer is muted", ENDS);
    browser.click("button", "Stop camera");
    native.process.line_err("* the peer's camera is off", ENDS);
    browser.click("button", "Mute microphone");
    native.process.line_err("* the peer is no longer muted", ENDS);
    native.process.signal(Signal::Interrupt);
    native.ends_with(0, ENDS);
}

#[test]
fn two_pages_see_each_others_buttons() {
    let _alone = alone();
    let server = Server::start();
    let (mut first, mut second) = (Browser::start(), Browser::start());
    join(&mut first, &server, "buttons");
    first.shows("Waiting");
    join(&mut second, &server, "buttons");
    first.receives(10, 0.0);
    first.click("button", "Mute microphone");
    second.shows("The other side: muted");
    first.click("button", "Stop camera");
    second.shows("The other side: muted, camera off");
    second.click("button", "Mute microphone");
    first.shows("The other side: muted");
}

#[test]
fn two_browsers_can_use_the_server_without_the_program() {
    let _alone = alone();
    let server = Server::start();
    let (mut first, mut second) = (Browser::start(), Browser::start());
    join(&mut first, &server, "pages");
    first.shows("Waiting");
    join(&mut second, &server, "pages");
    first.receives(10, 0.0);
    second.receives(10, 0.0);
    second.resize(390, 844);
    second.keep("page-on-a-phone.png");
}
