//! TURN over TCP and TLS, which webrtc-rs does not speak: to it such a server is one with a made-up address over UDP, and
//! the sockets that it is given carry what goes there over a stream to the real one.
//!
//! The made-up addresses are of blocks that nobody routes (RFC 1112 §4, RFC 6666), so nothing can be mistaken for them.
//! Each socket has a stream of its own to each server, as it would have an allocation of its own.

use crate::channels::Tasks;
use crate::datagrams::{datagrams, put};
use crate::turn_framing::{Deframer, frame, relayed_address};
use bytes::Bytes;
use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tracing::debug;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Datagrams that wait for a stream, each way; what finds no room is lost, as in a router. A tenth of a second of a call.
const QUEUE: usize = 64;

/// For name, TCP and TLS together.
const CONNECTS_WITHIN: Duration = Duration::from_secs(8);

/// Addresses at relays that are remembered: one for each socket and server, and a few more of streams opened again.
const MAX_RELAYED: usize = 256;

/// A stream that ended is not opened again sooner.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes read at once.
const READ: usize = 16 * 1024;

/// What a made-up name ends with.
const SUFFIX: &str = ".turn.invalid:3478";

/// A TURN server behind a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// TLS (`turns:`).
    pub(crate) secure: bool,
}

/// Our addresses at relays behind streams, and what each stream is: `tcp` or `tls`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relayed(Arc<Mutex<HashMap<SocketAddr, &'static str>>>);

impl Relayed {
    fn add(&self, address: SocketAddr, protocol: &'static str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_RELAYED {
            known.insert(address, protocol);
        }
    }

    /// How we reach the relay that gave us this address: over UDP, unless a stream did.
    pub(crate) fn protocol(&self, address: &str, port: u16) -> &'static str {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = address.parse().ok().map(|ip| SocketAddr::new(ip, port));
        address.and_then(|address| known.get(&address).copied()).unwrap_or("udp")
    }
}

/// All such servers of a connection, and what it takes to reach them.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamServers {
    pub(crate) servers: Vec<StreamServer>,
    pub(crate) relayed: Relayed,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) tasks: Tasks,
}

impl StreamServers {
    /// The made-up name of the server with this number (RFC 6761 §6.4), and port.
    pub(crate) fn name(number: usize) -> String {
        format!("{number}{SUFFIX}")
    }

    /// Its made-up addresses, one of each family.
    pub(crate) fn look_up(name: &str) -> Option<Vec<SocketAddr>> {
        let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
        Some(vec![Self::stand_in(number, true), Self::stand_in(number, false)])
    }

    fn stand_in(number: usize, v4: bool) -> SocketAddr {
        let number = number as u16;
        let ip = match v4 {
            true => IpAddr::V4(Ipv4Addr::new(240, 0, (number >> 8) as u8, number as u8)),
            false => IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, number)),
        };
        SocketAddr::new(ip, 3478)
    }

    fn behind(&self, address: SocketAddr) -> Option<&StreamServer> {
        let stand_in = |number: &usize| Self::stand_in(*number, address.is_ipv4()) == address;
        self.servers.get((0..self.servers.len()).find(stand_in)?)
    }
}

/// A socket that carries what goes to such a server over a stream.
#[derive(Debug)]
pub(crate) struct WithStreams {
    inner: Arc<dyn AsyncUdpSocket>,
    servers: StreamServers,
    streams: Mutex<HashMap<SocketAddr, Stream>>,
    arrive: mpsc::Sender<(SocketAddr, Bytes)>,
    arrived: Mutex<mpsc::Receiver<(SocketAddr, Bytes)>>,
}

#[derive(Debug)]
struct Stream {
    datagrams: mpsc::Sender<Bytes>,
    opened: Instant,
}

impl WithStreams {
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>, servers: StreamServers) -> Self {
        let (arrive, arrived) = mpsc::channel(QUEUE);
        Self { inner, servers, streams: Mutex::default(), arrive, arrived: Mutex::new(arrived) }
    }

    fn send(&self, server: &StreamServer, stand_in: SocketAddr, datagram: &[u8]) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = streams
            .get(&stand_in)
            .is_none_or(|stream| stream.datagrams.is_closed() && stream.opened.elapsed() >= PAUSE);
        if ended {
            let (datagrams, queue) = mpsc::channel(QUEUE);
            let line = Line {
                server: server.clone(),
                stand_in,
                tls: self.servers.tls.clone(),
                queue,
                arrive: self.arrive.clone(),
                relayed: self.servers.relayed.clone(),
            };
            self.servers.tasks.spawn(line.run());
            streams.insert(stand_in, Stream { datagrams, opened: Instant::now() });
        }
        if let Some(stream) = streams.get(&stand_in) {
            let _ = stream.datagrams.try_send(Bytes::copy_from_slice(datagram));
        }
    }
}

impl AsyncUdpSocket for WithStreams {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let Some(server) = self.servers.behind(transmit.destination) else {
            return self.inner.poll_send(context, transmit);
        };
        for datagram in datagrams(transmit) {
            self.send(server, transmit.destination, datagram);
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) {
            let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            if let Poll::Ready(Some((from, datagram))) = arrived.poll_recv(context) {
                put(buffer, meta, from, &datagram);
                return Poll::Ready(Ok(1));
            }
        }
        self.inner.poll_recv(context, buffers, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

/// One stream, from its opening to its end.
struct Line {
    server: StreamServer,
    stand_in: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    queue: mpsc::Receiver<Bytes>,
    arrive: mpsc::Sender<(SocketAddr, Bytes)>,
    relayed: Relayed,
}

impl Line {
    async fn run(self) {
        let (host, port) = (self.server.host.clone(), self.server.port);
        let opened = match tokio::time::timeout(CONNECTS_WITHIN, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")),
        };
        let ended = match opened {
            Ok((stream, secure)) => match secure {
                Some(connector) => match self.secured(stream, connector).await {
                    Ok(stream) => self.carry(stream).await,
                    Err(error) => Err(error),
                },
                None => self.carry(stream).await,
            },
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            debug!("the stream to the TURN server {host}:{port} ended: {error}");
        }
    }

    async fn open(&self) -> io::Result<(TcpStream, Option<TlsConnector>)> {
        let stream = TcpStream::connect((self.server.host.as_str(), self.server.port)).await?;
        stream.set_nodelay(true)?;
        if !self.server.secure {
            return Ok((stream, None));
        }
        let config = self.tls.clone().ok_or_else(|| io::Error::other("there are no authorities to trust"))?;
        Ok((stream, Some(TlsConnector::from(config))))
    }

    async fn secured(&self, stream: TcpStream, connector: TlsConnector) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(self.server.host.clone()).map_err(io::Error::other)?;
        tokio::time::timeout(CONNECTS_WITHIN, connector.connect(name, stream))
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not finish the TLS handshake")))
    }

    /// Until either end has had enough.
    async fn carry(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (mut deframer, mut incoming, mut outgoing) = (Deframer::default(), vec![0; READ], Vec::new());
        let write = async {
            while let Some(datagram) = self.queue.recv().await {
                outgoing.clear();
                frame(&datagram, &mut outgoing);
                // What waits meanwhile goes along in one write.
                while let Ok(datagram) = self.queue.try_recv() {
                    frame(&datagram, &mut outgoing);
                }
                writer.write_all(&outgoing).await?;
                writer.flush().await?;
            }
            Ok(())
        };
        let read = async {
            loop {
                let length = reader.read(&mut incoming).await?;
                if length == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                deframer.feed(&incoming[..length]);
                while let Some(datagram) = deframer.next().map_err(io::Error::other)? {
                    if let Some(address) = relayed_address(&datagram) {
                        self.relayed.add(address, if self.server.secure { "tls" } else { "tcp" });
                    }
                    // A connection that does not take it loses it, as over UDP.
                    let _ = self.arrive.try_send((self.stand_in, datagram));
                }
            }
        };
        tokio::select! {
            ended = write => ended,
            ended = read => ended,
        }
    }
}
