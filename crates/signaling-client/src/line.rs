//! Opens the line to a server from its URL: straight or through a proxy, and in TLS where the URL asks for it.
//! One function for every protocol; what is said over the line is its caller's business.

use std::fmt;
use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::ServerName;
use tracing::debug;
use url::{Host, Url};

use crate::clock::Clock;
use crate::connect_error::{ConnectError, Stage};
use crate::proxy::{self, Proxies};
use crate::tcp;
use crate::text::one_line;
use crate::tls::{self, TlsOptions};

/// TCP, perhaps with something around it.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Line for S {}

/// Opens a line to the server of `url`, whose scheme is `ws`, `http` (plain), `wss` or `https` (in TLS). `clock` bounds it.
///
/// # Errors
/// Each step that fails has a [`ConnectError`] of its own.
pub(crate) async fn open(
    url: &Url,
    tls: &TlsOptions,
    proxies: &Proxies,
    clock: &Clock,
) -> Result<Box<dyn Line>, ConnectError> {
    let target = Target::of(url)?;
    // Before anything is sent: a file that cannot be read costs no connection.
    let encryption = if target.encrypted {
        let name = target.server_name().ok_or_else(|| ConnectError::Url(shown(url)))?;
        Some((tls::load(tls).await?, name))
    } else {
        None
    };
    let line = match proxies.of(&target) {
        Some(proxy) => {
            debug!(%proxy, "through a proxy");
            proxy::tunnel(proxy, &target, tls, clock).await?
        }
        None => direct(&target, clock).await?,
    };
    match encryption {
        None => Ok(line),
        Some((connector, name)) => {
            let line = clock.bound(Stage::Tls, connector.connect(name, line)).await?;
            Ok(Box::new(line.map_err(|error| tls::explain(clock.place(), &error))?))
        }
    }
}

/// Host and port of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    /// Whether TLS is spoken with it.
    pub(crate) encrypted: bool,
}

impl Target {
    /// Whom `url` names.
    pub(crate) fn of(url: &Url) -> Result<Self, ConnectError> {
        let encrypted = match url.scheme() {
            "ws" | "http" => Some(false),
            "wss" | "https" => Some(true),
            _ => None,
        };
        match (encrypted, url.host(), url.port_or_known_default()) {
            (Some(encrypted), Some(host), Some(port)) => Ok(Self { host: host.to_owned(), port, encrypted }),
            _ => Err(ConnectError::Url(shown(url))),
        }
    }

    /// The host as the resolver wants it: an IPv6 address without brackets.
    pub(crate) fn bare(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// The address, where the URL has one in place of a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    fn server_name(&self) -> Option<ServerName<'static>> {
        match self.ip() {
            Some(address) => Some(address.into()),
            None => ServerName::try_from(self.bare()).ok(),
        }
    }
}

/// `host:port`, an IPv6 address in brackets, as a person writes it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// `url` for the person: without its query, in which a protocol may put a key.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    one_line(url.as_str())
}

async fn direct(target: &Target, clock: &Clock) -> Result<Box<dyn Line>, ConnectError> {
    let host = target.bare();
    let addresses = clock.bound(Stage::Resolve, tcp::resolve(&host, target.port)).await?;
    let addresses = addresses.map_err(|source| ConnectError::Resolve { host, source })?;
    let stream = clock.bound(Stage::Tcp, tcp::connect(addresses)).await?;
    Ok(Box::new(stream.map_err(|source| unreachable(clock.place(), source))?))
}

fn unreachable(place: &str, source: io::Error) -> ConnectError {
    let place = place.to_owned();
    match source.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { place },
        _ => ConnectError::Unreachable { place, source },
    }
}
