//! One run: the network is made, a server and the callers are started in it, the network turns bad, and all is judged.
//! Whatever fails is told in the run; nothing that was started outlives it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use media_core::Size;

use super::caller::{Caller, Ready, Work};
use super::download::Download;
use super::process::Started;
use super::scenario::{Beside, Scenario};
use crate::cost::Sampler;
use crate::figures::Run;
use crate::judge::{Direction, Facts, LinkRow, judge};
use crate::machine;
use crate::media::scene::Scene;
use crate::network::forward::ForwarderConfig;
use crate::network::lab::{Lab, LabConfig};
use crate::network::log::NetworkLog;
use crate::network::place::{Path as Way, Port};
use crate::network::profile::Profile;
use crate::record::Record;

/// What all runs of a report have in common.
#[derive(Clone)]
pub struct Stage {
    /// The `ringback` program, which is the signaling server too.
    pub ringback: PathBuf,
    /// What is filmed.
    pub scene: Arc<Scene>,
    /// The same as a file.
    pub scene_file: PathBuf,
    /// The marked sound as a file.
    pub sound_file: PathBuf,
    /// Size of the pictures.
    pub size: Size,
    /// Pictures a second.
    pub frame_rate: u32,
    /// Upper bound of what each caller sends, bits a second.
    pub max_bitrate: u64,
    /// The same seed loses the same packets.
    pub seed: u64,
    /// Where each run has its own folder.
    pub folder: PathBuf,
}

/// A caller and what starts it.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// Which.
    pub caller: Caller,
    /// Its program.
    pub ready: &'a Ready,
}

/// How long a connection may take.
pub(super) const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// Bytes that a sender has sent when its media flow: far more than signaling takes.
const FLOWING: u64 = 60_000;

/// What callers get beyond the length of the scenario, for the time from their connection to the network's zero.
pub(super) const LEAD: Duration = Duration::from_secs(4);

/// What callers may take to end by themselves.
pub(super) const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks at processes and the log.
pub(super) const LOOK: Duration = Duration::from_millis(200);

pub(super) const SERVER_PORT: u16 = 7550;

impl Stage {
    /// Runs one scenario with one pair and judges the way from `sender` to `receiver`.
    #[must_use]
    pub fn run(&self, scenario: Scenario, length: Duration, sender: Part, receiver: Part, name: &str) -> Run {
        let mut run = Run {
            scenario: scenario.name.to_owned(),
            sender: sender.caller.name(),
            receiver: receiver.caller.name(),
            load_before: machine::load(),
            ..Run::default()
        };
        if let Err(error) = self.perform(&mut run, scenario, length, [sender, receiver], name) {
            run.error = Some(error);
        }
        run.load_after = machine::load();
        run
    }

    fn perform(
        &self,
        run: &mut Run,
        scenario: Scenario,
        length: Duration,
        parts: [Part; 2],
        name: &str,
    ) -> Result<(), String> {
        let folder = self.folder.join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let profile = Profile::named(scenario.name).ok_or("the scenario has no profile")?;
        let log = folder.join("network.csv");
        let forwarder = ForwarderConfig {
            profile: profile.clone(),
            seed: self.seed,
            log: Some(log.clone()),
            ..ForwarderConfig::default()
        };
        let config = LabConfig { id: "run".to_owned(), forwarder, ..LabConfig::default() };
        let lab = Lab::up(config).map_err(|error| error.to_string())?;
        let _server = self.serve(&lab, Port::S, &folder)?;
        let pause = scenario.pause.map(|(from, to)| ("LAB_PAUSE", format!("{from}-{to}")));
        let mut calls = vec![self.call(&lab, &folder, "room", parts, length, pause)?];
        if scenario.beside == Beside::Call {
            calls.push(self.call(&lab, &folder.join("beside"), "beside", parts, length, None)?);
        }
        await_media(&log, &mut calls)?;

        let zero_us = lab.start_profile();
        let download = (scenario.beside == Beside::Download).then(|| Download::start(&lab)).transpose()?;
        let mut samplers = calls[0].each_ref().map(|caller| Sampler::new(caller.number()));
        let zero = Instant::now();
        while calls.iter_mut().flatten().any(|caller| caller.is_running()) {
            let elapsed = zero.elapsed();
            // What ends when the call does is no cost of the call.
            if elapsed < length {
                samplers.iter_mut().for_each(|sampler| sampler.sample(Instant::now()));
            }
            if elapsed > length + LEAD + ENDS_WITHIN {
                return Err("a caller did not end by itself".to_owned());
            }
            thread::sleep(LOOK);
        }
        drop(download);
        for caller in calls.iter_mut().flatten() {
            caller.ended_well()?;
        }
        drop(lab.down().map_err(|error| error.to_string())?);
        [run.sender_cost, run.receiver_cost] = samplers.map(|sampler| sampler.cost());
        let mut facts = Facts::of(&profile, Way::A_TO_B, Some(zero_us), length);
        facts.pauses.extend(scenario.pause.map(|(from, to)| (Duration::from_secs(from), Duration::from_secs(to))));
        self.judge(run, &folder, &log, &facts)
    }

    fn judge(&self, run: &mut Run, folder: &Path, log: &Path, facts: &Facts) -> Result<(), String> {
        let text = fs::read_to_string(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let log = NetworkLog::read(&text).map_err(|error| error.to_string())?;
        run.network_late_p99_ms = log.late.map(|late| late.p99.as_secs_f64() * 1e3);
        let read = |side: &str| Record::read(&folder.join(side)).map_err(|error| error.to_string());
        let (sender, receiver) = (read("a")?, read("b")?);
        let link = LinkRow::of_log(&log, Way::A_TO_B);
        let direction =
            Direction { sender: &sender, receiver: &receiver, link: &link, facts, scene: Some(&*self.scene) };
        (run.totals, run.seconds) = judge(&direction).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// A signaling server on that host.
    pub(super) fn serve(&self, lab: &Lab, host: Port, folder: &Path) -> Result<Started, String> {
        let address = format!("{}:{SERVER_PORT}", lab.address(host));
        let mut command = lab.command(host, &self.ringback).map_err(|error| error.to_string())?;
        command.args(["serve", "--listen", &address, "--insecure-plain"]);
        let mut server = Started::start(command, &folder.join("server.log"))?;
        let patience = Instant::now() + Duration::from_secs(10);
        while lab.inside(host, || TcpStream::connect(&address)).is_ok_and(|connected| connected.is_err()) {
            if Instant::now() > patience || !server.is_running() {
                return Err("the signaling server does not listen".to_owned());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Starts both sides of a call; the receiver first, so that the sender offers.
    fn call(
        &self,
        lab: &Lab,
        folder: &Path,
        room: &str,
        parts: [Part; 2],
        length: Duration,
        pause: Option<(&str, String)>,
    ) -> Result<[Started; 2], String> {
        let [sender, receiver] = parts;
        let orders = vec![("LAB_SECONDS", (length + LEAD).as_secs().to_string())];
        let receiver = self.caller(lab, Port::B, &folder.join("b"), room, receiver, &orders)?;
        let orders: Vec<_> = orders.into_iter().chain(pause).collect();
        let sender = self.caller(lab, Port::A, &folder.join("a"), room, sender, &orders)?;
        Ok([sender, receiver])
    }

    /// Starts a caller with the orders that all of them get, and these.
    pub(super) fn caller(
        &self,
        lab: &Lab,
        port: Port,
        folder: &Path,
        room: &str,
        part: Part,
        orders: &[(&str, String)],
    ) -> Result<Started, String> {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let mut command = lab.command(port, part.ready.program()).map_err(|error| error.to_string())?;
        let work = if orders.iter().any(|(name, _)| *name == "LAB_DATA_BYTES") { Work::Data } else { Work::Call };
        part.ready.complete(work, &mut command);
        command
            .env("LAB_FOLDER", folder)
            .env("LAB_SERVER", format!("ws://{}:{SERVER_PORT}/signaling", lab.address(Port::S)))
            .env("LAB_ROOM", room)
            .env("LAB_WAIT", CONNECTS_WITHIN.as_secs().to_string())
            .env("LAB_SCENE", &self.scene_file)
            .env("LAB_SOUND", &self.sound_file)
            .env("LAB_SIZE", format!("{}x{}", self.size.width, self.size.height))
            .env("LAB_FPS", self.frame_rate.to_string())
            .env("LAB_CODEC", part.caller.codec())
            .env("LAB_MAX_BITRATE", self.max_bitrate.to_string())
            .envs(orders.iter().map(|(name, value)| (name, value)));
        Started::start(command, &folder.join("caller.log"))
    }
}

/// Waits until the sender's media flow into the network.
fn await_media(log: &Path, calls: &mut [[Started; 2]]) -> Result<(), String> {
    let patience = Instant::now() + CONNECTS_WITHIN + ENDS_WITHIN;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        let sent = NetworkLog::read(&text)
            .ok()
            .and_then(|log| log.of(Port::A.up()).last().map(|row| row.state.counters.entered.bytes));
        if sent.is_some_and(|bytes| bytes >= FLOWING) {
            return Ok(());
        }
        for caller in calls.iter_mut().flatten() {
            caller.still_running()?;
        }
        if Instant::now() > patience {
            return Err("the two did not connect".to_owned());
        }
        thread::sleep(LOOK);
    }
}
