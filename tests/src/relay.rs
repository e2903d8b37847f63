//! A TURN server on loopback, with one user.
//! Calls that may use nothing else go through it.

use std::process::Command;
use std::time::Duration;

use crate::place::{free_tcp_port, program, scratch};
use crate::process::Process;

const USER: &str = "caller";
const PASSWORD: &str = "not,a,secret";

/// A running relay.
pub struct Relay {
    process: Process,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Relay {
    /// Starts it.
    pub fn start() -> Self {
        let folder = scratch();
        let port = free_tcp_port();
        let mut command = Command::new(program("turnserver").expect("coturn is installed"));
        command
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", &format!("--listening-port={port}")])
            .args(["--lt-cred-mech", "--realm=ringback.test", &format!("--user={USER}:{PASSWORD}")])
            .args(["--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--log-file=stdout", "--verbose"])
            .arg(format!("--pidfile={}", folder.path().join("pid").display()))
            .arg(format!("--userdb={}", folder.path().join("users").display()))
            .current_dir(folder.path());
        let process = Process::start("turnserver", &mut command);
        process.line_out("listener opened on : 127.0.0.1", Duration::from_secs(20));
        Self { process, port, _folder: folder }
    }

    /// The value of `--ice-server`.
    pub fn option(&self) -> String {
        format!("turn:127.0.0.1:{}?transport=udp,{USER},{PASSWORD}", self.port)
    }

    /// Whether anyone was given an address on it.
    pub fn was_used(&self) -> bool {
        self.process.stdout.text().contains("ALLOCATE processed, success")
    }
}
