//! What can go wrong with a peer connection, in words for the person.
//! webrtc-rs's own messages are carried as text only: its error type does not leave this crate.

/// Why an operation of [`Peer`](crate::Peer) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The connection could not be set up: no socket, no random numbers, no certificate.
    #[error("the peer connection could not be opened: {0}")]
    Open(String),
    /// Only relays may be used, and there is none.
    #[error("relay-only needs a TURN server over UDP: give one with --ice-server turn:HOST,USER,PASSWORD")]
    NoRelay,
    /// An offer or answer could not be made.
    #[error("no description could be made: {0}")]
    Create(String),
    /// A description does not parse, does not fit the connection, or came at the wrong time.
    #[error("the description was not accepted: {0}")]
    Description(String),
    /// A candidate does not parse, or came before any description.
    #[error("the candidate was not accepted: {0}")]
    Candidate(String),
    /// There is no open data channel.
    #[error("no data channel is open")]
    NoDataChannel,
    /// A message of more than [`MAX_MESSAGE`](Self::MAX_MESSAGE) bytes.
    #[error("the message is longer than {max} bytes: send it in parts", max = Self::MAX_MESSAGE)]
    MessageTooLong,
    /// The peer does not read as fast as we send.
    #[error("the peer does not keep up: wait a moment and send the message again")]
    SendBufferFull,
}

impl PeerError {
    /// The longest message in bytes: what every WebRTC implementation takes in one piece (RFC 8831 §6.6).
    pub const MAX_MESSAGE: usize = 16 * 1024;
}
