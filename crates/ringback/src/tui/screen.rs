//! The terminal as a screen: taken over while a call is shown, and given back whatever happens.
//! What is written is counted, so that a picture costs what its bytes cost.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread::ThreadId;
#[cfg(unix)]
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};

use super::answers::Answers;
use crate::terminal;

/// A terminal at the end of a long line answers within this time; one that does not answer at all costs it once.
#[cfg(unix)]
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// The most bytes of answers that are read.
#[cfg(unix)]
const MOST_BYTES: usize = 4096;

/// Whether the terminal is taken over.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Whether the keyboard was asked to tell of releases.
static RELEASES: AtomicBool = AtomicBool::new(false);

/// The terminal, taken over until this is dropped.
pub(crate) struct Screen {
    /// To draw on.
    pub(crate) terminal: ManuallyDrop<Terminal<CrosstermBackend<Counted>>>,
    /// What it can.
    pub(crate) answers: Answers,
    written: Arc<AtomicU64>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is none, or went away.
    pub(crate) fn open() -> io::Result<Self> {
        restore_on_panic(std::thread::current().id());
        enable_raw_mode()?;
        OPEN.store(true, Ordering::SeqCst);
        terminal::hold();
        let written = Arc::new(AtomicU64::new(0));
        let output = Counted { output: BufWriter::new(io::stdout()), written: written.clone() };
        let opened = (|| -> io::Result<_> {
            let answers = ask()?;
            execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
            if answers.releases {
                let flags =
                    KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES | KeyboardEnhancementFlags::REPORT_EVENT_TYPES;
                execute!(io::stdout(), PushKeyboardEnhancementFlags(flags))?;
                RELEASES.store(true, Ordering::SeqCst);
            }
            Ok((Terminal::new(CrosstermBackend::new(output))?, answers))
        })();
        match opened {
            Ok((terminal, answers)) => Ok(Self { terminal: ManuallyDrop::new(terminal), answers, written }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Writes what is no text: a picture in the terminal's own pixels.
    pub(crate) fn write(&mut self, bytes: &str) -> io::Result<()> {
        let output = self.terminal.backend_mut();
        output.write_all(bytes.as_bytes())?;
        io::Write::flush(output)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The library shows the cursor in its own drop, and complains where it cannot: on a terminal that is gone, where to
        // complain is a panic, and the call would end without a goodbye.
        if self.terminal.show_cursor().is_ok() {
            // SAFETY: nothing uses it after its owner's drop.
            unsafe { ManuallyDrop::drop(&mut self.terminal) };
        }
        restore();
    }
}

/// Gives the terminal back, if it was taken over. May be called from anywhere, also twice.
pub(crate) fn restore() {
    if !OPEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut output = io::stdout();
    // A terminal that went away has nothing to be given back.
    if RELEASES.swap(false, Ordering::SeqCst) {
        let _ = execute!(output, PopKeyboardEnhancementFlags);
    }
    let _ = execute!(output, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    terminal::release();
}

/// A panic's words would be lost on a screen that is taken over: where the drawing thread panics, the terminal is given back
/// first; those of other threads wait.
fn restore_on_panic(drawing: ThreadId) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if OPEN.load(Ordering::SeqCst) && std::thread::current().id() != drawing {
                terminal::error(&panic.to_string());
                return;
            }
            restore();
            usual(panic);
        }));
    });
}

/// Asks what the terminal can.
#[cfg(unix)]
fn ask() -> io::Result<Answers> {
    use std::io::Read as _;
    let mut output = io::stdout();
    output.write_all(super::answers::QUESTIONS.as_bytes())?;
    output.flush()?;
    let (deadline, mut bytes) = (Instant::now() + ANSWERS_WITHIN, Vec::new());
    loop {
        let answers = Answers::read(&bytes);
        let left = deadline.saturating_duration_since(Instant::now());
        if answers.is_complete || left.is_zero() || bytes.len() > MOST_BYTES {
            return Ok(answers);
        }
        if wait(left)? {
            // As large as the standard library's own buffer, so that nothing stays in that.
            let mut piece = [0; 8192];
            let length = io::stdin().lock().read(&mut piece)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&piece[..length]);
        }
    }
}

/// Waits for keys or a signal, at most that long; true when there are keys. The library that reads them must not wait itself:
/// of a terminal that is gone it reads nothing over and over.
///
/// # Errors
/// The terminal is gone.
#[cfg(unix)]
pub(crate) fn wait(time: Duration) -> io::Result<bool> {
    let mut input = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    // SAFETY: poll(2) writes to the one structure that the valid pointer leads to.
    let ready = unsafe { libc::poll(&raw mut input, 1, i32::try_from(time.as_millis()).unwrap_or(1000)) };
    if input.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(ready > 0)
}

/// The library waits here.
///
/// # Errors
/// The terminal is gone.
#[cfg(not(unix))]
pub(crate) fn wait(time: Duration) -> io::Result<bool> {
    ratatui::crossterm::event::poll(time)
}

/// Nothing is known here.
#[cfg(not(unix))]
fn ask() -> io::Result<Answers> {
    Ok(Answers::default())
}

/// Standard output, counted.
pub(crate) struct Counted {
    output: BufWriter<Stdout>,
    written: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.output.write(bytes)?;
        self.written.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
