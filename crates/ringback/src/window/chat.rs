//! The chat beside the pictures: what was written, and a field whose Enter sends.
//! The lines are the story's; only the draft that is being written lives here.

use eframe::egui;
use egui::{RichText, ScrollArea, Ui};

use super::field;
use crate::face::{Speaker, Story, words};

/// Longest message that can be written, in characters.
const MOST: usize = 1000;

/// The panel's own state.
#[derive(Default)]
pub(crate) struct Chat {
    draft: String,
    wants_focus: bool,
}

impl Chat {
    /// It was opened by key or click: writing can begin.
    pub(crate) fn opened(&mut self) {
        self.wants_focus = true;
    }

    /// Draws it; gives back the message that is to be sent.
    pub(crate) fn draw(&mut self, ui: &mut Ui, story: &Story) -> Option<String> {
        ui.heading(words::CHAT);
        let field_height = 84.0;
        ScrollArea::vertical()
            .max_height((ui.available_height() - field_height).max(40.0))
            .auto_shrink(false)
            .stick_to_bottom(true)
            .show(ui, |ui| lines(ui, story));
        let label = ui.label(words::MESSAGE);
        let mut sent = None;
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 72.0).max(60.0);
            let field = field::line(ui, &mut self.draft, words::MESSAGE_HINT, MOST, width, label.id);
            if std::mem::take(&mut self.wants_focus) {
                field.request_focus();
            }
            let entered = field::is_entered(ui, &field);
            if (ui.button(words::SEND).clicked() || entered) && !self.draft.trim().is_empty() {
                sent = Some(std::mem::take(&mut self.draft).trim().to_owned());
            }
            if entered {
                field.request_focus();
            }
        });
        sent
    }
}

fn lines(ui: &mut Ui, story: &Story) {
    if story.chat().len() == 0 {
        ui.weak(words::NO_CHAT);
    }
    for line in story.chat() {
        let who = match line.speaker {
            Speaker::We => words::YOU,
            Speaker::Peer => words::PEER,
        };
        ui.label(RichText::new(format!("{who}: {}", line.text)));
    }
}
