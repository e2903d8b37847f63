//! The data channels of a call: `chat` carries lines of text, `control` what programs tell each other, and the program may name more.
//! The one who offers creates them; a foreign peer's channel of any other name counts as chat.

use crate::control::{Control, SideState};
use crate::{DataChannel as OwnChannel, PeerError};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::error::Error;
use webrtc::peer_connection::PeerConnection;

const CHAT: &str = "chat";
const CONTROL: &str = "control";

/// Messages of the peer that wait; beyond it SCTP makes the peer wait.
pub(crate) const SAID_CAPACITY: usize = 64;

/// Channels that are listened to: ours are two, and a foreign peer may have some more. Each costs a task.
const MAX_CHANNELS: usize = 16;

/// Channels that the program may name: each side then has a queue of webrtc-rs for each.
pub(crate) const MAX_NAMED: usize = 8;

/// How long the goodbye may take to be acknowledged; closing must not hang on a peer that is gone.
const GOODBYE_WAIT: Duration = Duration::from_millis(200);

/// How often that is looked at: webrtc-rs has no event for it.
const GOODBYE_POLL: Duration = Duration::from_millis(2);

/// Tasks of one connection, which all end with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) tracker: TaskTracker,
    pub(crate) cancel: CancellationToken,
}

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move {
            cancel.run_until_cancelled(task).await;
        });
    }
}

/// What comes out of the data channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Lines and the goodbye can be sent.
    Open,
    Chat(String),
    Control(Control),
    /// The channel that carries the goodbye was closed.
    Closed,
}

/// The open channels of one connection; clones share them.
#[derive(Clone)]
pub(crate) struct Channels {
    open: Arc<Mutex<Open>>,
    /// What the peer was last told of our side. Held while that is sent, so that no older state can follow a newer one.
    told: Arc<AsyncMutex<Option<SideState>>>,
    said: mpsc::Sender<Said>,
    named: Named,
    tasks: Tasks,
}

/// The channels that the program named, and where they go when they are open.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) labels: Arc<[String]>,
    /// Whether there are any channels at all.
    pub(crate) data: bool,
    pub(crate) opened: mpsc::Sender<OwnChannel>,
}

#[derive(Default)]
struct Open {
    created: bool,
    attended: usize,
    chat: Option<Arc<dyn DataChannel>>,
    control: Option<Arc<dyn DataChannel>>,
    /// How our side stands, once the program has said.
    ours: Option<SideState>,
}

impl Open {
    /// Keeps an open channel for sending; the first of each kind is used. True once everything can be said: both
    /// channels are open, or a foreign peer's one.
    fn keep(&mut self, purpose: Use, channel: &Arc<dyn DataChannel>) -> bool {
        self.slot(purpose).get_or_insert_with(|| channel.clone());
        purpose == Use::Foreign || (self.chat.is_some() && self.control.is_some())
    }

    fn slot(&mut self, purpose: Use) -> &mut Option<Arc<dyn DataChannel>> {
        match purpose {
            Use::Chat | Use::Foreign => &mut self.chat,
            Use::Control => &mut self.control,
        }
    }
}

impl Channels {
    pub(crate) fn new(said: mpsc::Sender<Said>, named: Named, tasks: Tasks) -> Self {
        Self { open: Arc::default(), told: Arc::default(), said, named, tasks }
    }

    /// Creates all channels, the first time it is called; none where there is to be no data.
    pub(crate) async fn create(&self, connection: &dyn PeerConnection) -> Result<(), Error> {
        if std::mem::replace(&mut self.lock().created, true) {
            return Ok(());
        }
        if !self.named.data {
            return Ok(());
        }
        for label in [CHAT, CONTROL].into_iter().chain(self.named.labels.iter().map(String::as_str)) {
            // In order and reliable is the default.
            self.attend(connection.create_data_channel(label, None).await?);
        }
        Ok(())
    }

    /// Listens to a channel until it is closed. Those of a peer that opens very many are left alone.
    pub(crate) fn attend(&self, channel: Arc<dyn DataChannel>) {
        {
            let mut open = self.lock();
            if open.attended == MAX_CHANNELS {
                return debug!("a data channel too many is left alone");
            }
            open.attended += 1;
        }
        self.tasks.spawn(listen(self.clone(), channel));
    }

    /// Sends a line to the peer.
    pub(crate) async fn send_chat(&self, text: &str) -> Result<(), PeerError> {
        if text.len() > PeerError::MAX_MESSAGE {
            return Err(PeerError::MessageTooLong { limit: PeerError::MAX_MESSAGE });
        }
        let channel = self.lock().chat.clone().ok_or(PeerError::NoDataChannel)?;
        channel.try_send_text(text).await.map_err(|error| match error {
            Error::ErrSendBufferFull => PeerError::SendBufferFull,
            _ => PeerError::NoDataChannel,
        })
    }

    /// Lets the peer know how our side stands: now, or when the channel opens.
    pub(crate) async fn set_state(&self, state: SideState) {
        self.lock().ours = Some(state);
        self.tell_state().await;
    }

    /// Tells the newest state, unless the peer has it. Where there is no room for it now, the next call is in time.
    async fn tell_state(&self) {
        let mut told = self.told.lock().await;
        let (control, ours) = {
            let open = self.lock();
            (open.control.clone(), open.ours)
        };
        let (Some(control), Some(state)) = (control, ours) else { return };
        if *told != ours && control.try_send_text(&Control::State(state).text()).await.is_ok() {
            *told = ours;
        }
    }

    /// Says goodbye and waits until the peer has it, or [`GOODBYE_WAIT`].
    pub(crate) async fn send_goodbye(&self, reason: &str) {
        let Some(channel) = self.lock().control.clone() else { return };
        let sent = async {
            channel.try_send_text(&Control::Goodbye(Some(reason.into())).text()).await?;
            while channel.outstanding_bytes().await? > 0 {
                tokio::time::sleep(GOODBYE_POLL).await;
            }
            Ok::<_, Error>(())
        };
        match tokio::time::timeout(GOODBYE_WAIT, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!("the goodbye was not sent: {error}"),
            Err(_) => debug!("the peer did not acknowledge the goodbye in time"),
        }
    }

    /// Lets go of the channels, which hold the connection.
    pub(crate) fn clear(&self) {
        let mut open = self.lock();
        (open.chat, open.control) = (None, None);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a channel is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Chat,
    Control,
    /// A foreign peer's: chat, and the only sign of its leaving.
    Foreign,
}

async fn listen(channels: Channels, channel: Arc<dyn DataChannel>) {
    let mut purpose = Use::Foreign;
    while let Some(event) = channel.poll().await {
        let said = match event {
            DataChannelEvent::OnOpen => {
                purpose = match channel.label().await {
                    Ok(label) if label == CHAT => Use::Chat,
                    Ok(label) if label == CONTROL => Use::Control,
                    Ok(label) if channels.named.labels.contains(&label) => {
                        // From here on the program reads it. Where it has enough of them, this one goes.
                        let _ = channels.named.opened.try_send(OwnChannel::new(label, channel));
                        return;
                    }
                    _ => Use::Foreign,
                };
                let everything = channels.lock().keep(purpose, &channel);
                channels.tell_state().await;
                everything.then_some(Said::Open)
            }
            DataChannelEvent::OnMessage(message) if message.is_string => understand(purpose, &message.data),
            DataChannelEvent::OnClose => break,
            _ => None,
        };
        if let Some(said) = said
            && channels.said.send(said).await.is_err()
        {
            return;
        }
    }
    channels.lock().slot(purpose).take_if(|open| open.id() == channel.id());
    if purpose != Use::Chat {
        let _ = channels.said.send(Said::Closed).await;
    }
}

fn understand(purpose: Use, message: &[u8]) -> Option<Said> {
    match purpose {
        Use::Control => Control::parse(message).map(Said::Control),
        Use::Chat | Use::Foreign => Some(Said::Chat(String::from_utf8_lossy(message).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_control_channel_speaks_json_and_all_others_are_chat() {
        let state = br#"{"type":"state","microphone":true,"camera":false}"#;
        let understood = SideState { microphone: Some(true), camera: Some(false) };
        assert_eq!(understand(Use::Control, state), Some(Said::Control(Control::State(understood))));
        assert_eq!(understand(Use::Control, b"hello"), None);
        assert_eq!(understand(Use::Foreign, b"{}"), Some(Said::Chat("{}".into())));
        assert_eq!(understand(Use::Chat, b"\xff"), Some(Said::Chat("\u{fffd}".into())));
    }
}
