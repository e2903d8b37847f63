//! What two programs say to each other on the `control` channel, as JSON: the goodbye, and the state of microphone and camera.
//! Whatever is not understood is skipped, here and in older versions, so that later ones may say more.

use serde_json::{Value, json};

/// What a side says of its own microphone and camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideState {
    /// False while it is muted, or has no microphone; `None` where nothing is said of it.
    pub microphone: Option<bool>,
    /// False while no pictures of its camera are sent; `None` where nothing is said of it.
    pub camera: Option<bool>,
}

/// A message on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// The sender leaves, perhaps with a reason.
    Goodbye(Option<String>),
    /// How the sender's side stands, when the channel opens and at each change.
    State(SideState),
}

impl Control {
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(message).ok()?;
        match message.get("type")?.as_str()? {
            "goodbye" => Some(Self::Goodbye(message.get("reason").and_then(Value::as_str).map(str::to_owned))),
            "state" => Some(Self::State(SideState {
                microphone: message.get("microphone").and_then(Value::as_bool),
                camera: message.get("camera").and_then(Value::as_bool),
            })),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Goodbye(reason) => json!({ "type": "goodbye", "reason": reason }),
            Self::State(SideState { microphone, camera }) => {
                json!({ "type": "state", "microphone": microphone, "camera": camera })
            }
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goodbye_is_understood_as_it_was_said() {
        for reason in ["hung up", "", "a \"quoted\" \\ reason\n", "\u{1f44b}"] {
            let goodbye = Control::Goodbye(Some(reason.into()));
            assert_eq!(Control::parse(goodbye.text().as_bytes()), Some(goodbye));
        }
        assert_eq!(Control::parse(br#"{"type":"goodbye"}"#), Some(Control::Goodbye(None)));
        assert_eq!(Control::parse(br#"{"type":"goodbye","reason":7}"#), Some(Control::Goodbye(None)));
    }

    #[test]
    fn a_state_is_understood_as_it_was_said_and_half_a_state_as_half() {
        for microphone in [None, Some(false), Some(true)] {
            for camera in [None, Some(false), Some(true)] {
                let state = Control::State(SideState { microphone, camera });
                assert_eq!(Control::parse(state.text().as_bytes()), Some(state));
            }
        }
        let only_muted = SideState { microphone: Some(false), camera: None };
        for text in [
            r#"{"type":"state","microphone":false}"#,
            r#"{"type":"state","microphone":false,"camera":"off","screen":true}"#,
        ] {
            assert_eq!(Control::parse(text.as_bytes()), Some(Control::State(only_muted)), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_skipped() {
        for message in ["", "null", "[]", "{", r#"{"type":7}"#, r#"{"type":"mute"}"#, "\u{0}"] {
            assert_eq!(Control::parse(message.as_bytes()), None, "{message}");
        }
    }
}
