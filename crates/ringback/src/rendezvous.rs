//! How two machines meet without a server of their own: find the room on this machine or network, else host it.
//! The first to come hosts; when two began to host at once, both agree on which of the two goes on.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use call_engine::{RoomId, Secret, ServerUrl};
use signaling_server::discovery::{self, Announcement, Browser, Found};
use signaling_server::{Server, ServerConfig, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::face::words;
use crate::window::Invitation;
use crate::{serve, terminal};

/// A server on loopback answers at once or is none.
const PROBE: Duration = Duration::from_millis(300);

/// Where the call meets, and what has to live as long as the call for it.
pub(crate) struct Meeting {
    /// The signaling server to use.
    pub(crate) server: ServerUrl,
    /// Its certificate's pin, when it is a self-signed one.
    pub(crate) pin: Option<[u8; 32]>,
    hosting: Option<Hosting>,
}

struct Hosting {
    server: Server,
    /// Address and pin of the listener for the network; none where that could not be opened.
    network: Option<(SocketAddr, [u8; 32])>,
    announcement: Option<Announcement>,
}

/// Finds whoever hosts `room` on this machine or network, or hosts it.
pub(crate) async fn meet(room: &RoomId, key: Option<&Secret>) -> anyhow::Result<Meeting> {
    if let Some(meeting) = on_this_machine().await? {
        return Ok(meeting);
    }
    let browser = Browser::start(room).inspect_err(|error| debug!("no search on the network: {error}")).ok();
    if let Some(found) = search(browser.as_ref()).await {
        return joined(&found).await;
    }
    let Some(mut hosting) = host(room, key).await? else {
        // Another process took the port since we looked.
        return on_this_machine().await?.context("port 7550 is taken by another program: use --server");
    };
    // Whoever began to search while we did has not seen us, and may host by now.
    if let (Some(announcement), Some(found)) = (&hosting.announcement, search(browser.as_ref()).await)
        && found.precedes(announcement)
    {
        hosting.close().await;
        return joined(&found).await;
    }
    Ok(Meeting { server: server_url(&hosting.server.signaling_url())?, pin: None, hosting: Some(hosting) })
}

impl Meeting {
    /// Says how the other joins.
    pub(crate) fn announce(&self, room: &RoomId) {
        let Some(hosting) = &self.hosting else {
            terminal::line(&format!("found “{room}” at {}", self.server.url.host_str().unwrap_or("this machine")));
            return;
        };
        terminal::line(&format!("hosting “{room}”; the other joins with:  ringback call {room}"));
        if let Some((address, pin)) = hosting.network {
            let origin = signaling_server::reachable(address);
            terminal::line(&format!(
                "  from elsewhere: --server wss://{origin}/signaling --pin-sha256 {}",
                serve::hex(&pin)
            ));
            serve::invite(&signaling_server::page_url(address, true, room), None);
        }
        terminal::line(&format!("on this machine: {}", hosting.server.page_url(room)));
    }

    /// The same for the window.
    pub(crate) fn invitation(&self, room: &RoomId) -> Invitation {
        let Some(hosting) = &self.hosting else { return Invitation::at(&self.server, room) };
        let network = hosting.network.map(|(address, _)| signaling_server::page_url(address, true, room));
        let mut who = vec![words::hosted(room.as_str()), words::REACH_HERE.to_owned()];
        who.extend(network.is_some().then(|| words::REACH_NETWORK.to_owned()));
        Invitation { who, link: Some(hosting.server.page_url(room)), network_link: network }
    }

    /// The link by which a browser joins, from elsewhere if it can; nothing where another hosts the room.
    pub(crate) fn link(&self, room: &RoomId) -> Option<String> {
        let hosting = self.hosting.as_ref()?;
        Some(match hosting.network {
            Some((address, _)) => signaling_server::page_url(address, true, room),
            None => hosting.server.page_url(room),
        })
    }

    /// Stops hosting, if we did.
    pub(crate) async fn close(self) {
        if let Some(mut hosting) = self.hosting {
            hosting.close().await;
            hosting.server.shutdown().await;
        }
    }
}

impl Hosting {
    /// Takes the announcement back.
    async fn close(&mut self) {
        if let Some(announcement) = self.announcement.take() {
            announcement.withdraw().await;
        }
    }
}

async fn search(browser: Option<&Browser>) -> Option<Found> {
    timeout(discovery::PATIENCE, browser?.next()).await.ok().flatten()
}

/// A Ringback (or other Ayame) server on the default port of this machine.
async fn on_this_machine() -> anyhow::Result<Option<Meeting>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ServerConfig::DEFAULT_PORT));
    if !timeout(PROBE, answers(address)).await.is_ok_and(|answer| answer.unwrap_or(false)) {
        return Ok(None);
    }
    Ok(Some(Meeting { server: server_url(&format!("ws://{address}/signaling"))?, pin: None, hosting: None }))
}

/// Whether an Ayame server is there: it answers `/.ok` with 200.
async fn answers(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /.ok HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(&status == b"HTTP/1.1 200")
}

/// Takes the first of the host's addresses that lets us connect; a machine has some that lead nowhere from here.
async fn joined(found: &Found) -> anyhow::Result<Meeting> {
    let mut servers = Vec::new();
    for text in &found.urls {
        let server = server_url(text)?;
        let address = server.url.socket_addrs(|| None).ok().and_then(|addresses| addresses.first().copied());
        if let Some(address) = address
            && timeout(PROBE, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
        {
            return Ok(Meeting { server, pin: found.pin, hosting: None });
        }
        servers.push(server);
    }
    // None answered in time: let the first one say why.
    let server = servers.into_iter().next().context("the room's host has no address")?;
    Ok(Meeting { server, pin: found.pin, hosting: None })
}

/// One server for loopback (plain, so that a browser here gives camera and microphone) and for the network (TLS).
/// `None` when the port is taken.
async fn host(room: &RoomId, key: Option<&Secret>) -> anyhow::Result<Option<Hosting>> {
    let config = ServerConfig { key: key.cloned(), ..ServerConfig::default() };
    let mut server = match Server::start(config).await {
        Ok(server) => server,
        Err(signaling_server::ServerError::Listen { source, .. }) if source.kind() == std::io::ErrorKind::AddrInUse => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let network = match server.also_listen(everywhere, &Tls::SelfSigned).await {
        Ok((address, pin)) => pin.map(|pin| (address, pin)),
        Err(error) => {
            terminal::warn(&format!("others on the network cannot join: {error}"));
            None
        }
    };
    let announcement = network.and_then(|(address, pin)| {
        Announcement::publish(room, address, Some(pin))
            .inspect_err(|error| terminal::warn(&format!("others on the network will not find the room: {error}")))
            .ok()
    });
    Ok(Some(Hosting { server, network, announcement }))
}

fn server_url(text: &str) -> anyhow::Result<ServerUrl> {
    call_engine::parse_server_url(text).with_context(|| format!("the host gave an address that cannot be used: {text}"))
}
