//! A call without a server in the window: the line for the other, as text and as a code, and the field for the line that comes back.
//! The lines are made and understood elsewhere; here they are shown and taken.

use eframe::egui;
use egui::{RichText, ScrollArea, TextEdit, Ui};

use super::{field, invitation, theme};
use crate::face::{ByHand, Step, words};

/// Most characters that are taken: a line of a call, and the mail around it.
const MOST_PASTED: usize = 32 * 1024;

/// Side of the code, in points: a line is long, and its code has many modules.
const CODE: f32 = 300.0;

/// Rows of the line that are seen at a time.
const ROWS: usize = 4;

/// What the person has pasted so far, and what was wrong with it.
#[derive(Default)]
pub(crate) struct Lines {
    pasted: String,
    error: Option<String>,
    had_focus: bool,
}

impl Lines {
    /// Draws the step; false where there is nothing to show.
    pub(crate) fn draw(&mut self, ui: &mut Ui, by_hand: &ByHand) -> bool {
        let (say, line, is_awaited) = match by_hand.step() {
            Step::Preparing | Step::Taken => return false,
            Step::Offer(line) => (words::LINE_OFFER, line, true),
            Step::Answer(line) => (words::LINE_ANSWER, line, false),
        };
        ui.label(RichText::new(say).color(theme::ON_STAGE));
        show(ui, &line);
        if is_awaited {
            self.take(ui, by_hand);
        }
        invitation::code(ui, &line, CODE, words::LINE_CODE);
        true
    }

    /// The field for the line that comes back.
    fn take(&mut self, ui: &mut Ui, by_hand: &ByHand) {
        let label = ui.label(RichText::new(words::LINE_PASTE).color(theme::ON_STAGE));
        let hint = words::LINE_HINT;
        let entered = field::line(ui, &mut self.pasted, hint, MOST_PASTED, f32::INFINITY, label.id);
        if !std::mem::replace(&mut self.had_focus, true) {
            entered.request_focus();
        }
        let mut taken = field::is_entered(ui, &entered);
        taken |= ui.button(words::LINE_TAKE).clicked();
        if let Some(error) = &self.error {
            ui.label(RichText::new(error).color(theme::ON_STAGE).strong());
        }
        if taken {
            self.error = by_hand.paste(&std::mem::take(&mut self.pasted)).err().map(|error| words::sentence(&error));
        }
    }
}

/// The line, to be read and copied.
fn show(ui: &mut Ui, line: &str) {
    let name = ui.label(RichText::new(words::LINE).color(theme::ON_STAGE));
    let height = ui.text_style_height(&egui::TextStyle::Monospace) * ROWS as f32 + 8.0;
    ScrollArea::vertical().id_salt("line").max_height(height).show(ui, |ui| {
        let mut text = line;
        // A field that cannot be written to can be marked and copied as any other.
        let field = TextEdit::multiline(&mut text).font(egui::TextStyle::Monospace).desired_rows(ROWS);
        field.desired_width(f32::INFINITY).show(ui).response.response.labelled_by(name.id);
    });
    if ui.button(words::LINE_COPY).clicked() {
        ui.ctx().copy_text(line.to_owned());
    }
}
