//! The statistics above the picture: what is sent, received, lost and how late it is, with curves over the last minute.
//! What was not measured says so.

use std::time::{Duration, Instant};

use call_engine::Snapshot;
use eframe::egui;
use egui::{Align2, FontId, Grid, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use super::theme;
use crate::face::{Curves, Point, words};

/// The time that a curve is wide.
const SPAN: Duration = Duration::from_secs(60);

const CURVE_HEIGHT: f32 = 44.0;

/// Two measurements further apart than this are not joined by a line.
const GAP: Duration = Duration::from_secs(3);

/// One curve: its name, its unit, how its points are read, and the least that its full height stands for.
type Curve = (&'static str, &'static str, fn(&Point) -> Option<f64>, f64);

const CURVES: [Curve; 4] = [
    (words::SENT, "kbit/s", |point| point.sent_kbps, 100.0),
    (words::RECEIVED, "kbit/s", |point| point.received_kbps, 100.0),
    (words::LOSS, "%", |point| point.loss.map(|loss| loss * 100.0), 2.0),
    (words::ROUND_TRIP, "ms", |point| point.rtt.map(|rtt| rtt.as_secs_f64() * 1e3), 20.0),
];

/// Draws table and curves; `now` is the right end of the curves.
pub(crate) fn draw(ui: &mut Ui, snapshot: &Snapshot, curves: &Curves, now: Instant) {
    ui.visuals_mut().override_text_color = Some(theme::ON_STAGE);
    ui.label(egui::RichText::new(words::FIGURES).strong());
    Grid::new("figures").num_columns(2).min_row_height(17.0).spacing([16.0, 2.0]).show(ui, |ui| {
        for (name, value) in rows(snapshot, curves.points().next_back()) {
            ui.label(name);
            ui.label(value.unwrap_or_else(|| words::NOT_MEASURED.to_owned()));
            ui.end_row();
        }
    });
    ui.label(words::LAST_MINUTE);
    for curve in CURVES {
        plot(ui, curve, curves, now);
    }
}

fn rows(snapshot: &Snapshot, latest: Option<&Point>) -> [(&'static str, Option<String>); 9] {
    let figures = &snapshot.figures;
    let milliseconds = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    let rate = |kbps: f64| format!("{kbps:.0} kbit/s");
    let picture = |size: Option<call_engine::Size>, fps: Option<f64>| {
        size.map(|size| fps.map_or(size.to_string(), |fps| format!("{size}, {fps:.0}/s")))
    };
    let path = &figures.path;
    let ends = path.local_type.as_ref().zip(path.remote_type.as_ref());
    [
        (words::SENT, latest.and_then(|point| point.sent_kbps).map(rate)),
        (words::RECEIVED, latest.and_then(|point| point.received_kbps).map(rate)),
        (words::PICTURE_SENT, picture(figures.video_sent.size, figures.video_sent.fps)),
        (words::PICTURE_RECEIVED, picture(figures.video_received.size, figures.video_received.fps)),
        (words::LOSS, latest.and_then(|point| point.loss).map(|loss| format!("{:.1} %", loss * 100.0))),
        (words::ROUND_TRIP, path.rtt.map(milliseconds)),
        (words::LATENCY, latest.and_then(|point| point.latency).map(milliseconds)),
        (
            words::PATH,
            ends.map(|(local, remote)| {
                format!("{local} \u{2013} {remote} {}", path.protocol.as_deref().unwrap_or_default()).trim().to_owned()
            }),
        ),
        (words::ENCRYPTION, figures.encryption.clone()),
    ]
}

/// One curve with its name and its highest value in words.
fn plot(ui: &mut Ui, (name, unit, read, least): Curve, curves: &Curves, now: Instant) {
    let (area, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width().max(120.0), CURVE_HEIGHT), Sense::hover());
    let most = curves.points().filter_map(read).fold(least, f64::max);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}, {unit}, {}", words::LAST_MINUTE)));
    let painter = ui.painter();
    painter.line_segment([area.left_bottom(), area.right_bottom()], Stroke::new(1.0, theme::DIM_ON_STAGE));
    for stretch in stretches(curves, read, area, most, now) {
        painter.line(stretch, Stroke::new(1.5, theme::ON_STAGE));
    }
    let text = format!("{name}, up to {most:.0} {unit}");
    painter.text(area.left_top(), Align2::LEFT_TOP, text, FontId::proportional(11.0), theme::DIM_ON_STAGE);
}

/// The lines of a curve; where nothing was measured, it is interrupted.
fn stretches(curves: &Curves, read: fn(&Point) -> Option<f64>, area: Rect, most: f64, now: Instant) -> Vec<Vec<Pos2>> {
    let mut stretches: Vec<Vec<Pos2>> = Vec::new();
    let mut before: Option<Instant> = None;
    for point in curves.points() {
        let age = now.saturating_duration_since(point.at);
        let Some(value) = read(point).filter(|_| age <= SPAN) else {
            before = None;
            continue;
        };
        let x = area.right() - area.width() * (age.as_secs_f32() / SPAN.as_secs_f32());
        let y = area.bottom() - area.height() * (value / most) as f32;
        match (before, stretches.last_mut()) {
            (Some(before), Some(stretch)) if point.at.saturating_duration_since(before) < GAP => {
                stretch.push(Pos2::new(x, y));
            }
            _ => stretches.push(vec![Pos2::new(x, y)]),
        }
        before = Some(point.at);
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::fixture;

    #[test]
    fn a_curve_ends_at_the_right_and_is_interrupted_by_silence() {
        let (curves, start) = fixture::curves(&[0, 1, 2, 20, 21]);
        let area = Rect::from_min_size(Pos2::ZERO, Vec2::new(600.0, 100.0));
        let now = start + Duration::from_secs(21);
        let drawn = stretches(&curves, |point| point.rtt.map(|rtt| rtt.as_secs_f64()), area, 1.0, now);
        // The first measurement gives no rate: two points before the gap, one of them, and two behind it.
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        let last = drawn.last().and_then(|stretch| stretch.last()).expect("points");
        assert!((last.x - 600.0).abs() < 0.1 && last.y > 0.0 && last.y < 100.0, "{last:?}");
    }

    #[test]
    fn what_was_not_measured_is_not_made_up() {
        let values = rows(&Snapshot::default(), None);
        assert!(values.iter().all(|(_, value)| value.is_none()), "{values:?}");
    }
}
