//! A terminal of its own for a program: a private tmux, whose keys are pressed and whose screen is read.
//! What stands on it is waited for, with a time-out that fails the test and shows the screen.

use std::process::Command;
use std::time::{Duration, Instant};

/// A program on a busy machine needs a moment to draw.
const SOON: Duration = Duration::from_secs(30);

/// How often the screen is looked at. Nothing but time makes the next drawing.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running terminal.
pub struct Tmux {
    folder: tempfile::TempDir,
}

impl Tmux {
    /// Whether there is a tmux to start.
    pub fn is_there() -> bool {
        Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success())
    }

    /// Starts a terminal of this size with a shell script in it.
    pub fn start(width: u16, height: u16, script: &str) -> Self {
        // Not in the target folder: a socket's path may not be longer than 107 bytes.
        let terminal = Self { folder: tempfile::tempdir().expect("there is room for temporary files") };
        let (width, height) = (width.to_string(), height.to_string());
        terminal.run(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, script]);
        terminal
    }

    /// Presses keys, by the names that tmux has for them; what is no name is typed letter by letter.
    pub fn press(&self, keys: &str) {
        self.run(&["send-keys", keys]);
    }

    /// Types text.
    pub fn say(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Pastes text, between brackets where the program asked for them.
    pub fn paste(&self, text: &str) {
        self.run(&["set-buffer", text]);
        self.run(&["paste-buffer", "-p"]);
    }

    /// The number of the shell's process, or of the program that took its place.
    pub fn process(&self) -> String {
        self.run(&["display-message", "-p", "#{pane_pid}"]).trim().to_owned()
    }

    /// Sends a signal to the program that the script runs.
    pub fn signal_program(&self, signal: &str) {
        let shell = self.process();
        let programs = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap_or_default();
        let status = Command::new("kill").arg(format!("-{signal}")).args(programs.split_whitespace()).status();
        assert!(status.is_ok_and(|status| status.success()), "the script runs no program: {programs:?}");
    }

    /// Gives the terminal another size.
    pub fn resize(&self, width: u16, height: u16) {
        self.run(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The same with colours, as escapes.
    pub fn colours(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// What a program on it has kept for the next time.
    pub fn settings(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("ringback/settings.json")).unwrap_or_default()
    }

    /// Whether a program has the screen to itself, and whether the cursor is shown.
    pub fn is_taken_over(&self) -> bool {
        self.run(&["display-message", "-p", "#{alternate_on}#{?cursor_flag,,hidden}"]).trim() != "0"
    }

    /// Waits until the screen shows `text`.
    pub fn shows(&self, text: &str) -> String {
        self.wait(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen is so.
    pub fn wait(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let screen = self.text();
            if is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "the terminal does not show {what}:\n{screen}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(self.folder.path().join("socket")).args(arguments);
        command.env("LC_ALL", "C.UTF-8").env_remove("TMUX").env("XDG_CONFIG_HOME", self.folder.path());
        let output = command.output().unwrap_or_else(|error| panic!("tmux: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        let _ = command.arg("-S").arg(self.folder.path().join("socket")).arg("kill-server").output();
    }
}
