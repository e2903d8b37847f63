//! The terminal face of a call as a drawing: a pure function of the engine's snapshot, the story so far and what is open.
//! Fits any size, down to nothing; what others wrote is shown so that it cannot steer the terminal.

use std::time::Instant;

use call_engine::{Phase, Picture, Snapshot};
use ratatui::Frame;
use ratatui::layout::{Constraint, Direction, Layout, Margin, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::board::{Board, Field};
use super::picture::{self, Depth};
use super::{by_hand, figures, panels};
use crate::face::{Action, KEYS, Key, Speaker, Step, Story, words};
use crate::terminal::printable;

/// Everything that a drawing shows.
pub(crate) struct Scene<'a> {
    /// The room's name.
    pub(crate) room: &'a str,
    /// The link by which a browser joins, where there is one.
    pub(crate) link: Option<&'a str>,
    /// How far the two lines of a call by hand are.
    pub(crate) step: &'a Step,
    /// Our own line of those two as a code, where it is not too long.
    pub(crate) code: Option<&'a str>,
    /// The state of the call.
    pub(crate) snapshot: &'a Snapshot,
    /// The call so far.
    pub(crate) story: &'a Story,
    /// What is open.
    pub(crate) board: &'a Board,
    /// Now, for notices that fade.
    pub(crate) now: Instant,
    /// Peaks of microphone and speaker, 0 to 1.
    pub(crate) levels: (f32, f32),
    /// The peer's newest picture.
    pub(crate) remote: Option<&'a Picture>,
    /// Our own.
    pub(crate) local: Option<&'a Picture>,
    /// The colours that the terminal has.
    pub(crate) depth: Depth,
    /// The shape of a cell in pixels, width and height.
    pub(crate) cell: (u16, u16),
    /// Whether the large picture is drawn by other means than characters.
    pub(crate) graphics: bool,
}

/// Draws it, and gives back where the large picture belongs, where there is one.
pub(crate) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) -> Option<Rect> {
    let area = frame.area();
    if scene.board.full_screen && scene.snapshot.end.is_none() {
        return stage(frame, area, scene);
    }
    let heights = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)];
    let [head, middle, meters, foot] = Layout::vertical(heights).areas(area);
    frame.render_widget(Paragraph::new(status(scene)).style(Modifier::REVERSED), head);
    let (middle, chat) = split(middle, scene);
    let place = stage(frame, middle, scene);
    if let Some((chat, line)) = chat.zip(scene.board.chat.as_deref()) {
        draw_chat(frame, chat, scene.story, line);
    }
    frame.render_widget(Paragraph::new(meter_line(scene, meters.width)), meters);
    frame.render_widget(Paragraph::new(hints(scene)), foot);
    place
}

/// The picture's place and the chat's: beside it where there is room, else below it.
fn split(area: Rect, scene: &Scene<'_>) -> (Rect, Option<Rect>) {
    if scene.board.chat.is_none() {
        return (area, None);
    }
    let share = [Constraint::Fill(3), Constraint::Fill(2)];
    let direction = if area.width >= 60 { Direction::Horizontal } else { Direction::Vertical };
    let [picture, chat] = Layout::new(direction, share).areas(area);
    (picture, Some(chat))
}

/// The pictures, and what lies on them.
fn stage(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Option<Rect> {
    let (board, snapshot) = (scene.board, scene.snapshot);
    let (mut large, mut small) = ((scene.remote, false), (scene.local, true));
    if board.swapped {
        std::mem::swap(&mut large, &mut small);
    }
    let camera_off = snapshot.peer.camera_on == Some(false) && !board.swapped;
    let talks = matches!(snapshot.phase, Phase::Connected | Phase::Reconnecting);
    let shown = large.0.filter(|_| talks && !camera_off && !area.is_empty());
    let place = shown.map(|picture| picture::fit(picture.size(), area, scene.cell));
    match shown.zip(place) {
        Some((picture, place)) if !scene.graphics => {
            picture::draw(picture, place, large.1, scene.depth, frame.buffer_mut());
        }
        Some(_) => {}
        None if draws_line(frame, area, scene) => {}
        None => draw_words(frame, area, &centre(scene, camera_off)),
    }
    let has_line = exchanges(scene).is_some();
    if let Some(picture) =
        small.0.filter(|_| snapshot.end.is_none() && !has_line && area.width >= 40 && area.height >= 12)
    {
        let corner =
            Rect { x: area.right() - area.width / 5, y: area.y, width: area.width / 5, height: area.height / 4 };
        let place = picture::fit(picture.size(), corner, scene.cell);
        let place = Rect { x: area.right() - place.width, y: area.y, ..place };
        picture::draw(picture, place, small.1, scene.depth, frame.buffer_mut());
    }
    if board.figures {
        figures::draw(frame, area, snapshot, scene.story.curves());
    }
    draw_notices(frame, area, scene);
    if let Some(picker) = &board.picker {
        panels::draw_picker(frame, area, picker, snapshot);
    }
    if board.help {
        panels::draw_help(frame, area, board.tells_release);
    }
    place
}

/// The lines of a call by hand, while they are exchanged.
fn exchanges<'a>(scene: &Scene<'a>) -> Option<&'a Step> {
    let snapshot = scene.snapshot;
    let step = Some(scene.step).filter(|step| matches!(step, Step::Offer(_) | Step::Answer(_)));
    step.filter(|_| snapshot.phase != Phase::Connected && snapshot.end.is_none())
}

fn draws_line(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> bool {
    let typed = match &scene.board.field {
        Field::Open(typed) => Some(typed.as_str()),
        _ => None,
    };
    // The chat's cursor is where letters go.
    let typed = typed.filter(|_| scene.board.chat.is_none());
    let Some(step) = exchanges(scene) else { return false };
    if scene.board.code {
        by_hand::draw_code(frame, area, scene.code);
        return true;
    }
    by_hand::draw(frame, area, step, typed)
}

/// What stands where no picture is.
fn centre(scene: &Scene<'_>, camera_off: bool) -> String {
    let snapshot = scene.snapshot;
    match (&snapshot.end, snapshot.phase) {
        (Some(end), _) => words::ended(&printable(&end.to_string())),
        (None, Phase::Connected) if camera_off => words::PEER_CAMERA_OFF.to_owned(),
        (None, Phase::Connected) => words::NO_PICTURE.to_owned(),
        (None, Phase::Waiting) => {
            let link = scene.link.map(|link| format!("\n\n{}", words::join_by(&printable(link))));
            words::phase(Phase::Waiting, &printable(scene.room)) + &link.unwrap_or_default()
        }
        (None, phase) => words::phase(phase, &printable(scene.room)),
    }
}

fn draw_words(frame: &mut Frame<'_>, area: Rect, text: &str) {
    let wrapped = Paragraph::new(text).wrap(Wrap { trim: true }).centered();
    let width = usize::from(area.width.max(1));
    let lines: usize = text.lines().map(|line| line.chars().count() / width + 1).sum();
    let top = area.height.saturating_sub(u16::try_from(lines).unwrap_or(u16::MAX)) / 2;
    frame.render_widget(wrapped, Rect { y: area.y + top, height: area.height - top, ..area });
}

/// The room, where the call stands, and what is off: in words, as colours alone tell nobody who cannot see them.
fn status(scene: &Scene<'_>) -> Line<'static> {
    let snapshot = scene.snapshot;
    let mut parts = vec![printable(scene.room)];
    parts.push(match snapshot.phase {
        Phase::Waiting => words::CALLING.to_owned(),
        _ if exchanges(scene).is_some() => words::LINE_CARRIED.to_owned(),
        phase => words::phase(phase, &printable(scene.room)),
    });
    if let Some(quality) = snapshot.quality {
        parts.push(words::quality(quality).to_owned());
    }
    let off = [
        (!snapshot.microphone_on, words::STATE_MUTED),
        (!snapshot.camera_on, words::STATE_CAMERA_OFF),
        (snapshot.peer.microphone_on == Some(false), words::STATE_PEER_MUTED),
    ];
    parts.extend(off.into_iter().filter(|(is_off, _)| *is_off).map(|(_, text)| text.to_owned()));
    Line::from(format!(" {} ", parts.join(" \u{b7} ")))
}

/// Both meters, as bars whose length is in decibels.
fn meter_line(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let room = usize::from(width).saturating_sub(words::METER_MICROPHONE.len() + words::METER_SPEAKER.len() + 5) / 2;
    let room = room.min(24);
    let (microphone, speaker) = scene.levels;
    Line::from(format!(
        " {} {} {} {}",
        words::METER_MICROPHONE,
        panels::bar(microphone, room),
        words::METER_SPEAKER,
        panels::bar(speaker, room),
    ))
}

/// The keys that have a use now.
fn hints(scene: &Scene<'_>) -> Line<'static> {
    if scene.board.chat.is_some() {
        return Line::from(format!(" {}", words::CHAT_HINT));
    }
    if let Field::Open(_) = scene.board.field {
        return Line::from(format!(" {}", words::LINE_KEYS));
    }
    let snapshot = scene.snapshot;
    let first = [
        Action::Accept,
        Action::AcceptWithoutCamera,
        Action::Decline,
        Action::CallAgain,
        Action::Microphone,
        Action::Camera,
        Action::Chat,
        Action::HangUp,
        Action::Help,
    ];
    let mut spans = Vec::new();
    if scene.board.field == Field::Closed {
        spans.push(Span::styled(format!(" {} ", words::LINE_KEYS_FREE), Modifier::BOLD));
    }
    if exchanges(scene).is_some() {
        spans.push(Span::styled(format!(" {} ", words::LINE_KEYS_OURS), Modifier::BOLD));
    }
    for action in first.into_iter().filter(|action| action.applies(snapshot)) {
        let Some((Key::Char(key), _, text)) = KEYS.iter().find(|(_, known, _)| *known == action) else { continue };
        spans.push(Span::styled(format!(" {key} "), Modifier::BOLD));
        spans.push(Span::raw((*text).to_owned()));
        if action == Action::Chat && scene.story.unread() > 0 {
            spans.push(Span::styled(format!(" ({})", scene.story.unread()), Modifier::BOLD));
        }
    }
    Line::from(spans)
}

fn draw_notices(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let notices: Vec<_> = scene.story.notices(scene.now).map(printable).collect();
    for (above, notice) in notices.iter().rev().enumerate() {
        let Some(y) = u16::try_from(above + 1).ok().and_then(|above| area.bottom().checked_sub(above)) else { return };
        if y < area.y {
            return;
        }
        let text = format!(" {notice} ");
        let width = u16::try_from(Line::raw(text.as_str()).width()).unwrap_or(u16::MAX).min(area.width);
        let place = Rect { x: area.x, y, width, height: 1 };
        frame.render_widget(Clear, place);
        frame.render_widget(Paragraph::new(text).style(Modifier::REVERSED), place);
    }
}

/// The newest lines that fit, and the line that is being typed.
fn draw_chat(frame: &mut Frame<'_>, area: Rect, story: &Story, typed: &str) {
    let block = Block::bordered().title(words::KEY_CHAT);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [lines_area, input] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(inner);
    if inner.is_empty() {
        return;
    }
    let mut lines: Vec<Line<'_>> = Vec::new();
    for line in story.chat().rev() {
        let who = match line.speaker {
            Speaker::We => words::CHAT_YOU,
            Speaker::Peer => words::CHAT_PEER,
        };
        let rows = panels::wrapped(&format!("{who}: {}", printable(&line.text)), usize::from(lines_area.width));
        lines.extend(rows.into_iter().rev().map(Line::from));
        if lines.len() >= usize::from(lines_area.height) {
            break;
        }
    }
    lines.truncate(usize::from(lines_area.height));
    lines.reverse();
    frame.render_widget(Paragraph::new(lines), lines_area);
    let shown = panels::wrapped(&format!("> {}", printable(typed)), usize::from(input.width.saturating_sub(1)));
    let last = shown.last().cloned().unwrap_or_default();
    let end = u16::try_from(Line::raw(last.as_str()).width()).unwrap_or(0);
    frame.render_widget(Paragraph::new(last).style(Style::new().add_modifier(Modifier::BOLD)), input);
    frame.set_cursor_position((input.x + end.min(input.width.saturating_sub(1)), input.y));
}

/// A panel in the middle of `area`, at most this large, cleared to be drawn on.
pub(crate) fn panel(frame: &mut Frame<'_>, area: Rect, title: &str, width: u16, height: u16) -> Rect {
    let place = area.centered(Constraint::Length(width), Constraint::Length(height)).intersection(area);
    frame.render_widget(Clear, place);
    frame.render_widget(Block::bordered().title(title.to_owned()), place);
    place.inner(Margin::new(1, 1))
}
