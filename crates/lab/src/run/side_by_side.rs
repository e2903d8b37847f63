//! Two callers on one host with nothing between them: what they cost and how fast they are, not how they bear a network.
//! Their packets go through the kernel alone, so that neither link nor lab is part of what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::process::Started;
use super::stage::{CONNECTS_WITHIN, ENDS_WITHIN, LEAD, LOOK, Part, SERVER_PORT, Stage};
use crate::cost::{Sampler, slope};
use crate::figures::Run;
use crate::judge::{Direction, Facts, judge};
use crate::machine;
use crate::network::forward::unix_us;
use crate::network::lab::{Lab, LabConfig};
use crate::network::place::Port;
use crate::record::{DataRecord, Record, RoundTrips};

/// Between two looks at a caller whose CPU time within a second or two is wanted.
const CLOSE_LOOK: Duration = Duration::from_millis(50);

/// What a measurement of data channels may take.
const DATA_WITHIN: Duration = Duration::from_secs(180);

/// How fast data channels are, and what they cost. `None` is what could not be measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataFigures {
    /// Bits a second.
    pub throughput_bps: Option<f64>,
    /// Round trips of pings alone, milliseconds.
    pub idle: RoundTrips,
    /// Beside the bytes.
    pub loaded: RoundTrips,
    /// CPU seconds of sender and receiver for a hundred million bytes.
    pub cpu_per_100_mb: Option<f64>,
}

/// Whether a caller grows or drifts in a long call. Slopes are per hour; `None` with too few points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Soak {
    /// Seconds that were judged.
    pub seconds: Option<f64>,
    /// Bytes of memory (proportional set size), of the caller that grew more.
    pub memory: Option<f64>,
    /// Open file descriptors, of the caller that grew more.
    pub handles: Option<f64>,
    /// Milliseconds by which the picture falls behind the sound.
    pub skew: Option<f64>,
    /// Freezes in all.
    pub freezes: Option<u64>,
}

/// A host, a server on it, and the two callers that meet there.
struct Pair {
    // In this order: the callers end before their host goes.
    callers: [Started; 2],
    folders: [PathBuf; 2],
    _server: Started,
    _lab: Lab,
}

impl Stage {
    /// Sends sound and pictures from one caller to the other for that long, and judges them.
    #[must_use]
    pub fn one_way(&self, length: Duration, sender: Part, receiver: Part, name: &str) -> Run {
        let mut run = Run {
            scenario: "side by side".to_owned(),
            sender: sender.caller.name(),
            receiver: receiver.caller.name(),
            load_before: machine::load(),
            ..Run::default()
        };
        if let Err(error) = self.perform_one_way(&mut run, length, [sender, receiver], name) {
            run.error = Some(error);
        }
        run.load_after = machine::load();
        run
    }

    fn perform_one_way(&self, run: &mut Run, length: Duration, parts: [Part; 2], name: &str) -> Result<(), String> {
        let seconds = (length + LEAD).as_secs().to_string();
        let orders =
            ["send", "receive"].map(|media| vec![("LAB_SECONDS", seconds.clone()), ("LAB_MEDIA", media.to_owned())]);
        let mut pair = self.pair(parts, orders, name)?;
        pair.until_pictures()?;
        let mut samplers = pair.samplers();
        pair.watch(length, LOOK, |now| samplers.iter_mut().for_each(|sampler| sampler.sample(now)))?;
        pair.end(LEAD + ENDS_WITHIN)?;
        [run.sender_cost, run.receiver_cost] = samplers.map(|sampler| sampler.cost());
        let [sender, receiver] = pair.records()?;
        let facts = Facts::default();
        let direction =
            Direction { sender: &sender, receiver: &receiver, link: &[], facts: &facts, scene: Some(&*self.scene) };
        (run.totals, run.seconds) = judge(&direction).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Measures the data channels of two callers of one kind with so many bytes in messages of that length.
    ///
    /// # Errors
    /// One line that says what failed.
    pub fn data(&self, bytes: u64, message: usize, part: Part, name: &str) -> Result<DataFigures, String> {
        let orders = || vec![("LAB_DATA_BYTES", bytes.to_string()), ("LAB_DATA_MESSAGE", message.to_string())];
        let mut pair = self.pair([part, part], [orders(), orders()], name)?;
        let mut samplers = pair.samplers();
        let zero = (Instant::now(), unix_us());
        let patience = zero.0 + CONNECTS_WITHIN + DATA_WITHIN;
        while pair.is_running() {
            if Instant::now() > patience {
                return Err("a caller did not end by itself".to_owned());
            }
            samplers.iter_mut().for_each(|sampler| sampler.sample(Instant::now()));
            thread::sleep(CLOSE_LOOK);
        }
        pair.end(Duration::ZERO)?;
        let mut records = Vec::new();
        for folder in &pair.folders {
            records.push(DataRecord::read(folder).map_err(|error| format!("{}: {error}", folder.display()))?);
        }
        let sender = records.iter().find(|record| record.from_us.is_some()).ok_or("neither of the two sent")?;
        let cpu = || {
            let at = |unix_us: u64| zero.0.checked_add(Duration::from_micros(unix_us.checked_sub(zero.1)?));
            let (from, to) = (at(sender.from_us?)?, at(sender.to_us?)?);
            let used: Option<Vec<_>> =
                samplers.iter().map(|sampler| sampler.account().used_between(from, to)).collect();
            Some(used?.iter().sum::<Duration>().as_secs_f64() * 1e8 / bytes as f64)
        };
        Ok(DataFigures {
            throughput_bps: sender.throughput_bps,
            idle: sender.rtt_idle_ms.unwrap_or_default(),
            loaded: sender.rtt_loaded_ms.unwrap_or_default(),
            cpu_per_100_mb: cpu(),
        })
    }

    /// A call of that length both ways; `each_minute` hears how long it has been.
    ///
    /// # Errors
    /// One line that says what failed.
    pub fn soak(
        &self,
        length: Duration,
        part: Part,
        name: &str,
        mut told: impl FnMut(Duration),
    ) -> Result<Soak, String> {
        let orders = || vec![("LAB_SECONDS", (length + LEAD).as_secs().to_string())];
        let mut pair = self.pair([part, part], [orders(), orders()], name)?;
        pair.until_pictures()?;
        let mut samplers = pair.samplers();
        let (folders, zero) = (pair.folders.clone(), Instant::now());
        let mut minutes = 0;
        pair.watch(length, Duration::from_secs(1), |now| {
            samplers.iter_mut().for_each(|sampler| sampler.sample(now));
            // Kept pictures would fill the disk.
            folders.iter().for_each(|folder| clear(&folder.join("kept")));
            let elapsed = now - zero;
            if elapsed.as_secs() / 60 > minutes {
                minutes = elapsed.as_secs() / 60;
                told(elapsed);
            }
        })?;
        pair.end(LEAD + ENDS_WITHIN)?;
        let [sender, receiver] = pair.records()?;
        let facts = Facts::default();
        let direction = Direction { sender: &sender, receiver: &receiver, link: &[], facts: &facts, scene: None };
        let (totals, seconds) = judge(&direction).map_err(|error| error.to_string())?;
        let skew = seconds.iter().filter_map(|second| {
            let skew = second.picture_latency_ms? - second.sound_latency_ms?;
            Some((Duration::try_from_secs_f64(second.at).ok()?, skew))
        });
        let worst = |values: [Option<f64>; 2]| values.into_iter().flatten().max_by(f64::total_cmp);
        Ok(Soak {
            seconds: totals.seconds,
            memory: worst(samplers.each_ref().map(|sampler| sampler.account().memory_slope())),
            handles: worst(samplers.each_ref().map(|sampler| sampler.account().handles_slope())),
            skew: slope(skew),
            freezes: totals.freezes,
        })
    }

    /// Starts both, who receives first.
    fn pair(&self, parts: [Part; 2], orders: [Vec<(&str, String)>; 2], name: &str) -> Result<Pair, String> {
        let folder = self.folder.join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let config = LabConfig { id: "bench".to_owned(), ..LabConfig::default() };
        let lab = Lab::up(config).map_err(|error| error.to_string())?;
        let host = Port::A;
        let server = self.serve(&lab, host, &folder)?;
        let folders = [folder.join("a"), folder.join("b")];
        let url = ("LAB_SERVER", format!("ws://{}:{SERVER_PORT}/signaling", lab.address(host)));
        let start = |at: usize| {
            let orders: Vec<_> = orders[at].iter().cloned().chain([url.clone()]).collect();
            self.caller(&lab, host, &folders[at], "room", parts[at], &orders)
        };
        let receiver = start(1)?;
        let sender = start(0)?;
        Ok(Pair { callers: [sender, receiver], folders, _server: server, _lab: lab })
    }
}

impl Pair {
    fn samplers(&self) -> [Sampler; 2] {
        self.callers.each_ref().map(|caller| Sampler::new(caller.number()))
    }

    fn is_running(&mut self) -> bool {
        self.callers.iter_mut().any(Started::is_running)
    }

    /// Waits until the receiver has kept its first picture.
    fn until_pictures(&mut self) -> Result<(), String> {
        let patience = Instant::now() + CONNECTS_WITHIN + ENDS_WITHIN;
        let kept = self.folders[1].join("kept");
        while !fs::read_dir(&kept).is_ok_and(|mut pictures| pictures.next().is_some()) {
            for caller in &mut self.callers {
                caller.still_running()?;
            }
            if Instant::now() > patience {
                return Err("no picture came".to_owned());
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Looks again and again for that long.
    fn watch(&mut self, length: Duration, every: Duration, mut look: impl FnMut(Instant)) -> Result<(), String> {
        let zero = Instant::now();
        while zero.elapsed() < length {
            for caller in &mut self.callers {
                caller.still_running()?;
            }
            look(Instant::now());
            thread::sleep(every);
        }
        Ok(())
    }

    /// Waits until both have ended by themselves.
    fn end(&mut self, within: Duration) -> Result<(), String> {
        let patience = Instant::now() + within;
        while self.is_running() && Instant::now() < patience {
            thread::sleep(LOOK);
        }
        self.callers.iter_mut().try_for_each(Started::ended_well)
    }

    fn records(&self) -> Result<[Record; 2], String> {
        let read = |folder: &Path| Record::read(folder).map_err(|error| error.to_string());
        Ok([read(&self.folders[0])?, read(&self.folders[1])?])
    }
}

fn clear(folder: &Path) {
    for picture in fs::read_dir(folder).into_iter().flatten().flatten() {
        let _ = fs::remove_file(picture.path());
    }
}
