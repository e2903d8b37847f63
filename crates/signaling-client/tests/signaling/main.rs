//! The signaling client against recorded traces and against servers that misbehave on loopback.

mod codec;
mod client_certificates;
mod connecting;
mod headers;
mod proxies;
mod reopening;
mod running;
mod server;
mod traces;
