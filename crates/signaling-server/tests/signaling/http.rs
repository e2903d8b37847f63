//! What the server says to plain requests.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, raw, serve, soon};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Status line and body.
fn parts(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    (head.lines().next().unwrap_or(""), body)
}

#[tokio::test]
async fn the_recorded_paths_give_the_recorded_answers() {
    let server = serve(|_| {}).await;
    assert_eq!(parts(&raw(&server, &get("/.ok")).await), ("HTTP/1.1 200 OK", ""));
    assert_eq!(parts(&raw(&server, &get("/signaling")).await), ("HTTP/1.1 400 Bad Request", "Bad Request\n"));
    let not_found = ("HTTP/1.1 404 Not Found", "{\"message\":\"Not Found\"}\n");
    assert_eq!(parts(&raw(&server, &get("/wrong")).await), not_found);
    assert_eq!(parts(&raw(&server, &get("/signaling/")).await), not_found);
    server.shutdown().await;
}

#[tokio::test]
async fn the_page_comes_with_the_headers_that_confine_it() {
    let server = serve(|_| {}).await;
    for (path, content_type) in [
        ("/?room=kitchen", "text/html"),
        ("/style.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/call.js", "text/javascript"),
    ] {
        let answer = raw(&server, &get(path)).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200 ok"), "{path}");
        for header in [
            &format!("content-type: {content_type}"),
            "content-security-policy: default-src 'none'; script-src 'self'",
            "connect-src 'self'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(answer.contains(header), "{path} lacks {header}");
        }
    }
    server.shutdown().await;
}

#[tokio::test]
async fn other_methods_and_nonsense_are_refused() {
    let server = serve(|_| {}).await;
    let post = raw(&server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n").await;
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
    assert!(raw(&server, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert!(raw(&server, &long).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(65));
    assert!(raw(&server, &many).await.starts_with("HTTP/1.1 431"));
    assert_eq!(parts(&raw(&server, &get("/.ok")).await).0, "HTTP/1.1 200 OK");
    server.shutdown().await;
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_closed() {
    let server = serve(|config| config.limits.handshake_timeout = Duration::from_millis(50)).await;
    let mut silent = soon(TcpStream::connect(server.local_addr())).await.expect("the server listens");
    assert!(matches!(soon(silent.read(&mut [0; 512])).await, Ok(_) | Err(_)));
    let mut rest = Vec::new();
    let _ = soon(silent.read_to_end(&mut rest)).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_open_the_websocket() {
    let server = serve(|config| config.allow_origins = vec!["https://friend.example".into()]).await;
    let own = format!("http://{}", server.local_addr());
    for origin in [own.as_str(), "https://friend.example"] {
        assert!(Client::try_connect(&server, Some(origin)).await.is_ok(), "{origin}");
    }
    match Client::try_connect(&server, Some("https://evil.example")).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
        other => panic!("expected a refusal, got {:?}", other.is_ok()),
    }
    server.shutdown().await;
}
