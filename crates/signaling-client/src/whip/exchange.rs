//! One HTTP/1.1 request after another over one kept line, opened anew for another host or after it was closed.
//! Every wait is bounded, and so is everything that a server sends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Bytes;
use url::{Origin, Position, Url};

use super::message::{Method, Request, Response};
use crate::clock::Clock;
use crate::config::SignalingConfig;
use crate::connect_error::ConnectError;
use crate::headers::Headers;
use crate::line::{self, Target};
use crate::text::one_line;
use crate::transport::MAX_MESSAGE;

/// All header fields of one response, in bytes. A list of TURN servers with credentials is a tenth of it.
const MAX_HEADERS: usize = 64 * 1024;

/// Why a request got no answer, for the person, and whether another attempt may succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    pub(crate) retry: bool,
}

/// What requests are made with.
pub(crate) struct Client {
    config: SignalingConfig,
    open: Option<Open>,
}

struct Open {
    origin: Origin,
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; runs while a request does.
    connection: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Open {
    /// Whether the server has closed the line since the last request.
    async fn is_over(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.connection.as_mut().poll(cx).is_ready())).await || self.sender.is_closed()
    }
}

impl Client {
    pub(crate) fn new(config: SignalingConfig) -> Self {
        Self { config, open: None }
    }

    /// Makes one request and reads the whole response.
    ///
    /// # Errors
    /// No connection, no answer in time, or one that is not HTTP, or too big.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<Response, Failure> {
        if let Some(mut open) = self.open.take().filter(|open| open.origin == request.url.origin())
            && !open.is_over().await
        {
            match self.exchange(open, request).await {
                // A server may close an idle line at any time. An offer is not made twice: the first may have been taken.
                Err(_) if request.method != Method::Post => {}
                result => return result,
            }
        }
        let open = self.connect(&request.url).await?;
        self.exchange(open, request).await
    }

    async fn connect(&mut self, url: &Url) -> Result<Open, Failure> {
        let failed = |error: ConnectError| Failure {
            // Said of WebSockets, whose schemes stand beside those of HTTP.
            reason: error.to_string().replace("wss://", "https://").replace("ws://", "http://"),
            retry: error.may_heal(),
        };
        let clock = Clock::start(Target::of(url).map_err(failed)?.to_string(), self.config.timeouts.connect);
        let line = line::open(url, &self.config.tls, &self.config.proxies, &clock).await.map_err(failed)?;
        let (sender, connection) =
            http1::Builder::new().max_buf_size(MAX_HEADERS).handshake(TokioIo::new(line)).await.map_err(broken)?;
        let connection = Box::pin(async move {
            // Its failure shows in the request.
            let _ = connection.await;
        });
        Ok(Open { origin: url.origin(), sender, connection })
    }

    async fn exchange(&mut self, mut open: Open, request: &Request) -> Result<Response, Failure> {
        // Those that are for the server are not for whom it sends us to.
        let ours = request.url.origin() == self.config.server.url.origin();
        let answer = answer(&mut open.sender, request, ours.then_some(&self.config.headers));
        let both = async {
            tokio::pin!(answer);
            tokio::select! {
                biased;
                result = &mut answer => (result, true),
                () = &mut open.connection => (answer.await, false),
            }
        };
        let limit = self.config.timeouts.join;
        let (result, lasts) = timeout(limit, both).await.map_err(|_| Failure {
            reason: format!("the server did not answer a {} within {limit:?}", request.method.name()),
            retry: true,
        })?;
        if lasts && result.is_ok() {
            self.open = Some(open);
        }
        result
    }
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: &Request,
    extra: Option<&Headers>,
) -> Result<Response, Failure> {
    let unusable = || Failure { reason: "the token or the URL holds what HTTP cannot carry".to_owned(), retry: false };
    let mut built = hyper::Request::builder()
        .method(request.method.name())
        .uri(&request.url[Position::BeforePath..Position::AfterQuery])
        .header("host", &request.url[Position::BeforeHost..Position::AfterPort]);
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    let mut built = built.body(Full::new(Bytes::from(request.body.clone()))).map_err(|_| unusable())?;
    if let Some(extra) = extra {
        extra.add_to(built.headers_mut());
    }
    sender.ready().await.map_err(broken)?;
    let response = sender.send_request(built).await.map_err(broken)?;
    let text = |value: &hyper::header::HeaderValue| value.to_str().map(str::to_owned).ok();
    let headers = response.headers().iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
    let (status, headers) = (response.status().as_u16(), headers.collect());
    let body = Limited::new(response.into_body(), MAX_MESSAGE).collect().await.map_err(|_| Failure {
        reason: format!("the server's answer broke off, or is longer than {} KiB", MAX_MESSAGE / 1024),
        retry: true,
    })?;
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Response { status, headers, body })
}

fn broken(error: hyper::Error) -> Failure {
    let reason = match error.is_parse() {
        true => format!("the server does not answer in HTTP: {}", one_line(&error.to_string())),
        false => format!("the line to the server broke: {}", one_line(&error.to_string())),
    };
    Failure { reason, retry: !error.is_parse() }
}
