//! `ringback probe`: whether a signaling server can be reached, what it speaks, and what to give as `--server`.
//! Each step is a line once it is done; the verdict is the last one.

use std::process::ExitCode;

use anyhow::Context as _;
use call_engine::{ProbeReport, ProbeStep, RoomId, SignalingConfig, Spoken};
use serde_json::{Value, json};

use crate::cli::ProbeArgs;
use crate::report::milliseconds;
use crate::{exit, signals, terminal};

/// Probes the server; the exit code tells how far it came.
pub(crate) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let reach = match args.reach.read(true) {
        Ok(reach) => reach,
        Err(error) => {
            terminal::error(&error);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    reach.warn(&args.url);
    // The probe has a room of its own.
    let room = RoomId::new("probe").expect("a good name");
    let mut config = SignalingConfig::new(args.url.clone(), room, "ringback-probe");
    reach.apply(&mut config);
    config.tls = reach.tls;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    runtime.block_on(async {
        tokio::select! {
            code = probe(&config, args.json) => Ok(ExitCode::from(code)),
            () = signals::interrupted() => Ok(ExitCode::from(130)),
        }
    })
}

async fn probe(config: &SignalingConfig, as_json: bool) -> u8 {
    let mut steps = Vec::new();
    let report = call_engine::probe(config, |step| {
        if !as_json {
            terminal::output(&line(step));
        }
        steps.push(step.clone());
    })
    .await;
    let code = exit_code(&report);
    if as_json {
        terminal::output(&format!("{:#}", json(&report, &steps, code)));
    } else {
        terminal::output(&verdict(&report));
    }
    code
}

fn exit_code(report: &ProbeReport) -> u8 {
    match report {
        ProbeReport { reached: false, .. } => exit::UNREACHABLE,
        ProbeReport { spoken: Spoken::Unknown, .. } => exit::FAILURE,
        _ => 0,
    }
}

fn line(step: &ProbeStep) -> String {
    let (Ok(text) | Err(text)) = &step.outcome;
    format!("{:14} {:>7.1} ms  {text}", step.name, step.took.as_secs_f64() * 1e3)
}

fn verdict(report: &ProbeReport) -> String {
    match (&report.server, report.spoken) {
        (Some(server), _) => format!("use: --server {server}"),
        (None, _) if !report.reached => "not reached".to_owned(),
        (None, Spoken::WhipOrWhep) => {
            "reached: it speaks WHIP or WHEP; put whip+ or whep+ before the https:// of its URL, as the server's page says".to_owned()
        }
        (None, _) => "reached, but what it speaks does not show: is the path of the URL right?".to_owned(),
    }
}

fn json(report: &ProbeReport, steps: &[ProbeStep], exit_code: u8) -> Value {
    let steps: Vec<Value> = steps.iter().map(step_json).collect();
    json!({
        "schema": 1,
        "reached": report.reached,
        "protocol": slug(report.spoken),
        "server": report.server,
        "steps": steps,
        "exit_code": exit_code,
    })
}

fn step_json(step: &ProbeStep) -> Value {
    let (Ok(text) | Err(text)) = &step.outcome;
    json!({ "name": step.name, "ok": step.outcome.is_ok(), "text": text, "ms": milliseconds(Some(step.took)) })
}

fn slug(spoken: Spoken) -> Option<&'static str> {
    match spoken {
        Spoken::Signaling(protocol) => Some(protocol.prefix()),
        Spoken::Whip => Some("whip"),
        Spoken::Whep => Some("whep"),
        Spoken::WhipOrWhep => Some("whip or whep"),
        Spoken::Unknown => None,
    }
}
