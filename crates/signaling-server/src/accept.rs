//! Takes connections in, inside the bounds of who may have how many, and sees each to its end.
//! When told to stop it says goodbye to all and is done in two seconds, whatever they do.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::address::Origin;
use crate::admission::Admission;
use crate::config::Limits;
use crate::connection;
use crate::http::{self, Answer};
use crate::hub::Report;
use crate::rooms::ConnectionId;

/// How long all connections together may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after a failed accept: out of file descriptors is not cured by trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// First byte of a TLS connection: a handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;
/// Header fields of a request; browsers send about 15.
const MAX_HEADERS: usize = 64;

/// What every connection of one listener shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) allow_origins: Vec<String>,
    pub(crate) acceptor: Option<TlsAcceptor>,
    /// The id of the last connection, over all listeners of the server.
    pub(crate) last_id: Arc<AtomicU64>,
}

/// Accepts until `stop`, then ends every connection.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    hub: mpsc::Sender<Report>,
    stop: CancellationToken,
) {
    let mut admission = Admission::new(&shared.limits);
    let mut origins: HashMap<Id, Origin> = HashMap::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                if let Some(origin) = origins.remove(&id) {
                    admission.leave(origin);
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let origin = Origin::of(peer.ip());
                    if !admission.enter(origin) {
                        debug!("refusing a connection: too many are open");
                        continue;
                    }
                    let id = ConnectionId(shared.last_id.fetch_add(1, Ordering::Relaxed) + 1);
                    let handle = connections.spawn(serve(
                        stream,
                        peer,
                        id,
                        shared.clone(),
                        hub.clone(),
                        stop.clone(),
                    ));
                    origins.insert(handle.id(), origin);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    warn!("cannot accept connections: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop((listener, hub));
    let _ = timeout(SHUTDOWN_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

/// Errors that the peer caused before its connection was accepted.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One TCP connection from its first byte to its last.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    id: ConnectionId,
    shared: Arc<Shared>,
    hub: mpsc::Sender<Report>,
    stop: CancellationToken,
) {
    // Signaling messages are small and each one is waited for.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = &shared.acceptor else {
        return serve_http(stream, peer, id, &shared, hub, stop).await;
    };
    let patience = shared.limits.handshake_timeout;
    let handshake = async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0] != TLS_HANDSHAKE {
            return Ok(Err(stream));
        }
        acceptor.accept(stream).await.map(Ok)
    };
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = timeout(patience, handshake) => opened,
    };
    match opened {
        Ok(Ok(Ok(encrypted))) => serve_http(encrypted, peer, id, &shared, hub, stop).await,
        Ok(Ok(Err(plain))) => {
            let service = |request: &Request<Incoming>| http::answer_plain_on_tls(request);
            let _ = speak_http(plain, &shared.limits, &stop, service).await;
        }
        Ok(Err(error)) => debug!("TLS handshake failed: {error}"),
        Err(_) => debug!("TLS handshake took too long"),
    }
}

/// Serves requests until one of them turns the connection into a WebSocket, and then that.
async fn serve_http<S>(
    stream: S,
    peer: SocketAddr,
    id: ConnectionId,
    shared: &Shared,
    hub: mpsc::Sender<Report>,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = |request: &Request<Incoming>| http::answer(request, &shared.allow_origins);
    let Some(upgrade) = speak_http(stream, &shared.limits, &stop, service).await else { return };
    match upgrade.await {
        Ok(upgraded) => {
            connection::run(TokioIo::new(upgraded), id, peer.ip(), &shared.limits, hub, stop).await;
        }
        Err(error) => debug!("a WebSocket did not open: {error}"),
    }
}

/// Answers HTTP/1.1 requests; returns the connection itself when an answer was 101.
async fn speak_http<S>(
    stream: S,
    limits: &Limits,
    stop: &CancellationToken,
    answer: impl Fn(&Request<Incoming>) -> Answer,
) -> Option<OnUpgrade>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgrade = Mutex::new(None);
    let service = service_fn(|mut request: Request<Incoming>| {
        let answer = answer(&request);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(hyper::upgrade::on(&mut request));
        }
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_timeout)
        // Hyper panics below 8 KiB.
        .max_buf_size(limits.header_bytes.max(8 * 1024))
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        // Requests are short; one that is cut off here can be asked again of the next server.
        () = stop.cancelled() => {}
        served = timeout(limits.http_lifetime, connection) => match served {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!("an HTTP connection failed: {error}"),
            Err(_) => debug!("an HTTP connection lived too long"),
        },
    }
    upgrade.into_inner().unwrap_or_else(PoisonError::into_inner)
}
