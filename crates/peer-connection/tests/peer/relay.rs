//! A call over a real TURN server, coturn, on loopback.

use crate::pair::{Side, connect, flows, on_loopback, picture, restart};
use call_core::{IceServer, Secret};
use peer_connection::{Peer, PeerConfig, PeerError, PeerNotice};
use std::fs::File;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends the server with the test.
struct Turn {
    server: Child,
    url: String,
    log: PathBuf,
}

impl Turn {
    /// None where coturn is not installed.
    fn start() -> Option<Self> {
        // The port is free now; another process would have to take it within milliseconds.
        let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("loopback").port();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("turnserver-{port}.log"));
        let written = File::create(&log).expect("the target folder is writable");
        let server = Command::new("turnserver")
            .args(["-n", "--log-file", "stdout", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay"])
            .args(["--lt-cred-mech", "--user", "user:password", "--user", "later:another", "--verbose"])
            .args(["--realm", "ringback.test", "--allow-loopback-peers"])
            .args(["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", &port.to_string()])
            .args(["--pidfile", "/dev/null"])
            .stdin(Stdio::null())
            .stdout(written)
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let turn = Self { server, url: format!("turn:127.0.0.1:{port}"), log };
        turn.await_answer(port);
        Some(turn)
    }

    /// Sends a STUN binding request (RFC 8489 §5) until one is answered.
    fn await_answer(&self, port: u16) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("settable");
        let mut request = [0_u8; 20];
        request[1] = 1;
        request[4..8].copy_from_slice(&0x2112_a442_u32.to_be_bytes());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            let _ = socket.send_to(&request, ("127.0.0.1", port));
            if socket.recv(&mut [0; 512]).is_ok() {
                return;
            }
        }
        panic!("coturn does not answer on port {port}");
    }

    fn server(&self) -> IceServer {
        self.server_for("user", "password")
    }

    fn server_for(&self, user: &str, password: &str) -> IceServer {
        let credential = Some(Secret::new(password));
        IceServer { urls: vec![self.url.clone()], username: Some(user.into()), credential }
    }

    /// How many addresses this user was given.
    fn allocations(&self, user: &str) -> usize {
        let log = std::fs::read_to_string(&self.log).expect("it was created");
        let user = format!("user <{user}>");
        log.lines().filter(|line| line.contains("ALLOCATE processed, success") && line.contains(&user)).count()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_relays_only_the_call_goes_over_the_turn_server() {
    let Some(turn) = tokio::task::spawn_blocking(Turn::start).await.expect("no panic") else {
        assert!(std::env::var_os("CI").is_none(), "coturn must be installed in CI");
        eprintln!("skipped: turnserver is not installed");
        return;
    };
    let config = PeerConfig { ice_servers: vec![turn.server()], relay_only: true, ..on_loopback() };
    let (mut a, mut b) = (Side::open(config.clone()).await, Side::open(config).await);
    let began = Instant::now();
    connect(&mut a, &mut b).await;
    eprintln!("relayed connection and data channel open after {:?}", began.elapsed());
    for side in [&mut a, &mut b] {
        side.until_path("relay").await;
        let path = side.peer.stats().await.path.expect("connected");
        assert_eq!((path.local_type.as_str(), path.remote_type.as_str()), ("relay", "relay"));
        assert_eq!(path.relay_protocol.as_deref(), Some("udp"));
    }
    flows(&a.peer.video_sender(), &b.streams.video, &picture(1, 5_000)).await;
    b.peer.send_chat("over the relay").await.expect("open");
    a.until("a line", |notice| matches!(notice, PeerNotice::Chat(_))).await;
    tokio::join!(a.peer.close(), b.peer.close());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ice_restart_uses_the_credentials_that_came_since() {
    let Some(turn) = tokio::task::spawn_blocking(Turn::start).await.expect("no panic") else {
        assert!(std::env::var_os("CI").is_none(), "coturn must be installed in CI");
        eprintln!("skipped: turnserver is not installed");
        return;
    };
    let config = PeerConfig { ice_servers: vec![turn.server()], relay_only: true, ..on_loopback() };
    let (mut a, mut b) = (Side::open(config.clone()).await, Side::open(config).await);
    connect(&mut a, &mut b).await;
    assert_eq!((turn.allocations("user"), turn.allocations("later")), (2, 0));
    for side in [&a, &b] {
        side.peer.set_ice_servers(&[turn.server_for("later", "another")]).await;
    }
    restart(&mut a, &mut b).await;
    flows(&a.peer.video_sender(), &b.streams.video, &picture(1, 5_000)).await;
    assert_eq!((turn.allocations("user"), turn.allocations("later")), (2, 2));
    tokio::join!(a.peer.close(), b.peer.close());
}

#[tokio::test]
async fn relay_only_without_a_relay_is_refused_with_advice() {
    let config = PeerConfig { relay_only: true, ..on_loopback() };
    let error = Peer::open(config).await.err().expect("there is no relay");
    assert_eq!(error, PeerError::NoRelay);
    assert!(error.to_string().contains("--ice-server turn:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_cannot_be_used_are_told_once_and_cost_nothing() {
    let unusable = |url: &str| IceServer {
        urls: vec![url.into()],
        username: Some("user".into()),
        credential: Some(Secret::new("password")),
    };
    let ice_servers =
        vec![unusable("stuns:127.0.0.1"), unusable("turns:127.0.0.1?transport=udp"), unusable("nonsense")];
    let config = PeerConfig { ice_servers, ..on_loopback() };
    let (mut a, mut b) = (Side::open(config).await, Side::open(on_loopback()).await);
    for _ in 0..2 {
        a.until("a problem", |notice| matches!(notice, PeerNotice::Problem(_))).await;
    }
    connect(&mut a, &mut b).await;
}
