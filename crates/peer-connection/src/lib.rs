//! The peer connection of one call: ICE, DTLS, SRTP and data channels of webrtc-rs behind plain types.
//! This is the only crate that names `webrtc` and `rtc`; none of their types leave it, so an upgrade touches one crate.
//!
//! [`Peer::open`] gives a cheap handle for the negotiation, for messages and for figures, and [`PeerEvents`]: what the
//! connection reports, and the packets of the peer's sound and picture. Media threads, which are plain OS threads,
//! send through [`MediaSender`] and receive from [`PacketQueue`]; neither ever waits for the network.
//!
//! When the last [`Peer`] handle is dropped the connection is closed, also without [`Peer::close`].

mod address;
mod admission;
mod channels;
mod codecs;
mod config;
mod control;
mod convert;
mod data_channel;
mod datagrams;
mod disguise;
mod error;
mod estimating;
mod events;
mod factory;
mod handshake;
mod ice_servers;
mod ice_tcp;
mod interceptors;
mod migration;
mod monitor;
mod network;
mod pacing;
mod peer;
mod queue;
mod receive;
mod rtp_clock;
mod runtime;
mod send;
mod stats;
mod turn_framing;
mod turn_stream;

pub use config::PeerConfig;
pub use control::SideState;
pub use data_channel::{DataChannel, DataMessage};
pub use error::PeerError;
pub use events::{MediaKind, PeerEvents, PeerNotice, PeerStreams};
pub use network::{Network, NetworkSocket};
pub use peer::Peer;
pub use queue::{PacketQueue, Popped, QUEUE_CAPACITY};
pub use receive::PictureRequest;
pub use send::{MediaSender, Sent};
pub use stats::{Path, PeerStats, ReceivedStats, SentStats};
