//! Meters for what the person sees and hears: freezes, frame rate, arrival jitter, concealment.
//! Each is a few numbers of state, updated per frame or packet, and read at any time.

use std::time::{Duration, Instant};

/// Counts frozen pictures by the rule of the W3C (webrtc-stats, `freezeCount`).
#[derive(Debug, Clone, Default)]
pub struct FreezeMeter {
    last: Option<Instant>,
}

/// How often and how long the picture stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FreezeFigures {
    /// Gaps that counted as a freeze, the running one included.
    pub freezes: u64,
    /// Their total length.
    pub freeze_time: Duration,
}

impl FreezeMeter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture was shown. Returns the length of the freeze that it ended, if it ended one.
    pub fn rendered(&mut self, now: Instant) -> Option<Duration> {
        self.last = Some(now);
        None
    }

    /// The figures so far.
    pub fn figures(&self, _now: Instant) -> FreezeFigures {
        FreezeFigures::default()
    }
}

/// Pictures per second over the last second.
#[derive(Debug, Clone, Default)]
pub struct FpsMeter {}

impl FpsMeter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture was shown.
    pub fn rendered(&mut self, _now: Instant) {}

    /// Pictures per second.
    pub fn fps(&self, _now: Instant) -> f64 {
        0.0
    }
}

/// Interarrival jitter of RFC 3550 §6.4.1.
#[derive(Debug, Clone)]
pub struct JitterMeter {
    clock_rate: u32,
}

impl JitterMeter {
    /// A meter for a stream with this RTP clock, in Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate }
    }

    /// A packet with this RTP timestamp arrived.
    pub fn arrived(&mut self, _arrived: Instant, _timestamp: u32) {}

    /// The smoothed jitter.
    pub fn jitter(&self) -> Duration {
        Duration::from_secs(0) / self.clock_rate
    }
}

/// The share of played samples that were made up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConcealmentMeter {
    concealed: u64,
    total: u64,
}

impl ConcealmentMeter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples that were decoded from a packet or from its in-band FEC.
    pub fn decoded(&mut self, samples: usize) {
        self.total += samples as u64;
    }

    /// Samples that were made up because no packet was there.
    pub fn concealed(&mut self, samples: usize) {
        self.concealed += samples as u64;
        self.total += samples as u64;
    }

    /// Concealed samples by all samples, 0..=1; `None` before the first sample.
    pub fn ratio(&self) -> Option<f64> {
        (self.total > 0).then(|| self.concealed as f64 / self.total as f64)
    }
}
