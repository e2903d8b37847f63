//! A TURN server with one user, on loopback or in a network of the test's own, reached over what the test asks for.
//! Calls that may use nothing else go through it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::place::{program, scratch};
use crate::port::Port;
use crate::process::Process;

const USER: &str = "caller";
const PASSWORD: &str = "not,a,secret";

/// What a relay is reached over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream.
    Tls,
}

/// A running relay.
pub struct Relay {
    process: Process,
    ip: String,
    port: u16,
    tls_port: u16,
    /// The two above, where they are not the usual ones.
    held: Vec<Port>,
    transport: Transport,
    folder: tempfile::TempDir,
    options: Vec<String>,
}

impl Relay {
    /// Starts one on loopback that is reached over UDP.
    pub fn start() -> Self {
        Self::over(Transport::Udp)
    }

    /// Starts one on loopback that is reached over that, and over nothing else.
    pub fn over(transport: Transport) -> Self {
        let user = format!("--user={USER}:{PASSWORD}");
        Self::loopback(transport, &["--lt-cred-mech", &user])
    }

    /// Starts one on loopback, reached over UDP, whose users are those that know the secret: their names are times
    /// until which they are let in. More options are `--stale-nonce=5`, say.
    pub fn with_secret(secret: &str, options: &[&str]) -> Self {
        let secret = format!("--static-auth-secret={secret}");
        Self::loopback(Transport::Udp, &[&["--use-auth-secret", &secret], options].concat())
    }

    /// Another one in its place on loopback, after it has ended and all addresses on it with it.
    pub fn again(self) -> Self {
        let Self { process, ip, port, tls_port, held, transport, options, .. } = self;
        drop(process);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let relay = Self::run(Command::new(turnserver()), &ip, (port, tls_port), transport, &options);
        Self { held, ..relay }
    }

    /// Starts one at that address, on the usual ports and over everything; `inside` gives the command that runs a program
    /// where that address is.
    pub fn at(ip: &str, inside: impl FnOnce(&Path) -> Command) -> Self {
        let command = inside(&turnserver());
        let user = format!("--user={USER}:{PASSWORD}");
        Self::run(command, ip, (3478, 5349), Transport::Udp, &["--lt-cred-mech", &user])
    }

    fn loopback(transport: Transport, options: &[&str]) -> Self {
        let only = match transport {
            Transport::Udp => ["--no-tls", "--no-tcp"],
            Transport::Tcp => ["--no-tls", "--no-udp"],
            Transport::Tls => ["--no-tcp", "--no-udp"],
        };
        let options = [&only, options, &["--allow-loopback-peers"]].concat();
        let held = [Port::free(), Port::free()];
        let ports = (held[0].number(), held[1].number());
        let relay = Self::run(Command::new(turnserver()), "127.0.0.1", ports, transport, &options);
        Self { held: held.into(), ..relay }
    }

    fn run(mut command: Command, ip: &str, ports: (u16, u16), transport: Transport, options: &[&str]) -> Self {
        let folder = scratch();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let made = rcgen::generate_simple_self_signed([ip.to_owned()]).expect("a certificate");
        std::fs::write(at("cert.pem"), made.cert.pem()).expect("writable");
        std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).expect("writable");
        let (port, tls_port) = ports;
        command
            .args(["-n", "--no-dtls", "--no-cli", "--realm=ringback.test", "--log-file=stdout", "--verbose"])
            .args([format!("--listening-ip={ip}"), format!("--relay-ip={ip}")])
            .args([format!("--listening-port={port}"), format!("--tls-listening-port={tls_port}")])
            .args([format!("--cert={}", at("cert.pem")), format!("--pkey={}", at("key.pem"))])
            .args([format!("--pidfile={}", at("pid")), format!("--userdb={}", at("users"))])
            .args(options)
            .current_dir(folder.path());
        let process = Process::start("turnserver", &mut command);
        process.line_out("listener opened on", Duration::from_secs(20));
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self { process, ip: ip.to_owned(), port, tls_port, held: Vec::new(), transport, folder, options }
    }

    /// The value of `--ice-server`.
    pub fn option(&self) -> String {
        self.option_over(self.transport)
    }

    /// The value of `--ice-server` that reaches it over that.
    pub fn option_over(&self, transport: Transport) -> String {
        format!("{},{USER},{PASSWORD}", self.url(transport))
    }

    /// Its URL over that, without user and password.
    pub fn url(&self, transport: Transport) -> String {
        let Self { ip, port, tls_port, .. } = self;
        match transport {
            Transport::Udp => format!("turn:{ip}:{port}?transport=udp"),
            Transport::Tcp => format!("turn:{ip}:{port}?transport=tcp"),
            Transport::Tls => format!("turns:{ip}:{tls_port}?transport=tcp"),
        }
    }

    /// The same as the `Link` header field of a media server (RFC 9725 §4.6); reached over UDP.
    pub fn link(&self) -> String {
        let port = self.port;
        let url = format!("turn:127.0.0.1:{port}?transport=udp");
        format!(r#"<{url}>; rel="ice-server"; username="{USER}"; credential="{PASSWORD}"; credential-type="password""#)
    }

    /// Whom to trust for it: the value of `--ca-file`.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Waits until it has given out that many addresses.
    pub fn lets_in(&self, count: usize, within: Duration) {
        self.process.lines_out("ALLOCATE processed, success", count, within);
    }

    /// The names of those who were given an address on it so far, in that order.
    pub fn users(&self) -> Vec<String> {
        let log = self.log();
        let given = log.lines().filter(|line| line.contains("ALLOCATE processed, success"));
        let name = |line: &str| Some(line.split_once("user <")?.1.split_once('>')?.0.to_owned());
        given.filter_map(name).collect()
    }

    /// Whether anyone was given an address on it.
    pub fn was_used(&self) -> bool {
        self.log().contains("ALLOCATE processed, success")
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.process.stdout.text()
    }
}

fn turnserver() -> PathBuf {
    program("turnserver").expect("coturn is installed")
}
