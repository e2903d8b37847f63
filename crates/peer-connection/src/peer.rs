//! The handle on a peer connection: negotiation, messages, figures, and its end.
//! Clones share the connection; when the last one is dropped it is closed, as by [`Peer::close`].

use crate::admission::Admission;
use crate::channels::{Channels, MAX_NAMED, Named, SAID_CAPACITY, Tasks};
use crate::convert::{self, CandidateLabel, CandidateLine};
use crate::disguise::Disguise;
use crate::events::{HAPPENING_CAPACITY, MediaKind, NOTICE_CAPACITY, PeerEvents, PeerNotice, PeerStreams, Reporter};
use crate::factory::{self, Built, Factory};
use crate::ice_servers;
use crate::ice_tcp::IceTcp;
use crate::interceptors::Asked;
use crate::migration::{Credentials, SharedCredentials};
use crate::monitor::Monitor;
use crate::receive::{PictureRequest, VideoSource};
use crate::runtime::Pace;
use crate::send::{Link, MediaSender, Wire};
use crate::stats::{self, PeerStats, Signalled};
use crate::turn_stream::{Relayed, StreamServer};
use crate::{PeerConfig, PeerError, SideState, address};
use call_core::{Candidate, Description, DescriptionKind, IceServer};
use media_core::Bitrate;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::debug;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::PeerConnection;

/// A description starts gathering or checks; they go on without pause for that long.
const HURRY_FOR_PATH: Duration = Duration::from_secs(10);

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

    /// Makes an offer of sound, pictures and data. The first one creates the data channels.
    ///
    /// # Errors
    /// [`PeerError::Create`] when the connection is closed.
    pub async fn create_offer(&self) -> Result<Description, PeerError> {
        let create = |error: webrtc::error::Error| PeerError::Create(error.to_string());
        self.inner.channels.create(&*self.inner.connection).await.map_err(create)?;
        let offer = self.inner.connection.create_offer(None).await.map_err(create)?;
        Ok(Description::offer(self.inner.disguise.description(offer.sdp)))
    }

    /// Uses these ICE servers from the next ICE restart on, or from the start if there is no description yet. Relays in use
    /// go on with the credentials that they were opened with. Servers behind streams are not exchanged for others while a
    /// connection lives.
    pub async fn set_ice_servers(&self, ice_servers: &[IceServer]) {
        let inner = &self.inner;
        let Ok(usable) = ice_servers::usable(ice_servers, inner.relay_only) else { return };
        if usable.streams != inner.behind_streams {
            return debug!("the ICE servers are kept: others are reached over streams now");
        }
        let configuration = factory::configuration(usable.servers, inner.relay_only);
        if let Err(error) = inner.connection.set_configuration(configuration).await {
            debug!("the ICE servers are kept: {error}");
        }
    }

    /// Lets the next offer restart ICE: sockets are opened anew on the addresses that there are then, and every path is looked
    /// for again. Nothing flows from the moment that offer is applied until a path is found.
    pub async fn restart_ice(&self) {
        if let Err(error) = self.inner.connection.restart_ice().await {
            debug!("ICE cannot be restarted: {error}");
        }
    }

    /// Makes an answer to the peer's offer.
    ///
    /// # Errors
    /// [`PeerError::Create`] when there is no offer to answer.
    pub async fn create_answer(&self) -> Result<Description, PeerError> {
        let answer = self.inner.connection.create_answer(None).await;
        let answer = answer.map_err(|error| PeerError::Create(error.to_string()))?;
        Ok(Description::answer(self.inner.disguise.description(answer.sdp)))
    }

    /// Applies a description that [`create_offer`](Self::create_offer) or [`create_answer`](Self::create_answer) made
    /// last; candidates are gathered from here on.
    ///
    /// # Errors
    /// [`PeerError::Description`] when it is another one, or it is not its turn.
    pub async fn set_local(&self, mut description: Description) -> Result<(), PeerError> {
        let kind = description.kind;
        description.sdp = self.inner.disguise.undone(description.sdp);
        let label = CandidateLabel::of(&description.sdp);
        let description = convert::session_description(description)?;
        if kind != DescriptionKind::Rollback {
            // Before it is applied: the candidates come at once.
            *self.inner.label.lock().unwrap_or_else(PoisonError::into_inner) = label;
        }
        self.inner.pace.hurry(HURRY_FOR_PATH);
        let result = self.inner.connection.set_local_description(description).await;
        result.map_err(|error| PeerError::Description(error.to_string()))?;
        self.negotiated(kind).await;
        Ok(())
    }

    /// Applies the peer's description. Of its candidates the first hundred are used.
    ///
    /// # Errors
    /// [`PeerError::Description`] when it does not parse or it is not its turn.
    pub async fn set_remote(&self, mut description: Description) -> Result<(), PeerError> {
        let kind = description.kind;
        let whole = std::mem::take(&mut description.sdp);
        description.sdp = self.admission().limit(&whole);
        let candidates = description.sdp.lines().filter(|line| line.starts_with("a=candidate:"));
        candidates.filter_map(CandidateLine::parse).for_each(|candidate| self.inner.signalled.add(candidate));
        let description = convert::session_description(description)?;
        self.inner.pace.hurry(HURRY_FOR_PATH);
        if let Err(error) = self.inner.connection.set_remote_description(description).await {
            // webrtc-rs keeps an offer pending that it could not apply; a better one must find the way free.
            if kind == DescriptionKind::Offer {
                let _ = self.rollback().await;
            }
            return Err(PeerError::Description(error.to_string()));
        }
        whole.lines().filter(|line| line.starts_with("a=candidate:")).for_each(|line| self.reach(&line[2..]));
        self.negotiated(kind).await;
        Ok(())
    }

    /// Withdraws the pending offer, ours or the peer's.
    ///
    /// After the peer's very first offer was applied and withdrawn, webrtc-rs takes no other from it: its transports
    /// have started. Open another connection then.
    ///
    /// # Errors
    /// [`PeerError::Description`] when there is none.
    pub async fn rollback(&self) -> Result<(), PeerError> {
        let connection = &self.inner.connection;
        let rollback =
            convert::session_description(Description { kind: DescriptionKind::Rollback, sdp: String::new() })?;
        let theirs = connection.pending_remote_description().await.is_some();
        let result = match theirs {
            true => connection.set_remote_description(rollback).await,
            false => connection.set_local_description(rollback).await,
        };
        result.map_err(|error| PeerError::Description(error.to_string()))
    }

    /// Uses a candidate of the peer; one over TCP only when no path is found without. The end of the candidates means nothing.
    ///
    /// # Errors
    /// [`PeerError::Candidate`] when it does not parse, no description of the peer was applied yet, or a hundred are in use.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), PeerError> {
        if candidate.is_end_of_candidates() {
            return Ok(());
        }
        let line = CandidateLine::parse(&candidate.candidate)
            .ok_or_else(|| PeerError::Candidate("it is not of the form of RFC 8839".into()))?;
        if line.protocol != "udp" {
            self.reach(&candidate.candidate);
            return Ok(());
        }
        if !self.admission().admits(&candidate.candidate) {
            return Err(PeerError::Candidate("there are enough".into()));
        }
        self.inner.signalled.add(line);
        let result = self.inner.connection.add_ice_candidate(convert::candidate_init(candidate)).await;
        result.map_err(|error| PeerError::Candidate(error.to_string()))
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

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.inner.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream for the candidate of this line, if it is one over TCP.
    fn reach(&self, line: &str) {
        let tcp = &self.inner.tcp;
        if let Some(address) = self.admission().stream(line, |address| tcp.permits(address)) {
            let candidate = Candidate { candidate: line.to_owned(), ..Candidate::default() };
            tcp.reach(address, candidate, self.inner.connection.clone());
        }
    }

    /// Once the two sides agree: how our packets are to be labelled.
    async fn negotiated(&self, kind: DescriptionKind) {
        if kind != DescriptionKind::Answer {
            return;
        }
        let connection = &self.inner.connection;
        if let (Some(local), Some(remote)) =
            (connection.current_local_description().await, connection.current_remote_description().await)
        {
            *self.inner.credentials.lock().unwrap_or_else(PoisonError::into_inner) =
                Credentials::of(&local.sdp, &remote.sdp);
            self.inner.tcp.negotiated();
        }
        for sender in self.inner.connection.get_senders().await {
            let Some(media) = MediaKind::of(sender.track().kind().await) else { continue };
            let wire = match sender.get_parameters().await {
                Ok(parameters) => media.payload_type(&parameters.rtp_parameters.codecs).and_then(|payload_type| {
                    let encoding = parameters.encodings.first()?;
                    Some(Wire { ssrc: encoding.rtp_coding_parameters.ssrc?, payload_type })
                }),
                Err(error) => {
                    debug!("a stream has no parameters: {error}");
                    None
                }
            };
            if wire.is_none() {
                let problem = match media {
                    MediaKind::Audio => "the peer does not take Opus: it will not hear us",
                    MediaKind::Video => "the peer does not take H.264: it will not see us",
                };
                let _ = self.inner.notices.try_send(PeerNotice::Problem(problem.into()));
            }
            self.inner.link(media).negotiated(wire);
        }
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
