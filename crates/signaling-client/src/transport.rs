//! Brings a WebSocket up from a URL: name, TCP, TLS, HTTP upgrade, all within one time limit.
//! Every step that fails gives its own [`ConnectError`].

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::{Host, Url};

use crate::connect_error::{ConnectError, Stage};
use crate::tcp;
use crate::text::one_line;
use crate::tls::{self, TlsOptions};

/// Largest message taken from a server, in bytes. An SDP is 5 to 30 KiB; the rest is room for many candidates or a long one.
pub(crate) const MAX_MESSAGE: usize = 256 * 1024;
/// Bytes waiting to be written to a server that does not read. A call's whole signaling is a tenth of it.
const MAX_UNSENT: usize = 1024 * 1024;
/// Messages are small and rare: a small buffer for each connection will do.
const READ_BUFFER: usize = 8 * 1024;

/// TCP with or without TLS.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Line for S {}

/// An open WebSocket over either.
pub(crate) type ClientSocket = WebSocketStream<Watched<Box<dyn Line>>>;

/// Opens the WebSocket at `url` within `limit`, counted over all steps.
pub(crate) async fn open(url: &Url, options: &TlsOptions, limit: Duration) -> Result<ClientSocket, ConnectError> {
    let clock = Clock::start(url, limit)?;
    let line = line(url, options, &clock).await?;
    clock.bound(Stage::WebSocket, upgrade(url, &clock.place, line)).await?
}

/// Opens a line to the host of an `http` or `https` URL within `limit`, counted over all steps.
pub(crate) async fn open_line(url: &Url, options: &TlsOptions, limit: Duration) -> Result<Box<dyn Line>, ConnectError> {
    line(url, options, &Clock::start(url, limit)?).await
}

/// TCP, and TLS where the scheme says so.
async fn line(url: &Url, options: &TlsOptions, clock: &Clock) -> Result<Box<dyn Line>, ConnectError> {
    let place = &clock.place;
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(ConnectError::Url(shown(url)));
    };
    // The resolver wants an IPv6 address without brackets.
    let (name, bare) = match host.to_owned() {
        Host::Domain(name) => (ServerName::try_from(name.clone()), name),
        Host::Ipv4(address) => (Ok(ServerName::from(std::net::IpAddr::from(address))), address.to_string()),
        Host::Ipv6(address) => (Ok(ServerName::from(std::net::IpAddr::from(address))), address.to_string()),
    };
    let encryption = match url.scheme() {
        "ws" | "http" => None,
        "wss" | "https" => {
            let name = name.map_err(|_| ConnectError::Url(shown(url)))?;
            let options = options.clone();
            let connector = tokio::task::spawn_blocking(move || tls::connector(&options))
                .await
                .expect("reading certificates does not panic, and nobody aborts it")?;
            Some((connector, name))
        }
        _ => return Err(ConnectError::Url(shown(url))),
    };

    let addresses = clock
        .bound(Stage::Resolve, tcp::resolve(&bare, port))
        .await?
        .map_err(|source| ConnectError::Resolve { host: bare.clone(), source })?;
    let stream =
        clock.bound(Stage::Tcp, tcp::connect(addresses)).await?.map_err(|source| unreachable(place, source))?;
    Ok(match encryption {
        None => Box::new(stream),
        Some((connector, name)) => Box::new(
            clock
                .bound(Stage::Tls, connector.connect(name, stream))
                .await?
                .map_err(|error| tls::explain(place, &error))?,
        ),
    })
}

/// `url` for the person: without its query, in which a protocol may put a key.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    one_line(url.as_str())
}

/// One time limit over all steps, and whom we are waiting for.
struct Clock {
    place: String,
    deadline: Instant,
    limit: Duration,
}

impl Clock {
    fn start(url: &Url, limit: Duration) -> Result<Self, ConnectError> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(ConnectError::Url(shown(url)));
        };
        // `host` shows an IPv6 address in brackets, as a person writes it.
        Ok(Self { place: format!("{host}:{port}"), deadline: Instant::now() + limit, limit })
    }

    async fn bound<T>(&self, stage: Stage, step: impl Future<Output = T>) -> Result<T, ConnectError> {
        timeout_at(self.deadline, step).await.map_err(|_| ConnectError::TimedOut {
            place: self.place.clone(),
            stage,
            after: self.limit,
        })
    }
}

fn unreachable(place: &str, source: io::Error) -> ConnectError {
    let place = place.to_owned();
    match source.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { place },
        _ => ConnectError::Unreachable { place, source },
    }
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
async fn upgrade<S: Line>(url: &Url, place: &str, line: S) -> Result<WebSocketStream<Watched<S>>, ConnectError> {
    let first = Arc::new(OnceLock::new());
    let line = Watched { line, first: Arc::clone(&first) };
    match client_async_with_config(url.as_str(), line, Some(limits())).await {
        Ok((socket, _response)) => Ok(socket),
        Err(error) => Err(explain(url, place, error, first.get().copied())),
    }
}

/// Says in our words why the upgrade failed. `first` is the first byte that came, if one did.
fn explain(url: &Url, place: &str, error: WsError, first: Option<u8>) -> ConnectError {
    let secure = url.scheme() == "wss";
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

    use super::*;

    fn clock(limit: Duration) -> Clock {
        Clock { place: "host:1".to_owned(), deadline: Instant::now() + limit, limit }
    }

    async fn answer_with(url: &str, answer: &[u8]) -> ConnectError {
        let url = Url::parse(url).expect("a URL");
        let (ours, mut theirs) = duplex(64 * 1024);
        let (result, ()) = tokio::join!(upgrade(&url, "host:1", ours), async {
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
        let limit = Duration::from_secs(10);
        let start = Instant::now();
        let waited = clock(limit).bound(Stage::WebSocket, upgrade(&url, "host:1", ours)).await;
        let error = waited.err().expect("nobody answers");
        assert_eq!(start.elapsed(), limit);
        assert_eq!(
            error.to_string(),
            "no connection to host:1 within 10s: it accepted the connection but did not answer the WebSocket request: \
             check the port of the URL"
        );
    }
}
