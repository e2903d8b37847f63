//! Headers of the person's own in the request for a WebSocket.

use call_core::Secret;
use signaling_client::{Headers, SignalingConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connecting::failure;
use crate::server::{config, listen, soon};

#[tokio::test]
async fn headers_and_a_token_go_with_the_request_and_into_no_error() {
    let server = listen().await;
    let mut headers = Headers::default();
    headers.add("X-Team: blue").expect("a header");
    headers.add_bearer(&Secret::new("swordfish")).expect("a token");
    let config = SignalingConfig { headers, ..config("ws", &server) };
    let gateway = async {
        let (mut client, _) = server.accept().await.expect("a client comes");
        let mut request = vec![0; 4096];
        let read = client.read(&mut request).await.expect("a request");
        client.write_all(b"HTTP/1.1 401 Unauthorized\r\n\r\n").await.expect("open");
        String::from_utf8_lossy(&request[..read]).to_lowercase()
    };
    let ((reason, retry), request) = tokio::join!(failure(config.clone()), soon(gateway));
    assert!(request.contains("\r\nx-team: blue\r\n"), "{request}");
    assert!(request.contains("\r\nauthorization: bearer swordfish\r\n"), "{request}");
    assert!(request.contains("\r\nupgrade: websocket\r\n"), "{request}");
    assert!(!retry && reason.contains("it wants a login: pass --token-file or --header"), "{reason}");
    assert!(!reason.contains("swordfish") && !format!("{config:?}").contains("swordfish"));
}
