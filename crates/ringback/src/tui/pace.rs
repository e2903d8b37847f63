//! How often pictures are drawn on a terminal: at most so many a second and so many bytes, as it may be at the end of a long line.
//! Told the time; what a picture cost is paid before the next.

use std::time::{Duration, Instant};

/// Pictures a second at most: enough to see who speaks.
const SHORTEST: Duration = Duration::from_millis(66);

/// A shell on another machine: a small part of what the call itself takes.
const FAR: u64 = 256 * 1024;

/// A terminal on this machine.
const NEAR: u64 = 8 * 1024 * 1024;

/// Bytes for pictures, as time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    bytes_a_second: u64,
    free_at: Option<Instant>,
}

impl Pace {
    /// For a terminal that is far away or not.
    pub(crate) fn new(is_far: bool) -> Self {
        Self { bytes_a_second: if is_far { FAR } else { NEAR }, free_at: None }
    }

    /// Whether a picture may be drawn now.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|free_at| free_at <= now)
    }

    /// A picture was drawn, and took so many bytes.
    pub(crate) fn drew(&mut self, now: Instant, bytes: u64) {
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_a_second as f64);
        self.free_at = Some(now + cost.max(SHORTEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_come_fifteen_times_a_second_and_large_ones_as_the_line_bears() {
        let start = Instant::now();
        for (is_far, bytes, wait) in
            [(false, 1000, 66), (false, 8 * 1024 * 1024, 1000), (true, 1000, 66), (true, 64 * 1024, 250)]
        {
            let mut pace = Pace::new(is_far);
            assert!(pace.allows(start));
            pace.drew(start, bytes);
            assert!(!pace.allows(start + Duration::from_millis(wait - 1)), "{bytes}");
            assert!(pace.allows(start + Duration::from_millis(wait)), "{bytes}");
        }
    }
}
