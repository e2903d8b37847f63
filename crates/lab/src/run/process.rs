//! A program that the lab started: watched, its words kept in a file, and ended with all that it started.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A process that ends with this value, and all that it started with it.
pub(super) struct Started {
    child: Child,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Started {
    /// Starts it; what it says goes into `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::create(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let errors = out.try_clone().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
        let child = command.spawn().map_err(|error| format!("{name} did not start: {error}"))?;
        Ok(Self { child, log: log.to_owned(), status: None })
    }

    /// Its number.
    pub(super) fn number(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn is_running(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status.is_none()
    }

    /// The last thing that it said, when it has ended.
    pub(super) fn still_running(&mut self) -> Result<(), String> {
        if self.is_running() { Ok(()) } else { Err(self.reason()) }
    }

    /// The same, unless it ended with success.
    pub(super) fn ended_well(&mut self) -> Result<(), String> {
        let well = !self.is_running() && self.status.is_some_and(|status| status.success());
        if well { Ok(()) } else { Err(self.reason()) }
    }

    /// The last thing that it said.
    fn reason(&self) -> String {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        match self.status {
            Some(status) => format!("a caller ended early ({status}): {last}"),
            None => format!("a caller hangs: {last}"),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.is_running() {
            // SAFETY: the group was made for this child, which has not been waited for.
            unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
            let _ = self.child.wait();
        }
    }
}
