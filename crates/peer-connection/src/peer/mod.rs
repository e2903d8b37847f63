//! The handle on a peer connection: its opening, messages, media, figures, and its end; `negotiation` has the rest.
//! Clones share the connection; when the last one is dropped it is closed, as by [`Peer::close`].

mod negotiation;

use crate::admission::Admission;
use crate::channels::{Channels, MAX_NAMED, Named, SAID_CAPACITY, Tasks};
use crate::convert::CandidateLabel;
use crate::disguise::Disguise;
use crate::events::{HAPPENING_CAPACITY, MediaKind, NOTICE_CAPACITY, PeerEvents, PeerNotice, PeerStreams, Reporter};
use crate::factory::{Built, Factory};
use crate::ice_servers;
use crate::ice_tcp::IceTcp;
use crate::interceptors::Asked;
use crate::migration::SharedCredentials;
use crate::monitor::Monitor;
use crate::receive::{PictureRequest, VideoSource};
use crate::runtime::Pace;
use crate::send::{Link, MediaSender};
use crate::stats::{self, PeerStats, Signalled};
use crate::turn_stream::{Relayed, StreamServer};
use crate::{PeerConfig, PeerError, SideState, address};
use media_core::Bitrate;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::debug;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::PeerConnection;

/// A peer connection.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Arc<dyn PeerConnection>,
    audio: MediaSender,
    video: MediaSender,
    streams: PeerStreams,
    video_source: VideoSource,
    channels: Channels,
    label: Arc<Mutex<CandidateLabel>>,
    disguise: Arc<Disguise>,
    admission: Mutex<Admission>,
    signalled: Signalled,
    relayed: Relayed,
    relay_only: bool,
    /// Those that the sockets carry over streams, by the number in their names.
    behind_streams: Vec<StreamServer>,
    credentials: SharedCredentials,
    tcp: IceTcp,
    asked: Arc<Asked>,
    target: watch::Receiver<Bitrate>,
    notices: mpsc::Sender<PeerNotice>,
    pace: Arc<Pace>,
    tasks: Tasks,
    runtime: Handle,
}

impl Peer {
    /// Opens a connection: binds its sockets and prepares sound, pictures and data, but sends nothing yet.
    /// To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`PeerError::NoRelay`] when only relays may be used and none is given; [`PeerError::Open`] when no socket can be
    /// bound.
    pub async fn open(config: PeerConfig) -> Result<(Self, PeerEvents), PeerError> {
        let servers = ice_servers::usable(&config.ice_servers, config.relay_only)?;
        let (happened, happenings) = mpsc::channel(HAPPENING_CAPACITY);
        let (say, said) = mpsc::channel(SAID_CAPACITY);
        let (opened, channels) = mpsc::channel(MAX_NAMED);
        let labels = config.channels.iter().take(MAX_NAMED).cloned().collect();
        let named = Named { labels, data: config.data, opened };
        let (notices, notices_out) = mpsc::channel(NOTICE_CAPACITY);
        let (publish, target) = watch::channel(config.start_bitrate.min(config.max_bitrate));
        let (pace, asked) = (Arc::new(Pace::new()), Arc::<Asked>::default());
        let (tasks, streams) = (Tasks::default(), PeerStreams::default());
        let (relayed, credentials) = (Relayed::default(), SharedCredentials::default());
        let addresses = address::to_bind(&config.bind, config.include_loopback);
        // A stream would show our address where only relays may be used, and would leave another network.
        let tcp = config.tcp && !config.relay_only && config.network.is_none();
        let tcp = IceTcp::new(tcp, addresses.clone(), credentials.clone(), tasks.clone());
        let built = Factory {
            config: &config,
            addresses: &addresses,
            servers: &servers,
            reporter: &Reporter(happened),
            target: &publish,
            pace: &pace,
            asked: &asked,
            tasks: &tasks,
            relayed: &relayed,
            credentials: &credentials,
            tcp: &tcp,
        }
        .build()
        .await?;
        let behind_streams = servers.streams;
        for problem in servers.problems.into_iter().take(NOTICE_CAPACITY / 2) {
            let _ = notices.try_send(PeerNotice::Problem(problem));
        }
        let Built { connection, audio, video } = built;
        let inner = Arc::new(Inner {
            audio: start_sender(MediaKind::Audio, audio, &tasks),
            video: start_sender(MediaKind::Video, video, &tasks),
            streams: streams.clone(),
            video_source: VideoSource::default(),
            channels: Channels::new(say, named, tasks.clone()),
            label: Arc::default(),
            disguise: Arc::new(Disguise::new(config.relay_only)),
            admission: Mutex::default(),
            signalled: Signalled::default(),
            relayed,
            relay_only: config.relay_only,
            behind_streams,
            credentials,
            tcp,
            asked,
            target: target.clone(),
            notices: notices.clone(),
            pace,
            tasks,
            runtime: Handle::current(),
            connection,
        });
        let monitor = Monitor {
            connection: inner.connection.clone(),
            happenings,
            said,
            notices,
            label: inner.label.clone(),
            disguise: inner.disguise.clone(),
            signalled: inner.signalled.clone(),
            relayed: inner.relayed.clone(),
            tcp: inner.tcp.clone(),
            links: [inner.audio.link().clone(), inner.video.link().clone()],
            streams: streams.clone(),
            video: inner.video_source.clone(),
            channels: inner.channels.clone(),
            tasks: inner.tasks.clone(),
            pace: inner.pace.clone(),
        };
        inner.tasks.spawn(monitor.run());
        Ok((Self { inner }, PeerEvents { notices: notices_out, target, channels, streams }))
    }

    /// Sends a line to the peer. Does not wait for the network.
    ///
    /// # Errors
    /// [`PeerError::NoDataChannel`], [`PeerError::MessageTooLong`] or [`PeerError::SendBufferFull`].
    pub async fn send_chat(&self, text: &str) -> Result<(), PeerError> {
        self.inner.channels.send_chat(text).await
    }

    /// Lets the peer know how our microphone and camera stand: at once, or when the data channels open. Said again it costs
    /// nothing, and brings what found no room before.
    pub async fn set_state(&self, state: SideState) {
        self.inner.channels.set_state(state).await;
    }

    /// Tells the peer why we go, and waits until it has heard, for 200 ms at most.
    pub async fn send_goodbye(&self, reason: &str) {
        self.inner.channels.send_goodbye(reason).await;
    }

    /// Asks the peer for what its pictures lack.
    pub async fn request(&self, request: &PictureRequest) {
        self.inner.video_source.request(request).await;
    }

    /// Where our sound goes.
    #[must_use]
    pub fn audio_sender(&self) -> MediaSender {
        self.inner.audio.clone()
    }

    /// Where our pictures go.
    #[must_use]
    pub fn video_sender(&self) -> MediaSender {
        self.inner.video.clone()
    }

    /// All figures at this moment.
    pub async fn stats(&self) -> PeerStats {
        let target = self.inner.target.has_changed().unwrap_or(false).then(|| *self.inner.target.borrow());
        stats::collect(&*self.inner.connection, &self.inner.signalled, &self.inner.relayed, &self.inner.asked, target)
            .await
    }

    /// Closes the connection: tells the peer, frees sockets and relays, ends every task and the packet queues.
    /// Any number of times; later ones do nothing.
    pub async fn close(&self) {
        self.inner.end();
        close(&self.inner.connection).await;
        self.inner.tasks.tracker.close();
        self.inner.tasks.tracker.wait().await;
    }
}

impl Inner {
    fn link(&self, kind: MediaKind) -> &Link {
        match kind {
            MediaKind::Audio => self.audio.link(),
            MediaKind::Video => self.video.link(),
        }
    }

    /// Ends what works for the connection, and lets go of what would keep it alive.
    fn end(&self) {
        self.pace.rest();
        self.tasks.cancel.cancel();
        self.channels.clear();
        self.video_source.set(None);
        self.streams.close();
        self.audio.link().set_live(false);
        self.video.link().set_live(false);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
        // webrtc-rs only lets go of its sockets when it is closed.
        let connection = self.connection.clone();
        self.runtime.spawn(async move { close(&connection).await });
    }
}

async fn close(connection: &Arc<dyn PeerConnection>) {
    if let Err(error) = connection.close().await {
        debug!("the connection did not close in order: {error}");
    }
}

fn start_sender(kind: MediaKind, track: Option<Arc<TrackLocalStaticRTP>>, tasks: &Tasks) -> MediaSender {
    let (sender, stream) = MediaSender::new(kind);
    if let Some(track) = track {
        tasks.spawn(stream.run(track));
    }
    sender
}
