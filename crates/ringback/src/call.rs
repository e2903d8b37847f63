//! `ringback call`: turns the arguments into calls, each shown by the face that was asked for, and writes the report at an end.
//! The call lives in the engine; this file only connects it with the terminal, the window and scripts.

mod placing;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context as _;
use call_engine::{Call, Outcome, PlaceError, RoomId, VideoFormat, VideoSink};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use crate::cli::CallArgs;
use crate::control::Control;
use crate::desktop::instance::{self, Claim};
use crate::face::ByHand;
use crate::operator::{Front, Operator, Scripts, Switchboard};
use crate::reach::Reach;
use crate::rendezvous::Meeting;
use crate::signals::{interrupts, stopped};
use crate::window::{self, App, Choice, Context, Links, Manner, Remembered, Wish};
use crate::{exit, report, terminal, tui};
pub(crate) use placing::{Prepared, prepare, take_input};

/// Runs the call to its end and returns the exit code. Without a room the window asks for one, or scripts do.
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
    if room.is_none() && !display && (args.tui || args.control.is_none()) {
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
        && let Err(error) = tui::check()
    {
        terminal::error(error);
        return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
    }
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    // A window that nobody looks after must not stay open for ever.
    let unattended = args.auto_accept || args.once || args.duration.is_some() || args.wait.is_some();
    // Nobody can be asked.
    args.auto_accept |= args.headless || !(display || std::io::stdin().is_terminal() || args.control.is_some());
    let scripts = match scripts(&args, &runtime) {
        Ok(scripts) => scripts,
        Err(error) => {
            terminal::error(&error);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    if windowed && !display && args.video_out.is_some() {
        terminal::warn("there is no display: the call is shown in the terminal");
    }
    match room {
        Some(room) if args.tui => on_terminal(args, room, reach, started, for_one_call(scripts), &runtime),
        Some(room) if !display => runtime.block_on(in_terminal(args, room, reach, started, for_one_call(scripts))),
        None if !display => by_scripts(args, started, scripts, &runtime),
        room => in_window(args, room, started, unattended, scripts, &runtime),
    }
}

/// The socket that programs drive the calls over, where one is asked for.
fn scripts(args: &CallArgs, runtime: &Runtime) -> Result<Option<Scripts>, String> {
    let _guard = runtime.enter();
    let Some(path) = &args.control else { return Ok(None) };
    let (control, asks) = Control::listen(path).map_err(|error| error.to_string())?;
    Ok(Some(Scripts { control, asks }))
}

/// Scripts are told that nobody places other calls.
fn for_one_call(scripts: Option<Scripts>) -> Option<Control> {
    scripts.map(|scripts| scripts.control)
}

async fn in_terminal(
    args: CallArgs,
    room: RoomId,
    reach: Reach,
    started: Instant,
    control: Option<Control>,
) -> anyhow::Result<ExitCode> {
    let Prepared { config, meeting, by_hand } = prepare(&args, &room, reach, started, true).await?;
    let mut call = match Call::place(config).await {
        Ok(call) => call,
        Err(error) => return refuse(&error, meeting).await,
    };
    if let Some(control) = &control {
        let invitation = meeting.as_ref().map(|meeting| meeting.invitation(&room));
        control.attach(&room, invitation, by_hand.clone(), &mut call);
    }
    tokio::spawn(interrupts(call.commands()));
    take_input(&args, by_hand, &call, !args.auto_accept && std::io::stdin().is_terminal());
    terminal::show(&mut call, &args).await;
    let outcome = call.finished().await;
    remember(&args, &outcome);
    conclude(&args, outcome, meeting, control).await
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
    let Prepared { mut config, meeting, mut by_hand } =
        runtime.block_on(prepare(&args, &room, reach, started, false))?;
    let invitation = meeting.as_ref().map(|meeting| meeting.invitation(&room));
    loop {
        let mut call = match runtime.block_on(Call::place(config.clone())) {
            Ok(call) => call,
            Err(error) => return runtime.block_on(refuse(&error, meeting)),
        };
        if let Some(control) = &control {
            control.attach(&room, invitation.clone(), by_hand.clone(), &mut call);
        }
        let interrupts = tokio::spawn(interrupts(call.commands()));
        let link = meeting.as_ref().and_then(|meeting| meeting.link(&room));
        let shown = tui::show(&mut call, &room, link, by_hand.as_ref(), args.chat);
        let outcome = runtime.block_on(async {
            if let Err(error) = &shown {
                terminal::warn(&format!("the terminal cannot be drawn on any more: {error:#}"));
            }
            call.hang_up().await;
            call.finished().await
        });
        interrupts.abort();
        if !matches!(shown, Ok(tui::Left::Again)) {
            remember(&args, &outcome);
            return runtime.block_on(conclude(&args, outcome, meeting, control));
        }
        config.started = Instant::now();
        // The lines of the last call are worth nothing to the next.
        by_hand = by_hand.map(|_| ByHand::new(|_| ()));
        config.signaling.desk = by_hand.as_ref().map(ByHand::desk);
    }
}

/// No face: scripts place calls, one after the other, until one of them ends the program.
fn by_scripts(
    args: CallArgs,
    started: Instant,
    scripts: Option<Scripts>,
    runtime: &Runtime,
) -> anyhow::Result<ExitCode> {
    let _guard = runtime.enter();
    let (remembered, _) = window::load();
    let last = choice(&args, None, &Remembered::default());
    let (stop, interrupted) = watch::channel(false);
    runtime.spawn(stopped(stop));
    terminal::line("  scripts place the calls; no room was named");
    let board = Switchboard::new(None, scripts, Arc::new(Mutex::new(remembered)), last);
    runtime.block_on(Operator { args, started, board, interrupted }.run())
}

/// The window owns the main thread, as every desktop wants it; calls run on the runtime's, placed by an operator.
fn in_window(
    args: CallArgs,
    room: Option<RoomId>,
    started: Instant,
    unattended: bool,
    scripts: Option<Scripts>,
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
    let last = defaults.clone();
    let placing = room.map(|_| defaults.clone());
    let devices = call_engine::devices::watch();
    let control = scripts.as_ref().map(|scripts| &scripts.control);
    let (page, listened) = control.map(|control| (control.page(), control.listened())).unwrap_or_default();
    let (focus, focused) = watch::channel(false);
    let tools = window::tools(context.clone(), news.clone(), listened);
    let links = Links { wishes: wishes.clone(), news: heard, devices, appearance: window::appearance(), page, focus };
    let app = App::new(placing, defaults, links, remembered, tools, manner);
    let (stop, interrupted) = watch::channel(false);
    runtime.spawn(stopped(stop));
    let front = Front { wishes: wished, news, context: context.clone(), focused };
    let board = Switchboard::new(Some(front), scripts, app.remembered(), last);
    let operator = runtime.spawn(Operator { args, started, board, interrupted }.run());
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

async fn refuse(error: &PlaceError, meeting: Option<Meeting>) -> anyhow::Result<ExitCode> {
    terminal::error(&error.to_string());
    if let Some(meeting) = meeting {
        meeting.close().await;
    }
    Ok(ExitCode::from(exit::BAD_ARGUMENTS))
}

/// Keeps the room that was joined for the start page of the next window. Not with `--headless`: the calls of machines would push
/// those of people off that short list.
fn remember(args: &CallArgs, outcome: &Outcome) {
    let joined = outcome.figures.milestones.signaling_joined.is_some();
    let Some(room) = args.room.as_ref().filter(|_| joined && !args.headless) else { return };
    if let Err(problem) = window::joined(room, args.server.as_ref()) {
        terminal::warn(&problem.to_string());
    }
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
