//! MiroTalk P2P, as recorded: its events on the Socket.IO server of npm.

use std::process::Command;

use call_core::{Description, Reject, Role, Secret, SignalingEvent};
use signaling_client::{Command as Wish, SignalingConfig};

use crate::install;
use crate::meeting::{self, Party, both_meet};
use crate::server::Server;

pub(crate) fn server() -> Server {
    let modules = install::npm("socket.io", "4.8.4").join("node_modules");
    Server::start(|port| {
        let mut command = Command::new("node");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/mirotalk.cjs")).arg(port.to_string());
        command.env("NODE_PATH", &modules);
        command
    })
}

fn config(server: &Server, room: &str) -> SignalingConfig {
    meeting::config(&format!("mirotalk+ws://{}", server.address()), room)
}

#[tokio::test]
async fn two_meet_and_another_after_the_first_has_left() {
    let server = server();
    for room in ["kitchen", "Küche/1"] {
        let mut first = Party::join("first", config(&server, room));
        first.alone().await;
        let mut second = Party::join("second", config(&server, room));
        both_meet(&mut first, &mut second).await;
        second.leave().await;
        assert_eq!(first.event().await, SignalingEvent::PeerLeft);
        let mut next = Party::join("next", config(&server, room));
        both_meet(&mut first, &mut next).await;
        first.vanish().await;
        assert_eq!(next.event().await, SignalingEvent::PeerLeft);
        next.leave().await;
    }
}

#[tokio::test]
async fn two_that_come_at_once_meet() {
    let server = server();
    for room in ["a", "b", "c", "d", "e"] {
        let [mut one, mut other] = ["one", "other"].map(|name| Party::join(name, config(&server, room)));
        both_meet(&mut one, &mut other).await;
    }
}

#[tokio::test]
async fn the_newcomer_knows_one_of_ours_and_gets_the_servers() {
    let server = server();
    let mut first = Party::join("first", config(&server, "kitchen"));
    first.alone().await;
    let mut second = Party::join("second", config(&server, "kitchen"));
    let event = second.event().await;
    let SignalingEvent::Joined { role, ice_servers, .. } = event else { panic!("{event:?}") };
    assert_eq!(role, Role { offers_first: true, polite: true });
    assert_eq!(ice_servers.len(), 2);
    // A third is let in, and nobody hears it.
    let mut third = Party::join("third", config(&server, "kitchen"));
    assert!(matches!(third.event().await, SignalingEvent::Joined { .. }));
    third.say(Wish::Describe(Description::offer("v=0"))).await;
    third.leave().await;
    second.say(Wish::Describe(Description::offer("v=1"))).await;
    assert_eq!(first.event().await, SignalingEvent::Description(Description::offer("v=1")));
}

#[tokio::test]
async fn a_ghost_of_ours_is_not_called() {
    let server = server();
    let config = config(&server, "kitchen");
    let mut ghost = Party::join("ghost", config.clone());
    ghost.alone().await;
    // The first connection stays open, as one over a dead network would.
    Party::join("returned", config).alone().await;
}

#[tokio::test]
async fn pings_are_answered() {
    // In this room, the server lets in who has answered three pings.
    Party::join("guest", config(&server(), "patient")).alone().await;
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = server();
    for (room, key, reason) in [
        ("members only", None, "it lets only people in who signed in on its page (unauthorized)"),
        ("locked", None, "the room is locked: pass its password with --key"),
        ("locked", Some("wrong"), "the room is locked, and its password is another one: check --key"),
        ("closed", None, "the room takes nobody in at the moment: ask who is in it to unlock it"),
    ] {
        let config = SignalingConfig { key: key.map(Secret::new), ..config(&server, room) };
        let mut party = Party::join("stranger", config);
        assert_eq!(party.event().await, SignalingEvent::Rejected(Reject::Refused(reason.to_owned())));
        party.ended().await;
    }
    let config = SignalingConfig { key: Some(Secret::new("swordfish")), ..config(&server, "locked") };
    Party::join("guest", config).alone().await;
}
