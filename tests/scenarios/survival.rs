//! Calls that outlive what carries them: the signaling server, the address, the path, and the peer itself.
//! Where namespaces cannot be made, the tests between two machines say so and are skipped.

use std::time::{Duration, Instant};

use ringback_tests::lan::Lan;
use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Running, Server, ringback};
use ringback_tests::skip::skip;

const ENDS: Duration = Duration::from_secs(40);
const SECOND: Duration = Duration::from_secs(1);

fn small(call: Call) -> Call {
    call.media("test", "test").option("--size", "320x180").option("--audio-out", "none").option("--video-out", "none")
}

#[test]
fn the_server_is_killed_and_comes_back_and_no_picture_freezes() {
    let _alone = alone();
    let server = Server::start();
    let call = |name| small(Call::new(name, "island").on(&server)).start();
    let first = call("first");
    first.process.line_err("* waiting", ENDS);
    let second = call("second");
    first.in_call_for(5);
    server.process.signal(Signal::Kill);
    first.process.line_err("the call goes on without it", ENDS);
    first.in_call_for(15);
    let server = server.again();
    for side in [&first, &second] {
        side.process.line_err("the signaling server is back", ENDS);
    }
    // Both are in the room again.
    let mut third = Call::new("third", "island").on(&server).silent().start();
    third.ends_with(5, ENDS);
    for mut side in [first, second] {
        side.process.signal(Signal::Interrupt);
        side.ends_with(0, ENDS);
        let report = side.report();
        assert_eq!(report.number("video.received.freezes"), 0.0, "{report}");
        assert!(report.number("video.received.frames_decoded") > 300.0, "{report}");
    }
}

#[test]
fn a_peer_that_is_killed_is_missed_at_once_and_its_next_run_is_connected() {
    let _alone = alone();
    let server = Server::start();
    let call = |name| small(Call::new(name, "phoenix").on(&server)).start();
    let stays = call("stays");
    stays.process.line_err("* waiting", ENDS);
    let dies = call("dies");
    stays.in_call();
    dies.in_call();
    dies.process.signal(Signal::Kill);
    stays.process.line_err("waiting for its return", 10 * SECOND);
    let mut returns = small(Call::new("returns", "phoenix").on(&server)).option("--duration", "3s").start();
    stays.process.lines_err("* connected", 2, ENDS);
    returns.ends_with(0, ENDS);
    let mut stays = stays;
    stays.ends_with(0, ENDS);
    assert!(returns.report().number("video.received.frames_decoded") > 30.0, "{}", returns.report());
    assert_eq!(stays.report().text("end.reason"), "peer_hung_up");
}

/// A call between two machines on one network: the first found the second, and goes on until it is told otherwise.
fn between(lan: &Lan) -> [Running; 2] {
    let host = small(Call::through("host", "kitchen", lan.command(1, ringback()))).start();
    host.process.line_err("* waiting", ENDS);
    let guest = small(Call::through("guest", "kitchen", lan.command(0, ringback()))).start();
    host.in_call_for(2);
    guest.in_call_for(2);
    [guest, host]
}

fn run(lan: &Lan, machine: usize, command: &str) {
    let words: Vec<&str> = command.split(' ').collect();
    lan.run(machine, &words).unwrap_or_else(|error| panic!("{error}"));
}

/// Ends both calls, and gives how long pictures stood still in all.
fn frozen(sides: [Running; 2]) -> [f64; 2] {
    sides[0].process.signal(Signal::Interrupt);
    let frozen = sides.map(|mut side| {
        side.ends_with(0, ENDS);
        let report = side.report();
        assert!(report.number("video.received.frames_decoded") > 100.0, "{report}");
        report.number("video.received.freeze_seconds")
    });
    eprintln!("pictures stood still for {frozen:?} s");
    frozen
}

#[test]
fn an_address_changes_and_pictures_are_back_within_a_second() {
    let _alone = alone();
    let lan = match Lan::start() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    let sides = between(&lan);
    run(&lan, 0, "ip address add 10.77.0.9/24 dev lan");
    run(&lan, 0, "ip address del 10.77.0.1/24 dev lan");
    // The kernel may take the later address with the first one of its network.
    let _ = lan.run(0, &["ip", "address", "add", "10.77.0.9/24", "dev", "lan"]);
    for side in &sides {
        side.in_call_for(8);
    }
    let frozen = frozen(sides);
    assert!(frozen.iter().all(|seconds| *seconds <= 1.0), "{frozen:?}");
}

#[test]
fn a_call_moves_from_one_interface_to_another() {
    let _alone = alone();
    let lan = match Lan::start() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    let sides = between(&lan);
    // A second cable, and the first is pulled.
    lan.add_cable("cable", ["10.78.0.1/24", "10.78.0.2/24"]).expect("as the first one");
    run(&lan, 0, "ip address del 10.77.0.1/24 dev lan");
    run(&lan, 0, "ip route add 10.77.0.2 via 10.78.0.2 dev cable");
    for side in &sides {
        side.in_call_for(8);
    }
    let frozen = frozen(sides);
    assert!(frozen.iter().all(|seconds| *seconds <= 1.0), "{frozen:?}");
}

#[test]
fn a_blackout_of_five_seconds_is_over_a_second_after_the_link() {
    let _alone = alone();
    let lan = match Lan::start() {
        Ok(lan) => lan,
        Err(reason) => return skip(&reason),
    };
    let sides = between(&lan);
    run(&lan, 0, "ip link set lan down");
    let dark = Instant::now();
    sides[1].process.line_err("* the connection is broken", ENDS);
    while dark.elapsed() < 5 * SECOND {
        std::thread::park_timeout(5 * SECOND - dark.elapsed());
    }
    run(&lan, 0, "ip link set lan up");
    let lasted = dark.elapsed().as_secs_f64();
    for side in &sides {
        side.process.line_err("* connected again", ENDS);
        side.in_call_for(6);
    }
    let frozen = frozen(sides);
    assert!(frozen.iter().all(|seconds| *seconds <= lasted + 1.0), "{frozen:?} after {lasted} s");
}
