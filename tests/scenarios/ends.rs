//! Every way in which a call ends: in order, in disorder, or before it began; each with its exit code and its words.
//! The other side learns of an end within a second, and a dead server ends nothing.

use std::time::{Duration, Instant};

use ringback_tests::place::alone;
use ringback_tests::port::Port;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Running, Server};

const ENDS: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

fn small(name: &str, room: &str, server: &Server) -> Call {
    Call::new(name, room)
        .on(server)
        .media("test", "test")
        .option("--size", "320x180")
        .option("--audio-out", "none")
        .option("--video-out", "none")
}

/// Two sides in a call, the one that waited first.
fn connected(server: &Server, room: &str) -> (Running, Running) {
    let waiter = small("waiter", room, server).start();
    waiter.process.line_err("* waiting", ENDS);
    let joiner = small("joiner", room, server).start();
    waiter.in_call();
    joiner.in_call();
    (waiter, joiner)
}

#[test]
fn whoever_hangs_up_the_other_side_ends_within_a_second_and_says_why() {
    let _alone = alone();
    let server = Server::start();
    for waiter_hangs_up in [true, false] {
        let (waiter, joiner) = connected(&server, "polite");
        let (mut one, mut other) = if waiter_hangs_up { (waiter, joiner) } else { (joiner, waiter) };
        one.process.signal(Signal::Interrupt);
        let words = other.process.line_err("* ended", SECOND);
        assert!(words.contains("the peer hung up"), "{words}");
        one.ends_with(0, ENDS);
        other.ends_with(0, ENDS);
        assert_eq!(one.report().text("end.reason"), "interrupted");
        assert_eq!(other.report().text("end.reason"), "peer_hung_up");
    }
}

#[test]
fn a_peer_that_dies_is_noticed_as_lost() {
    let _alone = alone();
    let server = Server::start();
    for waiter_dies in [true, false] {
        let waiter = small("waiter", "fragile", &server).flag("--once").start();
        waiter.process.line_err("* waiting", ENDS);
        let joiner = small("joiner", "fragile", &server).flag("--once").start();
        waiter.in_call();
        joiner.in_call();
        let (mut one, mut other) = if waiter_dies { (waiter, joiner) } else { (joiner, waiter) };
        one.process.signal(Signal::Kill);
        one.process.wait(ENDS);
        let died = Instant::now();
        other.ends_with(8, ENDS);
        assert!(died.elapsed() < Duration::from_secs(5), "noticed after {:?}", died.elapsed());
        assert_eq!(other.report().text("end.reason"), "peer_lost");
        assert!(!one.has_report());
    }
}

#[test]
fn a_call_goes_on_without_its_server() {
    let _alone = alone();
    let server = Server::start();
    let waiter = small("waiter", "island", &server).start();
    waiter.process.line_err("* waiting", ENDS);
    let mut joiner = small("joiner", "island", &server).option("--duration", "5s").start();
    waiter.connected();
    joiner.connected();
    server.process.signal(Signal::Kill);
    let mut waiter = waiter;
    joiner.ends_with(0, ENDS);
    waiter.ends_with(0, ENDS);
    assert_eq!(joiner.report().text("end.reason"), "duration_reached");
    // The goodbye came over the data channel: there was no server to carry one.
    assert_eq!(waiter.report().text("end.reason"), "peer_hung_up");
    let report = waiter.report();
    assert!(report.number("video.received.frames_decoded") > 100.0, "{report}");
}

#[test]
fn a_third_one_finds_the_room_full() {
    let _alone = alone();
    let server = Server::start();
    let _two = connected(&server, "couple");
    let mut third = Call::new("third", "couple").on(&server).silent().start();
    third.ends_with(5, ENDS);
    assert_eq!(third.report().text("end.reason"), "room_full");
    third.process.line_err("the room is full", SECOND);
}

#[test]
fn a_wrong_key_is_refused_and_the_right_one_is_not() {
    let _alone = alone();
    let server = Server::with(&["--key", "sesame"]);
    for wrong in [None, Some("open")] {
        let mut call = Call::new("stranger", "vault").on(&server).silent();
        if let Some(key) = wrong {
            call = call.option("--key", key);
        }
        let mut call = call.start();
        call.ends_with(4, ENDS);
        assert_eq!(call.report().text("end.reason"), "signaling_refused");
        // A key is a secret, right or wrong.
        assert!(!call.process.stderr.text().contains("sesame"));
    }
    let friend = Call::new("friend", "vault").on(&server).silent().option("--key", "sesame").start();
    friend.process.line_err("* waiting", ENDS);
}

#[test]
fn nobody_comes() {
    let _alone = alone();
    let server = Server::start();
    let mut call = Call::new("lonely", "empty").on(&server).silent().option("--wait", "1s").start();
    call.ends_with(6, ENDS);
    assert_eq!(call.report().text("end.reason"), "no_peer_came");
    assert!(call.report().at("milestones_ms.offer").is_null());
}

#[test]
fn there_is_no_server() {
    let _alone = alone();
    let nobody = Port::free();
    let url = format!("ws://127.0.0.1:{nobody}/signaling");
    let mut call = Call::new("caller", "nowhere").silent().option("--server", &url).start();
    // A server may come back: the program tries for a minute.
    call.process.line_err("trying again", ENDS);
    call.ends_with(3, Duration::from_secs(90));
    assert_eq!(call.report().text("end.reason"), "signaling_unreachable");
    call.process.line_err("refused", SECOND);
}

#[test]
fn an_interrupted_wait_leaves_a_report() {
    let _alone = alone();
    let server = Server::start();
    let mut call = Call::new("impatient", "empty").on(&server).silent().start();
    call.process.line_err("* waiting", ENDS);
    call.process.signal(Signal::Interrupt);
    call.ends_with(130, Duration::from_secs(3));
    assert_eq!(call.report().text("end.reason"), "interrupted");
    assert_eq!(call.report().number("end.exit_code"), 130.0);
}

#[test]
fn one_who_waits_is_there_for_the_next_peer() {
    let _alone = alone();
    let server = Server::start();
    let (mut waiter, mut first) = connected(&server, "desk");
    first.process.signal(Signal::Interrupt);
    first.ends_with(0, ENDS);
    waiter.ends_with(0, ENDS);
    // The room is empty again: two new ones meet in it.
    let (_next, _peer) = connected(&server, "desk");
}
