//! A whole lab: the namespaces, and the wire between them. Dropping it takes everything down.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::process::Command;

use super::forward::{ForwardError, Forwarder, ForwarderConfig, Summary};
use super::namespaces::{self, NamespaceError, Namespaces};
use super::nat::Nat;
use super::place::Port;
use super::system;

/// What a lab is like.
#[derive(Clone, Debug)]
pub struct LabConfig {
    /// Its name, 1 to 8 letters or digits: several labs run side by side under different names.
    pub id: String,
    /// The router before host a.
    pub nat_a: Nat,
    /// The router before host b.
    pub nat_b: Nat,
    /// Whether there are IPv6 addresses too; not behind a router.
    pub v6: bool,
    /// What the links do.
    pub forwarder: ForwarderConfig,
}

impl Default for LabConfig {
    fn default() -> Self {
        let forwarder = ForwarderConfig::default();
        Self { id: "0".to_owned(), nat_a: Nat::None, nat_b: Nat::None, v6: false, forwarder }
    }
}

/// A lab cannot be made, or has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Its namespaces.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// The wire between them.
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    // In this order: the wire ends before its devices lose their namespaces.
    forwarder: Forwarder,
    namespaces: Namespaces,
}

impl Lab {
    /// Makes a lab; the process must have the rights to ([`super::privilege`]).
    ///
    /// # Errors
    /// When a program is missing or refuses, or the log cannot be written; what was made by then is removed.
    pub fn up(config: LabConfig) -> Result<Self, LabError> {
        let (namespaces, devices) = Namespaces::make(&config.id, [config.nat_a, config.nat_b], config.v6)?;
        let forwarder = Forwarder::start(devices, config.forwarder)?;
        Ok(Self { forwarder, namespaces })
    }

    /// The profile's zero is now; until then the links stand as at zero. Gives that time as Unix time in microseconds,
    /// as the log tells it too.
    pub fn start_profile(&self) -> u64 {
        self.forwarder.start_profile()
    }

    /// The namespace of a host, as `ip netns` names it.
    pub fn namespace(&self, port: Port) -> String {
        self.namespaces.name(port)
    }

    /// The address of a host as it sees itself: a private one behind a router.
    pub fn address(&self, port: Port) -> IpAddr {
        self.namespaces.address(port)
    }

    /// The IPv6 address of a host, in a lab that has them.
    pub fn address_v6(&self, port: Port) -> Ipv6Addr {
        namespaces::address_v6(port)
    }

    /// A program that will run on a host.
    ///
    /// # Errors
    /// When this process has no file descriptor left.
    pub fn command(&self, port: Port, program: impl AsRef<OsStr>) -> io::Result<Command> {
        let mut command = Command::new(program);
        system::start_inside(&mut command, self.namespaces.file(port).try_clone()?);
        Ok(command)
    }

    /// Runs something on a host, on a thread of its own, and gives what it gave. Sockets opened there stay there.
    ///
    /// # Errors
    /// When the system gives no thread or does not let it in.
    pub fn inside<T: Send>(&self, port: Port, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        system::inside(self.namespaces.file(port), work)
    }

    /// Whether the wire still works; when not, [`Lab::down`] tells why.
    pub fn is_running(&self) -> bool {
        self.forwarder.is_running()
    }

    /// Takes everything down and tells what became of the packets.
    ///
    /// # Errors
    /// What made the wire fail before.
    pub fn down(self) -> Result<Summary, LabError> {
        let Self { forwarder, namespaces } = self;
        let summary = forwarder.stop();
        drop(namespaces);
        Ok(summary?)
    }
}
