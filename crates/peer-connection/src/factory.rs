//! Builds a connection: codecs, the chain of interceptors, timers, addresses, and the media sections of the first offer.
//! Everything that a call will ever carry is in it from the beginning, so that nothing is negotiated while it runs.

use crate::address;
use crate::channels::Tasks;
use crate::codecs;
use crate::estimating::{PublishingEstimator, Reported};
use crate::events::{Happening, MediaKind, Reporter};
use crate::ice_servers::Usable;
use crate::ice_tcp::IceTcp;
use crate::interceptors::{Asked, repairs, reports, requests};
use crate::migration::SharedCredentials;
use crate::pacing::Pacing;
use crate::runtime::{Pace, PeerRuntime};
use crate::turn_stream::{Relayed, StreamServers};
use crate::{DataChannel, PeerConfig, PeerError};
use media_core::Bitrate;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{CongestionControlBuilder, NackResponderBuilder, Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::debug;
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCConfiguration, RTCConfigurationBuilder, RTCIceServer,
    RTCIceTransportPolicy, SettingEngine, SettingEngineBuilder, configure_rtcp_reports,
    configure_simulcast_extension_headers, configure_twcc,
};

/// Connectivity checks while a path is looked for; the default of 200 ms costs that long for each one that is lost.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Longer patience is for a peer that does not know of us yet.
const PROMPT: Duration = Duration::from_secs(30);

/// Checks while a person carries our answer to the peer.
const SLOW_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Checks of one pair before it is given up: 10 s, in which the other side may still be gathering.
const CHECKS_PER_PAIR: u16 = 200;

/// Consent checks (RFC 7675). Their answers are also how we know within half a second that a silent peer is there.
const KEEPALIVE: Duration = Duration::from_millis(400);

/// Without an answer for that long the path counts as broken ...
const DISCONNECTED_AFTER: Duration = Duration::from_secs(3);

/// ... and for that much longer as lost. The call's session gives up sooner.
const FAILED_AFTER: Duration = Duration::from_secs(25);

/// A reflexive path is taken only when no host path was found in that time, ...
const REFLEXIVE_WAIT: Duration = Duration::from_millis(100);

/// ... a relayed one only when no direct path was: there is no way back to a better one later.
const RELAY_WAIT: Duration = Duration::from_millis(1_000);

/// One bundle of what builds a connection, used twice where the first attempt fails.
pub(crate) struct Factory<'a> {
    pub(crate) config: &'a PeerConfig,
    pub(crate) addresses: &'a [SocketAddr],
    pub(crate) servers: &'a Usable,
    pub(crate) reporter: &'a Reporter,
    pub(crate) target: &'a watch::Sender<Bitrate>,
    pub(crate) pace: &'a Arc<Pace>,
    pub(crate) asked: &'a Arc<Asked>,
    pub(crate) tasks: &'a Tasks,
    pub(crate) relayed: &'a Relayed,
    pub(crate) credentials: &'a SharedCredentials,
    pub(crate) tcp: &'a IceTcp,
}

/// What [`Factory::build`] made.
pub(crate) struct Built {
    pub(crate) connection: Arc<dyn PeerConnection>,
    pub(crate) audio: Option<Arc<TrackLocalStaticRTP>>,
    pub(crate) video: Option<Arc<TrackLocalStaticRTP>>,
}

impl Factory<'_> {
    /// Builds the connection and binds its sockets.
    pub(crate) async fn build(&self) -> Result<Built, PeerError> {
        // A `.local` name only helps where direct paths are allowed, and another network has no multicast.
        let direct = !self.config.relay_only && self.config.network.is_none();
        let first = if direct { MulticastDnsMode::QueryOnly } else { MulticastDnsMode::Disabled };
        let connection = match self.connection(first).await {
            Err(error) if first != MulticastDnsMode::Disabled => {
                // Without a usable interface the multicast socket cannot be made.
                debug!("no multicast DNS: {error}");
                self.connection(MulticastDnsMode::Disabled).await
            }
            result => result,
        };
        let open = |error: Error| PeerError::Open(error.to_string());
        let connection = connection.map_err(open)?;
        let audio = add_media(&*connection, MediaKind::Audio, self.config.send_audio, self.config.receive).await;
        let video = add_media(&*connection, MediaKind::Video, self.config.send_video, self.config.receive).await;
        match (audio, video) {
            (Ok(audio), Ok(video)) => Ok(Built { connection, audio, video }),
            (Err(error), _) | (_, Err(error)) => {
                // Dropping is not enough: an unclosed connection keeps its sockets.
                let _ = connection.close().await;
                Err(open(error))
            }
        }
    }

    async fn connection(&self, mdns: MulticastDnsMode) -> Result<Arc<dyn PeerConnection>, Error> {
        let mut engine = MediaEngine::default();
        codecs::register(&mut engine)?;
        let registry = self.interceptors(&mut engine)?;
        let configuration = configuration(self.servers.servers.clone(), self.config.relay_only);
        let streams = StreamServers {
            servers: self.servers.streams.clone(),
            relayed: self.relayed.clone(),
            tls: self.config.relay_tls.clone(),
            tasks: self.tasks.clone(),
        };
        // Who names addresses wants those, and a relay knows us by ours.
        let may_move = self.config.bind.is_empty() && !self.config.relay_only;
        let runtime = PeerRuntime::new(self.pace.clone(), self.config.network.clone(), streams);
        let runtime = runtime.migrating(self.credentials.clone(), may_move).with_tcp(self.tcp.clone());
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings(mdns, self.config, address::has_loopback(self.addresses)))
            .with_handler(Arc::new(self.reporter.clone()))
            .with_runtime(Arc::new(runtime))
            .with_data_channel_send_buffer_limit(self.config.data_buffer_limit.max(1))
            .with_udp_addrs(self.addresses.to_vec())
            .with_tcp_addrs(self.tcp.addresses())
            .build()
            .await?;
        Ok(Arc::new(connection))
    }

    /// The seam for better parts: each link of the chain is named here and nowhere else.
    fn interceptors(&self, engine: &mut MediaEngine) -> Result<Registry, Error> {
        let (config, round_trip, reported) = (self.config, Arc::default(), Reported::default());
        let estimator = PublishingEstimator::new(
            config.start_bitrate,
            config.max_bitrate,
            self.target.clone(),
            Arc::clone(&round_trip),
            reported.clone(),
        );
        let reporter = self.reporter.clone();
        let registry = Registry::new()
            .with(Slot::from(900), reports(reported))
            .with(Slot::CongestionControl, CongestionControlBuilder::new(estimator).build())
            .with(Slot::Pacer, Pacing::new(self.target.subscribe()))
            .with(
                Slot::from(3_400),
                requests(self.asked.clone(), move || reporter.report(Happening::KeyframeRequested)),
            )
            .with(Slot::from(3_500), repairs(self.target.subscribe(), round_trip))
            // Whoever puts the packets in order asks for those that are missing (`Peer::request`).
            .with(Slot::NackResponder, NackResponderBuilder::new().build());
        configure_simulcast_extension_headers(engine)?;
        let registry = configure_twcc(registry, engine)?;
        Ok(configure_rtcp_reports(registry))
    }
}

/// Which servers help, and whether only relays may be used.
pub(crate) fn configuration(servers: Vec<RTCIceServer>, relay_only: bool) -> RTCConfiguration {
    let policy = if relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    RTCConfigurationBuilder::new().with_ice_servers(servers).with_ice_transport_policy(policy).build()
}

fn settings(mdns: MulticastDnsMode, config: &PeerConfig, loopback: bool) -> SettingEngine {
    let relay_wait = if config.relay_only { Duration::ZERO } else { RELAY_WAIT };
    let (interval, checks, failed_after) = looking(config.patience);
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(mdns)
        // The addresses of a broken path are most often those that are gone.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_include_loopback_candidate(loopback)
        .with_ice_connection_attempts(Some(interval), Some(checks))
        .with_ice_timeouts(Some(DISCONNECTED_AFTER), Some(failed_after), Some(KEEPALIVE))
        // A peer-reflexive candidate is most often the peer's host candidate, faster than signaling.
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_relay_acceptance_min_wait(Some(relay_wait))
        .with_turn_allocation_refresh_interval_cap(config.relay_refresh)
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(DataChannel::MAX_MESSAGE as u32))
        .build()
}

/// How often a pair of addresses is checked, how many times at most, and when all of it has failed. A long wait is for a peer
/// that does not know of us yet; checks all through it keep the ways through our routers open.
fn looking(patience: Duration) -> (Duration, u16, Duration) {
    if patience <= PROMPT {
        return (CHECK_INTERVAL, CHECKS_PER_PAIR, FAILED_AFTER);
    }
    let checks = patience.as_millis().div_ceil(SLOW_CHECK_INTERVAL.as_millis());
    (SLOW_CHECK_INTERVAL, u16::try_from(checks).unwrap_or(u16::MAX), patience)
}

/// Adds the media section: in both directions with a track to send on, or in one; none where nothing would flow.
async fn add_media(
    connection: &dyn PeerConnection,
    kind: MediaKind,
    send: bool,
    receive: bool,
) -> Result<Option<Arc<TrackLocalStaticRTP>>, Error> {
    if !send {
        if receive {
            connection.add_transceiver_from_kind(kind.rtp_kind(), None).await?;
        }
        return Ok(None);
    }
    let label = match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(crate::rtp_clock::random()), ..Default::default() },
        codec: kind.codec(),
        ..Default::default()
    };
    let track = MediaStreamTrack::new("ringback".into(), label.into(), label.into(), kind.rtp_kind(), vec![encoding]);
    let track = Arc::new(TrackLocalStaticRTP::new(track));
    let one_way = (!receive).then(|| RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: Vec::new(),
        send_encodings: Vec::new(),
    });
    let transceiver = connection.add_transceiver_from_track(track.clone() as Arc<dyn TrackLocal>, one_way).await?;
    // The track's codec alone would be preferred, and its retransmission format left out of the offer.
    transceiver.set_codec_preferences(Vec::new()).await?;
    Ok(Some(track))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_patience_checks_less_often_and_to_the_end() {
        assert_eq!(looking(PeerConfig::default().patience), (CHECK_INTERVAL, CHECKS_PER_PAIR, FAILED_AFTER));
        let ten_minutes = Duration::from_secs(600);
        assert_eq!(looking(ten_minutes), (SLOW_CHECK_INTERVAL, 1200, ten_minutes));
        assert_eq!(looking(Duration::MAX).1, u16::MAX);
    }
}
