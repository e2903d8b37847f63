//! The namespaces of a lab: hosts a and b, the server s, and the routers before a and b where there are any.
//! They are made by `ip` and `nft`, and removed when the value is dropped, also after half of the making failed.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Output, Stdio};

use super::nat::Nat;
use super::place::Port;
use super::system;

/// Where iproute2 keeps them.
const FOLDER: &str = "/run/netns";

/// The device that leads out of a host, or out of its router.
const OUTSIDE: &str = "lab0";

/// A namespace cannot be made or entered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The name does not fit into names of namespaces.
    #[error("`{0}` cannot name a lab: write 1 to 8 letters or digits")]
    Id(String),
    /// No such program.
    #[error("cannot run `{0}`: {1}; is iproute2 (or nftables, for routers) installed?")]
    Program(String, io::Error),
    /// It refused.
    #[error("`{command}` failed: {said}")]
    Refused {
        /// What was run.
        command: String,
        /// What it said.
        said: String,
    },
    /// There is none of that name.
    #[error("there is no namespace {0} ({1}): is the lab running, and in this mount namespace?")]
    Gone(String, io::Error),
    /// A device or a setting inside it.
    #[error("cannot make {what} in namespace {namespace}: {error}")]
    Inside {
        /// Which.
        namespace: String,
        /// What was being made.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
}

type Made<T> = Result<T, NamespaceError>;

/// The namespaces, while they exist.
#[derive(Debug)]
pub(crate) struct Namespaces {
    id: String,
    /// The routers before a and b.
    nat: [Nat; 2],
    /// Those made so far, to be removed.
    made: Vec<String>,
    /// Those of a, b and s.
    hosts: Vec<File>,
}

impl Namespaces {
    /// Makes them, and the TUN devices that lead out of them in the order a, b, s. What a killed lab of the same name
    /// left is removed first.
    pub(crate) fn make(id: &str, nat: [Nat; 2], v6: bool) -> Made<(Self, [File; 3])> {
        remove(id)?;
        let mut all = Self { id: id.to_owned(), nat, made: Vec::new(), hosts: Vec::new() };
        for port in Port::ALL {
            let namespace = all.add(port.name())?;
            all.hosts.push(open(&namespace)?);
        }
        for port in [Port::A, Port::B] {
            all.add_router(port)?;
        }
        let devices = [all.lead_out(Port::A, v6)?, all.lead_out(Port::B, v6)?, all.lead_out(Port::S, v6)?];
        Ok((all, devices))
    }

    pub(crate) fn name(&self, port: Port) -> String {
        name(&self.id, port.name())
    }

    /// The address of the host as it sees itself; behind a router it is a private one.
    pub(crate) fn address(&self, port: Port) -> IpAddr {
        let address = match self.nat_of(port) {
            Nat::None => outer(port),
            _ => inner(port, 2),
        };
        IpAddr::V4(address)
    }

    pub(crate) fn file(&self, port: Port) -> &File {
        &self.hosts[port as usize]
    }

    fn nat_of(&self, port: Port) -> Nat {
        self.nat.get(port as usize).copied().unwrap_or(Nat::None)
    }

    fn add(&mut self, part: &str) -> Made<String> {
        let name = name(&self.id, part);
        run(Command::new("ip").args(["netns", "add", &name]), "")?;
        self.made.push(name.clone());
        ip(&name, "link set lo up\n")?;
        Ok(name)
    }

    fn add_router(&mut self, port: Port) -> Made<()> {
        let (nat, host) = (self.nat_of(port), self.name(port));
        let Some(rules) = nat.rules(OUTSIDE, inner(port, 2)) else { return Ok(()) };
        let router = self.add(&format!("r{port}"))?;
        let (host_address, router_address) = (inner(port, 2), inner(port, 1));
        ip(&router, &format!("link add lan0 type veth peer name eth0 netns {host}\n"))?;
        ip(&router, &format!("address add {router_address}/24 dev lan0\nlink set lan0 up\n"))?;
        ip(
            &host,
            &format!(
                "address add {host_address}/24 dev eth0\nlink set eth0 up\nroute add default via {router_address}\n"
            ),
        )?;
        within(&router, "the forwarding of packets", || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?;
        let file = open(&router)?;
        let mut nft = Command::new("nft");
        nft.args(["-f", "-"]);
        system::start_inside(&mut nft, file);
        run(&mut nft, &rules)
    }

    /// The device through which packets leave the host, or its router, for the network.
    fn lead_out(&self, port: Port, v6: bool) -> Made<File> {
        let namespace = match self.nat_of(port) {
            Nat::None => self.name(port),
            _ => name(&self.id, &format!("r{port}")),
        };
        let device = within(&namespace, "a TUN device", || system::tun(OUTSIDE))?;
        let mut lines = format!(
            "address add {}/24 dev {OUTSIDE}\nlink set {OUTSIDE} up txqueuelen 1000 mtu 1500\n\
             route replace default dev {OUTSIDE}\n",
            outer(port)
        );
        if v6 {
            lines += &format!("address add {}/64 dev {OUTSIDE} nodad\n", address_v6(port));
        }
        ip(&namespace, &lines)?;
        Ok(device)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.made {
            // What cannot be removed now is removed by the next lab of this name.
            let _ = run(Command::new("ip").args(["netns", "delete", name]), "");
        }
    }
}

/// Removes what a killed lab left.
///
/// # Errors
/// When the name is none, or `ip` is not there.
pub fn remove(id: &str) -> Result<(), NamespaceError> {
    if !(1..=8).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(NamespaceError::Id(id.to_owned()));
    }
    for part in ["a", "b", "s", "ra", "rb"] {
        let name = name(id, part);
        if std::path::Path::new(FOLDER).join(&name).exists() {
            run(Command::new("ip").args(["netns", "delete", &name]), "")?;
        }
    }
    Ok(())
}

/// A program that will run inside a part of a running lab: `a`, `b`, `s`, or the routers `ra` and `rb`.
///
/// # Errors
/// When there is no such lab, or it has no such part.
pub fn command(id: &str, part: &str, program: &str) -> Result<Command, NamespaceError> {
    let namespace = open(&name(id, part))?;
    let mut command = Command::new(program);
    system::start_inside(&mut command, namespace);
    Ok(command)
}

/// The address of a host in a lab with IPv6; routers translate none.
pub(crate) fn address_v6(port: Port) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0x201, 0, 0, 0, 0, 0, u16::from(port.number()))
}

/// The address on the network, of the host or of its router.
fn outer(port: Port) -> Ipv4Addr {
    Ipv4Addr::new(10, 201, 0, port.number())
}

/// An address between a router and its host.
fn inner(port: Port, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 202, port.number(), last)
}

fn name(id: &str, part: &str) -> String {
    format!("lab{id}-{part}")
}

fn open(namespace: &str) -> Made<File> {
    let file = File::open(std::path::Path::new(FOLDER).join(namespace));
    file.map_err(|error| NamespaceError::Gone(namespace.to_owned(), error))
}

fn within<T: Send>(namespace: &str, what: &'static str, work: impl FnOnce() -> io::Result<T> + Send) -> Made<T> {
    let failed = |error| NamespaceError::Inside { namespace: namespace.to_owned(), what, error };
    system::inside(&open(namespace)?, work).and_then(|result| result).map_err(failed)
}

/// Lines for `ip`, inside a namespace.
fn ip(namespace: &str, lines: &str) -> Made<()> {
    run(Command::new("ip").args(["-netns", namespace, "-batch", "-"]), lines)
}

fn run(command: &mut Command, input: &str) -> Made<()> {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let line = words.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned();
    let Output { status, stderr, .. } =
        fed(command, input).map_err(|error| NamespaceError::Program(line.clone(), error))?;
    if status.success() {
        return Ok(());
    }
    let said = format!("{} ({status}) {}", String::from_utf8_lossy(&stderr).trim(), input.trim());
    Err(NamespaceError::Refused { command: line, said })
}

fn fed(command: &mut Command, input: &str) -> io::Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    let mut stdin = child.stdin.take().expect("it was asked for a line above");
    // A program that has already refused reads no further; its own words say more than the broken pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output()
}
