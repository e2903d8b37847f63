//! `--control PATH`: a socket over which programs of the same person drive a call, with JSON lines.
//! What the window can do, a script can; `docs/CONTROL.md` is the reference. The codec is pure, the server a thin shell.

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod lines;
mod message;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod server;
mod told;

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

    /// Never made.
    pub(crate) enum Control {}

    impl Control {
        /// Refuses.
        pub(crate) fn listen(_: &Path) -> Result<Self, String> {
            Err("--control is for Unix systems so far: leave it out here".into())
        }

        /// Never happens.
        pub(crate) fn attach(&self, _: &RoomId, _: &mut Call) {
            match *self {}
        }

        /// Never happens.
        pub(crate) async fn close(self) {
            match self {}
        }
    }
}
