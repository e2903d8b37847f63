//! The list of keys, above everything else.
//! It is made from the table that the keys act by, so that it cannot be wrong.

use eframe::egui;
use egui::{Align2, Context, RichText, Vec2};

use crate::face::{KEYS, Key, words};

/// The key as it is written on a keyboard.
pub(crate) fn name(key: Key) -> String {
    match key {
        Key::Char(letter) => letter.to_string(),
        Key::Enter => "Enter".to_owned(),
        Key::Escape => "Esc".to_owned(),
    }
}

/// Draws it; false once it is to be closed.
pub(crate) fn draw(context: &Context) -> bool {
    let mut open = true;
    egui::Window::new(words::HELP)
        .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
        .collapsible(false)
        .resizable(false)
        .vscroll(true)
        .show(context, |ui| {
            egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
                let space = (words::SPACE.to_owned(), words::KEY_PUSH_TO_TALK);
                for (key, words) in KEYS.iter().map(|(key, _, words)| (name(*key), *words)).chain([space]) {
                    ui.label(RichText::new(key).monospace().strong());
                    ui.label(words);
                    ui.end_row();
                }
            });
            let close = ui.button(words::CLOSE);
            if close.clicked() {
                open = false;
            }
        });
    open
}
