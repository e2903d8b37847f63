//! What two peers tell each other through signaling: session descriptions, ICE candidates, and the servers that help to find them.
//! Their `Debug` forms say how much there is, not what: descriptions hold keys, candidates hold addresses.

use crate::Secret;
use std::fmt;

/// What a [`Description`] is for (W3C `RTCSdpType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DescriptionKind {
    /// Proposes a session.
    Offer,
    /// Accepts an offer.
    Answer,
    /// Withdraws an offer; has no text.
    Rollback,
}

/// A session description (RFC 8866) and what it is for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Description {
    /// Offer, answer or rollback.
    pub kind: DescriptionKind,
    /// The SDP text; not checked here.
    pub sdp: String,
}

impl Description {
    /// An offer with this SDP.
    #[must_use]
    pub fn offer(sdp: impl Into<String>) -> Self {
        Self { kind: DescriptionKind::Offer, sdp: sdp.into() }
    }

    /// An answer with this SDP.
    #[must_use]
    pub fn answer(sdp: impl Into<String>) -> Self {
        Self { kind: DescriptionKind::Answer, sdp: sdp.into() }
    }

    /// Whose connection this is: the fingerprint of its DTLS certificate (RFC 8122 §5), which stays the same for as long as
    /// the connection lives. `None` where there is none to be read.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.attribute("a=fingerprint:")
    }

    /// The ICE generation: its user name fragment (RFC 8839 §5.4), which an ICE restart replaces.
    #[must_use]
    pub fn ice_ufrag(&self) -> Option<&str> {
        self.attribute("a=ice-ufrag:")
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind, self.sdp.len())
    }
}

/// One address at which a peer may be reached (W3C `RTCIceCandidateInit`, RFC 8839 §5.1).
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Candidate {
    /// The `candidate:…` attribute value; empty at the end of the candidates.
    pub candidate: String,
    /// The media section it belongs to, by its `a=mid`.
    pub sdp_mid: Option<String>,
    /// The media section it belongs to, by its position, from 0.
    pub sdp_m_line_index: Option<u16>,
    /// The ICE generation it belongs to, by its `a=ice-ufrag`.
    pub username_fragment: Option<String>,
}

impl Candidate {
    /// Whether this says that no more candidates will follow (W3C `RTCIceCandidateInit`: an empty candidate).
    #[must_use]
    pub fn is_end_of_candidates(&self) -> bool {
        self.candidate.is_empty()
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_end_of_candidates() {
            true => f.write_str("Candidate(end)"),
            false => f.write_str("Candidate(***)"),
        }
    }
}

/// A STUN or TURN server (W3C `RTCIceServer`).
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065) of one server.
    pub urls: Vec<String>,
    /// The TURN user name.
    pub username: Option<String>,
    /// The TURN password.
    pub credential: Option<Secret>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls.len())
            .field("has_credential", &self.credential.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_addresses_and_passwords_are_not_shown() {
        let description = Description::offer("a=fingerprint:sha-256 AB:CD");
        let candidate = Candidate {
            candidate: "candidate:1 1 udp 1 192.0.2.1 5000 typ host".to_owned(),
            username_fragment: Some("ufrag".to_owned()),
            ..Candidate::default()
        };
        let server = IceServer {
            urls: vec!["turn:192.0.2.1".to_owned()],
            username: Some("user".to_owned()),
            credential: Some(Secret::new("swordfish")),
        };
        let shown = format!("{description:?} {candidate:?} {server:?}");
        for hidden in ["AB:CD", "192.0.2.1", "ufrag", "user", "swordfish"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    #[test]
    fn an_empty_candidate_is_the_end_of_candidates() {
        assert!(Candidate::default().is_end_of_candidates());
    }
}
