//! What scripts have the window do, and what they are told of it.
//! The window obeys as it does a key or a click; an order for a page that is not there changes nothing.

use super::{App, Page};
use crate::control::Order;
use crate::face::Looks;
use control_codec::{Panel, Theme};
use eframe::egui::{ThemePreference, Ui};

impl App {
    /// Does what a script asks for.
    pub(super) fn obey(&mut self, ui: &Ui, order: Order) {
        match order {
            Order::Placing(choice) => {
                self.known().called(&choice);
                self.choice = Some(*choice);
                self.ended_at = None;
                self.page = Page::Placing;
            }
            Order::StartPage => self.start(),
            Order::Preview(choice) => {
                if let Page::Start(page) = &mut self.page {
                    page.look_at(choice.map(|choice| *choice), &self.tools);
                }
            }
            Order::FullScreen(on) if on != self.is_full => self.fill(ui),
            Order::FullScreen(_) => {}
            Order::Panel(Panel::Help, on) => self.shows_help = on,
            Order::Panel(panel, on) => {
                if let Page::Call(page) = &mut self.page {
                    page.open(panel, on);
                }
            }
            Order::Swap => {
                if let Page::Call(page) = &mut self.page {
                    page.swap();
                }
            }
            Order::Theme(theme) => self.paint(
                ui.ctx(),
                match theme {
                    Theme::System => ThemePreference::System,
                    Theme::Light => ThemePreference::Light,
                    Theme::Dark => ThemePreference::Dark,
                },
            ),
            // Whoever places calls brings the window to the front.
            Order::Raise => {}
        }
    }

    /// Tells scripts what is open, and the desktop whether the window is looked at.
    pub(super) fn publish(&self, ui: &Ui) {
        let focused = ui.input(|input| input.focused);
        self.links.focus.send_if_modified(|known| std::mem::replace(known, focused) != focused);
        let mut looks = Looks { full_screen: self.is_full, help: self.shows_help, ..Looks::default() };
        if let Page::Call(page) = &self.page {
            page.looks(&mut looks);
        }
        self.links.page.send_if_modified(|page| page.window.replace(looks) != Some(looks));
    }
}
