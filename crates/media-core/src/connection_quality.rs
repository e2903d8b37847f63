//! How good a connection is, in the three steps that a person can act on.

/// The mark that stands beside a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionQuality {
    /// Sound or pictures break up.
    Poor,
    /// One notices that it is a call.
    Fair,
    /// Nothing to notice.
    Good,
}
