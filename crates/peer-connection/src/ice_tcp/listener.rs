//! A socket that waits for the peer's streams. Anybody can open one: webrtc-rs gets those that began with a check of the peer,
//! and only when no path over UDP was found.

use super::IceTcp;
use super::stream::Stream;
use crate::migration::is_request;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::DropGuard;
use tracing::debug;
use webrtc::runtime::{AsyncTcpListener, AsyncTcpStream};

/// Streams that have not proved anything yet. With one more, the oldest goes: the peer proves itself within a round trip.
const MAX_STRANGERS: usize = 16;

/// For the first check to come, once the descriptions are exchanged.
const PROVES_WITHIN: Duration = Duration::from_secs(3);

/// A check is a few hundred bytes at most.
const MAX_CHECK: usize = 1_024;

/// The length before each packet (RFC 4571 §2).
const PREFIX: usize = 2;

/// Proven streams that wait for webrtc-rs, which takes them at once.
const PROVEN: usize = 4;

/// Without a file descriptor left, it is tried again after that.
const PAUSE: Duration = Duration::from_millis(100);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A listener as webrtc-rs sees it; the socket is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    local: SocketAddr,
    proven: Mutex<mpsc::Receiver<Arc<Stream>>>,
    _attends: DropGuard,
}

impl Listener {
    /// Listens in a task of the connection.
    ///
    /// # Errors
    /// The socket is of no use.
    pub(crate) fn start(tcp: IceTcp, socket: std::net::TcpListener) -> io::Result<Arc<Self>> {
        let local = socket.local_addr()?;
        let socket = TcpListener::from_std(socket)?;
        let (prove, proven) = mpsc::channel(PROVEN);
        let tasks = tcp.0.tasks.clone();
        let ends = tasks.cancel.child_token();
        tasks.spawn({
            let ends = ends.clone();
            async move {
                ends.run_until_cancelled(attend(tcp, socket, prove)).await;
            }
        });
        Ok(Arc::new(Self { local, proven: Mutex::new(proven), _attends: ends.drop_guard() }))
    }
}

impl AsyncTcpListener for Listener {
    fn accept<'a>(&'a self) -> Boxed<'a, io::Result<(Arc<dyn AsyncTcpStream>, SocketAddr)>> {
        Box::pin(async move {
            match self.proven.lock().await.recv().await {
                Some(stream) => {
                    let peer = stream.peer_addr()?;
                    Ok((stream as Arc<dyn AsyncTcpStream>, peer))
                }
                // The connection ends. An error would be asked about again, at once.
                None => std::future::pending().await,
            }
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

async fn attend(tcp: IceTcp, socket: TcpListener, prove: mpsc::Sender<Arc<Stream>>) {
    let (mut strangers, mut order) = (JoinSet::new(), VecDeque::<AbortHandle>::new());
    let mut known = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    order.retain(|stranger| !stranger.is_finished());
                    if order.len() == MAX_STRANGERS && let Some(oldest) = order.pop_front() {
                        oldest.abort();
                    }
                    order.push_back(strangers.spawn(proven(tcp.clone(), stream)));
                }
                Err(error) => {
                    debug!("a stream cannot be taken: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(proven) = strangers.join_next() => {
                let (tcp, prove) = (tcp.clone(), prove.clone());
                if let Ok(Some((since, stream))) = proven {
                    known.spawn(async move {
                        if tcp.is_wanted(since).await {
                            let _ = prove.try_send(stream);
                        }
                    });
                }
            }
            Some(_) = known.join_next() => {}
        }
    }
}

/// The stream, with the check that it begins with, and since when it counts; `None` where that is not the peer's.
async fn proven(tcp: IceTcp, socket: TcpStream) -> Option<(Instant, Arc<Stream>)> {
    let negotiated =
        tcp.0.progress.subscribe().wait_for(|progress| progress.negotiated.is_some()).await.ok()?.negotiated?;
    let first = tokio::time::timeout(PROVES_WITHIN, first_packet(&socket)).await.ok()?.ok()?;
    let is_peer = {
        let credentials = tcp.0.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        is_request(&first[PREFIX..], credentials.as_ref()?)
    };
    if !is_peer {
        debug!("a stream that does not begin with a check of the peer is closed");
        return None;
    }
    let place = tcp.0.places.clone().try_acquire_owned().ok()?;
    Some((negotiated, Stream::start(socket, first, Some(place), &tcp.0.tasks).ok()?))
}

/// The first packet with its prefix, and nothing after it.
async fn first_packet(socket: &TcpStream) -> io::Result<Bytes> {
    let mut packet = BytesMut::zeroed(PREFIX);
    let mut filled = 0;
    while filled < packet.len() {
        socket.readable().await?;
        match socket.try_read(&mut packet[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if filled == PREFIX {
            let length = usize::from(u16::from_be_bytes([packet[0], packet[1]]));
            if length == 0 || length > MAX_CHECK {
                return Err(io::ErrorKind::InvalidData.into());
            }
            packet.resize(PREFIX + length, 0);
        }
    }
    Ok(packet.freeze())
}
