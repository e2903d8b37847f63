//! `lab net`: a bad network for any program, or for a shell in each of its hosts.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::network::forward::{ForwarderConfig, Summary};
use lab::network::lab::{Lab, LabConfig};
use lab::network::namespaces;
use lab::network::place::Port;
use lab::network::privilege;
use lab::network::profile::{Profile, Step};

use super::Outcome;
use super::options::Options;

const HELP: &str = "\
lab net COMMAND [OPTIONS]

  run [OPTIONS] [-- CMD ARG…]   make a network, run CMD (or wait), take the network down
      --profile NAME|FILE   what the links do; without it they are perfect
      --set LINE            one more line of a profile, e.g. --set 'both 0s delay=50ms'; any number of times
      --nat-a KIND          the router before host a: none, full, cone, sym or noudp
      --nat-b KIND          the router before host b
      --duration T          stop after this long, e.g. 60s
      --log FILE            the counters of each link over time
      --log-every T         how often (default 100ms)
      --seed N              the same seed loses the same packets (default 1)
      --id ID               the network's name, for several side by side (default 0)
      --v6                  addresses fd00:201::1, ::2 and ::9 too, not behind routers
      --no-rt               no real-time priority for the wire
  exec PART [--id ID] -- CMD…   run CMD in a part of a running network: a, b, s, ra or rb
  down [--id ID]                remove what a killed run left
  check NAME|FILE               read a profile and print what it does
  profiles                      the profiles that come with the program
  help                          this text

CMD finds LAB_A_NS, LAB_B_NS and LAB_S_NS (namespaces for `ip netns exec`, or for `lab net exec`), LAB_A_IP, LAB_B_IP
and LAB_S_IP in its environment. Its exit code is that of `lab net run`; 124 is what a run ends with that was cut off by
--duration. Without root, the network is made in a user namespace and can be reached from CMD only.
";

/// How often a running network looks whether its command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The exit code of a run that was cut off, as `timeout` has it.
const CUT_OFF: u8 = 124;

/// Set by a signal that asks to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Runs the command that these arguments name.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (mut options, command) = Options::split("lab net", arguments);
    let verb = options.word().unwrap_or_else(|| "help".to_owned());
    match verb.as_str() {
        _ if options.flag("--help") || options.flag("-h") => help(),
        "help" => help(),
        "run" => run_network(options, &command),
        "exec" => exec(options, &command),
        "down" => {
            let id = id(&mut options)?;
            options.finish()?;
            namespaces::remove(&id).map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        "check" => {
            let name = options.word().ok_or("check which profile? a name or a file")?;
            options.finish()?;
            print_profile(&profile(&name)?);
            Ok(ExitCode::SUCCESS)
        }
        "profiles" => {
            options.finish()?;
            for name in Profile::names() {
                println!("{name:12} {}", profile(name)?.description);
            }
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(format!("no command `net {unknown}`\n\n{HELP}")),
    }
}

fn help() -> Outcome {
    print!("{HELP}");
    Ok(ExitCode::SUCCESS)
}

fn exec(mut options: Options, command: &[String]) -> Outcome {
    let part = options.word().ok_or("exec in which part? a, b, s, ra or rb")?;
    let id = id(&mut options)?;
    options.finish()?;
    let (program, arguments) = command.split_first().ok_or("exec what? write it after --")?;
    let mut command = namespaces::command(&id, &part, program).map_err(|error| error.to_string())?;
    Err(format!("cannot run {program}: {}", command.args(arguments).exec()))
}

fn run_network(mut options: Options, command: &[String]) -> Outcome {
    let mut config = LabConfig { id: id(&mut options)?, ..LabConfig::default() };
    config.nat_a = options.parsed("--nat-a")?.unwrap_or_default();
    config.nat_b = options.parsed("--nat-b")?.unwrap_or_default();
    config.v6 = options.flag("--v6");
    let duration = options.time("--duration")?;
    let defaults = ForwarderConfig::default();
    config.forwarder = ForwarderConfig {
        profile: asked_profile(&mut options)?,
        seed: options.parsed("--seed")?.unwrap_or(defaults.seed),
        log: options.value("--log")?.map(PathBuf::from),
        log_every: options.time("--log-every")?.unwrap_or(defaults.log_every),
        realtime: !options.flag("--no-rt"),
    };
    options.finish()?;
    privilege::ensure().map_err(|error| error.to_string())?;

    heed_signals();
    let lab = Lab::up(config).map_err(|error| error.to_string())?;
    let mut child = command.split_first().map(|(program, rest)| start(&lab, program, rest)).transpose()?;
    if child.is_none() {
        eprintln!("lab: up; {}; Ctrl-C ends it", Port::ALL.map(|port| place(&lab, port)).join(", "));
    }
    lab.start_profile();
    let code = supervise(&lab, child.as_mut(), duration);
    let summary = lab.down().map_err(|error| error.to_string())?;
    tell(&summary);
    Ok(code)
}

/// Waits for the end, whatever brings it, and gives the exit code.
fn supervise(lab: &Lab, mut child: Option<&mut Child>, duration: Option<Duration>) -> ExitCode {
    let start = Instant::now();
    loop {
        if let Some(Ok(Some(status))) = child.as_mut().map(|child| child.try_wait()) {
            return code(status);
        }
        let cut_off = duration.is_some_and(|duration| start.elapsed() >= duration);
        let stopped = STOP.load(Ordering::Relaxed);
        if cut_off || stopped || !lab.is_running() {
            let Some(child) = child else { return ExitCode::SUCCESS };
            end(child);
            return if cut_off { ExitCode::from(CUT_OFF) } else { ExitCode::from(130) };
        }
        std::thread::sleep(LOOK);
    }
}

fn start(lab: &Lab, program: &str, arguments: &[String]) -> Result<Child, String> {
    let mut command = Command::new(program);
    // A group of its own, so that what it has started can be ended with it.
    command.args(arguments).process_group(0);
    for port in Port::ALL {
        let name = port.name().to_uppercase();
        command.env(format!("LAB_{name}_NS"), lab.namespace(port));
        command.env(format!("LAB_{name}_IP"), lab.address(port).to_string());
    }
    command.spawn().map_err(|error| format!("cannot run {program}: {error}"))
}

/// Asks the command and what it has started to end, and waits until it has.
fn end(child: &mut Child) {
    // SAFETY: the call takes no pointers. The group is that of a child which was not waited for yet: its number cannot
    // belong to anyone else.
    unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGTERM) };
    let _ = child.wait();
}

fn heed_signals() {
    extern "C" fn stop(_: libc::c_int) {
        STOP.store(true, Ordering::Relaxed);
    }
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler only stores to an atomic.
        unsafe { libc::signal(signal, stop as *const () as libc::sighandler_t) };
    }
}

/// Those of the profile and of each `--set`.
fn asked_profile(options: &mut Options) -> Result<Profile, String> {
    let mut asked = options.value("--profile")?.map_or(Ok(Profile::default()), |name| profile(&name))?;
    let mut lines = String::new();
    while let Some(line) = options.value("--set")? {
        lines += &format!("{line}\n");
    }
    let set = Profile::parse_in(&lines, Path::new("")).map_err(|error| format!("--set, {error}"))?;
    asked.repeat = set.repeat.or(asked.repeat);
    asked.steps.extend(set.steps);
    asked.steps.sort_by_key(|step| step.at);
    Ok(asked)
}

fn profile(name: &str) -> Result<Profile, String> {
    let known = Profile::named(name).map(Ok);
    known.unwrap_or_else(|| Profile::load(Path::new(name)).map_err(|error| error.to_string()))
}

fn print_profile(profile: &Profile) {
    println!("{}", profile.description);
    for Step { at, links, changes } in &profile.steps {
        let links: Vec<String> = links.iter().map(ToString::to_string).collect();
        println!("{:>7.3} s  {}  {changes:?}", at.as_secs_f64(), links.join(" "));
    }
    for (word, time) in [("repeats after", profile.repeat), ("lasts", profile.lasts)] {
        time.iter().for_each(|time| println!("{word} {time:?}"));
    }
}

/// What became of the packets, for people.
fn tell(summary: &Summary) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let late = summary.late;
    eprintln!(
        "lab: {} packets, {} to nowhere, {} refused; late by {:.2} ms (median), {:.2} ms (p99), {:.2} ms (max)",
        summary.forwarded,
        summary.unroutable,
        summary.refused,
        millis(late.p50),
        millis(late.p99),
        millis(late.max)
    );
    if !summary.realtime {
        eprintln!("lab: the wire had no real-time priority: on a busy machine it adds jitter of its own");
    }
    for (link, counters) in &summary.links {
        let [lost, full, down] = [counters.lost, counters.queue_full, counters.down].map(|tally| tally.packets);
        if lost + full + down > 0 {
            let (entered, delivered) = (counters.entered.packets, counters.delivered.packets);
            eprintln!("lab: {link}: in {entered}, out {delivered}, lost {lost}, queue full {full}, link down {down}");
        }
    }
}

fn place(lab: &Lab, port: Port) -> String {
    format!("{port} = {} ({})", lab.namespace(port), lab.address(port))
}

fn code(status: ExitStatus) -> ExitCode {
    // A shell's convention for a program that a signal ended.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn id(options: &mut Options) -> Result<String, String> {
    Ok(options.value("--id")?.unwrap_or_else(|| "0".to_owned()))
}
