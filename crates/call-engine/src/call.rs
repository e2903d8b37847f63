//! The handle of a call: commands go in, events and snapshots come out, pictures lie in two slots.
//! The call itself runs in tasks and threads of its own and ends with an [`Outcome`].

use std::sync::Arc;

use call_core::{EndReason, Phase};
use media_capture::{AudioSource, VideoSource};
use media_core::LatestSlot;
use media_render::AudioSink;
use peer_connection::DataChannel;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tracing::{Instrument, info_span};

use crate::actor::{Actor, Told};
use crate::config::CallConfig;
use crate::figures::{MediaInUse, Outcome, Snapshot};
use crate::levels::Levels;
use crate::media::{Media, Pictures};

/// Commands and events on their way; a person does not type faster, and a stalled reader must not grow memory.
const QUEUE: usize = 64;

/// Events that a second reader may be behind: some seconds of a lively call. It is not waited for.
const FOLLOWED: usize = 256;

/// Open data channels that the program has not taken yet: those of two connections.
const CHANNELS: usize = 16;

/// What a person or a program asks of a running call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the call that rings.
    Accept,
    /// Do not take the call that rings; the caller is told, and the call ends.
    Decline,
    /// Say goodbye and end the call.
    HangUp,
    /// As `HangUp`, but because the program is told to stop.
    Interrupt,
    /// Mute (false) or unmute the microphone.
    SetMicrophoneOn(bool),
    /// Turn the camera off (false) or on.
    SetCameraOn(bool),
    /// Take our pictures from here from now on.
    SetVideoSource(VideoSource),
    /// Take our sound from here from now on.
    SetAudioSource(AudioSource),
    /// Play the peer's sound here from now on.
    SetAudioSink(AudioSink),
    /// Send one chat message.
    SendChat(String),
}

/// What happens in a call, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The call reached another phase.
    Phase(Phase),
    /// A chat message of the peer.
    Chat(String),
    /// Something that the person may want to know, such as the camera that was found.
    Info(String),
    /// Something that went wrong without ending the call.
    Problem(String),
    /// The call is over; nothing follows.
    Ended(EndReason),
}

/// A call that is being placed, runs, or has ended.
pub struct Call {
    commands: mpsc::Sender<Command>,
    events: Option<mpsc::Receiver<Event>>,
    channels: Option<mpsc::Receiver<DataChannel>>,
    snapshot: watch::Receiver<Snapshot>,
    levels: Arc<Levels>,
    local: Pictures,
    remote: Pictures,
    outcome: oneshot::Receiver<Outcome>,
}

/// A call that could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A file that was named cannot be read, written or understood.
    #[error("{0}")]
    Media(String),
}

impl Call {
    /// Opens the media, joins the room and goes on from there by itself. Needs a tokio runtime.
    ///
    /// # Errors
    /// An input or output file that cannot be used. A device that cannot be opened is an [`Event::Problem`].
    pub async fn place(config: CallConfig) -> Result<Self, PlaceError> {
        let (commands, command_queue) = mpsc::channel(QUEUE);
        let (event_sender, events) = mpsc::channel(QUEUE);
        let (channel_sender, channels) = mpsc::channel(CHANNELS);
        let (notices, notice_queue) = mpsc::channel(QUEUE);
        let (outcome_sender, outcome) = oneshot::channel();
        let (local, remote) = (Pictures::new(LatestSlot::new()), Pictures::new(LatestSlot::new()));

        let levels = Arc::new(Levels::default());
        let config = config.one_way();
        config.check().map_err(PlaceError::Media)?;
        let media = MediaInUse {
            video_in: config.video_in.clone(),
            audio_in: config.audio_in.clone(),
            audio_out: config.audio_out.clone(),
            ..MediaInUse::default()
        };
        let (snapshot_sender, snapshot) = watch::channel(Snapshot { media, ..Snapshot::default() });
        // Devices take up to two seconds to open; the room is joined meanwhile.
        let media = {
            let (config, levels) = (config.clone(), levels.clone());
            let (local, remote) = (local.clone(), remote.clone());
            tokio::task::spawn_blocking(move || Media::open(&config, local, remote, levels, notices))
        };
        let told = Told { events: event_sender, channels: channel_sender, snapshot: snapshot_sender };
        let actor = Actor::new(config, media, command_queue, told, notice_queue);
        tokio::spawn(
            async move {
                let _ = outcome_sender.send(actor.run().await);
            }
            .instrument(info_span!("call")),
        );
        Ok(Self { commands, events: Some(events), channels: Some(channels), snapshot, levels, local, remote, outcome })
    }

    /// The next event; `None` after [`Event::Ended`].
    pub async fn event(&mut self) -> Option<Event> {
        self.events.as_mut()?.recv().await
    }

    /// The queue of events, for a reader elsewhere; [`Self::event`] gives nothing from then on.
    pub fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        self.events.take()
    }

    /// A second reader of the events, beside [`Self::event`] and the queue. It is never waited for: one that falls more than 256
    /// events behind is told so, and goes on with the newer ones. Nothing comes where the queue was taken before. Needs a tokio
    /// runtime.
    pub fn follow_events(&mut self) -> broadcast::Receiver<Event> {
        let (followers, follower) = broadcast::channel(FOLLOWED);
        if let Some(mut events) = self.events.take() {
            let (first, queue) = mpsc::channel(QUEUE);
            self.events = Some(queue);
            tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    let _ = followers.send(event.clone());
                    // The first reader may leave before the end of the call, the others stay.
                    let _ = first.send(event).await;
                }
            });
        }
        follower
    }

    /// The data channels that [`CallConfig::channels`] names, each when it opens, and anew on each connection. Nothing the
    /// second time that it is asked.
    pub fn take_channels(&mut self) -> Option<mpsc::Receiver<DataChannel>> {
        self.channels.take()
    }

    /// Where commands go; `try_send` from a window, `send` from a task.
    #[must_use]
    pub fn commands(&self) -> mpsc::Sender<Command> {
        self.commands.clone()
    }

    /// Asks for an orderly end; the call then ends within two seconds.
    pub async fn hang_up(&self) {
        let _ = self.commands.send(Command::HangUp).await;
    }

    /// The state of the call, updated twice a second and at each change.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// How loud it is, both ways.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        self.levels.clone()
    }

    /// Our own newest picture.
    #[must_use]
    pub fn local_pictures(&self) -> Arc<LatestSlot<Arc<media_core::Picture>>> {
        self.local.clone()
    }

    /// The peer's newest picture.
    #[must_use]
    pub fn remote_pictures(&self) -> Arc<LatestSlot<Arc<media_core::Picture>>> {
        self.remote.clone()
    }

    /// Waits for the end.
    pub async fn finished(mut self) -> Outcome {
        // Nobody reads events any more: drop the queue so that the call does not wait for room in it.
        self.events = None;
        self.outcome.await.unwrap_or_else(|_| Outcome {
            end: EndReason::Internal { reason: "the call's task stopped early".into() },
            connected: false,
            figures: crate::Figures::default(),
        })
    }
}
