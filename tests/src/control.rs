//! The control socket of a program, as a script uses it: requests with their answers, and whatever is told in between.
//! Waiting is for a line that fits, with a time-out that fails the test and shows what was told so far.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Starting, joining and connecting take a moment on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A place for a socket. Not in the target folder: a socket's path may not be longer than 107 bytes.
pub struct SocketPlace(tempfile::TempDir);

impl SocketPlace {
    /// A new folder, gone with this value.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for temporary files"))
    }

    /// Where the socket will be.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("control")
    }

    /// The same as an option's value.
    pub fn text(&self) -> String {
        self.path().display().to_string()
    }
}

/// A script that is connected.
pub struct Script {
    writer: UnixStream,
    reader: BufReader<UnixStream>,
    /// Everything told so far, in order.
    told: Vec<Value>,
    /// How many of them were waited for.
    seen: usize,
    asked: u64,
}

impl Script {
    /// Connects, as soon as there is a socket.
    pub fn connect(path: &Path) -> Self {
        let deadline = Instant::now() + SOON;
        let writer = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => panic!("no socket at {}: {error}", path.display()),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        writer.set_read_timeout(Some(SOON)).expect("a time-out is set");
        let reader = BufReader::new(writer.try_clone().expect("a second handle"));
        let mut script = Self { writer, reader, told: Vec::new(), seen: 0, asked: 0 };
        script.wait("a hello", |told| told["hello"]["program"] == "ringback");
        script
    }

    /// Sends a line as it is.
    pub fn write(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).expect("somebody reads");
    }

    /// Asks, and gives back the answer.
    pub fn ask(&mut self, mut request: Value) -> Value {
        self.asked += 1;
        let id = json!(self.asked);
        request["id"] = id.clone();
        self.write(&request.to_string());
        loop {
            let Some(told) = self.next() else { panic!("no answer to {request}: {}", self.all()) };
            if told["id"] == id {
                return told;
            }
        }
    }

    /// Asks for something that must be granted.
    pub fn asks(&mut self, request: Value) -> Value {
        let answer = self.ask(request.clone());
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }

    /// Waits for something to be told that was not waited for before, and gives it back.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            while self.seen < self.told.len() {
                self.seen += 1;
                if fits(&self.told[self.seen - 1]) {
                    return self.told[self.seen - 1].clone();
                }
            }
            assert!(Instant::now() < deadline, "{what} was not told: {}", self.all());
            assert!(self.next().is_some(), "{what} was not told: {}", self.all());
        }
    }

    /// Waits until the call is in this phase.
    pub fn phase(&mut self, phase: &str) {
        self.wait(phase, |told| told["event"] == "phase" && told["phase"] == phase);
    }

    /// Waits until the program is at this page, and gives it back.
    pub fn page(&mut self, name: &str) -> Value {
        self.wait(name, |told| told["page"]["name"] == name)["page"].clone()
    }

    /// Asks for the state until it fits, and gives it back.
    pub fn state(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let state = self.asks(json!({ "do": "snapshot" }))["snapshot"].clone();
            if fits(&state) {
                return state;
            }
            assert!(Instant::now() < deadline, "the state never was: {what}: {state}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Reads to the end of the connection.
    pub fn ends(&mut self) {
        while self.next().is_some() {}
    }

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
                self.told.push(told.clone());
                Some(told)
            }
            Err(error) => panic!("nothing more is told ({error}): {}", self.all()),
        }
    }

    fn all(&self) -> String {
        self.told.iter().map(|told| format!("\n  {told}")).collect()
    }
}
