//! The command line: every command and option, its default and its help text.
//! Values are checked here, so that a bad argument costs one line and no network.

mod call;
mod serve;
mod values;

use std::io::Write as _;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::lab::cli::{DataArgs, LabArgs, MeasuredArgs};
use crate::reach::ReachArgs;
pub(crate) use call::{CallArgs, place};
pub(crate) use serve::ServeArgs;
use values::probe_url;
pub(crate) use values::{Pin, duration, max_bitrate, pin, room, secret, server_url};

/// Exit codes, shown below the help of `probe`; [`crate::exit`] has the mapping.
const PROBE_EXIT_CODES: &str = "\
Exit codes:
  0  reached, and it is known what the server speaks
  1  reached, but what it speaks does not show
  2  bad arguments, or a file that cannot be used
  3  the server cannot be reached
  130  interrupted

At most five connections, one after the other, and 20 seconds. No room is entered but one with a random name.";

/// Peer-to-peer calls: camera, microphone and data straight between two machines.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do (default: `call`, where there is a display).
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Let programs place and drive calls, over a socket at PATH; as `ringback call --control PATH`.
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Say more: -v what is done, -vv details (addresses and session descriptions among them).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// Reads the command line. Ends the program where that is wrong, or asks for help.
pub(crate) fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| without_secrets(error).exit())
}

/// What is done where nothing was asked for: the window's start page, or what scripts ask for.
fn call(control: Option<PathBuf>) -> Command {
    // What is wrong now is in the environment.
    let cli = Cli::try_parse_from(["ringback", "call"]).unwrap_or_else(|error| without_secrets(error).exit());
    match cli.command.expect("it was given") {
        Command::Call(args) => Command::Call(Box::new(CallArgs { control, ..*args })),
        other => other,
    }
}

impl Cli {
    /// What to do; `None` where nothing was asked for, and there is no display to ask on.
    pub(crate) fn wanted(self, has_display: bool) -> Option<Command> {
        let Self { command, control, .. } = self;
        command.or_else(|| (has_display || control.is_some()).then(|| call(control)))
    }
}

/// What is done where there is no display either.
pub(crate) fn help() -> ! {
    // Nobody may be there to read it.
    let _ = write!(std::io::stderr(), "{}", Cli::command().render_help());
    std::process::exit(2)
}

/// A wrong value is repeated to the person, but not one in which there may be a secret: what a program prints is kept.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let secret = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => {
            ["--ice-server", "--server", "<URL>"].iter().any(|name| argument.starts_with(name))
        }
        _ => false,
    };
    let password = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.contains('@') || value.contains(','),
        _ => false,
    };
    if secret && password {
        error.insert(ContextKind::InvalidValue, ContextValue::String("***".to_owned()));
    }
    error
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call whoever is, or comes, in ROOM.
    Call(Box<CallArgs>),
    /// Run the signaling server and the browser page.
    Serve(ServeArgs),
    /// Say whether a signaling server can be reached, and what it speaks.
    Probe(ProbeArgs),
    /// List cameras, microphones and speakers.
    Devices(DevicesArgs),
    /// Place a call between two engines in this process, over a network as bad as you like, and measure it.
    Lab(Box<LabArgs>),
    /// One side of a call that the lab measures.
    #[command(hide = true)]
    LabCaller(MeasuredArgs),
    /// The same for a measurement of data channels.
    #[command(hide = true)]
    LabData(DataArgs),
}

/// `ringback probe`.
#[derive(Args, Debug)]
#[command(after_help = PROBE_EXIT_CODES)]
pub(crate) struct ProbeArgs {
    /// The server: ws://, wss://, http:// or https://.
    #[arg(value_name = "URL", value_parser = probe_url)]
    pub(crate) url: call_engine::ServerUrl,
    /// How it is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    /// As JSON, at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ringback devices`.
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::RoomId;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["ringback"], arguments].concat())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_values_are_refused_before_anything_is_opened() {
        for bad in [
            vec!["call", ""],
            vec!["call", "a\u{7}b"],
            vec!["call", "kitchen", "--server", "http://example.org"],
            vec!["call", "kitchen", "--server", "ws://"],
            vec!["call", "--server", "whip+wss://host"],
            vec!["call", "kitchen", "--size", "0x0"],
            vec!["call", "kitchen", "--size", "641x361"],
            vec!["call", "kitchen", "--size", "99999x99999"],
            vec!["call", "kitchen", "--fps", "0"],
            vec!["call", "kitchen", "--fps", "1000"],
            vec!["call", "kitchen", "--max-bitrate", "1"],
            vec!["call", "kitchen", "--audio-bitrate", "9M"],
            vec!["call", "kitchen", "--duration", "0s"],
            vec!["call", "kitchen", "--duration", "soon"],
            vec!["call", "kitchen", "--ice-server", "turn:host"],
            vec!["call", "kitchen", "--ice-server", "http://host"],
            vec!["serve", "--turn", "stun:host"],
            vec!["serve", "--turn", "turn:host,me,password"],
            vec!["serve", "--turn-secret-file", "secret"],
            vec!["call", "kitchen", "--pin-sha256", "abc"],
            vec!["call", "kitchen", "--video-in", "tape"],
            vec!["call", "kitchen", "--bind", "here"],
        ] {
            let error = parse(&bad).expect_err(&format!("{bad:?}"));
            assert_eq!(error.exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn a_wrong_value_with_a_secret_in_it_is_not_repeated() {
        for wrong in [
            vec!["call", "kitchen", "--ice-server", "tern:host,me,swordfish"],
            vec!["serve", "--ice-server", "tern:host,me,swordfish"],
            vec!["call", "kitchen", "--server", "wss://me:swordfish@host"],
            vec!["probe", "wss://me:swordfish@host"],
        ] {
            let error = without_secrets(parse(&wrong).expect_err("wrong"));
            let shown = format!("{error}{error:?}{}", error.render().ansi());
            assert!(!shown.contains("swordfish"), "{shown}");
            assert!(error.to_string().contains("***"), "{error}");
        }
        let error = without_secrets(parse(&["call", "kitchen", "--server", "ftp://host"]).expect_err("wrong"));
        assert!(error.to_string().contains("ftp://host"), "{error}");
    }

    #[test]
    fn only_a_media_server_and_a_call_by_hand_need_no_room() {
        for (arguments, place) in [
            (vec!["call"], None),
            (vec!["call", "--server", "peerjs+wss://host/path"], None),
            (vec!["call", "--server", "manual"], Some("manual")),
            (vec!["call", "kitchen", "--server", "manual"], Some("kitchen")),
            (vec!["call", "--server", "whip+https://host/path"], Some("host")),
            (vec!["call", "stage", "--server", "whep+https://host/path"], Some("stage")),
        ] {
            let Some(Command::Call(args)) = parse(&arguments).expect("well formed").command else { panic!("a call") };
            assert_eq!(args.place().as_ref().map(RoomId::as_str), place, "{arguments:?}");
        }
    }
}
