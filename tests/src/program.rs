//! The `ringback` program as a person starts it: a server, and calls with their options, their end and their report.
//! It is run as built by `cargo xtask test`, or built here when a test is run alone.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::place::{repository, scratch, target};
use crate::port::Port;
use crate::process::Process;
use crate::report::Report;
use crate::screen::Screen;

/// Starting takes a moment where all tests of a workspace have just been compiled.
const START: Duration = Duration::from_secs(20);

/// The path of the program.
pub fn ringback() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(built) = std::env::var_os("RINGBACK_BIN") {
            return built.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "ringback", "--target-dir"])
            .arg(target())
            .current_dir(repository())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "ringback does not build");
        target().join("debug/ringback")
    })
}

/// A running `ringback serve` on loopback.
pub struct Server {
    /// The process, for tests that end it early.
    pub process: Process,
    port: Port,
}

impl Server {
    /// Starts it on a free port.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it on a free port with more options.
    pub fn with(options: &[&str]) -> Self {
        Self::at(Port::free(), options)
    }

    fn at(port: Port, options: &[&str]) -> Self {
        let mut command = Command::new(ringback());
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).args(options);
        let process = Process::start("server", &mut command);
        process.line_err("serving on", START);
        Self { process, port }
    }

    /// Another one in its place, after it has ended.
    pub fn again(self) -> Self {
        let Self { process, port } = self;
        drop(process);
        Self::at(port, &[])
    }

    /// Its signaling address.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/signaling", self.port)
    }

    /// The browser page's address, for one room.
    pub fn page(&self, room: &str) -> String {
        format!("http://127.0.0.1:{}/?room={room}", self.port)
    }
}

/// A `ringback call` to be started. Without further options it is headless and sends and plays nothing.
pub struct Call {
    name: String,
    command: Command,
    arguments: Vec<String>,
    folder: tempfile::TempDir,
}

impl Call {
    /// A call to `room`; `name` is for failure messages.
    pub fn new(name: &str, room: &str) -> Self {
        Self::through(name, room, Command::new(ringback()))
    }

    /// A call without a room, to what this URL says.
    pub fn to(name: &str, server: &str) -> Self {
        Self::without_room(name).option("--server", server)
    }

    /// A program that waits to be told whom to call.
    pub fn without_room(name: &str) -> Self {
        let mut call = Self::new(name, "");
        call.arguments.retain(|argument| !argument.is_empty());
        call
    }

    /// A call started through another program, such as one that enters a network namespace; it runs `ringback`
    /// with the arguments that follow.
    pub fn through(name: &str, room: &str, command: Command) -> Self {
        let folder = scratch();
        let arguments = ["call", room, "--headless"].map(str::to_owned).to_vec();
        Self { name: name.to_owned(), command, arguments, folder }
    }

    /// Joins the room on this server.
    #[must_use]
    pub fn on(self, server: &Server) -> Self {
        self.option("--server", &server.url())
    }

    /// Sends and plays nothing.
    #[must_use]
    pub fn silent(self) -> Self {
        self.media("none", "none").option("--audio-out", "none").option("--video-out", "none")
    }

    /// The sources of picture and sound.
    #[must_use]
    pub fn media(self, video: &str, audio: &str) -> Self {
        self.option("--video-in", video).option("--audio-in", audio)
    }

    /// Keeps what is received in [`Running::picture`] and [`Running::sound`].
    #[must_use]
    pub fn recorded(self) -> Self {
        let (picture, sound) = (self.folder.path().join("received.y4m"), self.folder.path().join("received.wav"));
        self.option("--video-out", &format!("file:{}", picture.display()))
            .option("--audio-out", &format!("file:{}", sound.display()))
    }

    /// An option and its value, instead of the one that was given before.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if let Some(at) = self.arguments.iter().position(|argument| argument == name) {
            self.arguments[at + 1] = value.to_owned();
        } else {
            self.arguments.extend([name.to_owned(), value.to_owned()]);
        }
        self
    }

    /// An option without a value.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Self {
        self.arguments.push(name.to_owned());
        self
    }

    /// An option and its value, besides those of the same name.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Leaves an option away that [`Call::new`] sets.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.arguments.retain(|argument| argument != name);
        self
    }

    /// Shown in a window on this screen.
    #[must_use]
    pub fn shown_on(self, screen: &Screen) -> Self {
        self.without("--headless")
            .env("DISPLAY", screen.display())
            .env("WAYLAND_DISPLAY", "")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        self.command.args(&self.arguments).arg("--report").arg(self.folder.path().join("report.json"));
        // What a person of this machine has chosen is no part of a test, nor is what a test chose to be remembered.
        if self.command.get_envs().all(|(name, _)| name != "XDG_CONFIG_HOME") {
            self.command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        }
        let process = Process::start(&self.name, &mut self.command);
        Running { process, folder: self.folder }
    }
}

/// A call that was started.
pub struct Running {
    /// Its process.
    pub process: Process,
    folder: tempfile::TempDir,
}

impl Running {
    /// Waits until the call is connected.
    pub fn connected(&self) {
        self.process.line_err("* connected", Duration::from_secs(30));
    }

    /// Waits until the call has run for a moment, with every channel open: the first line of figures.
    pub fn in_call(&self) {
        self.process.line_err("| received ", Duration::from_secs(30));
    }

    /// Waits until the call has shown its figures that often, which it does once a second.
    pub fn in_call_for(&self, seconds: usize) {
        self.process.lines_err("| received ", seconds, Duration::from_secs(30 + 2 * seconds as u64));
    }

    /// Waits for the end and checks the exit code.
    pub fn ends_with(&mut self, code: i32, within: Duration) {
        self.ends_with_one_of(&[code], within);
    }

    /// Waits for the end and checks that the exit code is one of these; gives it back.
    pub fn ends_with_one_of(&mut self, codes: &[i32], within: Duration) -> i32 {
        let status = self.process.wait(within);
        match status.code().filter(|code| codes.contains(code)) {
            Some(code) => code,
            None => self.process.fail(&format!("ended with {status} instead of exit code {codes:?}")),
        }
    }

    /// The report; the call must have ended.
    pub fn report(&self) -> Report {
        Report::read(&self.folder.path().join("report.json"))
    }

    /// Whether a report was written.
    pub fn has_report(&self) -> bool {
        self.folder.path().join("report.json").exists()
    }

    /// The received pictures.
    pub fn picture(&self) -> PathBuf {
        self.folder.path().join("received.y4m")
    }

    /// The received sound.
    pub fn sound(&self) -> PathBuf {
        self.folder.path().join("received.wav")
    }
}
