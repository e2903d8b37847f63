//! Meters for what the person sees and hears: freezes, frame rate, arrival jitter, concealment.
//! Each is a few numbers of state, updated per frame or packet, and read at any time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Counts frozen pictures by the rule of the W3C (webrtc-stats, `freezeCount`): the gap between two pictures reaches both
/// three times the average of the last 30 and that average plus 150 ms.
#[derive(Debug, Clone, Default)]
pub struct FreezeMeter {
    last: Option<Instant>,
    gaps: VecDeque<Duration>,
    ended: FreezeFigures,
}

/// How often and how long the picture stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FreezeFigures {
    /// Gaps that counted as a freeze, a running one included.
    pub freezes: u64,
    /// Their total length.
    pub freeze_time: Duration,
}

impl FreezeMeter {
    /// The rule averages over this many gaps.
    const WINDOW: usize = 30;

    /// With fewer gaps than this, as in the first moments of a call, the average says nothing.
    const MIN_GAPS: usize = 5;

    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture was shown. Returns the length of the freeze that it ended, if it ended one.
    pub fn rendered(&mut self, now: Instant) -> Option<Duration> {
        let gap = now.saturating_duration_since(self.last.replace(now)?);
        let freeze = self.is_freeze(gap).then_some(gap);
        if let Some(freeze) = freeze {
            self.ended.freezes += 1;
            self.ended.freeze_time += freeze;
        }
        if self.gaps.len() == Self::WINDOW {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
        freeze
    }

    /// The figures so far; a freeze that still lasts is in them.
    pub fn figures(&self, now: Instant) -> FreezeFigures {
        let mut figures = self.ended;
        let running = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if self.is_freeze(running) {
            figures.freezes += 1;
            figures.freeze_time += running;
        }
        figures
    }

    fn is_freeze(&self, gap: Duration) -> bool {
        if self.gaps.len() < Self::MIN_GAPS {
            return false;
        }
        let average = self.gaps.iter().sum::<Duration>() / self.gaps.len() as u32;
        gap >= (3 * average).max(average + Duration::from_millis(150))
    }
}

/// Pictures per second, over the last second.
#[derive(Debug, Clone, Default)]
pub struct FpsMeter {
    shown: VecDeque<Instant>,
}

impl FpsMeter {
    const WINDOW: Duration = Duration::from_secs(1);

    /// Twice the highest [`crate::FrameRate`]: enough for every second that a camera or peer can fill.
    const CAPACITY: usize = 240;

    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A picture was captured, encoded or shown.
    pub fn frame(&mut self, now: Instant) {
        while self.shown.front().is_some_and(|&shown| !Self::counts(shown, now)) || self.shown.len() == Self::CAPACITY {
            self.shown.pop_front();
        }
        self.shown.push_back(now);
    }

    /// Pictures within the last second.
    pub fn fps(&self, now: Instant) -> f64 {
        self.shown.iter().filter(|&&shown| Self::counts(shown, now)).count() as f64
    }

    fn counts(shown: Instant, now: Instant) -> bool {
        now.saturating_duration_since(shown) < Self::WINDOW
    }
}

/// Interarrival jitter (RFC 3550 §6.4.1).
#[derive(Debug, Clone)]
pub struct JitterMeter {
    clock_rate: u32,
    last: Option<(Instant, u32)>,
    /// Seconds.
    jitter: f64,
}

impl JitterMeter {
    /// A greater difference is a new beginning of the stream, not jitter.
    const MAX_DIFFERENCE: f64 = 2.0;

    /// A meter for a stream with this RTP clock, in Hz; it is taken to be at least 1.
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate: clock_rate.max(1), last: None, jitter: 0.0 }
    }

    /// A packet with this RTP timestamp arrived.
    pub fn arrived(&mut self, arrived: Instant, timestamp: u32) {
        let Some((last_arrived, last_timestamp)) = self.last.replace((arrived, timestamp)) else { return };
        let took = signed_micros(arrived, last_arrived) as f64 / 1e6;
        let media = f64::from(timestamp.wrapping_sub(last_timestamp) as i32) / f64::from(self.clock_rate);
        let difference = (took - media).abs();
        if difference <= Self::MAX_DIFFERENCE {
            // RFC 3550 §6.4.1: gain 1/16 damps noise, follows a step in about 16 packets.
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }

    /// The smoothed jitter.
    pub fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter)
    }
}

/// Microseconds from `earlier` to `later`, negative when they are the other way round.
pub(crate) fn signed_micros(later: Instant, earlier: Instant) -> i64 {
    match later.checked_duration_since(earlier) {
        Some(ahead) => i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX),
        None => -i64::try_from(earlier.duration_since(later).as_micros()).unwrap_or(i64::MAX),
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

    /// Samples that were decoded from a packet, or from the next packet's FEC.
    pub fn played(&mut self, samples: u64) {
        self.total += samples;
    }

    /// Samples that were made up because no packet was there; they are not to be given to `played` as well.
    pub fn concealed(&mut self, samples: u64) {
        self.concealed += samples;
        self.total += samples;
    }

    /// Samples that were made up.
    pub fn made_up(&self) -> u64 {
        self.concealed
    }

    /// All samples.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Concealed samples by all samples, 0..=1; `None` before the first sample.
    pub fn ratio(&self) -> Option<f64> {
        (self.total > 0).then(|| self.concealed as f64 / self.total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Shows pictures at these gaps in milliseconds; returns the meter and the time of the last one.
    fn shown(gaps: &[u64]) -> (FreezeMeter, Instant) {
        let mut meter = FreezeMeter::new();
        let mut now = Instant::now();
        meter.rendered(now);
        for &gap in gaps {
            now += ms(gap);
            meter.rendered(now);
        }
        (meter, now)
    }

    #[test]
    fn a_freeze_is_a_gap_by_the_w3c_rule() {
        // steady gap, then one gap of that length → is it a freeze?
        let table = [
            (33, 182, false),  // below average + 150
            (33, 183, true),   // 33 + 150
            (100, 299, false), // above average + 150, below 3 × average
            (100, 300, true),
            (10, 159, false),
            (10, 160, true),
            (33, 5000, true),
        ];
        for (steady, last, freeze) in table {
            let (mut meter, now) = shown(&[steady; 30]);
            let expected = freeze.then_some(ms(last));
            assert_eq!(meter.rendered(now + ms(last)), expected, "{last} ms after steady {steady} ms");
            let figures = meter.figures(now + ms(last));
            assert_eq!((figures.freezes, figures.freeze_time), (u64::from(freeze), expected.unwrap_or_default()));
        }
    }

    #[test]
    fn a_running_freeze_is_seen_before_it_ends_and_counted_once() {
        let (mut meter, now) = shown(&[33; 30]);
        assert_eq!(meter.figures(now + ms(100)), FreezeFigures::default());
        let running = meter.figures(now + ms(700));
        assert_eq!((running.freezes, running.freeze_time), (1, ms(700)));
        meter.rendered(now + ms(800));
        let ended = meter.figures(now + ms(810));
        assert_eq!((ended.freezes, ended.freeze_time), (1, ms(800)));
    }

    #[test]
    fn only_the_last_thirty_gaps_are_averaged() {
        let (mut meter, now) = shown(&[[500; 30], [33; 30]].concat());
        assert!(meter.rendered(now + ms(183)).is_some());
    }

    #[test]
    fn the_first_moments_are_no_freeze() {
        let (meter, now) = shown(&[20, 400, 30]);
        assert_eq!(meter.figures(now), FreezeFigures::default());
    }

    #[test]
    fn frame_rate_counts_the_last_second() {
        let mut meter = FpsMeter::new();
        let start = Instant::now();
        for picture in 0..90 {
            meter.frame(start + ms(picture * 1000 / 30));
        }
        let end = start + ms(2999);
        assert_eq!(meter.fps(end), 30.0);
        assert_eq!(meter.fps(end + ms(500)), 15.0);
        assert_eq!(meter.fps(end + ms(1000)), 0.0);
        for _ in 0..100_000 {
            meter.frame(end);
        }
        assert_eq!(meter.fps(end), FpsMeter::CAPACITY as f64, "bounded");
    }

    #[test]
    fn jitter_follows_the_rfc() {
        let start = Instant::now();
        let mut meter = JitterMeter::new(48_000);
        for packet in 0..400_u32 {
            let late = if packet % 2 == 1 { ms(10) } else { ms(0) };
            meter.arrived(start + ms(20) * packet + late, packet.wrapping_mul(960).wrapping_sub(96_000));
        }
        let jitter = meter.jitter().as_secs_f64();
        assert!((jitter - 0.010).abs() < 1e-4, "every difference is 10 ms: {jitter}");
        meter.arrived(start + ms(8000), 1_000_000_000);
        assert!(meter.jitter() <= ms(10), "a jump of the timestamp is no jitter");
    }

    #[test]
    fn concealment_is_a_share_of_all_samples() {
        let mut meter = ConcealmentMeter::new();
        assert_eq!(meter.ratio(), None);
        meter.played(960 * 3);
        meter.concealed(960);
        assert_eq!(meter.ratio(), Some(0.25));
    }
}
