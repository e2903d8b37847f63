//! A line to write in: its name for everybody, a hint while it is empty, and whether Enter ended it.

use eframe::egui;
use egui::{Key, Response, TextEdit, Ui};

/// Draws the line, as wide as `width`, with no more than `limit` characters; `label` names it.
pub(super) fn line(ui: &mut Ui, text: &mut String, hint: &str, limit: usize, width: f32, label: egui::Id) -> Response {
    let field = TextEdit::singleline(text).hint_text(hint).char_limit(limit).desired_width(width);
    field.show(ui).response.response.labelled_by(label)
}

/// Whether the person pressed Enter in it.
pub(super) fn is_entered(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
