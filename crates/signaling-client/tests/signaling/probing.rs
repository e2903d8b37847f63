//! The probe against servers that the tests play: what it asks, how often, and when it gives up.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use signaling_client::{ProbeReport, Protocol, SignalingConfig, Spoken, parse_probe_url, probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::connecting::place;
use crate::server::{config, listen, soon};

/// A path whose server says nothing.
const SILENT: &str = "/silent";

async fn probed(listener: &TcpListener, path: &str) -> (ProbeReport, Vec<String>) {
    let server = parse_probe_url(&format!("ws://{}{path}", place(listener))).expect("a good URL");
    let mut config = SignalingConfig { server, ..config("ws", listener) };
    if path == SILENT {
        // Long enough for loopback, and short enough to wait for.
        config.timeouts.join = Duration::from_millis(200);
    }
    let mut steps = Vec::new();
    let report = soon(probe(&config, |step| steps.push(format!("{}: {:?}", step.name, step.outcome)))).await;
    (report, steps)
}

/// Answers each connection as `answer` says to the request, and keeps the first lines of the requests.
async fn play(listener: &TcpListener, heard: &mut Vec<String>, answer: impl Fn(&str) -> &'static str) {
    loop {
        let (mut client, _) = listener.accept().await.expect("a client comes");
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            request.push(char::from(client.read_u8().await.expect("a request")));
        }
        let line = request.lines().next().expect("a request has one").to_owned();
        client.write_all(answer(&line).as_bytes()).await.expect("open");
        heard.push(line);
    }
}

#[tokio::test]
async fn a_server_of_pages_is_asked_five_times_and_is_unknown() {
    let listener = listen().await;
    let mut heard = Vec::new();
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
    let (report, steps) = tokio::select! {
        probed = probed(&listener, "/app") => probed,
        () = play(&listener, &mut heard, |_| page) => unreachable!("it plays for ever"),
    };
    assert_eq!(report, ProbeReport { reached: true, spoken: Spoken::Unknown, server: None }, "{steps:#?}");
    assert!(heard[0].starts_with("GET /app/ringback-probe-"), "{heard:#?}");
    let rest = [
        "GET /app/peerjs/id HTTP/1.1",
        "GET /app/socket.io/?EIO=4&transport=websocket HTTP/1.1",
        "GET /app HTTP/1.1",
        "OPTIONS /app HTTP/1.1",
    ];
    assert_eq!(heard[1..], rest);
}

#[tokio::test]
async fn a_media_server_is_known_by_what_it_takes() {
    for (path, spoken, scheme) in [
        ("/live/whip", Spoken::Whip, Some("whip+")),
        ("/live/whep", Spoken::Whep, Some("whep+")),
        ("/x", Spoken::WhipOrWhep, None),
    ] {
        let listener = listen().await;
        let mut heard = Vec::new();
        let answer = |line: &str| match line.starts_with("OPTIONS ") {
            true => "HTTP/1.1 204 No Content\r\nAccept-Post: application/sdp\r\n\r\n",
            false => "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
        };
        let (report, steps) = tokio::select! {
            probed = probed(&listener, path) => probed,
            () = play(&listener, &mut heard, answer) => unreachable!("it plays for ever"),
        };
        let server = scheme.map(|scheme| format!("{scheme}http://{}{path}", place(&listener)));
        assert_eq!(report, ProbeReport { reached: true, spoken, server }, "{steps:#?}");
    }
}

/// An Ayame server that says no; every other path has nothing.
async fn refuse(listener: &TcpListener, path: &str) {
    loop {
        let (mut client, _) = listener.accept().await.expect("a client comes");
        let mut start = vec![0; 256];
        let read = client.peek(&mut start).await.expect("a request");
        if !start[..read].starts_with(format!("GET {path} ").as_bytes()) {
            let _ = client.read(&mut start).await;
            client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.expect("open");
            continue;
        }
        let mut socket = accept_async(client).await.expect("a proper request");
        let register = socket.next().await.expect("open").expect("good").to_text().expect("text").to_owned();
        assert!(register.contains(r#""roomId":"ringback-probe-"#), "{register}");
        let no = r#"{"type":"reject","reason":"InvalidSignalingKey"}"#;
        socket.send(Message::text(no)).await.expect("open");
        let _ = socket.next().await;
    }
}

#[tokio::test]
async fn ayame_is_known_also_by_its_no_and_at_its_usual_path() {
    for (given, path) in [("/", "/signaling"), ("/ws", "/ws")] {
        let listener = listen().await;
        let (report, steps) = tokio::select! {
            probed = probed(&listener, given) => probed,
            () = refuse(&listener, path) => unreachable!("it plays for ever"),
        };
        let server = Some(format!("ws://{}{path}", place(&listener)));
        assert_eq!(
            report,
            ProbeReport { reached: true, spoken: Spoken::Signaling(Protocol::Ayame), server },
            "{steps:#?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_a_bounded_time() {
    let listener = listen().await;
    let start = std::time::Instant::now();
    let hold = async {
        let mut held: Vec<TcpStream> = Vec::new();
        loop {
            held.push(listener.accept().await.expect("a client comes").0);
            assert!(held.len() <= 5, "five questions");
        }
    };
    let (report, steps) = tokio::select! {
        probed = probed(&listener, SILENT) => probed,
        () = hold => unreachable!("it plays for ever"),
    };
    assert_eq!(report, ProbeReport { reached: true, spoken: Spoken::Unknown, server: None }, "{steps:#?}");
    assert!(start.elapsed() < Duration::from_secs(15), "{steps:#?}");
}
