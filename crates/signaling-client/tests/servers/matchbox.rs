//! The server of matchbox, from its crate.

use std::process::Command;

use call_core::{Description, Reject, SignalingEvent};
use signaling_client::{Command as Wish, SignalingConfig};

use crate::install;
use crate::meeting::{self, Party, both_meet};
use crate::server::Server;

pub(crate) fn server() -> Server {
    let program = install::cargo("matchbox_server", "0.15.0", "matchbox_server");
    Server::start(|port| {
        let mut command = Command::new(&program);
        command.arg(format!("127.0.0.1:{port}"));
        command
    })
}

fn config(server: &Server, room: &str) -> SignalingConfig {
    meeting::config(&format!("matchbox+ws://{}", server.address()), room)
}

#[tokio::test]
async fn two_meet_and_another_after_the_first_has_left() {
    let server = server();
    for room in ["kitchen", "Küche/1"] {
        let mut first = Party::join("first", config(&server, room));
        first.alone().await;
        let mut elsewhere = Party::join("elsewhere", config(&server, "elsewhere"));
        elsewhere.alone().await;
        let mut second = Party::join("second", config(&server, room));
        both_meet(&mut first, &mut second).await;

        second.leave().await;
        assert_eq!(first.event().await, SignalingEvent::PeerLeft);
        let mut next = Party::join("next", config(&server, room));
        both_meet(&mut first, &mut next).await;
        // Without a word: the server notices.
        first.vanish().await;
        assert_eq!(next.event().await, SignalingEvent::PeerLeft);
        elsewhere.leave().await;
    }
}

#[tokio::test]
async fn a_third_finds_the_room_full() {
    let server = server();
    let mut first = Party::join("first", config(&server, "kitchen"));
    first.alone().await;
    let mut second = Party::join("second", config(&server, "kitchen"));
    both_meet(&mut first, &mut second).await;
    let mut third = Party::join("third", config(&server, "kitchen"));
    third.alone().await;
    assert_eq!(third.event().await, SignalingEvent::Rejected(Reject::RoomFull));
    third.ended().await;
    second.say(Wish::Describe(Description::answer("v=1"))).await;
    assert_eq!(first.event().await, SignalingEvent::Description(Description::answer("v=1")));
}

#[tokio::test]
async fn two_that_come_at_once_meet() {
    let server = server();
    for room in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        let [mut one, mut other] = ["one", "other"].map(|name| Party::join(name, config(&server, room)));
        both_meet(&mut one, &mut other).await;
    }
}
