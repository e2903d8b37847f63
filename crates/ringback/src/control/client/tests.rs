//! One program at the socket, with a call of plain data behind it.
//! What it is told, what it is answered, and how it is cut off.

use super::*;
use crate::face::Page;
use crate::window::Listened;
use call_engine::{Levels, Phase, RoomId, Snapshot};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};

/// A program at one end, and the call at the other.
struct Stage {
    say: WriteHalf<DuplexStream>,
    hear: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<Event>,
    snapshot: watch::Sender<Snapshot>,
    asks: mpsc::Receiver<Ask>,
    page: watch::Sender<Page>,
    calls: watch::Sender<Option<OnCall>>,
    closing: CancellationToken,
}

fn on_call(commands: mpsc::Sender<Command>) -> (watch::Sender<Snapshot>, OnCall) {
    let (snapshot, watched) = watch::channel(Snapshot::default());
    let room = RoomId::new("stage").expect("a room");
    let levels = Arc::new(Levels::default());
    (snapshot, OnCall { room, commands, snapshot: watched, levels, invitation: None, by_hand: None })
}

impl Stage {
    fn set(buffer: usize) -> Self {
        let (theirs, ours) = tokio::io::duplex(buffer);
        let (events, event_queue) = broadcast::channel(16);
        let (sender, commands) = mpsc::channel(64);
        let (snapshot, on_call) = on_call(sender);
        let (calls, watched) = watch::channel(Some(on_call));
        let (page, seen) = watch::channel(Page::default());
        let (asked, asks) = mpsc::channel(1);
        let closing = CancellationToken::new();
        let views = Views { calls: watched, page: seen, listened: Listened::default() };
        let ends = Ends { views, asks: asked, events: event_queue, closing: closing.clone() };
        let (reader, writer) = tokio::io::split(ours);
        tokio::spawn(serve(reader, writer, ends));
        let (hear, say) = tokio::io::split(theirs);
        Self { say, hear: BufReader::new(hear).lines(), commands, events, snapshot, asks, page, calls, closing }
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
    assert_eq!((&answer["id"], &answer["ok"], &answer["snapshot"]["room"]), (&json!(1), &json!(true), &json!("stage")));
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

#[tokio::test]
async fn what_is_no_command_for_the_call_is_asked_of_whoever_places_calls() {
    let mut stage = Stage::set(64 * 1024);
    stage.hear().await;
    stage.say(r#"{"id":1,"do":"full_screen","on":true}"#).await;
    let asked = stage.asks.recv().await.expect("asked");
    assert_eq!(asked.errand, Errand::Window(Order::FullScreen(true)));
    asked.answer.send(Err("there is no window".into())).expect("awaited");
    assert_eq!(stage.hear().await, json!({ "id": 1, "error": "there is no window" }));

    stage.page.send_modify(|page| page.turn(PageName::Placing, Some("stage".into())));
    stage.say(r#"{"id":2,"do":"hang_up"}"#).await;
    let asked = stage.asks.recv().await.expect("asked");
    assert_eq!(asked.errand, Errand::GiveUp, "no call is there to hang up");
    asked.answer.send(Ok(json!({}))).expect("awaited");
    assert_eq!(stage.hear().await, json!({ "id": 2, "ok": true }));

    stage.asks.close();
    stage.say(r#"{"id":3,"do":"call_again"}"#).await;
    assert!(stage.hear().await["error"].as_str().is_some_and(|error| error.contains("for one call")));
    stage.say(r#"{"id":4,"do":"quit"}"#).await;
    assert_eq!(stage.hear().await["ok"], true);
    assert_eq!(stage.commands.recv().await, Some(Command::HangUp));
}

#[tokio::test]
async fn the_last_state_of_a_call_is_told_before_the_first_of_the_next() {
    let mut stage = Stage::set(64 * 1024);
    stage.hear().await;
    stage.say(r#"{"do":"subscribe","a_second":1}"#).await;
    stage.hear().await;
    stage.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Waiting);
    assert_eq!(stage.hear().await["snapshot"]["phase"], "waiting");
    stage.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Ended);
    let (_next, on_call) = on_call(mpsc::channel(1).0);
    stage.calls.send_replace(Some(on_call));
    assert_eq!(stage.hear().await["snapshot"]["phase"], "ended", "a second has not passed");
    assert_eq!(stage.hear().await["snapshot"]["phase"], "joining");
    stage.page.send_modify(|page| page.turn(PageName::Call, Some("stage".into())));
    assert_eq!(stage.hear().await["page"]["name"], "call");
}
