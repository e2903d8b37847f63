//! A TURN server on loopback, with one user, that is reached over UDP, TCP or TLS and nothing else.
//! Calls that may use nothing else go through it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::place::{free_tcp_port, program, scratch};
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
    port: u16,
    transport: Transport,
    folder: tempfile::TempDir,
}

impl Relay {
    /// Starts one that is reached over UDP.
    pub fn start() -> Self {
        Self::over(Transport::Udp)
    }

    /// Starts one that is reached over that, and over nothing else.
    pub fn over(transport: Transport) -> Self {
        let folder = scratch();
        let port = free_tcp_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new(program("turnserver").expect("coturn is installed"));
        command
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-dtls", "--no-cli"])
            .args(["--lt-cred-mech", "--realm=ringback.test", &format!("--user={USER}:{PASSWORD}")])
            .args(["--allow-loopback-peers", "--log-file=stdout", "--verbose"])
            .args([format!("--pidfile={}", at("pid")), format!("--userdb={}", at("users"))])
            .current_dir(folder.path());
        match transport {
            Transport::Udp => command.args(["--no-tls", "--no-tcp", &format!("--listening-port={port}")]),
            Transport::Tcp => command.args(["--no-tls", "--no-udp", &format!("--listening-port={port}")]),
            Transport::Tls => {
                let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
                std::fs::write(at("cert.pem"), made.cert.pem()).expect("writable");
                std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).expect("writable");
                let files = [format!("--cert={}", at("cert.pem")), format!("--pkey={}", at("key.pem"))];
                command.args(["--no-udp", "--no-tcp", &format!("--tls-listening-port={port}")]).args(files)
            }
        };
        let process = Process::start("turnserver", &mut command);
        process.line_out("listener opened on", Duration::from_secs(20));
        Self { process, port, transport, folder }
    }

    /// The value of `--ice-server`.
    pub fn option(&self) -> String {
        let port = self.port;
        let url = match self.transport {
            Transport::Udp => format!("turn:127.0.0.1:{port}?transport=udp"),
            Transport::Tcp => format!("turn:127.0.0.1:{port}?transport=tcp"),
            Transport::Tls => format!("turns:127.0.0.1:{port}?transport=tcp"),
        };
        format!("{url},{USER},{PASSWORD}")
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

    /// Whether anyone was given an address on it.
    pub fn was_used(&self) -> bool {
        self.process.stdout.text().contains("ALLOCATE processed, success")
    }
}
