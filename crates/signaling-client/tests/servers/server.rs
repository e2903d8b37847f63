//! A server as a child process on a free port of loopback, which ends with its value.
//! The scenarios of the whole program start the same ones.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::install;
use crate::port::Port;

/// Longest start; node needs half a second, and much more where everything is busy.
const START: Duration = Duration::from_secs(60);
/// Between two looks whether it listens.
const LOOK: Duration = Duration::from_millis(20);

/// A running server.
pub(crate) struct Server {
    child: Child,
    port: Port,
}

impl Server {
    /// The server of PeerJS, from npm, below `/app`.
    pub(crate) fn peerjs() -> Self {
        let program = install::npm("peer", "1.0.2").join("node_modules/.bin/peerjs");
        Self::start(|port| {
            let mut command = Command::new("node");
            command.arg(&program).args(["--host", "127.0.0.1", "--path", "/app"]);
            command.args(["--allow_discovery", "--expire_timeout", "500", "--port", &port.to_string()]);
            command
        })
    }

    /// GStreamer's signalling server, from its crate.
    pub(crate) fn gst() -> Self {
        let program = install::cargo("gst-plugin-webrtc-signalling", "0.15.4", "gst-webrtc-signalling-server");
        Self::start(|port| {
            let mut command = Command::new(&program);
            command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            command
        })
    }

    /// Starts what `command` gives for a port, and waits until it listens there.
    pub(crate) fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let port = Port::free();
        let mut command = command(port.number());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { child, port };
        let deadline = Instant::now() + START;
        while TcpStream::connect(server.address()).is_err() {
            let has_ended = !matches!(server.child.try_wait(), Ok(None));
            assert!(!has_ended && Instant::now() < deadline, "{command:?} does not listen");
            std::thread::sleep(LOOK);
        }
        server
    }

    /// `127.0.0.1` and the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
