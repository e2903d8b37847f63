//! Two of our signaling clients that meet on the servers of others, as those who wrote the protocols ship them.
//! The servers are installed below the target folder the first time, through npm and cargo; they listen on loopback only.

mod gst;
mod install;
mod matchbox;
mod meeting;
mod mirotalk;
mod peerjs;
#[expect(unreachable_pub, reason = "the harness of the scenarios has it too, as a part of a library")]
mod port;
mod probing;
mod server;
