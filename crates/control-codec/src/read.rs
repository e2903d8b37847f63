//! Reads what a program asks, one JSON object a line.
//! Whatever a line holds, it is read as a wish or as an error that says how to ask.

use serde_json::{Map, Value};

use crate::lines::MOST_BYTES;
use crate::members::Members;
use crate::wish::{CallWish, MediaWish, Panel, Subscription, Theme, Wish};

/// The longest name that a program may give a request, in bytes: it is sent back.
pub const ID_BYTES: usize = 64;

/// The longest chat text of one request, in bytes: it goes out as at most four messages.
const CHAT_BYTES: usize = 16 * 1024;

/// The longest text that is pasted, in bytes: a line of a call by hand has at most 16384, and a mail may have wrapped it.
const PASTE_BYTES: usize = 32 * 1024;

/// States a second, unless a program asks for another number.
const A_SECOND: u64 = 10;

/// The most that a program may ask for: nobody sees more.
const MOST_A_SECOND: u64 = 30;

/// Pictures a second that can be asked for.
const MOST_FPS: u64 = 120;

/// What can be asked.
pub const NAMES: [&str; 31] = [
    "accept",
    "accept_without_camera",
    "decline",
    "hang_up",
    "microphone",
    "camera",
    "video_source",
    "audio_source",
    "audio_sink",
    "chat",
    "line",
    "paste",
    "snapshot",
    "levels",
    "invitation",
    "page",
    "rooms",
    "devices",
    "call",
    "call_again",
    "start_page",
    "preview",
    "test_sound",
    "full_screen",
    "panel",
    "swap",
    "theme",
    "raise",
    "quit",
    "subscribe",
    "unsubscribe",
];

/// One line, read.
#[derive(Debug, PartialEq)]
pub struct Asked {
    /// The request's own name, to be sent back with the answer: a number or a short text.
    pub id: Option<Value>,
    /// What it asks for.
    pub wish: Result<Wish, AskError>,
}

/// A line that cannot be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No JSON, or none of an object.
    #[error("no JSON object: write one a line, such as {{\"id\":1,\"do\":\"snapshot\"}}")]
    NoObject,
    /// The line did not end.
    #[error("the line is longer than {MOST_BYTES} bytes and was skipped: write shorter ones")]
    TooLong,
    /// The id cannot be sent back.
    #[error("`id` must be a number or a text of at most {ID_BYTES} bytes")]
    Id,
    /// Nothing is asked for, or something else than there is.
    #[error("`do` must be one of {}", NAMES.join(", "))]
    NoSuchWish,
    /// A member is not there, or not what it must be.
    #[error("`{wish}` needs `{member}`, {what}")]
    Member {
        /// What was asked for.
        wish: &'static str,
        /// What it lacks.
        member: &'static str,
        /// What that must be.
        what: &'static str,
    },
    /// A member that nobody would look at: rather a mistake than a wish.
    #[error("`{wish}` takes no `{member}`")]
    Extra {
        /// What was asked for.
        wish: &'static str,
        /// What is too much, cut to a few letters.
        member: String,
    },
}

/// Reads one line, without its end.
#[must_use]
pub fn read(line: &[u8]) -> Asked {
    if line.len() > MOST_BYTES {
        return Asked { id: None, wish: Err(AskError::TooLong) };
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(line) else {
        return Asked { id: None, wish: Err(AskError::NoObject) };
    };
    let id = match members.remove("id") {
        None | Some(Value::Null) => None,
        Some(id @ Value::Number(_)) => Some(id),
        Some(Value::String(id)) if id.len() <= ID_BYTES => Some(Value::String(id)),
        Some(_) => return Asked { id: None, wish: Err(AskError::Id) },
    };
    Asked { id, wish: wish(members) }
}

fn wish(mut members: Map<String, Value>) -> Result<Wish, AskError> {
    let asked = members.remove("do");
    let name = NAMES.into_iter().find(|name| asked.as_ref().and_then(Value::as_str) == Some(name));
    let name = name.ok_or(AskError::NoSuchWish)?;
    let mut members = Members::new(name, members);
    let wish = match name {
        "accept" => Wish::Accept,
        "accept_without_camera" => Wish::AcceptWithoutCamera,
        "decline" => Wish::Decline,
        "hang_up" => Wish::HangUp,
        "microphone" => Wish::Microphone(members.flag("on")?),
        "camera" => Wish::Camera(members.flag("on")?),
        "video_source" => Wish::VideoSource(members.word("source")?),
        "audio_source" => Wish::AudioSource(members.word("source")?),
        "audio_sink" => Wish::AudioSink(members.word("sink")?),
        "chat" => Wish::Chat(members.text("text", CHAT_BYTES, "1 to 16384 bytes long")?),
        "line" => Wish::Line,
        "paste" => Wish::Paste(members.text("text", PASTE_BYTES, "1 to 32768 bytes long")?),
        "snapshot" => Wish::Snapshot,
        "levels" => Wish::Levels,
        "invitation" => Wish::Invitation,
        "page" => Wish::Page,
        "rooms" => Wish::Rooms,
        "devices" => Wish::Devices,
        "call" => Wish::Call(Box::new(call(&mut members)?)),
        "call_again" => Wish::CallAgain,
        "start_page" => Wish::StartPage,
        "preview" => preview(&mut members)?,
        "test_sound" => Wish::TestSound(members.maybe_word("sink")?),
        "full_screen" => Wish::FullScreen(members.flag("on")?),
        "panel" => Wish::Panel { panel: panel(&mut members)?, on: members.flag("on")? },
        "swap" => Wish::Swap,
        "theme" => Wish::Theme(theme(&mut members)?),
        "raise" => Wish::Raise,
        "quit" => Wish::Quit,
        "subscribe" => Wish::Subscribe(subscription(&mut members)?),
        "unsubscribe" => Wish::Unsubscribe,
        _ => return Err(AskError::NoSuchWish),
    };
    members.finish().map(|()| wish)
}

fn call(members: &mut Members) -> Result<CallWish, AskError> {
    Ok(CallWish {
        room: members.maybe_word("room")?,
        server: members.maybe_word("server")?,
        media: media(members)?,
        size: members.maybe_word("size")?,
        fps: members.maybe_number("fps", MOST_FPS, "a whole number from 1 to 120, where it is given")?,
        auto_accept: members.maybe_flag("auto_accept")?,
    })
}

fn media(members: &mut Members) -> Result<MediaWish, AskError> {
    Ok(MediaWish {
        video_source: members.maybe_word("video_source")?,
        audio_source: members.maybe_word("audio_source")?,
        audio_sink: members.maybe_word("audio_sink")?,
    })
}

fn preview(members: &mut Members) -> Result<Wish, AskError> {
    Ok(Wish::Preview(if members.flag("on")? { Some(media(members)?) } else { None }))
}

fn panel(members: &mut Members) -> Result<Panel, AskError> {
    let words =
        [("chat", Panel::Chat), ("devices", Panel::Devices), ("statistics", Panel::Statistics), ("help", Panel::Help)];
    members.one_of("panel", &words, "chat, devices, statistics or help")
}

fn theme(members: &mut Members) -> Result<Theme, AskError> {
    let words = [("system", Theme::System), ("light", Theme::Light), ("dark", Theme::Dark)];
    members.one_of("theme", &words, "system, light or dark")
}

fn subscription(members: &mut Members) -> Result<Subscription, AskError> {
    let mut flag = |member, usual: bool| members.maybe_flag(member).map(|given| given.unwrap_or(usual));
    let (events, pages, snapshots) = (flag("events", true)?, flag("pages", true)?, flag("snapshots", true)?);
    let (levels, devices) = (flag("levels", false)?, flag("devices", false)?);
    let a_second = members.maybe_number("a_second", MOST_A_SECOND, "a whole number from 1 to 30, where it is given")?;
    Ok(Subscription { events, pages, snapshots, levels, devices, a_second: a_second.unwrap_or(A_SECOND) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    const USUAL: Subscription =
        Subscription { events: true, pages: true, snapshots: true, levels: false, devices: false, a_second: 10 };

    #[test]
    fn members_that_are_left_out_have_their_usual_value() {
        let media = MediaWish { video_source: Some("camera:0".into()), ..MediaWish::default() };
        for (line, expected) in [
            (r#"{"do":"accept","id":null}"#, Wish::Accept),
            (r#"{"on":true,"do":"camera"}"#, Wish::Camera(true)),
            (r#"{"do":"audio_source","source":"mic:pulseaudio:a b"}"#, Wish::AudioSource("mic:pulseaudio:a b".into())),
            (r#" {"do":"chat","text":"ça va? 👋"} "#, Wish::Chat("ça va? 👋".into())),
            (r#"{"do":"test_sound"}"#, Wish::TestSound(None)),
            (r#"{"do":"preview","on":false}"#, Wish::Preview(None)),
            (r#"{"do":"preview","on":true,"video_source":"camera:0"}"#, Wish::Preview(Some(media.clone()))),
            (r#"{"do":"panel","panel":"help","on":false}"#, Wish::Panel { panel: Panel::Help, on: false }),
            (r#"{"do":"subscribe"}"#, Wish::Subscribe(USUAL)),
            (
                r#"{"do":"subscribe","events":false,"levels":true,"devices":true,"a_second":2}"#,
                Wish::Subscribe(Subscription { events: false, levels: true, devices: true, a_second: 2, ..USUAL }),
            ),
            (
                r#"{"do":"call","room":"kitchen","server":null,"video_source":"camera:0","fps":15,"auto_accept":true}"#,
                Wish::Call(Box::new(CallWish {
                    room: Some("kitchen".into()),
                    media,
                    fps: Some(15),
                    auto_accept: Some(true),
                    ..CallWish::default()
                })),
            ),
        ] {
            assert_eq!(read(line.as_bytes()), Asked { id: None, wish: Ok(expected) }, "{line}");
        }
    }

    #[test]
    fn the_reference_has_every_request_and_all_its_examples_are_understood() {
        let reference = include_str!("../../../docs/CONTROL.md");
        let mut shown = BTreeSet::new();
        for example in reference.split('`').chain(reference.lines().map(str::trim)) {
            let Ok(line) = serde_json::from_str::<Value>(example) else { continue };
            let Some(name) = line["do"].as_str() else { continue };
            assert!(read(example.as_bytes()).wish.is_ok(), "{example}: {:?}", read(example.as_bytes()).wish);
            shown.insert(name.to_owned());
        }
        assert_eq!(shown, NAMES.map(str::to_owned).into());
    }

    #[test]
    fn a_line_that_cannot_be_acted_on_is_answered_with_how_to_ask() {
        for (line, hint) in [
            ("", "no JSON object"),
            ("accept", "no JSON object"),
            (r#"["accept"]"#, "no JSON object"),
            (r#"{"do":"accept""#, "no JSON object"),
            ("{}", "`do` must be one of accept,"),
            (r#"{"do":7}"#, "`do` must be one of accept,"),
            (r#"{"do":"Accept"}"#, "`do` must be one of accept,"),
            (r#"{"do":"interrupt"}"#, "`do` must be one of accept,"),
            (r#"{"do":"microphone"}"#, "`microphone` needs `on`, true or false"),
            (r#"{"do":"camera","on":"no"}"#, "`camera` needs `on`, true or false"),
            (r#"{"do":"camera","on":true,"off":1}"#, "`camera` takes no `off`"),
            (r#"{"do":"video_source"}"#, "`video_source` needs `source`"),
            (r#"{"do":"chat","text":""}"#, "`chat` needs `text`"),
            (r#"{"do":"call","room":""}"#, "`call` needs `room`"),
            (r#"{"do":"call","rome":"kitchen"}"#, "`call` takes no `rome`"),
            (r#"{"do":"call","fps":0}"#, "`call` needs `fps`"),
            (r#"{"do":"panel","panel":"door","on":true}"#, "chat, devices, statistics or help"),
            (r#"{"do":"theme"}"#, "system, light or dark"),
            (r#"{"do":"subscribe","events":1}"#, "`subscribe` needs `events`"),
            (r#"{"do":"subscribe","a_second":0}"#, "`subscribe` needs `a_second`"),
            (r#"{"do":"subscribe","a_second":31}"#, "`subscribe` needs `a_second`"),
            (r#"{"id":[1],"do":"accept"}"#, "`id` must be"),
        ] {
            let error = read(line.as_bytes()).wish.expect_err(line).to_string();
            assert!(error.contains(hint), "{line}: {error}");
        }
        let long = format!(r#"{{"do":"chat","text":"{}"}}"#, "x".repeat(CHAT_BYTES + 1));
        assert!(read(long.as_bytes()).wish.is_err());
        assert_eq!(read(&vec![b' '; MOST_BYTES + 1]).wish, Err(AskError::TooLong));
    }

    #[test]
    fn an_answer_can_be_told_from_others_also_when_it_is_a_refusal() {
        for (line, id) in [
            (r#"{"id":7,"do":"snapshot"}"#, Some(json!(7))),
            (r#"{"id":"a-1","do":"sing"}"#, Some(json!("a-1"))),
            (r#"{"id":null,"do":"snapshot"}"#, None),
        ] {
            assert_eq!(read(line.as_bytes()).id, id, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_wish_or_an_error_of_one_printable_line(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            showable(&read(&line));
        }

        #[test]
        fn so_is_any_object(
            name in proptest::sample::select(&NAMES[..]),
            member in "on|source|sink|text|events|a_second|room|panel|id|[^\"\\\\]{0,40}",
            value in prop_oneof![
                Just(json!(true)), Just(json!(null)), any::<i64>().prop_map(Value::from), ".{0,40}".prop_map(Value::from),
            ],
        ) {
            let line = json!({ "do": name, member: value }).to_string();
            showable(&read(line.as_bytes()));
        }
    }

    fn showable(asked: &Asked) {
        if let Err(error) = &asked.wish {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 1000 && !text.contains(char::is_control), "{text:?}");
        }
        if let Some(id) = &asked.id {
            assert!(id.is_number() || id.as_str().is_some_and(|id| id.len() <= ID_BYTES));
        }
    }
}
