//! `--control PATH`: a socket over which programs of the same person drive a call, with JSON lines.
//! What the window can do, a script can; `docs/CONTROL.md` is the reference. `control-codec` reads it, the server is a thin shell.

#[cfg(unix)]
mod client;
#[cfg_attr(not(unix), allow(dead_code, reason = "the words wait for a socket on this system"))]
mod errand;
#[cfg(unix)]
mod lines;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod server;
#[cfg_attr(not(unix), allow(dead_code, reason = "the words wait for a socket on this system"))]
mod told;

pub(crate) use errand::{Ask, CallErrand, Errand, Media, Order};
#[cfg(unix)]
pub(crate) use server::Control;

#[cfg(not(unix))]
#[allow(dead_code, unused_imports, reason = "the codec waits for a socket on this system")]
pub(crate) use absent::Control;

/// Systems without Unix sockets.
#[cfg(not(unix))]
mod absent {
    use std::path::Path;

    use call_engine::{Call, RoomId};
    use tokio::sync::{mpsc, watch};

    use super::Ask;
    use crate::face::{ByHand, Page};
    use crate::window::{Invitation, Listened};

    /// Never made.
    #[derive(Clone, Copy)]
    pub(crate) enum Control {}

    impl Control {
        /// Refuses.
        pub(crate) fn listen(_: &Path) -> Result<(Self, mpsc::Receiver<Ask>), String> {
            Err("--control is for Unix systems so far: leave it out here".into())
        }

        /// Never happens.
        pub(crate) fn page(&self) -> watch::Sender<Page> {
            match *self {}
        }

        /// Never happens.
        pub(crate) fn listened(&self) -> Listened {
            match *self {}
        }

        /// Never happens.
        pub(crate) fn problem(&self) -> impl Fn(String) + Send + Sync + 'static {
            let never = *self;
            move |_| match never {}
        }

        /// Never happens.
        pub(crate) fn attach(&self, _: &RoomId, _: Option<Invitation>, _: Option<ByHand>, _: &mut Call) {
            match *self {}
        }

        /// Never happens.
        pub(crate) async fn close(self) {
            match self {}
        }
    }
}
