//! Brings a WebSocket up from a URL: the line, then the HTTP upgrade on it, all within one time limit.
//! Every step that fails gives its own [`ConnectError`].

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use crate::clock::Clock;
use crate::config::SignalingConfig;
use crate::connect_error::{ConnectError, Stage};
use crate::headers::Headers;
use crate::line::{self, Line, Target, shown};
use crate::text::one_line;
use crate::tls;

/// Largest message taken from a server, in bytes. An SDP is 5 to 30 KiB; the rest is room for many candidates or a long one.
pub(crate) const MAX_MESSAGE: usize = 256 * 1024;
/// Bytes waiting to be written to a server that does not read. A call's whole signaling is a tenth of it.
const MAX_UNSENT: usize = 1024 * 1024;
/// Messages are small and rare: a small buffer for each connection will do.
const READ_BUFFER: usize = 8 * 1024;

/// An open WebSocket over either.
pub(crate) type ClientSocket = WebSocketStream<Watched<Box<dyn Line>>>;

/// Opens the WebSocket at `config`'s server, but with this `url` of the protocol's, within the time limit for all steps.
pub(crate) async fn open(url: &Url, config: &SignalingConfig) -> Result<ClientSocket, ConnectError> {
    let clock = Clock::start(Target::of(url)?.to_string(), config.timeouts.connect);
    let line = line::open(url, &config.tls, &config.proxies, &clock).await?;
    clock.bound(Stage::WebSocket, upgrade(url, &config.headers, clock.place(), line)).await?
}

/// What one WebSocket may hold in memory.
pub(crate) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(MAX_UNSENT)
}

/// Turns an open line into a WebSocket (RFC 6455 §4.1).
pub(crate) async fn upgrade<S: Line>(
    url: &Url,
    headers: &Headers,
    place: &str,
    line: S,
) -> Result<WebSocketStream<Watched<S>>, ConnectError> {
    let first = Arc::new(OnceLock::new());
    let line = Watched { line, first: Arc::clone(&first) };
    let mut request = url.as_str().into_client_request().map_err(|_| ConnectError::Url(shown(url)))?;
    headers.add_to(request.headers_mut());
    match client_async_with_config(request, line, Some(limits())).await {
        Ok((socket, _response)) => Ok(socket),
        Err(error) => Err(explain(url, place, error, first.get().copied())),
    }
}

/// Says in our words why the upgrade failed. `first` is the first byte that came, if one did.
fn explain(url: &Url, place: &str, error: WsError, first: Option<u8>) -> ConnectError {
    let secure = url.scheme() == "wss";
    if let WsError::Io(error) = &error
        && let Some(error) = tls::explain_late(place, error)
    {
        return error;
    }
    let place = place.to_owned();
    match (error, first) {
        // TLS record types (RFC 8446 §5.1): the server answered our HTTP with a TLS alert.
        (_, Some(0x14..=0x17)) if !secure => ConnectError::WantsTls { place },
        (WsError::Http(response), _) if !secure && complains_about_plain_http(&response) => {
            ConnectError::WantsTls { place }
        }
        (WsError::Http(response), _) => {
            let location = response.headers().get("Location").and_then(|value| value.to_str().ok()).map(one_line);
            ConnectError::http(&place, url.path(), response.status().as_u16(), location.as_deref())
        }
        (WsError::Url(_) | WsError::HttpFormat(_), None) => ConnectError::Url(shown(url)),
        (WsError::Io(_), _) | (_, None) => ConnectError::NoAnswer { place, secure },
        (error, Some(_)) => ConnectError::NotWebSocket { place, reason: one_line(&error.to_string()) },
    }
}

/// nginx and Go answer plain HTTP on their TLS ports with a 400 that says so in its body.
fn complains_about_plain_http(response: &Response) -> bool {
    let body = response.body().as_deref().unwrap_or_default();
    response.status().as_u16() == 400 && body.windows(5).any(|word| word == b"HTTPS")
}

/// A line that remembers the first byte read from it, which tells TLS from HTTP after a failed upgrade.
pub(crate) struct Watched<S> {
    line: S,
    first: Arc<OnceLock<u8>>,
}

impl<S: Line> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.line).poll_read(cx, buf);
        if let Some(&byte) = buf.filled().get(before) {
            self.first.get_or_init(|| byte);
        }
        polled
    }
}

impl<S: Line> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    async fn answer_with(url: &str, answer: &[u8]) -> ConnectError {
        let url = Url::parse(url).expect("a URL");
        let (ours, mut theirs) = duplex(64 * 1024);
        let headers = Headers::default();
        let (result, ()) = tokio::join!(upgrade(&url, &headers, "host:1", ours), async {
            let mut request = [0; 1024];
            let read = theirs.read(&mut request).await.expect("a request");
            assert!(request[..read].starts_with(b"GET /signaling HTTP/1.1\r\n"));
            theirs.write_all(answer).await.expect("we are still reading");
            drop(theirs);
        });
        result.err().expect("that is no upgrade")
    }

    #[tokio::test]
    async fn each_wrong_answer_has_its_own_sentence() {
        for (url, answer, sentence) in [
            ("ws", "HTTP/1.1 401 Unauthorized\r\n\r\n", "host:1 answered HTTP 401 for /signaling: it wants a login"),
            ("ws", "HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP 403 for /signaling: it does not let this client in"),
            ("wss", "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404 for /signaling: nothing is there: check the path"),
            ("ws", "HTTP/1.1 200 OK\r\n\r\n<html>", "HTTP 200 for /signaling: that is an ordinary web page"),
            (
                "ws",
                "HTTP/1.1 400 Bad Request\r\n\r\nBad Request\n",
                "HTTP 400 for /signaling: it does not take WebSockets",
            ),
            (
                "ws",
                "HTTP/1.1 301 Moved\r\nLocation: wss://b/\r\n\r\n",
                "the server has moved to wss://b/: use that URL",
            ),
            ("ws", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "the server behind it is not running"),
            ("ws", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "does not answer as a WebSocket server"),
            ("ws", "SSH-2.0-OpenSSH_9.6\r\n", "does not answer as a WebSocket server"),
            ("ws", "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{32}", "host:1 is an encrypted port: use wss:// instead of ws://"),
            (
                "ws",
                "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
                "does not answer as a WebSocket server",
            ),
            (
                "ws",
                "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port",
                "host:1 is an encrypted port: use wss:// instead of ws://",
            ),
            ("ws", "", "closed the connection without an answer: if that port is encrypted, use wss://"),
            ("wss", "", "closed the connection without an answer: if that port is not encrypted, use ws://"),
        ] {
            let error = answer_with(&format!("{url}://host:1/signaling"), answer.as_bytes()).await.to_string();
            assert!(error.contains(sentence), "{answer:?} gave {error:?}");
        }
    }

    #[tokio::test]
    async fn an_endless_header_is_cut_short() {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nX: {}", "x".repeat(100_000));
        let error = answer_with("ws://host:1/signaling", answer.as_bytes()).await;
        assert!(matches!(error, ConnectError::NotWebSocket { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_costs_the_time_limit_and_no_more() {
        let url = Url::parse("ws://host:1/signaling").expect("a URL");
        let (ours, _theirs) = duplex(64 * 1024);
        let (limit, headers) = (Duration::from_secs(10), Headers::default());
        let start = Instant::now();
        let clock = Clock::start("host:1", limit);
        let waited = clock.bound(Stage::WebSocket, upgrade(&url, &headers, "host:1", ours)).await;
        let error = waited.err().expect("nobody answers");
        assert_eq!(start.elapsed(), limit);
        assert_eq!(
            error.to_string(),
            "no connection to host:1 within 10s: it accepted the connection but did not answer the WebSocket request: \
             check the port of the URL"
        );
    }
}
