//! What this process has cost so far.
//! Only where the system tells (Unix); elsewhere the figures are not measured.

use std::time::Duration;

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
