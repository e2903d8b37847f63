//! The one task of a call: it feeds the session core with what happens, and `perform` does what the core decides.
//! It holds no policy; a `match` here only says which shell does what.

mod perform;

use std::time::{Duration, Instant};

use call_core::{EndReason, Input, Session};
use media_core::RateAllocator;
use peer_connection::{DataChannel, PeerNotice};
use signaling_client::Signaling;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::awaited_media::{AwaitedMedia, Opening};
use crate::call::{Command, Event};
use crate::config::CallConfig;
use crate::ending;
use crate::figures::{Outcome, Snapshot};
use crate::happening::{Happening, at, changed, optional};
use crate::media::{Change, MediaNotice};
use crate::milestone::Milestone;
use crate::peer_driver::{PeerDriver, PeerResult};
use crate::record::Record;
use crate::standing::Standing;

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
    record: Record,
    media: AwaitedMedia,
    media_notices: mpsc::Receiver<MediaNotice>,
    signaling: Option<Signaling>,
    peer: Option<PeerDriver>,
    standing: Standing,
    results: (mpsc::Sender<PeerResult>, mpsc::Receiver<PeerResult>),
    allocator: RateAllocator,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Actor {
    pub(crate) fn new(
        config: CallConfig,
        opening: Opening,
        commands: mpsc::Receiver<Command>,
        told: Told,
        media_notices: mpsc::Receiver<MediaNotice>,
    ) -> Self {
        Self {
            session: Session::new(config.session(seed()), Instant::now()),
            commands,
            events: told.events,
            channels: told.channels,
            record: Record::new(told.snapshot, config.started),
            media: AwaitedMedia::new(opening),
            media_notices,
            signaling: None,
            peer: None,
            standing: Standing::default(),
            results: mpsc::channel(RESULT_CAPACITY),
            allocator: RateAllocator::new(config.audio_bitrate, config.max_bitrate),
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            config,
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
                Happening::MediaOpened(Ok(())) => self.media_opened(),
                Happening::MediaOpened(Err(reason)) => self.feed(Input::DeviceFailed(reason)),
                Happening::Target(estimate) => {
                    if let Some(media) = self.media.get() {
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
                if self.standing.is_of(from) { Happening::Session(Input::Peer(result)) } else { Happening::Outdated }
            }
            Some(event) = optional(self.signaling.as_mut().map(|signaling| &mut signaling.events)) => Happening::Session(Input::Signaling(event)),
            Some(notice) = optional(peer_events) => Happening::Peer(notice),
            Some(channel) = optional(channels) => Happening::Channel(channel),
            () = at(deadline) => Happening::Session(Input::Timeout),
            opened = self.media.opened() => Happening::MediaOpened(opened),
            Some(notice) = self.media_notices.recv() => Happening::Media(notice),
            Some(estimate) = changed(target) => Happening::Target(estimate),
            _ = refresh.tick() => Happening::Refresh,
        }
    }

    fn feed(&mut self, input: Input) {
        self.record.heard(&input);
        self.session.handle(Instant::now(), input);
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Accept => self.feed(Input::Accept),
            Command::Decline => self.feed(Input::Decline),
            Command::HangUp => self.feed(Input::HangUp),
            Command::Interrupt => self.feed(Input::Interrupt),
            Command::SetMicrophoneOn(on) => {
                self.record.set_microphone_on(on);
                if let Some(media) = self.media.get() {
                    media.set_microphone_on(on);
                }
                self.say_state().await;
            }
            Command::SetCameraOn(on) => {
                self.record.set_camera_on(on);
                if let Some(media) = self.media.get() {
                    media.set_camera_on(on);
                }
                self.say_state().await;
            }
            Command::SetVideoSource(source) => self.media.change(Change::VideoIn(source)),
            Command::SetAudioSource(source) => self.media.change(Change::AudioIn(source)),
            Command::SetAudioSink(sink) => self.media.change(Change::AudioOut(sink)),
            Command::SendChat(text) => self.send_chat(text).await,
        }
    }

    /// Tells the peer how our side stands, as soon as it can be told.
    async fn say_state(&mut self) {
        if let Some(driver) = &self.peer {
            driver.peer.set_state(self.record.our_state()).await;
        }
    }

    async fn send_chat(&mut self, text: String) {
        let sent = match &self.peer {
            Some(driver) if self.standing.is_connected() => {
                driver.peer.send_chat(&text).await.map_err(|error| error.to_string())
            }
            _ => Err("nobody is connected yet".into()),
        };
        match sent {
            Ok(()) => self.record.message_sent(),
            Err(reason) => self.tell(Event::Problem(format!("the message was not sent: {reason}"))).await,
        }
    }

    async fn peer_notice(&mut self, notice: PeerNotice) {
        match notice {
            PeerNotice::Session(event) => self.feed(Input::Peer(event)),
            PeerNotice::KeyframeRequested => {
                if let Some(media) = self.media.get() {
                    media.keyframe_requested();
                }
            }
            PeerNotice::Chat(text) => {
                self.record.message_received();
                self.tell(Event::Chat(text)).await;
            }
            PeerNotice::State(state) => self.record.peer_state(state),
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

    fn media_opened(&mut self) {
        let (microphone_on, camera_on) = self.record.switches();
        self.media.begin(microphone_on, camera_on);
        self.note_media();
        self.attach_media();
    }

    fn note_media(&self) {
        if let Some(media) = self.media.get() {
            self.record.media_in_use(media.in_use());
        }
    }

    /// Brings the figures up to date.
    async fn refresh(&mut self) {
        self.note_media();
        if let Some(driver) = &self.peer
            && self.standing.is_connected()
        {
            self.record.measured(driver.peer.stats().await);
        }
        self.say_state().await;
        self.record.refresh(Instant::now(), &self.standing, self.media.get());
    }

    async fn finish(mut self, end: EndReason) -> Outcome {
        self.record.reached(Milestone::Ended);
        self.refresh().await;
        self.cancel.cancel();
        self.signaling = None;
        // Ends the driver's task, should the session have ended without closing: it closes the connection when dropped.
        self.peer = None;
        self.tracker.close();
        if tokio::time::timeout(SHUTDOWN, self.tracker.wait()).await.is_err() {
            warn!("some tasks of the call did not end in time");
        }
        let (end, problem) = ending::after_closing(end, self.close_media().await);
        if let Some(problem) = problem {
            self.tell(Event::Problem(problem)).await;
        }
        let outcome = self.record.ended(&end);
        self.tell(Event::Ended(end)).await;
        outcome
    }

    /// What an output file lacks is an error.
    async fn close_media(&mut self) -> Result<(), String> {
        let Some(media) = self.media.take().await else { return Ok(()) };
        let end = self.standing.end_of_media(Instant::now());
        tokio::task::spawn_blocking(move || media.close(end)).await.unwrap_or(Ok(()))
    }
}

/// Differs between processes and calls; spreads reconnects, keeps no secret.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
