//! Sessions with media servers over real lines: how many lines, what happens to broken ones, and how long the end may take.
//! The server is a script of responses that are given one after another, whatever is asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use call_core::{Candidate, Description, RoomId, SignalingEvent};
use signaling_client::{Command, Signaling, SignalingConfig, Timeouts, connect, parse_server_url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const OFFER: &str = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\n";
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Length: 5\r\n\r\nv=0\r\n";
const PATIENCE: Duration = Duration::from_secs(10);

/// What was asked, as `METHOD PATH`, and over how many lines.
#[derive(Default)]
struct Asked {
    requests: Vec<String>,
    lines: usize,
}

/// A server that answers with `script`, and after it no more. With `closes` each answer ends its line.
async fn server(script: Vec<String>, closes: bool) -> (SignalingConfig, Arc<Mutex<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let url = format!("whip+http://{}/live", listener.local_addr().expect("bound"));
    let asked = Arc::new(Mutex::new(Asked::default()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut script = script.into_iter();
        loop {
            let (mut line, _) = listener.accept().await.expect("listening");
            noted.lock().expect("nobody panics").lines += 1;
            while let Some(request) = request(&mut line).await {
                noted.lock().expect("nobody panics").requests.push(request);
                let Some(answer) = script.next() else { std::future::pending().await };
                // A client that has heard enough hangs up.
                let _ = line.write_all(answer.as_bytes()).await;
                if closes {
                    break;
                }
            }
        }
    });
    let room = RoomId::new("unused").expect("a plain name");
    (SignalingConfig::new(parse_server_url(&url).expect("a URL"), room, "test"), asked)
}

/// Reads one request; its first two words.
async fn request(line: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Some(head.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
            }
        }
        let mut more = [0; 1024];
        match line.read(&mut more).await {
            Ok(count @ 1..) => read.extend_from_slice(&more[..count]),
            _ => return None,
        }
    }
}

async fn event(signaling: &mut Signaling) -> SignalingEvent {
    tokio::time::timeout(PATIENCE, signaling.events.recv()).await.expect("in time").expect("not over")
}

/// Joins, offers with one candidate, and hears the answer.
async fn published(config: SignalingConfig, tracker: &TaskTracker, cancel: &CancellationToken) -> Signaling {
    let mut signaling = connect(config, tracker, cancel.clone());
    assert!(matches!(event(&mut signaling).await, SignalingEvent::Joined { .. }));
    let candidate = Candidate { candidate: "candidate:1".to_owned(), ..Candidate::default() };
    for command in [Command::Describe(Description::offer(OFFER)), Command::Candidate(candidate)] {
        signaling.commands.send(command).await.expect("it listens");
    }
    assert_eq!(event(&mut signaling).await, SignalingEvent::Description(Description::answer("v=0\r\n")));
    signaling
}

async fn ended(tracker: TaskTracker) {
    tracker.close();
    tokio::time::timeout(PATIENCE, tracker.wait()).await.expect("ends in time");
}

#[tokio::test]
async fn a_session_takes_one_line_or_as_many_as_the_server_closes() {
    for (closes, lines) in [(false, 1), (true, 4)] {
        let script = [NO_CONTENT, CREATED, NO_CONTENT, NO_CONTENT].map(|answer| match closes {
            true => answer.replacen("\r\n", "\r\nConnection: close\r\n", 1),
            false => answer.to_owned(),
        });
        let (config, asked) = server(script.to_vec(), closes).await;
        let tracker = TaskTracker::new();
        let signaling = published(config, &tracker, &CancellationToken::new()).await;
        signaling.commands.send(Command::Leave).await.expect("it listens");
        ended(tracker).await;
        let asked = asked.lock().expect("nobody panics");
        assert_eq!(asked.requests, ["OPTIONS /live", "POST /live", "PATCH /s/1", "DELETE /s/1"]);
        assert_eq!(asked.lines, lines);
    }
}

#[tokio::test]
async fn a_server_hears_of_the_end_when_the_call_is_cancelled_and_need_not_answer() {
    let (mut config, asked) = server([NO_CONTENT, CREATED, NO_CONTENT].map(str::to_owned).to_vec(), false).await;
    config.timeouts = Timeouts { close: Duration::from_millis(200), ..Timeouts::default() };
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let _signaling = published(config, &tracker, &cancel).await;
    cancel.cancel();
    ended(tracker).await;
    assert_eq!(asked.lock().expect("nobody panics").requests.last().expect("some"), "DELETE /s/1");
}

#[tokio::test]
async fn what_is_no_answer_in_http_or_one_without_end_is_told() {
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{}", "x".repeat(300 * 1024));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(300 * 1024));
    for (answer, words) in [
        (endless, "is longer than 256 KiB"),
        (long, "does not answer in HTTP"),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "does not answer in HTTP"),
    ] {
        let (config, _) = server(vec![answer], true).await;
        let tracker = TaskTracker::new();
        let mut signaling = connect(config, &tracker, CancellationToken::new());
        match event(&mut signaling).await {
            SignalingEvent::Unreachable { reason, .. } => assert!(reason.contains(words), "{reason}"),
            other => panic!("{other:?}"),
        }
        ended(tracker).await;
    }
}
