//! Links that delay, lose, queue and stall by a profile, in virtual or real time.
//! The link and the profile are pure; namespaces and devices around them need Linux and rights.
//!
//! Three hosts hang on one core: `a` and `b`, who call each other, and the server `s`. Each has an up-link to the core
//! and a down-link from it; a packet from a to b passes `a.up` and then `b.down` ([`place`]). What the links do, and
//! when, is written in a profile ([`profile`]). [`star`] is these hosts and links for any kind of packet: in [`memory`]
//! it carries datagrams within a process, in a `lab` it carries IP packets between namespaces. [`log`](mod@log) is the
//! table of what happened on each link.

pub mod conditions;
#[cfg(target_os = "linux")]
pub mod forward;
mod jitter;
#[cfg(target_os = "linux")]
pub mod lab;
pub mod lateness;
pub mod link;
pub mod log;
mod loss;
pub mod memory;
#[cfg(target_os = "linux")]
pub mod namespaces;
pub mod nat;
pub mod place;
#[cfg(target_os = "linux")]
pub mod privilege;
pub mod profile;
mod rng;
mod server;
pub mod star;
#[cfg(target_os = "linux")]
mod system;
