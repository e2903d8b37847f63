//! Ways to each other: through a relay only, by the room's name on one machine, and by name between two machines.
//! Where namespaces cannot be made, the test between two machines says so and is skipped.

use std::process::Command;
use std::time::Duration;

use ringback_tests::lan::Lan;
use ringback_tests::place::alone;
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Server, ringback};
use ringback_tests::relay::{Relay, Transport};
use ringback_tests::skip::skip;

const ENDS: Duration = Duration::from_secs(40);

fn small(call: Call) -> Call {
    call.media("test", "test").option("--size", "320x180").option("--audio-out", "none").option("--video-out", "none")
}

#[test]
fn a_call_that_may_only_use_a_relay_does() {
    let _alone = alone();
    let (server, relay) = (Server::start(), Relay::start());
    let call = |name| {
        let call = small(Call::new(name, "behind-walls").on(&server));
        call.option("--ice-server", &relay.option()).flag("--relay-only").option("--duration", "3s").start()
    };
    let (mut first, mut second) = (call("first"), call("second"));
    first.ends_with(0, ENDS);
    second.ends_with(0, ENDS);
    for report in [first.report(), second.report()] {
        assert_eq!(report.text("path.local_type"), "relay", "{report}");
        assert_eq!(report.text("path.remote_type"), "relay", "{report}");
        assert_eq!(report.text("path.relay_protocol"), "udp", "{report}");
        assert!(report.number("video.received.frames_decoded") > 30.0, "{report}");
    }
    assert!(relay.was_used());
}

/// As where a firewall lets no UDP out.
#[test]
fn a_relay_behind_tcp_or_tls_carries_a_call_too() {
    let _alone = alone();
    for (transport, protocol) in [(Transport::Tcp, "tcp"), (Transport::Tls, "tls")] {
        let (server, relay) = (Server::start(), Relay::over(transport));
        let call = |name| {
            let mut call =
                small(Call::new(name, "behind-a-firewall").on(&server)).option("--ice-server", &relay.option());
            if transport == Transport::Tls {
                call = call.option("--ca-file", &relay.authority().display().to_string());
            }
            call.flag("--relay-only").option("--duration", "3s").start()
        };
        let (mut first, mut second) = (call("first"), call("second"));
        first.ends_with(0, ENDS);
        second.ends_with(0, ENDS);
        for report in [first.report(), second.report()] {
            assert_eq!(report.text("path.local_type"), "relay", "{report}");
            assert_eq!(report.text("path.relay_protocol"), protocol, "{report}");
            assert!(report.number("video.received.frames_decoded") > 30.0, "{report}");
        }
        assert!(relay.was_used());
    }
}

#[test]
fn relays_that_the_server_hands_out_are_used_too() {
    let _alone = alone();
    let relay = Relay::start();
    let server = Server::with(&["--ice-server", &relay.option()]);
    let call =
        |name| small(Call::new(name, "behind-walls").on(&server)).flag("--relay-only").option("--duration", "1s");
    let (mut first, mut second) = (call("first").start(), call("second").start());
    first.ends_with(0, ENDS);
    second.ends_with(0, ENDS);
    assert_eq!(first.report().text("path.local_type"), "relay");
}

#[test]
fn without_any_path_the_call_says_so() {
    let _alone = alone();
    let server = Server::start();
    // A relay that is not there, and nothing else allowed.
    let nowhere = "turn:127.0.0.1:9?transport=udp,user,password";
    let call = |name| {
        let call = Call::new(name, "cut-off").on(&server).silent().option("--ice-server", nowhere);
        call.flag("--relay-only").option("--wait", "45s").start()
    };
    let (mut first, mut second) = (call("first"), call("second"));
    // Whoever gives up first says why; the other then waits for someone else, or has given up in the same moment.
    let codes = [&mut first, &mut second].map(|side| side.ends_with_one_of(&[6, 7], Duration::from_secs(80)));
    assert!(codes.contains(&7), "{codes:?}");
    let side = if codes[0] == 7 { first } else { second };
    assert_eq!(side.report().text("end.reason"), "no_media_path");
    side.process.line_err("TURN", Duration::from_secs(1));
}

#[test]
fn two_on_one_machine_need_only_the_room() {
    let _alone = alone();
    // In a namespace of its own: this machine may have a server on the usual port already.
    let lan = match Lan::start() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    meet(lan.command(0, ringback()), lan.command(0, ringback()));
}

#[test]
fn two_machines_on_one_network_need_only_the_room() {
    let _alone = alone();
    let lan = match Lan::start() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    meet(lan.command(0, ringback()), lan.command(1, ringback()));
}

#[test]
fn two_machines_without_ipv4_call_each_other() {
    let _alone = alone();
    let lan = match Lan::start_v6() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    let mut serve = lan.command(0, ringback());
    let server = Process::start("server", serve.args(["serve", "--insecure-plain", "--listen", "[fd77::1]:7550"]));
    server.line_err("serving on", ENDS);
    let call = |name, machine| {
        let call = small(Call::through(name, "six", lan.command(machine, ringback())));
        call.option("--server", "ws://[fd77::1]:7550/signaling").option("--duration", "2s").start()
    };
    for mut side in [call("first", 0), call("second", 1)] {
        side.ends_with(0, ENDS);
        let report = side.report();
        assert_eq!(report.text("path.remote_type"), "host", "{report}");
        assert!(report.number("video.received.frames_decoded") > 15.0, "{report}");
    }
}

/// One hosts, the other finds it; both get pictures and sound.
fn meet(host: Command, guest: Command) {
    let mut host = small(Call::through("host", "kitchen", host)).start();
    host.process.line_err("hosting", ENDS);
    host.process.line_err("* waiting", ENDS);
    let mut guest = small(Call::through("guest", "kitchen", guest)).option("--duration", "3s").start();
    guest.process.line_err("found", ENDS);
    guest.ends_with(0, ENDS);
    host.ends_with(0, ENDS);
    for report in [host.report(), guest.report()] {
        assert!(report.number("video.received.frames_decoded") > 30.0, "{report}");
        assert!(report.number("audio.received.packets") > 50.0, "{report}");
    }
}
