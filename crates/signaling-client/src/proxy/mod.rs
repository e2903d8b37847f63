//! Ways around a wall: HTTP CONNECT and SOCKS5 proxies between us and a server.
//! Which proxy is used, and what is said to it, is pure; [`tunnel()`] alone opens connections.

mod address;
mod choice;
mod error;
mod exceptions;
mod handshake;
mod http_connect;
mod socks5;
mod tunnel;

pub use address::{Proxy, ProxyUrlError, parse_proxy};
pub use choice::{Proxies, ProxyVariableError};
pub(crate) use error::ProxyError;
pub(crate) use tunnel::tunnel;
