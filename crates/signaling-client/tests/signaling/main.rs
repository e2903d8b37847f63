//! The signaling client against recorded traces and against servers that misbehave on loopback.

mod codec;
mod connecting;
mod http;
mod reopening;
mod running;
mod server;
mod traces;
