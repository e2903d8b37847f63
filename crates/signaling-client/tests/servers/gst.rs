//! GStreamer's signalling server, from its crate.

use call_core::{Reject, SignalingEvent};
use signaling_client::SignalingConfig;

use crate::meeting::{self, Party, both_meet};
use crate::server::Server;

fn config(server: &Server, room: &str) -> SignalingConfig {
    meeting::config(&format!("gst+ws://{}", server.address()), room)
}

#[tokio::test]
async fn two_meet_and_a_third_finds_the_room_full() {
    let server = Server::gst();
    let mut producer = Party::join("producer", config(&server, "Küche/1"));
    producer.alone().await;
    let mut elsewhere = Party::join("elsewhere", config(&server, "kitchen"));
    elsewhere.alone().await;
    let mut consumer = Party::join("consumer", config(&server, "Küche/1"));
    both_meet(&mut producer, &mut consumer).await;

    let mut third = Party::join("third", config(&server, "Küche/1"));
    assert_eq!(third.event().await, SignalingEvent::Rejected(Reject::RoomFull));
    third.ended().await;

    consumer.leave().await;
    assert_eq!(producer.event().await, SignalingEvent::PeerLeft);
    let mut next = Party::join("next", config(&server, "Küche/1"));
    both_meet(&mut producer, &mut next).await;
    // Without a word: the server notices.
    producer.vanish().await;
    assert_eq!(next.event().await, SignalingEvent::PeerLeft);
}

#[tokio::test]
async fn two_that_come_at_once_meet() {
    let server = Server::gst();
    for room in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        let [mut one, mut other] = ["one", "other"].map(|name| Party::join(name, config(&server, room)));
        both_meet(&mut one, &mut other).await;
    }
}
