//! What a terminal tells of the keyboard, as the strokes that the board knows.
//! Few terminals tell that a key was let go; where one does, space is held to talk.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One stroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// A letter or a sign, as it was typed.
    Char(char),
    /// The space bar; held down it repeats.
    Space {
        /// Whether it was down already.
        again: bool,
    },
    /// The space bar was let go.
    SpaceUp,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Take the last letter back.
    Backspace,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// As the signal does.
    Interrupt,
    /// Draw everything anew.
    Redraw,
    /// Copy what there is to be copied.
    Copy,
    /// Show what there is to be copied as a code, or no more.
    Code,
}

/// The stroke of an event; nothing for what has no use.
pub(crate) fn stroke(event: KeyEvent) -> Option<Stroke> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    let other = event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META);
    if event.kind == KeyEventKind::Release {
        return (event.code == KeyCode::Char(' ')).then_some(Stroke::SpaceUp);
    }
    match event.code {
        KeyCode::Char('c' | 'd') if control => Some(Stroke::Interrupt),
        KeyCode::Char('l') if control => Some(Stroke::Redraw),
        KeyCode::Char('y') if control => Some(Stroke::Copy),
        KeyCode::Char('k') if control => Some(Stroke::Code),
        KeyCode::Char(_) if control || other => None,
        KeyCode::Char(' ') => Some(Stroke::Space { again: event.kind == KeyEventKind::Repeat }),
        KeyCode::Char(c) => Some(Stroke::Char(c)),
        KeyCode::Enter => Some(Stroke::Enter),
        KeyCode::Esc => Some(Stroke::Escape),
        KeyCode::Backspace => Some(Stroke::Backspace),
        KeyCode::Up => Some(Stroke::Up),
        KeyCode::Down => Some(Stroke::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_the_stroke_that_a_person_meant() {
        let (none, control, alt) = (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT);
        let (press, repeat, release) = (KeyEventKind::Press, KeyEventKind::Repeat, KeyEventKind::Release);
        for (code, modifiers, kind, expected) in [
            (KeyCode::Char('m'), none, press, Some(Stroke::Char('m'))),
            (KeyCode::Char('M'), KeyModifiers::SHIFT, press, Some(Stroke::Char('M'))),
            (KeyCode::Char('m'), none, repeat, Some(Stroke::Char('m'))),
            (KeyCode::Char('m'), none, release, None),
            (KeyCode::Char('m'), alt, press, None),
            (KeyCode::Char('m'), control, press, None),
            (KeyCode::Char('c'), control, press, Some(Stroke::Interrupt)),
            (KeyCode::Char('l'), control, press, Some(Stroke::Redraw)),
            (KeyCode::Char('y'), control, press, Some(Stroke::Copy)),
            (KeyCode::Char(' '), none, press, Some(Stroke::Space { again: false })),
            (KeyCode::Char(' '), none, repeat, Some(Stroke::Space { again: true })),
            (KeyCode::Char(' '), none, release, Some(Stroke::SpaceUp)),
            (KeyCode::Enter, none, press, Some(Stroke::Enter)),
            (KeyCode::Enter, none, release, None),
            (KeyCode::Esc, none, press, Some(Stroke::Escape)),
            (KeyCode::F(1), none, press, None),
        ] {
            assert_eq!(
                stroke(KeyEvent::new_with_kind(code, modifiers, kind)),
                expected,
                "{code:?} {modifiers} {kind:?}"
            );
        }
    }
}
