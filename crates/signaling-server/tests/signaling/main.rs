//! The signaling server against the recordings of Ayame, against its own limits in virtual time, and over real sockets
//! on loopback.

mod client;
mod discovery;
mod endings;
mod http;
mod limits;
mod renewal;
mod sockets;
mod tls;
mod traces;
