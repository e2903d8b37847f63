//! What a peer connection is to be: servers, addresses, media directions and limits, as plain data.
//! The defaults suit a call between two machines with an ordinary network.

use crate::Network;
use call_core::IceServer;
use media_core::Bitrate;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ClientConfig;

/// Everything that [`Peer::open`](crate::Peer::open) needs to know.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// STUN and TURN servers: STUN over UDP, TURN over UDP, TCP and TLS. Others are skipped, with a
    /// [`PeerNotice::Problem`](crate::PeerNotice::Problem).
    pub ice_servers: Vec<IceServer>,
    /// For how long ICE looks for a path, from both descriptions on. More than half a minute is for a peer that gets our answer
    /// by hand: it is looked for less often then.
    pub patience: Duration,
    /// Whom to trust on a `turns:` URL; `None`: nobody.
    pub relay_tls: Option<Arc<ClientConfig>>,
    /// Use TURN relays only, so that the peer never learns our address.
    pub relay_only: bool,
    /// How often at least the addresses at relays are asked for again. A relay that wants a new nonce turns such a request
    /// down, and webrtc-rs makes the next one only when it is due: it must not come too late.
    pub relay_refresh: Duration,
    /// Whether paths over TCP are used where none over UDP is found (RFC 6544): we listen, and connect to the peer. Never with
    /// `relay_only` or a `network` of one's own.
    pub tcp: bool,
    /// Local addresses to use; empty means every interface.
    pub bind: Vec<IpAddr>,
    /// Use 127.0.0.1 besides the interfaces when `bind` is empty. It is used anyway where there is no other interface.
    pub include_loopback: bool,
    /// Whether we send sound.
    pub send_audio: bool,
    /// Whether we send pictures.
    pub send_video: bool,
    /// Whether we are ready to receive sound and pictures. When not, only what we send is offered.
    pub receive: bool,
    /// Whether there are data channels: those of chat and control, and `channels`.
    pub data: bool,
    /// The most that the bandwidth estimate may reach.
    pub max_bitrate: Bitrate,
    /// What the bandwidth estimate begins with, before the peer has reported anything.
    pub start_bitrate: Bitrate,
    /// Bytes that one data channel may hold unacknowledged; beyond it messages are refused.
    pub data_buffer_limit: usize,
    /// Labels of data channels besides those of chat and control, the first eight: when they are open they come out of
    /// [`PeerEvents::channels`](crate::PeerEvents::channels).
    pub channels: Vec<String>,
    /// What carries the datagrams; `None`: the machine's own network.
    pub network: Option<Arc<dyn Network>>,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            patience: Duration::from_secs(30),
            relay_tls: None,
            relay_only: false,
            relay_refresh: Duration::from_secs(20),
            tcp: true,
            bind: Vec::new(),
            include_loopback: false,
            send_audio: true,
            send_video: true,
            receive: true,
            data: true,
            max_bitrate: Bitrate::from_kbps(4_000),
            // As much as lets a first keyframe of 15 KB into the queue (300 ms) of a link of 300 kbit/s. Where there is more,
            // that keyframe shows it.
            start_bitrate: Bitrate::from_kbps(250),
            data_buffer_limit: 1 << 20,
            channels: Vec::new(),
            network: None,
        }
    }
}
