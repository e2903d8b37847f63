//! Child processes that never outlive their test, with every line they print kept for questions and for the failure message.
//! Waiting is for events (a line, the end), with a time-out that fails the test and shows what was printed so far.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A started process; dropping it kills it, with all the processes it started.
pub struct Process {
    name: String,
    child: Child,
    /// What it prints to standard output.
    pub stdout: Lines,
    /// What it prints to standard error.
    pub stderr: Lines,
}

/// The signals that tests send.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// As Ctrl-C does.
    Interrupt,
    /// Without a chance to say goodbye.
    Kill,
}

impl Process {
    /// Starts `command`; `name` stands in front of its lines in failure messages.
    pub fn start(name: &str, command: &mut Command) -> Self {
        // A group of its own: a browser's helpers are ended with it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} did not start: {error} ({command:?})"));
        let stdout = Lines::follow(child.stdout.take().expect("piped above"));
        let stderr = Lines::follow(child.stderr.take().expect("piped above"));
        Self { name: name.to_owned(), child, stdout, stderr }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its standard input.
    pub fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("open until the process ends");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .unwrap_or_else(|error| self.fail(&format!("hears nothing: {error}")));
    }

    /// Ends its standard input; nothing can be said any more.
    pub fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for a line on standard output that contains `text`.
    pub fn line_out(&self, text: &str, within: Duration) -> String {
        self.stdout
            .wait_for(text, within)
            .unwrap_or_else(|| self.fail(&format!("did not print {text:?} in {within:?}")))
    }

    /// Waits for a line on standard error that contains `text`.
    pub fn line_err(&self, text: &str, within: Duration) -> String {
        self.stderr.wait_for(text, within).unwrap_or_else(|| self.fail(&format!("did not say {text:?} in {within:?}")))
    }

    /// Everything that it has said on standard error.
    pub fn said(&self) -> String {
        self.stderr.text()
    }

    /// Waits until that many lines on standard output contain `text`.
    pub fn lines_out(&self, text: &str, count: usize, within: Duration) {
        if !self.stdout.wait_for_many(text, count, within) {
            self.fail(&format!("did not print {text:?} {count} times in {within:?}"));
        }
    }

    /// Waits until that many lines on standard error contain `text`.
    pub fn lines_err(&self, text: &str, count: usize, within: Duration) {
        if !self.stderr.wait_for_many(text, count, within) {
            self.fail(&format!("did not say {text:?} {count} times in {within:?}"));
        }
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        if !self.stdout.wait_for_end(deadline) || !self.stderr.wait_for_end(deadline) {
            self.fail(&format!("did not end in {within:?}"));
        }
        self.child.wait().unwrap_or_else(|error| self.fail(&format!("was lost: {error}")))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        let number = match signal {
            Signal::Interrupt => libc::SIGINT,
            Signal::Kill => libc::SIGKILL,
        };
        let id = i32::try_from(self.id()).expect("process ids are positive i32");
        // SAFETY: kill(2) takes two integers and touches no memory of ours; the child is not reaped before `wait`,
        // so that the id is still its own.
        unsafe { libc::kill(id, number) };
    }

    /// Fails the test, with everything that the process printed.
    pub fn fail(&self, what: &str) -> ! {
        panic!("{} {what}\n--- stdout ---\n{}\n--- stderr ---\n{}", self.name, self.stdout.text(), self.stderr.text())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            // SAFETY: as in `signal`; a negative id names the group that the child was started as the leader of.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        let _ = self.child.wait();
    }
}

/// The lines of one stream, collected by a thread of its own.
#[derive(Clone)]
pub struct Lines {
    shared: Arc<(Mutex<Collected>, Condvar)>,
}

#[derive(Default)]
struct Collected {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn follow(stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Collected::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        thread::spawn(move || {
            let (collected, changed) = &*writer;
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                collected.lock().expect("no one panics with the lock held").lines.push(line);
                changed.notify_all();
            }
            collected.lock().expect("no one panics with the lock held").ended = true;
            changed.notify_all();
        });
        Self { shared }
    }

    /// Everything printed so far.
    pub fn text(&self) -> String {
        self.shared.0.lock().expect("no one panics with the lock held").lines.join("\n")
    }

    /// The first line that contains `text`, waited for; none when the time or the stream ends before it.
    pub fn wait_for(&self, text: &str, within: Duration) -> Option<String> {
        let (collected, changed) = &*self.shared;
        let found = |state: &Collected| state.lines.iter().find(|line| line.contains(text)).cloned();
        let guard = collected.lock().expect("no one panics with the lock held");
        let (guard, _) = changed
            .wait_timeout_while(guard, within, |state| found(state).is_none() && !state.ended)
            .expect("no one panics with the lock held");
        found(&guard)
    }

    fn wait_for_many(&self, text: &str, count: usize, within: Duration) -> bool {
        let (collected, changed) = &*self.shared;
        let missing = |state: &Collected| state.lines.iter().filter(|line| line.contains(text)).count() < count;
        let guard = collected.lock().expect("no one panics with the lock held");
        let (guard, _) = changed
            .wait_timeout_while(guard, within, |state| missing(state) && !state.ended)
            .expect("no one panics with the lock held");
        !missing(&guard)
    }

    fn wait_for_end(&self, deadline: Instant) -> bool {
        let (collected, changed) = &*self.shared;
        let guard = collected.lock().expect("no one panics with the lock held");
        let within = deadline.saturating_duration_since(Instant::now());
        let (guard, _) =
            changed.wait_timeout_while(guard, within, |state| !state.ended).expect("no one panics with the lock held");
        guard.ended
    }
}
