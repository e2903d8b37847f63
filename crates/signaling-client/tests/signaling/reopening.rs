//! Attempts to join that take more than one WebSocket, as PeerJS needs them.

use call_core::SignalingEvent;
use futures_util::{SinkExt, StreamExt};
use signaling_client::{Command, SignalingConfig, parse_server_url};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::server::{self, connect, listen, soon};

const TAKEN: &str = r#"{"type":"ID-TAKEN"}"#;

fn config(listener: &TcpListener) -> SignalingConfig {
    let address = listener.local_addr().expect("bound");
    let mut config = server::config("ws", listener);
    config.server = parse_server_url(&format!("peerjs+ws://{address}")).expect("a good URL");
    config
}

/// The next WebSocket, and the name that is asked for with it.
async fn asked(listener: &TcpListener) -> (WebSocketStream<TcpStream>, String) {
    let (stream, _) = soon(listener.accept()).await.expect("a client comes");
    let mut name = String::new();
    #[expect(clippy::result_large_err, reason = "the shape is tungstenite's")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let query = request.uri().query().unwrap_or_default();
        name = query.split('&').find_map(|pair| pair.strip_prefix("id=")).expect("a name").to_owned();
        Ok(response)
    };
    let socket = soon(accept_hdr_async(stream, note)).await.expect("a proper request");
    (socket, name)
}

/// Says that the name is taken, and reads on until the client is gone.
async fn refuse(mut socket: WebSocketStream<TcpStream>) {
    socket.send(Message::text(TAKEN)).await.expect("open");
    while let Some(Ok(_)) = soon(socket.next()).await {}
}

#[tokio::test]
async fn a_taken_name_is_followed_by_another_on_a_new_connection() {
    let listener = listen().await;
    let mut client = connect(config(&listener));
    let (first, host) = asked(&listener).await;
    refuse(first).await;
    let (mut second, guest) = asked(&listener).await;
    assert!(host == "kitchen" && guest.starts_with("kitchen-"), "{host} {guest}");
    second.send(Message::text(r#"{"type":"OPEN"}"#)).await.expect("open");
    let event = client.event().await;
    assert!(matches!(&event, Some(SignalingEvent::Joined { role, .. }) if role.offers_first), "{event:?}");
    client.signaling.commands.send(Command::Leave).await.expect("open");
    refuse(second).await;
    client.ended().await;
}

#[tokio::test]
async fn a_server_that_sends_us_on_for_ever_is_left() {
    let listener = listen().await;
    let mut client = connect(config(&listener));
    for _ in 0..5 {
        refuse(asked(&listener).await.0).await;
    }
    let event = client.event().await;
    assert!(matches!(&event, Some(SignalingEvent::Unreachable { retry: true, .. })), "{event:?}");
    assert_eq!(client.event().await, None);
    client.ended().await;
}

#[tokio::test]
async fn leaving_between_two_connections_leaves() {
    let listener = listen().await;
    let mut client = connect(config(&listener));
    let (first, _) = asked(&listener).await;
    refuse(first).await;
    // The second is accepted by the system and by nobody else.
    client.signaling.commands.send(Command::Leave).await.expect("open");
    assert_eq!(client.event().await, None);
    client.ended().await;
}
