//! How the peer connection of the moment stands, of the several that a call may have: pure, told what happens to it.
//! It says when sound and pictures are joined to the connection, and what of them is part of the call.

use std::time::Instant;

use crate::peer_driver::Epoch;

/// The connection of this epoch; before the first one is opened, of none.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    epoch: Epoch,
    connected: bool,
    attached: bool,
    closed_at: Option<Instant>,
}

impl Standing {
    /// A new connection takes the place of the one before.
    pub(crate) fn open(&mut self) -> Epoch {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
        self.epoch
    }

    /// The two are connected, perhaps anew after an ICE restart.
    pub(crate) fn connect(&mut self) {
        self.connected = true;
    }

    /// The connection is let go of.
    pub(crate) fn close(&mut self, now: Instant) {
        self.connected = false;
        self.closed_at = Some(now);
    }

    /// Media and connection are both there: whether they are to be joined now, which is so once in each epoch.
    pub(crate) fn attach(&mut self) -> bool {
        self.connected && !std::mem::replace(&mut self.attached, true)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Results of a connection that was replaced are outdated.
    pub(crate) fn is_of(&self, epoch: Epoch) -> bool {
        self.epoch == epoch
    }

    /// What the media do after the connection was closed is not part of the call.
    pub(crate) fn is_measured(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Up to when output files go, if the call is over now.
    pub(crate) fn end_of_media(&self, now: Instant) -> Instant {
        self.closed_at.unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn media_are_joined_to_each_connection_once() {
        let mut standing = Standing::default();
        standing.open();
        assert!(!standing.attach(), "not connected yet");
        standing.connect();
        assert!(standing.attach());
        standing.connect();
        assert!(!standing.attach(), "the same connection came back");
        standing.close(Instant::now());
        assert!(!standing.attach());
        standing.open();
        standing.connect();
        assert!(standing.attach(), "another connection");
    }

    #[test]
    fn results_of_a_replaced_connection_are_outdated() {
        let mut standing = Standing::default();
        let (first, second) = (standing.open(), standing.open());
        assert!(!standing.is_of(first) && standing.is_of(second));
    }

    #[test]
    fn the_call_is_measured_up_to_the_close_of_its_last_connection() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut standing = Standing::default();
        assert!(standing.is_measured());
        standing.open();
        assert_eq!(standing.end_of_media(at(2)), at(2), "it is still open");
        standing.close(at(1));
        assert!(!standing.is_measured() && !standing.is_connected());
        assert_eq!(standing.end_of_media(at(2)), at(1));
        standing.open();
        assert!(standing.is_measured());
        assert_eq!(standing.end_of_media(at(2)), at(2));
    }
}
