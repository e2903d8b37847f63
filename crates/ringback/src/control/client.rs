//! One program at the control socket: its requests in, answers, events and states out.
//! It is never waited for by the call: one that reads too slowly misses states, then is cut off.

use std::io;
use std::time::Duration;

use call_engine::devices::{DeviceList, list_cameras, list_microphones, list_speakers};
use call_engine::{Command, Event};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::lines::Lines;
use super::message::{self, Subscription, Wish};
use super::server::OnCall;
use super::told;
use crate::{devices, terminal};

/// A program that takes a line no sooner than this has stopped reading.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// What a program is told of: all ends that concern it.
pub(crate) struct Ends {
    /// The call that there is, if any.
    pub(crate) calls: watch::Receiver<Option<OnCall>>,
    /// What happens in it.
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
    let on_call = ends.calls.borrow().clone();
    let mut client =
        Client { writer, calls: ends.calls, events: ends.events, on_call, subscription: None, device_list: None };
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
            changed = client.calls.changed() => {
                // The server holds the other end until it closes.
                if changed.is_err() {
                    return client.last_words().await;
                }
                client.on_call = client.calls.borrow_and_update().clone();
                is_due = true;
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
    calls: watch::Receiver<Option<OnCall>>,
    events: broadcast::Receiver<Event>,
    on_call: Option<OnCall>,
    subscription: Option<Subscription>,
    device_list: Option<watch::Receiver<DeviceList>>,
}

impl<W: AsyncWrite + Unpin> Client<W> {
    async fn tell(&mut self, told: &Value) -> io::Result<()> {
        let line = format!("{told}\n");
        let written = tokio::time::timeout(WRITE_WITHIN, self.writer.write_all(line.as_bytes())).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn asked(&mut self, line: &[u8]) -> io::Result<()> {
        let asked = message::read(line);
        let result = match asked.wish {
            Ok(wish) => self.grant(wish).await,
            Err(error) => Err(error.to_string()),
        };
        self.tell(&told::answer(asked.id, result)).await
    }

    async fn grant(&mut self, wish: Wish) -> Result<Value, String> {
        match wish {
            Wish::Do(commands) => self.command(commands).await,
            Wish::Say(text) => {
                self.command(terminal::cut(&text).map(|part| Command::SendChat(part.to_owned())).collect()).await
            }
            Wish::Snapshot => self.on_call()?.state(),
            Wish::Levels => Ok(told::levels(&self.on_call()?.levels)),
            Wish::Devices => tokio::task::spawn_blocking(listed).await.map_err(|error| error.to_string())?,
            Wish::Subscribe(subscription) => {
                // What happened before is in the state that the answer holds.
                self.events = self.events.resubscribe();
                self.subscription = Some(subscription);
                self.device_list = subscription.devices.then(call_engine::devices::watch);
                match &self.on_call {
                    Some(on_call) => on_call.state(),
                    None => Ok(json!({ "snapshot": null })),
                }
            }
            Wish::Unsubscribe => {
                (self.subscription, self.device_list) = (None, None);
                Ok(json!({}))
            }
        }
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

    async fn levels(&mut self) -> io::Result<()> {
        match self.on_call.as_ref().map(|on_call| told::levels(&on_call.levels)) {
            Some(levels) => self.tell(&levels).await,
            None => Ok(()),
        }
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
mod tests {
    use super::*;
    use call_engine::{Levels, Phase, RoomId, Snapshot};
    use std::sync::Arc;
    use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};
    use tokio::sync::mpsc;

    /// A program at one end, and the call at the other.
    struct Stage {
        say: WriteHalf<DuplexStream>,
        hear: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
        commands: mpsc::Receiver<Command>,
        events: broadcast::Sender<Event>,
        snapshot: watch::Sender<Snapshot>,
        closing: CancellationToken,
        _calls: watch::Sender<Option<OnCall>>,
    }

    impl Stage {
        fn set(buffer: usize) -> Self {
            let (theirs, ours) = tokio::io::duplex(buffer);
            let (events, event_queue) = broadcast::channel(16);
            let (sender, commands) = mpsc::channel(64);
            let (snapshot, watched) = watch::channel(Snapshot::default());
            let room = RoomId::new("stage").expect("a room");
            let on_call = OnCall { room, commands: sender, snapshot: watched, levels: Arc::new(Levels::default()) };
            let (calls, watched) = watch::channel(Some(on_call));
            let closing = CancellationToken::new();
            let ends = Ends { calls: watched, events: event_queue, closing: closing.clone() };
            let (reader, writer) = tokio::io::split(ours);
            tokio::spawn(serve(reader, writer, ends));
            let (hear, say) = tokio::io::split(theirs);
            Self { say, hear: BufReader::new(hear).lines(), commands, events, snapshot, closing, _calls: calls }
        }

        async fn say(&mut self, line: &str) {
            self.say.write_all(format!("{line}\n").as_bytes()).await.expect("there");
        }

        async fn hear(&mut self) -> Value {
            let line = self.hear.next_line().await.expect("there").expect("a line");
            serde_json::from_str(&line).expect("JSON")
        }
    }

    #[tokio::test]
    async fn a_program_asks_is_answered_and_told() {
        let mut stage = Stage::set(64 * 1024);
        assert_eq!(stage.hear().await["hello"]["program"], "ringback");
        stage.say(r#"{"id":1,"do":"subscribe","snapshots":false}"#).await;
        let answer = stage.hear().await;
        assert_eq!(
            (&answer["id"], &answer["ok"], &answer["snapshot"]["room"]),
            (&json!(1), &json!(true), &json!("stage"))
        );
        for line in ["{", r#"{"id":2,"do":"dance"}"#] {
            stage.say(line).await;
            assert!(stage.hear().await["error"].is_string(), "{line}");
        }
        stage.say(r#"{"id":3,"do":"accept_without_camera"}"#).await;
        assert_eq!(stage.hear().await, json!({ "id": 3, "ok": true }));
        assert_eq!(stage.commands.recv().await, Some(Command::SetCameraOn(false)));
        assert_eq!(stage.commands.recv().await, Some(Command::Accept));
        stage.events.send(Event::Phase(Phase::Connected)).expect("heard");
        assert_eq!(stage.hear().await, json!({ "event": "phase", "phase": "connected" }));
        stage.say(r#"{"do":"unsubscribe"}"#).await;
        assert_eq!(stage.hear().await, json!({ "ok": true }));
        stage.events.send(Event::Info("unheard".into())).expect("sent");
        stage.commands.close();
        while stage.commands.recv().await.is_some() {}
        stage.say(r#"{"id":4,"do":"hang_up"}"#).await;
        assert_eq!(stage.hear().await, json!({ "id": 4, "error": "the call is over" }));
    }

    #[tokio::test]
    async fn a_long_text_goes_out_in_pieces_that_the_channel_takes() {
        let mut stage = Stage::set(64 * 1024);
        stage.hear().await;
        let text = "ä".repeat(5000);
        stage.say(&json!({ "do": "chat", "text": text }).to_string()).await;
        assert_eq!(stage.hear().await, json!({ "ok": true }));
        let mut said = String::new();
        while said.len() < text.len() {
            match stage.commands.recv().await {
                Some(Command::SendChat(part)) => said += &part,
                other => panic!("{other:?} is no chat"),
            }
        }
        assert_eq!(said, text);
    }

    #[tokio::test]
    async fn the_last_events_and_the_last_state_are_heard_at_the_end() {
        let mut stage = Stage::set(64 * 1024);
        stage.hear().await;
        stage.say(r#"{"do":"subscribe","a_second":1}"#).await;
        stage.hear().await;
        stage.events.send(Event::Info("one".into())).expect("heard");
        stage.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Ended);
        stage.closing.cancel();
        assert_eq!(stage.hear().await["text"], "one");
        assert_eq!(stage.hear().await["snapshot"]["phase"], "ended");
        assert!(stage.hear.next_line().await.expect("an orderly end").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn states_come_no_more_often_than_asked_for_and_the_last_one_always() {
        let mut stage = Stage::set(64 * 1024);
        stage.hear().await;
        stage.say(r#"{"do":"subscribe","a_second":10}"#).await;
        stage.hear().await;
        let start = Instant::now();
        for messages in 1..=500 {
            stage.snapshot.send_modify(|snapshot| snapshot.figures.data.messages_sent = messages);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut count = 0;
        while stage.hear().await["snapshot"]["figures"]["data"]["messages_sent"] != 500 {
            count += 1;
        }
        assert!((5..=11).contains(&count), "{count} states in {:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_cut_off_and_misses_no_event_unawares() {
        let mut stage = Stage::set(256);
        stage.hear().await;
        stage.say(r#"{"do":"subscribe","snapshots":false}"#).await;
        stage.hear().await;
        // It writes the first of them and waits for us; the queue holds sixteen.
        for number in 0..100 {
            stage.events.send(Event::Info(number.to_string())).expect("heard");
        }
        let mut last = json!(null);
        while let Ok(Some(line)) = stage.hear.next_line().await {
            last = serde_json::from_str(&line).expect("JSON");
        }
        assert!(last["error"].as_str().is_some_and(|error| error.starts_with("events were lost")), "{last}");
    }
}
