//! A server as a child process on a free port of loopback, which ends with its value.
//! The scenarios of the whole program start the same ones.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::install;

/// Longest start; node needs half a second, and much more where everything is busy.
const START: Duration = Duration::from_secs(60);
/// Between two looks whether it listens.
const LOOK: Duration = Duration::from_millis(20);
/// Ports that may be taken between our looking and the server's listening.
const TRIES: usize = 3;

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
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
    pub(crate) fn start(command: impl Fn(u16) -> Command) -> Self {
        (0..TRIES).find_map(|_| Self::try_start(&command)).expect("a server that is installed starts")
    }

    fn try_start(command: &impl Fn(u16) -> Command) -> Option<Self> {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = address.expect("loopback has free ports");
        let mut command = command(address.port());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { child, address };
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if TcpStream::connect(address).is_ok() {
                return Some(server);
            }
            if !matches!(server.child.try_wait(), Ok(None)) {
                return None;
            }
            std::thread::sleep(LOOK);
        }
        None
    }

    /// `127.0.0.1` and the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
