//! What a server can be told before it starts, with defaults that are safe on a machine of one's own.
//! Every limit says what it protects.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use call_core::{IceServer, Secret};

use crate::turn::Turn;

/// How a [`Server`](crate::Server) listens, whom it lets in and what it hands out.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one. The default is port 7550 of the loopback interface.
    pub listen: SocketAddr,
    /// When set, a peer must present this key as `key` or `signalingKey`.
    pub key: Option<Secret>,
    /// Plain or encrypted. Browsers give camera and microphone to encrypted pages and to loopback only.
    pub tls: Tls,
    /// Web origins that may connect besides the served page's own, such as `https://example.org`; `*` allows all.
    pub allow_origins: Vec<String>,
    /// ICE servers told to every peer that joins.
    pub ice_servers: Vec<IceServer>,
    /// A TURN server for which every peer that joins gets credentials of its own, good for a time.
    pub turn: Option<Turn>,
    /// Bounds on what strangers can make the server do.
    pub limits: Limits,
}

impl ServerConfig {
    /// The port that `ringback serve` uses unless told otherwise.
    pub const DEFAULT_PORT: u16 = 7550;
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, Self::DEFAULT_PORT)),
            key: None,
            tls: Tls::Off,
            allow_origins: Vec::new(),
            ice_servers: Vec::new(),
            turn: None,
            limits: Limits::default(),
        }
    }
}

/// Where the server's certificate comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// `ws://` and `http://`.
    #[default]
    Off,
    /// A certificate made at start for this machine's addresses; peers check it by its SHA-256 pin.
    SelfSigned,
    /// A certificate chain and its key in PEM files.
    Files {
        /// The certificate, followed by its intermediates.
        cert: PathBuf,
        /// The private key of the first certificate.
        key: PathBuf,
    },
}

/// Bounds on what strangers can make the server do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest message in bytes, else close 1009. A session description is 5 to 30 KiB.
    pub message_bytes: usize,
    /// Messages a connection may send per second on average, else close 1008.
    pub messages_per_second: u32,
    /// Messages a connection may send at once: trickled candidates come in bursts.
    pub message_burst: u32,
    /// How long a connection may take to send `register`, else close 1008.
    pub register_timeout: Duration,
    /// How often a peer is asked for a sign of life.
    pub ping_interval: Duration,
    /// How long a peer may give none, else close 1000 as Ayame does.
    pub pong_timeout: Duration,
    /// Peers in a room, else reject `full`. Ayame knows two.
    pub room_peers: usize,
    /// Rooms at a time, else reject `TooManyRooms`.
    pub rooms: usize,
    /// Connections from one address at a time; those beyond are closed at once. An IPv6 /64 counts as one address.
    pub connections_per_address: usize,
    /// The same for this machine itself, where a reverse proxy brings everyone through one address.
    pub connections_from_loopback: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Attempts to join per minute from one address, else reject `TooManyJoins`. Loopback is exempt: a reverse
    /// proxy brings everyone through it, and whoever runs programs on this machine can do worse.
    pub joins_per_minute: u32,
    /// How long a wrong key waits for its answer, which slows guessing.
    pub wrong_key_delay: Duration,
    /// Messages that may wait for a slow peer, else close 1013.
    pub queue_messages: usize,
    /// Bytes that may wait for a slow peer, else close 1013.
    pub queue_bytes: usize,
    /// How long a TLS handshake or the header of a request may take.
    pub handshake_timeout: Duration,
    /// Largest header of a request in bytes.
    pub header_bytes: usize,
    /// How long a plain HTTP connection may live; the page needs a second of it.
    pub http_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 256 * 1024,
            messages_per_second: 50,
            message_burst: 200,
            register_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(5),
            pong_timeout: Duration::from_secs(60),
            room_peers: 2,
            rooms: 10_000,
            connections_per_address: 20,
            connections_from_loopback: 1_000,
            connections: 5_000,
            joins_per_minute: 10,
            wrong_key_delay: Duration::from_secs(1),
            queue_messages: 256,
            queue_bytes: 2 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            header_bytes: 16 * 1024,
            http_lifetime: Duration::from_secs(60),
        }
    }
}
