//! The `ringback` program: command line, terminal and window around the call engine.
//! Every failure is one line on standard error and a documented exit code.

mod by_hand;
mod call;
mod cli;
mod control;
mod desktop;
mod devices;
mod exit;
mod face;
mod lab;
mod operator;
mod probe;
mod process;
mod reach;
mod rendezvous;
mod report;
mod serve;
mod signals;
#[cfg(all(test, target_os = "linux"))]
#[path = "../../../tests/src/skip.rs"]
#[allow(unreachable_pub, reason = "the scenarios' harness exports it")]
mod skipped;
mod terminal;
mod tui;
mod window;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let started = Instant::now();
    process::started(started);
    let cli = cli::parse();
    start_log(cli.verbose);
    let Some(command) = cli.wanted(window::has_display()) else { cli::help() };
    let result = match command {
        cli::Command::Call(args) => call::run(*args, started),
        cli::Command::Serve(args) => serve::run(&args),
        cli::Command::Probe(args) => probe::run(&args),
        cli::Command::Devices(args) => devices::run(&args),
        cli::Command::Lab(args) => lab::run(&args),
        cli::Command::LabCaller(args) => lab::ordered(&args, started),
        cli::Command::LabData(args) => lab::ordered_data(&args),
    };
    result.unwrap_or_else(|error| {
        terminal::error(&format!("{error:#}"));
        ExitCode::from(exit::FAILURE)
    })
}

/// RUST_LOG wins over -v. Warnings of the libraries below us are their own business and shown with -v only.
fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "error,webrtc=off,rtc=off,rtc_ice=off,rtc_dtls=off,rtc_sctp=off",
        1 => "warn,ringback=info,call_engine=info,signaling_client=info,signaling_server=info,peer_connection=info",
        _ => {
            "info,ringback=debug,call_engine=debug,signaling_client=debug,signaling_server=debug,peer_connection=debug"
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(terminal::log).init();
}
