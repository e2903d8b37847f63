//! The one task of a call: it feeds the session core with what happens and performs what the core decides.
//! It holds no policy; a `match` here only says which shell does what.

use std::time::{Duration, Instant};

use call_core::{
    EndReason, Input, Output, PeerAction, PeerEvent, Phase, Session, SessionConfig, SignalCommand, SignalingEvent,
};
use media_capture::{AudioSource, VideoSource};
use media_core::{ConnectionJudge, RateAllocator};
use peer_connection::{DataChannel, Peer, PeerConfig, PeerNotice, PeerStats, SideState};
use signaling_client::Signaling;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::call::{Command, Event};
use crate::config::CallConfig;
use crate::figures::{Outcome, PeerState, Snapshot};
use crate::happening::{Happening, at, changed, joined, optional};
use crate::media::{Change, Media, MediaNotice};
use crate::peer_driver::{Epoch, PeerDriver, PeerResult};

/// How often the figures are refreshed.
const REFRESH: Duration = Duration::from_millis(500);

/// Results of peer actions that wait for the session; it takes each at once.
const RESULT_CAPACITY: usize = 64;

/// What the call waits for at its end, over all tasks.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// Where the call's program hears of it.
pub(crate) struct Told {
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) channels: mpsc::Sender<DataChannel>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
}

pub(crate) struct Actor {
    config: CallConfig,
    session: Session,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    channels: mpsc::Sender<DataChannel>,
    snapshot: watch::Sender<Snapshot>,
    opening: Option<JoinHandle<Result<Media, EndReason>>>,
    media: Option<Media>,
    /// Asked for before the media were open.
    changes: Vec<Change>,
    media_notices: mpsc::Receiver<MediaNotice>,
    signaling: Option<Signaling>,
    peer: Option<PeerDriver>,
    epoch: Epoch,
    results: (mpsc::Sender<PeerResult>, mpsc::Receiver<PeerResult>),
    allocator: RateAllocator,
    attached: bool,
    connected: bool,
    /// When the last connection was closed: what its media do after that is not part of the call.
    closed_at: Option<Instant>,
    stats: PeerStats,
    judge: ConnectionJudge,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Actor {
    pub(crate) fn new(
        config: CallConfig,
        opening: JoinHandle<Result<Media, EndReason>>,
        commands: mpsc::Receiver<Command>,
        told: Told,
        media_notices: mpsc::Receiver<MediaNotice>,
    ) -> Self {
        let session = Session::new(
            SessionConfig {
                wait: config.wait,
                ask: config.ask,
                once: config.once,
                duration: config.duration,
                ice_servers: config.ice_servers.clone(),
                seed: seed(),
                ..SessionConfig::default()
            },
            Instant::now(),
        );
        let allocator = RateAllocator::new(config.audio_bitrate, config.max_bitrate);
        Self {
            config,
            session,
            commands,
            events: told.events,
            channels: told.channels,
            snapshot: told.snapshot,
            opening: Some(opening),
            media: None,
            changes: Vec::new(),
            media_notices,
            signaling: None,
            peer: None,
            epoch: 0,
            results: mpsc::channel(RESULT_CAPACITY),
            allocator,
            attached: false,
            connected: false,
            closed_at: None,
            stats: PeerStats::default(),
            judge: ConnectionJudge::new(),
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Runs the call to its end.
    pub(crate) async fn run(mut self) -> Outcome {
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.session.handle(Instant::now(), Input::Start);
        let end = loop {
            if let Some(end) = self.perform_outputs().await {
                break end;
            }
            match self.next(&mut refresh).await {
                Happening::Session(input) => self.feed(input),
                Happening::Command(command) => self.command(command).await,
                Happening::Peer(notice) => self.peer_notice(notice).await,
                Happening::Channel(channel) => self.channel(channel),
                Happening::Media(notice) => self.media_notice(notice).await,
                Happening::MediaOpened(Ok(media)) => self.media_opened(*media),
                Happening::MediaOpened(Err(EndReason::DeviceFailure { reason })) => {
                    self.feed(Input::DeviceFailed(reason));
                }
                Happening::MediaOpened(Err(end)) => self.feed(Input::DeviceFailed(end.to_string())),
                Happening::Target(estimate) => {
                    if let Some(media) = &self.media {
                        media.set_allocation(self.allocator.allocate(estimate));
                    }
                }
                Happening::Refresh => self.refresh().await,
                Happening::Outdated => {}
            }
        };
        self.finish(end).await
    }

    /// Waits for whatever happens first. Cancel safe: each branch takes one message or none.
    async fn next(&mut self, refresh: &mut tokio::time::Interval) -> Happening {
        let deadline = self.session.deadline().map(|(at, _)| tokio::time::Instant::from_std(at));
        let epoch = self.epoch;
        let (peer_events, channels, target) = match &mut self.peer {
            Some(PeerDriver { events, .. }) => {
                (Some(&mut events.notices), Some(&mut events.channels), Some(&mut events.target))
            }
            None => (None, None, None),
        };
        tokio::select! {
            biased;
            Some(command) = self.commands.recv() => Happening::Command(command),
            Some((from, result)) = self.results.1.recv() => {
                if from == epoch { Happening::Session(Input::Peer(result)) } else { Happening::Outdated }
            }
            Some(event) = optional(self.signaling.as_mut().map(|signaling| &mut signaling.events)) => Happening::Session(Input::Signaling(event)),
            Some(notice) = optional(peer_events) => Happening::Peer(notice),
            Some(channel) = optional(channels) => Happening::Channel(channel),
            () = at(deadline) => Happening::Session(Input::Timeout),
            Some(opened) = joined(&mut self.opening) => Happening::MediaOpened(opened.map(Box::new)),
            Some(notice) = self.media_notices.recv() => Happening::Media(notice),
            Some(estimate) = changed(target) => Happening::Target(estimate),
            _ = refresh.tick() => Happening::Refresh,
        }
    }

    fn feed(&mut self, input: Input) {
        self.note_milestones(&input);
        self.session.handle(Instant::now(), input);
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Accept => self.feed(Input::Accept),
            Command::Decline => self.feed(Input::Decline),
            Command::HangUp => self.feed(Input::HangUp),
            Command::Interrupt => self.feed(Input::Interrupt),
            Command::SetMicrophoneOn(on) => {
                self.snapshot.send_modify(|snapshot| snapshot.microphone_on = on);
                if let Some(media) = &self.media {
                    media.set_microphone_on(on);
                }
                self.say_state().await;
            }
            Command::SetCameraOn(on) => {
                self.snapshot.send_modify(|snapshot| snapshot.camera_on = on);
                if let Some(media) = &self.media {
                    media.set_camera_on(on);
                }
                self.say_state().await;
            }
            Command::SetVideoSource(source) => self.change(Change::VideoIn(source)),
            Command::SetAudioSource(source) => self.change(Change::AudioIn(source)),
            Command::SetAudioSink(sink) => self.change(Change::AudioOut(sink)),
            Command::SendChat(text) => self.send_chat(text).await,
        }
    }

    /// Tells the peer how our side stands, as soon as it can be told.
    async fn say_state(&mut self) {
        let state = self.our_state();
        if let Some(driver) = &self.peer {
            driver.peer.set_state(state).await;
        }
    }

    fn our_state(&self) -> SideState {
        let snapshot = self.snapshot.borrow();
        SideState {
            microphone: Some(snapshot.microphone_on && snapshot.media.audio_in != AudioSource::None),
            camera: Some(snapshot.camera_on && snapshot.media.video_in != VideoSource::None),
        }
    }

    async fn send_chat(&mut self, text: String) {
        let sent = match &self.peer {
            Some(driver) if self.connected => driver.peer.send_chat(&text).await.map_err(|error| error.to_string()),
            _ => Err("nobody is connected yet".into()),
        };
        match sent {
            Ok(()) => self.snapshot.send_modify(|snapshot| snapshot.figures.data.messages_sent += 1),
            Err(reason) => self.tell(Event::Problem(format!("the message was not sent: {reason}"))).await,
        }
    }

    async fn peer_notice(&mut self, notice: PeerNotice) {
        match notice {
            PeerNotice::Session(event) => self.feed(Input::Peer(event)),
            PeerNotice::KeyframeRequested => {
                if let Some(media) = &self.media {
                    media.keyframe_requested();
                }
            }
            PeerNotice::Chat(text) => {
                self.snapshot.send_modify(|snapshot| snapshot.figures.data.messages_received += 1);
                self.tell(Event::Chat(text)).await;
            }
            PeerNotice::State(SideState { microphone, camera }) => {
                let peer = PeerState { microphone_on: microphone, camera_on: camera };
                self.snapshot.send_modify(|snapshot| snapshot.peer = peer);
            }
            PeerNotice::Problem(text) => self.tell(Event::Problem(text)).await,
            // Path and codecs are read with the figures.
            _ => {}
        }
    }

    async fn media_notice(&mut self, notice: MediaNotice) {
        self.note_media();
        match notice {
            MediaNotice::InUse(text) | MediaNotice::Info(text) => self.tell(Event::Info(text)).await,
            MediaNotice::Problem(text) => self.tell(Event::Problem(text)).await,
            MediaNotice::SourceEnded => self.tell(Event::Info("the input file has ended".into())).await,
        }
    }

    /// A program that does not take its channels loses them.
    fn channel(&self, channel: DataChannel) {
        if self.channels.try_send(channel).is_err() {
            debug!("a data channel was dropped: nobody takes it");
        }
    }

    /// A full queue waits for its reader; a dropped one is no reason to stop.
    async fn tell(&mut self, event: Event) {
        let _ = self.events.send(event).await;
    }

    async fn perform_outputs(&mut self) -> Option<EndReason> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Signal(command) => self.signal(command).await,
                Output::Peer(PeerAction::Open { ice_servers, patience }) => self.open_peer(ice_servers, patience).await,
                Output::Peer(action) => self.peer_action(action).await,
                Output::Phase(phase) => self.phase(phase).await,
                Output::Warn(text) => self.tell(Event::Problem(text)).await,
                Output::Inform(text) => self.tell(Event::Info(text)).await,
                Output::Ended(end) => return Some(end),
            }
        }
        None
    }

    async fn signal(&mut self, command: SignalCommand) {
        let command = match command {
            SignalCommand::Connect => {
                let config = self.config.signaling.clone();
                self.signaling = Some(signaling_client::connect(config, &self.tracker, self.cancel.child_token()));
                return;
            }
            SignalCommand::Describe(description) => {
                self.mark(|milestones| &mut milestones.offer);
                signaling_client::Command::Describe(description)
            }
            SignalCommand::Candidate(candidate) => signaling_client::Command::Candidate(candidate),
            SignalCommand::Leave => signaling_client::Command::Leave,
        };
        if let Some(signaling) = &self.signaling
            && signaling.commands.send(command).await.is_err()
        {
            debug!("a signaling message was dropped: the connection to the server is gone");
        }
    }

    async fn open_peer(&mut self, ice_servers: Vec<call_core::IceServer>, patience: Duration) {
        self.epoch += 1;
        self.attached = false;
        self.connected = false;
        self.closed_at = None;
        self.judge = ConnectionJudge::new();
        let secure = ice_servers.iter().flat_map(|server| &server.urls).any(|url| url.starts_with("turns:"));
        let tls = self.config.signaling.tls.clone();
        let relay_tls = match secure {
            // Reads files.
            true => tokio::task::spawn_blocking(move || tls.authorities()).await.ok().flatten(),
            false => None,
        };
        let flow = self.config.signaling.server.protocol.flow();
        let config = PeerConfig {
            ice_servers,
            patience,
            relay_tls,
            relay_only: self.config.relay_only,
            bind: self.config.bind.clone(),
            network: self.config.network.clone(),
            send_audio: self.config.audio_in != media_capture::AudioSource::None,
            send_video: self.config.video_in != media_capture::VideoSource::None,
            receive: flow.receives(),
            data: flow.has_data(),
            max_bitrate: self.config.max_bitrate,
            channels: self.config.channels.clone(),
            ..PeerConfig::default()
        };
        let opened = match Peer::open(config).await {
            Ok((peer, events)) => {
                peer.set_state(self.our_state()).await;
                self.peer = Some(PeerDriver::start(peer, events, self.epoch, self.results.0.clone(), &self.tracker));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        };
        self.feed(Input::Peer(PeerEvent::Opened(opened)));
    }

    async fn peer_action(&mut self, action: PeerAction) {
        if matches!(action, PeerAction::Close) {
            return self.close_peer().await;
        }
        if let Some(driver) = &self.peer {
            driver.perform(action);
        }
    }

    /// Lets the connection go: its driver says what is still to be said, closes it and reports that, and nothing else of it
    /// reaches the session.
    async fn close_peer(&mut self) {
        self.refresh().await;
        self.connected = false;
        self.closed_at = Some(Instant::now());
        if let Some(media) = &self.media {
            media.detach();
        }
        self.snapshot.send_modify(|snapshot| (snapshot.peer, snapshot.quality) = (PeerState::default(), None));
        if let Some(driver) = self.peer.take() {
            driver.perform(PeerAction::Close);
        }
    }

    async fn phase(&mut self, phase: Phase) {
        if phase == Phase::Connected {
            self.connected = true;
            self.attach_media();
        }
        self.snapshot.send_modify(|snapshot| snapshot.phase = phase);
        self.tell(Event::Phase(phase)).await;
    }

    fn media_opened(&mut self, media: Media) {
        {
            let snapshot = self.snapshot.borrow();
            media.set_microphone_on(snapshot.microphone_on);
            media.set_camera_on(snapshot.camera_on);
        }
        for change in self.changes.drain(..) {
            media.change(change);
        }
        self.media = Some(media);
        self.note_media();
        self.attach_media();
    }

    /// Another device; while the first ones are being opened, the last wish for each counts.
    fn change(&mut self, change: Change) {
        match &self.media {
            Some(media) => media.change(change),
            None => {
                self.changes.retain(|before| std::mem::discriminant(before) != std::mem::discriminant(&change));
                self.changes.push(change);
            }
        }
    }

    fn note_media(&self) {
        let Some(media) = &self.media else { return };
        let in_use = media.in_use();
        self.snapshot.send_if_modified(|snapshot| {
            let changed = snapshot.media != in_use;
            snapshot.media = in_use;
            changed
        });
    }

    /// Joins media and connection, whichever was ready last.
    fn attach_media(&mut self) {
        let (Some(media), Some(driver)) = (&mut self.media, &mut self.peer) else { return };
        if !self.connected || std::mem::replace(&mut self.attached, true) {
            return;
        }
        // A new path begins with its own estimate, not with what the one before carried, or what the person allows at most.
        media.set_allocation(self.allocator.allocate(*driver.events.target.borrow()));
        let peer = driver.peer.clone();
        let runtime = tokio::runtime::Handle::current();
        let tracker = self.tracker.clone();
        media.attach(&driver.peer, driver.events.streams(), move |request| {
            let peer = peer.clone();
            tracker.spawn_on(async move { peer.request(&request).await }, &runtime);
        });
    }

    fn note_milestones(&self, input: &Input) {
        match input {
            Input::Signaling(SignalingEvent::Joined { role, .. }) => {
                self.snapshot.send_modify(|snapshot| snapshot.offers = Some(role.offers_first));
                self.mark(|milestones| &mut milestones.signaling_joined);
            }
            Input::Signaling(SignalingEvent::Description(_)) => self.mark(|milestones| &mut milestones.offer),
            Input::Peer(PeerEvent::IceConnected) => self.mark(|milestones| &mut milestones.ice_connected),
            Input::Peer(PeerEvent::Connected) => self.mark(|milestones| &mut milestones.dtls_connected),
            Input::Peer(PeerEvent::DataOpen) => self.mark(|milestones| &mut milestones.data_channel_open),
            _ => {}
        }
    }

    /// Keeps the first time that a milestone was reached.
    fn mark(&self, which: impl FnOnce(&mut crate::Milestones) -> &mut Option<Duration>) {
        let elapsed = self.config.started.elapsed();
        self.snapshot.send_modify(|snapshot| {
            which(&mut snapshot.figures.milestones).get_or_insert(elapsed);
        });
    }

    /// Gathers the figures of all parts into the snapshot.
    async fn refresh(&mut self) {
        self.note_media();
        if let Some(driver) = &self.peer
            && self.connected
        {
            self.stats = driver.peer.stats().await;
        }
        self.say_state().await;
        let now = Instant::now();
        let measuring = self.closed_at.is_none();
        let (stats, media, started) = (&self.stats, &self.media, self.config.started);
        let (judge, connected) = (&mut self.judge, self.connected);
        self.snapshot.send_modify(|snapshot| {
            snapshot.measured_at = now;
            let figures = &mut snapshot.figures;
            figures.path = crate::stats::path(stats);
            figures.encryption.clone_from(&stats.encryption);
            figures.audio_sent = crate::stats::audio_sent(stats);
            if let Some(media) = media.as_ref().filter(|_| measuring) {
                crate::stats::media(figures, media, stats, started, now);
            }
            // While the path is broken, the phase says more than a mark.
            snapshot.quality = (connected && snapshot.phase == Phase::Connected)
                .then(|| judge.judge(now, crate::stats::connection(&snapshot.figures, snapshot.peer, stats)));
        });
    }

    async fn finish(mut self, end: EndReason) -> Outcome {
        self.mark(|milestones| &mut milestones.ended);
        self.refresh().await;
        self.cancel.cancel();
        self.signaling = None;
        let ever_connected = self.snapshot.borrow().figures.milestones.dtls_connected.is_some();
        // Ends the driver's task, should the session have ended without closing: it closes the connection when dropped.
        self.peer = None;
        self.tracker.close();
        if tokio::time::timeout(SHUTDOWN, self.tracker.wait()).await.is_err() {
            warn!("some tasks of the call did not end in time");
        }
        if let Some(opening) = self.opening.take()
            && let Ok(Ok(media)) = opening.await
        {
            self.media = Some(media);
        }
        let mut end = end;
        if let Some(media) = self.media.take() {
            let end_of_media = self.closed_at.unwrap_or_else(Instant::now);
            let closed = tokio::task::spawn_blocking(move || media.close(end_of_media)).await;
            if let Ok(Err(error)) = closed {
                if end.is_orderly() {
                    end = EndReason::DeviceFailure { reason: error };
                } else {
                    self.tell(Event::Problem(error)).await;
                }
            }
        }
        self.snapshot.send_modify(|snapshot| {
            snapshot.end = Some(end.clone());
            snapshot.media.let_go();
        });
        self.tell(Event::Ended(end.clone())).await;
        let figures = self.snapshot.borrow().figures.clone();
        Outcome { end, connected: ever_connected, figures }
    }
}

/// Differs between processes and calls; spreads reconnects, keeps no secret.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
