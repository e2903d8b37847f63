//! Which protocol a server speaks, from what it answered: pure, and never a guess. What fits none of them is unknown.

use serde_json::Value;

use crate::server_url::Protocol;

/// What a server is asked. None of them enters a room that somebody may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A WebSocket in which it speaks first, at a path that nobody else knows: to matchbox that is a room.
    Greeting,
    /// A free name, as PeerJS gives them away over HTTP.
    PeerId,
    /// The start of Socket.IO, which MiroTalk P2P speaks.
    SocketIo,
    /// Ayame's request to join, with a room that nobody else knows.
    Register,
    /// What it takes over HTTP, as WHIP and WHEP tell it (RFC 9725 §4.2).
    Options,
}

impl Question {
    /// In the order in which they are asked: whoever speaks first is recognised without a word of ours.
    pub(crate) const ALL: [Self; 5] = [Self::Greeting, Self::PeerId, Self::SocketIo, Self::Register, Self::Options];

    /// For the person: whom the answer would show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Greeting => "gst, matchbox",
            Self::PeerId => "peerjs",
            Self::SocketIo => "mirotalk",
            Self::Register => "ayame",
            Self::Options => "whip, whep",
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The first text on an open WebSocket.
    Text(String),
    /// A WebSocket opened, and nothing was said on it.
    Silence,
    /// HTTP.
    Http(HttpAnswer),
    /// Neither, in our words.
    Nothing(String),
}

/// The parts of an HTTP answer that tell protocols apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) accept_post: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) body: String,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// A protocol of rooms.
    Signaling(Protocol),
    /// It takes media in.
    Whip,
    /// It gives media out.
    Whep,
    /// One of the two; its answer and its path do not say which.
    WhipOrWhep,
    /// None that this program knows, or it does not show.
    Unknown,
}

/// The protocol that this answer shows. `path` is that of the URL that was asked.
pub(crate) fn spoken(question: Question, answer: &Answer, path: &str) -> Spoken {
    let shown = match (question, answer) {
        (Question::Greeting | Question::Register, Answer::Text(text)) => by_text(question, text),
        (Question::SocketIo, Answer::Text(text)) => is_engine_io(text).then_some(Protocol::MiroTalk),
        (Question::PeerId, Answer::Http(HttpAnswer { status: 200, body, .. })) => {
            is_peer_id(body.trim()).then_some(Protocol::PeerJs)
        }
        (Question::Options, Answer::Http(answer)) if (200..300).contains(&answer.status) => {
            return by_options(answer, path);
        }
        _ => None,
    };
    shown.map_or(Spoken::Unknown, Spoken::Signaling)
}

fn by_text(question: Question, text: &str) -> Option<Protocol> {
    let message: Value = serde_json::from_str(text).ok()?;
    if message["IdAssigned"].is_string() {
        return Some(Protocol::Matchbox);
    }
    match message["type"].as_str()? {
        "welcome" if message["peerId"].is_string() => Some(Protocol::Gst),
        // Ayame says one of these to a request to join, and nothing before.
        "accept" if question == Question::Register => Some(Protocol::Ayame),
        "reject" if question == Question::Register && message["reason"].is_string() => Some(Protocol::Ayame),
        _ => None,
    }
}

/// The first frame of Engine.IO 4.
fn is_engine_io(text: &str) -> bool {
    let open = text.strip_prefix('0').and_then(|json| serde_json::from_str::<Value>(json).ok());
    open.is_some_and(|open| open["sid"].is_string() && open["pingInterval"].is_u64())
}

/// A UUID, or what a server of one's own makes in its place; never a page.
fn is_peer_id(body: &str) -> bool {
    (8..=64).contains(&body.len()) && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn by_options(answer: &HttpAnswer, path: &str) -> Spoken {
    let holds = |header: &Option<String>, words: &str| {
        header.as_ref().is_some_and(|value| value.to_ascii_lowercase().contains(words))
    };
    if !holds(&answer.accept_post, "application/sdp") && !holds(&answer.link, "ice-server") {
        return Spoken::Unknown;
    }
    let mut segments = path.rsplit('/').map(str::to_ascii_lowercase);
    match segments.find_map(|segment| match segment.as_str() {
        "whip" => Some(Spoken::Whip),
        "whep" => Some(Spoken::Whep),
        _ => None,
    }) {
        Some(spoken) => spoken,
        None => Spoken::WhipOrWhep,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Answer {
        Answer::Text(text.to_owned())
    }

    fn page(status: u16, body: &str) -> Answer {
        Answer::Http(HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() })
    }

    fn options(status: u16, accept_post: Option<&str>, link: Option<&str>) -> Answer {
        let [accept_post, link] = [accept_post, link].map(|value| value.map(str::to_owned));
        Answer::Http(HttpAnswer { status, accept_post, link, ..HttpAnswer::default() })
    }

    #[test]
    fn each_protocol_is_known_by_its_answer_and_nothing_else_is() {
        use Protocol::{Ayame, Gst, Matchbox, MiroTalk, PeerJs};
        let known = Spoken::Signaling;
        let unknown = Spoken::Unknown;
        let uuid = "0b0c9a56-7c4c-4a2e-9b0a-1f6f3c7e4d55";
        for (question, answer, spoken_there) in [
            (Question::Greeting, text(r#"{"type":"welcome","peerId":"a"}"#), known(Gst)),
            (Question::Register, text(r#"{"type":"welcome","peerId":"a"}"#), known(Gst)),
            (Question::Greeting, text(r#"{"type":"welcome"}"#), unknown),
            (Question::Greeting, text(r#"{"IdAssigned":"a"}"#), known(Matchbox)),
            (Question::Greeting, text("hello"), unknown),
            (Question::Greeting, Answer::Silence, unknown),
            (Question::PeerId, page(200, uuid), known(PeerJs)),
            (Question::PeerId, page(404, uuid), unknown),
            (Question::PeerId, page(200, "<html>"), unknown),
            (Question::PeerId, page(200, ""), unknown),
            (Question::SocketIo, text(r#"0{"sid":"a","upgrades":[],"pingInterval":25000}"#), known(MiroTalk)),
            (Question::SocketIo, text("0"), unknown),
            (Question::SocketIo, text(r#"{"type":"welcome","peerId":"a"}"#), unknown),
            (Question::Register, text(r#"{"type":"accept","isExistClient":false}"#), known(Ayame)),
            (Question::Register, text(r#"{"type":"reject","reason":"InvalidSignalingKey"}"#), known(Ayame)),
            // An echo is no answer.
            (Question::Register, text(r#"{"type":"register","roomId":"a"}"#), unknown),
            (Question::Greeting, text(r#"{"type":"accept"}"#), unknown),
            (Question::Register, Answer::Nothing("it hung up".to_owned()), unknown),
            (Question::Options, options(204, Some("application/sdp"), None), Spoken::WhipOrWhep),
            (Question::Options, options(200, None, Some("<stun:a>; rel=\"ice-server\"")), Spoken::WhipOrWhep),
            (Question::Options, options(404, Some("application/sdp"), None), unknown),
            (Question::Options, options(204, Some("text/plain"), None), unknown),
        ] {
            assert_eq!(spoken(question, &answer, "/live"), spoken_there, "{question:?} {answer:?}");
        }
    }

    #[test]
    fn the_path_tells_taking_from_giving() {
        let answer = options(204, Some("application/sdp"), None);
        for (path, expected) in [
            ("/whip", Spoken::Whip),
            ("/live/WHEP", Spoken::Whep),
            ("/whip/cam", Spoken::Whip),
            ("/whipped", Spoken::WhipOrWhep),
        ] {
            assert_eq!(spoken(Question::Options, &answer, path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(text in ".{0,64}", status: u16) {
            let http = HttpAnswer { status, accept_post: Some(text.clone()), link: Some(text.clone()), body: text.clone() };
            for question in Question::ALL {
                spoken(question, &Answer::Text(text.clone()), &text);
                spoken(question, &Answer::Http(http.clone()), &text);
            }
        }
    }
}
