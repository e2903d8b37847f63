//! What a signaling connection is told before it starts: where the server is, what protocol it speaks, and how long to wait.
//! The protocol is chosen here and nowhere else.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use call_core::{RoomId, Secret};

use crate::ayame::AyameCodec;
use crate::codec::{Codec, Join};
use crate::custom::CustomCodec;
use crate::gst::GstCodec;
use crate::headers::Headers;
use crate::manual::Desk;
use crate::matchbox::MatchboxCodec;
use crate::mirotalk::MiroTalkCodec;
use crate::peerjs::PeerJsCodec;
use crate::proxy::Proxies;
use crate::server_url::{Protocol, ServerUrl};
use crate::tls::TlsOptions;

/// Where to meet the peer, and how to get there.
#[derive(Clone, Debug)]
pub struct SignalingConfig {
    /// The server, as [`parse_server_url`](crate::parse_server_url) gives it.
    pub server: ServerUrl,
    /// The room to join. A server [without rooms](Protocol::has_rooms) is not told of it.
    pub room: RoomId,
    /// Names this client to the server. Need not be unique.
    pub client_id: String,
    /// The signaling key, where the server wants one; for a media server the bearer token.
    pub key: Option<Secret>,
    /// Shows a server in a later attempt that it is still us. Known to nobody else.
    pub token: Secret,
    /// Whom to trust on a `wss://` or `https://` URL.
    pub tls: TlsOptions,
    /// The way to the server.
    pub proxies: Proxies,
    /// Sent with the WebSocket's request.
    pub headers: Headers,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Where lines are shown and pasted, for a call without a server.
    pub desk: Option<Desk>,
}

impl SignalingConfig {
    /// Joins `room` at `server` without a key, straight, with the system's certificate authorities and the usual time-outs.
    #[must_use]
    pub fn new(server: ServerUrl, room: RoomId, client_id: impl Into<String>) -> Self {
        Self {
            server,
            room,
            client_id: client_id.into(),
            key: None,
            token: Secret::new(format!("{:016x}{:016x}", random(), random())),
            tls: TlsOptions::default(),
            proxies: Proxies::default(),
            headers: Headers::default(),
            timeouts: Timeouts::default(),
            desk: None,
        }
    }

    /// A codec for one attempt to join.
    pub(crate) fn codec(&self) -> Box<dyn Codec> {
        let join = self.join();
        if let Some(mapping) = &self.server.mapping {
            return Box::new(CustomCodec::new(join, Arc::clone(mapping)));
        }
        match self.server.protocol {
            // Without a file there is nothing to go by; `parse_server_url` never gives that. What is spoken over HTTP or
            // by people has no codec, and is never asked for one.
            Protocol::Ayame | Protocol::Custom | Protocol::Whip | Protocol::Whep | Protocol::Manual => {
                Box::new(AyameCodec::new(join))
            }
            Protocol::PeerJs => Box::new(PeerJsCodec::new(join)),
            Protocol::Gst => Box::new(GstCodec::new(join)),
            Protocol::Matchbox => Box::new(MatchboxCodec::new(join)),
            Protocol::MiroTalk => Box::new(MiroTalkCodec::new(join)),
        }
    }

    /// What one attempt asks the server for.
    pub(crate) fn join(&self) -> Join {
        Join {
            url: self.server.url.clone(),
            room: self.room.clone(),
            client_id: self.client_id.clone(),
            key: self.key.clone(),
            agent: concat!("ringback ", env!("CARGO_PKG_VERSION")).to_owned(),
            token: self.token.clone(),
            seed: random(),
        }
    }
}

/// A number that nobody can guess: the standard library's hash has 128 secret bits of the system in each state (SipHash).
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// How long a signaling connection waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the name look-up to the open WebSocket, or the open line for HTTP. 8 s, so that what is wrong is known before a caller who gives a server ten
    /// seconds loses patience.
    pub connect: Duration,
    /// From the open WebSocket to the answer to our join request, or from an HTTP request to its answer. 8 s, for the same reason.
    pub join: Duration,
    /// Between two WebSocket pings. 20 s: idle proxies cut after 60 s, some after 30 s.
    pub ping: Duration,
    /// Without a sign of life from the server until it counts as dead. 60 s, as Ayame servers do it with us.
    pub dead: Duration,
    /// For the closing handshake, or the end of a session over HTTP. 2 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(8),
            join: Duration::from_secs(8),
            ping: Duration::from_secs(20),
            dead: Duration::from_secs(60),
            close: Duration::from_secs(2),
        }
    }
}
