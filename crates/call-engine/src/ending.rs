//! Why a call is over, when an output file turns out to be incomplete at its very end: pure.
//! A call that went well failed then after all; one that failed before keeps its reason, and the file is told of beside it.

use call_core::EndReason;

/// The end that counts, and what else went wrong.
pub(crate) fn after_closing(end: EndReason, closed: Result<(), String>) -> (EndReason, Option<String>) {
    match closed {
        Ok(()) => (end, None),
        Err(reason) if end.is_orderly() => (EndReason::DeviceFailure { reason }, None),
        Err(reason) => (end, Some(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_file_fails_a_call_that_went_well_and_is_a_problem_beside_another_failure() {
        let full = || Err("the disk is full".to_owned());
        let failed = EndReason::DeviceFailure { reason: "the disk is full".to_owned() };
        for (end, closed, expected) in [
            (EndReason::HungUp, Ok(()), (EndReason::HungUp, None)),
            (EndReason::HungUp, full(), (failed.clone(), None)),
            (EndReason::PeerLeft, full(), (failed, None)),
            (EndReason::PeerLost, Ok(()), (EndReason::PeerLost, None)),
            (EndReason::PeerLost, full(), (EndReason::PeerLost, Some("the disk is full".to_owned()))),
        ] {
            assert_eq!(after_closing(end.clone(), closed), expected, "{end:?}");
        }
    }
}
