//! The signaling client against recorded traces and against servers that misbehave on loopback.

mod client_certificates;
mod codec;
mod connecting;
mod headers;
mod http;
mod probing;
mod proxies;
mod reopening;
mod running;
mod server;
mod traces;
