//! A sound server of our own with a microphone that plays what a test feeds it, and a speaker that a test can hear.
//! Both are null sinks: real device paths, without hardware, and without touching the person's own sound server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, Signal};

/// Name of the speaker that the microphone plays to programs; it is one like any other to these.
pub const CABLE: &str = "cable";

/// Name of the microphone as programs see it.
pub const MICROPHONE: &str = "microphone";

/// Name of the speaker as programs see it.
pub const SPEAKER: &str = "speaker";

/// A running sound server.
pub struct Pulse {
    _server: Process,
    folder: tempfile::TempDir,
}

impl Pulse {
    /// Starts it.
    pub fn start() -> Self {
        // Not in the target folder: a socket's path may not be longer than 107 bytes.
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let socket = folder.path().join("socket");
        let script = folder.path().join("start.pa");
        // The microphone is a remapped monitor: programs rightly hide plain monitors from their lists.
        let lines = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name={CABLE} rate=48000 channels=1\n\
             load-module module-remap-source master={CABLE}.monitor source_name={MICROPHONE}\n\
             load-module module-null-sink sink_name={SPEAKER} rate=48000 channels=1\n\
             set-default-source {MICROPHONE}\n\
             set-default-sink {SPEAKER}\n",
            socket.display()
        );
        std::fs::write(&script, lines).expect("the target folder is writable");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
            .args(["--log-target=stderr", "--log-level=info"])
            .arg("-F")
            .arg(&script)
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("PULSE_RUNTIME_PATH", folder.path());
        let server = Process::start("pulseaudio", &mut command);
        server.line_err("Daemon startup complete", Duration::from_secs(20));
        Self { _server: server, folder }
    }

    /// What `PULSE_SERVER` must be.
    pub fn address(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }

    /// Adds a microphone of this name, which hears the same as the other one, as when it is plugged in.
    pub fn plug_in_microphone(&self, name: &str) {
        self.plug_in(name, CABLE);
    }

    /// Adds a microphone of this name that hears nothing but what [`Self::speak_into`] plays.
    pub fn plug_in_microphone_elsewhere(&self, name: &str) {
        self.pactl(&[
            "load-module",
            "module-null-sink",
            &format!("sink_name={name}-{CABLE}"),
            "rate=48000",
            "channels=1",
        ]);
        self.plug_in(name, &format!("{name}-{CABLE}"));
    }

    fn plug_in(&self, name: &str, cable: &str) {
        self.pactl(&[
            "load-module",
            "module-remap-source",
            &format!("master={cable}.monitor"),
            &format!("source_name={name}"),
            &format!("source_properties=device.description={name}"),
        ]);
    }

    /// Adds a speaker of this name.
    pub fn plug_in_speaker(&self, name: &str) {
        let properties = format!("sink_properties=device.description={name}");
        self.pactl(&["load-module", "module-null-sink", &format!("sink_name={name}"), &properties]);
    }

    /// Takes away what [`Self::plug_in_microphone`] or [`Self::plug_in_speaker`] added.
    pub fn unplug(&self, name: &str) {
        let modules = self.pactl(&["list", "short", "modules"]);
        let is_it = |line: &&str| line.split_whitespace().any(|word| word.ends_with(&format!("_name={name}")));
        let line = modules.lines().find(is_it).unwrap_or_else(|| panic!("no {name} in\n{modules}"));
        self.pactl(&["unload-module", line.split_whitespace().next().expect("a number")]);
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        let output = self.tool("pactl").args(arguments).output().expect("pactl comes with pulseaudio-utils");
        assert!(output.status.success(), "pactl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Plays a sound file into the microphone, until the value is dropped or the file ends.
    pub fn speak(&self, file: &Path) -> Process {
        Process::start("paplay", self.tool("paplay").arg(format!("--device={CABLE}")).arg(file))
    }

    /// The same into the microphone that [`Self::plug_in_microphone_elsewhere`] added.
    pub fn speak_into(&self, microphone: &str, file: &Path) -> Process {
        Process::start("paplay", self.tool("paplay").arg(format!("--device={microphone}-{CABLE}")).arg(file))
    }

    /// Records what the speaker plays.
    pub fn listen(&self) -> Recording {
        let file = self.folder.path().join("heard.wav");
        let mut command = self.tool("parecord");
        command.args([&format!("--device={SPEAKER}.monitor"), "--file-format=wav", "--format=s16le", "--channels=1"]);
        Recording { process: Process::start("parecord", command.args(["--rate=48000"]).arg(&file)), file }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("PULSE_SERVER", self.address()).env("HOME", self.folder.path());
        command
    }
}

/// A recording that goes on.
pub struct Recording {
    process: Process,
    file: PathBuf,
}

impl Recording {
    /// Ends it and reads what was heard, as 48 kHz mono.
    pub fn finish(mut self) -> Vec<f32> {
        self.process.signal(Signal::Interrupt);
        self.process.wait(Duration::from_secs(10));
        crate::sound::read(&self.file)
    }
}
