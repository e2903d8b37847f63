//! `cargo xtask demo`: a call between you and a second peer on this machine, over the embedded server.
//! With a display you get the window; without one the call is shown in the terminal, and the figures at the end.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::json::Json;
use crate::packages::{self, Consent};
use crate::shell::{Outcome, cargo, run as run_shown, target};
use crate::{figures, needs};

/// How long the server may take to listen; it takes a few milliseconds.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// How long the second peer may take to end after we hung up.
const PEER_PATIENCE: Duration = Duration::from_secs(5);

/// What the command line asked for.
pub(crate) struct Demo {
    pub(crate) duration: String,
    pub(crate) dev: bool,
}

/// Builds the program, then places the call.
pub(crate) fn run(demo: &Demo, consent: Consent) -> Outcome {
    let display = display();
    let mut needed = needs::build();
    if display.is_some() {
        needed.extend(needs::window());
    }
    packages::provide(&needed, consent)?;
    let program = build(demo.dev)?;

    let folder = target().join("demo");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let port = free_port()?;
    let listen = format!("127.0.0.1:{port}");
    let server_url = format!("ws://{listen}/signaling");

    let mut serve = Command::new(&program);
    serve.args(["serve", "--listen", &listen]);
    let _server = Background::start(&mut serve, &folder.join("server.log"))?;
    wait_for(port)?;

    let mut call = Command::new(&program);
    call.args(["call", "demo", "--server", &server_url, "--headless", "--wait", "60s"]);
    call.args(["--video-in", "test", "--audio-in", "test", "--audio-out", "none"]);
    let mut peer = Background::start(&mut call, &folder.join("peer.log"))?;

    let report = folder.join("report.json");
    let _ = std::fs::remove_file(&report);
    let mut you = Command::new(&program);
    you.args(["call", "demo", "--server", &server_url, "--wait", "30s", "--duration", &demo.duration]);
    you.arg("--report").arg(&report);
    match display {
        Some(variable) => println!("\n{variable} is set: the call opens a window (q hangs up)"),
        None => {
            println!("\nno display (neither WAYLAND_DISPLAY nor DISPLAY is set): the call is shown here");
            you.arg("--headless");
        }
    }
    println!("the second peer shows the test card and a test tone; logs are in {}\n", folder.display());
    let called = run_shown(&mut you);
    peer.end_by(Instant::now() + PEER_PATIENCE);
    println!();
    for line in summary(&report)? {
        println!("{line}");
    }
    called
}

fn display() -> Option<&'static str> {
    if cfg!(any(target_os = "macos", target_os = "windows")) {
        return Some("a desktop");
    }
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn build(dev: bool) -> Outcome<PathBuf> {
    let (profile, folder) = if dev { ("dev", "debug") } else { ("release", "release") };
    run_shown(&mut cargo(&["build", "--package", "ringback", "--profile", profile, "--locked"]))?;
    Ok(target().join(folder).join(format!("ringback{}", std::env::consts::EXE_SUFFIX)))
}

/// A port that nobody listens on now. Someone else could take it before the server does; then the server says so.
fn free_port() -> Outcome<u16> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port on loopback: {error}"))
}

fn wait_for(port: u16) -> Outcome {
    let deadline = Instant::now() + SERVER_PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err("the server did not start: see target/demo/server.log".to_owned());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn summary(report: &Path) -> Outcome<Vec<String>> {
    let text = std::fs::read_to_string(report).map_err(|error| format!("the call left no report: {error}"))?;
    let report = Json::parse(&text).map_err(|error| format!("the report cannot be read: {error}"))?;
    Ok(figures::table(&report))
}

/// A process that works beside us, with its output in a log; it never outlives this value.
struct Background {
    child: Child,
}

impl Background {
    fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let failed = |error| format!("cannot start {command:?}: {error}", command = log.display());
        let output = File::create(log).map_err(failed)?;
        let errors = output.try_clone().map_err(failed)?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(failed)?;
        Ok(Self { child })
    }

    /// Waits for it to end by itself.
    fn end_by(&mut self, deadline: Instant) {
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
