//! Links that delay, lose, queue and stall by a profile, in virtual or real time.
//! The link and the profile are pure; namespaces and devices around them need Linux and rights.
//!
//! Three hosts hang on one core: `a` and `b`, who call each other, and the server `s`. Each has an up-link to the core
//! and a down-link from it; a packet from a to b passes `a.up` and then `b.down` ([`place`]). What the links do, and
//! when, is written in a profile ([`profile`]). [`star`] is the three hosts without their packets' origin: the same for
//! [`memory`], which carries datagrams within a process, and for the forwarder, which carries IP packets between
//! namespaces.

pub mod conditions;
mod jitter;
pub mod link;
mod loss;
pub mod memory;
pub mod place;
pub mod profile;
mod rng;
mod server;
pub mod star;
