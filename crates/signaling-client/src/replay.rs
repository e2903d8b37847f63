//! Replays one client of a recorded conversation against a codec, for the codecs' table tests.
//! A recording has lines `SECONDS WHO -> TEXT` (sent), `SECONDS WHO <- TEXT` (received), `SECONDS WHO CLOSED code=N …` and
//! `SECONDS WHO close()`; other lines are notes.

use std::time::{Duration, Instant};

use call_core::{Description, Reject, RoomId, Secret, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out};

/// What came of a replay.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// What the codec told the call, a few words each.
    pub(crate) told: Vec<String>,
    /// What the codec sent.
    pub(crate) sent: Vec<String>,
    /// What the recorded client sent.
    pub(crate) recorded: Vec<String>,
}

/// A join as the tests need it: the room `room1`, the name `me`, no key.
pub(crate) fn join(url: &str) -> Join {
    Join {
        url: Url::parse(url).expect("a good URL"),
        room: RoomId::new("room1").expect("a good name"),
        client_id: "me".to_owned(),
        key: None,
        agent: "ringback 1.2.3".to_owned(),
        token: Secret::new("token"),
        seed: 1,
    }
}

/// Plays the part of `who`. `wish` says what the call wanted when the recorded client sent a text; `None` for what a codec
/// sends by itself, or for an experiment of the recording.
pub(crate) fn replay(
    codec: &mut dyn Codec,
    recording: &str,
    who: &str,
    wish: impl Fn(&str) -> Option<Command>,
) -> Replay {
    let start = Instant::now();
    let mut replay = Replay::default();
    let mut opened = false;
    for line in recording.lines().map(str::trim_start) {
        let Some((seconds, step)) = line.split_once(' ') else { continue };
        let Some(step) = step.strip_prefix(who).and_then(|step| step.strip_prefix(' ')) else { continue };
        let now = start + Duration::from_secs_f64(seconds.parse().expect("recorded seconds"));
        if !std::mem::replace(&mut opened, true) {
            replay.take(codec.on_open(now));
        }
        if codec.deadline().is_some_and(|due| due <= now) {
            replay.take(codec.on_timeout(now));
        }
        if let Some(text) = step.strip_prefix("-> ") {
            replay.recorded.push(text.to_owned());
            if let Some(command) = wish(text) {
                replay.take(codec.on_command(now, command));
            }
        } else if let Some(text) = step.strip_prefix("<- ") {
            match codec.on_text(now, text) {
                Ok(out) => replay.take(out),
                Err(error) => replay.told.push(format!("skipped: {error}")),
            }
        } else if let Some(end) = step.strip_prefix("CLOSED code=") {
            let (code, reason) = end.split_once(" reason=").expect("a recorded end");
            let info = match code.parse().expect("a recorded code") {
                // RFC 6455 §7.4.1: 1006 is never on the wire, it stands for the lack of a close frame.
                1006 => CloseInfo::Broken("cut".to_owned()),
                code => CloseInfo::Frame { code, reason: reason.trim_matches('\'').to_owned() },
            };
            replay.told.extend(codec.on_close(info).as_ref().map(words));
        } else if step == "close()" {
            replay.take(codec.on_command(now, Command::Leave));
        }
    }
    replay
}

impl Replay {
    pub(crate) fn take(&mut self, out: Vec<Out>) {
        for step in out {
            match step {
                Out::Send(text) => self.sent.push(text),
                Out::Event(event) => self.told.push(words(&event)),
                Out::Skipped(error) => self.told.push(format!("skipped: {error}")),
                Out::Reopen => self.told.push("reopen".to_owned()),
                Out::Close => self.told.push("close".to_owned()),
            }
        }
    }
}

/// An event in a few words.
pub(crate) fn words(event: &SignalingEvent) -> String {
    match event {
        SignalingEvent::Joined { role, ice_servers, .. } => {
            let part = if role.offers_first { "offers" } else { "waits" };
            let manner = if role.polite { "polite" } else { "impolite" };
            format!("joined, {part}, {manner}, {} ICE servers", ice_servers.len())
        }
        SignalingEvent::OfferWanted => "offer wanted".to_owned(),
        SignalingEvent::Description(Description { kind, .. }) => format!("{kind:?}").to_lowercase(),
        SignalingEvent::Candidate(candidate) if candidate.is_end_of_candidates() => "end of candidates".to_owned(),
        SignalingEvent::Candidate(_) => "candidate".to_owned(),
        SignalingEvent::PeerLeft => "peer left".to_owned(),
        SignalingEvent::Rejected(Reject::RoomFull) => "room full".to_owned(),
        SignalingEvent::Rejected(Reject::Refused(reason)) => format!("refused: {reason}"),
        SignalingEvent::Unreachable { reason, retry } => format!("unreachable, retry {retry}: {reason}"),
        SignalingEvent::IceServers(fresh) => format!("{} fresh ice servers", fresh.len()),
        SignalingEvent::Lost { reason } => format!("lost: {reason}"),
    }
}
