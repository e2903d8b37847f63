//! Which keys were pressed in this frame, as the faces know them.
//! Nothing is reported while somebody writes, nor a key that a focused control takes for itself.

use eframe::egui;
use egui::{Context, Event};

use crate::face::Key;

/// The keys that act now, in order.
pub(crate) fn pressed(context: &Context) -> Vec<Key> {
    if context.text_edit_focused() {
        return Vec::new();
    }
    let is_focused = context.memory(|memory| memory.focused().is_some());
    let keys = context.input(|input| {
        let plain = |event: &Event| match event {
            Event::Key { key, pressed: true, repeat: false, modifiers, .. }
                if !modifiers.ctrl && !modifiers.alt && !modifiers.command =>
            {
                known(*key)
            }
            _ => None,
        };
        input.events.iter().filter_map(plain).collect::<Vec<_>>()
    });
    // Enter presses the button that has the focus.
    keys.into_iter().filter(|key| !(is_focused && *key == Key::Enter)).collect()
}

/// Space went down (true) or up (false) in this frame, where no control takes it.
pub(crate) fn space(context: &Context) -> Option<bool> {
    if context.memory(|memory| memory.focused().is_some()) {
        return None;
    }
    context.input(|input| {
        input.events.iter().rev().find_map(|event| match event {
            Event::Key { key: egui::Key::Space, pressed, repeat: false, .. } => Some(*pressed),
            _ => None,
        })
    })
}

fn known(key: egui::Key) -> Option<Key> {
    match key {
        egui::Key::Enter => Some(Key::Enter),
        egui::Key::Escape => Some(Key::Escape),
        egui::Key::Questionmark => Some(Key::Char('?')),
        key => {
            let name = key.name();
            let letter = name.chars().next().filter(|letter| name.len() == 1 && letter.is_ascii_alphabetic())?;
            Some(Key::Char(letter.to_ascii_lowercase()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::KEYS;

    #[test]
    fn every_key_of_the_table_is_on_the_keyboard() {
        let keyboard: Vec<_> = egui::Key::ALL.iter().filter_map(|key| known(*key)).collect();
        for (key, ..) in KEYS {
            assert!(keyboard.contains(key), "{key:?}");
        }
    }
}
