//! Which figures are compared, in which unit, and which way is better.
//! The same list serves the tables, the page and the baseline, so that all of them mean the same by a name.

use crate::figures::{Cost, Quantiles, Run};

/// Above this lateness of the network itself, 99th percentile in milliseconds, a run says little.
pub const LATE_MS: f64 = 5.0;

/// A packet of sound. Where in a packet a call begins is chance, and it stays for the whole call: two calls of one program
/// over the same network differ by this much in how late their sound is, and in its distance from the picture.
const PACKET_MS: f64 = 20.0;

/// Whether the network kept its times well enough for the figures of a run to mean something.
#[must_use]
pub fn network_kept_time(run: &Run) -> bool {
    run.network_late_p99_ms.is_none_or(|late| late <= LATE_MS)
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less.
    Lower,
    /// More.
    Higher,
}

/// How many times one value is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// By division.
    Linear,
    /// A logarithm: 6 dB are twice, as an amplitude.
    Decibels,
    /// A share of perfection: what is missing to 1 is compared, the other way round.
    Similarity,
}

/// One figure of a run.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name in files.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// The difference that means nothing, in the unit: what two runs of the same differ by, and the instrument errs by.
    pub grain: f64,
    /// Digits behind the point that are shown.
    pub decimals: usize,
    /// Whether it is in the overview.
    pub headline: bool,
    scale: Scale,
    read: fn(&Run) -> Option<f64>,
}

/// All of them, in the order of the tables.
pub const MEASURES: [Measure; 34] = [
    lower("picture_latency_p50", "picture latency p50", "ms", 2.0, |run| {
        quantile(run.totals.picture_latency_ms, |q| q.p50)
    })
    .headline(),
    lower("picture_latency_p95", "picture latency p95", "ms", 5.0, |run| {
        quantile(run.totals.picture_latency_ms, |q| q.p95)
    })
    .headline(),
    lower("picture_latency_p99", "picture latency p99", "ms", 10.0, |run| {
        quantile(run.totals.picture_latency_ms, |q| q.p99)
    }),
    lower("sound_latency_p50", "sound latency p50", "ms", PACKET_MS, |run| {
        quantile(run.totals.sound_latency_ms, |q| q.p50)
    })
    .headline(),
    lower("sound_latency_p95", "sound latency p95", "ms", PACKET_MS, |run| {
        quantile(run.totals.sound_latency_ms, |q| q.p95)
    }),
    lower("sound_latency_p99", "sound latency p99", "ms", PACKET_MS, |run| {
        quantile(run.totals.sound_latency_ms, |q| q.p99)
    }),
    lower("skew_p50", "skew p50", "ms", PACKET_MS, |run| quantile(run.totals.skew_ms, |q| q.p50)),
    lower("skew_p95", "skew p95", "ms", PACKET_MS, |run| quantile(run.totals.skew_ms, |q| q.p95)),
    higher("frame_rate", "frame rate", "fps", 0.5, |run| run.totals.frame_rate).headline(),
    lower("freezes", "freezes", "", 1.0, |run| count(run.totals.freezes)).decimals(0),
    lower("freeze_seconds", "frozen", "s", 0.2, |run| run.totals.freeze_seconds).decimals(2).headline(),
    lower("longest_freeze", "longest freeze", "ms", 50.0, |run| run.totals.longest_freeze_ms).decimals(0),
    lower("sound_gaps", "sound gaps", "", 1.0, |run| count(run.totals.sound_gaps)).decimals(0),
    lower("sound_gap_ms", "silent in sound gaps", "ms", 40.0, |run| run.totals.sound_gap_ms).decimals(0),
    lower("concealed", "sound made up", "%", 0.5, |run| percent(run.totals.concealed_ratio)),
    lower("first_picture", "first picture after", "ms", 20.0, |run| run.totals.first_picture_ms).decimals(0),
    lower("first_sound", "first sound after", "ms", 20.0, |run| run.totals.first_sound_ms).decimals(0),
    // More than the link can pass is no use of it: the rest waits or is lost, and shows in other figures.
    higher("link_use", "use of the link", "%", 2.0, |run| percent(run.totals.link_use.map(|used| used.min(1.0))))
        .decimals(0)
        .headline(),
    lower("queue_peak", "queue, peak", "ms", 10.0, |run| run.totals.queue_peak_ms).decimals(0),
    lower("queue_mean", "queue, mean", "ms", 2.0, |run| run.totals.queue_mean_ms),
    lower("adapt_down", "adapt down", "s", 0.5, |run| run.totals.adapt_down_s),
    lower("come_back", "come back", "s", 1.0, |run| run.totals.come_back_s),
    lower("recovery", "recovery after a blackout", "ms", 50.0, |run| run.totals.recovery_ms).decimals(0),
    higher("psnr", "PSNR", "dB", 0.3, |run| run.totals.psnr_db).scale(Scale::Decibels).headline(),
    higher("ssim", "SSIM", "", 0.005, |run| run.totals.ssim).scale(Scale::Similarity).decimals(3),
    higher("width", "width of the picture", "px", 16.0, |run| run.totals.mean_width).decimals(0),
    lower("cpu_send", "CPU to send", "s/s", 0.02, |run| run.sender_cost.cpu_per_second).decimals(3).headline(),
    lower("cpu_receive", "CPU to receive", "s/s", 0.02, |run| run.receiver_cost.cpu_per_second).decimals(3).headline(),
    lower("pss_send", "memory to send", "MiB", 5.0, |run| mebibytes(&run.sender_cost)).decimals(0),
    lower("pss_receive", "memory to receive", "MiB", 5.0, |run| mebibytes(&run.receiver_cost)).decimals(0),
    lower("threads_send", "threads to send", "", 2.0, |run| count(run.sender_cost.threads)).decimals(0),
    lower("threads_receive", "threads to receive", "", 2.0, |run| count(run.receiver_cost.threads)).decimals(0),
    lower("wakeups_send", "wake-ups to send", "/s", 50.0, |run| run.sender_cost.wakeups_per_second).decimals(0),
    lower("wakeups_receive", "wake-ups to receive", "/s", 50.0, |run| run.receiver_cost.wakeups_per_second).decimals(0),
];

impl Measure {
    /// The measure of that name in files.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.key == key)
    }

    /// Its value in a run, in its unit; `None` when it was not measured, and for every figure of a run that failed.
    #[must_use]
    pub fn of(&self, run: &Run) -> Option<f64> {
        if run.error.is_some() {
            return None;
        }
        (self.read)(run).filter(|value| value.is_finite())
    }

    /// The middle of its values in these runs, without those that lack it; of an even number the mean of the two.
    #[must_use]
    pub fn median<'a>(&self, runs: impl IntoIterator<Item = &'a Run>) -> Option<f64> {
        median(runs.into_iter().filter_map(|run| self.of(run)).collect())
    }

    /// As people read it; `–` when it was not measured.
    #[must_use]
    pub fn show(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".into(), |value| format!("{value:.*}", self.decimals))
    }

    /// Ours by theirs, made steady for small numbers: both grow by a grain first, so that 0 by 0 is 1. Decibels count as
    /// amplitudes, and similarities by what is missing to 1; the better way stays the same.
    #[must_use]
    pub fn steady_ratio(&self, ours: f64, theirs: f64) -> f64 {
        match self.scale {
            Scale::Linear => (ours + self.grain) / (theirs + self.grain),
            Scale::Decibels => 10f64.powf((ours - theirs) / 20.0),
            Scale::Similarity => (1.0 - theirs + self.grain) / (1.0 - ours + self.grain),
        }
    }

    /// The value, better by one grain: the benefit of the doubt.
    #[must_use]
    pub fn a_grain_better(&self, value: f64) -> f64 {
        match (self.better, self.scale) {
            (Better::Lower, _) => (value - self.grain).max(0.0),
            (Better::Higher, Scale::Similarity) => (value + self.grain).min(1.0),
            (Better::Higher, _) => value + self.grain,
        }
    }

    const fn headline(self) -> Self {
        Self { headline: true, ..self }
    }

    const fn decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }

    const fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }
}

/// The middle of these; of an even number the mean of the two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let above = values.get(values.len() / 2)?;
    let below = values[(values.len() - 1) / 2];
    Some((above + below) / 2.0)
}

type Read = fn(&Run) -> Option<f64>;

const fn lower(key: &'static str, name: &'static str, unit: &'static str, grain: f64, read: Read) -> Measure {
    let (better, scale) = (Better::Lower, Scale::Linear);
    Measure { key, name, unit, better, grain, decimals: 1, headline: false, scale, read }
}

const fn higher(key: &'static str, name: &'static str, unit: &'static str, grain: f64, read: Read) -> Measure {
    Measure { better: Better::Higher, ..lower(key, name, unit, grain, read) }
}

fn quantile(quantiles: Option<Quantiles>, which: fn(Quantiles) -> f64) -> Option<f64> {
    quantiles.map(which)
}

fn count(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|share| share * 100.0)
}

fn mebibytes(cost: &Cost) -> Option<f64> {
    cost.peak_pss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Totals;

    fn with_latency(p50: f64) -> Run {
        let latency = Quantiles { p50, p95: p50, p99: p50, max: p50 };
        Run { totals: Totals { picture_latency_ms: Some(latency), ..Totals::default() }, ..Run::default() }
    }

    fn measure(key: &str) -> &'static Measure {
        Measure::named(key).expect("in the list")
    }

    #[test]
    fn every_measure_is_found_by_a_key_of_its_own() {
        for (at, measure) in MEASURES.iter().enumerate() {
            let found = MEASURES.iter().position(|other| other.key == measure.key);
            assert_eq!(found, Some(at), "{} twice", measure.key);
            assert!(measure.grain > 0.0);
        }
    }

    #[test]
    fn nothing_measured_is_none_and_never_zero() {
        for measure in &MEASURES {
            assert_eq!(measure.of(&Run::default()), None, "{}", measure.key);
            assert_eq!(measure.show(None), "–");
        }
    }

    #[test]
    fn the_median_leaves_out_what_is_missing_and_what_failed() {
        let latency = measure("picture_latency_p50");
        let failed = Run { error: Some("no connection".into()), ..with_latency(1.0) };
        let runs = [with_latency(30.0), Run::default(), with_latency(10.0), failed];
        assert_eq!(latency.median(&runs), Some(20.0));
        assert_eq!(latency.median(&runs[..1]), Some(30.0));
        assert_eq!(latency.median(&runs[1..2]), None);
    }

    #[test]
    fn ratios_of_small_numbers_are_steady_and_logarithms_are_not_divided() {
        assert_eq!(measure("freezes").steady_ratio(0.0, 0.0), 1.0);
        assert_eq!(measure("freezes").steady_ratio(1.0, 0.0), 2.0);
        assert!((measure("psnr").steady_ratio(36.02, 30.0) - 2.0).abs() < 1e-3);
        // Half as far from perfect is twice as good.
        assert!((measure("ssim").steady_ratio(0.955, 0.905) - 2.0).abs() < 1e-9);
        assert_eq!(measure("ssim").a_grain_better(0.999), 1.0);
        assert_eq!(measure("sound_latency_p50").a_grain_better(1.0), 0.0);
    }

    #[test]
    fn a_link_is_used_to_the_full_at_most() {
        let run = Run { totals: Totals { link_use: Some(1.3), ..Totals::default() }, ..Run::default() };
        assert_eq!(measure("link_use").of(&run), Some(100.0));
    }

    #[test]
    fn a_late_network_is_not_believed_and_an_unknown_one_is() {
        let run = |late| Run { network_late_p99_ms: late, ..Run::default() };
        assert!(network_kept_time(&run(None)) && network_kept_time(&run(Some(5.0))));
        assert!(!network_kept_time(&run(Some(5.1))));
    }
}
