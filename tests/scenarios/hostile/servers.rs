//! Servers that never answer, close without a word, or say too much; and what is left open after all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use call_engine::{AudioSink, AudioSource, Call as Engine, CallConfig, RoomId, SignalingConfig, VideoSource};
use ringback_tests::place::alone;
use ringback_tests::program::{Call, Running};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::villain::{Accomplice, FakeServer, within};

/// A server that was never reached is given up after ten seconds.
const ENDS: Duration = Duration::from_secs(16);

fn caller(name: &str, server: &FakeServer) -> Running {
    Call::new(name, "lair").silent().option("--server", &server.url()).start()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_server_costs_seconds_and_one_clear_line() {
    let _alone = alone();
    let servers: Vec<FakeServer> = futures_util::future::join_all((0..5).map(|_| FakeServer::start())).await;
    let [mute, deaf, cutter, refuser, shouter] = &servers[..] else { unreachable!("five were started") };
    let calls = [mute, deaf, cutter, refuser, shouter].map(|server| caller("caller", server));

    // Takes the connection and never says a word; upgrades it and never answers.
    let silent = mute.stream().await;
    let listening = deaf.registered().await;
    let cutting = async {
        loop {
            drop(cutter.stream().await);
        }
    };
    let refusing = async { refuser.registered().await.close().await };
    let shouting = async {
        loop {
            let mut line = shouter.registered().await;
            line.try_send(Message::text("x".repeat(10 << 20))).await;
        }
    };
    let expected = [
        (3, "did not answer"),
        (3, "did not answer the join request"),
        (3, "closed the connection without an answer"),
        (4, "right after the join request"),
        (3, "more than 256 KiB"),
    ];
    let watching = tokio::task::spawn_blocking(move || {
        for (mut call, (code, words)) in calls.into_iter().zip(expected) {
            call.ends_with(code, ENDS);
            let said = call.process.stderr.text();
            assert!(said.lines().any(|line| line.starts_with("error: ") && line.contains(words)), "{words}:\n{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    });
    tokio::select! {
        done = watching => done.expect("all as expected"),
        () = async { tokio::join!(cutting, refusing, shouting); } => unreachable!("two of them never end"),
    }
    drop((silent, listening));
}

/// The sockets and pipes of this process.
fn open_descriptors() -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd").expect("Linux").flatten() {
        if let Ok(target) = std::fs::read_link(entry.path()) {
            let kind = target.to_string_lossy().split([':', '[']).next().unwrap_or_default().to_owned();
            if kind == "socket" || kind == "pipe" || kind == "anon_inode" {
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }
    kinds
}

async fn engine(server: &FakeServer) -> Engine {
    let url = call_engine::parse_server_url(&server.url()).expect("an address");
    let room = RoomId::new("lair").expect("a valid name");
    let config = CallConfig {
        video_in: VideoSource::None,
        audio_in: AudioSource::None,
        audio_out: AudioSink::None,
        bind: vec!["127.0.0.1".parse().expect("an address")],
        ..CallConfig::new(SignalingConfig::new(url, room, "victim"))
    };
    Engine::place(config).await.expect("nothing is needed but loopback")
}

/// One call with a villain that plays one of its tricks; ends with everything dropped.
async fn visit(trick: u32) {
    let server = FakeServer::start().await;
    let call = engine(&server).await;
    let mut villain = Accomplice::open().await;
    match trick {
        0 => drop(server.stream().await),
        1 => {
            let mut stream = server.stream().await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await;
        }
        2 => drop(server.joined(false).await),
        3 => {
            let mut line = server.joined(false).await;
            let sdp = villain.offer().await;
            line.offer(&sdp).await;
            line.hear("answer").await;
        }
        4 => {
            let mut line = server.joined(true).await;
            villain.answer(&mut line, |sdp| sdp).await;
        }
        5 => {
            let mut line = server.joined(false).await;
            villain.call(&mut line).await;
            villain.until_event(call_core::PeerEvent::IceConnected).await;
        }
        _ => {
            let mut line = server.joined(false).await;
            villain.call(&mut line).await;
            villain.until_event(call_core::PeerEvent::Connected).await;
        }
    }
    drop(server);
    villain.peer.close().await;
    call.hang_up().await;
    within("the end", call.finished()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trick_leaves_a_socket_open() {
    let _alone = alone();
    visit(6).await;
    let before = open_descriptors();
    for trick in 0..7 {
        visit(trick).await;
        let after = open_descriptors();
        assert_eq!(after, before, "trick {trick}");
    }
}
