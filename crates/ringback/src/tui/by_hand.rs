//! A call without a server on the terminal: the line for the other, to be copied, and the field for the line that comes back.
//! Nothing stands beside the line, so that it can be marked as a whole; its code, which is large, takes its place when asked for.

use ratatui::Frame;
use ratatui::layout::{Constraint, Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::panels;
use crate::face::{Step, words};
use crate::terminal::printable;

/// What the terminal is told to put a text on the clipboard (OSC 52 of xterm's control sequences); many do.
pub(crate) fn copy(text: &str) -> String {
    use base64::Engine as _;
    format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text))
}

/// Draws the step; `typed` is in the field, where that is open. False where there is nothing to show.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, step: &Step, typed: Option<&str>) -> bool {
    let (say, line, is_awaited) = match step {
        Step::Preparing | Step::Taken => return false,
        Step::Offer(line) => (words::LINE_OFFER, line, true),
        Step::Answer(line) => (words::LINE_ANSWER, line, false),
    };
    let mut rest = area;
    let width = usize::from(area.width.max(1));
    let tall = |text: &str| u16::try_from(panels::wrapped(text, width).len()).unwrap_or(u16::MAX);
    put(frame, &mut rest, tall(say), Paragraph::new(say).wrap(Wrap { trim: true }));
    let below = if is_awaited { tall(words::LINE_PASTE) + 2 } else { 0 };
    let room = usize::from(rest.height.saturating_sub(below));
    // Not a character of it is more than a cell wide.
    let letters: Vec<char> = line.chars().collect();
    let rows: Vec<String> = letters.chunks(width).map(|row| row.iter().collect()).collect();
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    for row in &rows[..shown] {
        put(frame, &mut rest, 1, Paragraph::new(row.as_str()).style(Modifier::BOLD));
    }
    if shown < rows.len() {
        let hidden = rows[shown..].iter().map(String::len).sum();
        put(frame, &mut rest, 1, Paragraph::new(words::line_hidden(hidden)).style(Modifier::REVERSED));
    }
    if !is_awaited {
        return true;
    }
    rest.y = rest.bottom().min(rest.y + 1);
    rest.height = area.bottom().saturating_sub(rest.y);
    put(frame, &mut rest, tall(words::LINE_PASTE), Paragraph::new(words::LINE_PASTE).wrap(Wrap { trim: true }));
    if let Some(typed) = typed.filter(|_| !rest.is_empty()) {
        let end: String = printable(typed).chars().rev().take(width.saturating_sub(3)).collect();
        let text = format!("> {}", end.chars().rev().collect::<String>());
        let cursor = u16::try_from(Line::raw(text.as_str()).width()).unwrap_or(0).min(rest.width.saturating_sub(1));
        frame.set_cursor_position(Position::new(rest.x + cursor, rest.y));
        put(frame, &mut rest, 1, Paragraph::new(text).style(Style::new().add_modifier(Modifier::BOLD)));
    }
    true
}

/// Draws our line as a code, or says why it cannot be shown.
pub(crate) fn draw_code(frame: &mut Frame<'_>, area: Rect, code: Option<&str>) {
    let width = code.and_then(|code| code.lines().next()).map_or(0, |row| row.chars().count());
    let height = code.map_or(0, |code| code.lines().count());
    let fits = width <= usize::from(area.width) && height <= usize::from(area.height);
    let words = match code {
        None => words::LINE_CODE_TOO_LONG.to_owned(),
        Some(_) if !fits => words::line_code_hidden(width, height),
        Some(_) => words::LINE_CODE_SHOWN.to_owned(),
    };
    let mut rest = area;
    let tall = panels::wrapped(&words, usize::from(area.width.max(1))).len();
    // The code goes before what is said of it.
    if !fits || height + tall <= usize::from(area.height) {
        let tall = u16::try_from(tall).unwrap_or(u16::MAX);
        put(frame, &mut rest, tall, Paragraph::new(words).wrap(Wrap { trim: true }));
    }
    if let Some(code) = code.filter(|_| fits) {
        let cells = |count| Constraint::Length(u16::try_from(count).expect("it fits into the area"));
        // Cameras expect dark on light. These two colours do not change with the terminal's own.
        let style = Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(231));
        frame.render_widget(Paragraph::new(code).style(style), rest.centered(cells(width), cells(height)));
    }
}

/// Draws at the top of what is left.
fn put(frame: &mut Frame<'_>, rest: &mut Rect, height: u16, words: Paragraph<'_>) {
    let height = height.min(rest.height);
    frame.render_widget(words, Rect { height, ..*rest });
    rest.y += height;
    rest.height -= height;
}
