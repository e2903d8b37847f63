//! `ringback call`: turns the arguments into a call, shows it, and writes the report at its end.
//! The call lives in the engine; this file only connects it with the terminal, the window and the signals.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use call_engine::{
    Call, CallConfig, Command, Desk, Outcome, PlaceError, Protocol, RoomId, SignalingConfig, VideoFormat, VideoSink,
};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use crate::cli::CallArgs;
use crate::control::Control;
use crate::desktop::instance::{self, Claim};
use crate::operator::Operator;
use crate::reach::Reach;
use crate::rendezvous::{self, Meeting};
use crate::window::{self, App, Choice, Context, Links, Manner, Remembered, Wish};
use crate::{by_hand, exit, report, terminal, tui};

/// Whether the program was told to stop.
pub(crate) type Interrupted = watch::Receiver<bool>;

/// Runs the call to its end and returns the exit code. Without a room, but with a display, the window asks for one.
pub(crate) fn run(mut args: CallArgs, started: Instant) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.report
        && let Err(error) = report::check(path)
    {
        terminal::error(&format!("no report can be written to {}: {error}", path.display()));
        return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
    }
    let windowed = !args.headless && !args.tui && matches!(args.video_out, None | Some(VideoSink::Window));
    let display = windowed && window::has_display();
    let room = args.place();
    if room.is_none() && !display {
        terminal::error("which room? ringback call ROOM");
        return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
    }
    let reach = match args.reach.read(args.server.is_some()) {
        Ok(reach) => reach,
        Err(error) => {
            terminal::error(&error);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    // Whoever names a device means that one.
    if let Err(error) = call_engine::devices::check(&args.video_in, &args.audio_in, &args.audio_out) {
        terminal::error(&error);
        return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
    }
    if args.tui
        && let Err(error) = tui::check(&args)
    {
        terminal::error(error);
        return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
    }
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    // A window that nobody looks after must not stay open for ever.
    let unattended = args.auto_accept || args.once || args.duration.is_some() || args.wait.is_some();
    // Nobody can be asked.
    args.auto_accept |= args.headless || !(display || std::io::stdin().is_terminal() || args.control.is_some());
    let control = match control(&args, &runtime) {
        Ok(control) => control,
        Err(error) => {
            terminal::error(&error);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    if windowed && !display && args.video_out.is_some() {
        terminal::warn("there is no display: the call is shown in the terminal");
    }
    match room {
        Some(room) if args.tui => on_terminal(args, room, reach, started, control, &runtime),
        Some(room) if !display => runtime.block_on(in_terminal(args, room, reach, started, control)),
        room => in_window(args, room, started, unattended, control, &runtime),
    }
}

/// The socket that programs drive the call over, where one is asked for.
fn control(args: &CallArgs, runtime: &Runtime) -> Result<Option<Control>, String> {
    let _guard = runtime.enter();
    args.control.as_deref().map(Control::listen).transpose().map_err(|error| error.to_string())
}

async fn in_terminal(
    args: CallArgs,
    room: RoomId,
    reach: Reach,
    started: Instant,
    control: Option<Control>,
) -> anyhow::Result<ExitCode> {
    let (config, meeting) = prepare(&args, &room, reach, started).await?;
    let desk = config.signaling.desk.clone();
    let mut call = match Call::place(config).await {
        Ok(call) => call,
        Err(error) => return refuse(&error, meeting).await,
    };
    if let Some(control) = &control {
        control.attach(&room, &mut call);
    }
    tokio::spawn(interrupts(call.commands()));
    take_input(&args, desk, &call, !args.auto_accept && std::io::stdin().is_terminal());
    terminal::show(&mut call, &args).await;
    conclude(&args, call.finished().await, meeting, control).await
}

/// The terminal's face, on the main thread; the same room is called as often as the person likes.
fn on_terminal(
    args: CallArgs,
    room: RoomId,
    reach: Reach,
    started: Instant,
    control: Option<Control>,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    let _guard = runtime.enter();
    let (mut config, meeting) = runtime.block_on(prepare(&args, &room, reach, started))?;
    loop {
        let mut call = match runtime.block_on(Call::place(config.clone())) {
            Ok(call) => call,
            Err(error) => return runtime.block_on(refuse(&error, meeting)),
        };
        if let Some(control) = &control {
            control.attach(&room, &mut call);
        }
        let interrupts = tokio::spawn(interrupts(call.commands()));
        let shown = tui::show(&mut call, &room, meeting.as_ref().and_then(|meeting| meeting.link(&room)), args.chat);
        let outcome = runtime.block_on(async {
            if let Err(error) = &shown {
                terminal::warn(&format!("the terminal cannot be drawn on any more: {error:#}"));
            }
            call.hang_up().await;
            call.finished().await
        });
        interrupts.abort();
        if !matches!(shown, Ok(tui::Left::Again)) {
            return runtime.block_on(conclude(&args, outcome, meeting, control));
        }
        config.started = Instant::now();
    }
}

/// The window owns the main thread, as every desktop wants it; calls run on the runtime's, placed by an operator.
fn in_window(
    args: CallArgs,
    room: Option<RoomId>,
    started: Instant,
    unattended: bool,
    control: Option<Control>,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    let _guard = runtime.enter();
    let context = Context::default();
    let mut instance = None;
    if let Some(room) = &room {
        let server = args.server.as_ref().map(ToString::to_string);
        match runtime.block_on(instance::claim(room.as_str(), server.as_deref())) {
            Claim::First(first) => instance = Some(first),
            Claim::Raised => {
                terminal::line("  this room has a window already: it is in front now");
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    if let Some(instance) = &mut instance {
        instance.on_raise(window::raiser(context.clone()));
    }
    let (wishes, wished) = mpsc::channel(window::WISHES);
    let (news, heard) = std::sync::mpsc::channel();
    let one_call = room.is_some();
    let manner = Manner { one_call, unattended: one_call && unattended };
    let (remembered, problem) = window::load();
    if let Some(problem) = problem {
        terminal::warn(&problem);
    }
    let defaults = choice(&args, room.clone(), &remembered);
    let placing = room.map(|_| defaults.clone());
    let devices = call_engine::devices::watch();
    let tools = window::tools(context.clone(), news.clone());
    let links = Links { wishes: wishes.clone(), news: heard, devices, appearance: window::appearance() };
    let app = App::new(placing, defaults, links, remembered, tools, manner);
    let (stop, interrupted) = watch::channel(false);
    runtime.spawn(stopped(stop));
    let operator = Operator { args, started, wishes: wished, news, context: context.clone(), interrupted, control };
    let operator = runtime.spawn(operator.run());
    match window::show(app, context) {
        Ok(remembered) => {
            if let Err(problem) = window::save(&remembered) {
                terminal::warn(&problem.to_string());
            }
            // An operator that has ended hears nothing any more, and need not.
            let _ = wishes.blocking_send(Wish::Leave);
        }
        Err(error) if one_call => terminal::warn(&format!("{error:#}: the call goes on in the terminal")),
        Err(error) => return Err(error),
    }
    drop(wishes);
    runtime.block_on(operator).context("the call's task stopped early")?
}

/// What the arguments say, and where they say nothing, what was chosen the last time. A call to a room that was named takes
/// nothing but its arguments.
fn choice(args: &CallArgs, room: Option<RoomId>, remembered: &Remembered) -> Choice {
    let mut choice = Choice {
        room: room.clone(),
        server: args.server.clone(),
        video_in: args.video_in.clone(),
        audio_in: args.audio_in.clone(),
        audio_out: args.audio_out.clone(),
        format: VideoFormat { size: args.size, frame_rate: args.fps },
    };
    if room.is_none() {
        remembered.fill(&mut choice);
    }
    choice
}

/// What standard input is for: the other's line first, where a person carries it; whether a call is taken, where the terminal
/// `asks`; and chat.
pub(crate) fn take_input(args: &CallArgs, desk: Option<Desk>, call: &Call, asks: bool) {
    match desk {
        Some(desk) => by_hand::lines_from_stdin(desk, call.commands(), args.chat),
        None if args.chat || asks => terminal::lines_from_stdin(call.commands(), call.snapshot(), args.chat),
        None => {}
    }
}

/// Finds the server and says how the other can join.
pub(crate) async fn prepare(
    args: &CallArgs,
    room: &RoomId,
    mut reach: Reach,
    started: Instant,
) -> anyhow::Result<(CallConfig, Option<Meeting>)> {
    let (server, meeting) = match &args.server {
        Some(server) => (server.clone(), None),
        None => {
            let meeting = rendezvous::meet(room, reach.key.as_ref()).await?;
            meeting.announce(room);
            reach.tls.pin_sha256 = meeting.pin;
            (meeting.server.clone(), Some(meeting))
        }
    };
    reach.warn(&server);
    let mut signaling = SignalingConfig::new(server, room.clone(), client_id());
    reach.apply(&mut signaling);
    signaling.tls = reach.tls;
    signaling.desk = (signaling.server.protocol == Protocol::Manual).then(by_hand::desk);
    let config = CallConfig {
        video_in: args.video_in.clone(),
        audio_in: args.audio_in.clone(),
        video_out: args.video_out.clone().unwrap_or(VideoSink::None),
        audio_out: args.audio_out.clone(),
        video: VideoFormat { size: args.size, frame_rate: args.fps },
        max_bitrate: args.max_bitrate,
        audio_bitrate: args.audio_bitrate,
        ice_servers: args.ice_server.iter().flat_map(|servers| servers.0.clone()).collect(),
        relay_only: args.relay_only,
        bind: args.bind.clone(),
        duration: args.duration,
        wait: args.wait,
        ask: !args.auto_accept,
        once: args.once,
        started,
        ..CallConfig::new(signaling)
    };
    Ok((config, meeting))
}

async fn refuse(error: &PlaceError, meeting: Option<Meeting>) -> anyhow::Result<ExitCode> {
    terminal::error(&error.to_string());
    if let Some(meeting) = meeting {
        meeting.close().await;
    }
    Ok(ExitCode::from(exit::BAD_ARGUMENTS))
}

/// Report, last words, exit code.
pub(crate) async fn conclude(
    args: &CallArgs,
    outcome: Outcome,
    meeting: Option<Meeting>,
    control: Option<Control>,
) -> anyhow::Result<ExitCode> {
    if let Some(control) = control {
        control.close().await;
    }
    if let Some(meeting) = meeting {
        meeting.close().await;
    }
    let code = exit::code(&outcome.end, outcome.connected);
    terminal::summary(&outcome, code);
    if let Some(path) = &args.report
        && let Err(error) = report::write(path, &report::report(&outcome, code))
    {
        terminal::error(&format!("the report {} cannot be written: {error}", path.display()));
        // How the call ended matters more, when it ended badly.
        return Ok(ExitCode::from(if code == 0 { exit::OUTPUT_FAILED } else { code }));
    }
    Ok(ExitCode::from(code))
}

/// Tells this client from others in the server's log, and says nothing about the person.
fn client_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("ringback-{:016x}", RandomState::new().hash_one(0))
}

/// The same for a window, which may have no call.
async fn stopped(stop: watch::Sender<bool>) {
    interrupted().await;
    let _ = stop.send(true);
    interrupted().await;
    std::process::exit(130);
}

/// SIGINT and SIGTERM end the call in order; a second one ends the program.
async fn interrupts(commands: mpsc::Sender<Command>) {
    interrupted().await;
    let _ = commands.try_send(Command::Interrupt);
    interrupted().await;
    tui::restore();
    std::process::exit(130);
}

#[cfg(unix)]
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
