//! A call as lines of text: what happens goes to standard error, the peer's chat to standard output.
//! On a terminal a status line is drawn anew each second; elsewhere it is printed as a line of its own.

use std::collections::VecDeque;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use call_engine::{Call, Command, Event, Outcome, PeerState, Phase, Snapshot};
use tokio::sync::{mpsc, watch};

use crate::cli::CallArgs;

/// The longest chat line that is sent; longer ones are cut into several messages.
const LINE_BYTES: usize = 4096;

/// Lines that wait for the terminal; older ones give way.
const MOST_HELD: usize = 100;

/// How often the status line changes.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// One line that something is wrong, on standard error.
pub(crate) fn error(text: &str) {
    line(&format!("error: {text}"));
}

/// One line that something deserves a look, on standard error.
pub(crate) fn warn(text: &str) {
    line(&format!("warning: {text}"));
}

/// One line on standard error. A terminal that went away is no reason to end a call.
pub(crate) fn line(text: &str) {
    if waits(text) {
        return;
    }
    let mut stderr = std::io::stderr().lock();
    // The status line is overwritten, not appended to.
    let clear = if stderr.is_terminal() { "\r\x1b[K" } else { "" };
    let _ = writeln!(stderr, "{clear}{}", printable(text));
}

/// From now on the terminal belongs to something else: lines wait until [`release`].
pub(crate) fn hold() {
    held().get_or_insert_default();
}

/// The terminal is ours again: the lines that waited are printed.
pub(crate) fn release() {
    let waited = held().take();
    waited.into_iter().flatten().for_each(|text| line(&text));
}

/// Where the log goes: to standard error, and after the other lines while those wait.
pub(crate) fn log() -> impl std::io::Write {
    LogLine
}

struct LogLine;

impl std::io::Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if waits(String::from_utf8_lossy(bytes).trim_end()) {
            return Ok(bytes.len());
        }
        std::io::stderr().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Keeps a line back while lines wait; false where it is to be printed now, as it is into a file.
fn waits(text: &str) -> bool {
    if !std::io::stderr().is_terminal() {
        return false;
    }
    match &mut *held() {
        Some(held) => {
            if held.len() == MOST_HELD {
                held.pop_front();
            }
            held.push_back(text.to_owned());
            true
        }
        None => false,
    }
}

fn held() -> std::sync::MutexGuard<'static, Option<VecDeque<String>>> {
    static HELD: Mutex<Option<VecDeque<String>>> = Mutex::new(None);
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One or more lines on standard output, for what the person asked for.
pub(crate) fn output(text: &str) {
    let mut stdout = std::io::stdout().lock();
    for line in text.lines() {
        // Nobody reads any more: there is nothing left to do well.
        let _ = writeln!(stdout, "{}", printable(line));
    }
}

/// What strangers send must not steer the terminal: characters that do, or that reorder what is beside them (UAX #9), are
/// shown as their escapes.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// Shows the call until it ends.
pub(crate) async fn show(call: &mut Call, args: &CallArgs) {
    let mut snapshot = call.snapshot();
    let mut peer = PeerState::default();
    let mut status = tokio::time::interval(STATUS_INTERVAL);
    status.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut before, mut broken) = (None, false);
    loop {
        tokio::select! {
            event = call.event() => match event {
                Some(Event::Phase(Phase::Connected)) if std::mem::take(&mut broken) => line("* connected again"),
                Some(event) => {
                    broken |= matches!(event, Event::Phase(Phase::Reconnecting));
                    show_event(&event, args.chat);
                    if event == Event::Phase(Phase::Ringing) {
                        ask();
                    }
                }
                None => return,
            },
            Ok(()) = snapshot.changed() => {
                let now = snapshot.borrow_and_update().peer;
                changes(std::mem::replace(&mut peer, now), now).for_each(|text| line(&format!("* {text}")));
            }
            _ = status.tick() => {
                let now = snapshot.borrow().clone();
                if now.phase == Phase::Connected
                    && let Some(before) = before.replace(now.clone())
                    && before.measured_at < now.measured_at
                {
                    show_status(&before, &now);
                }
            }
        }
    }
}

/// One event of a call as a line.
pub(crate) fn show_event(event: &Event, chat: bool) {
    match event {
        Event::Phase(phase) => line(&format!("* {}", self::phase(*phase))),
        Event::Info(text) => line(&format!("  {text}")),
        Event::Problem(text) => warn(text),
        Event::Chat(text) if chat => {
            let mut stdout = std::io::stdout().lock();
            let _ = writeln!(stdout, "{}", printable(text)).and_then(|()| stdout.flush());
        }
        Event::Chat(text) => line(&format!("  the peer says: {text}")),
        Event::Ended(reason) => line(&format!("* ended: {reason}")),
    }
}

/// A phase in words.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "joining the room",
        Phase::Waiting => "waiting for the peer",
        Phase::Ringing => "somebody calls",
        Phase::Negotiating => "the peer is here: connecting",
        Phase::Connected => "connected",
        Phase::Reconnecting => "the connection is broken: trying to restore it",
        Phase::Ending => "ending",
        Phase::Ended => "over",
    }
}

/// What the peer has changed on its side, in words. Nothing is said of what has always been on.
fn changes(before: PeerState, now: PeerState) -> impl Iterator<Item = &'static str> {
    let change = |before: Option<bool>, now: Option<bool>, off, on| match (before, now) {
        (None | Some(true), Some(false)) => Some(off),
        (Some(false), Some(true)) => Some(on),
        _ => None,
    };
    let microphone =
        change(before.microphone_on, now.microphone_on, "the peer is muted", "the peer is no longer muted");
    let camera = change(before.camera_on, now.camera_on, "the peer's camera is off", "the peer's camera is on again");
    [microphone, camera].into_iter().flatten()
}

fn show_status(before: &Snapshot, now: &Snapshot) {
    let text = status(before, now);
    let mut stderr = std::io::stderr().lock();
    let _ = if stderr.is_terminal() {
        write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush())
    } else {
        writeln!(stderr, "{text}")
    };
}

/// What moved per second between two snapshots.
fn status(before: &Snapshot, now: &Snapshot) -> String {
    let (old, new) = (&before.figures, &now.figures);
    let seconds = now.measured_at.saturating_duration_since(before.measured_at).as_secs_f64().max(0.001);
    let rate = |old: Option<u64>, new: Option<u64>| new.unwrap_or(0).saturating_sub(old.unwrap_or(0)) as f64 / seconds;
    let size = new.video_received.size.map_or("no picture".to_string(), |size| size.to_string());
    let path = new.path.in_words().unwrap_or("?".into());
    let rtt = new.path.rtt.map_or(String::new(), |rtt| format!(" {:.0} ms", rtt.as_secs_f64() * 1e3));
    format!(
        "  {path}{rtt} | sent {:.0} pictures/s, {:.0} kbit/s, {:.0} sound packets/s \
         | received {:.0} pictures/s ({size}), {:.0} sound packets/s, {} freezes",
        rate(old.video_sent.frames, new.video_sent.frames),
        rate(old.video_sent.bytes, new.video_sent.bytes) * 8e-3,
        rate(old.audio_sent.packets, new.audio_sent.packets),
        rate(old.video_received.frames_decoded, new.video_received.frames_decoded),
        rate(old.audio_received.packets, new.audio_received.packets),
        new.video_received.freezes.unwrap_or(0),
    )
}

/// The main figures at the end of a call.
pub(crate) fn summary(outcome: &Outcome, exit_code: u8) {
    if !outcome.connected {
        if exit_code != 0 {
            error(&outcome.end.to_string());
        }
        return;
    }
    let figures = &outcome.figures;
    let (video, audio) = (&figures.video_received, &figures.audio_received);
    let shown = |value: Option<String>| value.unwrap_or("not measured".into());
    line(&format!(
        "  path {} to {}, first picture {} after the offer, {} pictures decoded, {} freezes, {} of the sound concealed",
        figures.path.in_words().unwrap_or("?".into()),
        figures.path.remote_type.as_deref().unwrap_or("?"),
        shown(
            figures
                .milestones
                .first_video_decoded
                .zip(figures.milestones.offer)
                .map(|(decoded, offer)| format!("{} ms", decoded.saturating_sub(offer).as_millis()))
        ),
        shown(video.frames_decoded.map(|frames| frames.to_string())),
        shown(video.freezes.map(|freezes| freezes.to_string())),
        shown(audio.concealed_ratio.map(|ratio| format!("{:.2} %", ratio * 100.0))),
    ));
}

/// Takes the lines of standard input, from a thread of its own: reading blocks, and cannot be cancelled. While a call rings they
/// say whether it is taken; else they are for the peer, with `chat`.
pub(crate) fn lines_from_stdin(commands: mpsc::Sender<Command>, snapshot: watch::Receiver<Snapshot>, chat: bool) {
    let spawned = std::thread::Builder::new().name("lines".into()).spawn(move || {
        for text in std::io::stdin().lock().lines().map_while(Result::ok) {
            let ringing = snapshot.borrow().phase == Phase::Ringing;
            let heard = match (ringing, answer(&text)) {
                (true, Some(command)) => commands.blocking_send(command).is_ok(),
                (true, None) => {
                    ask();
                    true
                }
                (false, _) => !chat || send_chat(&commands, &text),
            };
            if !heard {
                return;
            }
        }
    });
    if spawned.is_err() {
        warn("nothing that is typed is read: no thread could be started for it");
    }
}

/// Asks whether the call that rings is taken.
fn ask() {
    line("  accept? [Y/n]");
}

/// What the person says to it.
fn answer(text: &str) -> Option<Command> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "y" | "yes" => Some(Command::Accept),
        "n" | "no" => Some(Command::Decline),
        _ => None,
    }
}

/// Sends text to the peer, in as many messages as it needs. Gives back whether there is still a call. Blocks.
pub(crate) fn send_chat(commands: &mpsc::Sender<Command>, text: &str) -> bool {
    cut(text).all(|part| commands.blocking_send(Command::SendChat(part.to_owned())).is_ok())
}

/// Cuts at character boundaries.
pub(crate) fn cut(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = (0..=rest.len().min(LINE_BYTES)).rev().find(|&end| rest.is_char_boundary(end))?;
        let (head, tail) = rest.split_at(end);
        rest = tail;
        (!head.is_empty()).then_some(head)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_plain_word_or_none_takes_a_call_and_no_other_answers_it() {
        for (text, expected) in [
            ("", Some(Command::Accept)),
            (" Y ", Some(Command::Accept)),
            ("yes", Some(Command::Accept)),
            ("n", Some(Command::Decline)),
            ("No", Some(Command::Decline)),
            ("who is it?", None),
        ] {
            assert_eq!(format!("{:?}", answer(text)), format!("{expected:?}"), "{text:?}");
        }
    }

    use super::*;

    #[test]
    fn a_stranger_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\r"), "a\\u{1b}[2Jb\\r");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(printable("grüße 👋"), "grüße 👋");
    }

    #[test]
    fn what_the_peer_changes_is_said_once_and_what_it_does_not_say_never() {
        let state = |microphone_on, camera_on| PeerState { microphone_on, camera_on };
        let said = |before, now| changes(before, now).collect::<Vec<_>>();
        let (unknown, on) = (state(None, None), state(Some(true), Some(true)));
        assert_eq!(said(unknown, on), [""; 0]);
        assert_eq!(said(on, state(Some(false), Some(true))), ["the peer is muted"]);
        assert_eq!(said(unknown, state(Some(false), Some(false))), ["the peer is muted", "the peer's camera is off"]);
        assert_eq!(
            said(state(Some(false), Some(false)), state(Some(false), Some(true))),
            ["the peer's camera is on again"]
        );
        assert_eq!(said(state(Some(false), None), unknown), [""; 0], "it is gone");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let text = "ä".repeat(LINE_BYTES);
        let parts: Vec<_> = cut(&text).collect();
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|part| part.len() <= LINE_BYTES));
        assert_eq!(cut("").count(), 0);
    }
}
