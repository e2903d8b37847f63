//! Offers and answers in the JSON that browsers give to their signaling (W3C `RTCSessionDescriptionInit`), whatever carries it.
//! A rollback undoes our own offer, and is never told to the peer (RFC 8829 §4.1.10.2).

use call_core::{Description, DescriptionKind};
use serde::{Deserialize, Serialize};

/// A description as we send it.
#[derive(Serialize)]
pub(crate) struct DescriptionJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sdp: &'a str,
}

impl<'a> DescriptionJson<'a> {
    /// `None` for a rollback.
    pub(crate) fn new(description: &'a Description) -> Option<Self> {
        let kind = match description.kind {
            DescriptionKind::Offer => "offer",
            DescriptionKind::Answer => "answer",
            DescriptionKind::Rollback => return None,
        };
        Some(Self { kind, sdp: &description.sdp })
    }
}

/// A description of the peer, not looked at yet.
#[derive(Deserialize)]
pub(crate) struct DescriptionIn {
    #[serde(rename = "type")]
    kind: String,
    sdp: String,
}

impl DescriptionIn {
    /// `None` unless it is an offer or an answer.
    pub(crate) fn read(self) -> Option<Description> {
        match self.kind.as_str() {
            "offer" => Some(Description::offer(self.sdp)),
            "answer" => Some(Description::answer(self.sdp)),
            _ => None,
        }
    }
}
