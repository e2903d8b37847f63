//! What lies on the picture: the keys, the devices, and the bars and wrapped lines that they and others are made of.
//! Drawn in words and signs, so that they are understood without colours.

use call_engine::Snapshot;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::picker::Picker;
use super::view::panel;
use crate::face::{KEYS, Key, words};
use crate::terminal::printable;

/// Sound this far below full scale shows as nothing, in decibels.
const FLOOR_DB: f32 = -60.0;

/// The keys and what they do.
pub(crate) fn draw_help(frame: &mut Frame<'_>, area: Rect, tells_release: bool) {
    let space = if tells_release { words::SPACE_HELD } else { words::SPACE_SWITCHES };
    let keys = KEYS.iter().map(|(key, _, text)| (name(*key), *text));
    let lines: Vec<_> =
        keys.chain([("space".to_owned(), space)]).map(|(key, text)| Line::from(format!("{key:>5}  {text}"))).collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 3;
    let (width, height) =
        (u16::try_from(width).unwrap_or(u16::MAX), u16::try_from(lines.len() + 2).unwrap_or(u16::MAX));
    let inner = panel(frame, area, words::KEY_HELP, width, height);
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The devices, with a mark at the line that Enter chooses.
pub(crate) fn draw_picker(frame: &mut Frame<'_>, area: Rect, picker: &Picker, snapshot: &Snapshot) {
    let choices = picker.choices(snapshot);
    let (mut lines, mut marked, mut section) = (Vec::new(), 0, "");
    for (index, choice) in choices.iter().enumerate() {
        if choice.section != section {
            section = choice.section;
            lines.push(Line::from(section).style(Modifier::BOLD));
        }
        let is_marked = index == picker.at();
        if is_marked {
            marked = lines.len();
        }
        let mark = if is_marked { ">" } else { " " };
        let used = if choice.is_used { format!(" ({})", words::DEVICE_USED) } else { String::new() };
        let line = Line::from(format!(" {mark} {}{used}", printable(&choice.name)));
        lines.push(if is_marked { line.style(Modifier::REVERSED) } else { line });
    }
    lines.push(Line::from(words::PICKER_HINT).style(Modifier::ITALIC));
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 3;
    let (width, height) =
        (u16::try_from(width).unwrap_or(u16::MAX), u16::try_from(lines.len() + 2).unwrap_or(u16::MAX));
    let inner = panel(frame, area, words::KEY_DEVICES, width, height);
    // The marked line stays in sight where not all have room.
    let hidden = (marked + 1).saturating_sub(usize::from(inner.height));
    frame.render_widget(Paragraph::new(lines.split_off(hidden.min(marked))), inner);
}

/// A bar of `width` cells, in steps of an eighth of a cell.
pub(crate) fn bar(peak: f32, width: usize) -> String {
    const EIGHTHS: [char; 8] =
        [' ', '\u{258f}', '\u{258e}', '\u{258d}', '\u{258c}', '\u{258b}', '\u{258a}', '\u{2589}'];
    let share = (20.0 * peak.max(1e-6).log10() / -FLOOR_DB + 1.0).clamp(0.0, 1.0);
    let eighths = (share * width as f32 * 8.0).round() as usize;
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar: String = std::iter::repeat_n('\u{2588}', full.min(width)).collect();
    if full < width {
        bar.push(EIGHTHS[rest]);
        bar.extend(std::iter::repeat_n(' ', width - full - 1));
    }
    bar
}

/// Text as lines that are no wider than `width` cells, cut between words where there are any.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        let wide = cells(c);
        if used + wide > width && used > 0 {
            let rest = match line.rfind(' ') {
                Some(space) if c != ' ' => line.split_off(space + 1),
                _ => String::new(),
            };
            lines.push(std::mem::replace(&mut line, rest).trim_end().to_owned());
            used = line.chars().map(cells).sum();
        }
        if !(line.is_empty() && c == ' ' && !lines.is_empty()) {
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

/// How wide a character is.
fn cells(c: char) -> usize {
    Span::raw(&*c.encode_utf8(&mut [0; 4])).width()
}

fn name(key: Key) -> String {
    match key {
        Key::Char(c) => c.to_string(),
        Key::Enter => "Enter".to_owned(),
        Key::Escape => "Esc".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_sounds() {
        for (peak, expected) in [
            (0.0, "    "),
            (0.001, "    "),
            (0.031_622_8, "\u{2588}\u{2588}  "),
            (1.0, "\u{2588}\u{2588}\u{2588}\u{2588}"),
            (7.0, "\u{2588}\u{2588}\u{2588}\u{2588}"),
        ] {
            assert_eq!(bar(peak, 4), expected, "{peak}");
        }
        assert_eq!(bar(0.5, 0), "");
    }

    #[test]
    fn lines_are_cut_between_words_and_long_words_anywhere() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("a b", 0).concat(), "ab", "no room is no reason to stop");
    }
}
