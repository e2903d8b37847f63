//! One program at the control socket: its requests in, answers, events and states out.
//! It is never waited for by the call: one that reads too slowly misses states, then is cut off.

use std::io;
use std::time::Duration;

use call_engine::devices::{DeviceList, list_cameras, list_microphones, list_speakers};
use call_engine::{Command, Event};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use control_codec::{Subscription, Wish};

use super::errand::{Ask, CallErrand, Errand, Media, Order, spelled};
use super::lines::Lines;
use super::server::{OnCall, Views};
use super::told;
use crate::face::{ByHand, PageName, Step, words};
use crate::{devices, terminal};

/// A program that takes a line no sooner than this has stopped reading.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// What a program is told of: all ends that concern it.
pub(crate) struct Ends {
    /// What there is to look at.
    pub(super) views: Views,
    /// Where errands go.
    pub(crate) asks: mpsc::Sender<Ask>,
    /// What happens in a call.
    pub(crate) events: broadcast::Receiver<Event>,
    /// This program's end.
    pub(crate) closing: CancellationToken,
}

/// Serves one program until it leaves, is cut off, or this program ends.
///
/// # Errors
/// When it went away or reads no more; nobody needs to be told.
pub(crate) async fn serve<R, W>(reader: R, writer: W, ends: Ends) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let on_call = ends.views.calls.borrow().clone();
    let mut client = Client {
        writer,
        views: ends.views,
        asks: ends.asks,
        events: ends.events,
        on_call: None,
        steps: None,
        subscription: None,
        device_list: None,
    };
    client.take(on_call);
    client.tell(&told::hello()).await?;
    let mut lines = Lines::new(reader);
    // When the next state may be told, and whether there is one.
    let (mut next, mut is_due) = (Instant::now(), false);
    let mut levels = ticks(Duration::from_secs(1));
    loop {
        let wants = client.subscription;
        let wants_states = wants.is_some_and(|wants| wants.snapshots);
        tokio::select! {
            biased;
            () = ends.closing.cancelled() => return client.last_words().await,
            event = client.events.recv(), if wants.is_some_and(|wants| wants.events) => client.event(event).await?,
            line = lines.next() => {
                let Some(line) = line? else { return Ok(()) };
                client.asked(&line).await?;
                if let Some(now) = client.subscription && wants != client.subscription {
                    levels = ticks(interval(now));
                }
            }
            changed = client.views.calls.changed() => {
                // The server holds the other end until it closes.
                if changed.is_err() {
                    return client.last_words().await;
                }
                let is_left = |on_call: &OnCall| is_due || on_call.snapshot.has_changed().unwrap_or(true);
                if wants_states && client.on_call.as_ref().is_some_and(is_left) {
                    // The last state of a call is always told.
                    client.state().await?;
                }
                let on_call = client.views.calls.borrow_and_update().clone();
                client.take(on_call);
                is_due = true;
            }
            Ok(()) = client.views.page.changed(), if wants.is_some_and(|wants| wants.pages) => client.page().await?,
            step = step_changed(client.steps.as_mut()), if wants.is_some_and(|wants| wants.events) => {
                client.tell(&told::line(&step)).await?;
            }
            () = state_changed(client.on_call.as_mut()), if wants_states && !is_due => is_due = true,
            () = tokio::time::sleep_until(next), if wants_states && is_due => {
                is_due = false;
                next = Instant::now() + wants.map_or(WRITE_WITHIN, interval);
                client.state().await?;
            }
            _ = levels.tick(), if wants.is_some_and(|wants| wants.levels) => client.levels().await?,
            list = devices_changed(client.device_list.as_mut()) => {
                client.tell(&json!({ "devices": devices::as_json(&list) })).await?;
            }
        }
    }
}

struct Client<W> {
    writer: W,
    views: Views,
    asks: mpsc::Sender<Ask>,
    events: broadcast::Receiver<Event>,
    on_call: Option<OnCall>,
    steps: Option<watch::Receiver<Step>>,
    subscription: Option<Subscription>,
    device_list: Option<watch::Receiver<DeviceList>>,
}

impl<W: AsyncWrite + Unpin> Client<W> {
    async fn tell(&mut self, told: &Value) -> io::Result<()> {
        let line = format!("{told}\n");
        let written = tokio::time::timeout(WRITE_WITHIN, self.writer.write_all(line.as_bytes())).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Follows this call from now on.
    fn take(&mut self, on_call: Option<OnCall>) {
        self.steps = on_call.as_ref().and_then(|on_call| on_call.by_hand.as_ref()).map(ByHand::steps);
        if let Some(steps) = &mut self.steps
            && *steps.borrow() != Step::Preparing
        {
            // The first line was made before anybody looked.
            steps.mark_changed();
        }
        self.on_call = on_call;
    }

    async fn asked(&mut self, line: &[u8]) -> io::Result<()> {
        let asked = control_codec::read(line);
        let result = match asked.wish {
            Ok(wish) => self.grant(wish).await,
            Err(error) => Err(error.to_string()),
        };
        self.tell(&told::answer(asked.id, result)).await
    }

    async fn grant(&mut self, wish: Wish) -> Result<Value, String> {
        match wish {
            Wish::Accept => self.command(vec![Command::Accept]).await,
            Wish::AcceptWithoutCamera => self.command(vec![Command::SetCameraOn(false), Command::Accept]).await,
            Wish::Decline => self.command(vec![Command::Decline]).await,
            Wish::HangUp if self.is_at(PageName::Placing) => self.errand(Errand::GiveUp).await,
            Wish::HangUp => self.command(vec![Command::HangUp]).await,
            Wish::Microphone(on) => self.command(vec![Command::SetMicrophoneOn(on)]).await,
            Wish::Camera(on) => self.command(vec![Command::SetCameraOn(on)]).await,
            Wish::VideoSource(source) => self.command(vec![Command::SetVideoSource(spelled(&source)?)]).await,
            Wish::AudioSource(source) => self.command(vec![Command::SetAudioSource(spelled(&source)?)]).await,
            Wish::AudioSink(sink) => self.command(vec![Command::SetAudioSink(spelled(&sink)?)]).await,
            Wish::Chat(text) => {
                self.command(terminal::cut(&text).map(|part| Command::SendChat(part.to_owned())).collect()).await
            }
            Wish::Line => Ok(told::line(&self.step_now())),
            Wish::Paste(text) => {
                let by_hand = self.on_call()?.by_hand.as_ref().ok_or(words::NO_LINE_AWAITED)?;
                by_hand.paste(&text).map(|()| json!({}))
            }
            Wish::Snapshot => self.on_call()?.state(),
            Wish::Levels => self.levels_now().ok_or_else(|| "there is no call yet, and no preview".to_owned()),
            Wish::Invitation => Ok(told::invitation(self.on_call()?.invitation.as_ref())),
            Wish::Page => Ok(told::page(&self.views.page.borrow())),
            Wish::Devices => tokio::task::spawn_blocking(listed).await.map_err(|error| error.to_string())?,
            Wish::Rooms => self.errand(Errand::Rooms).await,
            Wish::Call(call) => self.errand(Errand::Call(Box::new(CallErrand::read(*call)?))).await,
            Wish::CallAgain => self.errand(Errand::CallAgain).await,
            Wish::StartPage => self.errand(Errand::StartPage).await,
            Wish::Preview(media) => self.errand(Errand::Preview(media.map(Media::read).transpose()?)).await,
            Wish::TestSound(sink) => self.errand(Errand::TestSound(sink.as_deref().map(spelled).transpose()?)).await,
            Wish::FullScreen(on) => self.window(Order::FullScreen(on)).await,
            Wish::Panel { panel, on } => self.window(Order::Panel(panel, on)).await,
            Wish::Swap => self.window(Order::Swap).await,
            Wish::Theme(theme) => self.window(Order::Theme(theme)).await,
            Wish::Raise => self.window(Order::Raise).await,
            // A program for one call ends with it.
            Wish::Quit if self.asks.is_closed() => self.command(vec![Command::HangUp]).await,
            Wish::Quit => self.errand(Errand::Quit).await,
            Wish::Subscribe(subscription) => Ok(self.subscribe(subscription)),
            Wish::Unsubscribe => {
                (self.subscription, self.device_list) = (None, None);
                Ok(json!({}))
            }
        }
    }

    fn subscribe(&mut self, subscription: Subscription) -> Value {
        // What happened before is in the state that the answer holds.
        self.events = self.events.resubscribe();
        self.subscription = Some(subscription);
        self.device_list = subscription.devices.then(call_engine::devices::watch);
        let state = self.on_call.as_ref().and_then(|on_call| on_call.state().ok());
        let mut answer = state.unwrap_or_else(|| json!({ "snapshot": null }));
        answer["page"] = told::page(&self.views.page.borrow_and_update())["page"].take();
        answer["line"] = told::line(&self.step_now())["line"].take();
        answer
    }

    /// How far the lines of a call by hand are; it counts as told.
    fn step_now(&mut self) -> Step {
        self.steps.as_mut().map(|steps| steps.borrow_and_update().clone()).unwrap_or_default()
    }

    fn is_at(&self, page: PageName) -> bool {
        self.views.page.borrow().name == page
    }

    async fn window(&self, order: Order) -> Result<Value, String> {
        self.errand(Errand::Window(order)).await
    }

    /// Has whoever places calls do this.
    async fn errand(&self, errand: Errand) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        let nobody = "this program was started for one call: start it without a room";
        self.asks.send(Ask { errand, answer }).await.map_err(|_| nobody)?;
        answered.await.unwrap_or_else(|_| Err("the program ends".to_owned()))
    }

    async fn command(&self, commands: Vec<Command>) -> Result<Value, String> {
        let on_call = self.on_call()?;
        for command in commands {
            // The queue is short and the call empties it at once; only an ended call does not.
            on_call.commands.send(command).await.map_err(|_| "the call is over".to_owned())?;
        }
        Ok(json!({}))
    }

    fn on_call(&self) -> Result<&OnCall, String> {
        self.on_call.as_ref().ok_or_else(|| "there is no call yet".to_owned())
    }

    async fn event(&mut self, event: Result<Event, RecvError>) -> io::Result<()> {
        match event {
            Ok(event) => self.tell(&told::event(&event)).await,
            Err(RecvError::Lagged(_)) => {
                self.tell(&json!({ "error": "events were lost: read faster, or subscribe with `events` false" }))
                    .await?;
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(RecvError::Closed) => self.last_words().await.and(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    async fn state(&mut self) -> io::Result<()> {
        match self.on_call.as_ref().map(OnCall::state) {
            Some(Ok(state)) => self.tell(&state).await,
            _ => Ok(()),
        }
    }

    async fn page(&mut self) -> io::Result<()> {
        let page = told::page(&self.views.page.borrow_and_update());
        self.tell(&page).await
    }

    async fn levels(&mut self) -> io::Result<()> {
        match self.levels_now() {
            Some(levels) => self.tell(&levels).await,
            None => Ok(()),
        }
    }

    /// How loud it is in the call, or else in the preview.
    fn levels_now(&self) -> Option<Value> {
        let preview = self.views.listened.levels();
        let is_over = self.is_at(PageName::Start) || self.is_at(PageName::Ended);
        let call = self.on_call.as_ref().filter(|_| preview.is_none() || !is_over);
        preview.filter(|_| call.is_none()).or(call.map(|on_call| on_call.levels.clone())).as_deref().map(told::levels)
    }

    /// What is still to be told when this program ends: the events that wait, and the last state.
    async fn last_words(&mut self) -> io::Result<()> {
        let Some(subscription) = self.subscription else { return self.writer.shutdown().await };
        while subscription.events
            && let Ok(event) = self.events.try_recv()
        {
            self.tell(&told::event(&event)).await?;
        }
        if subscription.snapshots {
            self.state().await?;
        }
        if subscription.pages && self.views.page.has_changed().unwrap_or(true) {
            self.page().await?;
        }
        self.writer.shutdown().await
    }
}

fn interval(subscription: Subscription) -> Duration {
    Duration::from_secs(1) / u32::try_from(subscription.a_second).unwrap_or(1).max(1)
}

/// What was missed while the program read slowly is not made up for.
fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Lists the devices; blocks, for up to some seconds where the sound system is slow.
fn listed() -> Result<Value, String> {
    let list = DeviceList {
        cameras: list_cameras(),
        microphones: list_microphones().map_err(|error| error.to_string())?,
        speakers: list_speakers().map_err(|error| error.to_string())?,
    };
    Ok(json!({ "devices": devices::as_json(&list) }))
}

/// A new state; never, where there is no call or it is over.
async fn state_changed(on_call: Option<&mut OnCall>) {
    if let Some(on_call) = on_call
        && on_call.snapshot.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// The next step of a call by hand.
async fn step_changed(steps: Option<&mut watch::Receiver<Step>>) -> Step {
    if let Some(steps) = steps
        && steps.changed().await.is_ok()
    {
        return steps.borrow_and_update().clone();
    }
    std::future::pending().await
}

/// The devices, when one came or went.
async fn devices_changed(list: Option<&mut watch::Receiver<DeviceList>>) -> DeviceList {
    if let Some(list) = list
        && list.changed().await.is_ok()
    {
        return list.borrow_and_update().clone();
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests;
