//! How the window is dressed: light or dark, how large, with which fonts, and that it is so the next time.
//! What the person chose goes before what the desktop wishes.

use eframe::egui;
use egui::{ThemePreference, Ui};

use super::App;
use crate::window::theme;

impl App {
    /// Will be drawn in this context, and hears which characters it misses.
    pub(crate) fn listen(&self, context: &egui::Context) {
        self.fonts.listen(context);
    }

    /// Waits for the fonts that are looked for.
    #[cfg(test)]
    pub(crate) fn settle_fonts(&mut self) {
        self.fonts.settle();
    }

    /// As the person or the desktop wishes.
    pub(super) fn dress(&mut self, context: &egui::Context) {
        if !std::mem::replace(&mut self.is_styled, true) {
            theme::apply(context);
            if let Some(zoom) = self.known().zoom {
                context.set_zoom_factor(zoom);
            }
        }
        let fixed = self.known().theme;
        if fixed != ThemePreference::System {
            context.set_theme(fixed);
        } else if self.links.appearance.has_changed().unwrap_or(false) {
            context.set_theme(*self.links.appearance.borrow_and_update());
        }
    }

    /// Light or dark from now on, and the next time.
    pub(super) fn paint(&self, context: &egui::Context, theme: ThemePreference) {
        self.known().theme = theme;
        context.set_theme(match theme {
            ThemePreference::System => *self.links.appearance.borrow(),
            fixed => fixed,
        });
    }

    /// Keeps size and zoom for the next time.
    pub(super) fn measure(&self, ui: &Ui) {
        let zoom = ui.ctx().zoom_factor();
        let allowed = zoom.clamp(1.0, theme::MAX_ZOOM);
        if (zoom - allowed).abs() > f32::EPSILON {
            ui.ctx().set_zoom_factor(allowed);
        }
        let size = ui.input(|input| input.viewport().inner_rect).map(|rect| rect.size() * zoom);
        let mut known = self.known();
        known.zoom = (allowed > 1.0).then_some(allowed);
        if let Some(size) = size.filter(|size| !self.is_full && size.min_elem() >= 1.0) {
            known.size = Some([size.x, size.y]);
        }
    }
}
