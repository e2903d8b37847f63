//! Every way in which the way through a proxy fails, as one sentence that says what to do. No sentence holds a login.

use std::io;

use thiserror::Error;

use crate::proxy::handshake::Fault;

/// Why a proxy did not bring us to the server. `proxy` is its URL without a login.
#[derive(Debug, Error)]
pub(crate) enum ProxyError {
    /// Its name has no address.
    #[error("cannot find the proxy {proxy}: check its name ({source})")]
    Resolve {
        /// Which.
        proxy: String,
        /// The resolver's answer.
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("cannot reach the proxy {proxy}: is it running, and is the port right? ({source})")]
    Unreachable {
        /// Which.
        proxy: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The proxy itself is to be spoken to in TLS.
    #[error("no TLS connection to the proxy {proxy}: {reason}")]
    Tls {
        /// Which.
        proxy: String,
        /// What the TLS library says.
        reason: String,
    },
    /// It ended the connection instead of answering.
    #[error("the proxy {proxy} closed the connection without an answer: check the scheme and the port of its URL")]
    Closed {
        /// Which.
        proxy: String,
    },
    /// A SOCKS5 proxy takes no longer names than 255 bytes.
    #[error("the proxy {proxy} takes no name of more than 255 bytes")]
    LongName {
        /// Which.
        proxy: String,
    },
    /// It does not pass us on.
    #[error("the proxy {proxy} does not connect us to {target}: {fault}")]
    Refused {
        /// Which.
        proxy: String,
        /// `host:port` of the server.
        target: String,
        /// Why.
        fault: Fault,
    },
}

impl ProxyError {
    /// Whether the same attempt may succeed later.
    pub(crate) fn may_heal(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Unreachable { .. } | Self::Closed { .. } => true,
            Self::Tls { .. } | Self::LongName { .. } => false,
            Self::Refused { fault, .. } => fault.may_heal(),
        }
    }
}
