//! Two engines in this process, over real UDP and the real server: the library as other programs use it.
//! Everything is awaited as events and snapshots; nothing is guessed from the clock.

use std::time::{Duration, Instant};

use call_engine::{
    AudioSink, AudioSource, Call, CallConfig, Command, EndReason, Event, PeerState, Phase, RoomId, SignalingConfig,
    Size, Snapshot, VideoSource,
};
use ringback_tests::place::alone;
use signaling_server::{Server, ServerConfig};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn server() -> Server {
    let listen = "127.0.0.1:0".parse().expect("an address");
    Server::start(ServerConfig { listen, ..ServerConfig::default() }).await.expect("loopback has free ports")
}

async fn call(server: &Server, name: &str) -> Call {
    place(server, name, false).await
}

async fn place(server: &Server, name: &str, ask: bool) -> Call {
    Call::place(CallConfig { ask, ..config(server, name) }).await.expect("nothing is needed but loopback")
}

/// A small test card and a test tone, to the room of all tests.
pub(crate) fn config(server: &Server, name: &str) -> CallConfig {
    let url = call_engine::parse_server_url(&server.signaling_url()).expect("the server gives a usable address");
    let room = RoomId::new("library").expect("a valid name");
    let mut config = CallConfig {
        video_in: VideoSource::TestCard,
        audio_in: AudioSource::Test,
        audio_out: AudioSink::None,
        ..CallConfig::new(SignalingConfig::new(url, room, name))
    };
    config.video.size = Size::new(320, 180).expect("possible");
    config
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

pub(crate) async fn until(call: &Call, what: &str, reached: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    let mut snapshot = call.snapshot();
    within(what, async move { snapshot.wait_for(reached).await.expect("the call runs").clone() }).await
}

async fn chat_of(call: &mut Call) -> String {
    within("a chat message", async {
        loop {
            if let Event::Chat(text) = call.event().await.expect("the call runs") {
                return text;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_see_hear_and_read_each_other_and_the_end_of_one_ends_the_other() {
    let _alone = alone();
    let server = server().await;
    let (mut first, mut second) = (call(&server, "first").await, call(&server, "second").await);

    for side in [&first, &second] {
        let seen = until(side, "ten pictures and some sound", |snapshot| {
            let figures = &snapshot.figures;
            figures.video_received.frames_decoded >= Some(10) && figures.milestones.first_audio_played.is_some()
        })
        .await;
        assert_eq!(seen.figures.path.local_type.as_deref(), Some("host"));
        until(side, "an open data channel", |snapshot| snapshot.figures.milestones.data_channel_open.is_some()).await;
    }
    let picture = first.remote_pictures().take().expect("the newest picture lies in its slot");
    assert_eq!(picture.size(), Size::new(320, 180).expect("possible"));

    first.commands().send(Command::SendChat("hello".into())).await.expect("the call runs");
    assert_eq!(chat_of(&mut second).await, "hello");
    second.commands().send(Command::SendChat("grüße".into())).await.expect("the call runs");
    assert_eq!(chat_of(&mut first).await, "grüße");

    let hung_up_at = Instant::now();
    first.hang_up().await;
    let theirs = within("the other's end", second.finished()).await;
    assert!(hung_up_at.elapsed() < Duration::from_secs(1), "{:?}", hung_up_at.elapsed());
    assert!(matches!(theirs.end, EndReason::PeerHungUp { .. }), "{:?}", theirs.end);
    let ours = within("our own end", first.finished()).await;
    assert_eq!(ours.end, EndReason::HungUp);
    assert!(ours.connected && theirs.connected);
    assert_eq!((ours.figures.data.messages_sent, ours.figures.data.messages_received), (1, 1));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_knows_whether_the_other_is_muted_or_without_camera_and_how_good_and_how_safe_the_line_is() {
    let _alone = alone();
    let server = server().await;
    let (first, second) = (call(&server, "first").await, call(&server, "second").await);
    let state = |microphone_on, camera_on| PeerState { microphone_on: Some(microphone_on), camera_on: Some(camera_on) };
    for side in [&first, &second] {
        until(side, "the other's state", |snapshot| snapshot.peer == state(true, true)).await;
        let measured = until(side, "figures", |snapshot| {
            snapshot.quality.is_some() && snapshot.figures.video_received.bytes.is_some_and(|bytes| bytes > 1_000)
        })
        .await;
        assert_eq!(measured.figures.encryption.as_deref(), Some("DTLS 1.2, SRTP_AEAD_AES_128_GCM"));
    }
    for (command, expected) in [
        (Command::SetMicrophoneOn(false), state(false, true)),
        (Command::SetCameraOn(false), state(false, false)),
        (Command::SetMicrophoneOn(true), state(true, false)),
    ] {
        first.commands().send(command).await.expect("the call runs");
        until(&second, "the change", |snapshot| snapshot.peer == expected).await;
    }
    assert_eq!(first.snapshot().borrow().peer, state(true, true), "that was the other side");
    let last = second.snapshot();
    first.hang_up().await;
    within("the end", second.finished()).await;
    assert_eq!((last.borrow().peer, last.borrow().quality), (PeerState::default(), None), "nobody is there any more");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_never_ends_a_running_call() {
    let _alone = alone();
    let server = server().await;
    let (first, second) = (call(&server, "first").await, call(&server, "second").await);
    for side in [&first, &second] {
        until(side, "pictures", |snapshot| snapshot.figures.video_received.frames_decoded >= Some(5)).await;
    }
    server.shutdown().await;
    let before = first.snapshot().borrow().figures.video_received.frames_decoded.unwrap_or(0);
    until(&first, "three more seconds of pictures", |snapshot| {
        snapshot.figures.video_received.frames_decoded >= Some(before + 90)
    })
    .await;
    second.hang_up().await;
    assert!(matches!(within("the end", first.finished()).await.end, EndReason::PeerHungUp { .. }));
}

/// Two calls to one room in the same instant; gives what each told until it was over.
async fn at_once(server: &Server, room: String) -> [Vec<Event>; 2] {
    let place = async |name: &str| {
        let url = call_engine::parse_server_url(&server.signaling_url()).expect("the server gives a usable address");
        let room = RoomId::new(room.clone()).expect("a valid name");
        let config = CallConfig {
            video_in: VideoSource::None,
            audio_in: AudioSource::None,
            audio_out: AudioSink::None,
            bind: vec![std::net::Ipv4Addr::LOCALHOST.into()],
            ..CallConfig::new(SignalingConfig::new(url, room, name))
        };
        Call::place(config).await.expect("nothing is needed but loopback")
    };
    let (mut first, mut second) = tokio::join!(place("first"), place("second"));
    for side in [&first, &second] {
        until(side, "a connected call", |snapshot| snapshot.figures.milestones.data_channel_open.is_some()).await;
    }
    first.hang_up().await;
    let events = async |call: &mut Call| {
        let mut events = Vec::new();
        while let Some(event) = within("the end", call.event()).await {
            events.push(event);
        }
        events
    };
    let (ours, theirs) = tokio::join!(events(&mut first), events(&mut second));
    [ours, theirs]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_call_at_the_same_instant_two_hundred_times_and_there_is_always_one_connection() {
    let _alone = alone();
    let server = server().await;
    for round in 0..40 {
        let pair = |number| at_once(&server, format!("r{round}-{number}"));
        let (a, b, c, d, e) = tokio::join!(pair(0), pair(1), pair(2), pair(3), pair(4));
        for told in [a, b, c, d, e].into_iter().flatten() {
            let phases = |wanted| told.iter().filter(|event| **event == Event::Phase(wanted)).count();
            assert_eq!(phases(Phase::Connected), 1, "{told:?}");
            assert_eq!(phases(Phase::Negotiating), 1, "{told:?}");
        }
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_rings_until_it_is_accepted_and_nothing_of_the_called_side_goes_out_before() {
    let _alone = alone();
    let server = server().await;
    let called = place(&server, "called", true).await;
    until(&called, "the room", |snapshot| snapshot.phase == Phase::Waiting).await;
    let caller = call(&server, "caller").await;
    until(&called, "ringing", |snapshot| snapshot.phase == Phase::Ringing).await;
    // With an answer or an address of ours the caller would begin to look for a path.
    assert_eq!(caller.snapshot().borrow().phase, Phase::Waiting);
    called.commands().send(Command::Accept).await.expect("the call runs");
    for side in [&called, &caller] {
        until(side, "pictures", |snapshot| snapshot.figures.video_received.frames_decoded >= Some(5)).await;
    }
    caller.hang_up().await;
    assert!(matches!(within("the end", called.finished()).await.end, EndReason::PeerHungUp { .. }));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_declined_learns_it() {
    let _alone = alone();
    let server = server().await;
    let called = place(&server, "called", true).await;
    until(&called, "the room", |snapshot| snapshot.phase == Phase::Waiting).await;
    let caller = call(&server, "caller").await;
    until(&called, "ringing", |snapshot| snapshot.phase == Phase::Ringing).await;
    called.commands().send(Command::Decline).await.expect("the call runs");
    assert_eq!(within("our end", called.finished()).await.end, EndReason::Declined);
    assert_eq!(within("the caller's end", caller.finished()).await.end, EndReason::PeerDeclined);
    server.shutdown().await;
}
