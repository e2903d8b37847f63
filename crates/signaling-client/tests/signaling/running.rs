//! A connection from join to end, over loopback, with servers that behave and servers that do not.

use std::sync::atomic::Ordering;

use call_core::{Candidate, Description, Reject, SignalingEvent};
use futures_util::SinkExt;
use signaling_client::{Command, parse_server_url};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::server::{Client, accept, config, connect, listen, read, soon};

const ACCEPT: &str = r#"{"type":"accept","connectionId":"1","isExistClient":true,"isExistUser":true}"#;

/// A client that was let into its room, and the server's end of its connection.
async fn joined() -> (Client, WebSocketStream<TcpStream>, TcpListener) {
    let listener = listen().await;
    let mut client = connect(config("ws", &listener));
    let mut server = soon(accept(&listener)).await;
    assert!(read(&mut server).await.to_text().expect("text").starts_with(r#"{"type":"register","roomId":"kitchen""#));
    server.send(Message::text(ACCEPT)).await.expect("open");
    let event = client.event().await;
    assert!(matches!(event, Some(SignalingEvent::Joined { .. })), "{event:?}");
    (client, server, listener)
}

#[track_caller]
fn is_lost(event: Option<SignalingEvent>, words: &str) {
    match event {
        Some(SignalingEvent::Lost { reason }) => assert!(reason.contains(words), "{reason}"),
        other => panic!("not lost: {other:?}"),
    }
}

#[tokio::test]
async fn messages_pass_both_ways_at_once_and_in_order() {
    let (mut client, mut server, _listener) = joined().await;
    let candidate = |n: usize| Candidate { candidate: format!("candidate:{n}"), ..Candidate::default() };
    let commands = client.signaling.commands.clone();
    let there = async {
        commands.send(Command::Describe(Description::offer("v=0"))).await.expect("open");
        for n in 0..200 {
            commands.send(Command::Candidate(candidate(n))).await.expect("open");
        }
    };
    let served = async {
        assert_eq!(read(&mut server).await, Message::text(r#"{"type":"offer","sdp":"v=0"}"#));
        for n in 0..200 {
            let text = format!(r#"{{"type":"candidate","ice":{{"candidate":"candidate:{n}"}}}}"#);
            assert_eq!(read(&mut server).await, Message::text(text.clone()));
            // Every other one as a binary frame, which Ayame allows.
            let message = if n % 2 == 0 { Message::text(text) } else { Message::binary(text.into_bytes()) };
            server.send(message).await.expect("open");
        }
        server.send(Message::text(r#"{"type":"ping"}"#)).await.expect("open");
        assert_eq!(read(&mut server).await, Message::text(r#"{"type":"pong"}"#));
    };
    let here = async {
        for n in 0..200 {
            let Some(SignalingEvent::Candidate(read)) = soon(client.signaling.events.recv()).await else {
                panic!("no candidate {n}")
            };
            assert!(read == candidate(n), "candidate {n}");
        }
    };
    tokio::join!(there, served, here);
}

#[tokio::test]
async fn leaving_closes_with_1000_and_without_an_event() {
    let (mut client, mut server, _listener) = joined().await;
    client.signaling.commands.send(Command::Leave).await.expect("open");
    let Message::Close(Some(frame)) = read(&mut server).await else { panic!("no close frame") };
    assert_eq!(frame.code, CloseCode::Normal);
    assert_eq!(client.event().await, None);
    client.ended().await;
}

#[tokio::test]
async fn cancelling_or_dropping_leaves_too() {
    let (client, mut server, _listener) = joined().await;
    client.cancel.cancel();
    assert!(read(&mut server).await.is_close());
    client.ended().await;

    let (client, mut server, _listener) = joined().await;
    let Client { signaling, tracker, cancel: _cancel } = client;
    drop(signaling.events);
    assert!(read(&mut server).await.is_close());
    soon(tracker.wait()).await;
}

#[tokio::test]
async fn cancelling_before_the_server_answers_ends_at_once() {
    let listener = listen().await;
    let client = connect(config("ws", &listener));
    let (mut stream, _) = soon(listener.accept()).await.expect("a client comes");
    assert!(soon(stream.read(&mut [0; 64])).await.expect("a request") > 0);
    client.cancel.cancel();
    client.ended().await;

    let mut client = connect(config("ws", &listener));
    client.signaling.commands.send(Command::Leave).await.expect("open");
    assert_eq!(client.event().await, None);
    client.ended().await;
}

#[tokio::test]
async fn the_server_s_close_is_answered_and_told() {
    let (mut client, mut server, _listener) = joined().await;
    let frame = CloseFrame { code: CloseCode::Away, reason: "maintenance".into() };
    server.close(Some(frame)).await.expect("open");
    is_lost(client.event().await, "the server closed the connection (code 1001, \"maintenance\")");
    assert_eq!(client.event().await, None);
    assert!(read(&mut server).await.is_close());
    client.ended().await;
}

#[tokio::test]
async fn a_killed_server_is_told_from_an_orderly_close() {
    let (mut client, server, _listener) = joined().await;
    drop(server);
    is_lost(client.event().await, "the line was cut without a close frame");
    client.ended().await;
}

#[tokio::test]
async fn a_server_that_closes_right_after_the_request_refuses() {
    let listener = listen().await;
    let mut client = connect(config("ws", &listener));
    let mut server = soon(accept(&listener)).await;
    read(&mut server).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    server.close(Some(frame)).await.expect("open");
    let event = client.event().await;
    let Some(SignalingEvent::Rejected(Reject::Refused(reason))) = event else { panic!("{event:?}") };
    assert!(reason.contains("check the room name, the key and the path"), "{reason}");
    client.ended().await;
}

#[tokio::test]
async fn a_rejection_is_told_and_the_connection_closed() {
    let listener = listen().await;
    let mut client = connect(config("ws", &listener));
    let mut server = soon(accept(&listener)).await;
    read(&mut server).await;
    server.send(Message::text(r#"{"type":"reject","reason":"full"}"#)).await.expect("open");
    assert_eq!(client.event().await, Some(SignalingEvent::Rejected(Reject::RoomFull)));
    assert!(read(&mut server).await.is_close());
    assert_eq!(client.event().await, None);
}

#[tokio::test]
async fn garbage_is_counted_and_the_connection_goes_on() {
    let (mut client, mut server, _listener) = joined().await;
    let deep = "[".repeat(200_000);
    let garbage = ["", "{", "null", r#"{"type":"offer","sdp":{}}"#, r#"{"type":"x"}"#, deep.as_str()];
    for text in garbage {
        server.send(Message::text(text)).await.expect("open");
    }
    server.send(Message::binary(vec![0xff, 0xfe])).await.expect("open");
    server.send(Message::text(r#"{"type":"answer","sdp":"v=0"}"#)).await.expect("open");
    assert_eq!(client.event().await, Some(SignalingEvent::Description(Description::answer("v=0"))));
    assert_eq!(client.signaling.skipped.load(Ordering::Relaxed), 7);
}

#[tokio::test]
async fn a_message_of_ten_megabytes_ends_the_connection() {
    for fragmented in [false, true] {
        let (mut client, mut server, _listener) = joined().await;
        let sending = tokio::spawn(async move {
            // Errors here are the client hanging up.
            if fragmented {
                use tokio_tungstenite::tungstenite::protocol::frame::Frame;
                use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
                for n in 0..160 {
                    let code = if n == 0 { Data::Text } else { Data::Continue };
                    let frame = Frame::message(vec![b'x'; 65536], OpCode::Data(code), false);
                    if server.send(Message::Frame(frame)).await.is_err() {
                        return;
                    }
                }
            } else {
                let _ = server.send(Message::text("x".repeat(10 << 20))).await;
            }
        });
        is_lost(client.event().await, "the server sent a message of more than 256 KiB");
        client.ended().await;
        soon(sending).await.expect("no panic");
    }
}

#[tokio::test]
async fn a_line_that_breaks_the_websocket_rules_is_lost() {
    use tokio::io::AsyncWriteExt;
    let (mut client, mut server, _listener) = joined().await;
    // Reserved bits set, opcode 0xf.
    server.get_mut().write_all(&[0xff, 0x00]).await.expect("open");
    is_lost(client.event().await, "WebSocket protocol error");
    client.ended().await;
}

#[tokio::test]
async fn a_name_with_several_addresses_is_tried_until_one_answers() {
    // Where localhost also means ::1, nobody listens there.
    let listener = listen().await;
    let mut config = config("ws", &listener);
    let port = listener.local_addr().expect("bound").port();
    config.server = parse_server_url(&format!("ws://localhost:{port}")).expect("a good URL");
    let _client = connect(config);
    let mut server = soon(accept(&listener)).await;
    assert!(read(&mut server).await.is_text());
}
