//! The chat beside the pictures: what was written, ready answers to click on, and a field whose Enter sends.
//! The lines are the story's; only the draft that is being written lives here.

use eframe::egui;
use egui::{RichText, ScrollArea, Ui};

use super::field;
use crate::face::{Speaker, Story, words};

/// Longest message that can be written, in characters.
const MOST: usize = 1000;

/// How much of the lines is seen at least, in points.
const FEWEST_LINES: f32 = 40.0;

/// The panel's own state.
#[derive(Default)]
pub(crate) struct Chat {
    draft: String,
    wants_focus: bool,
    /// How high everything but the lines is, as it was drawn last.
    rest: f32,
}

impl Chat {
    /// It was opened by key or click: writing can begin.
    pub(crate) fn opened(&mut self) {
        self.wants_focus = true;
    }

    /// Draws it; gives back the message that is to be sent.
    pub(crate) fn draw(&mut self, ui: &mut Ui, story: &Story) -> Option<String> {
        // A panel that is too low for all of it is moved as a whole.
        let height = ui.available_height();
        let panel = ScrollArea::vertical().id_salt("chat").show(ui, |ui| self.contents(ui, story, height));
        let (sent, rest) = panel.inner;
        if (rest - self.rest).abs() > 0.5 {
            self.rest = rest;
            ui.ctx().request_discard("the buttons of the chat are in other rows");
        }
        sent
    }

    /// The message that is to be sent, and how high everything but the lines is.
    fn contents(&mut self, ui: &mut Ui, story: &Story, height: f32) -> (Option<String>, f32) {
        let top = ui.cursor().top();
        ui.heading(words::CHAT);
        let lines = ScrollArea::vertical()
            .max_height((height - self.rest).floor().max(FEWEST_LINES))
            .auto_shrink(false)
            .stick_to_bottom(true)
            .show(ui, |ui| lines(ui, story));
        let answer = answers(ui);
        let label = ui.label(words::MESSAGE);
        let written = ui.horizontal(|ui| self.field(ui, label.id)).inner;
        ui.add_space(4.0);
        (answer.map(str::to_owned).or(written), ui.min_rect().bottom() - top - lines.inner_rect.height())
    }

    fn field(&mut self, ui: &mut Ui, label: egui::Id) -> Option<String> {
        let width = (ui.available_width() - 72.0).max(60.0);
        let field = field::line(ui, &mut self.draft, words::MESSAGE_HINT, MOST, width, label);
        if std::mem::take(&mut self.wants_focus) {
            field.request_focus();
        }
        let entered = field::is_entered(ui, &field);
        if entered {
            field.request_focus();
        }
        let is_meant = ui.button(words::SEND).clicked() || entered;
        (is_meant && !self.draft.trim().is_empty()).then(|| std::mem::take(&mut self.draft).trim().to_owned())
    }
}

/// What can be said without writing; a message that is being written stays.
fn answers(ui: &mut Ui) -> Option<&'static str> {
    ui.horizontal_wrapped(|ui| {
        // All are drawn, whichever is clicked.
        let clicked = words::ANSWERS.map(|answer| ui.button(answer).clicked().then_some(answer));
        clicked.into_iter().flatten().next()
    })
    .inner
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
