//! Hostile peers, hostile servers, dead ones, and full disks, against the whole program.
//! Whatever they do: no panic, no hang, no leak; an end in bounded time with its exit code, or a call that comes about all the same.

mod outputs;
mod peers;
mod servers;
pub(crate) mod villain;
