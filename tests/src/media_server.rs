//! A media server of somebody else's making (aiohttp and aiortc) on loopback, to publish to and to watch.
//! Its packages are installed once, below the target folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::place::{folder, repository};
use crate::port::Port;
use crate::process::Process;

/// What it asks of everybody.
pub const TOKEN: &str = "open-sesame";

/// Importing its libraries takes a while on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running server.
pub struct MediaServer {
    /// Its process; each line that it prints is one thing that happened.
    pub process: Process,
    port: Port,
}

impl MediaServer {
    /// Starts it with these options of `tests/mediaserver/server.py`.
    pub fn with(options: &[&str]) -> Self {
        let port = Port::free();
        let mut command = Command::new(installed());
        command.arg(repository().join("tests/mediaserver/server.py"));
        command.args(["--token", TOKEN, "--port", &port.to_string()]).args(options);
        let process = Process::start("media server", &mut command);
        process.line_out("listening", START);
        Self { process, port }
    }

    /// The value of `--server`, to publish.
    pub fn whip(&self) -> String {
        format!("whip+http://127.0.0.1:{}/whip", self.port)
    }

    /// The value of `--server`, to watch.
    pub fn whep(&self) -> String {
        format!("whep+http://127.0.0.1:{}/whep", self.port)
    }

    /// An address that sends on to [`whip`](Self::whip).
    pub fn moved(&self) -> String {
        format!("whip+http://127.0.0.1:{}/moved/whip", self.port)
    }

    /// How many pictures and sounds it decoded of the session that was ended by a request; waits for that.
    pub fn decoded(&self) -> (u32, u32) {
        let line = self.process.line_out("delete after", Duration::from_secs(5));
        let numbers: Vec<u32> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (numbers[0], numbers[1])
    }
}

/// The Python with the server's packages. Others who want it meanwhile wait.
fn installed() -> PathBuf {
    let place = folder("mediaserver");
    let lock = File::create(place.join("lock")).expect("the target folder is writable");
    lock.lock().expect("the file system has locks");
    let (wanted, done) = (repository().join("tests/mediaserver/requirements.txt"), place.join("requirements.txt"));
    let python = place.join("venv/bin/python");
    if fs::read(&done).ok() != fs::read(&wanted).ok() || !python.is_file() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(place.join("venv")));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&wanted));
        fs::copy(&wanted, &done).expect("the target folder is writable");
    }
    python
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
