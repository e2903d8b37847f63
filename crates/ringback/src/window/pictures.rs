//! The pictures of a call on their stage: which is large, where the small one lies, and moving it by hand.
//! A picture that does not come is replaced by the words for why.

use call_engine::{Phase, Snapshot};
use eframe::egui;
use egui::{
    Align2, CursorIcon, EventFilter, FontId, Key, Modifiers, Pos2, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo,
};

use super::picture::View;
use super::stage::{Corner, Shown, Way, places};
use super::theme;
use crate::face::words;

/// Both pictures, and the third one once there is screen sharing.
pub(crate) struct Pictures {
    peer: View,
    own: View,
    screen: Option<View>,
    corner: Corner,
    swapped: bool,
    /// How far the small picture is from its place while it is dragged.
    dragged: egui::Vec2,
}

impl Pictures {
    /// Shows what comes into these slots.
    pub(crate) fn new(remote: call_engine::Pictures, local: call_engine::Pictures) -> Self {
        Self {
            peer: View::new("remote", remote),
            own: View::new("local", local),
            screen: None,
            corner: Corner::default(),
            swapped: false,
            dragged: egui::Vec2::ZERO,
        }
    }

    /// Lets the large and the small picture change places.
    pub(crate) fn swap(&mut self) {
        self.swapped = !self.swapped;
    }

    /// Whether our own picture is the large one.
    pub(crate) fn is_swapped(&self) -> bool {
        self.swapped
    }

    /// Draws them all.
    pub(crate) fn draw(&mut self, ui: &mut Ui, stage: Rect, snapshot: &Snapshot) {
        self.peer.refresh(ui.ctx());
        self.own.refresh(ui.ctx());
        let placed = places(stage, self.screen.is_some(), self.corner, self.swapped);
        let last = placed.len() - 1;
        for (index, (shown, place)) in placed.into_iter().enumerate() {
            if index == 0 {
                self.picture(ui, shown, place, snapshot, false);
            } else {
                let place = if index == last { self.movable(ui, stage, place) } else { place };
                self.picture(ui, shown, place, snapshot, true);
            }
        }
    }

    fn picture(&self, ui: &Ui, shown: Shown, place: Rect, snapshot: &Snapshot, small: bool) {
        let painter = ui.painter().with_clip_rect(place);
        let (view, mirrored) = match shown {
            Shown::Peer => (Some(&self.peer), false),
            Shown::Own => (Some(&self.own), true),
            Shown::Screen => (self.screen.as_ref(), false),
        };
        if small {
            painter.rect_filled(place, 4.0, theme::STAGE);
        }
        let hidden = missing(shown, snapshot);
        let is_drawn = hidden.is_none() && view.is_some_and(|view| view.draw(&painter, place, mirrored));
        let text = match snapshot.phase {
            _ if hidden.is_some() => hidden.unwrap_or_default().to_owned(),
            Phase::Connected => words::NO_PICTURE.to_owned(),
            Phase::Negotiating | Phase::Reconnecting | Phase::Ending if !small => {
                words::sentence(words::short_phase(snapshot.phase))
            }
            _ => String::new(),
        };
        announce(ui, shown, place, if is_drawn { "" } else { &text });
        let is_framed = small && (is_drawn || !text.is_empty());
        if !is_drawn {
            let size = if small { 12.0 } else { 20.0 };
            let galley = painter.layout(text, FontId::proportional(size), theme::DIM_ON_STAGE, place.width() - 8.0);
            let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), place);
            painter.galley(at.min, galley, theme::DIM_ON_STAGE);
        }
        if is_framed {
            painter.rect_stroke(place, 4.0, egui::Stroke::new(1.0, theme::DIM_ON_STAGE), StrokeKind::Inside);
        }
    }

    /// The small picture follows the pointer, and falls into the corner where it is let go; with the keyboard's attention, the arrow
    /// keys move it from corner to corner.
    fn movable(&mut self, ui: &Ui, stage: Rect, place: Rect) -> Rect {
        let response = ui.interact(place, ui.scope_id().with("small picture"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words::small_picture(name(self.corner))));
        if response.has_focus() {
            // The arrows are for the picture then, and not for going on to another control.
            let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
            for way in ways(ui) {
                self.corner = self.corner.towards(way);
            }
            let dark = ui.visuals().dark_mode;
            ui.painter().rect_stroke(place, 4.0, theme::focus(dark), StrokeKind::Outside);
        }
        if response.clicked() {
            self.swap();
        }
        if response.dragged() {
            self.dragged += response.drag_delta();
        }
        let moved = place.translate(self.dragged);
        if response.drag_stopped() {
            let middle: Pos2 = moved.center();
            self.corner = Corner::nearest(stage, middle);
            self.dragged = egui::Vec2::ZERO;
        }
        response.on_hover_cursor(CursorIcon::Grab).on_hover_text(words::SMALL_PICTURE);
        moved
    }
}

/// The arrow keys that were pressed.
fn ways(ui: &Ui) -> Vec<Way> {
    let keys = [
        (Key::ArrowUp, Way::Up),
        (Key::ArrowDown, Way::Down),
        (Key::ArrowLeft, Way::Left),
        (Key::ArrowRight, Way::Right),
    ];
    ui.input_mut(|input| {
        keys.into_iter().filter(|(key, _)| input.consume_key(Modifiers::NONE, *key)).map(|(_, way)| way).collect()
    })
}

fn name(corner: Corner) -> &'static str {
    match corner {
        Corner::TopLeft => words::TOP_LEFT,
        Corner::TopRight => words::TOP_RIGHT,
        Corner::BottomLeft => words::BOTTOM_LEFT,
        Corner::BottomRight => words::BOTTOM_RIGHT,
    }
}

/// Says to whoever cannot see it which picture there is, or what is written in its place.
fn announce(ui: &Ui, shown: Shown, place: Rect, instead: &str) {
    let (salt, picture) = match shown {
        Shown::Peer => ("peer's picture", words::PEER_PICTURE),
        Shown::Own => ("own picture", words::OWN_PICTURE),
        Shown::Screen => ("shared screen", words::SCREEN_PICTURE),
    };
    let text = if instead.is_empty() { picture.to_owned() } else { words::instead(picture, instead) };
    let response = ui.interact(place, ui.scope_id().with(salt), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
}

/// Why a picture that might be there is not shown.
fn missing(shown: Shown, snapshot: &Snapshot) -> Option<&'static str> {
    match shown {
        Shown::Peer if snapshot.peer.camera_on == Some(false) => Some(words::PEER_CAMERA_OFF),
        Shown::Own if !snapshot.camera_on => Some(words::OWN_CAMERA_OFF),
        _ => None,
    }
}
