//! The row of buttons under the pictures of a call.
//! It shows the engine's state and gives back the action that was clicked.

use call_engine::Snapshot;
use eframe::egui;
use egui::{Ui, Vec2};

use super::button::IconButton;
use super::icons::Icon;
use super::theme;
use crate::face::{Action, KEYS, words};

/// Height of the row, in points.
pub(crate) const HEIGHT: f32 = 68.0;

/// From this width on there is room for names below the signs.
const WITH_NAMES: f32 = 620.0;

/// Buttons in the row.
const BUTTONS: f32 = 8.0;

/// What is open, and what there is to see in it.
pub(crate) struct Shown {
    pub(crate) chat: bool,
    pub(crate) unread: usize,
    pub(crate) devices: bool,
    pub(crate) figures: bool,
    pub(crate) full_screen: bool,
    pub(crate) microphone_level: f32,
}

/// Draws the row.
pub(crate) fn draw(ui: &mut Ui, snapshot: &Snapshot, shown: &Shown) -> Option<Action> {
    let mut clicked = None;
    let width = ui.available_width();
    let caption = width >= WITH_NAMES;
    let side = ((width - 16.0) / BUTTONS - 8.0).clamp(24.0, 52.0);
    ui.horizontal_centered(|ui| {
        let mut add = |button: IconButton<'_>, action: Action| {
            let key = key(action);
            let button = button.size(Vec2::splat(side)).caption(caption);
            if ui.add(button.key(&key)).clicked() {
                clicked = Some(action);
            }
        };
        let microphone = if snapshot.microphone_on {
            IconButton::new(Icon::Microphone, words::MUTE).level(shown.microphone_level)
        } else {
            IconButton::new(Icon::MicrophoneOff, words::UNMUTE).fill(theme::OFF).level(shown.microphone_level)
        };
        add(microphone, Action::Microphone);
        let camera = if snapshot.camera_on {
            IconButton::new(Icon::Camera, words::CAMERA_OFF)
        } else {
            IconButton::new(Icon::CameraOff, words::CAMERA_ON).fill(theme::OFF)
        };
        add(camera, Action::Camera);
        let chat = words::chat(shown.unread);
        add(IconButton::new(Icon::Chat, &chat).count(shown.unread).pressed(shown.chat), Action::Chat);
        add(IconButton::new(Icon::Devices, words::DEVICES).pressed(shown.devices), Action::Devices);
        add(IconButton::new(Icon::Figures, words::FIGURES).pressed(shown.figures), Action::Figures);
        let full = if shown.full_screen { words::LEAVE_FULL_SCREEN } else { words::FULL_SCREEN };
        add(IconButton::new(Icon::FullScreen, full).pressed(shown.full_screen), Action::FullScreen);
        add(IconButton::new(Icon::Help, words::HELP), Action::Help);
        add(IconButton::new(Icon::HangUp, words::HANG_UP).fill(theme::STOP), Action::HangUp);
    });
    clicked
}

fn key(action: Action) -> String {
    KEYS.iter().find(|(_, known, _)| *known == action).map_or_else(String::new, |(key, ..)| super::help::name(*key))
}
