//! What a program may ask over the control socket, one JSON object a line, as plain data.
//! Whatever a line holds, it is read as a wish or as an error that says how to ask; nothing here knows a socket or a clock.

use call_engine::{AudioSink, AudioSource, Command, VideoSource};
use serde_json::{Map, Value};

/// The longest line that is read, in bytes.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// The longest chat text of one request, in bytes: it goes out as at most four messages.
const CHAT_BYTES: usize = 16 * 1024;

/// The longest name that a program may give a request, in bytes: it is sent back.
const ID_BYTES: usize = 64;

/// Snapshots a second, unless a program asks for another number.
const SNAPSHOTS_A_SECOND: u64 = 10;

/// The most that a program may ask for: nobody sees more.
const MOST_A_SECOND: u64 = 30;

/// What can be asked, for whoever asks for something else.
const WISHES: &str = "accept, accept_without_camera, decline, hang_up, microphone, camera, video_source, audio_source, \
                      audio_sink, chat, snapshot, devices, levels, subscribe or unsubscribe";

/// One line, read.
#[derive(Debug, PartialEq)]
pub(crate) struct Asked {
    /// The request's own name, to be sent back with the answer: a number or a short text.
    pub(crate) id: Option<Value>,
    /// What it asks for.
    pub(crate) wish: Result<Wish, AskError>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// That the call does something: these, in this order.
    Do(Vec<Command>),
    /// That this is said to the peer.
    Say(String),
    /// The state of the call.
    Snapshot,
    /// The devices of this machine.
    Devices,
    /// How loud it is.
    Levels,
    /// To be told of what happens, from now on; the answer holds the state.
    Subscribe(Subscription),
    /// Not to be told any more.
    Unsubscribe,
}

/// What a program wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Each event.
    pub(crate) events: bool,
    /// The state whenever it changed.
    pub(crate) snapshots: bool,
    /// How loud it is, all the time.
    pub(crate) levels: bool,
    /// The devices whenever one comes or goes.
    pub(crate) devices: bool,
    /// How often at most snapshots and levels are told, a second.
    pub(crate) a_second: u64,
}

/// A line that cannot be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
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
    #[error("`do` must be {WISHES}")]
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
    /// A device, file or word that is not spelled right.
    #[error("{0}")]
    Spelling(String),
}

/// Reads one line, without its end.
pub(crate) fn read(line: &[u8]) -> Asked {
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
    let Some(Value::String(name)) = members.remove("do") else { return Err(AskError::NoSuchWish) };
    let one = |command| Wish::Do(vec![command]);
    let (name, wish) = match name.as_str() {
        "accept" => ("accept", one(Command::Accept)),
        "accept_without_camera" => {
            ("accept_without_camera", Wish::Do(vec![Command::SetCameraOn(false), Command::Accept]))
        }
        "decline" => ("decline", one(Command::Decline)),
        "hang_up" => ("hang_up", one(Command::HangUp)),
        "microphone" => ("microphone", one(Command::SetMicrophoneOn(on("microphone", &mut members)?))),
        "camera" => ("camera", one(Command::SetCameraOn(on("camera", &mut members)?))),
        "video_source" => {
            let source = spelled::<VideoSource>("video_source", "source", &mut members)?;
            ("video_source", one(Command::SetVideoSource(source)))
        }
        "audio_source" => {
            let source = spelled::<AudioSource>("audio_source", "source", &mut members)?;
            ("audio_source", one(Command::SetAudioSource(source)))
        }
        "audio_sink" => {
            let sink = spelled::<AudioSink>("audio_sink", "sink", &mut members)?;
            ("audio_sink", one(Command::SetAudioSink(sink)))
        }
        "chat" => ("chat", Wish::Say(chat(&mut members)?)),
        "snapshot" => ("snapshot", Wish::Snapshot),
        "devices" => ("devices", Wish::Devices),
        "levels" => ("levels", Wish::Levels),
        "subscribe" => ("subscribe", Wish::Subscribe(subscription(&mut members)?)),
        "unsubscribe" => ("unsubscribe", Wish::Unsubscribe),
        _ => return Err(AskError::NoSuchWish),
    };
    match members.keys().next() {
        Some(member) => Err(AskError::Extra { wish: name, member: member.chars().take(32).collect() }),
        None => Ok(wish),
    }
}

fn on(wish: &'static str, members: &mut Map<String, Value>) -> Result<bool, AskError> {
    let error = AskError::Member { wish, member: "on", what: "true or false" };
    members.remove("on").and_then(|on| on.as_bool()).ok_or(error)
}

/// A member that is spelled as on the command line.
fn spelled<T: std::str::FromStr<Err: ToString>>(
    wish: &'static str,
    member: &'static str,
    members: &mut Map<String, Value>,
) -> Result<T, AskError> {
    match members.remove(member) {
        Some(Value::String(text)) => text.parse().map_err(|error: T::Err| {
            // It repeats what was given, which may be long.
            AskError::Spelling(
                error.to_string().chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect(),
            )
        }),
        _ => Err(AskError::Member { wish, member, what: "spelled as on the command line" }),
    }
}

fn chat(members: &mut Map<String, Value>) -> Result<String, AskError> {
    match members.remove("text") {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= CHAT_BYTES => Ok(text),
        _ => Err(AskError::Member { wish: "chat", member: "text", what: "1 to 16384 bytes long" }),
    }
}

fn subscription(members: &mut Map<String, Value>) -> Result<Subscription, AskError> {
    let mut flag = |member, usual| match members.remove(member) {
        None => Ok(usual),
        Some(Value::Bool(value)) => Ok(value),
        Some(_) => Err(AskError::Member { wish: "subscribe", member, what: "true or false, where it is given" }),
    };
    let (events, snapshots) = (flag("events", true)?, flag("snapshots", true)?);
    let (levels, devices) = (flag("levels", false)?, flag("devices", false)?);
    let a_second = match members.remove("a_second") {
        None => SNAPSHOTS_A_SECOND,
        Some(rate) => rate.as_u64().filter(|rate| (1..=MOST_A_SECOND).contains(rate)).ok_or(AskError::Member {
            wish: "subscribe",
            member: "a_second",
            what: "a whole number from 1 to 30, where it is given",
        })?,
    };
    Ok(Subscription { events, snapshots, levels, devices, a_second })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const USUAL: Subscription =
        Subscription { events: true, snapshots: true, levels: false, devices: false, a_second: 10 };

    #[test]
    fn everything_that_a_window_can_do_can_be_asked_for() {
        for (line, expected) in [
            (r#"{"do":"accept"}"#, Wish::Do(vec![Command::Accept])),
            (r#"{"do":"accept_without_camera"}"#, Wish::Do(vec![Command::SetCameraOn(false), Command::Accept])),
            (r#"{"do":"decline"}"#, Wish::Do(vec![Command::Decline])),
            (r#"{"do":"hang_up"}"#, Wish::Do(vec![Command::HangUp])),
            (r#"{"do":"microphone","on":false}"#, Wish::Do(vec![Command::SetMicrophoneOn(false)])),
            (r#"{"on":true,"do":"camera"}"#, Wish::Do(vec![Command::SetCameraOn(true)])),
            (
                r#"{"do":"video_source","source":"test"}"#,
                Wish::Do(vec![Command::SetVideoSource(VideoSource::TestCard)]),
            ),
            (
                r#"{"do":"audio_source","source":"mic:pulseaudio:a b"}"#,
                Wish::Do(vec![Command::SetAudioSource(AudioSource::Microphone("pulseaudio:a b".into()))]),
            ),
            (r#"{"do":"audio_sink","sink":"none"}"#, Wish::Do(vec![Command::SetAudioSink(AudioSink::None)])),
            (r#" {"do":"chat","text":"ça va? 👋"} "#, Wish::Say("ça va? 👋".into())),
            (r#"{"do":"snapshot"}"#, Wish::Snapshot),
            (r#"{"do":"devices"}"#, Wish::Devices),
            (r#"{"do":"levels"}"#, Wish::Levels),
            (r#"{"do":"subscribe"}"#, Wish::Subscribe(USUAL)),
            (
                r#"{"do":"subscribe","events":false,"levels":true,"devices":true,"a_second":2}"#,
                Wish::Subscribe(Subscription { events: false, levels: true, devices: true, a_second: 2, ..USUAL }),
            ),
            (r#"{"do":"unsubscribe"}"#, Wish::Unsubscribe),
        ] {
            assert_eq!(read(line.as_bytes()), Asked { id: None, wish: Ok(expected) }, "{line}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_acted_on_is_answered_with_how_to_ask() {
        for (line, hint) in [
            ("", "no JSON object"),
            ("accept", "no JSON object"),
            (r#"["accept"]"#, "no JSON object"),
            (r#"{"do":"accept""#, "no JSON object"),
            ("{}", "`do` must be accept,"),
            (r#"{"do":7}"#, "`do` must be accept,"),
            (r#"{"do":"Accept"}"#, "`do` must be accept,"),
            (r#"{"do":"interrupt"}"#, "`do` must be accept,"),
            (r#"{"do":"microphone"}"#, "`microphone` needs `on`, true or false"),
            (r#"{"do":"camera","on":"no"}"#, "`camera` needs `on`, true or false"),
            (r#"{"do":"camera","on":true,"off":1}"#, "`camera` takes no `off`"),
            (r#"{"do":"video_source"}"#, "`video_source` needs `source`"),
            (r#"{"do":"video_source","source":"tape"}"#, "use auto, none, test, camera:ID"),
            (r#"{"do":"audio_sink","sink":"mic:0"}"#, "use auto, none, speaker:ID"),
            (r#"{"do":"chat","text":""}"#, "`chat` needs `text`"),
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
            name in "accept|decline|microphone|camera|video_source|audio_sink|chat|subscribe|[a-z]{0,3}",
            member in "on|source|sink|text|events|a_second|id|[^\"\\\\]{0,40}",
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
            assert!(!text.is_empty() && text.len() < 1000, "{text:?}");
        }
        if let Some(id) = &asked.id {
            assert!(id.is_number() || id.as_str().is_some_and(|id| id.len() <= ID_BYTES));
        }
    }
}
