//! A whole call: path, sound and pictures both ways, chat, keyframe requests and figures.

use crate::pair::{PATIENCE, Side, connect, connected, drain, flows, on_loopback, picture};
use call_core::PeerEvent;
use peer_connection::{MediaKind, PeerConfig, PeerNotice, PictureRequest, Popped, SideState};
use std::time::{Duration, Instant};

const OPUS: &[u8] = &[0xfc, 0xff, 0xfe];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_and_pictures_flow_both_ways_and_are_counted() {
    let (mut a, mut b) = connected(on_loopback()).await;
    for (from, to) in [(&a, &b), (&b, &a)] {
        let sound = flows(&from.peer.audio_sender(), &to.streams.audio, OPUS).await;
        assert_eq!(&sound.payload[..], OPUS);
        let video = flows(&from.peer.video_sender(), &to.streams.video, &picture(1, 3_000)).await;
        assert!(!video.payload.is_empty());
    }
    for side in [&mut a, &mut b] {
        for (kind, codec) in [(MediaKind::Audio, "opus"), (MediaKind::Video, "h264")] {
            let track = PeerNotice::RemoteTrack { kind, codec: Some(codec.into()) };
            side.until("the peer's track", |notice| *notice == track).await;
        }
        side.until_path("host").await;
        let stats = side.peer.stats().await;
        let path = stats.path.expect("connected");
        assert_eq!((path.local_type.as_str(), path.remote_type.as_str()), ("host", "host"));
        assert_eq!((path.protocol.as_str(), path.relay_protocol), ("udp", None));
        assert!(path.rtt.is_some_and(|rtt| rtt.as_millis() < 1_000), "{:?}", path.rtt);
        // The first profile that we offer (RFC 8827 §6.5 asks for what has perfect forward secrecy, which ECDHE gives).
        assert_eq!(stats.encryption.as_deref(), Some("DTLS 1.2, SRTP_AEAD_AES_128_GCM"));
        let (audio, video) = (stats.audio_sent.expect("sent"), stats.video_sent.expect("sent"));
        assert_eq!((audio.codec.as_deref(), video.codec.as_deref()), (Some("opus"), Some("h264")));
        assert!(audio.packets > 0 && audio.bytes >= audio.packets * OPUS.len() as u64, "{audio:?}");
        assert!(video.packets > 3 && video.bytes > 3_000, "{video:?}");
        let (audio, video) = (stats.audio_received.expect("received"), stats.video_received.expect("received"));
        assert_eq!((audio.codec.as_deref(), video.codec.as_deref()), (Some("opus"), Some("h264")));
        assert!(audio.packets > 0 && video.packets > 0 && video.bytes > 0, "{audio:?} {video:?}");
        assert_eq!((audio.lost, video.lost), (Some(0), Some(0)));
        for jitter in [audio.jitter, video.jitter] {
            assert!(jitter.is_some_and(|jitter| jitter < Duration::from_secs(1)), "{jitter:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtp_timestamps_follow_the_capture_clock() {
    let (a, b) = connected(on_loopback()).await;
    flows(&a.peer.video_sender(), &b.streams.video, &picture(1, 10)).await;
    let captured = Instant::now();
    let mut last = None;
    for millis in [0, 33, 90] {
        let sender = a.peer.video_sender();
        let _ = sender.send(&picture(2, 10), captured + Duration::from_millis(millis));
        let packet = tokio::time::timeout(crate::pair::PATIENCE, async {
            loop {
                let marked = drain(&b.streams.video).into_iter().find(|packet| packet.marker && packet.payload[1] == 2);
                match marked {
                    Some(packet) => return packet.timestamp,
                    None => tokio::task::yield_now().await,
                }
            }
        });
        let timestamp = packet.await.expect("the picture arrives");
        if let Some((before, at)) = last.replace((timestamp, millis)) {
            // Each is rounded down to a tick by itself.
            assert!(u64::from(timestamp.wrapping_sub(before)).abs_diff((millis - at) * 90) <= 1);
        }
    }
}

fn state(microphone: bool, camera: bool) -> SideState {
    SideState { microphone: Some(microphone), camera: Some(camera) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_side_knows_the_others_state_from_the_start_and_at_each_change() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    // Before there is anybody: kept until the channel opens, the newest of it.
    a.peer.set_state(state(true, true)).await;
    a.peer.set_state(state(false, true)).await;
    b.peer.set_state(state(true, false)).await;
    connect(&mut a, &mut b).await;
    let told = |notice: &PeerNotice| matches!(notice, PeerNotice::State(_));
    assert_eq!(b.until("a's state", told).await, PeerNotice::State(state(false, true)));
    assert_eq!(a.until("b's state", told).await, PeerNotice::State(state(true, false)));
    // What has not changed is not said again.
    a.peer.set_state(state(false, true)).await;
    a.peer.set_state(state(true, true)).await;
    assert_eq!(b.until("the change", told).await, PeerNotice::State(state(true, true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat_goes_both_ways_in_order() {
    let (mut a, mut b) = connected(on_loopback()).await;
    for line in ["hello", "", "\u{1f44b} with \"quotes\""] {
        a.peer.send_chat(line).await.expect("open");
        b.peer.send_chat(line).await.expect("open");
    }
    for side in [&mut a, &mut b] {
        for line in ["hello", "", "\u{1f44b} with \"quotes\""] {
            let said = side.until("a line", |notice| matches!(notice, PeerNotice::Chat(_))).await;
            assert_eq!(said, PeerNotice::Chat(line.into()));
        }
    }
    let long = "x".repeat(peer_connection::PeerError::MAX_MESSAGE + 1);
    assert_eq!(
        a.peer.send_chat(&long).await,
        Err(peer_connection::PeerError::MessageTooLong { limit: peer_connection::PeerError::MAX_MESSAGE })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyframe_is_asked_for_and_heard_of() {
    let (mut a, mut b) = connected(on_loopback()).await;
    flows(&a.peer.video_sender(), &b.streams.video, &picture(1, 100)).await;
    b.until("the track", |notice| matches!(notice, PeerNotice::RemoteTrack { kind: MediaKind::Video, .. })).await;
    b.peer.request(&PictureRequest::Keyframe).await;
    a.until("the request", |notice| *notice == PeerNotice::KeyframeRequested).await;
    assert_eq!(a.peer.stats().await.video_sent.and_then(|sent| sent.plis), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_are_asked_for_come_once_more_and_whole() {
    let (a, mut b) = connected(on_loopback()).await;
    let first = flows(&a.peer.video_sender(), &b.streams.video, &picture(1, 3_000)).await;
    b.until("the track", |notice| matches!(notice, PeerNotice::RemoteTrack { kind: MediaKind::Video, .. })).await;
    b.peer.request(&PictureRequest::Packets(vec![first.sequence_number])).await;
    let queue = b.streams.video.clone();
    let again = tokio::task::spawn_blocking(move || {
        loop {
            match queue.pop_timeout(PATIENCE) {
                Popped::Packet(packet) if packet.sequence_number != first.sequence_number => {}
                Popped::Packet(packet) => {
                    return (packet.timestamp, packet.payload) == (first.timestamp, first.payload);
                }
                nothing => panic!("{nothing:?}"),
            }
        }
    });
    assert!(again.await.expect("it comes"), "another packet under the same number");
    assert_eq!(a.peer.stats().await.video_sent.and_then(|sent| sent.nacks), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_path_and_signs_of_life_are_reported_also_without_media() {
    let (mut a, _b) = connected(on_loopback()).await;
    a.until_path("host").await;
    for _ in 0..3 {
        a.until_session(PeerEvent::Activity).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bandwidth_estimate_starts_where_it_is_told_and_grows_with_feedback() {
    let (mut a, b) = connected(on_loopback()).await;
    assert_eq!(*a.target.borrow(), PeerConfig::default().start_bitrate);
    assert_eq!(a.peer.stats().await.target_bitrate, None, "not measured yet");
    let sender = a.peer.video_sender();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let fed = async {
        loop {
            pace.tick().await;
            let _ = sender.send(&picture(1, 900), Instant::now());
            drain(&b.streams.video);
        }
    };
    tokio::select! {
        () = fed => {}
        changed = tokio::time::timeout(crate::pair::PATIENCE, a.target.changed()) => {
            changed.expect("in time").expect("still open");
        }
    }
    assert!(a.peer.stats().await.target_bitrate.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_without_camera_and_microphone_still_receives() {
    for silent_offers in [true, false] {
        let silent = PeerConfig { send_audio: false, send_video: false, ..on_loopback() };
        let (mut quiet, mut loud) = (Side::open(silent).await, Side::open(on_loopback()).await);
        if silent_offers {
            connect(&mut quiet, &mut loud).await;
        } else {
            connect(&mut loud, &mut quiet).await;
        }
        flows(&loud.peer.audio_sender(), &quiet.streams.audio, OPUS).await;
        flows(&loud.peer.video_sender(), &quiet.streams.video, &picture(1, 100)).await;
        let sender = quiet.peer.audio_sender();
        assert_eq!(sender.send(OPUS, Instant::now()), peer_connection::Sent::Dropped);
        quiet.peer.send_chat("but it can write").await.expect("open");
        loud.until("a line", |notice| matches!(notice, PeerNotice::Chat(_))).await;
    }
}
