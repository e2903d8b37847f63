//! Shutting down: everybody is told, nobody is waited for, nothing is left.

use std::time::{Duration, Instant};

use signaling_server::{Server, ServerConfig, ServerError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{Client, serve, soon};

/// Two seconds for the connections and a margin for a busy machine.
const BOUND: Duration = Duration::from_secs(4);

#[tokio::test]
async fn peers_are_told_that_the_server_goes_away() {
    let server = serve(|_| {}).await;
    let mut first = Client::join(&server, "kitchen").await;
    let mut second = Client::join(&server, "kitchen").await;
    let mut idle = soon(TcpStream::connect(server.local_addr())).await.expect("the server listens");
    let address = server.local_addr();
    let (codes, ()) = tokio::join!(async { (first.closed().await, second.closed().await) }, soon(server.shutdown()));
    assert_eq!(codes, (Some(1001), Some(1001)));
    assert!(matches!(soon(idle.read(&mut [0; 16])).await, Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn peers_that_do_not_answer_are_not_waited_for() {
    let server = serve(|_| {}).await;
    let mut deaf = Vec::new();
    for room in 0..10 {
        deaf.push(Client::join(&server, &format!("room-{room}")).await);
    }
    let start = Instant::now();
    soon(server.shutdown()).await;
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
    for mut client in deaf {
        assert_eq!(client.closed().await, Some(1001));
    }
}

#[tokio::test]
async fn a_server_that_is_dropped_stops_too() {
    let server = serve(|_| {}).await;
    let mut client = Client::join(&server, "kitchen").await;
    drop(server);
    assert_eq!(client.closed().await, Some(1001));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let server = serve(|_| {}).await;
    let config = ServerConfig { listen: server.local_addr(), ..ServerConfig::default() };
    match Server::start(config).await {
        Err(error @ ServerError::Listen { .. }) => {
            assert!(error.to_string().contains(&server.local_addr().to_string()), "{error}");
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
    server.shutdown().await;
}
