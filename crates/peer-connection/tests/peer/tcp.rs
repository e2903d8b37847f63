//! Calls over TCP, for where UDP is lost; and what strangers can do to whoever listens.

use crate::pair::{PATIENCE, Side, flows, negotiate, negotiate_changed, on_loopback, picture};
use call_core::{Candidate, Description, IceServer, PeerEvent, Secret};
use peer_connection::{PeerConfig, PeerNotice};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const OPUS: &[u8] = &[0xfc, 0xff, 0xfe];

/// Longer than UDP is given before streams are opened: what was not opened by then is not going to be.
const NEVER: Duration = Duration::from_millis(1_500);

/// Loses every datagram of whoever is told these candidates: it is sent to somebody who does not answer.
#[derive(Clone)]
struct Lost(std::sync::Arc<UdpSocket>);

impl Lost {
    fn new() -> Self {
        Self(std::sync::Arc::new(UdpSocket::bind("127.0.0.1:0").expect("loopback")))
    }

    fn candidate(&self, line: String) -> String {
        let mut words: Vec<&str> = line.split(' ').collect();
        let port = self.0.local_addr().expect("bound").port().to_string();
        if words.get(2) == Some(&"udp") {
            words[5] = &port;
        }
        words.join(" ")
    }
}

async fn negotiate_without_udp(a: &mut Side, b: &mut Side) {
    let lost = Lost::new();
    negotiate_changed(a, b, move |line| lost.candidate(line)).await;
}

/// The candidates come by themselves.
fn without_candidates(mut description: Description) -> Description {
    description.sdp = description.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect();
    description
}

async fn protocol(side: &mut Side) -> String {
    side.until("a path", |notice| matches!(notice, PeerNotice::Path(_))).await;
    side.peer.stats().await.path.expect("connected").protocol
}

fn passive(port: u16) -> Candidate {
    let candidate = format!("candidate:1 1 tcp 1518280447 127.0.0.1 {port} typ host tcptype passive");
    Candidate { candidate, ..Candidate::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_is_lost_sound_pictures_and_data_go_over_tcp() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let began = Instant::now();
    negotiate_without_udp(&mut a, &mut b).await;
    tokio::join!(a.until_open(), b.until_open());
    eprintln!("connection and data channel open over TCP after {:?}", began.elapsed());
    for side in [&mut a, &mut b] {
        side.until_path("host").await;
        assert_eq!(side.peer.stats().await.path.expect("connected").protocol, "tcp");
    }
    for (from, to) in [(&a, &b), (&b, &a)] {
        flows(&from.peer.audio_sender(), &to.streams.audio, OPUS).await;
        flows(&from.peer.video_sender(), &to.streams.video, &picture(1, 30_000)).await;
    }
    let long = "x".repeat(peer_connection::PeerError::MAX_MESSAGE);
    for _ in 0..20 {
        a.peer.send_chat(&long).await.expect("open");
        assert_eq!(b.until("a line", |said| matches!(said, PeerNotice::Chat(_))).await, PeerNotice::Chat(long.clone()));
    }
    a.peer.close().await;
    b.until_session(PeerEvent::Closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_both_ways_are_open_udp_is_taken_and_no_stream_is_opened() {
    for _ in 0..3 {
        let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
        let somebody = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let began = Instant::now();
        negotiate(&mut a, &mut b).await;
        for side in [&a, &b] {
            side.peer.add_candidate(passive(somebody.local_addr().expect("bound").port())).await.expect("a candidate");
        }
        tokio::join!(a.until_open(), b.until_open());
        let took = began.elapsed();
        for side in [&mut a, &mut b] {
            assert_eq!(protocol(side).await, "udp");
        }
        // A machine that is very busy may need longer than UDP is given.
        let in_time = took < Duration::from_millis(600);
        let opened = tokio::time::timeout(NEVER, somebody.accept()).await.is_ok();
        assert!(!(in_time && opened), "a stream was opened without need");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_tcp_is_negotiated_anew_over_tcp() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    negotiate_without_udp(&mut a, &mut b).await;
    tokio::join!(a.until_open(), b.until_open());
    a.peer.restart_ice().await;
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own offer");
    b.peer.set_remote(without_candidates(offer)).await.expect("a good offer");
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own answer");
    a.peer.set_remote(without_candidates(answer)).await.expect("a good answer");
    tokio::join!(a.until_session(PeerEvent::Connected), b.until_session(PeerEvent::Connected));
    for (from, to) in [(&a, &b), (&b, &a)] {
        flows(&from.peer.audio_sender(), &to.streams.audio, OPUS).await;
    }
    a.peer.send_chat("still here").await.expect("open");
    b.until("a line", |notice| matches!(notice, PeerNotice::Chat(_))).await;
    for side in [&mut a, &mut b] {
        assert_eq!(protocol(side).await, "tcp");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_cut_off_and_do_not_hinder_the_peer() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own offer");
    let port = loop {
        let line = a.next_candidate().await.candidate;
        let words: Vec<&str> = line.split(' ').collect();
        assert!(!line.contains("active"), "nobody can connect to that");
        if line.ends_with("tcptype passive") {
            break words[5].parse().expect("a port");
        }
    };
    let mut strangers = Vec::new();
    let stun = [&[0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    let mute: &[u8] = b"";
    for said in
        [mute, b"GET / HTTP/1.1\r\n\r\n", &[0; 2_000], &[0xff; 2_000], &[4, 0], &stun].into_iter().cycle().take(100)
    {
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
        // It may have been cut off already.
        let _ = stranger.write_all(said).await;
        strangers.push(stranger);
    }
    b.peer.set_remote(offer).await.expect("a good offer");
    b.peer.add_candidate(passive(port)).await.expect("a candidate");
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own answer");
    a.peer.set_remote(answer).await.expect("a good answer");
    tokio::join!(a.until_open(), b.until_open());
    for side in [&mut a, &mut b] {
        assert_eq!(protocol(side).await, "tcp");
    }
    for mut stranger in strangers {
        let cut = tokio::time::timeout(PATIENCE, stranger.read(&mut [0; 16])).await.expect("cut off in time");
        assert!(!cut.is_ok_and(|count| count > 0), "a stranger was answered");
    }
    a.peer.send_chat("undisturbed").await.expect("open");
    b.until("a line", |notice| matches!(notice, PeerNotice::Chat(_))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_names_many_others_has_us_connect_to_few_of_them_once() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own offer");
    b.peer.set_remote(offer).await.expect("a good offer");
    let (told, mut accepted) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..20 {
        let victim = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let candidate = passive(victim.local_addr().expect("bound").port());
        for _ in 0..3 {
            b.peer.add_candidate(candidate.clone()).await.expect("a candidate");
        }
        let told = told.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = victim.accept().await {
                let _ = told.send(());
                // What it says to that is no concern of the call.
                let _ = stream.write_all(&[3; 100_000]).await;
            }
        });
    }
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own answer");
    for _ in 0..8 {
        tokio::time::timeout(PATIENCE, accepted.recv()).await.expect("in time").expect("open");
    }
    assert!(tokio::time::timeout(NEVER, accepted.recv()).await.is_err(), "one more than is allowed");
    a.peer.set_remote(answer).await.expect("a good answer");
    a.trickle_to(&b);
    b.trickle_to(&a);
    tokio::join!(a.until_open(), b.until_open());
    for side in [&mut a, &mut b] {
        assert_eq!(protocol(side).await, "udp");
    }
}

/// A relay that never answers: what matters is what is tried besides.
fn by_relay() -> PeerConfig {
    let relay = IceServer {
        urls: vec!["turn:127.0.0.1:9".into()],
        username: Some("user".into()),
        credential: Some(Secret::new("password")),
    };
    PeerConfig { ice_servers: vec![relay], relay_only: true, ..on_loopback() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_relays_only_no_stream_is_opened_and_none_is_offered() {
    let (a, mut b) = (Side::open(on_loopback()).await, Side::open(by_relay()).await);
    let somebody = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let candidate = passive(somebody.local_addr().expect("bound").port());
    let mut offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own offer");
    offer.sdp = offer.sdp.replace("a=mid:0\r\n", &format!("a=mid:0\r\na={}\r\n", candidate.candidate));
    b.peer.set_remote(offer).await.expect("a good offer");
    b.peer.add_candidate(candidate).await.expect("left out");
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own answer");
    assert!(!answer.sdp.contains("a=candidate:"));
    a.peer.set_remote(answer).await.expect("a good answer");
    assert!(tokio::time::timeout(NEVER, somebody.accept()).await.is_err(), "our address was shown");
    while let Ok(candidate) = tokio::time::timeout(Duration::ZERO, b.next_candidate()).await {
        assert!(candidate.is_end_of_candidates(), "{candidate:?}");
    }
    drop(a);
}

/// Runs itself alone in a process of its own, whose sockets are counted.
#[cfg(target_os = "linux")]
#[test]
fn with_relays_only_nobody_listens() {
    const ALONE: &str = "RINGBACK_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let this = std::env::current_exe().expect("the test binary");
        let arguments = ["tcp::with_relays_only_nobody_listens", "--exact", "--nocapture"];
        let status = std::process::Command::new(this).args(arguments).env(ALONE, "1").status();
        assert!(status.expect("it runs").success());
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let relayed = Side::open(by_relay()).await;
        assert_eq!(listening(), 0);
        let direct = Side::open(on_loopback()).await;
        assert_eq!(listening(), 1);
        let unwanted = Side::open(PeerConfig { tcp: false, ..on_loopback() }).await;
        assert_eq!(listening(), 1);
        direct.peer.close().await;
        assert_eq!(listening(), 0);
        tokio::join!(relayed.peer.close(), unwanted.peer.close());
    });
}

/// How many sockets of this process wait for streams.
#[cfg(target_os = "linux")]
fn listening() -> usize {
    let ours = std::fs::read_dir("/proc/self/fd").expect("Linux has it");
    let ours: Vec<String> = ours
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()?.into_os_string().into_string().ok())
        .collect();
    let all = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux has it");
    let waiting = all.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        (words[3] == "0A").then(|| format!("socket:[{}]", words[9]))
    });
    waiting.filter(|socket| ours.contains(socket)).count()
}
