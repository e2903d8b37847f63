//! Lines of text between two terminals, over the data channel.
//! They come whole, in order, and can never steer the other's terminal.

use std::time::Duration;

use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Server};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn two_terminals_talk_in_both_directions() {
    let _alone = alone();
    let server = Server::start();
    let call = |name| Call::new(name, "letters").on(&server).silent().flag("--chat").start();
    let (mut ada, mut charles) = (call("ada"), call("charles"));
    ada.in_call();
    charles.in_call();

    ada.process.say("good evening, Charles — ça va? 👋");
    charles.process.line_out("good evening, Charles — ça va? 👋", SOON);
    for number in 0..100 {
        charles.process.say(&format!("line {number}"));
    }
    ada.process.line_out("line 99", SOON);
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
    assert_eq!(ada.process.stdout.text(), lines.join("\n"), "whole and in order");

    ada.process.say("\u{1b}[2Jred");
    let shown = charles.process.line_out("red", SOON);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");

    ada.process.signal(Signal::Interrupt);
    ada.ends_with(0, SOON);
    charles.ends_with(0, SOON);
    let report = ada.report();
    assert_eq!(report.number("data.messages_sent"), 2.0, "{report}");
    assert_eq!(report.number("data.messages_received"), 100.0, "{report}");
}

#[test]
fn what_is_typed_before_the_peer_comes_is_said_to_be_lost() {
    let _alone = alone();
    let server = Server::start();
    let mut early = Call::new("early", "notes").on(&server).silent().flag("--chat").start();
    early.process.line_err("* waiting", SOON);
    early.process.say("are you there?");
    early.process.line_err("not sent", SOON);
}
