//! The values of a profile: times, shares, rates, queues and the rest, each read with its unit.

use std::sync::Arc;
use std::time::Duration;

use media_core::Bitrate;

use super::parse::Problem;
use crate::network::conditions::{Change, Distribution, Loss, QueueLimit, Stall, Trace};

/// No time in a profile is longer; more is a typing mistake.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Chances that a trace may have: a day of one each millisecond.
const LONGEST_TRACE: usize = 86_400_000;

type Parsed<T> = Result<T, Problem>;

/// Reads one `KEY=VALUE`; `open` gives the text of a trace.
pub(super) fn change(key: &str, value: &str, open: impl Fn(&str) -> Result<String, String>) -> Parsed<Change> {
    let none = value == "none";
    Ok(match key {
        "delay" => Change::Delay(time(value)?),
        "jitter" => Change::Jitter(time(value)?),
        "dist" => Change::Distribution(distribution(value)?),
        "corr" => Change::Correlation(share(value)?),
        "jitter-reorders" => Change::JitterReorders(switch(value)?),
        "loss" => Change::Loss(if none { Loss::None } else { loss(value)? }),
        "dup" => Change::Duplicates(share(value)?),
        "reorder" if none => Change::Reordered(0.0, Duration::ZERO),
        "reorder" => {
            let (held, long) = pair(value, Problem::Reorder)?;
            Change::Reordered(share(held)?, time(long)?)
        }
        "rate" => Change::Rate(if none { None } else { Some(rate(value)?) }),
        "queue" => Change::Queue(queue(value)?),
        "stall" => Change::Stall(if none { None } else { Some(stall(value)?) }),
        "trace" if none => Change::Trace(None),
        "trace" => Change::Trace(Some(Arc::new(trace(&open(value).map_err(Problem::Trace)?)?))),
        "down" => Change::Down(switch(value)?),
        unknown => return Err(Problem::Key(unknown.to_owned())),
    })
}

/// Reads a time as a profile writes it: `5us`, `25ms`, `1.5s`, a day at most.
///
/// # Errors
/// [`Problem::Time`].
pub fn time(text: &str) -> Result<Duration, Problem> {
    let bad = || Problem::Time(text.to_owned());
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (digits, seconds) = suffixed(text, &units).ok_or_else(bad)?;
    let time = Duration::try_from_secs_f64(number(digits).ok_or_else(bad)? * seconds).map_err(|_| bad())?;
    if time <= LONGEST { Ok(time) } else { Err(bad()) }
}

fn share(text: &str) -> Parsed<f64> {
    let (digits, unit) = suffixed(text, &[("%", 0.01), ("", 1.0)]).unwrap_or((text, 1.0));
    let share = number(digits).map(|number| number * unit);
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| Problem::Share(text.to_owned()))
}

fn rate(text: &str) -> Parsed<Bitrate> {
    let bad = || Problem::Rate(text.to_owned());
    let units = [("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1.0)];
    let (digits, bits) = suffixed(text, &units).ok_or_else(bad)?;
    let bps = (number(digits).ok_or_else(bad)? * bits).round();
    if (1.0..=1e12).contains(&bps) { Ok(Bitrate::from_bps(bps as u64)) } else { Err(bad()) }
}

fn loss(text: &str) -> Parsed<Loss> {
    let Some(chain) = text.strip_prefix("ge:") else { return Ok(Loss::Random(share(text)?)) };
    match chain.split(',').map(share).collect::<Parsed<Vec<f64>>>()?[..] {
        [begin, end] => Ok(Loss::Bursts { begin, end, good: 0.0, bad: 1.0 }),
        [begin, end, good, bad] => Ok(Loss::Bursts { begin, end, good, bad }),
        _ => Err(Problem::Loss),
    }
}

fn distribution(text: &str) -> Parsed<Distribution> {
    match text {
        "normal" => Ok(Distribution::Normal),
        "uniform" => Ok(Distribution::Uniform),
        "pareto" => Ok(Distribution::Pareto),
        unknown => Err(Problem::Distribution(unknown.to_owned())),
    }
}

fn queue(text: &str) -> Parsed<QueueLimit> {
    let whole = |digits: &str| digits.parse::<u64>().ok().filter(|number| (1..=1_000_000).contains(number));
    let bad = || Problem::Queue(text.to_owned());
    if let Some(digits) = text.strip_suffix("pkts") {
        Ok(QueueLimit::Packets(whole(digits).ok_or_else(bad)?))
    } else if let Some(digits) = text.strip_suffix("kB") {
        Ok(QueueLimit::Bytes(whole(digits).ok_or_else(bad)? * 1000))
    } else {
        Ok(QueueLimit::Time(time(text).map_err(|_| bad())?))
    }
}

fn stall(text: &str) -> Parsed<Stall> {
    let (every, hold) = pair(text, Problem::Stall)?;
    let stall = Stall { every: time(every)?, hold: time(hold)? };
    if stall.hold < stall.every { Ok(stall) } else { Err(Problem::Stall) }
}

fn trace(text: &str) -> Parsed<Trace> {
    let chances = text.split_whitespace().take(LONGEST_TRACE).map(|line| {
        let millis = line.parse::<u64>().ok().filter(|millis| *millis <= LONGEST.as_millis() as u64);
        millis.map(Duration::from_millis).ok_or_else(|| Problem::Trace(format!("`{line}` is no millisecond of a day")))
    });
    let wrong = || Problem::Trace("a trace is a rising list of milliseconds that ends later than 0".to_owned());
    Trace::new(chances.collect::<Parsed<_>>()?).ok_or_else(wrong)
}

fn switch(text: &str) -> Parsed<bool> {
    match text {
        "on" | "1" | "yes" => Ok(true),
        "off" | "0" | "no" => Ok(false),
        unknown => Err(Problem::Switch(unknown.to_owned())),
    }
}

fn pair(text: &str, problem: Problem) -> Parsed<(&str, &str)> {
    text.split_once(',').ok_or(problem)
}

fn suffixed<'t>(text: &'t str, units: &[(&str, f64)]) -> Option<(&'t str, f64)> {
    units.iter().find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, *scale)))
}

/// A plain decimal number: no sign, no exponent, no infinity.
fn number(digits: &str) -> Option<f64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { digits.parse().ok() } else { None }
}
