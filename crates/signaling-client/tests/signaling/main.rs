//! The signaling client against recorded traces and against servers that misbehave on loopback.

mod codec;
mod connecting;
mod running;
mod server;
mod traces;
