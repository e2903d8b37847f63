//! Turns what webrtc-rs reports into notices, in one task per connection, so that their order is the order of events.
//! It also looks at the connection a few times a second for what nobody reports: path, signs of life, the peer's close.

use crate::channels::{Channels, Said, Tasks};
use crate::control::Control;
use crate::convert::CandidateLabel;
use crate::disguise::Disguise;
use crate::events::{Happening, MediaKind, PeerNotice, PeerStreams};
use crate::ice_tcp::IceTcp;
use crate::receive::{VideoSource, pump};
use crate::runtime::Pace;
use crate::send::Link;
use crate::stats::{self, Path, Signalled};
use crate::turn_stream::Relayed;
use call_core::{Candidate, PeerEvent};
use rtc::peer_connection::transport::RTCDtlsTransportState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{PeerConnection, RTCIceConnectionState, RTCPeerConnectionState, StatsSelector};

/// How often the connection is looked at; [`PeerEvent::Activity`] is promised to come no more often.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// SCTP's handshake and the opening of the channels follow the DTLS handshake within a few round trips.
const HURRY_FOR_DATA: Duration = Duration::from_secs(2);

/// Everything that the task works with. Nothing in it keeps a dropped connection open: it ends with the tasks.
pub(crate) struct Monitor {
    pub(crate) connection: Arc<dyn PeerConnection>,
    pub(crate) happenings: mpsc::Receiver<Happening>,
    pub(crate) said: mpsc::Receiver<Said>,
    pub(crate) notices: mpsc::Sender<PeerNotice>,
    pub(crate) label: Arc<Mutex<CandidateLabel>>,
    pub(crate) disguise: Arc<Disguise>,
    pub(crate) signalled: Signalled,
    pub(crate) relayed: Relayed,
    pub(crate) tcp: IceTcp,
    pub(crate) links: [Arc<Link>; 2],
    pub(crate) streams: PeerStreams,
    pub(crate) video: VideoSource,
    pub(crate) channels: Channels,
    pub(crate) tasks: Tasks,
    pub(crate) pace: Arc<Pace>,
}

/// What was told already, so that it is told once.
#[derive(Default)]
struct Told {
    ice_connected: bool,
    data_open: bool,
    data_closed: bool,
    closed: bool,
    path: Option<Path>,
    arrivals: u64,
}

impl Monitor {
    /// Runs until it is cancelled.
    pub(crate) async fn run(mut self) {
        let mut told = Told::default();
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // States first: a message is never told before the connection that brought it.
                biased;
                Some(happening) = self.happenings.recv() => self.happened(happening, &mut told).await,
                Some(said) = self.said.recv() => self.said(said, &mut told).await,
                _ = look.tick(), if told.ice_connected && !told.closed => self.look(&mut told).await,
            }
        }
    }

    async fn happened(&self, happening: Happening, told: &mut Told) {
        if let Happening::Ice(state) = happening {
            use RTCIceConnectionState::{Completed, Connected};
            self.tcp.settled(matches!(state, Connected | Completed));
        }
        match happening {
            Happening::Ice(RTCIceConnectionState::Connected | RTCIceConnectionState::Completed)
                if !told.ice_connected =>
            {
                told.ice_connected = true;
                self.session(PeerEvent::IceConnected).await;
            }
            Happening::Ice(_) => {}
            Happening::Connection(state) => self.connection_changed(state, told).await,
            Happening::Candidate(line) => {
                let Some(line) = self.disguise.candidate(line) else { return };
                let candidate = self.label.lock().unwrap_or_else(PoisonError::into_inner).label(line);
                self.session(PeerEvent::LocalCandidate(candidate)).await;
            }
            Happening::Track(track) => self.track(track).await,
            Happening::Channel(channel) => self.channels.attend(channel),
            Happening::Gathered => self.session(PeerEvent::LocalCandidate(Candidate::default())).await,
            Happening::KeyframeRequested => self.tell(PeerNotice::KeyframeRequested).await,
        }
    }

    async fn connection_changed(&self, state: RTCPeerConnectionState, told: &mut Told) {
        match state {
            RTCPeerConnectionState::Connected => {
                self.pace.hurry(HURRY_FOR_DATA);
                self.set_live(true);
                self.session(PeerEvent::Connected).await;
                self.look(told).await;
            }
            RTCPeerConnectionState::Disconnected => self.session(PeerEvent::Disconnected).await,
            RTCPeerConnectionState::Failed => {
                self.set_live(false);
                self.session(PeerEvent::Failed).await;
            }
            RTCPeerConnectionState::Closed => self.closed(told).await,
            _ => {}
        }
    }

    async fn track(&self, track: Arc<dyn TrackRemote>) {
        let Some(kind) = MediaKind::of(track.kind().await) else { return };
        let ssrc = track.ssrcs().await.first().copied().unwrap_or_default();
        let mime = track.codec(ssrc).await.map(|codec| codec.mime_type.to_ascii_lowercase());
        let codec = mime.as_deref().and_then(|mime| mime.split_once('/')).map(|(_, name)| name.to_owned());
        if kind == MediaKind::Video {
            self.video.set(Some(track.clone()));
        }
        self.tasks.spawn(pump(track, self.streams.of(kind).clone()));
        self.tell(PeerNotice::RemoteTrack { kind, codec }).await;
    }

    async fn said(&self, said: Said, told: &mut Told) {
        match said {
            Said::Open if !std::mem::replace(&mut told.data_open, true) => {
                self.pace.rest();
                self.session(PeerEvent::DataOpen).await;
            }
            Said::Open => {}
            Said::Chat(text) => self.tell(PeerNotice::Chat(text)).await,
            Said::Control(Control::Goodbye(reason)) => self.session(PeerEvent::Goodbye { reason }).await,
            Said::Control(Control::State(state)) => self.tell(PeerNotice::State(state)).await,
            Said::Closed => {
                if told.data_open && !std::mem::replace(&mut told.data_closed, true) {
                    self.session(PeerEvent::DataClosed).await;
                }
                self.look(told).await;
            }
        }
    }

    async fn look(&self, told: &mut Told) {
        let Some(transport) = stats::transport(&*self.connection).await else { return };
        // The peer's close_notify changes no state that webrtc-rs reports.
        if matches!(transport.state().await, Ok(RTCDtlsTransportState::Closed)) {
            self.closed(told).await;
            return;
        }
        let report = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        let arrivals = stats::arrivals(&report);
        if std::mem::replace(&mut told.arrivals, arrivals) < arrivals {
            self.session(PeerEvent::Activity).await;
        }
        let path = stats::path(&*self.connection, &report, &self.signalled, &self.relayed).await;
        let differs = |path: &Path| told.path.as_ref().is_none_or(|old| Path { rtt: None, ..path.clone() } != *old);
        if let Some(path) = path.filter(differs) {
            told.path = Some(Path { rtt: None, ..path.clone() });
            self.tell(PeerNotice::Path(path)).await;
        }
    }

    async fn closed(&self, told: &mut Told) {
        if !std::mem::replace(&mut told.closed, true) {
            self.set_live(false);
            self.session(PeerEvent::Closed).await;
        }
    }

    fn set_live(&self, live: bool) {
        self.links.iter().for_each(|link| link.set_live(live));
    }

    async fn session(&self, event: PeerEvent) {
        self.tell(PeerNotice::Session(event)).await;
    }

    /// Without a reader the connection still works.
    async fn tell(&self, notice: PeerNotice) {
        let _ = self.notices.send(notice).await;
    }
}
