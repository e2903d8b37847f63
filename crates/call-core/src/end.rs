//! Why a call ended: one reason a call, decided by the session alone.
//! Each reason is a sentence for the person and a stable word for programs.

use std::fmt;

/// Why a call ended. `Display` gives the sentence for the person, [`EndReason::slug`] the word for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person hung up.
    HungUp,
    /// The asked-for duration was over.
    DurationReached,
    /// The program was told to stop (SIGINT, SIGTERM, window closed).
    Interrupted,
    /// The peer said goodbye.
    PeerHungUp {
        /// The peer's own words, if it gave any.
        reason: Option<String>,
    },
    /// The peer closed the connection in order, without a goodbye.
    PeerLeft,
    /// The peer fell silent after the call was connected.
    PeerLost,
    /// The person did not take the call.
    Declined,
    /// The peer did not take the call.
    PeerDeclined,
    /// Nobody came into the room within the asked-for wait.
    NoPeerCame,
    /// The peers agreed on a session but found no path for the media.
    NoMediaPath,
    /// The room has two peers already.
    RoomFull,
    /// The signaling server turned us away.
    SignalingRefused {
        /// The server's words.
        reason: String,
    },
    /// The signaling server could not be reached.
    SignalingUnreachable {
        /// What failed last.
        reason: String,
    },
    /// The connection to the signaling server broke before the call was connected and did not come back.
    SignalingLost,
    /// A device that the call cannot do without failed.
    DeviceFailure {
        /// Which device, and how.
        reason: String,
    },
    /// The program failed where it should not.
    Internal {
        /// What failed.
        reason: String,
    },
}

impl EndReason {
    /// The reason as one stable word, e.g. `peer_hung_up`, for reports and exit codes.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::DurationReached => "duration_reached",
            Self::Interrupted => "interrupted",
            Self::PeerHungUp { .. } => "peer_hung_up",
            Self::PeerLeft => "peer_left",
            Self::PeerLost => "peer_lost",
            Self::Declined => "declined",
            Self::PeerDeclined => "peer_declined",
            Self::NoPeerCame => "no_peer_came",
            Self::NoMediaPath => "no_media_path",
            Self::RoomFull => "room_full",
            Self::SignalingRefused { .. } => "signaling_refused",
            Self::SignalingUnreachable { .. } => "signaling_unreachable",
            Self::SignalingLost => "signaling_lost",
            Self::DeviceFailure { .. } => "device_failure",
            Self::Internal { .. } => "internal",
        }
    }

    /// Whether one of the two sides ended the call as people do, and nothing failed.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        matches!(
            self,
            Self::HungUp
                | Self::DurationReached
                | Self::Interrupted
                | Self::PeerHungUp { .. }
                | Self::PeerLeft
                | Self::Declined
        )
    }

    /// What to tell the peer when this end is our doing; `None` when it is the peer's or the network's.
    #[must_use]
    pub fn goodbye(&self) -> Option<&'static str> {
        match self {
            Self::HungUp => Some("hung up"),
            Self::DurationReached => Some("duration reached"),
            Self::Interrupted => Some("interrupted"),
            Self::DeviceFailure { .. } => Some("device failure"),
            Self::Internal { .. } => Some("internal error"),
            _ => None,
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("you hung up"),
            Self::DurationReached => f.write_str("the asked-for duration was reached"),
            Self::Interrupted => f.write_str("the call was interrupted"),
            Self::PeerHungUp { reason: None } => f.write_str("the peer hung up"),
            Self::PeerHungUp { reason: Some(reason) } => write!(f, "the peer hung up: {reason}"),
            Self::PeerLeft => f.write_str("the peer left"),
            Self::PeerLost => f.write_str("the connection to the peer was lost"),
            Self::Declined => f.write_str("you declined the call"),
            Self::PeerDeclined => f.write_str("the peer declined the call"),
            Self::NoPeerCame => f.write_str("nobody came into the room"),
            Self::NoMediaPath => f.write_str("no path to the peer was found: a TURN server (--ice-server) may help"),
            Self::RoomFull => f.write_str("the room is full: two peers are in it already"),
            Self::SignalingRefused { reason } => {
                write!(f, "the signaling server refused: {reason}")
            }
            Self::SignalingUnreachable { reason } => {
                write!(f, "the signaling server cannot be reached: {reason}")
            }
            Self::SignalingLost => f.write_str("the signaling server was lost before the peers were connected"),
            Self::DeviceFailure { reason } => write!(f, "a device failed: {reason}"),
            Self::Internal { reason } => write!(f, "internal error: {reason}"),
        }
    }
}

/// Words of the peer or the server, fit to be shown: one line, no control characters (they can steer a terminal), not long.
pub(crate) fn foreign_words(words: &str) -> String {
    /// In characters: a sentence or two.
    const LONGEST: usize = 200;
    let visible = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST);
    visible.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_are_one_short_line() {
        let words = foreign_words(" bye\r\n\u{1b}[31mred\u{7}");
        assert_eq!(words, "bye   [31mred");
        assert_eq!(foreign_words(&"ü".repeat(1000)).chars().count(), 200);
    }

    #[test]
    fn reasons_read_as_sentences() {
        let reason = Some("lunch".to_owned());
        let ended = EndReason::PeerHungUp { reason };
        assert_eq!(ended.to_string(), "the peer hung up: lunch");
        assert_eq!(ended.slug(), "peer_hung_up");
        assert_eq!(ended.goodbye(), None);
        assert!(ended.is_orderly() && !EndReason::PeerLost.is_orderly());
        assert_eq!(EndReason::HungUp.goodbye(), Some("hung up"));
    }
}
