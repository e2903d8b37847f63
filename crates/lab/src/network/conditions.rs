//! What a one-way link does to packets, as plain values, and one change of them.
//! A new link is perfect: no delay, no loss, no limit.

use std::sync::Arc;
use std::time::Duration;

use media_core::Bitrate;

/// Bytes that one chance of a [`Trace`] carries: a full Ethernet packet, as mahimahi defines it.
pub const TRACE_BYTES: u64 = 1500;

/// How jitter is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Evenly from minus to plus the jitter.
    Uniform,
    /// With the jitter as standard deviation.
    Normal,
    /// Only later, with a heavy tail: jitter × (Pareto(2.5) − 1).
    Pareto,
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None.
    None,
    /// Each with this probability, whatever happened to the one before.
    Random(f64),
    /// Gilbert-Elliott: a good and a bad state, drawn anew before each packet. Mean burst 1 / `end` packets.
    Bursts {
        /// Probability of going from good to bad.
        begin: f64,
        /// Probability of going from bad to good.
        end: f64,
        /// Loss while good.
        good: f64,
        /// Loss while bad.
        bad: f64,
    },
}

/// How much may wait before the bottleneck; what does not fit is dropped (drop-tail).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueueLimit {
    /// Bytes of whole packets.
    Bytes(u64),
    /// Packets of any size.
    Packets(u64),
    /// What the present capacity carries in this time, two full packets at least.
    Time(Duration),
}

/// Times at which nothing leaves: Wi-Fi that roams, or air time that others took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stall {
    /// From the beginning of one to the beginning of the next.
    pub every: Duration,
    /// How long each lasts; shorter than `every`.
    pub hold: Duration,
}

/// A capacity that was recorded: times at which [`TRACE_BYTES`] may leave, over and over.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace(Vec<Duration>);

impl Trace {
    /// A trace of chances in rising order, the last one later than zero; `None` when they are not.
    /// The last one is also the length of a turn.
    pub fn new(chances: Vec<Duration>) -> Option<Self> {
        let rises = chances.windows(2).all(|pair| pair[0] <= pair[1]);
        let lasts = chances.last().is_some_and(|last| !last.is_zero());
        (rises && lasts).then_some(Self(chances))
    }

    /// The mean over a turn.
    pub fn capacity(&self) -> Bitrate {
        let bits = self.0.len() as f64 * TRACE_BYTES as f64 * 8.0;
        Bitrate::from_bps((bits / self.period().as_secs_f64()) as u64)
    }

    /// The time of one chance, counted over all turns.
    pub(crate) fn at(&self, position: u64) -> Duration {
        let chances = self.len();
        let turns = Duration::from_nanos((self.period().as_nanos() as u64).saturating_mul(position / chances));
        turns + self.0[(position % chances) as usize]
    }

    /// A position at or before the first chance from this time on, at most two turns before it.
    pub(crate) fn position_before(&self, time: Duration) -> u64 {
        let turn = (time.as_nanos() / self.period().as_nanos()) as u64;
        turn.saturating_sub(1) * self.len()
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn period(&self) -> Duration {
        self.0[self.0.len() - 1]
    }
}

/// The state of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Propagation, one way.
    pub delay: Duration,
    /// Added to the delay, packet by packet.
    pub jitter: Duration,
    /// How it is spread.
    pub distribution: Distribution,
    /// How like the sample before a sample of normal jitter is, 0 to 1.
    pub correlation: f64,
    /// Whether jitter lets packets overtake each other.
    pub jitter_reorders: bool,
    /// Which packets are lost; they have used capacity by then.
    pub loss: Loss,
    /// Share of packets that arrive twice.
    pub duplicates: f64,
    /// Share of packets that are held back and so overtaken.
    pub reordered: f64,
    /// For how long those are held back.
    pub held_back: Duration,
    /// Capacity in bits of whole IP packets; `None`: unlimited.
    pub rate: Option<Bitrate>,
    /// What may wait before it.
    pub queue: QueueLimit,
    /// Times at which nothing leaves.
    pub stall: Option<Stall>,
    /// Recorded capacity, instead of `rate`.
    pub trace: Option<Arc<Trace>>,
    /// Cable out: everything is dropped.
    pub down: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            distribution: Distribution::Normal,
            correlation: 0.0,
            jitter_reorders: false,
            loss: Loss::None,
            duplicates: 0.0,
            reordered: 0.0,
            held_back: Duration::ZERO,
            rate: None,
            queue: QueueLimit::Time(Duration::from_millis(300)),
            stall: None,
            trace: None,
            down: false,
        }
    }
}

/// One change of a link, as a profile writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `delay=25ms`
    Delay(Duration),
    /// `jitter=30ms`
    Jitter(Duration),
    /// `dist=uniform`
    Distribution(Distribution),
    /// `corr=0.5`
    Correlation(f64),
    /// `jitter-reorders=on`
    JitterReorders(bool),
    /// `loss=5%`
    Loss(Loss),
    /// `dup=0.5%`
    Duplicates(f64),
    /// `reorder=1%,20ms`: the share, and how long it is held back.
    Reordered(f64, Duration),
    /// `rate=500kbit`
    Rate(Option<Bitrate>),
    /// `queue=300ms`
    Queue(QueueLimit),
    /// `stall=2s,200ms`
    Stall(Option<Stall>),
    /// `trace=FILE`
    Trace(Option<Arc<Trace>>),
    /// `down=on`
    Down(bool),
}

impl Conditions {
    /// Makes one change; the rest stays as it was.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Delay(delay) => self.delay = *delay,
            Change::Jitter(jitter) => self.jitter = *jitter,
            Change::Distribution(distribution) => self.distribution = *distribution,
            Change::Correlation(correlation) => self.correlation = *correlation,
            Change::JitterReorders(on) => self.jitter_reorders = *on,
            Change::Loss(loss) => self.loss = *loss,
            Change::Duplicates(share) => self.duplicates = *share,
            Change::Reordered(share, held_back) => (self.reordered, self.held_back) = (*share, *held_back),
            Change::Rate(rate) => self.rate = *rate,
            Change::Queue(limit) => self.queue = *limit,
            Change::Stall(stall) => self.stall = *stall,
            Change::Trace(trace) => self.trace.clone_from(trace),
            Change::Down(down) => self.down = *down,
        }
    }

    /// What the link carries: zero while it is down, the mean of a trace, `None` when nothing limits it.
    pub fn capacity(&self) -> Option<Bitrate> {
        if self.down { Some(Bitrate::ZERO) } else { self.limit() }
    }

    /// What limits the link while it is up.
    pub(crate) fn limit(&self) -> Option<Bitrate> {
        self.trace.as_ref().map(|trace| trace.capacity()).or(self.rate)
    }
}
