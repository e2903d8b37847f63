//! What stands above the pictures of a call: its state, how good the connection is, what the peer turned off, and notices.
//! Each is a sign and words; no colour has to be seen.

use std::time::Instant;

use call_engine::{ConnectionQuality, Phase, Snapshot};
use eframe::egui;
use egui::{Rect, RichText, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo};

use super::icons::{self, Icon};
use super::{button, theme};
use crate::face::{Action, Story, words};

/// Draws it at the top left of the stage; `state` says where the call stands, where nothing else on the stage does. `talks`: the space key is held.
pub(crate) fn draw(ui: &mut Ui, stage: Rect, state: Option<&str>, snapshot: &Snapshot, story: &Story, talks: bool) {
    let area = stage.shrink(12.0);
    ui.scope_builder(UiBuilder::new().max_rect(area), |ui| {
        ui.visuals_mut().override_text_color = Some(theme::ON_STAGE);
        if let Some(state) = state {
            theme::plate().show(ui, |ui| {
                ui.horizontal(|ui| {
                    if let Some(quality) = snapshot.quality.filter(|_| snapshot.phase == Phase::Connected) {
                        mark(ui, quality);
                        ui.label(words::quality(quality));
                    } else {
                        ui.label(state);
                    }
                });
            });
        }
        let is_here = snapshot.phase == Phase::Connected;
        let lines = [
            (is_here && snapshot.peer.microphone_on == Some(false), Icon::MicrophoneOff, words::PEER_MUTED),
            (is_here && snapshot.peer.camera_on == Some(false), Icon::CameraOff, words::PEER_CAMERA_OFF),
            (!snapshot.microphone_on && !talks, Icon::MicrophoneOff, words::YOU_ARE_MUTED),
            (talks, Icon::Microphone, words::TALKING),
        ];
        for (_, icon, text) in lines.into_iter().filter(|(applies, ..)| *applies) {
            line(ui, icon, text);
        }
        for notice in story.notices(Instant::now()) {
            line(ui, Icon::Notice, &words::sentence(notice));
        }
    });
}

/// The question whether a call is taken.
pub(crate) fn ringing(ui: &mut Ui, stage: Rect, room: &str) -> Option<Action> {
    let size = Vec2::new(460.0, 150.0).min(stage.size() - Vec2::splat(16.0)).max(Vec2::splat(40.0));
    let place = Rect::from_center_size(stage.center(), size);
    let mut clicked = None;
    ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
        theme::plate().show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.label(RichText::new(words::phase(Phase::Ringing, room)).size(22.0).color(theme::ON_STAGE));
            });
            ui.horizontal_wrapped(|ui| {
                for (words, fill, action) in [
                    (words::ACCEPT, theme::GO, Action::Accept),
                    (words::ACCEPT_WITHOUT_CAMERA, theme::GO, Action::AcceptWithoutCamera),
                    (words::DECLINE, theme::STOP, Action::Decline),
                ] {
                    if button::plain(ui, words, fill).clicked() {
                        clicked = Some(action);
                    }
                }
            });
        });
    });
    clicked
}

/// One, two or three full bars of three.
fn mark(ui: &mut Ui, quality: ConnectionQuality) {
    let full = match quality {
        ConnectionQuality::Poor => 1,
        ConnectionQuality::Fair => 2,
        ConnectionQuality::Good => 3,
    };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(18.0, 14.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words::quality(quality)));
    icons::bars(ui.painter(), rect, full, 3, theme::ON_STAGE);
}

fn line(ui: &mut Ui, icon: Icon, text: &str) {
    theme::plate().show(ui, |ui| {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
            icon.draw(ui.painter(), rect, theme::ON_STAGE);
            ui.label(text);
        });
    });
}
