//! How loud something is, as people hear it: a bar in decibels whose length, not colour, says so.
//! Full scale is the right end, 60 dB below it is the left one.

use eframe::egui;
use egui::{Color32, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// What is softer than this is not shown, in decibels below full scale.
const FLOOR: f32 = 60.0;

/// A bar as wide as there is room; `peak` is from 0 to 1.
pub(crate) fn bar(ui: &mut Ui, name: &str, peak: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width().max(40.0), 12.0), Sense::hover());
    let share = share(peak);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Meter, true, name);
        info.value = Some(f64::from((share * 100.0).round()));
        info
    });
    let color = ui.visuals().text_color();
    let mut full = rect.shrink(2.0);
    full.set_width(full.width() * share);
    ui.painter().rect_stroke(rect, 3.0, Stroke::new(1.0, color), StrokeKind::Inside);
    ui.painter().rect_filled(full, 2.0, color);
    response.on_hover_text(name)
}

/// A thin bar along the lower edge of a button.
pub(crate) fn edge(painter: &Painter, button: Rect, peak: f32, color: Color32) {
    let inner = button.shrink(5.0);
    let right = inner.left() + inner.width() * share(peak);
    let bar = Rect::from_min_max(Pos2::new(inner.left(), inner.bottom() - 3.0), Pos2::new(right, inner.bottom()));
    painter.rect_filled(bar, 1.0, color);
}

/// From 0 at the floor to 1 at full scale.
fn share(peak: f32) -> f32 {
    let below = -20.0 * peak.max(1e-6).log10();
    (1.0 - below / FLOOR).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_is_shown_in_decibels() {
        for (peak, expected) in [(0.0, 0.0), (0.001, 0.0), (0.031_622_78, 0.5), (1.0, 1.0), (2.0, 1.0)] {
            assert!((share(peak) - expected).abs() < 1e-3, "{peak}: {}", share(peak));
        }
    }
}
