//! The figures of a connection as plain data, gathered from the statistics of webrtc-rs.
//! What was not measured is `None`, never 0.

use crate::convert::CandidateLine;
use crate::events::MediaKind;
use crate::interceptors::Asked;
use crate::turn_stream::Relayed;
use media_core::Bitrate;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use webrtc::peer_connection::transport::DtlsTransport;
use webrtc::peer_connection::{
    PeerConnection, RTCIceCandidate, RTCIceProtocol, RTCStatsReport, RTCStatsReportEntry, StatsSelector,
};

/// Candidates of the peer that are remembered: as many as a session hands on before it drops some.
const MAX_SIGNALLED: usize = 256;

/// What a connection has carried so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerStats {
    /// The path that the packets take, once ICE has chosen one.
    pub path: Option<Path>,
    /// The protocol of the handshake and what protects the media, such as `DTLS 1.2, SRTP_AEAD_AES_128_GCM` (RFC 5764, RFC 7714),
    /// once the handshake is done.
    pub encryption: Option<String>,
    /// Our sound.
    pub audio_sent: Option<SentStats>,
    /// Our pictures.
    pub video_sent: Option<SentStats>,
    /// The peer's sound.
    pub audio_received: Option<ReceivedStats>,
    /// The peer's pictures.
    pub video_received: Option<ReceivedStats>,
    /// The rate that the network is estimated to take, once the peer has reported on our packets.
    pub target_bitrate: Option<Bitrate>,
}

/// The path between the two peers (W3C `RTCIceCandidatePairStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// What our end is: `host`, `srflx`, `prflx` or `relay`.
    pub local_type: String,
    /// What the peer's end is.
    pub remote_type: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// How we reach our relay, where we use one: `udp`, `tcp` or `tls`.
    pub relay_protocol: Option<String>,
    /// There and back, by the last connectivity check.
    pub rtt: Option<Duration>,
}

/// One stream that we send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentStats {
    /// The codec's name in lower case.
    pub codec: Option<String>,
    /// RTP packets, without retransmissions.
    pub packets: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Packets that the peer asked for again.
    pub nacks: Option<u64>,
    /// Keyframes that the peer asked for.
    pub plis: Option<u64>,
}

/// One stream that we receive.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedStats {
    /// The codec's name in lower case.
    pub codec: Option<String>,
    /// RTP packets.
    pub packets: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Packets that never came.
    pub lost: Option<u64>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
}

/// The kinds of the peer's candidates as signaling named them.
///
/// A check can arrive before the candidate that it comes from; ICE then calls the address peer-reflexive for good.
/// RFC 8838 §11.4 has it take the signaled kind when that comes; here that is done for the figures.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signalled(Arc<Mutex<HashMap<(String, u16), String>>>);

impl Signalled {
    pub(crate) fn add(&self, candidate: CandidateLine) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() < MAX_SIGNALLED {
            kinds.insert((candidate.address, candidate.port), candidate.kind);
        }
    }

    fn kind_of(&self, candidate: &RTCIceCandidate) -> String {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let signalled = kinds.get(&(candidate.address.clone(), candidate.port));
        // The port that a stream comes from is never signaled.
        let host = || kinds.iter().any(|((address, _), kind)| kind == "host" && *address == candidate.address);
        match signalled {
            Some(kind) => kind.clone(),
            None if candidate.protocol == RTCIceProtocol::Tcp && host() => "host".into(),
            None => candidate.typ.to_string(),
        }
    }
}

/// All figures at this moment.
pub(crate) async fn collect(
    connection: &dyn PeerConnection,
    signalled: &Signalled,
    relayed: &Relayed,
    asked: &Asked,
    target: Option<Bitrate>,
) -> PeerStats {
    let report = connection.get_stats(Instant::now(), StatsSelector::None).await;
    PeerStats {
        path: path(connection, &report, signalled, relayed).await,
        encryption: encryption(&report),
        audio_sent: sent(&report, MediaKind::Audio, asked),
        video_sent: sent(&report, MediaKind::Video, asked),
        audio_received: received(&report, MediaKind::Audio),
        video_received: received(&report, MediaKind::Video),
        target_bitrate: target,
    }
}

/// The one transport of all media and data, once anything is negotiated.
pub(crate) async fn transport(connection: &dyn PeerConnection) -> Option<Arc<dyn DtlsTransport>> {
    if let Some(sctp) = connection.sctp().await {
        return Some(sctp.transport());
    }
    for sender in connection.get_senders().await {
        if let Ok(Some(transport)) = sender.transport().await {
            return Some(transport);
        }
    }
    for receiver in connection.get_receivers().await {
        if let Ok(Some(transport)) = receiver.transport().await {
            return Some(transport);
        }
    }
    None
}

/// The path in use.
pub(crate) async fn path(
    connection: &dyn PeerConnection,
    report: &RTCStatsReport,
    signalled: &Signalled,
    relayed: &Relayed,
) -> Option<Path> {
    let ice = transport(connection).await?.ice_transport();
    let pair = ice.get_selected_candidate_pair().await.ok()??;
    let (local, remote) = (pair.local(), pair.remote());
    let figures = report.candidate_pairs().find(|figures| {
        figures.local_candidate_id.ends_with(&local.id) && figures.remote_candidate_id.ends_with(&remote.id)
    });
    let local_type = local.typ.to_string();
    Some(Path {
        relay_protocol: (local_type == "relay").then(|| relayed.protocol(&local.address, local.port).into()),
        remote_type: signalled.kind_of(remote),
        protocol: local.protocol.to_string(),
        rtt: figures.and_then(|figures| seconds(figures.current_round_trip_time)),
        local_type,
    })
}

/// webrtc-rs says nothing, or `Unknown`, of what was not negotiated.
fn encryption(report: &RTCStatsReport) -> Option<String> {
    let transport = report.transport()?;
    let (handshake, media) = (&transport.tls_version, &transport.srtp_cipher);
    (!handshake.is_empty() && media.starts_with("SRTP_")).then(|| format!("{handshake}, {media}"))
}

/// What has come from the peer on any path: grows as long as the peer is there.
pub(crate) fn arrivals(report: &RTCStatsReport) -> u64 {
    report.candidate_pairs().map(|pair| pair.packets_received + pair.requests_received + pair.responses_received).sum()
}

fn sent(report: &RTCStatsReport, kind: MediaKind, asked: &Asked) -> Option<SentStats> {
    let stream = report
        .outbound_rtp_streams()
        .find(|stream| stream.sent_rtp_stream_stats.rtp_stream_stats.kind == kind.rtp_kind())?;
    let sent = &stream.sent_rtp_stream_stats;
    let video = kind == MediaKind::Video;
    Some(SentStats {
        codec: codec(report, &sent.rtp_stream_stats.codec_id),
        packets: sent.packets_sent,
        bytes: sent.bytes_sent,
        nacks: video.then(|| asked.packets()),
        plis: video.then(|| asked.keyframes()),
    })
}

fn received(report: &RTCStatsReport, kind: MediaKind) -> Option<ReceivedStats> {
    let stream = report
        .inbound_rtp_streams()
        .find(|stream| stream.received_rtp_stream_stats.rtp_stream_stats.kind == kind.rtp_kind())?;
    let received = &stream.received_rtp_stream_stats;
    Some(ReceivedStats {
        codec: codec(report, &received.rtp_stream_stats.codec_id),
        packets: received.packets_received,
        bytes: stream.bytes_received,
        lost: u64::try_from(received.packets_lost).ok(),
        // webrtc-rs gives it in ticks of the RTP clock, as it is in receiver reports.
        jitter: Duration::try_from_secs_f64(received.jitter / f64::from(kind.codec().clock_rate)).ok(),
    })
}

fn codec(report: &RTCStatsReport, id: &str) -> Option<String> {
    match report.get(id)? {
        RTCStatsReportEntry::Codec(codec) => codec.mime_type.split_once('/').map(|(_, name)| name.to_ascii_lowercase()),
        _ => None,
    }
}

/// webrtc-rs says 0 where it has not measured.
fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())
}
