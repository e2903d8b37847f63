//! Ways to each other through routers and firewalls: two hosts, each behind one, and a server with STUN, TURN and signaling
//! on the network between them. All of it is namespaces that the test made; where they cannot be made, the tests are skipped.

use std::process::Command;
use std::time::Duration;

use lab::network::lab::{Lab, LabConfig};
use lab::network::nat::Nat;
use lab::network::place::Port;
use lab::network::{namespaces, privilege};
use ringback_tests::place::alone;
use ringback_tests::process::{Process, Signal};
use ringback_tests::program::{Call, ringback};
use ringback_tests::relay::{Relay, Transport};
use ringback_tests::report::Report;
use ringback_tests::skip::skip;

const ENDS: Duration = Duration::from_secs(30);

/// The lab's name: one scenario runs at a time, so that one name does for all.
const LAB: &str = "routers";

/// Two hosts behind routers, and what serves them.
struct Town {
    relay: Relay,
    server: Process,
    address: String,
    // Last: what runs in it ends before it does.
    lab: Lab,
}

impl Town {
    /// `None` where there can be none, which is said.
    fn build(nat: Nat) -> Option<Self> {
        Self::between(nat, nat)
    }

    fn between(nat_a: Nat, nat_b: Nat) -> Option<Self> {
        if let Err(missing) = privilege::check() {
            skip(&missing.to_string());
            return None;
        }
        let config = LabConfig { id: LAB.to_owned(), nat_a, nat_b, ..LabConfig::default() };
        let lab = Lab::up(config).expect("the rights were checked");
        let inside = |program: &std::path::Path| lab.command(Port::S, program).expect("a file descriptor is left");
        let address = lab.address(Port::S).to_string();
        let relay = Relay::at(&address, inside);
        let server = serve(&lab);
        Some(Self { relay, server, address, lab })
    }

    /// Tells a router more than its kind says.
    fn forbid(&self, rule: &str) {
        for router in ["ra", "rb"] {
            let mut nft = namespaces::command(LAB, router, "nft").expect("there is a router");
            let words = format!("add rule ip lab through {rule} drop");
            let status = nft.args(words.split(' ')).status().expect("nft made the other rules too");
            assert!(status.success(), "{words}");
        }
    }

    /// One host's side of a call.
    fn side(&self, name: &str, port: Port, ice_servers: &[String]) -> Call {
        let inside: Command = self.lab.command(port, ringback()).expect("a file descriptor is left");
        let mut call = Call::through(name, "town", inside)
            .option("--server", &format!("ws://{}:7550/signaling", self.address))
            .option("--ca-file", &self.relay.authority().display().to_string())
            .media("test", "test")
            .option("--size", "320x180")
            .option("--audio-out", "none")
            .option("--video-out", "none");
        for server in ice_servers {
            call = call.also("--ice-server", server);
        }
        call
    }

    /// A call between the hosts with these ICE servers; the reports of both.
    fn call(&self, ice_servers: &[String]) -> [Report; 2] {
        let start = |name, port| self.side(name, port, ice_servers).option("--duration", "2s").start();
        let mut sides = [start("first", Port::A), start("second", Port::B)];
        for side in &mut sides {
            side.ends_with(0, ENDS);
        }
        let reports = sides.map(|side| side.report());
        for report in &reports {
            assert!(report.number("video.received.frames_decoded") > 15.0, "{report}");
            assert!(report.number("audio.received.packets") > 25.0, "{report}");
        }
        reports
    }

    fn stun(&self) -> String {
        format!("stun:{}:3478", self.address)
    }
}

/// The signaling server, at the network between the routers.
fn serve(lab: &Lab) -> Process {
    let mut serve = lab.command(Port::S, ringback()).expect("a file descriptor is left");
    let listen = format!("{}:7550", lab.address(Port::S));
    let server = Process::start("server", serve.args(["serve", "--insecure-plain", "--listen", &listen]));
    server.line_err("serving on", ENDS);
    server
}

#[test]
fn a_server_killed_at_5_s_and_back_at_15_s_freezes_no_picture() {
    let _alone = alone();
    let Some(mut town) = Town::build(Nat::Cone) else { return };
    let start = |name, port| town.side(name, port, &[town.stun()]).start();
    let sides = [start("first", Port::A), start("second", Port::B)];
    sides[0].in_call_for(5);
    town.server.signal(Signal::Kill);
    sides[0].in_call_for(15);
    town.server = serve(&town.lab);
    for side in &sides {
        side.process.line_err("the signaling server is back", ENDS);
    }
    sides[0].process.signal(Signal::Interrupt);
    for mut side in sides {
        side.ends_with(0, ENDS);
        let report = side.report();
        assert_eq!(report.number("video.received.freezes"), 0.0, "{report}");
        assert!(report.number("video.received.frames_decoded") > 300.0, "{report}");
    }
}

#[test]
fn two_cone_routers_let_the_hosts_reach_each_other_directly() {
    let _alone = alone();
    let Some(town) = Town::build(Nat::Cone) else { return };
    for report in town.call(&[town.stun(), town.relay.option_over(Transport::Udp)]) {
        // Each is reached at the address that its router gave it. It sends from its own, which is what ICE calls the
        // local end then (RFC 8445 §6.1.2.4).
        assert_eq!(report.text("path.remote_type"), "srflx", "{report}");
        assert_ne!(report.text("path.local_type"), "relay", "{report}");
    }
}

#[test]
fn two_symmetric_routers_need_a_relay_and_udp_reaches_it() {
    let _alone = alone();
    let Some(town) = Town::build(Nat::Symmetric) else { return };
    let reports = town.call(&[town.stun(), town.relay.option_over(Transport::Udp)]);
    for report in &reports {
        // One relay is enough: the other end may be reached by it at the address that its router gave it.
        let ends = [report.text("path.local_type"), report.text("path.remote_type")];
        assert!(ends.contains(&"relay"), "{report}");
    }
    let relayed = reports.iter().filter(|report| report.text("path.local_type") == "relay");
    let protocols: Vec<_> = relayed.map(|report| report.text("path.relay_protocol")).collect();
    assert!(!protocols.is_empty() && protocols.iter().all(|protocol| *protocol == "udp"), "{protocols:?}");
}

#[test]
fn where_no_udp_passes_the_relay_is_reached_over_tcp() {
    let _alone = alone();
    let Some(town) = Town::build(Nat::NoUdp) else { return };
    let over = |transport| town.relay.option_over(transport);
    for report in town.call(&[town.stun(), over(Transport::Udp), over(Transport::Tcp)]) {
        assert_eq!(report.text("path.local_type"), "relay", "{report}");
        assert_eq!(report.text("path.remote_type"), "relay", "{report}");
        assert_eq!(report.text("path.relay_protocol"), "tcp", "{report}");
    }
}

#[test]
fn where_only_tls_passes_the_relay_is_reached_over_that() {
    let _alone = alone();
    let Some(town) = Town::build(Nat::NoUdp) else { return };
    town.forbid("tcp dport 3478");
    let over = |transport| town.relay.option_over(transport);
    let all = [town.stun(), over(Transport::Udp), over(Transport::Tcp), over(Transport::Tls)];
    for report in town.call(&all) {
        assert_eq!(report.text("path.local_type"), "relay", "{report}");
        assert_eq!(report.text("path.remote_type"), "relay", "{report}");
        assert_eq!(report.text("path.relay_protocol"), "tls", "{report}");
    }
}

#[test]
fn where_no_udp_passes_and_there_is_no_relay_the_call_goes_over_tcp_to_the_host_that_can_be_reached() {
    let _alone = alone();
    let Some(town) = Town::between(Nat::NoUdp, Nat::None) else { return };
    let reports = town.call(&[]);
    for report in &reports {
        assert_eq!(report.text("path.protocol"), "tcp", "{report}");
        assert_eq!(report.text("path.local_type"), "host", "{report}");
    }
    // The router gave the stream another address.
    assert_eq!(reports.map(|report| report.text("path.remote_type").to_owned()), ["host", "prflx"]);
}
