//! A proxy on loopback with one user: tinyproxy for HTTP, microsocks for SOCKS5.
//! Signaling goes through it where a call is told so.

use std::process::Command;
use std::time::Duration;

use crate::place::{program, scratch};
use crate::port::Port;
use crate::process::Process;

const USER: &str = "caller";

/// The user's password, which nobody may show.
pub const PASSWORD: &str = "mackerel-sky";

/// A running proxy.
pub struct Detour {
    process: Process,
    scheme: &'static str,
    port: Port,
    _folder: tempfile::TempDir,
}

impl Detour {
    /// Starts one that takes CONNECT.
    pub fn http() -> Self {
        let (folder, port) = (scratch(), Port::free());
        let file = folder.path().join("tinyproxy.conf");
        let lines = [
            &format!("Port {port}"),
            "Listen 127.0.0.1",
            "Timeout 60",
            "Allow 127.0.0.1",
            &format!("BasicAuth {USER} {PASSWORD}"),
            "LogLevel Connect",
        ];
        std::fs::write(&file, lines.join("\n") + "\n").expect("writable");
        let mut command = Command::new(program("tinyproxy").expect("tinyproxy is installed"));
        let process = Process::start("tinyproxy", command.args(["-d", "-c"]).arg(&file));
        Self { process, scheme: "http", port, _folder: folder }.listening()
    }

    /// Starts one that speaks SOCKS5.
    pub fn socks() -> Self {
        let (folder, port) = (scratch(), Port::free());
        let mut command = Command::new(program("microsocks").expect("microsocks is installed"));
        command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD]);
        let process = Process::start("microsocks", &mut command);
        Self { process, scheme: "socks5h", port, _folder: folder }.listening()
    }

    fn listening(self) -> Self {
        for _ in 0..500 {
            if std::net::TcpStream::connect(self.port.address()).is_ok() {
                return self;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process.fail("does not listen")
    }

    /// The value of `--proxy`.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    /// The same with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("{}://{USER}:{password}@127.0.0.1:{}", self.scheme, self.port)
    }

    /// Waits until it has passed somebody on.
    pub fn has_passed_on(&self, to: &str) {
        let (stream, words) = match self.scheme {
            "http" => (&self.process.stdout, format!("Established connection to host \"{to}\"")),
            _ => (&self.process.stderr, format!("connected to {to}:")),
        };
        if stream.wait_for(&words, Duration::from_secs(5)).is_none() {
            self.process.fail("has passed nobody on");
        }
    }

    /// Whether it has passed anybody on so far.
    pub fn was_used(&self) -> bool {
        let said = self.process.stdout.text() + &self.process.stderr.text();
        said.contains("Established connection to host") || said.contains("connected to ")
    }
}
