//! How the end of a call becomes the exit code of the program.
//! The codes are a contract with scripts: see the table in `ringback call --help`.

use call_engine::EndReason;

/// Something outside the other codes went wrong.
pub(crate) const FAILURE: u8 = 1;
/// An argument or a file that it names is wrong.
pub(crate) const BAD_ARGUMENTS: u8 = 2;
/// The signaling server cannot be reached.
pub(crate) const UNREACHABLE: u8 = 3;
/// A device or an output file failed.
pub(crate) const OUTPUT_FAILED: u8 = 9;

/// The exit code for a call that ended with `end`, after it was `connected` or not.
pub(crate) fn code(end: &EndReason, connected: bool) -> u8 {
    match end {
        EndReason::Interrupted if !connected => 130,
        EndReason::PeerLeft if !connected => 6,
        EndReason::HungUp
        | EndReason::Declined
        | EndReason::DurationReached
        | EndReason::Interrupted
        | EndReason::PeerHungUp { .. }
        | EndReason::PeerLeft => 0,
        EndReason::SignalingUnreachable { .. } | EndReason::SignalingLost => UNREACHABLE,
        EndReason::SignalingRefused { .. } => 4,
        EndReason::RoomFull => 5,
        EndReason::NoPeerCame => 6,
        EndReason::NoMediaPath => 7,
        EndReason::PeerLost => 8,
        EndReason::PeerDeclined => 10,
        EndReason::DeviceFailure { .. } => OUTPUT_FAILED,
        EndReason::Internal { .. } => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_as_documented() {
        for (end, connected, expected) in [
            (EndReason::HungUp, true, 0),
            (EndReason::PeerHungUp { reason: None }, true, 0),
            (EndReason::Interrupted, true, 0),
            (EndReason::Interrupted, false, 130),
            (EndReason::SignalingLost, false, 3),
            (EndReason::SignalingRefused { reason: "InvalidSignalingKey".into() }, false, 4),
            (EndReason::RoomFull, false, 5),
            (EndReason::NoPeerCame, false, 6),
            (EndReason::NoMediaPath, false, 7),
            (EndReason::PeerLost, true, 8),
            (EndReason::Declined, false, 0),
            (EndReason::PeerDeclined, false, 10),
            (EndReason::DeviceFailure { reason: "disk full".into() }, true, 9),
        ] {
            assert_eq!(code(&end, connected), expected, "{end}");
        }
    }
}
