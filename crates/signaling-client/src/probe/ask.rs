//! Puts one question to a server over one line, and takes down the first answer. What comes after it is not read.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use url::{Position, Url};

use crate::codec::Out;
use crate::config::SignalingConfig;
use crate::connect_error::ConnectError;
use crate::headers::Headers;
use crate::http_head;
use crate::line::Line;
use crate::probe::evidence::{Answer, HttpAnswer, Question};
use crate::server_url::Protocol;
use crate::socket::Socket;
use crate::transport;

/// Longest wait for an answer. Whoever speaks first does so at once; 2 s are room for a slow line.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait for the closing handshake: the answer is there already.
const CLOSE: Duration = Duration::from_millis(500);
/// Most bytes taken of an HTTP answer; a name that PeerJS gives away has 36.
const MAX_ANSWER: usize = 16 * 1024;

impl Question {
    /// Where it is put, for a server at `config`'s URL: where our clients would go too.
    pub(super) fn url(self, config: &SignalingConfig) -> Url {
        let mut url = config.server.url.clone();
        let below = |url: &mut Url, segments: &[&str]| {
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(segments);
            }
        };
        match self {
            Self::Greeting => below(&mut url, &[config.room.as_str()]),
            Self::PeerId => below(&mut url, &["peerjs", "id"]),
            Self::SocketIo => {
                below(&mut url, &["socket.io", ""]);
                url.set_query(Some("EIO=4&transport=websocket"));
            }
            // Under any other path than its root, a matchbox server would take that for a room; the greeting has found it by
            // then, unless somebody gave the URL of a room as that of a server.
            Self::Register if url.path() == "/" => url.set_path("/signaling"),
            Self::Register | Self::Options => {}
        }
        url
    }

    /// Puts it on `line`, to the server at `url`.
    pub(super) async fn put(self, config: &SignalingConfig, url: &Url, place: &str, line: Box<dyn Line>) -> Answer {
        let deadline = Instant::now() + PATIENCE.min(config.timeouts.join);
        let answer = match self {
            Self::PeerId => http("GET", url, &config.headers, line, deadline).await,
            Self::Options => http("OPTIONS", url, &config.headers, line, deadline).await,
            Self::Greeting | Self::SocketIo => socket(url, config, place, line, None, deadline).await,
            Self::Register => socket(url, config, place, line, register(config), deadline).await,
        };
        answer.unwrap_or_else(Answer::Nothing)
    }
}

/// Ayame's request to join the probe's own room.
fn register(config: &SignalingConfig) -> Option<String> {
    let mut config = config.clone();
    config.server.protocol = Protocol::Ayame;
    config.codec().on_open(std::time::Instant::now()).into_iter().find_map(|out| match out {
        Out::Send(text) => Some(text),
        _ => None,
    })
}

async fn socket(
    url: &Url,
    config: &SignalingConfig,
    place: &str,
    line: Box<dyn Line>,
    words: Option<String>,
    deadline: Instant,
) -> Result<Answer, String> {
    let opened = timeout_at(deadline, transport::upgrade(url, &config.headers, place, line)).await;
    let mut socket = match opened.map_err(|_| "no answer".to_owned())? {
        Ok(socket) => Socket::new(socket),
        Err(ConnectError::Http { status, .. }) => {
            return Ok(Answer::Http(HttpAnswer { status, ..HttpAnswer::default() }));
        }
        Err(error) => return Err(error.to_string()),
    };
    if let Some(words) = words {
        socket.queue(Message::text(words)).map_err(|error| error.to_string())?;
    }
    let answer = loop {
        match timeout_at(deadline, socket.next(true)).await {
            Err(_) => break Ok(Answer::Silence),
            Ok(Some(Ok(Message::Text(text)))) => break Ok(Answer::Text(text.to_string())),
            Ok(Some(Ok(Message::Binary(bytes)))) => {
                break Ok(Answer::Text(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
            Ok(Some(Ok(Message::Close(_))) | None) => return Err("a WebSocket, closed without a word".to_owned()),
            Ok(Some(Err(error))) => return Err(error.to_string()),
        }
    };
    socket.close(CloseCode::Normal, CLOSE).await;
    answer
}

async fn http(
    method: &str,
    url: &Url,
    headers: &Headers,
    mut line: Box<dyn Line>,
    deadline: Instant,
) -> Result<Answer, String> {
    let (host, path) =
        (&url[Position::BeforeHost..Position::AfterPort], &url[Position::BeforePath..Position::AfterQuery]);
    let agent = concat!("ringback/", env!("CARGO_PKG_VERSION"));
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n");
    request.extend(headers.lines());
    request.push_str("Connection: close\r\n\r\n");
    let mut answer = Vec::new();
    let talk = async {
        line.write_all(request.as_bytes()).await?;
        line.flush().await?;
        while !is_whole(method, &answer) && answer.len() < MAX_ANSWER && line.read_buf(&mut answer).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Whatever ended it: what came is looked at.
    let ended = timeout_at(deadline, talk).await;
    let _ = timeout(CLOSE, line.shutdown()).await;
    let Some(status) = http_head::status(&answer) else {
        return Err(match ended {
            Err(_) => "no answer".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Ok(Ok(())) if answer.is_empty() => "no answer".to_owned(),
            Ok(Ok(())) => "not HTTP".to_owned(),
        });
    };
    let end = http_head::end(&answer).unwrap_or(answer.len());
    let (head, body) = answer.split_at(end);
    let header = |name| http_head::header(head, name).map(str::to_owned);
    Ok(Answer::Http(HttpAnswer {
        status,
        accept_post: header("Accept-Post"),
        link: header("Link"),
        body: String::from_utf8_lossy(body).into_owned(),
    }))
}

/// Whether nothing more is to come that matters. Not every server closes when it is asked to.
fn is_whole(method: &str, answer: &[u8]) -> bool {
    let Some(end) = http_head::end(answer) else { return false };
    let length = http_head::header(&answer[..end], "Content-Length").and_then(|value| value.parse::<usize>().ok());
    method == "OPTIONS" || length.is_some_and(|length| answer.len() - end >= length)
}
