//! Data channels of the program's own.

use crate::pair::{PATIENCE, Side, connected, on_loopback};
use peer_connection::{DataChannel, DataMessage, PeerConfig, PeerError};
use std::collections::BTreeMap;

async fn with_channels(labels: [&str; 2]) -> (Side, Side) {
    let config = PeerConfig { channels: labels.map(str::to_owned).to_vec(), ..on_loopback() };
    connected(config).await
}

async fn opened(side: &mut Side) -> BTreeMap<String, DataChannel> {
    let mut channels = BTreeMap::new();
    while channels.len() < 2 {
        let channel = tokio::time::timeout(PATIENCE, side.channels.recv()).await.expect("in time").expect("connected");
        channels.insert(channel.label().to_owned(), channel);
    }
    channels
}

async fn next(channel: &DataChannel) -> Option<DataMessage> {
    tokio::time::timeout(PATIENCE, channel.receive()).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_every_size_arrive_whole_and_in_order_beside_the_chat() {
    let (mut a, mut b) = with_channels(["bulk", "ping"]).await;
    let (ours, theirs) = (opened(&mut a).await, opened(&mut b).await);
    let sizes = [1, 1_200, 16 << 10, 64 << 10, DataChannel::MAX_MESSAGE];
    let sending = async {
        for (number, size) in sizes.into_iter().enumerate() {
            ours["bulk"].send(&vec![number as u8; size]).await.expect("open");
        }
        ours["bulk"].send_text("end \u{1f44b}").await.expect("open");
    };
    let reading = async {
        for (number, size) in sizes.into_iter().enumerate() {
            assert_eq!(next(&theirs["bulk"]).await, Some(DataMessage::Binary(vec![number as u8; size].into())));
        }
        assert_eq!(next(&theirs["bulk"]).await, Some(DataMessage::Text("end \u{1f44b}".into())));
    };
    tokio::join!(sending, reading);
    theirs["ping"].send(b"back").await.expect("open");
    assert_eq!(next(&ours["ping"]).await, Some(DataMessage::Binary(b"back"[..].into())));

    let long = vec![0; DataChannel::MAX_MESSAGE + 1];
    let limit = DataChannel::MAX_MESSAGE;
    assert_eq!(ours["bulk"].send(&long).await, Err(PeerError::MessageTooLong { limit }));
    a.peer.send_chat("still here").await.expect("the chat is another channel");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_makes_the_sender_wait_and_loses_nothing() {
    let (mut a, mut b) = with_channels(["bulk", "ping"]).await;
    let (ours, theirs) = (opened(&mut a).await, opened(&mut b).await);
    let total = 40 << 20; // more than the 256 messages that webrtc-rs keeps for a channel, and what is on its way
    let piece = vec![7; 64 << 10];
    let sending = async {
        for _ in 0..total / piece.len() {
            ours["bulk"].send(&piece).await.expect("open");
        }
    };
    tokio::pin!(sending);
    tokio::select! {
        () = &mut sending => panic!("40 MiB went to nobody"),
        message = next(&theirs["ping"]) => panic!("{message:?}"),
        // Until nothing moves any more: what is on its way stays the same over many looks.
        () = stalled(&ours["bulk"]) => {}
    }
    let reading = async {
        let mut read = 0;
        while read < total {
            let Some(DataMessage::Binary(message)) = next(&theirs["bulk"]).await else { panic!("bytes") };
            read += message.len();
        }
    };
    tokio::join!(sending, reading);
}

async fn stalled(channel: &DataChannel) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(10));
    let (mut last, mut same) = (0, 0);
    while same < 50 {
        looks.tick().await;
        let now = channel.outstanding_bytes().await;
        same = if now == last && now > 0 { same + 1 } else { 0 };
        last = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_ends_with_its_connection() {
    let (mut a, mut b) = with_channels(["bulk", "ping"]).await;
    let (ours, theirs) = (opened(&mut a).await, opened(&mut b).await);
    a.peer.close().await;
    assert_eq!(next(&theirs["bulk"]).await, None);
    assert_eq!(ours["bulk"].send(b"late").await, Err(PeerError::NoDataChannel));
    assert_eq!(next(&ours["bulk"]).await, None);
}
