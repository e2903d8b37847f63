//! Socket.IO over one plain WebSocket: protocol 5, in frames of Engine.IO protocol 4, without long polling or binary parts.
//! A frame is a digit for Engine.IO, then a digit for Socket.IO, then JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::ProtocolError;
use crate::text::one_line;

/// The query of a WebSocket that skips long polling.
pub(super) const QUERY: &str = "EIO=4&transport=websocket";

/// The longest silence that a server can ask us to bear; the servers' defaults come to 45 s.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Asks for the default namespace, which is where applications live.
pub(super) const CONNECT: &str = "40";

/// The answer to a [`Frame::Ping`].
pub(super) const PONG: &str = "3";

/// A frame from the server.
pub(super) enum Frame {
    /// The first one.
    Open {
        /// A server that says nothing for so long is dead.
        silence: Duration,
    },
    /// To be answered with [`PONG`].
    Ping,
    /// We are in the namespace.
    Connected,
    /// We are not let into the namespace, in the server's words.
    Refused(String),
    /// The application says something.
    Event {
        name: String,
        /// What comes with it; null when that is nothing. Further arguments are left out.
        argument: Value,
    },
    /// The server is done with us.
    Ended,
    /// Means nothing to us.
    Idle,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Open {
    ping_interval: u64,
    ping_timeout: u64,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl Frame {
    /// Reads one frame.
    ///
    /// # Errors
    /// It is none, or one of a kind that we did not ask for.
    pub(super) fn parse(text: &str) -> Result<Self, ProtocolError> {
        let mut rest = text.chars();
        match rest.next() {
            Some('0') => {
                let open: Open = serde_json::from_str(rest.as_str()).map_err(|_| ProtocolError::Malformed("open"))?;
                let silence = Duration::from_millis(open.ping_interval.saturating_add(open.ping_timeout));
                Ok(Self::Open { silence: silence.min(LONGEST_SILENCE) })
            }
            Some('1') => Ok(Self::Ended),
            Some('2') => Ok(Self::Ping),
            Some('4') => Self::packet(rest.as_str()),
            // A pong, a no-operation.
            Some('3' | '6') => Ok(Self::Idle),
            _ => Err(ProtocolError::UnknownType(one_line(text.get(..1).unwrap_or_default()))),
        }
    }

    fn packet(text: &str) -> Result<Self, ProtocolError> {
        let mut rest = text.chars();
        match rest.next() {
            Some('0') => Ok(Self::Connected),
            Some('1') => Ok(Self::Ended),
            Some('2') => {
                // Digits in between ask for an acknowledgement, which is optional.
                let json = rest.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
                let mut arguments = match serde_json::from_str(json) {
                    Ok(Value::Array(arguments)) => arguments.into_iter(),
                    _ => return Err(ProtocolError::Malformed("event")),
                };
                match arguments.next() {
                    Some(Value::String(name)) => {
                        Ok(Self::Event { name, argument: arguments.next().unwrap_or_default() })
                    }
                    _ => Err(ProtocolError::NoType),
                }
            }
            Some('3') => Ok(Self::Idle),
            Some('4') => {
                let refusal: Refusal =
                    serde_json::from_str(rest.as_str()).map_err(|_| ProtocolError::Malformed("connect error"))?;
                Ok(Self::Refused(one_line(&refusal.message)))
            }
            _ => Err(ProtocolError::UnknownType(format!("4{}", one_line(text.get(..1).unwrap_or_default())))),
        }
    }
}

/// An event of ours with one argument.
pub(super) fn event(name: &str, argument: &impl Serialize) -> String {
    let json = serde_json::to_string(&(name, argument)).expect("texts, numbers and truth values always serialise");
    format!("42{json}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let word = |text| match Frame::parse(text) {
            Ok(Frame::Open { silence }) => format!("open {silence:?}"),
            Ok(Frame::Ping) => "ping".to_owned(),
            Ok(Frame::Connected) => "connected".to_owned(),
            Ok(Frame::Refused(message)) => format!("refused {message}"),
            Ok(Frame::Event { name, argument }) => format!("{name} {argument}"),
            Ok(Frame::Ended) => "ended".to_owned(),
            Ok(Frame::Idle) => "idle".to_owned(),
            Err(error) => format!("skipped: {error}"),
        };
        for (text, expected) in [
            (r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#, "open 45s"),
            (r#"0{"pingInterval":18446744073709551615,"pingTimeout":1}"#, "open 600s"),
            ("2", "ping"),
            ("6", "idle"),
            ("1", "ended"),
            (r#"40{"sid":"x"}"#, "connected"),
            (r#"44{"message":"not authorized"}"#, "refused not authorized"),
            ("41", "ended"),
            (r#"42["roomIsLocked"]"#, "roomIsLocked null"),
            (r#"42["message",{"a":1},2]"#, r#"message {"a":1}"#),
            (r#"4217["message","x"]"#, r#"message "x""#),
            ("0{}", "skipped: the message of type \"open\" lacks a member or has one of the wrong type"),
            ("42{}", "skipped: the message of type \"event\" lacks a member or has one of the wrong type"),
            ("42[7]", "skipped: the message does not say its type"),
            ("45-x", "skipped: the message is of the unknown type \"45\""),
            ("x", "skipped: the message is of the unknown type \"x\""),
            ("é", "skipped: the message is of the unknown type \"\""),
            ("", "skipped: the message is of the unknown type \"\""),
        ] {
            assert_eq!(word(text), expected, "{text}");
        }
    }

    #[test]
    fn an_event_is_an_array_behind_42() {
        assert_eq!(event("join", &serde_json::json!({"channel": "room1"})), r#"42["join",{"channel":"room1"}]"#);
    }
}
