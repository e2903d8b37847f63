//! The server of PeerJS, from npm.

use call_core::{Description, Reject, Secret, SignalingEvent};
use signaling_client::{Command as Wish, SignalingConfig};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::meeting::{self, Party, both_meet};
use crate::server::Server;

fn config(server: &Server, room: &str) -> SignalingConfig {
    meeting::config(&format!("peerjs+ws://{}/app", server.address()), room)
}

/// The names that the server has given away, as JSON.
async fn names(server: &Server) -> String {
    let mut stream = TcpStream::connect(server.address()).await.expect("the server runs");
    let request = "GET /app/peerjs/peers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.contains(" 200 "), "{answer}");
    answer
}

#[tokio::test]
async fn two_meet_and_a_third_finds_the_room_full() {
    let server = Server::peerjs();
    for room in ["kitchen", "Küche/1"] {
        let mut host = Party::join("host", config(&server, room));
        host.alone().await;
        let mut guest = Party::join("guest", config(&server, room));
        // What `alone` has heard is not heard again.
        both_meet(&mut host, &mut guest).await;

        let mut third = Party::join("third", config(&server, room));
        assert!(matches!(third.event().await, SignalingEvent::Joined { .. }));
        third.say(Wish::Describe(Description::offer("v=0"))).await;
        assert_eq!(third.event().await, SignalingEvent::Rejected(Reject::RoomFull));
        third.ended().await;

        guest.leave().await;
        assert_eq!(host.event().await, SignalingEvent::PeerLeft);
        let mut next = Party::join("next", config(&server, room));
        both_meet(&mut host, &mut next).await;
        host.leave().await;
        assert_eq!(next.event().await, SignalingEvent::PeerLeft);
        next.leave().await;
    }
}

#[tokio::test]
async fn two_that_come_at_once_meet() {
    let server = Server::peerjs();
    for room in ["a", "b", "c", "d", "e"] {
        let [mut one, mut other] = ["one", "other"].map(|name| Party::join(name, config(&server, room)));
        both_meet(&mut one, &mut other).await;
    }
}

#[tokio::test]
async fn a_host_takes_over_the_name_that_its_ghost_still_holds() {
    let server = Server::peerjs();
    let config_of_host = config(&server, "kitchen");
    let mut ghost = Party::join("ghost", config_of_host.clone());
    ghost.alone().await;
    // The first connection stays open, as one over a dead network would.
    let mut host = Party::join("host", config_of_host);
    host.alone().await;
    let mut guest = Party::join("guest", config(&server, "kitchen"));
    both_meet(&mut host, &mut guest).await;
}

#[tokio::test]
async fn a_host_that_is_gone_when_it_is_called_has_left() {
    let server = Server::peerjs();
    let mut host = Party::join("host", config(&server, "kitchen"));
    host.alone().await;
    let mut guest = Party::join("guest", config(&server, "kitchen"));
    assert!(matches!(guest.event().await, SignalingEvent::Joined { role, .. } if role.offers_first));
    host.vanish().await;
    // Until then it passes on to the closing connection what nobody reads any more.
    while names(&server).await.contains("\"kitchen\"") {}
    guest.say(Wish::Describe(Description::offer("v=0"))).await;
    assert_eq!(guest.event().await, SignalingEvent::PeerLeft);
    // Trying again, it becomes the host.
    guest.leave().await;
    Party::join("guest", config(&server, "kitchen")).alone().await;
}

#[tokio::test]
async fn a_wrong_key_is_told() {
    let server = Server::peerjs();
    let mut config = config(&server, "kitchen");
    config.key = Some(Secret::new("wrong"));
    let event = Party::join("stranger", config).event().await;
    let refused = SignalingEvent::Rejected(Reject::Refused(
        "it does not accept the key (Invalid key provided): check --key".to_owned(),
    ));
    assert_eq!(event, refused);
}
