//! `ringback lab`: two engines in this process call each other over a network in memory, and the call is measured.
//! Needs no rights and touches no device; the lab proper (`cargo xtask lab`) uses the same caller between namespaces.

mod caller;
pub(crate) mod cli;
mod data;
mod wire;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use call_engine::{
    AudioSink, AudioSource, Bitrate, Call, CallConfig, RoomId, SignalingConfig, Snapshot, VideoFormat, VideoSink,
    VideoSource,
};
use lab::figures::Run;
use lab::judge::{Direction, Facts, LinkRow, judge};
use lab::media::scene::Scene;
use lab::media::sound;
use lab::network::memory::MemoryNetwork;
use lab::network::place::{Path as Way, Port};
use lab::network::profile::Profile;
use lab::record::Record;
use lab::report::measure::MEASURES;
use signaling_server::{Server, ServerConfig};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::lab::caller::{Caller, Media};
use crate::lab::cli::{CallerArgs, DataArgs, LabArgs, MeasuredArgs, Ways};
use crate::lab::wire::Wire;
use crate::{exit, terminal};

/// How long the two may take to find each other.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// How often the network's counters are read.
const LOOK: Duration = Duration::from_millis(100);

/// Both sides of the call, measured.
pub(crate) fn run(args: &LabArgs) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    runtime.block_on(measured(args))
}

/// One side of a call, as ordered by the environment.
pub(crate) fn ordered(args: &MeasuredArgs, started: Instant) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    let connected = runtime.block_on(call(args, started))?;
    Ok(ExitCode::from(u8::from(!connected)))
}

/// One side of a measurement of data channels, as ordered by the environment.
pub(crate) fn ordered_data(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    let measured = runtime.block_on(data::measure(base(&args.caller), args))?;
    Ok(ExitCode::from(u8::from(!measured)))
}

fn base(args: &CallerArgs) -> CallConfig {
    let signaling = SignalingConfig::new(args.server.clone(), args.room.clone(), "ringback-lab");
    CallConfig { wait: Some(Duration::from_secs(args.wait)), once: true, ..CallConfig::new(signaling) }
}

async fn call(args: &MeasuredArgs, started: Instant) -> anyhow::Result<bool> {
    let scene = Scene::load(&args.scene, args.size).with_context(|| format!("cannot read {}", args.scene.display()))?;
    let sound = sound::load(&args.sound).with_context(|| format!("cannot read {}", args.sound.display()))?;
    let media = Media { scene: Arc::new(scene), sound: Arc::new(sound), pause: args.pause.clone() };
    let caller = Caller::new(&args.caller.folder, media, started)?;
    let mut config = caller.config(CallConfig {
        video: VideoFormat { size: args.size, frame_rate: args.fps },
        max_bitrate: Bitrate::from_bps(args.max_bitrate),
        duration: Some(Duration::from_secs(args.seconds)),
        ..base(&args.caller)
    });
    if args.media == Ways::Send {
        (config.audio_out, config.video_out) = (AudioSink::None, VideoSink::None);
    }
    if args.media == Ways::Receive {
        (config.audio_in, config.video_in) = (AudioSource::None, VideoSource::None);
    }
    Ok(caller.follow(Call::place(config).await?).await?.connected)
}

async fn measured(args: &LabArgs) -> anyhow::Result<ExitCode> {
    let profile = match profile(args) {
        Ok(profile) => profile,
        Err(message) => {
            terminal::error(&message);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    let scene = Arc::new(Scene::draw(args.size));
    let media = Media { scene: scene.clone(), sound: Arc::new(sound::round()), pause: None };
    let config = ServerConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..ServerConfig::default() };
    let server = Server::start(config).await?;
    let wire = Wire::start(MemoryNetwork::new(profile.clone(), args.seed, Instant::now()))?;
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];

    let mut sides = Vec::new();
    for (port, folder) in [Port::A, Port::B].into_iter().zip(&folders) {
        let caller = Caller::new(folder.path(), media.clone(), Instant::now())?;
        let url = call_engine::parse_server_url(&server.signaling_url())?;
        let room = RoomId::new("lab").expect("a valid name");
        let config = caller.config(CallConfig {
            video: VideoFormat { size: args.size, frame_rate: args.fps },
            max_bitrate: args.max_bitrate,
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            network: Some(wire.host(port)),
            duration: Some(args.duration),
            wait: Some(CONNECTS_WITHIN),
            once: true,
            ..CallConfig::new(SignalingConfig::new(url, room, format!("lab-{port}")))
        });
        sides.push((caller, Call::place(config).await?));
    }
    let [(caller_a, a), (caller_b, b)] = <[_; 2]>::try_from(sides).ok().context("there are two sides")?;
    let links = tokio::spawn(follow(wire.clone(), a.snapshot()));
    let (a, b) = tokio::join!(caller_a.follow(a), caller_b.follow(b));
    let (zero_us, links) = links.await.context("the network was not watched")?;
    let outcomes = [a?, b?];
    server.shutdown().await;
    if let Some(outcome) = outcomes.iter().find(|outcome| !outcome.connected) {
        terminal::error(&format!("the two did not connect: {}", outcome.end));
        return Ok(ExitCode::from(exit::code(&outcome.end, false)));
    }
    let mut runs = Vec::new();
    let records = [Record::read(folders[0].path())?, Record::read(folders[1].path())?];
    for (at, way, link) in [(0, Way::A_TO_B, &links[0]), (1, Way::B_TO_A, &links[1])] {
        let facts = Facts::of(&profile, way, zero_us, args.duration);
        let (sender, receiver) = (&records[at], &records[1 - at]);
        let (totals, seconds) = judge(&Direction { sender, receiver, link, facts: &facts, scene: Some(&scene) })?;
        runs.push(Run {
            scenario: "lab".into(),
            sender: ["a", "b"][at].into(),
            receiver: ["b", "a"][at].into(),
            totals,
            seconds,
            ..Run::default()
        });
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_vec_pretty(&runs)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    print!("{}", listing(&runs));
    Ok(ExitCode::SUCCESS)
}

/// The profile that the options describe.
fn profile(args: &LabArgs) -> Result<Profile, String> {
    let given = match &args.profile {
        None => String::new(),
        Some(name) => match Profile::text(name) {
            Some(text) => text.to_owned(),
            None => std::fs::read_to_string(name).map_err(|error| format!("--profile {name}: {error}"))?,
        },
    };
    let options = [
        ("loss", &args.loss),
        ("delay", &args.delay),
        ("jitter", &args.jitter),
        ("rate", &args.rate),
        ("queue", &args.queue),
    ];
    let mut line = "both 0s".to_owned();
    for (key, value) in options {
        if let Some(value) = value {
            let alone = Profile::parse(&format!("both 0s {key}={value}"));
            alone.map_err(|error| format!("--{key} {value}: {}", error.problem))?;
            let _ = write!(line, " {key}={value}");
        }
    }
    Profile::parse(&format!("{given}\n{line}\n")).map_err(|error| error.to_string())
}

/// Starts the profile when the call is connected, and keeps how both ways stand from then to its end.
async fn follow(wire: Wire, snapshots: watch::Receiver<Snapshot>) -> (Option<u64>, [Vec<LinkRow>; 2]) {
    let mut zero_us = None;
    let mut rows = [Vec::new(), Vec::new()];
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let snapshot = snapshots.borrow().clone();
        let now = Instant::now();
        if zero_us.is_none() && snapshot.figures.milestones.dtls_connected.is_some() {
            wire.look(|network| network.start_profile(now));
            zero_us = Some(unix_us());
        }
        if zero_us.is_some() {
            for (rows, way) in rows.iter_mut().zip([Way::A_TO_B, Way::B_TO_A]) {
                let [first, second] = way.links().map(|link| wire.look(|network| network.link(now, link)));
                rows.push(LinkRow::of(unix_us(), &first, &second));
            }
        }
        if snapshot.end.is_some() || snapshots.has_changed().is_err() {
            return (zero_us, rows);
        }
    }
}

fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Both directions, figure by figure.
fn listing(runs: &[Run]) -> String {
    let mut out = format!("{:<28}{:>12}{:>12}\n", "", "a to b", "b to a");
    for measure in &MEASURES {
        let values: Vec<Option<f64>> = runs.iter().map(|run| measure.of(run)).collect();
        if values.iter().any(Option::is_some) {
            let name = if measure.unit.is_empty() {
                measure.name.to_owned()
            } else {
                format!("{}, {}", measure.name, measure.unit)
            };
            let cells: String = values.iter().map(|value| format!("{:>12}", measure.show(*value))).collect();
            let _ = writeln!(out, "{name:<28}{cells}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn args(line: &str) -> LabArgs {
        match crate::cli::Cli::try_parse_from(line.split(' ')).expect("a command line").command {
            Some(crate::cli::Command::Lab(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_a_profile_and_add_to_one() {
        let loss = |line: &str| profile(&args(line)).map(|profile| format!("{:?}", profile.steps));
        assert!(loss("ringback lab --loss 5% --delay 50ms --rate 1mbit").is_ok());
        assert!(loss("ringback lab --profile drop --delay 50ms").is_ok_and(|steps| steps.len() > 300));
        assert!(loss("ringback lab --loss 150%").is_err_and(|error| error.starts_with("--loss 150%: ")));
        assert!(loss("ringback lab --profile nowhere").is_err_and(|error| error.contains("nowhere")));
    }
}
