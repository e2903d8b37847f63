//! Calls without any server: two processes, and a person who carries a line from each to the other.
//! What is pasted wrongly is told and asked for once more; a call never hangs on input that has ended.

use std::time::Duration;

use ringback_tests::control::{Script, SocketPlace};
use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Running};
use ringback_tests::screen::Screen;
use ringback_tests::sound::{listen, read};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);

fn call(name: &str) -> Call {
    Call::new(name, "paper").option("--server", "manual").silent()
}

/// The line that it shows for the other.
fn line(call: &Running, kind: &str) -> String {
    call.process.line_out(&format!("ringback1-{kind}-"), SOON)
}

#[test]
fn two_who_carry_a_line_each_way_see_hear_and_read_each_other() {
    let _alone = alone();
    let start = |name: &str| {
        let call = call(name).media("test", "test").option("--size", "640x360").flag("--chat");
        call.recorded().option("--duration", "10s").start()
    };
    let (mut one, mut other) = (start("one"), start("other"));
    let offer = line(&one, "offer");
    assert!(offer.len() < 2_000, "fits a QR code: {offer}");
    // As a mail program wraps it.
    let (first, rest) = offer.split_at(76);
    other.process.say(&format!("> {first}"));
    other.process.say(rest);
    let answer = line(&other, "answer");
    one.process.say(&answer);
    one.in_call();
    other.in_call();
    one.process.say("nice handwriting");
    other.process.line_out("nice handwriting", SOON);
    other.process.say("thank you");
    one.process.line_out("thank you", SOON);
    one.ends_with(0, SOON);
    other.ends_with(0, SOON);
    for side in [&one, &other] {
        let report = side.report();
        assert!(report.number("video.received.frames_decoded") >= 30.0, "{report}");
        assert!(listen(&read(&side.sound()), 440.0).tone > 0.5, "{report}");
        for line in [&offer, &answer] {
            assert!(!side.process.stderr.text().contains(&line[20..]), "a line is for standard output alone");
        }
    }
}

#[test]
fn an_answer_that_is_carried_slowly_still_makes_the_call() {
    let started = alone();
    let (mut one, mut other) = (call("one").start(), call("other").start());
    other.process.say(&line(&one, "offer"));
    let answer = line(&other, "answer");
    drop(started);
    // Longer than a path is looked for in other calls: checks alone end after 10 s, all of it after 30 s. Two processes that
    // wait disturb nobody meanwhile.
    std::thread::sleep(Duration::from_secs(33));
    let _alone = alone();
    one.process.say(&answer);
    one.connected();
    other.connected();
    one.process.signal(Signal::Interrupt);
    one.ends_with(0, SOON);
    other.ends_with(0, SOON);
}

#[test]
fn a_wrong_paste_is_told_in_one_line_and_the_right_one_still_works() {
    let _alone = alone();
    let (mut one, mut other, mut stranger) = (call("one").start(), call("other").start(), call("stranger").start());
    let (own, foreign) = (line(&one, "offer"), line(&stranger, "offer"));
    for (text, told) in [
        ("good evening", "that is not a line of a call"),
        (&own, "that is your own line"),
        (&foreign[..foreign.len() - 7], "not whole"),
        (&foreign.replace("ringback1-", "ringback7-"), "another version"),
        (&"x".repeat(1_000_000), "far too long"),
    ] {
        one.process.say(text);
        one.process.line_err(told, SOON);
    }
    other.process.say(&own);
    let answer = line(&other, "answer");
    stranger.process.say(&answer);
    stranger.process.line_err("answers another offer", SOON);
    one.process.say(&answer);
    one.connected();
    other.connected();
    one.process.say(&answer);
    one.process.line_err("exchanged already", SOON);
    one.process.signal(Signal::Interrupt);
    one.ends_with(0, SOON);
    other.ends_with(0, SOON);
}

#[test]
fn input_that_ends_before_the_line_ends_the_call() {
    let _alone = alone();
    let mut one = call("one").start();
    line(&one, "offer");
    one.process.end_input();
    one.ends_with(3, SOON);
    one.process.line_err("the input from which the other's line is taken has ended", SOON);
}

#[test]
fn a_script_carries_the_lines_between_a_program_and_a_person() {
    let _alone = alone();
    let place = SocketPlace::new();
    let program = Call::without_room("program").silent().option("--control", &place.text());
    let (mut program, mut other) = (program.start(), call("other").start());
    let mut script = Script::connect(&place.path());
    script.asks(json!({ "do": "subscribe", "snapshots": false }));
    script.asks(json!({ "do": "call", "server": "manual" }));
    let told = script.wait("our line", |told| told["line"]["kind"] == "offer");
    other.process.say(told["line"]["text"].as_str().expect("a text"));
    assert!(script.ask(json!({ "do": "paste", "text": "good evening" }))["error"].is_string());
    script.asks(json!({ "do": "paste", "text": line(&other, "answer") }));
    script.phase("connected");
    other.connected();
    script.asks(json!({ "do": "quit" }));
    script.ends();
    program.ends_with(0, SOON);
    other.ends_with(0, SOON);
    let printed = program.process.stderr.text();
    assert!(!printed.contains("ringback1-"), "a line is for whoever asks: {printed}");
}

#[test]
fn the_line_that_comes_back_is_written_into_a_window() {
    let _alone = alone();
    let (place, screen) = (SocketPlace::new(), Screen::start());
    let window = Call::new("window", "paper").without("--headless").option("--server", "manual");
    let window = window.media("none", "none").option("--audio-out", "none").option("--control", &place.text());
    let window = window.env("DISPLAY", screen.display()).env("WAYLAND_DISPLAY", "").env("LIBGL_ALWAYS_SOFTWARE", "1");
    let (mut window, mut other) = (window.start(), call("other").start());
    let mut script = Script::connect(&place.path());
    let answer = script.asks(json!({ "do": "subscribe", "snapshots": false }));
    let shown = match answer["line"].is_null() {
        true => script.wait("our line", |told| told["line"]["kind"] == "offer")["line"].clone(),
        false => answer["line"].clone(),
    };
    other.process.say(shown["text"].as_str().expect("a text"));
    let answer = line(&other, "answer");
    // Two drawings later the field is there for sure, and has the focus.
    for on in [true, false] {
        script.asks(json!({ "do": "panel", "panel": "help", "on": on }));
        script.wait("a drawing", |told| told["page"]["window"]["help"] == on);
    }
    screen.write("Ringback", &answer);
    screen.press("Ringback", "Return");
    script.phase("connected");
    other.connected();
    screen.press("Ringback", "q");
    window.ends_with(0, SOON);
    other.ends_with(0, SOON);
}
