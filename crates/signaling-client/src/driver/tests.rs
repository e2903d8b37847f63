//! One connection in virtual time, over an in-memory line to a server that does as the test says.

use std::time::Duration;

use call_core::{Candidate, Description, RoomId};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

const ACCEPT: &str = r#"{"type":"accept","isExistClient":false,"isExistUser":false}"#;

/// The client's task and both ends of what it connects.
struct Fixture {
    server: WebSocketStream<DuplexStream>,
    signaling: Signaling,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// A client on a line that holds `capacity` bytes each way.
async fn open(capacity: usize) -> Fixture {
    open_at("ws://host", capacity).await
}

async fn open_at(url: &str, capacity: usize) -> Fixture {
    let (near, far) = duplex(capacity);
    let near = WebSocketStream::from_raw_socket(near, Role::Client, Some(transport::limits())).await;
    let server = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    let url = crate::parse_server_url(url).expect("a URL");
    let config = SignalingConfig::new(url, RoomId::new("kitchen").expect("a name"), "alice");
    let (commands, wanted) = mpsc::channel(QUEUE);
    let (happened, events) = mpsc::channel(QUEUE);
    let skipped = Arc::new(AtomicU64::new(0));
    let signaling = Signaling { commands, events, skipped: Arc::clone(&skipped) };
    let cancel = CancellationToken::new();
    let connection = Connection::new(Attempt::new(&config, wanted, happened, skipped), near);
    let canceled = cancel.clone();
    let task = tokio::spawn(async move {
        connection.run(&canceled).await;
    });
    Fixture { server, signaling, cancel, task }
}

/// A client in the room.
async fn joined(capacity: usize) -> Fixture {
    let mut fixture = open(capacity).await;
    assert!(fixture.read().await.to_text().expect("text").contains("register"));
    fixture.server.send(Message::text(ACCEPT)).await.expect("an open line");
    let event = fixture.signaling.events.recv().await;
    assert!(matches!(event, Some(SignalingEvent::Joined { .. })), "{event:?}");
    fixture
}

impl Fixture {
    /// The next message at the server.
    async fn read(&mut self) -> Message {
        self.server.next().await.expect("an open line").expect("a good message")
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_pinged_and_then_given_up() {
    let mut fixture = joined(64 * 1024).await;
    let start = Instant::now();
    // Nobody reads at the server meanwhile, so nobody answers the pings.
    let event = fixture.signaling.events.recv().await;
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    assert_eq!(event, Some(SignalingEvent::Lost { reason: "the server has been silent for 60s".to_owned() }));
    assert_eq!(fixture.signaling.events.recv().await, None);
    fixture.task.await.expect("no panic");
    // Two pings were written: opcode 9, empty, masked with four bytes (RFC 6455 §5.2), and no close frame for the dead.
    let mut written = Vec::new();
    fixture.server.into_inner().read_to_end(&mut written).await.expect("in memory");
    assert!(matches!(written.as_slice(), [0x89, 0x80, _, _, _, _, 0x89, 0x80, _, _, _, _]), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_pings_is_kept_for_ever() {
    let mut fixture = joined(64 * 1024).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3600) {
        assert!(fixture.read().await.is_ping());
        fixture.server.flush().await.expect("an open line");
    }
    assert!(fixture.signaling.events.is_empty() && !fixture.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_codec_is_told_the_time_also_while_the_call_does_not_listen() {
    let mut fixture = open_at("peerjs+ws://host", 64 * 1024).await;
    let of_the_peer = |kind, more| {
        let payload = format!(r#"{{"connectionId":"c","sdp":{{"sdp":"v=0"}},"candidate":{more}}}"#);
        Message::text(format!(r#"{{"type":"{kind}","src":"x","payload":{payload}}}"#))
    };
    fixture.server.send(of_the_peer("OFFER", "null")).await.expect("an open line");
    // More events than the queue holds, unheard.
    for _ in 0..QUEUE + 10 {
        fixture.server.send(of_the_peer("CANDIDATE", r#"{"candidate":"c"}"#)).await.expect("an open line");
    }
    let start = Instant::now();
    for beats in 1..=100 {
        assert_eq!(fixture.read().await, Message::text(r#"{"type":"HEARTBEAT"}"#));
        assert_eq!(start.elapsed(), Duration::from_secs(5 * beats));
    }
    assert!(matches!(fixture.signaling.events.recv().await, Some(SignalingEvent::Joined { .. })));
    assert!(matches!(fixture.signaling.events.recv().await, Some(SignalingEvent::Description(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_the_join_request_is_left() {
    let mut fixture = open(64 * 1024).await;
    let start = Instant::now();
    let event = fixture.signaling.events.recv().await;
    assert_eq!(start.elapsed(), Duration::from_secs(8));
    let Some(SignalingEvent::Unreachable { reason, retry: true }) = event else { panic!("{event:?}") };
    assert_eq!(reason, "the server did not answer the join request within 8s: does it speak Ayame? check the URL");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_our_close_frame_is_left_after_two_seconds() {
    let fixture = joined(64 * 1024).await;
    let start = Instant::now();
    fixture.cancel.cancel();
    fixture.task.await.expect("no panic");
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_on_after_our_close_frame_is_left_after_two_seconds() {
    let mut fixture = joined(4096).await;
    let start = Instant::now();
    fixture.cancel.cancel();
    let flood = async {
        while fixture.server.send(Message::text("x".repeat(500))).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = fixture.task => done.expect("no panic"),
        () = flood => {}
    }
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_is_still_heard_and_in_the_end_given_up() {
    let mut fixture = joined(1024).await;
    let offer = || Command::Describe(Description::offer("x".repeat(100_000)));
    for _ in 0..5 {
        fixture.signaling.commands.send(offer()).await.expect("open");
    }
    fixture.server.send(Message::text(r#"{"type":"offer","sdp":"v=0"}"#)).await.expect("an open line");
    let event = fixture.signaling.events.recv().await;
    assert!(matches!(event, Some(SignalingEvent::Description(_))), "{event:?}");
    for _ in 0..10 {
        // The buffer overflows somewhere here; after that the queue is closed.
        let _ = fixture.signaling.commands.send(offer()).await;
    }
    let event = fixture.signaling.events.recv().await;
    assert_eq!(event, Some(SignalingEvent::Lost { reason: "the server takes no more messages".to_owned() }));
    fixture.task.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_listen_can_still_command() {
    let mut fixture = joined(64 * 1024).await;
    // More events than the queue holds, unheard.
    for _ in 0..QUEUE + 10 {
        let candidate = r#"{"type":"candidate","ice":{"candidate":"c"}}"#;
        fixture.server.send(Message::text(candidate)).await.expect("an open line");
    }
    for _ in 0..QUEUE * 4 {
        let candidate = Candidate { candidate: "c".to_owned(), ..Candidate::default() };
        fixture.signaling.commands.send(Command::Candidate(candidate)).await.expect("open");
    }
    // Deaf for long: that is not the server's silence, and nothing is lost.
    tokio::time::sleep(Duration::from_secs(600)).await;
    for _ in 0..QUEUE + 10 {
        let event = fixture.signaling.events.recv().await;
        assert!(matches!(event, Some(SignalingEvent::Candidate(_))), "{event:?}");
    }
    assert!(!fixture.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn the_last_event_reaches_a_call_that_listens_late() {
    let mut fixture = joined(64 * 1024).await;
    for _ in 0..QUEUE {
        let candidate = r#"{"type":"candidate","ice":{"candidate":"c"}}"#;
        fixture.server.send(Message::text(candidate)).await.expect("an open line");
    }
    fixture.server.send(Message::text(r#"{"type":"bye"}"#)).await.expect("an open line");
    fixture.server.close(None).await.expect("an open line");
    let mut heard = Vec::new();
    while let Some(event) = fixture.signaling.events.recv().await {
        heard.push(event);
    }
    assert!(
        matches!(heard.as_slice(), [.., SignalingEvent::PeerLeft, SignalingEvent::Lost { .. }]),
        "{:?}",
        heard.last()
    );
    assert_eq!(heard.len(), QUEUE + 2);
}

#[tokio::test(start_paused = true)]
async fn a_deaf_call_leaves_the_server_in_time() {
    let mut fixture = joined(64 * 1024).await;
    for _ in 0..QUEUE + 10 {
        let candidate = r#"{"type":"candidate","ice":{"candidate":"c"}}"#;
        fixture.server.send(Message::text(candidate)).await.expect("an open line");
    }
    fixture.signaling.commands.send(Command::Leave).await.expect("open");
    let start = Instant::now();
    // The server does not answer, the call does not listen, and yet the task ends.
    fixture.task.await.expect("no panic");
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}
