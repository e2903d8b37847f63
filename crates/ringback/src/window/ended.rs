//! The page after a call: why it is over, and what can be done now.
//! It stays until the person chooses.

use eframe::egui;
use egui::{Align, Layout, RichText, Ui};

use super::{button, theme};
use crate::face::words;

/// What the person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    CallAgain,
    StartPage,
    Close,
}

/// The page.
pub(crate) struct EndedPage {
    room: String,
    reason: String,
    wants_focus: bool,
}

impl EndedPage {
    /// `reason` is a sentence.
    pub(crate) fn new(room: String, reason: String) -> Self {
        Self { room, reason, wants_focus: true }
    }

    /// The room that was called.
    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    /// Draws it.
    pub(crate) fn draw(&mut self, ui: &mut Ui) -> Option<Wish> {
        let mut wish = None;
        egui::CentralPanel::default().show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Center), |ui| {
                ui.add_space(ui.available_height() * 0.25);
                ui.heading(words::phase(call_engine::Phase::Ended, &self.room));
                ui.label(RichText::new(&self.reason).size(18.0));
                ui.add_space(16.0);
                let again = button::plain(ui, words::CALL_AGAIN, theme::GO);
                if std::mem::take(&mut self.wants_focus) {
                    again.request_focus();
                }
                if again.clicked() {
                    wish = Some(Wish::CallAgain);
                }
                if ui.button(words::START_PAGE).clicked() {
                    wish = Some(Wish::StartPage);
                }
                if ui.button(words::CLOSE).clicked() {
                    wish = Some(Wish::Close);
                }
            });
        });
        wish
    }
}
