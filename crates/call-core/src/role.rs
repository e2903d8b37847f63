//! Who of the two peers begins, and who gives way when both offer at once.
//! The signaling protocol decides it; nobody configures it.

/// The part that this peer plays towards the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// This peer makes the first offer, because the other one was in the room before it.
    pub offers_first: bool,
    /// This peer withdraws its offer when both offered at once (W3C WebRTC §10.7 "perfect negotiation").
    pub polite: bool,
}
