//! `lab bench`: speed and cost beside other callers, as one table; and the soak.
//! In each round every caller is measured once, so that the ratios are of the same minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use lab::bench::fidelity::Fidelity;
use lab::bench::{Results, text};
use lab::figures::Run;
use lab::machine::{self, Machine};
use lab::network::privilege;
use lab::record::PeerRecord;
use lab::report::measure::Measure;
use lab::run::caller::{Caller, Places};
use lab::run::scenario::Scenario;
use lab::run::side_by_side::DataFigures;
use lab::run::stage::{Part, Stage};
use media_core::Size;

use super::callers::{self, Installed};
use super::options::Options;

const HELP: &str = "\
lab bench [OPTIONS]

  Speed and cost side by side on this machine, nothing between the callers; prints one table and writes
  bench.json and bench.md.

  --vs NAME[,NAME…]     beside these callers: chromium, chromium/vp8, aiortc, aiortc/vp8, libwebrtc,
                        datachannel, none (default: chromium,chromium/vp8,aiortc,libwebrtc,datachannel)
  --rounds N            each caller that often; medians of the rounds' ratios are shown (default 3)
  --seconds N           of sound and pictures a round (default 12)
  --size WxH            of the pictures (default 1280x720)
  --fps N               pictures a second (default 30)
  --max-bitrate BITS    upper bound of sound and pictures (default 2500000)
  --megabytes N         through the data channel a measurement (default 64)
  --no-fidelity         without VMAF, PESQ and STOI, which come from PyPI
  --soak TIME           instead of all that one call of ours of that length: does it grow or drift?
  --folder FOLDER       where the results and records go (default target/bench)
";

/// Messages through the data channel: their length, and what the keys of their rows end with.
const MESSAGES: [(usize, &str); 2] = [(16 << 10, "_16"), (64 << 10, "_64")];

/// How long speech is sent over a network that loses packets.
const SPEECH: Duration = Duration::from_secs(28);

struct Orders {
    vs: Vec<Caller>,
    rounds: u32,
    length: Duration,
    size: Size,
    frame_rate: u32,
    max_bitrate: u64,
    bytes: u64,
    fidelity: bool,
    soak: Option<Duration>,
    folder: PathBuf,
}

/// Runs `lab bench`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let orders = orders(arguments)?;
    privilege::ensure().map_err(|error| error.to_string())?;
    let (folder, places) = callers::places(&orders.folder)?;
    let stage = callers::stage(&folder, &places, orders.size, orders.frame_rate, orders.max_bitrate, 1)?;
    match orders.soak {
        Some(length) => soak(&stage, &places, length),
        None => measure(&orders, &stage, &places, &folder),
    }
}

fn orders(arguments: &[String]) -> Result<Orders, String> {
    let (mut options, _) = Options::split("bench", arguments);
    let vs = options.value("--vs")?;
    let orders = Orders {
        vs: callers::named(vs.as_deref().unwrap_or("chromium,chromium/vp8,aiortc,libwebrtc,datachannel"))?,
        rounds: options.parsed("--rounds")?.unwrap_or(3).clamp(1, 20),
        length: Duration::from_secs(options.parsed("--seconds")?.unwrap_or(12).clamp(5, 600)),
        size: callers::size(options.value("--size")?.as_deref().unwrap_or("1280x720"))?,
        frame_rate: options.parsed("--fps")?.unwrap_or(30).clamp(1, 60),
        max_bitrate: options.parsed("--max-bitrate")?.unwrap_or(2_500_000),
        bytes: options.parsed("--megabytes")?.unwrap_or(64u64).clamp(1, 1_000) * 1_000_000,
        fidelity: !options.flag("--no-fidelity"),
        soak: options.time("--soak")?,
        folder: options.value("--folder")?.map_or_else(|| callers::target().join("bench"), PathBuf::from),
    };
    options.finish()?;
    Ok(orders)
}

fn measure(orders: &Orders, stage: &Stage, places: &Places, folder: &Path) -> Result<ExitCode, String> {
    let load_before = machine::load();
    let callers = callers::install(&orders.vs, places);
    let mut bench = Bench { stage, results: Results::new(callers.iter().map(|(caller, _)| caller.name()).collect()) };
    for (caller, ready) in &callers {
        match ready {
            Ok(_) => bench.add(*caller, 0, "installed", caller.installed_bytes(places).map(mebibytes)),
            Err(reason) => bench.trouble(*caller, reason),
        }
    }
    for round in 0..orders.rounds {
        bench.each(&callers, Caller::has_media, |bench, part| bench.call(orders.length, part, round));
        for (message, suffix) in MESSAGES {
            bench.each(&callers, Caller::has_data, |bench, part| {
                bench.data(orders.bytes, (message, suffix), part, round);
            });
        }
    }
    if orders.fidelity {
        match Fidelity::ready(&callers::sources("fidelity"), &places.packages.join("fidelity")) {
            Ok(fidelity) => bench.fidelity(&fidelity, &callers, folder),
            Err(reason) => bench.results.trouble(format!("VMAF, PESQ and STOI: {reason}")),
        }
    }
    let results = &bench.results;
    let document = results.document(Machine::here(), load_before, machine::load());
    let json = serde_json::to_vec_pretty(&document).map_err(|error| error.to_string())?;
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).map_err(|error| format!("cannot write {name}: {error}"))
    };
    write("bench.json", &json)?;
    write("bench.md", text::markdown(results).as_bytes())?;
    print!("\n{}", text::terminal(results));
    println!("\n{}", folder.join("bench.json").display());
    Ok(ExitCode::from(u8::from(bench.ours_failed())))
}

/// The measurements, and what came of them.
struct Bench<'a> {
    stage: &'a Stage,
    results: Results,
}

impl Bench<'_> {
    /// Those callers that could be installed and that are able to, one after the other.
    fn each(&mut self, callers: &[Installed], able: impl Fn(Caller) -> bool, mut measure: impl FnMut(&mut Self, Part)) {
        for (caller, ready) in callers {
            if let (true, Ok(ready)) = (able(*caller), ready) {
                measure(self, Part { caller: *caller, ready });
            }
        }
    }

    fn call(&mut self, length: Duration, part: Part, round: u32) {
        let name = format!("call-{}-{round}", part.caller.name()).replace('/', "_");
        println!("{name}: {} s", length.as_secs());
        let run = self.stage.one_way(length, part, part, &name);
        if let Some(reason) = &run.error {
            return self.trouble(part.caller, reason);
        }
        let values = call_values(&run, &self.stage.folder.join(&name).join("b"));
        values.into_iter().for_each(|(key, value)| self.add(part.caller, round, key, value));
    }

    fn data(&mut self, bytes: u64, (message, suffix): (usize, &str), part: Part, round: u32) {
        let name = format!("data-{}{suffix}-{round}", part.caller.name()).replace('/', "_");
        println!("{name}: {} MB", bytes / 1_000_000);
        match self.stage.data(bytes, message, part, &name) {
            Err(reason) => self.trouble(part.caller, &reason),
            Ok(figures) => {
                let values = data_values(&figures, suffix);
                values.into_iter().for_each(|(key, value)| self.add(part.caller, round, key, value));
            }
        }
    }

    /// Pictures of the first round's calls, and speech over a network that loses packets.
    fn fidelity(&mut self, fidelity: &Fidelity, callers: &[Installed], folder: &Path) {
        let speech = folder.join("speech.wav");
        if let Err(reason) = fidelity.make_speech(&speech) {
            self.results.trouble(format!("PESQ and STOI: {reason}"));
        }
        let scenario = Scenario::named("loss5").expect("a standard scenario");
        let spoken = Stage { sound_file: speech.clone(), ..self.stage.clone() };
        self.each(callers, Caller::has_media, |bench, part| {
            let runs = &bench.stage.folder;
            let name = part.caller.name().replace('/', "_");
            let received = runs.join(format!("call-{name}-0")).join("b");
            match fidelity.pictures(&bench.stage.scene_file, bench.stage.size, &received) {
                Ok(pictures) => {
                    bench.add(part.caller, 0, "vmaf", pictures.vmaf_mean);
                    pictures.reason.iter().for_each(|reason| bench.trouble(part.caller, reason));
                }
                Err(reason) => bench.trouble(part.caller, &reason),
            }
            if !speech.is_file() {
                return;
            }
            let name = format!("speech-{name}");
            println!("{name}: {} s", SPEECH.as_secs());
            let run = spoken.run(scenario, SPEECH, part, part, &name);
            if let Some(reason) = &run.error {
                return bench.trouble(part.caller, reason);
            }
            match fidelity.speech(&speech, &runs.join(&name).join("b/sound.wav")) {
                Ok(heard) => {
                    bench.add(part.caller, 0, "pesq", heard.pesq);
                    bench.add(part.caller, 0, "stoi", heard.stoi);
                    heard.reason.iter().for_each(|reason| bench.trouble(part.caller, reason));
                }
                Err(reason) => bench.trouble(part.caller, &reason),
            }
        });
    }

    fn add(&mut self, caller: Caller, round: u32, key: &str, value: Option<f64>) {
        self.results.add(&caller.name(), round, key, value);
    }

    fn trouble(&mut self, caller: Caller, reason: &str) {
        println!("  {reason}");
        self.results.trouble(format!("{}: {reason}", caller.name()));
    }

    fn ours_failed(&self) -> bool {
        self.results.troubles().iter().any(|trouble| trouble.starts_with("ringback: "))
    }
}

/// The rows that are figures of a run, as the reports read them too.
const OF_A_RUN: [(&str, &str); 15] = [
    ("offer_to_picture", "first_picture"),
    ("offer_to_sound", "first_sound"),
    ("cpu_send", "cpu_send"),
    ("cpu_receive", "cpu_receive"),
    ("pss_send", "pss_send"),
    ("pss_receive", "pss_receive"),
    ("threads_send", "threads_send"),
    ("threads_receive", "threads_receive"),
    ("wakeups_send", "wakeups_send"),
    ("wakeups_receive", "wakeups_receive"),
    ("picture_latency_p50", "picture_latency_p50"),
    ("picture_latency_p95", "picture_latency_p95"),
    ("sound_latency_p50", "sound_latency_p50"),
    ("frame_rate", "frame_rate"),
    ("psnr", "psnr"),
];

fn call_values(run: &Run, received: &Path) -> Vec<(&'static str, Option<f64>)> {
    // Not in the totals: how long the program itself takes to begin.
    let started = PeerRecord::read(received).ok().and_then(|peer| {
        let (from, to) = peer.started_us.zip(peer.connected_us)?;
        Some(to.checked_sub(from)? as f64 / 1e3)
    });
    let own = [("program_to_connected", started), ("offer_to_connected", run.totals.connected_ms)];
    let measured = OF_A_RUN.map(|(row, key)| (row, Measure::named(key).and_then(|measure| measure.of(run))));
    own.into_iter().chain(measured).collect()
}

fn data_values(figures: &DataFigures, suffix: &str) -> Vec<(&'static str, Option<f64>)> {
    let throughput = figures.throughput_bps.map(|bps| bps / 8e6);
    if suffix == "_64" {
        return vec![
            ("throughput_64", throughput),
            ("cpu_100_mb_64", figures.cpu_per_100_mb),
            ("rtt_loaded_p50_64", figures.loaded.p50),
        ];
    }
    vec![
        ("throughput_16", throughput),
        ("cpu_100_mb_16", figures.cpu_per_100_mb),
        ("rtt_idle_p50", figures.idle.p50),
        ("rtt_idle_p99", figures.idle.p99),
        ("rtt_loaded_p50", figures.loaded.p50),
        ("rtt_loaded_p99", figures.loaded.p99),
    ]
}

fn soak(stage: &Stage, places: &Places, length: Duration) -> Result<ExitCode, String> {
    let ready = Caller::RINGBACK.ready(places)?;
    let part = Part { caller: Caller::RINGBACK, ready: &ready };
    let soak = stage.soak(length, part, "soak", |elapsed| println!("{} min", elapsed.as_secs() / 60))?;
    let show =
        |value: Option<f64>, unit: &str| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2} {unit}"));
    println!("judged                {}", show(soak.seconds, "s"));
    println!("memory grows by       {}", show(soak.memory.map(|bytes| bytes / f64::from(1 << 20)), "MiB/h"));
    println!("handles grow by       {}", show(soak.handles, "/h"));
    println!("picture falls behind  {}", show(soak.skew, "ms/h"));
    println!("freezes               {}", soak.freezes.map_or_else(|| "–".to_owned(), |count| count.to_string()));
    Ok(ExitCode::SUCCESS)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::bench::Row;

    #[test]
    fn every_row_of_a_run_is_a_row_and_has_its_measure() {
        for (row, key) in OF_A_RUN {
            assert!(Row::named(row).is_some() && Measure::named(key).is_some(), "{row}, {key}");
        }
    }
}
