//! The buttons of a call: a drawn sign, a name for screen readers and tool tips, and a ring while it has the keyboard's attention.
//! Whether something is off shows in the sign and the words too, not in the colour alone.

use eframe::egui;
use egui::{Align2, Color32, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, Widget, WidgetInfo};

use super::icons::Icon;
use super::{meter, theme};

/// A button that is about to be drawn.
pub(crate) struct IconButton<'a> {
    icon: Icon,
    name: &'a str,
    key: Option<&'a str>,
    fill: Option<Color32>,
    pressed: Option<bool>,
    level: Option<f32>,
    count: usize,
    size: Vec2,
    caption: bool,
}

impl<'a> IconButton<'a> {
    /// A button of 44 points with this sign, which is called `name`.
    pub(crate) fn new(icon: Icon, name: &'a str) -> Self {
        Self {
            icon,
            name,
            key: None,
            fill: None,
            pressed: None,
            level: None,
            count: 0,
            size: Vec2::splat(44.0),
            caption: false,
        }
    }

    /// The key that does the same.
    pub(crate) fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// A colour of its own.
    pub(crate) fn fill(mut self, fill: Color32) -> Self {
        self.fill = Some(fill);
        self
    }

    /// It shows or hides something, which is shown now or not.
    pub(crate) fn pressed(mut self, pressed: bool) -> Self {
        self.pressed = Some(pressed);
        self
    }

    /// A peak from 0 to 1, shown at its edge.
    pub(crate) fn level(mut self, level: f32) -> Self {
        self.level = Some(level);
        self
    }

    /// A number in its corner, if it is not zero.
    pub(crate) fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Its size in points.
    pub(crate) fn size(mut self, size: Vec2) -> Self {
        self.size = size;
        self
    }

    /// Whether its name is written below the sign.
    pub(crate) fn caption(mut self, caption: bool) -> Self {
        self.caption = caption;
        self
    }
}

impl Widget for IconButton<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let font = FontId::proportional(11.5);
        let caption =
            self.caption.then(|| ui.painter().layout_no_wrap(self.name.to_owned(), font, Color32::PLACEHOLDER));
        let mut size = self.size;
        if let Some(caption) = &caption {
            size.x = size.x.max(caption.size().x + 12.0);
        }
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| match self.pressed {
            Some(pressed) => WidgetInfo::selected(Role::Button, ui.is_enabled(), pressed, self.name),
            None => WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name),
        });
        let visuals = ui.style().interact(&response);
        let is_pressed = self.pressed == Some(true);
        let fill = self.fill.unwrap_or(if is_pressed { ui.visuals().selection.bg_fill } else { visuals.weak_bg_fill });
        let color = if self.fill.is_some() { theme::ON_STAGE } else { visuals.text_color() };
        let painter = ui.painter();
        painter.rect_filled(rect, 8.0, fill);
        if response.has_focus() {
            painter.rect_stroke(rect, 8.0, theme::focus(ui.visuals().dark_mode), StrokeKind::Outside);
        } else if response.hovered() {
            painter.rect_stroke(rect, 8.0, Stroke::new(1.0, color), StrokeKind::Inside);
        }
        let raised = if caption.is_some() { Vec2::new(0.0, -8.0) } else { Vec2::ZERO };
        let sign = Rect::from_center_size(rect.center() + raised, Vec2::splat(self.size.min_elem() * 0.5));
        self.icon.draw(painter, sign, color);
        if let Some(caption) = caption {
            let at = Align2::CENTER_BOTTOM.align_size_within_rect(caption.size(), rect.shrink(7.0));
            painter.galley_with_override_text_color(at.min, caption, color);
        }
        if let Some(level) = self.level {
            meter::edge(painter, rect, level, color);
        }
        if self.count > 0 {
            let at = rect.right_top() + Vec2::new(-9.0, 9.0);
            painter.circle_filled(at, 9.0, theme::STOP);
            let text = if self.count > 99 { "99".to_owned() } else { self.count.to_string() };
            painter.text(at, Align2::CENTER_CENTER, text, FontId::proportional(11.0), theme::ON_STAGE);
        }
        match self.key {
            Some(key) => response.on_hover_text(format!("{} ({key})", self.name)),
            None => response.on_hover_text(self.name),
        }
    }
}

/// A wide button with words, in a colour of its own.
pub(crate) fn plain(ui: &mut Ui, words: &str, fill: Color32) -> Response {
    let text = egui::RichText::new(words).color(theme::ON_STAGE).size(16.0);
    ui.add(egui::Button::new(text).fill(fill).min_size(Vec2::new(0.0, 36.0)))
}
