//! How the other one gets into the room: who can reach it, its link, and the link as a code for a telephone.
//! A room by a server of the person's own choice has a link only where that server is one of ours.

use call_engine::{Protocol, RoomId, ServerUrl};
use eframe::egui;
use egui::{Color32, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use crate::face::words;

/// Side of the code, in points.
const CODE: f32 = 148.0;

/// Modules around a code that stay white (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;

/// What there is to say about joining.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// Who can join, a sentence each.
    pub(crate) who: Vec<String>,
    /// The page to open here.
    pub(crate) link: Option<String>,
    /// The page for machines elsewhere on the network, where that is another one.
    pub(crate) network_link: Option<String>,
}

/// What the person wants to be done with the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Open(String),
}

impl Invitation {
    /// For a room at a server: its page, as `ringback serve` has one beside the signaling.
    pub(crate) fn at(server: &ServerUrl, room: &RoomId) -> Self {
        let host = server.url.host_str().map(str::to_owned);
        let link = (server.protocol == Protocol::Ayame && server.url.path() == "/signaling").then(|| {
            let mut page = server.url.clone();
            let scheme = if page.scheme() == "wss" { "https" } else { "http" };
            // An address of signaling without user and password: what stands in the link is seen by others.
            let cleared =
                page.set_scheme(scheme).and_then(|()| page.set_username("")).and_then(|()| page.set_password(None));
            page.set_path("/");
            page.set_query(None);
            page.query_pairs_mut().append_pair("room", room.as_str());
            cleared.ok().map(|()| page.to_string())
        });
        Self {
            who: host.map(|host| words::met_at(&host)).into_iter().collect(),
            link: link.flatten(),
            network_link: None,
        }
    }

    /// Draws it.
    pub(crate) fn draw(&self, ui: &mut Ui) -> Option<Wanted> {
        let mut wanted = None;
        for sentence in &self.who {
            ui.label(sentence);
        }
        let Some(link) = &self.link else { return None };
        let shared = self.network_link.as_ref().unwrap_or(link);
        ui.add(egui::Label::new(egui::RichText::new(shared).monospace().small()).wrap());
        ui.horizontal_wrapped(|ui| {
            if ui.button(words::OPEN_LINK).clicked() {
                wanted = Some(Wanted::Open(link.clone()));
            }
            if ui.button(words::COPY_LINK).clicked() {
                ui.ctx().copy_text(shared.clone());
            }
        });
        code(ui, shared, CODE, words::CODE);
        wanted
    }
}

/// The text as a QR code of this side in points, with this name: dark on white in both themes, as cameras expect it. Nothing where it is too long for one.
pub(super) fn code(ui: &mut Ui, text: &str, side: f32, name: &str) -> Option<Response> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L).ok()?;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    let side = side / (code.width() + 2 * QUIET) as f32;
    let mut modules = egui::Mesh::default();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            let (column, row) = (index % code.width() + QUIET, index / code.width() + QUIET);
            let corner = rect.min + Vec2::new(column as f32, row as f32) * side;
            modules.add_colored_rect(Rect::from_min_size(corner, Vec2::splat(side)), Color32::BLACK);
        }
    }
    ui.painter().rect_filled(rect, 0.0, Color32::WHITE);
    ui.painter().add(modules);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn the_link_of_a_server_of_ours_shows_no_secret() {
        for (server, link) in [
            ("ws://127.0.0.1:7550/signaling", Some("http://127.0.0.1:7550/?room=tea+room")),
            ("wss://example.org/signaling?key=swordfish", Some("https://example.org/?room=tea+room")),
            ("peerjs+wss://example.org/signaling", None),
            ("wss://example.org/other", None),
        ] {
            let server = cli::server_url(server).expect("an address");
            let room = cli::room("tea room").expect("a room");
            assert_eq!(Invitation::at(&server, &room).link.as_deref(), link);
        }
    }
}
