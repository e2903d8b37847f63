//! `--tui`: a call on a terminal, for ssh and machines without a display, with the window's keys.
//! One loop on the main thread: strokes, events and pictures in, drawings out; the call never waits for it.

mod answers;
mod board;
mod by_hand;
mod figures;
mod graphics;
mod keys;
mod listing;
mod pace;
mod panels;
mod picker;
mod picture;
mod screen;
mod view;
#[cfg(test)]
mod view_tests;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use call_engine::{Call, Command, EndReason, Event, Levels, Picture, Pictures, RoomId, Snapshot};
use ratatui::crossterm::event::{self, Event as Input};
use ratatui::layout::Rect;
use tokio::sync::{mpsc, watch};

pub(crate) use screen::restore;

use crate::face::{ByHand, Step, Story, words};
use crate::{serve, terminal};
use board::{Board, Effect};
use listing::Listing;
use pace::Pace;
use picture::Depth;
use screen::Screen;
use view::Scene;

/// How long the loop waits for a stroke before it looks at everything else.
const LOOK_EVERY: Duration = Duration::from_millis(33);

/// Strokes that are taken before everything else is looked at: a paste without end must not stop the drawing.
const STROKES_AT_ONCE: usize = 64;

/// How long the reason of an end stays to be read before the terminal is given back, unless a key is pressed.
const END_SHOWN: Duration = Duration::from_secs(8);

/// Pixels of a cell where the terminal does not say: the usual shape.
const USUAL_CELL: (u16, u16) = (10, 20);

/// How the person left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Back to the shell.
    Closed,
    /// To call the same room again.
    Again,
}

/// Whether a call can be shown on this terminal.
///
/// # Errors
/// Why not, as a line for the person.
pub(crate) fn check() -> Result<(), &'static str> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() || is_dumb {
        return Err("--tui draws on a terminal, and this is none: leave it out, or say --headless");
    }
    Ok(())
}

/// Shows the call until it ended or the person left; by `link` others join, where there is one. Blocks; must run inside the runtime.
///
/// # Errors
/// When the terminal cannot be used any more.
pub(crate) fn show(
    call: &mut Call,
    room: &RoomId,
    link: Option<String>,
    by_hand: Option<&ByHand>,
    chat: bool,
) -> anyhow::Result<Left> {
    let screen = Screen::open()?;
    let variable = |name| std::env::var(name).ok();
    let is_far = std::env::var_os("SSH_CONNECTION").is_some() || std::env::var_os("SSH_TTY").is_some();
    let mut board = Board::new(screen.answers.releases);
    board.chat = chat.then(String::new);
    let answers = screen.answers;
    let face = Face {
        room: room.to_string(),
        link,
        by_hand: by_hand.map(|by_hand| (by_hand.clone(), by_hand.steps())),
        step: Step::default(),
        code: None,
        commands: call.commands(),
        events: call.take_events(),
        snapshots: call.snapshot(),
        levels: call.levels(),
        remote: View::new(call.remote_pictures()),
        local: View::new(call.local_pictures()),
        story: Story::default(),
        board,
        depth: Depth::from_variable(variable("COLORTERM").as_deref()),
        protocol: match answers {
            _ if answers.kitty => Some(graphics::Protocol::Kitty),
            // Sixels do not scale: without the size of a cell nobody knows how large they are.
            _ if answers.sixel && answers.cell.is_some() => Some(graphics::Protocol::Sixel),
            _ => None,
        },
        cell: answers.cell.unwrap_or(USUAL_CELL),
        pace: Pace::new(is_far),
        shown: Shown::default(),
        listing: None,
        ended_at: None,
        screen,
    };
    let hang_up = tokio::spawn(end_with_the_shell(call.commands()));
    let left = face.run();
    hang_up.abort();
    left
}

/// A shell that goes away, as at the end of an ssh connection, takes its programs with it: the peer hears a goodbye before.
#[cfg(unix)]
async fn end_with_the_shell(commands: mpsc::Sender<Command>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut gone) = signal(SignalKind::hangup()) else { return };
    while gone.recv().await.is_some() {
        let _ = commands.try_send(Command::Interrupt);
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
async fn end_with_the_shell(_: mpsc::Sender<Command>) {}

/// One picture, the newest that came.
struct View {
    pictures: Pictures,
    newest: Option<Arc<Picture>>,
}

impl View {
    fn new(pictures: Pictures) -> Self {
        Self { pictures, newest: None }
    }

    /// Takes the newest picture; false where there is none since the last.
    fn refresh(&mut self) -> bool {
        let newest = self.pictures.take();
        let is_new = newest.is_some();
        self.newest = newest.or(self.newest.take());
        is_new
    }
}

/// What is on the screen, to draw no more than what changed.
#[derive(Default)]
struct Shown {
    levels: (f32, f32),
    notices: usize,
    /// Something was taken off the screen, and what was below it is to be drawn.
    is_stale: bool,
    /// Where a picture lies that is not made of characters.
    picture: Option<Rect>,
}

struct Face {
    room: String,
    link: Option<String>,
    by_hand: Option<(ByHand, watch::Receiver<Step>)>,
    step: Step,
    /// The line of this step as a code.
    code: Option<String>,
    commands: mpsc::Sender<Command>,
    events: Option<mpsc::Receiver<Event>>,
    snapshots: watch::Receiver<Snapshot>,
    levels: Arc<Levels>,
    remote: View,
    local: View,
    story: Story,
    board: Board,
    depth: Depth,
    protocol: Option<graphics::Protocol>,
    cell: (u16, u16),
    pace: Pace,
    shown: Shown,
    /// The devices while a person chooses.
    listing: Option<Listing>,
    ended_at: Option<Instant>,
    screen: Screen,
}

impl Face {
    fn run(mut self) -> anyhow::Result<Left> {
        let mut is_stale = true;
        loop {
            let snapshot = self.snapshots.borrow_and_update().clone();
            let was_over = self.ended_at.is_some();
            if let Some(left) = self.end(&snapshot) {
                self.uncover()?;
                return Ok(left);
            }
            is_stale |= was_over != self.ended_at.is_some();
            let now = Instant::now();
            let is_moving = self.pace.allows(now) && self.moves();
            if is_stale || is_moving {
                self.draw(&snapshot, now, is_moving)?;
            }
            is_stale = false;
            screen::wait(LOOK_EVERY)?;
            for _ in 0..STROKES_AT_ONCE {
                if !event::poll(Duration::ZERO)? {
                    break;
                }
                is_stale = true;
                if let Some(left) = self.input(&event::read()?)? {
                    self.uncover()?;
                    return Ok(left);
                }
            }
            is_stale |= self.news();
        }
    }

    /// Whether the call is over and nothing is left to be read.
    fn end(&mut self, snapshot: &Snapshot) -> Option<Left> {
        let now = Instant::now();
        let is_read = match snapshot.end.as_ref()? {
            EndReason::HungUp | EndReason::Interrupted | EndReason::DurationReached | EndReason::Declined => true,
            _ => now.saturating_duration_since(*self.ended_at.get_or_insert(now)) > END_SHOWN,
        };
        is_read.then_some(Left::Closed)
    }

    /// Pictures and levels: whether any is new.
    fn moves(&mut self) -> bool {
        let levels = (rounded(self.levels.microphone.peak()), rounded(self.levels.speaker.peak()));
        let louder = levels != std::mem::replace(&mut self.shown.levels, levels);
        self.local.refresh() | self.remote.refresh() | louder
    }

    /// Everything else that may have changed since the last look.
    fn news(&mut self) -> bool {
        let now = Instant::now();
        let mut any = self.snapshots.has_changed().unwrap_or(false);
        if any {
            self.story.measured(&self.snapshots.borrow());
        }
        while let Some(event) = self.events.as_mut().and_then(|events| events.try_recv().ok()) {
            self.story.event(now, &event);
            if self.board.chat.is_some() {
                self.story.read();
            }
            any = true;
        }
        any |= self.new_devices();
        if let Some((_, steps)) = &mut self.by_hand {
            // What is drawn and what the board takes are of the same moment: a line that can be seen can be answered.
            let before = std::mem::replace(&mut self.step, steps.borrow_and_update().clone());
            if before != self.step {
                (self.code, any) = (self.step.line().and_then(serve::code), true);
            }
            self.board.awaits_line(matches!(self.step, Step::Offer(_)));
        }
        let notices = self.story.notices(now).count();
        any |= std::mem::take(&mut self.shown.is_stale);
        any | (notices != std::mem::replace(&mut self.shown.notices, notices))
    }

    /// The devices that came and went while a person chooses.
    fn new_devices(&mut self) -> bool {
        let Some(picker) = &mut self.board.picker else {
            self.listing = None;
            return false;
        };
        let Some(list) = self.listing.as_mut().and_then(Listing::news) else { return false };
        picker.listed(list);
        true
    }

    fn input(&mut self, input: &Input) -> anyhow::Result<Option<Left>> {
        let effects = match input {
            Input::Key(key) => {
                let Some(stroke) = keys::stroke(*key) else { return Ok(None) };
                if let Some(ended_at) = &mut self.ended_at {
                    *ended_at += END_SHOWN;
                }
                self.board.stroke(stroke, &self.snapshots.borrow())
            }
            Input::Paste(text) => self.board.pasted(text),
            Input::Resize(..) => vec![Effect::Redraw],
            _ => Vec::new(),
        };
        for effect in effects {
            match effect {
                Effect::Command(command) => self.command(command),
                Effect::Say(text) => {
                    for part in terminal::cut(&text) {
                        self.command(Command::SendChat(part.to_owned()));
                    }
                    self.story.said(text);
                }
                Effect::Paste(text) => {
                    let result = self.by_hand.as_ref().map_or(Ok(()), |(by_hand, _)| by_hand.paste(&text));
                    if let Err(error) = result {
                        self.story.notice(Instant::now(), error);
                    }
                }
                Effect::Copy => self.copy()?,
                Effect::ListDevices => self.listing = Some(Listing::start()),
                Effect::Read => self.story.read(),
                Effect::Redraw => {
                    self.uncover()?;
                    self.screen.terminal.clear()?;
                }
                Effect::Close => return Ok(Some(Left::Closed)),
                Effect::Again => return Ok(Some(Left::Again)),
            }
        }
        Ok(None)
    }

    /// Puts our own line on the clipboard.
    fn copy(&mut self) -> io::Result<()> {
        if let Some(line) = self.step.line() {
            self.screen.write(&by_hand::copy(line))?;
            self.story.notice(Instant::now(), words::LINE_COPIED.to_owned());
        }
        Ok(())
    }

    /// The queue is short and the call empties it at once; only an ended call does not, and wants nothing.
    fn command(&self, command: Command) {
        let _ = self.commands.try_send(command);
    }

    fn draw(&mut self, snapshot: &Snapshot, now: Instant, is_moving: bool) -> anyhow::Result<()> {
        let is_sixel = self.protocol == Some(graphics::Protocol::Sixel);
        // Nothing can lie on sixels.
        let is_covered = self.board.covers() || self.story.notices(now).next().is_some();
        let protocol = self.protocol.filter(|_| !(is_sixel && is_covered));
        if protocol.is_none() {
            self.uncover()?;
        }
        let before = self.screen.written();
        let scene = Scene {
            room: &self.room,
            step: &self.step,
            code: self.code.as_deref(),
            link: self.link.as_deref(),
            snapshot,
            story: &self.story,
            board: &self.board,
            now,
            levels: self.shown.levels,
            remote: self.remote.newest.as_deref(),
            local: self.local.newest.as_deref().filter(|_| self.board.swapped || !(is_sixel && protocol.is_some())),
            depth: self.depth,
            cell: self.cell,
            graphics: protocol.is_some(),
        };
        let mut place = None;
        self.screen.terminal.draw(|frame| place = view::draw(frame, &scene))?;
        if self.shown.picture.is_some() && self.shown.picture != place {
            self.uncover()?;
            self.shown.is_stale = true;
        }
        let large = if self.board.swapped { &self.local } else { &self.remote };
        if let Some(((protocol, place), picture)) = protocol.zip(place).zip(large.newest.as_deref())
            && (is_moving || self.shown.picture.is_none())
        {
            let (width, height) = graphics::pixels(protocol, place, self.cell);
            let image = picture::scale(picture, width, height, self.board.swapped);
            self.screen.write(&graphics::encode(protocol, &image, place))?;
            self.shown.picture = Some(place);
        }
        if is_moving {
            self.pace.drew(Instant::now(), self.screen.written() - before);
        }
        Ok(())
    }

    /// Takes a picture that is not made of characters off the screen.
    fn uncover(&mut self) -> io::Result<()> {
        if let Some((protocol, _)) = self.protocol.zip(self.shown.picture.take()) {
            self.screen.write(graphics::remove(protocol))?;
            if protocol == graphics::Protocol::Sixel {
                self.screen.terminal.clear()?;
            }
        }
        Ok(())
    }
}

/// As fine as a meter shows.
fn rounded(peak: f32) -> f32 {
    (peak * 100.0).round() / 100.0
}
