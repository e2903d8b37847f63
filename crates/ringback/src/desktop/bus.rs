//! A D-Bus of a test's own, which ends with its value; a test plays the desktop on it.
//! Nothing of the person's session is touched.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use zbus::Connection;
use zbus::connection::Builder;
use zbus::object_server::Interface;

/// A running `dbus-daemon`.
pub(crate) struct Bus {
    daemon: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Bus {
    /// Starts it; where it is not installed, the test is skipped with a word about it.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let started = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:dir={}", folder.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = started else {
            crate::skipped::skip("dbus-daemon is not installed");
            return None;
        };
        let mut address = String::new();
        let output = daemon.stdout.take().expect("piped above");
        let read = BufReader::new(output).read_line(&mut address);
        let bus = Self { daemon, address: address.trim().to_owned(), _folder: folder };
        assert!(read.is_ok() && !bus.address.is_empty(), "dbus-daemon tells no address");
        Some(bus)
    }

    /// A program on it.
    pub(crate) async fn connect(&self) -> Connection {
        self.builder().build().await.expect("the bus is there")
    }

    /// A program on it that offers this service.
    pub(crate) async fn serve(&self, name: &'static str, path: &'static str, service: impl Interface) -> Connection {
        let builder = self.builder().name(name).and_then(|builder| builder.serve_at(path, service));
        builder.expect("valid names").build().await.expect("the name is free")
    }

    fn builder(&self) -> Builder<'_> {
        Builder::address(self.address.as_str()).expect("dbus-daemon prints a valid address")
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
