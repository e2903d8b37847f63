//! What the messages of a mapping can mean, and which values each can carry.
//! A message that fits several means the first.

use super::hole::Hole;

/// What a received message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Full,
    Refused,
    /// We are in the room, and nobody else is.
    Alone,
    Joined,
    PeerJoined,
    PeerLeft,
    Offer,
    Answer,
    Candidate,
    Ignored,
}

impl Meaning {
    /// The order in which they are tried.
    pub(super) const ALL: [Self; 10] = [
        Self::Full,
        Self::Refused,
        Self::Alone,
        Self::Joined,
        Self::PeerJoined,
        Self::PeerLeft,
        Self::Offer,
        Self::Answer,
        Self::Candidate,
        Self::Ignored,
    ];

    /// Its key in the file.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Alone => "alone",
            Self::Joined => "joined",
            Self::PeerJoined => "peer_joined",
            Self::PeerLeft => "peer_left",
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::Ignored => "ignored",
        }
    }

    /// The values that a message of this meaning can carry, and the one that it must.
    pub(super) fn holes(self) -> (&'static [Hole], Option<Hole>) {
        use Hole::{Candidate, IceServers, Index, Me, Mid, Others, Peer, Reason, Room, Sdp, Someone, Ufrag};
        match self {
            Self::Full | Self::Refused => (&[Me, Room, Reason], None),
            Self::Alone => (&[Me, Room, IceServers], None),
            Self::Joined => (&[Me, Room, Peer, Others, Someone, IceServers], None),
            Self::PeerJoined | Self::PeerLeft => (&[Me, Room, Peer], None),
            Self::Offer | Self::Answer => (&[Me, Room, Peer, Sdp], Some(Sdp)),
            Self::Candidate => (&[Me, Room, Peer, Candidate, Mid, Index, Ufrag], Some(Candidate)),
            Self::Ignored => (&[Me, Room, Peer, Reason], None),
        }
    }
}
