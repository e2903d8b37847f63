//! `lab run`: the standard scenarios with us and with other callers, and the report.
//! Each scenario is run with one pair after the other, so that they share the machine's hour.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab::baseline::{self, Baseline, Findings};
use lab::figures::Run;
use lab::machine::Machine;
use lab::network::privilege;
use lab::record::PeerRecord;
use lab::report::{Comparison, Report, html, text};
use lab::run::caller::Caller;
use lab::run::scenario::{STANDARD, Scenario};
use lab::run::stage::{Part, Stage};
use media_core::Size;

use super::callers::{self, Installed};
use super::options::Options;

pub(crate) const HELP: &str = "\
lab run [OPTIONS]

  Calls over bad networks, measured; prints the table and writes report.json and report.html.

  --only NAME[,NAME…]   these scenarios only (`lab run --list` names them)
  --vs NAME[,NAME…]     beside these callers: chromium, chromium/vp8, aiortc, aiortc/vp8, libwebrtc, none
                        (default: chromium)
  --mixed               also calls between us and each of them, both ways
  --repeat N            each pair that often; medians are shown (default 1)
  --short               the short runs that guard against regressions, three times each
  --check FILE          fail when a ratio is over 25 % worse than in this baseline
  --baseline FILE       write the ratios of these runs as a baseline
  --size WxH            of the pictures (default 640x360)
  --fps N               pictures a second (default 30)
  --max-bitrate BITS    upper bound of what each side sends (default 2500000)
  --seed N              the same seed loses the same packets (default 1)
  --folder FOLDER       where reports and records go (default target/lab)
  --list                name the scenarios
";

struct Orders {
    scenarios: Vec<Scenario>,
    vs: Vec<Caller>,
    mixed: bool,
    repeat: u32,
    short: bool,
    check: Option<PathBuf>,
    baseline: Option<PathBuf>,
    size: Size,
    frame_rate: u32,
    max_bitrate: u64,
    seed: u64,
    folder: PathBuf,
}

/// Runs `lab run`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        for scenario in STANDARD {
            println!("{:<14}{:>5} s  {}", scenario.name, scenario.length.as_secs(), scenario.title);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let orders = orders(arguments)?;
    privilege::ensure().map_err(|error| error.to_string())?;
    let baseline = orders.check.as_deref().map(Baseline::read).transpose().map_err(|error| error.to_string())?;
    let bench = Bench::new(&orders)?;
    let mut runs = bench.measure(&orders.scenarios);
    let findings = baseline.map(|baseline| {
        let findings = baseline::compare(&baseline, &runs);
        let doubtful = findings.scenarios();
        if doubtful.is_empty() {
            return findings;
        }
        // One unlucky hour is no regression: as many runs again must say the same.
        println!("looks worse, so once more: {}", doubtful.join(", "));
        let again: Vec<Scenario> = doubtful.iter().filter_map(|name| Scenario::named(name)).collect();
        runs.extend(bench.measure(&again));
        baseline::compare(&baseline, &runs)
    });
    conclude(&orders, runs, findings)
}

fn orders(arguments: &[String]) -> Result<Orders, String> {
    let (mut options, _) = Options::split("run", arguments);
    let short = options.flag("--short");
    let names = |text: Option<String>| text.map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>());
    let scenarios = match names(options.value("--only")?) {
        Some(only) => only
            .iter()
            .map(|name| Scenario::named(name).ok_or_else(|| format!("there is no scenario {name:?}: see --list")))
            .collect::<Result<Vec<_>, _>>()?,
        None => STANDARD.into_iter().filter(|scenario| !short || scenario.short.is_some()).collect(),
    };
    let vs = callers::named(options.value("--vs")?.as_deref().unwrap_or("chromium"))?;
    if let Some(caller) = vs.iter().find(|caller| !caller.has_media()) {
        return Err(format!("--vs {}: it has data channels only; `lab bench` measures them", caller.name()));
    }
    let size = callers::size(options.value("--size")?.as_deref().unwrap_or("640x360"))?;
    let orders = Orders {
        scenarios,
        vs,
        mixed: options.flag("--mixed"),
        repeat: options.parsed("--repeat")?.unwrap_or(if short { 3 } else { 1 }).clamp(1, 20),
        short,
        check: options.value("--check")?.map(PathBuf::from),
        baseline: options.value("--baseline")?.map(PathBuf::from),
        size,
        frame_rate: options.parsed("--fps")?.unwrap_or(30).clamp(1, 60),
        max_bitrate: options.parsed("--max-bitrate")?.unwrap_or(2_500_000),
        seed: options.parsed("--seed")?.unwrap_or(1),
        folder: options.value("--folder")?.map_or_else(|| callers::target().join("lab"), PathBuf::from),
    };
    options.finish()?;
    Ok(orders)
}

/// All that runs need.
struct Bench<'a> {
    orders: &'a Orders,
    stage: Stage,
    callers: Vec<Installed>,
}

impl<'a> Bench<'a> {
    fn new(orders: &'a Orders) -> Result<Self, String> {
        let (folder, places) = callers::places(&orders.folder)?;
        let stage = callers::stage(&folder, &places, orders.size, orders.frame_rate, orders.max_bitrate, orders.seed)?;
        Ok(Self { orders, stage, callers: callers::install(&orders.vs, &places) })
    }

    fn measure(&self, scenarios: &[Scenario]) -> Vec<Run> {
        let mut runs = Vec::new();
        for scenario in scenarios {
            let length = scenario.short.filter(|_| self.orders.short).unwrap_or(scenario.length);
            for round in 0..self.orders.repeat {
                for (sender, receiver) in pairs(&self.callers, self.orders.mixed) {
                    runs.push(one(&self.stage, *scenario, length, sender, receiver, round));
                }
            }
        }
        runs
    }
}

/// Each caller with itself; and, mixed, us with each other one, both ways.
fn pairs(callers: &[Installed], mixed: bool) -> Vec<(&Installed, &Installed)> {
    let alone = callers.iter().map(|caller| (caller, caller));
    let us = &callers[0];
    let both = callers[1..].iter().flat_map(|other| [(us, other), (other, us)]).filter(|_| mixed);
    alone.chain(both).collect()
}

fn one(
    stage: &Stage,
    scenario: Scenario,
    length: Duration,
    sender: &Installed,
    receiver: &Installed,
    round: u32,
) -> Run {
    let name = format!("{}-{}-{}-{round}", scenario.name, sender.0.name(), receiver.0.name()).replace('/', "_");
    println!("{name}: {} s", length.as_secs());
    let run = match (&sender.1, &receiver.1) {
        (Ok(a), Ok(b)) => {
            let (a, b) = (Part { caller: sender.0, ready: a }, Part { caller: receiver.0, ready: b });
            stage.run(scenario, length, a, b, &name)
        }
        (Err(reason), _) | (_, Err(reason)) => Run {
            scenario: scenario.name.to_owned(),
            sender: sender.0.name(),
            receiver: receiver.0.name(),
            error: Some(reason.clone()),
            ..Run::default()
        },
    };
    if let Some(error) = &run.error {
        println!("  {error}");
    }
    run
}

fn conclude(orders: &Orders, runs: Vec<Run>, findings: Option<Findings>) -> Result<ExitCode, String> {
    let made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut report = Report::new(made_at, Machine::here(), runs);
    for (caller, version) in versions(&orders.folder.join("runs")) {
        report = report.with_version(&caller, &version);
    }
    let write = |path: PathBuf, content: &str| {
        fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))
    };
    report.write(&orders.folder).map_err(|error| format!("cannot write to {}: {error}", orders.folder.display()))?;
    write(orders.folder.join("report.html"), &html::page(&report))?;
    let comparisons = Comparison::all(&report.runs);
    write(orders.folder.join("report.md"), &comparisons.iter().map(text::markdown).collect::<String>())?;
    comparisons.iter().for_each(|comparison| print!("{}", text::terminal(comparison)));
    println!("\n{}", orders.folder.join("report.html").display());

    let ours = |run: &&Run| run.sender == "ringback" && run.receiver == "ringback";
    for scenario in &orders.scenarios {
        let runs: Vec<&Run> = report.runs.iter().filter(ours).filter(|run| run.scenario == scenario.name).collect();
        let failed: Vec<&String> = runs.iter().filter_map(|run| run.error.as_ref()).collect();
        // Calls over lossy networks fail now and then; each is told above. That it happens often is another matter.
        if let Some(error) = failed.first().filter(|_| failed.len() * 3 > runs.len()) {
            let (name, failed, all) = (scenario.name, failed.len(), runs.len());
            return Err(format!("{failed} of {all} runs of ours failed over {name}: {error}"));
        }
    }
    if let Some(path) = &orders.baseline {
        let written = Baseline::from_runs(&report.runs).write(path);
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let Some(findings) = findings else { return Ok(ExitCode::SUCCESS) };
    findings.missing.iter().for_each(|missing| println!("not measured: {missing}"));
    findings.regressions.iter().for_each(|regression| println!("worse: {regression}"));
    Ok(ExitCode::from(u8::from(!findings.scenarios().is_empty())))
}

/// Names and versions of the callers, as they say themselves in their records.
fn versions(runs: &Path) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for run in fs::read_dir(runs).into_iter().flatten().flatten() {
        if let Ok(peer) = PeerRecord::read(&run.path().join("a")) {
            versions.insert(peer.name, peer.version);
        }
    }
    versions
}
