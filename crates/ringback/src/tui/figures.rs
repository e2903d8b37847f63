//! The figures of a call with the curves of the last minute, as lines of a panel.
//! What was not measured is a dash.

use call_engine::Snapshot;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::view::panel;
use crate::face::{Curves, Point, words};
use crate::terminal::printable;

/// Cells of a curve.
const CURVE: usize = 16;

/// A curve's name, its value in the last measurement, and the values to draw.
type Row = (&'static str, Option<String>, fn(&Point) -> Option<f64>);

/// Draws the panel over `area`.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, curves: &Curves) {
    let lines = lines(snapshot, curves);
    let width = lines.iter().map(|line| Line::raw(line.as_str()).width()).max().unwrap_or(0) + 3;
    let width = u16::try_from(width).unwrap_or(u16::MAX);
    let [left, _] = Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(area);
    let inner = panel(frame, left, words::KEY_FIGURES, width, u16::try_from(lines.len() + 2).unwrap_or(u16::MAX));
    frame.render_widget(Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()), inner);
}

fn lines(snapshot: &Snapshot, curves: &Curves) -> Vec<String> {
    let figures = &snapshot.figures;
    let last = curves.points().next_back();
    let value =
        |read: fn(&Point) -> Option<f64>, unit: &str| last.and_then(read).map(|value| format!("{value:.0} {unit}"));
    let rows: [Row; 6] = [
        (words::FIGURE_SENT, value(|point| point.sent_kbps, "kbit/s"), |point| point.sent_kbps),
        (words::FIGURE_RECEIVED, value(|point| point.received_kbps, "kbit/s"), |point| point.received_kbps),
        (words::FIGURE_LOSS, value(|point| point.loss.map(|loss| loss * 100.0), "%"), |point| point.loss),
        (words::FIGURE_RTT, value(|point| point.rtt.map(|time| time.as_secs_f64() * 1e3), "ms"), |point| {
            point.rtt.map(|time| time.as_secs_f64())
        }),
        (words::FIGURE_LATENCY, value(|point| point.latency.map(|time| time.as_secs_f64() * 1e3), "ms"), |point| {
            point.latency.map(|time| time.as_secs_f64())
        }),
        (words::FIGURE_FPS, value(|point| point.fps, "/s"), |point| point.fps),
    ];
    let mut lines: Vec<String> = rows
        .into_iter()
        .map(|(name, value, read)| {
            format!("{name:<10} {:<12} {}", value.unwrap_or("\u{2013}".to_owned()), curve(curves, read))
        })
        .collect();
    let size = |size: Option<call_engine::Size>| size.map_or("\u{2013}".to_owned(), |size| size.to_string());
    let path = [&figures.path.local_type, &figures.path.protocol, &figures.path.remote_type];
    let path = path.map(|part| printable(part.as_deref().unwrap_or("\u{2013}"))).join(" ");
    lines.push(format!("{:<10} {}", words::FIGURE_SIZE, size(figures.video_received.size)));
    lines.push(format!("{:<10} {path}", words::FIGURE_PATH));
    lines.push(format!("{:<10} {}", words::FIGURE_ENCRYPTION, figures.encryption.as_deref().unwrap_or("\u{2013}")));
    lines
}

/// The last minute as bars of eight heights, the highest at the top; a gap where nothing was measured.
fn curve(curves: &Curves, read: fn(&Point) -> Option<f64>) -> String {
    let values: Vec<_> = curves.points().map(read).collect();
    let newest = &values[values.len().saturating_sub(CURVE * 8)..];
    // Several measurements share a cell where there are more than cells: the highest stands for them.
    let share = newest.len().div_ceil(CURVE).max(1);
    let highest = |values: &[Option<f64>]| values.iter().flatten().copied().reduce(f64::max);
    let most = highest(newest).unwrap_or(0.0);
    newest.chunks(share).map(|values| highest(values).map_or(' ', |value| height(value, most))).collect()
}

fn height(value: f64, most: f64) -> char {
    const HEIGHTS: [char; 8] =
        ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];
    let step = if most > 0.0 { (value / most * 7.0).round().clamp(0.0, 7.0) } else { 0.0 };
    HEIGHTS[step as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::Phase;
    use std::time::{Duration, Instant};

    #[test]
    fn the_last_minute_is_a_curve_and_the_last_measurement_a_number() {
        let (mut curves, start) = (Curves::default(), Instant::now());
        let mut snapshot = Snapshot { phase: Phase::Connected, ..Snapshot::default() };
        for second in 0..=8_u64 {
            snapshot.measured_at = start + Duration::from_secs(second);
            snapshot.figures.video_sent.bytes = Some(second * second * 1000);
            curves.measured(&snapshot);
        }
        let lines = lines(&snapshot, &curves);
        assert_eq!(
            lines[0],
            format!(
                "{:<10} {:<12} {}",
                words::FIGURE_SENT,
                "120 kbit/s",
                "\u{2581}\u{2582}\u{2583}\u{2584}\u{2585}\u{2586}\u{2587}\u{2588}"
            )
        );
        assert!(lines[2].contains('\u{2013}'), "{}", lines[2]);
    }

    #[test]
    fn a_curve_of_nothing_and_one_of_zeros_are_flat() {
        assert_eq!(curve(&Curves::default(), |point| point.fps), "");
        assert_eq!(height(0.0, 0.0), '\u{2581}');
        assert_eq!(height(f64::NAN, 1.0), '\u{2581}');
    }
}
