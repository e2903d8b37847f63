//! What can go wrong with a peer connection, in words for the person.
//! webrtc-rs's own messages are carried as text only, and where they may quote the peer's description they are not shown.

/// Why an operation of [`Peer`](crate::Peer) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The connection could not be set up: no socket, no random numbers, no certificate.
    #[error("the peer connection could not be opened: {0}")]
    Open(String),
    /// Only relays may be used, and there is none.
    #[error("relay-only needs a TURN server: give one with --ice-server turn:HOST,USER,PASSWORD")]
    NoRelay,
    /// An offer or answer could not be made. The detail may quote the peer's description: it is for the log only.
    #[error("no description could be made")]
    Create(String),
    /// A description does not parse, does not fit the connection, or came at the wrong time. The detail may quote it: it
    /// is for the log only.
    #[error("it is malformed or does not fit")]
    Description(String),
    /// A candidate does not parse, came before any description, or is one too many. The detail is for the log only.
    #[error("the candidate was not accepted")]
    Candidate(String),
    /// There is no open data channel.
    #[error("no data channel is open")]
    NoDataChannel,
    /// A message of more bytes than may be sent at once.
    #[error("the message is longer than {limit} bytes: send it in parts")]
    MessageTooLong {
        /// What may be sent at once.
        limit: usize,
    },
    /// The peer does not read as fast as we send.
    #[error("the peer does not keep up: wait a moment and send the message again")]
    SendBufferFull,
}

impl PeerError {
    /// The longest chat message in bytes: what every WebRTC implementation takes in one piece (RFC 8831 §6.6).
    pub const MAX_MESSAGE: usize = 16 * 1024;
}
