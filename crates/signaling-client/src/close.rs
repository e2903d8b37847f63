//! How a WebSocket ended, in words for the person. Protocols differ only in what an end before the answer means.

use call_core::{Reject, SignalingEvent};

use crate::text::one_line;

/// How the WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseInfo {
    /// The server sent a close frame (RFC 6455 §7.4).
    Frame {
        /// Its status code; 1005 when the frame had none.
        code: u16,
        /// Its words, often empty.
        reason: String,
    },
    /// It ended without a close frame; the sentence says how.
    Broken(String),
}

impl CloseInfo {
    /// The last event of a connection that had joined.
    pub(crate) fn lost(self) -> SignalingEvent {
        let reason = match self {
            Self::Broken(reason) => reason,
            Self::Frame { code, reason } => format!("the server closed the connection ({})", meaning(code, &reason)),
        };
        SignalingEvent::Lost { reason }
    }

    /// The last event of a connection that ended before the server answered. `refusal` is for a server that closed it without
    /// blaming itself, and is told what the close frame means.
    pub(crate) fn unanswered(self, refusal: impl FnOnce(String) -> SignalingEvent) -> SignalingEvent {
        match self {
            Self::Broken(reason) => SignalingEvent::Unreachable { reason, retry: true },
            Self::Frame { code, reason } if is_server_side(code) => {
                let meaning = meaning(code, &reason);
                let reason = format!("the server closed the connection before it let us join ({meaning})");
                SignalingEvent::Unreachable { reason, retry: true }
            }
            Self::Frame { code, reason } => refusal(meaning(code, &reason)),
        }
    }

    /// The same where such a server must have disliked what it was asked for: when it closed the connection, and what to check.
    pub(crate) fn refused(self, when: &str, check: &str) -> SignalingEvent {
        self.unanswered(|meaning| {
            let reason = format!("it closed the connection {when} ({meaning}): {check}");
            SignalingEvent::Rejected(Reject::Refused(reason))
        })
    }
}

/// Codes that blame the server's own state, not our request: going away, internal error, restart, overload, bad gateway.
fn is_server_side(code: u16) -> bool {
    matches!(code, 1001 | 1011..=1014)
}

/// A close code in words (IANA WebSocket close code registry), with the server's own words where it had some.
fn meaning(code: u16, reason: &str) -> String {
    let words = match code {
        1000 | 1005 => "it gave no reason",
        1001 => "it is shutting down",
        1002 => "protocol error",
        1003 | 1007 => "it could not read our message",
        1008 => "against its policy",
        1009 => "our message was too big",
        1011 => "internal error",
        1012 => "it is restarting",
        1013 => "it is overloaded",
        1014 => "bad gateway",
        _ => "",
    };
    match (words, one_line(reason).as_str()) {
        ("", "") => format!("code {code}"),
        ("", said) => format!("code {code}, \"{said}\""),
        (words, "") => format!("code {code}, {words}"),
        (_, said) => format!("code {code}, \"{said}\""),
    }
}
