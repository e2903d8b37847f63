//! Every way in which connecting to a signaling server fails, as one sentence that says what to do.
//! Each failure also knows whether trying again can help.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::proxy::ProxyError;

/// What was going on when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The host's name was being looked up.
    Resolve,
    /// The TCP connection was being opened.
    Tcp,
    /// The connection to the proxy was being opened.
    Proxy,
    /// The proxy was asked to pass us on.
    Tunnel,
    /// TLS was being agreed on.
    Tls,
    /// The WebSocket request was sent.
    WebSocket,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up its name took too long: check this machine's network",
            Self::Tcp => "it did not answer: check the address and the firewalls between",
            Self::Proxy => "the proxy did not answer: check --proxy, or do without (--proxy none)",
            Self::Tunnel => "the proxy accepted the connection but did not pass us on: check the scheme of its URL",
            Self::Tls => {
                "it accepted the connection but did not answer in TLS: if that port is not encrypted, use ws://"
            }
            Self::WebSocket => {
                "it accepted the connection but did not answer the WebSocket request: check the port of the URL"
            }
        })
    }
}

/// Why no WebSocket could be opened. `place` is `host:port`.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// The URL did not come from `parse_server_url`.
    #[error("the server's URL {0} cannot be connected to: write it like wss://host/signaling")]
    Url(String),
    /// The name has no address.
    #[error("cannot find {host}: check the name and this machine's network ({source})")]
    Resolve {
        /// The name that was looked up.
        host: String,
        /// The resolver's answer.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("{place} refused the connection: is the server running, and is the port right?")]
    Refused {
        /// Where.
        place: String,
    },
    /// The network could not bring us there.
    #[error("cannot reach {place}: {source}")]
    Unreachable {
        /// Where.
        place: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The proxy on the way did not bring us there.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Nothing happened for too long.
    #[error("no connection to {place} within {after:?}: {stage}")]
    TimedOut {
        /// Where.
        place: String,
        /// How far we came.
        stage: Stage,
        /// How long we waited in all.
        after: Duration,
    },
    /// The server ended the connection instead of answering.
    #[error("{place} closed the connection without an answer: {}", if *.secure { "if that port is not encrypted, use ws://" } else { "if that port is encrypted, use wss://" })]
    NoAnswer {
        /// Where.
        place: String,
        /// Whether we spoke TLS.
        secure: bool,
    },
    /// A `ws://` URL of an encrypted port.
    #[error("{place} is an encrypted port: use wss:// instead of ws://")]
    WantsTls {
        /// Where.
        place: String,
    },
    /// A `wss://` URL of a port that is not encrypted.
    #[error("{place} does not speak TLS: use ws:// instead of wss://")]
    WantsPlain {
        /// Where.
        place: String,
    },
    /// The machine's store of certificate authorities is empty or unreadable.
    #[error(
        "this machine knows no certificate authorities: install the ca-certificates package, or pass --ca-file or --pin-sha256"
    )]
    NoRoots,
    /// The file given as `--ca-file` cannot be used.
    #[error("cannot use {} as a file of certificates: {reason}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files given as `--client-cert` and `--client-key` cannot be used.
    #[error("cannot use {} to show who we are: {reason}", .path.display())]
    ClientCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server lets clients with a certificate in only.
    #[error("{place} wants to see a certificate of ours: pass --client-cert and --client-key")]
    WantsCertificate {
        /// Who.
        place: String,
    },
    /// The server does not like ours.
    #[error("{place} does not accept our certificate: check --client-cert ({reason})")]
    CertificateRefused {
        /// Who.
        place: String,
        /// The server's alert.
        reason: String,
    },
    /// Self-signed, or signed by an authority that nobody here knows.
    #[error(
        "the certificate of {place} is not signed by an authority this machine trusts (self-signed?): pass --pin-sha256 or --ca-file"
    )]
    UntrustedCertificate {
        /// Whose.
        place: String,
    },
    /// A certificate of another host.
    #[error("the certificate of {place} is made out to {presented}: use that name in the URL")]
    CertificateName {
        /// Whose.
        place: String,
        /// The names in it.
        presented: String,
    },
    /// Too old or too young a certificate.
    #[error("the certificate of {place} is {state}: renew it, or check this machine's clock")]
    CertificateDates {
        /// Whose.
        place: String,
        /// `expired` or `not valid yet`.
        state: &'static str,
    },
    /// An authority's certificate that a server uses as its own, as `openssl req -x509` makes them.
    #[error("the certificate of {place} is an authority's own, which no server may use: pass --pin-sha256")]
    CertificateOfAuthority {
        /// Whose.
        place: String,
    },
    /// Another certificate than the pinned one.
    #[error(
        "{place} shows another certificate than the pinned one: its SHA-256 is {seen} (renewed, or somebody is in between)"
    )]
    PinMismatch {
        /// Whose.
        place: String,
        /// Fingerprint of the certificate that came, in hex.
        seen: String,
    },
    /// Any other disagreement in TLS.
    #[error("no TLS connection to {place}: {reason}")]
    Tls {
        /// Where.
        place: String,
        /// What the TLS library says.
        reason: String,
    },
    /// An HTTP answer other than 101.
    #[error("{place} answered HTTP {status} for {path}: {hint}")]
    Http {
        /// Where.
        place: String,
        /// The path we asked for.
        path: String,
        /// The status code.
        status: u16,
        /// What that most likely means.
        hint: String,
    },
    /// Something answered, but not a WebSocket server.
    #[error("{place} does not answer as a WebSocket server: check the port and the path of the URL ({reason})")]
    NotWebSocket {
        /// Where.
        place: String,
        /// What was wrong with the answer.
        reason: String,
    },
}

impl ConnectError {
    /// Whether the same attempt may succeed later without anybody changing the command line or the server's set-up.
    pub(crate) fn may_heal(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::NoAnswer { .. } => true,
            Self::Proxy(error) => error.may_heal(),
            Self::Http { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// The error for a WebSocket request answered with `status`. `location` is where a redirect leads.
    pub(crate) fn http(place: &str, path: &str, status: u16, location: Option<&str>) -> Self {
        let hint = match (status, location) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => {
                format!("the server has moved to {location}: use that URL")
            }
            (401, _) => "it wants a login: pass --token-file or --header, or check the URL".to_owned(),
            (403, _) => "it does not let this client in: check the URL, or ask who runs the server".to_owned(),
            (404 | 410, _) => "nothing is there: check the path of the URL (Ayame servers use /signaling)".to_owned(),
            (429, _) => "too many connections from here: wait a little".to_owned(),
            (502..=504, _) => "a proxy answered, but the server behind it is not running".to_owned(),
            (500..=599, _) => "the server has a problem: try again later".to_owned(),
            (200..=299, _) => "that is an ordinary web page, not a WebSocket: check the path of the URL".to_owned(),
            _ => "it does not take WebSockets there: check the path of the URL".to_owned(),
        };
        Self::Http { place: place.to_owned(), path: path.to_owned(), status, hint }
    }
}
