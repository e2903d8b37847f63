//! `lab run`: the standard scenarios with us and with other callers, and the report.
//! Each scenario is run with one pair after the other, so that they share the machine's hour.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab::baseline::{self, Baseline};
use lab::figures::Run;
use lab::machine::Machine;
use lab::media::scene::Scene;
use lab::media::sound;
use lab::network::privilege;
use lab::report::{Comparison, Report, html, text};
use lab::run::caller::{Caller, Places, Ready};
use lab::run::scenario::{STANDARD, Scenario};
use lab::run::stage::{Part, Stage};
use media_core::Size;

use super::options::Options;

pub(crate) const HELP: &str = "\
lab run [OPTIONS]

  Calls over bad networks, measured; prints the table and writes report.json and report.html.

  --only NAME[,NAME…]   these scenarios only (`lab run --list` names them)
  --vs NAME[,NAME…]     beside these callers: chromium, chromium/vp8, aiortc, libwebrtc, none
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
    let runs = measure(&orders)?;
    conclude(&orders, runs)
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
    let vs = names(options.value("--vs")?).unwrap_or_else(|| vec!["chromium".to_owned()]);
    let vs =
        vs.iter().filter(|name| *name != "none").map(|name| name.parse().map_err(|error| format!("--vs: {error}")));
    let size = options.value("--size")?.unwrap_or_else(|| "640x360".to_owned());
    let orders = Orders {
        scenarios,
        vs: vs.collect::<Result<_, _>>()?,
        mixed: options.flag("--mixed"),
        repeat: options.parsed("--repeat")?.unwrap_or(if short { 3 } else { 1 }).clamp(1, 20),
        short,
        check: options.value("--check")?.map(PathBuf::from),
        baseline: options.value("--baseline")?.map(PathBuf::from),
        size: self::size(&size).ok_or_else(|| format!("--size {size}: write WIDTHxHEIGHT, both even"))?,
        frame_rate: options.parsed("--fps")?.unwrap_or(30).clamp(1, 60),
        max_bitrate: options.parsed("--max-bitrate")?.unwrap_or(2_500_000),
        seed: options.parsed("--seed")?.unwrap_or(1),
        folder: options.value("--folder")?.map_or_else(|| target().join("lab"), PathBuf::from),
    };
    options.finish()?;
    Ok(orders)
}

fn size(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    Size::new(width.parse().ok()?, height.parse().ok()?).ok()
}

/// The folder cargo builds into: this program lies in one below it.
fn target() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.as_deref().and_then(|program| program.ancestors().nth(2)).unwrap_or(Path::new("target")).to_path_buf()
}

fn measure(orders: &Orders) -> Result<Vec<Run>, String> {
    let folder = std::path::absolute(&orders.folder).map_err(|error| error.to_string())?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let ringback = std::env::var_os("RINGBACK_BIN").map_or_else(|| target().join("release/ringback"), PathBuf::from);
    if !ringback.is_file() {
        return Err(format!("{} is not there: `cargo xtask lab` builds it", ringback.display()));
    }
    let places = Places {
        ringback: ringback.clone(),
        sources: Path::new(env!("CARGO_MANIFEST_DIR")).join("callers"),
        packages: folder.join("callers"),
    };
    let (scene_file, sound_file) = (folder.join("scene.i420"), folder.join("sound.wav"));
    let scene = Scene::draw(orders.size);
    let written = scene.save(&scene_file).and_then(|()| sound::save(&sound_file, &sound::round()));
    written.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    let stage = Stage {
        ringback,
        scene,
        scene_file,
        sound_file,
        size: orders.size,
        frame_rate: orders.frame_rate,
        max_bitrate: orders.max_bitrate,
        seed: orders.seed,
        folder: folder.join("runs"),
    };
    let callers: Vec<(Caller, Result<Ready, String>)> = std::iter::once(Caller::RINGBACK)
        .chain(orders.vs.iter().copied())
        .map(|caller| (caller, caller.ready(&places)))
        .collect();
    let mut runs = Vec::new();
    for scenario in &orders.scenarios {
        let length = scenario.short.filter(|_| orders.short).unwrap_or(scenario.length);
        for round in 0..orders.repeat {
            for (sender, receiver) in pairs(&callers, orders.mixed) {
                runs.push(one(&stage, *scenario, length, sender, receiver, round));
            }
        }
    }
    Ok(runs)
}

type Installed = (Caller, Result<Ready, String>);

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

fn conclude(orders: &Orders, runs: Vec<Run>) -> Result<ExitCode, String> {
    let made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let report = Report::new(made_at, Machine::here(), runs);
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
    if let Some(failed) = report.runs.iter().filter(ours).find_map(|run| run.error.as_ref()) {
        return Err(format!("a run of ours failed: {failed}"));
    }
    if let Some(path) = &orders.baseline {
        let written = Baseline::from_runs(&report.runs).write(path);
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    match &orders.check {
        Some(path) => check(path, &report.runs),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn check(path: &Path, runs: &[Run]) -> Result<ExitCode, String> {
    let baseline = Baseline::read(path).map_err(|error| error.to_string())?;
    let findings = baseline::compare(&baseline, runs);
    for missing in &findings.missing {
        println!("not measured: {missing}");
    }
    for regression in &findings.regressions {
        println!("worse: {regression}");
    }
    Ok(ExitCode::from(u8::from(!findings.regressions.is_empty())))
}
