//! Places the calls that the window or a script wishes for, one at a time, and writes the report of each at its end.
//! It lives on the runtime while the window has the main thread; the two talk through queues alone.

mod switchboard;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use call_engine::{Call, Command, Event, VideoSink};
use tokio::sync::{mpsc, watch};

use crate::call::{self, Prepared};
use crate::cli::CallArgs;
use crate::desktop::attend;
use crate::face::{ByHand, Story};
use crate::rendezvous::Meeting;
use crate::signals::Interrupted;
use crate::window::{self, Choice, Context, Handset, Invitation, News};
use crate::{exit, terminal};
use switchboard::Wanted;
pub(crate) use switchboard::{Front, Scripts, Switchboard};

/// Who places calls.
pub(crate) struct Operator {
    pub(crate) args: CallArgs,
    pub(crate) started: Instant,
    pub(crate) board: Switchboard,
    pub(crate) interrupted: watch::Receiver<bool>,
}

/// A call that was placed.
struct Placed {
    call: Call,
    meeting: Option<Meeting>,
    by_hand: Option<ByHand>,
}

/// What follows a call.
enum Next {
    /// Wait for a wish.
    Wish,
    /// Place this call; a script may say whether it is taken without asking.
    Call(Box<Choice>, Option<bool>),
    /// Nothing more.
    End,
}

impl From<Wanted> for Next {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Call(choice, auto_accept) => Self::Call(choice, auto_accept),
            Wanted::Cancel => Self::Wish,
            Wanted::Leave => Self::End,
        }
    }
}

impl Operator {
    /// Places calls until the window is closed or a script ends the program; the exit code is that of the last one.
    pub(crate) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let code = self.place_calls().await;
        // A window that is still open is not to outlive whoever places its calls.
        self.board.tell(News::Interrupted);
        if let Some(control) = self.board.control.take() {
            control.close().await;
        }
        code
    }

    async fn place_calls(&mut self) -> anyhow::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        let mut next = Next::Wish;
        // A script's word on it is for its own call.
        let auto_accept = self.args.auto_accept;
        loop {
            next = match next {
                Next::End => return Ok(code),
                Next::Wish => tokio::select! {
                    wanted = self.board.wanted() => wanted.map_or(Next::End, Next::from),
                    () = raised(&mut self.interrupted) => return Ok(code),
                },
                Next::Call(choice, taken) => {
                    self.args.auto_accept = taken.unwrap_or(auto_accept);
                    let (after, ended) = self.call(*choice).await?;
                    code = ended;
                    after
                }
            };
        }
    }

    /// One call from the wish to its report.
    async fn call(&mut self, choice: Choice) -> anyhow::Result<(Next, ExitCode)> {
        self.board.placing(&choice);
        self.take(choice);
        let context = self.board.context().cloned();
        let placed = tokio::select! {
            placed = place(&self.args, self.started, context) => placed,
            (next, interrupted) = given_up(&mut self.board, &mut self.interrupted) => {
                self.board.not_placed(None);
                return Ok((next, if interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS }));
            }
        };
        let mut placed = match placed {
            Ok(placed) => placed,
            Err((reason, code)) => {
                terminal::error(&reason);
                self.board.not_placed(Some(reason));
                return Ok((Next::Wish, ExitCode::from(code)));
            }
        };
        self.attach(&mut placed);
        self.board.placed(placed.call.snapshot());
        let commands = placed.call.commands();
        let mut next = Next::Wish;
        let finished = placed.call.finished();
        tokio::pin!(finished);
        let mut is_interrupted = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut finished => break outcome,
                wanted = self.board.wanted() => match wanted {
                    Some(Wanted::Cancel) => {
                        let _ = commands.send(Command::HangUp).await;
                    }
                    // A window that was closed is a wish to hang up; after the end of the call it changes nothing.
                    Some(Wanted::Leave) => {
                        next = Next::End;
                        let _ = commands.send(Command::HangUp).await;
                    }
                    Some(call) => next = call.into(),
                    // The window could not be opened: the call goes on in the terminal.
                    None => next = Next::End,
                },
                () = raised(&mut self.interrupted), if !is_interrupted => {
                    is_interrupted = true;
                    let _ = commands.send(Command::Interrupt).await;
                }
            }
        };
        self.board.over();
        let code = call::conclude(&self.args, outcome, placed.meeting, None).await?;
        Ok((if is_interrupted { Next::End } else { next }, code))
    }

    /// From now on the arguments are what the person chose.
    fn take(&mut self, choice: Choice) {
        let args = &mut self.args;
        (args.room, args.server) = (choice.room, choice.server);
        (args.video_in, args.audio_in, args.audio_out) = (choice.video_in, choice.audio_in, choice.audio_out);
        (args.size, args.fps) = (choice.format.size, choice.format.frame_rate);
    }

    /// Shows the call to everybody: scripts, the desktop, the window, the terminal.
    fn attach(&self, placed: &mut Placed) {
        let call = &mut placed.call;
        let room = self.args.place();
        let called = room.as_ref().map(ToString::to_string).unwrap_or_default();
        let invitation = match (&room, &self.args.server, &placed.meeting) {
            (Some(room), _, Some(meeting)) => Some(meeting.invitation(room)),
            (Some(room), Some(server), None) => Some(Invitation::at(server, room)),
            _ => None,
        };
        if let (Some(control), Some(room)) = (&self.board.control, &room) {
            control.attach(room, invitation.clone(), placed.by_hand.clone(), call);
        }
        let story = Arc::new(Mutex::new(Story::default()));
        let context = self.board.context().cloned();
        if let Some(events) = call.take_events() {
            tokio::spawn(forward(events, story.clone(), context.clone(), self.args.chat));
        }
        let (Some(context), Some(focused)) = (context, self.board.focused()) else { return };
        if let Some(by_hand) = &placed.by_hand {
            tokio::spawn(draw_each_step(by_hand.clone(), context.clone()));
        }
        attend::attend(&called, call.snapshot(), focused, call.commands(), window::raiser(context));
        self.board.tell(News::Placed(Handset {
            room: called,
            snapshot: call.snapshot(),
            commands: call.commands(),
            remote: call.remote_pictures(),
            local: call.local_pictures(),
            levels: call.levels(),
            story,
            invitation,
            by_hand: placed.by_hand.clone(),
        }));
    }
}

/// Finds the server and places the call, in the window of this context where there is one; else says why not, and with which exit
/// code.
async fn place(args: &CallArgs, started: Instant, context: Option<Context>) -> Result<Placed, (String, u8)> {
    let room = args.place().ok_or_else(|| ("which room?".to_owned(), exit::BAD_ARGUMENTS))?;
    let reach = args.reach.read(args.server.is_some()).map_err(|error| (error, exit::BAD_ARGUMENTS))?;
    // A desktop keeps in its log what a program prints that has no terminal.
    let has_terminal = std::io::stdin().is_terminal();
    let prepared = call::prepare(args, &room, reach, started, has_terminal).await;
    let Prepared { mut config, meeting, by_hand } = prepared.map_err(|error| (format!("{error:#}"), exit::FAILURE))?;
    if let Some(context) = context {
        config.video_out = VideoSink::Window;
        // What was chosen the last time may not be plugged in today.
        config.make_do = true;
        config.repaint = Some(window::repainter(context));
    }
    match Call::place(config).await {
        Ok(call) => {
            // Faces ask by themselves, and a program in the background must not read from its terminal.
            call::take_input(args, by_hand.clone().filter(|_| has_terminal), &call, false);
            Ok(Placed { call, meeting, by_hand })
        }
        Err(error) => {
            if let Some(meeting) = meeting {
                meeting.close().await;
            }
            Err((error.to_string(), exit::BAD_ARGUMENTS))
        }
    }
}

/// The wish is taken back, or the program is told to stop (then true).
async fn given_up(board: &mut Switchboard, interrupted: &mut Interrupted) -> (Next, bool) {
    loop {
        let wanted = tokio::select! {
            wanted = board.wanted() => wanted,
            () = raised(interrupted) => return (Next::End, true),
        };
        // Without a window the call is placed all the same, and goes on in the terminal.
        if let Some(wanted) = wanted {
            return (wanted.into(), false);
        }
    }
}

/// The window shows each step of a call by hand.
async fn draw_each_step(by_hand: ByHand, context: Context) {
    let mut steps = by_hand.steps();
    drop(by_hand);
    while steps.changed().await.is_ok() {
        if let Some(context) = context.get() {
            context.request_repaint();
        }
    }
}

/// Waits for the first signal to stop.
async fn raised(interrupted: &mut Interrupted) {
    if interrupted.wait_for(|raised| *raised).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Events go to the terminal as without a window, and into the story that the window tells.
async fn forward(mut events: mpsc::Receiver<Event>, story: Arc<Mutex<Story>>, context: Option<Context>, chat: bool) {
    while let Some(event) = events.recv().await {
        terminal::show_event(&event, chat);
        story.lock().unwrap_or_else(PoisonError::into_inner).event(Instant::now(), &event);
        if let Some(context) = context.as_ref().and_then(|context| context.get()) {
            context.request_repaint();
        }
    }
}
