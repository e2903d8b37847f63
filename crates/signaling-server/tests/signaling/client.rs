//! A server on loopback and clients of it, each wait bounded in time.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use signaling_server::{Server, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens in time")
}

/// A server on a free port of the loopback interface.
pub(crate) async fn serve(change: impl FnOnce(&mut ServerConfig)) -> Server {
    let mut config = ServerConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..ServerConfig::default() };
    change(&mut config);
    Server::start(config).await.expect("the server starts")
}

/// A WebSocket client.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) socket: WebSocketStream<S>,
}

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::try_connect(server, None).await.expect("the WebSocket opens")
    }

    pub(crate) async fn try_connect(server: &Server, origin: Option<&str>) -> Result<Self, Error> {
        Self::connect_to(server.local_addr(), origin).await
    }

    pub(crate) async fn connect_to(address: SocketAddr, origin: Option<&str>) -> Result<Self, Error> {
        let stream = soon(TcpStream::connect(address)).await?;
        let mut request = format!("ws://{address}/signaling").into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("a header value"));
        }
        let (socket, _) = soon(tokio_tungstenite::client_async(request, stream)).await?;
        Ok(Self { socket })
    }

    /// Connects and joins a room; what the server said to that is read.
    pub(crate) async fn join(server: &Server, room: &str) -> Self {
        let mut client = Self::connect(server).await;
        client.say(&format!(r#"{{"type":"register","roomId":"{room}"}}"#)).await;
        let heard = client.hear().await;
        assert!(heard.starts_with(r#"{"type":"accept","connectionId":""#), "{heard}");
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn say(&mut self, text: &str) {
        soon(self.socket.send(Message::text(text))).await.expect("the server reads");
    }

    /// The next text message.
    pub(crate) async fn hear(&mut self) -> String {
        match soon(self.socket.next()).await {
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            other => panic!("expected a text message, got {other:?}"),
        }
    }

    /// Reads until the server closes; `None` when it did so without a close frame.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = soon(self.socket.next()).await {
            match message {
                Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        code
    }
}

/// Sends a request as it is and reads the answer until the server closes.
pub(crate) async fn raw(server: &Server, request: &str) -> String {
    let mut stream = soon(TcpStream::connect(server.local_addr())).await.expect("the server listens");
    soon(stream.write_all(request.as_bytes())).await.expect("the server reads");
    let mut answer = Vec::new();
    // A server that refuses may reset the connection after its answer.
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).expect("the answer is text")
}
