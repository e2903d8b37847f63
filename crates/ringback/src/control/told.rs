//! What the control socket tells, one JSON object a line: answers, events, and the state of the call.
//! Later versions only add members; what is not known is `null`. No key, address or session description is in any of them.

use call_engine::{ConnectionQuality, EndReason, Event, Levels, Phase, RoomId, Snapshot};
use serde_json::{Value, json};

use crate::face::{Page, PageName, Step};
use crate::report;
use crate::window::Invitation;

/// What a program is told first.
pub(crate) fn hello() -> Value {
    json!({ "hello": { "program": "ringback", "version": env!("CARGO_PKG_VERSION"), "schema": 1 } })
}

/// The answer to a request: what was asked for, or why it cannot be.
pub(crate) fn answer(id: Option<Value>, result: Result<Value, String>) -> Value {
    let mut answer = match result {
        Ok(Value::Object(members)) => Value::Object(members),
        Ok(_) => json!({}),
        Err(error) => json!({ "error": error }),
    };
    if answer.get("error").is_none() {
        answer["ok"] = json!(true);
    }
    if let Some(id) = id {
        answer["id"] = id;
    }
    answer
}

/// Something happened.
pub(crate) fn event(event: &Event) -> Value {
    match event {
        Event::Phase(phase) => json!({ "event": "phase", "phase": word(*phase) }),
        Event::Chat(text) => json!({ "event": "chat", "text": text }),
        Event::Info(text) => json!({ "event": "info", "text": text }),
        Event::Problem(text) => json!({ "event": "problem", "text": text }),
        Event::Ended(reason) => json!({ "event": "ended", "reason": reason.slug(), "text": reason.to_string() }),
    }
}

/// Which page there is.
pub(crate) fn page(page: &Page) -> Value {
    let name = match page.name {
        PageName::Start => "start",
        PageName::Placing => "placing",
        PageName::Call => "call",
        PageName::Ended => "ended",
    };
    json!({ "page": {
        "name": name,
        "room": page.room,
        "error": page.error,
        "end": page.end.as_ref().map(end),
        "window": page.window.map(|looks| json!({
            "full_screen": looks.full_screen,
            "chat": looks.chat,
            "devices": looks.devices,
            "statistics": looks.statistics,
            "help": looks.help,
            "swapped": looks.swapped,
        })),
    }})
}

/// The line for the other, in a call by hand.
pub(crate) fn line(step: &Step) -> Value {
    let (kind, text) = match step {
        Step::Preparing | Step::Taken => return json!({ "line": null }),
        Step::Offer(line) => ("offer", line),
        Step::Answer(line) => ("answer", line),
    };
    json!({ "line": { "kind": kind, "text": text } })
}

/// How others come into the room.
pub(crate) fn invitation(invitation: Option<&Invitation>) -> Value {
    json!({ "invitation": invitation.map(|invitation| json!({
        "who": invitation.who,
        "link": invitation.link,
        "network_link": invitation.network_link,
    }))})
}

/// The state of a call.
pub(crate) fn snapshot(room: &RoomId, snapshot: &Snapshot) -> Value {
    let media = &snapshot.media;
    let mut figures = report::figures(&snapshot.figures);
    figures["encryption"] = json!(snapshot.figures.encryption);
    json!({ "snapshot": {
        "room": room.as_str(),
        "phase": word(snapshot.phase),
        "offers": snapshot.offers,
        "microphone_on": snapshot.microphone_on,
        "camera_on": snapshot.camera_on,
        "media": {
            "video_source": media.video_in.to_string(),
            "audio_source": media.audio_in.to_string(),
            "audio_sink": media.audio_out.to_string(),
            "camera": media.camera,
            "microphone": media.microphone,
            "speaker": media.speaker,
        },
        "peer": { "microphone_on": snapshot.peer.microphone_on, "camera_on": snapshot.peer.camera_on },
        "quality": snapshot.quality.map(quality),
        "figures": figures,
        "end": snapshot.end.as_ref().map(end),
    }})
}

fn end(end: &EndReason) -> Value {
    json!({ "reason": end.slug(), "text": end.to_string() })
}

/// How loud it is, as peaks from 0 to 1.
pub(crate) fn levels(levels: &Levels) -> Value {
    let rounded = |peak: f32| (f64::from(peak) * 1e3).round() / 1e3;
    json!({ "levels": {
        "microphone": rounded(levels.microphone.peak()),
        "speaker": rounded(levels.speaker.peak()),
    }})
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "joining",
        Phase::Waiting => "waiting",
        Phase::Ringing => "ringing",
        Phase::Negotiating => "negotiating",
        Phase::Connected => "connected",
        Phase::Reconnecting => "reconnecting",
        Phase::Ending => "ending",
        Phase::Ended => "ended",
    }
}

fn quality(quality: ConnectionQuality) -> &'static str {
    match quality {
        ConnectionQuality::Good => "good",
        ConnectionQuality::Fair => "fair",
        ConnectionQuality::Poor => "poor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::Looks;

    #[test]
    fn an_answer_says_ok_or_why_not_and_to_what() {
        assert_eq!(answer(Some(json!(1)), Ok(json!({}))), json!({ "id": 1, "ok": true }));
        assert_eq!(answer(None, Err("no".into())), json!({ "error": "no" }));
        let state = answer(Some(json!("a")), Ok(json!({ "levels": {} })));
        assert_eq!(state, json!({ "id": "a", "ok": true, "levels": {} }));
    }

    #[test]
    fn events_have_a_word_each() {
        for (happened, expected) in [
            (Event::Phase(Phase::Ringing), json!({ "event": "phase", "phase": "ringing" })),
            (Event::Chat("a\nb".into()), json!({ "event": "chat", "text": "a\nb" })),
            (Event::Info("i".into()), json!({ "event": "info", "text": "i" })),
            (Event::Problem("p".into()), json!({ "event": "problem", "text": "p" })),
        ] {
            assert_eq!(event(&happened), expected);
        }
        let ended = event(&Event::Ended(EndReason::RoomFull));
        assert_eq!((&ended["event"], &ended["reason"]), (&json!("ended"), &json!("room_full")));
        assert!(!event(&Event::Chat("a\nb".into())).to_string().contains('\n'), "one line whatever the peer sends");
    }

    #[test]
    fn the_reference_names_every_member_of_what_is_told() {
        let reference = include_str!("../../../../docs/CONTROL.md");
        let room = RoomId::new("kitchen").expect("a room");
        let state = snapshot(&room, &Snapshot::default());
        let shown = page(&Page { window: Some(Looks::default()), ..Page::default() });
        let invited = invitation(Some(&Invitation::default()));
        let objects = [
            &state["snapshot"],
            &state["snapshot"]["media"],
            &state["snapshot"]["peer"],
            &shown["page"],
            &shown["page"]["window"],
            &invited["invitation"],
            &line(&Step::Offer("line".into()))["line"],
            &levels(&Levels::default())["levels"],
        ];
        for member in objects.into_iter().flat_map(|object| object.as_object().expect("an object").keys()) {
            let is_named = reference.contains(&format!("`{member}`")) || reference.contains(&format!("\"{member}\":"));
            assert!(is_named, "{member} is not in the reference");
        }
    }

    #[test]
    fn a_state_without_measurements_holds_nulls() {
        let room = RoomId::new("kitchen").expect("a room");
        let told = snapshot(&room, &Snapshot::default());
        let state = &told["snapshot"];
        assert_eq!((&state["room"], &state["phase"]), (&json!("kitchen"), &json!("joining")));
        assert_eq!(
            (&state["peer"]["microphone_on"], &state["quality"], &state["end"]),
            (&json!(null), &json!(null), &json!(null))
        );
        assert_eq!(state["media"]["video_source"], json!("auto"));
        assert_eq!(state["figures"]["video"]["received"]["bytes"], json!(null));
        assert_eq!(levels(&Levels::default())["levels"]["speaker"], json!(0.0));
    }
}
