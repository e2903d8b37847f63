//! Places the calls that the window wishes for, one at a time, and writes the report of each at its end.
//! It lives on the runtime while the window has the main thread; the two talk through queues alone.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use call_engine::{Call, Command, Event, VideoSink};
use tokio::sync::{mpsc, watch};

use crate::call::{self, Interrupted};
use crate::cli::CallArgs;
use crate::control::Control;
use crate::desktop::attend;
use crate::face::Story;
use crate::rendezvous::Meeting;
use crate::window::{self, Choice, Context, Handset, Invitation, News, Wish};
use crate::{exit, terminal};

/// Who places calls.
pub(crate) struct Operator {
    pub(crate) args: CallArgs,
    pub(crate) started: Instant,
    pub(crate) wishes: mpsc::Receiver<Wish>,
    pub(crate) news: std::sync::mpsc::Sender<News>,
    pub(crate) context: Context,
    pub(crate) interrupted: watch::Receiver<bool>,
    /// Where programs drive each of the calls.
    pub(crate) control: Option<Control>,
}

/// What follows a call.
enum Next {
    /// Wait for a wish.
    Wish,
    /// Place this call.
    Call(Box<Choice>),
    /// Nothing more.
    End,
}

impl Operator {
    /// Places calls until the window is closed; the exit code is that of the last one.
    pub(crate) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let code = self.place_calls().await;
        if let Some(control) = self.control.take() {
            control.close().await;
        }
        code
    }

    async fn place_calls(&mut self) -> anyhow::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        let mut next = Next::Wish;
        loop {
            next = match next {
                Next::End => return Ok(code),
                Next::Wish => tokio::select! {
                    wish = self.wishes.recv() => match wish {
                        Some(Wish::Call(choice)) => Next::Call(choice),
                        Some(Wish::Cancel) => Next::Wish,
                        Some(Wish::Leave) | None => Next::End,
                    },
                    () = raised(&mut self.interrupted) => {
                        self.tell(News::Interrupted);
                        return Ok(code);
                    }
                },
                Next::Call(choice) => {
                    let (after, ended) = self.call(*choice).await?;
                    code = ended;
                    after
                }
            };
        }
    }

    fn tell(&self, news: News) {
        // A window that is closed wants no news.
        let _ = self.news.send(news);
        if let Some(context) = self.context.get() {
            context.request_repaint();
        }
    }

    /// One call from the wish to its report.
    async fn call(&mut self, choice: Choice) -> anyhow::Result<(Next, ExitCode)> {
        self.take(choice);
        let (placed, meeting) = tokio::select! {
            placed = place(&self.args, self.started, &self.context) => match placed {
                Ok(placed) => placed,
                Err((reason, code)) => {
                    terminal::error(&reason);
                    self.tell(News::Refused(reason));
                    return Ok((Next::Wish, ExitCode::from(code)));
                }
            },
            (next, interrupted) = given_up(&mut self.wishes, &mut self.interrupted) => {
                self.tell(if interrupted { News::Interrupted } else { News::Cancelled });
                return Ok((next, if interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS }));
            }
        };
        let mut call = placed;
        let (handset, commands) = (self.handset(&mut call, meeting.as_ref()), call.commands());
        self.tell(News::Placed(handset));
        let mut next = Next::Wish;
        let finished = call.finished();
        tokio::pin!(finished);
        let (mut has_window, mut is_interrupted) = (true, false);
        let outcome = loop {
            tokio::select! {
                outcome = &mut finished => break outcome,
                wish = self.wishes.recv(), if has_window => match wish {
                    Some(Wish::Call(choice)) => next = Next::Call(choice),
                    Some(Wish::Cancel) => {
                        let _ = commands.send(Command::HangUp).await;
                    }
                    // A window that was closed is a wish to hang up; after the end of the call it changes nothing.
                    Some(Wish::Leave) => {
                        next = Next::End;
                        has_window = false;
                        let _ = commands.send(Command::HangUp).await;
                    }
                    // The window could not be opened: the call goes on in the terminal.
                    None => (next, has_window) = (Next::End, false),
                },
                () = raised(&mut self.interrupted), if !is_interrupted => {
                    is_interrupted = true;
                    let _ = commands.send(Command::Interrupt).await;
                }
            }
        };
        let code = call::conclude(&self.args, outcome, meeting, None).await?;
        if is_interrupted {
            self.tell(News::Interrupted);
            next = Next::End;
        }
        Ok((next, code))
    }

    /// From now on the arguments are what the person chose.
    fn take(&mut self, choice: Choice) {
        let args = &mut self.args;
        (args.room, args.server) = (choice.room, choice.server);
        (args.video_in, args.audio_in, args.audio_out) = (choice.video_in, choice.audio_in, choice.audio_out);
        (args.size, args.fps) = (choice.format.size, choice.format.frame_rate);
    }

    fn handset(&self, call: &mut Call, meeting: Option<&Meeting>) -> Handset {
        let room = self.args.place();
        let called = room.as_ref().map(ToString::to_string).unwrap_or_default();
        if let (Some(control), Some(room)) = (&self.control, &room) {
            control.attach(room, call);
        }
        attend::attend(&called, call.snapshot(), call.commands(), window::raiser(self.context.clone()));
        let story = Arc::new(Mutex::new(Story::default()));
        if let Some(events) = call.take_events() {
            tokio::spawn(forward(events, story.clone(), self.context.clone(), self.args.chat));
        }
        let invitation = match (&room, &self.args.server, meeting) {
            (Some(room), _, Some(meeting)) => Some(meeting.invitation(room)),
            (Some(room), Some(server), None) => Some(Invitation::at(server, room)),
            _ => None,
        };
        Handset {
            room: called,
            snapshot: call.snapshot(),
            commands: call.commands(),
            remote: call.remote_pictures(),
            local: call.local_pictures(),
            levels: call.levels(),
            story,
            invitation,
        }
    }
}

/// Finds the server and places the call; else says why not, and with which exit code.
async fn place(args: &CallArgs, started: Instant, context: &Context) -> Result<(Call, Option<Meeting>), (String, u8)> {
    let room = args.place().ok_or_else(|| ("which room?".to_owned(), exit::BAD_ARGUMENTS))?;
    let reach = args.reach.read(args.server.is_some()).map_err(|error| (error, exit::BAD_ARGUMENTS))?;
    let (mut config, meeting) =
        call::prepare(args, &room, reach, started).await.map_err(|error| (format!("{error:#}"), exit::FAILURE))?;
    let desk = config.signaling.desk.clone();
    config.video_out = VideoSink::Window;
    // What was chosen the last time may not be plugged in today.
    config.make_do = true;
    config.repaint = Some(window::repainter(context.clone()));
    match Call::place(config).await {
        Ok(call) => {
            // The window asks by itself, and a program in the background must not read from its terminal.
            call::take_input(args, desk, &call, false);
            Ok((call, meeting))
        }
        Err(error) => {
            if let Some(meeting) = meeting {
                meeting.close().await;
            }
            Err((error.to_string(), exit::BAD_ARGUMENTS))
        }
    }
}

/// The person takes the wish back, or the program is told to stop (then true).
async fn given_up(wishes: &mut mpsc::Receiver<Wish>, interrupted: &mut Interrupted) -> (Next, bool) {
    loop {
        tokio::select! {
            wish = wishes.recv() => match wish {
                Some(Wish::Call(choice)) => return (Next::Call(choice), false),
                Some(Wish::Cancel) => return (Next::Wish, false),
                Some(Wish::Leave) => return (Next::End, false),
                // No window: the call is placed all the same, and goes on in the terminal.
                None => std::future::pending().await,
            },
            () = raised(interrupted) => return (Next::End, true),
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
async fn forward(mut events: mpsc::Receiver<Event>, story: Arc<Mutex<Story>>, context: Context, chat: bool) {
    while let Some(event) = events.recv().await {
        terminal::show_event(&event, chat);
        story.lock().unwrap_or_else(PoisonError::into_inner).event(Instant::now(), &event);
        if let Some(context) = context.get() {
            context.request_repaint();
        }
    }
}
