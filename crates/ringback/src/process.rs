//! What this process has cost so far, and when its window was seen first.
//! The cost only where the system tells (Unix); elsewhere it is not measured.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static STARTED: OnceLock<Instant> = OnceLock::new();

static PAINTED: OnceLock<Duration> = OnceLock::new();

/// The process began then.
pub(crate) fn started(at: Instant) {
    STARTED.get_or_init(|| at);
}

/// The window's first frame can be seen now.
pub(crate) fn painted() {
    if let Some(started) = STARTED.get() {
        PAINTED.get_or_init(|| started.elapsed());
    }
}

/// How long the person waited for the window; nothing where there is none.
pub(crate) fn first_paint() -> Option<Duration> {
    PAINTED.get().copied()
}

/// Cost of the process up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    /// The most memory that was resident at once.
    pub(crate) peak_rss_bytes: u64,
}

/// Reads getrusage(2).
#[cfg(unix)]
pub(crate) fn usage() -> Option<Usage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the whole structure that the valid pointer leads to.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let time = |value: libc::timeval| {
        Duration::from_secs(value.tv_sec.try_into().unwrap_or(0))
            + Duration::from_micros(value.tv_usec.try_into().unwrap_or(0))
    };
    // Linux counts kibibytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Some(Usage {
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
    })
}

/// Not measured here.
#[cfg(not(unix))]
pub(crate) fn usage() -> Option<Usage> {
    None
}
