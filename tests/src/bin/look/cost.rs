//! What the window costs where the processor draws it: until something is seen, while nothing happens, and in a 720p30 call.
//! The call is measured with both ways to make a picture's colours, one after the other, and only the threads that draw count.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Running, Server};
use ringback_tests::screen::Screen;

use super::{peer, windowed};

/// Until the encoder, the bandwidth estimate and the window have settled.
const SETTLES: Duration = Duration::from_secs(5);

/// Long against a frame, short enough to be run often.
const MEASURED: Duration = Duration::from_secs(10);

/// A picture that comes later than this after the one before has been a stutter: at 30 a second one was left out.
const LATE: Duration = Duration::from_millis(60);

const ENDS: Duration = Duration::from_secs(20);

/// Windows that are opened to see how long it takes.
const STARTS: usize = 5;

/// The unit of CPU times in `/proc`: USER_HZ is 100 wherever Rust runs on Linux.
const TICK: Duration = Duration::from_millis(10);

/// Measures, and prints the figures with the goals beside them.
pub(crate) fn measure() {
    let _alone = alone();
    let (server, screen) = (Server::start(), Screen::start());
    first_paint(&server, &screen);
    idle(&server, &screen);
    for way in ["card", "processor"] {
        in_call(way, &server, &screen);
    }
}

fn first_paint(server: &Server, screen: &Screen) {
    let mut times: Vec<(Duration, Duration)> = (0..STARTS).map(|_| one_first_paint(server, screen)).collect();
    times.sort();
    let (time, processor) = times[STARTS / 2];
    println!(
        "start to first paint   {:>6} ms in the median of {STARTS} (goal: 300 ms), with {} ms of a processor",
        time.as_millis(),
        processor.as_millis()
    );
}

/// How long it took, and how much of a processor: a machine that does other things takes longer with the same work.
fn one_first_paint(server: &Server, screen: &Screen) -> (Duration, Duration) {
    let began = Instant::now();
    let mut window = windowed("window", "empty", server, screen).media("none", "none").start();
    while screen.look().is_blank() {
        assert!(began.elapsed() < ENDS, "no window was seen");
        sleep(Duration::from_millis(2));
    }
    let times = (began.elapsed(), threads(window.process.id()).values().sum());
    window.process.signal(Signal::Interrupt);
    window.process.wait(ENDS);
    while !screen.look().is_blank() {
        sleep(Duration::from_millis(20));
    }
    times
}

fn idle(server: &Server, screen: &Screen) {
    let mut window = windowed("window", "empty", server, screen).media("none", "none").start();
    window.process.line_err("* waiting", ENDS);
    sleep(Duration::from_secs(2));
    let spent = spent(window.process.id(), MEASURED);
    println!(
        "idle window            {:>6.2} % of a core for drawing (goal: 1 %), {:.2} % for the whole program",
        percent(drawing(&window, &spent).map(|(_, time)| *time).sum()),
        percent(spent.values().sum()),
    );
    window.process.signal(Signal::Interrupt);
    window.process.wait(ENDS);
}

fn in_call(way: &str, server: &Server, screen: &Screen) {
    let mut peer = peer("cinema", server);
    let window = windowed("window", "cinema", server, screen).option("--size", "1280x720").option("--fps", "30");
    let window = window.env("RINGBACK_PICTURES", way).env("NO_COLOR", "1");
    let mut window = window.env("RUST_LOG", "off,ringback::window::picture=trace").start();
    peer.connected();
    sleep(SETTLES);
    let settled = gaps(&window.process.said()).len();
    let spent = spent(window.process.id(), MEASURED);
    let gaps = gaps(&window.process.said()).split_off(settled);
    window.process.signal(Signal::Interrupt);
    window.ends_with(0, ENDS);
    peer.ends_with(0, ENDS);

    let drawn: Duration = drawing(&window, &spent).map(|(_, time)| *time).sum();
    let all: Duration = spent.values().sum();
    let name = if way == "card" { "in the shader" } else { "on the processor" };
    println!(
        "720p30 call, colours {name:<16} {:>6.1} % of a core for drawing (goal: 40 %), {:.1} % for the whole call, \
         {:.1} pictures a second decoded",
        percent(drawn),
        percent(all),
        window.report().number("video.received.fps"),
    );
    let late = gaps.iter().filter(|gap| **gap > LATE).count();
    println!(
        "    {:.1} of the peer's pictures drawn a second, {late} of {} later than {} ms, the longest after {} ms",
        gaps.len() as f64 / MEASURED.as_secs_f64(),
        gaps.len(),
        LATE.as_millis(),
        gaps.iter().max().map_or(0, Duration::as_millis),
    );
    for ((_, name), time) in drawing(&window, &spent).filter(|(_, time)| **time > TICK * 10) {
        println!("    {name:<20} {:>6.1} %", percent(*time));
    }
}

/// The times between the peer's pictures as they were drawn, in the order of time.
fn gaps(said: &str) -> Vec<Duration> {
    let drawn = said.lines().filter(|line| line.contains("picture=\"remote\""));
    let after = drawn.filter_map(|line| line.split_once("after_us=")?.1.split(' ').next()?.parse().ok());
    after.map(Duration::from_micros).collect()
}

/// The threads that draw: the first one, and those of Mesa.
fn drawing<'a>(window: &Running, spent: &'a Spent) -> impl Iterator<Item = (&'a (u32, String), &'a Duration)> {
    let main = window.process.id();
    spent.iter().filter(move |((id, name), _)| *id == main || name.starts_with("llvmpipe") || name.contains(':'))
}

/// Threads by id and name, and the time that each had of a processor.
type Spent = BTreeMap<(u32, String), Duration>;

fn percent(spent: Duration) -> f64 {
    spent.as_secs_f64() / MEASURED.as_secs_f64() * 100.0
}

/// What each thread of a process uses of the processor within this time.
fn spent(process: u32, time: Duration) -> Spent {
    let before = threads(process);
    sleep(time);
    let mut spent = threads(process);
    for (thread, time) in &mut spent {
        *time = time.saturating_sub(before.get(thread).copied().unwrap_or_default());
    }
    spent
}

/// The threads of a process by id and name, and what each has used so far (proc(5), `/proc/PID/task/TID/stat`).
fn threads(process: u32) -> Spent {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    let stat = |id: u32| {
        let text = fs::read_to_string(format!("/proc/{process}/task/{id}/stat")).ok()?;
        let (head, tail) = text.rsplit_once(") ")?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = tail.split(' ').collect();
        // Fields 14 and 15: user and system time.
        let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
        Some(((id, name), TICK * ticks))
    };
    // A thread may end while it is looked at.
    tasks.flatten().filter_map(|task| stat(task.file_name().to_str()?.parse().ok()?)).collect()
}
