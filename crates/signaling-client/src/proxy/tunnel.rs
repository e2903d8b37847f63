//! Opens a connection to a server through a proxy: connects to the proxy, and does what its handshake says.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::rustls::pki_types::ServerName;
use url::Host;

use crate::clock::Clock;
use crate::connect_error::{ConnectError, Stage};
use crate::line::{Line, Target};
use crate::proxy::address::{Proxy, Scheme};
use crate::proxy::error::ProxyError;
use crate::proxy::handshake::{Fault, Handshake, Step};
use crate::proxy::http_connect::HttpConnect;
use crate::proxy::socks5::{Destination, Socks5};
use crate::tcp;
use crate::text::one_line;
use crate::tls::{self, TlsOptions};

/// A line to `target` through `proxy`. TLS with the server is not spoken yet.
pub(crate) async fn tunnel(
    proxy: &Proxy,
    target: &Target,
    tls: &TlsOptions,
    clock: &Clock,
) -> Result<Box<dyn Line>, ConnectError> {
    match proxy.scheme {
        Scheme::Http | Scheme::Https => {
            through(proxy, target, tls, clock, HttpConnect::new(target, proxy.login.as_ref())).await
        }
        Scheme::Socks5h => socks5(proxy, target, tls, clock, by_name(target)).await,
        Scheme::Socks5 => {
            let host = target.bare();
            let addresses = clock.bound(Stage::Resolve, tcp::resolve(&host, target.port)).await?;
            let addresses = addresses.map_err(|source| ConnectError::Resolve { host, source })?;
            let first = *addresses.first().expect("a name without addresses is an error");
            let line = socks5(proxy, target, tls, clock, Destination::Address(first.ip())).await;
            match (line, addresses.iter().find(|address| address.is_ipv6() != first.is_ipv6())) {
                // The proxy may have no way to addresses of that family.
                (
                    Err(ConnectError::Proxy(ProxyError::Refused { fault: Fault::Socks(1 | 3..=5 | 8), .. })),
                    Some(other),
                ) => socks5(proxy, target, tls, clock, Destination::Address(other.ip())).await,
                (line, _) => line,
            }
        }
    }
}

/// An address goes as an address: some proxies look up names only.
fn by_name(target: &Target) -> Destination {
    target.ip().map_or_else(|| Destination::Name(target.bare()), Destination::Address)
}

async fn socks5(
    proxy: &Proxy,
    target: &Target,
    tls: &TlsOptions,
    clock: &Clock,
    destination: Destination,
) -> Result<Box<dyn Line>, ConnectError> {
    if matches!(&destination, Destination::Name(name) if name.len() > usize::from(u8::MAX)) {
        return Err(ProxyError::LongName { proxy: proxy.to_string() }.into());
    }
    through(proxy, target, tls, clock, Socks5::new(destination, target.port, proxy.login.as_ref())).await
}

async fn through(
    proxy: &Proxy,
    target: &Target,
    tls: &TlsOptions,
    clock: &Clock,
    handshake: impl Handshake,
) -> Result<Box<dyn Line>, ConnectError> {
    let mut line = clock.bound(Stage::Proxy, reach(proxy, tls)).await??;
    clock.bound(Stage::Tunnel, talk(proxy, target, &mut line, handshake)).await??;
    Ok(line)
}

/// A connection to the proxy itself.
async fn reach(proxy: &Proxy, options: &TlsOptions) -> Result<Box<dyn Line>, ConnectError> {
    let name = proxy.to_string();
    let bare = match &proxy.host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let addresses = tcp::resolve(&bare, proxy.port).await;
    let addresses = addresses.map_err(|source| ProxyError::Resolve { proxy: name.clone(), source })?;
    let stream = tcp::connect(addresses).await;
    let stream = stream.map_err(|source| ProxyError::Unreachable { proxy: name.clone(), source })?;
    if proxy.scheme != Scheme::Https {
        return Ok(Box::new(stream));
    }
    let broken = |reason: String| ProxyError::Tls { proxy: name.clone(), reason };
    let server_name = ServerName::try_from(bare).map_err(|error| broken(error.to_string()))?;
    let connector = tls::load(&options.of_others()).await?;
    let stream = connector.connect(server_name, stream).await;
    Ok(Box::new(stream.map_err(|error| broken(one_line(&error.to_string())))?))
}

/// Does the steps of `handshake` on `line`.
async fn talk(
    proxy: &Proxy,
    target: &Target,
    line: &mut Box<dyn Line>,
    mut handshake: impl Handshake,
) -> Result<(), ProxyError> {
    let closed = |_: io::Error| ProxyError::Closed { proxy: proxy.to_string() };
    let mut heard = Vec::new();
    loop {
        let step = handshake.step(&heard).map_err(|fault| ProxyError::Refused {
            proxy: proxy.to_string(),
            target: target.to_string(),
            fault,
        })?;
        match step {
            Step::Through => return Ok(()),
            Step::Send(bytes) => {
                heard.clear();
                line.write_all(&bytes).await.map_err(closed)?;
                line.flush().await.map_err(closed)?;
            }
            Step::Read(length) => {
                heard.resize(length, 0);
                line.read_exact(&mut heard).await.map_err(closed)?;
            }
        }
    }
}
