//! Signaling from the client's side: one pure codec per protocol and one driver that owns TCP, TLS and the WebSocket.
//! What is spoken over HTTP (WHIP, WHEP) has a state machine in the place of a codec and a driver that shares TCP and TLS.
//! [`connect`] makes one connection attempt; everything after that arrives as [`call_core::SignalingEvent`]s.
//!
//! The [`ServerUrl`] says which [`Protocol`] it is; nothing guesses. What a protocol lets two peers do goes with the event of
//! having joined, as [`call_core::PeerCapabilities`]. A dead signaling server never ends a running call: this crate only says
//! that the connection is [lost](call_core::SignalingEvent::Lost), and the session core decides what that means.

mod ayame;
mod client_certificate;
mod clock;
mod close;
mod codec;
mod config;
mod connect_error;
mod custom;
mod description;
mod driver;
mod gst;
mod headers;
mod http_head;
mod ice;
mod keep_alive;
mod line;
mod manual;
mod matchbox;
mod mirotalk;
mod peerjs;
mod probe;
mod proxy;
mod race;
#[cfg(test)]
mod replay;
mod server_url;
mod socket;
mod tcp;
mod text;
mod tls;
mod transport;
mod whip;

pub use ayame::AyameCodec;
pub use client_certificate::ClientCertificate;
pub use close::CloseInfo;
pub use codec::{Codec, Command, Join, Out, ProtocolError};
pub use config::{SignalingConfig, Timeouts};
pub use custom::{CustomCodec, Mapping, MappingError};
pub use driver::{Signaling, connect};
pub use gst::GstCodec;
pub use headers::{HeaderError, Headers};
pub use manual::{Desk, Line, LineError, MAX_LINE, Pasted, Shown};
pub use matchbox::MatchboxCodec;
pub use mirotalk::MiroTalkCodec;
pub use peerjs::PeerJsCodec;
pub use probe::{ProbeReport, ProbeStep, Spoken, parse_probe_url, probe};
pub use proxy::{Proxies, Proxy, ProxyUrlError, ProxyVariableError, parse_proxy};
pub use server_url::{Flow, Protocol, ServerUrl, UrlError, parse_server_url};
pub use tls::{PinError, TlsOptions, parse_pin_sha256};
pub use url::Url;
pub use whip::{Method, Request, Response, Step, WhipSession};
