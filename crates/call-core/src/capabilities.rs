//! What a way of signaling lets two peers do: facts about the protocol, read by the session and the negotiator.
//! Nothing else in the core knows which protocol it is.

/// What can be done with the peer through the signaling that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerCapabilities {
    /// The peer takes another offer of ours after the first exchange. Whether it makes one is its own affair.
    pub renegotiation: bool,
    /// Candidates may follow a description (RFC 8838). Where they may not, a description waits until they are in it.
    pub trickle: bool,
    /// The peer takes only candidates that name their media section both ways, by `mid` and by position.
    pub candidate_needs_mid: bool,
    /// Signaling says when the peer leaves.
    pub presence: bool,
    /// The server may hand out ICE servers.
    pub server_ice: bool,
    /// People carry the descriptions: from our answer until the peer has it, minutes may pass.
    pub by_hand: bool,
}

impl PeerCapabilities {
    /// Everything can be done, and candidates are written in full.
    pub const FULL: Self = Self {
        renegotiation: true,
        trickle: true,
        candidate_needs_mid: true,
        presence: true,
        server_ice: true,
        by_hand: false,
    };
}

impl Default for PeerCapabilities {
    fn default() -> Self {
        Self::FULL
    }
}
