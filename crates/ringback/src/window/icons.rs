//! The window's signs, drawn with lines: no font has to have them.
//! Each is one stroke wide and fits into a square; a crossed one says that something is off.

use eframe::egui;
use egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2};

/// A sign on a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Microphone,
    MicrophoneOff,
    Camera,
    CameraOff,
    Chat,
    Devices,
    Figures,
    FullScreen,
    Help,
    HangUp,
    Notice,
}

impl Icon {
    /// Draws it around the middle of `area`, as large as the smaller side.
    pub(crate) fn draw(self, painter: &Painter, area: Rect, color: Color32) {
        let side = area.width().min(area.height());
        let stroke = Stroke::new((side / 11.0).max(1.5), color);
        // In a square from -1 to 1, downwards.
        let at = |x: f32, y: f32| area.center() + Vec2::new(x, y) * (side / 2.0);
        let line = |points: &[(f32, f32)]| {
            painter.line(points.iter().map(|&(x, y)| at(x, y)).collect(), stroke);
        };
        let outline = |left: f32, top: f32, right: f32, bottom: f32, round: f32| {
            let place = Rect::from_min_max(at(left, top), at(right, bottom));
            painter.rect_stroke(place, round * side / 2.0, stroke, StrokeKind::Middle);
        };
        match self {
            Self::Microphone | Self::MicrophoneOff => {
                outline(-0.26, -0.85, 0.26, 0.2, 0.26);
                line(&arc((0.0, 0.0), 0.56, 0.0, 0.5));
                line(&[(0.0, 0.56), (0.0, 0.85)]);
                line(&[(-0.3, 0.85), (0.3, 0.85)]);
            }
            Self::Camera | Self::CameraOff => {
                outline(-0.9, -0.5, 0.3, 0.5, 0.16);
                line(&[(0.3, -0.12), (0.88, -0.45), (0.88, 0.45), (0.3, 0.12)]);
            }
            Self::Chat => {
                outline(-0.85, -0.7, 0.85, 0.4, 0.2);
                line(&[(-0.4, 0.4), (-0.4, 0.8), (0.05, 0.4)]);
                line(&[(-0.45, -0.3), (0.45, -0.3)]);
                line(&[(-0.45, 0.02), (0.2, 0.02)]);
            }
            Self::Devices => {
                for (row, knob) in [(-0.55, -0.3), (0.0, 0.35), (0.55, -0.05)] {
                    line(&[(-0.85, row), (knob - 0.18, row)]);
                    line(&[(knob + 0.18, row), (0.85, row)]);
                    painter.circle_stroke(at(knob, row), 0.18 * side / 2.0, stroke);
                }
            }
            Self::Figures => {
                line(&[(-0.85, -0.8), (-0.85, 0.8), (0.85, 0.8)]);
                line(&[(-0.6, 0.45), (-0.2, -0.1), (0.2, 0.2), (0.75, -0.55)]);
            }
            Self::FullScreen => {
                for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
                    line(&[(0.3 * x, 0.75 * y), (0.75 * x, 0.75 * y), (0.75 * x, 0.3 * y)]);
                }
            }
            Self::Help => {
                line(&arc((0.0, -0.35), 0.4, -0.5, 0.18));
                line(&[(0.22, -0.02), (0.0, 0.2), (0.0, 0.4)]);
                painter.circle_filled(at(0.0, 0.75), stroke.width * 0.8, color);
            }
            Self::HangUp => {
                line(&arc((0.0, 0.75), 1.1, -0.39, -0.11));
                line(&[(-0.7, -0.05), (-0.85, 0.4), (-0.4, 0.4), (-0.35, -0.22)]);
                line(&[(0.7, -0.05), (0.85, 0.4), (0.4, 0.4), (0.35, -0.22)]);
            }
            Self::Notice => {
                painter.circle_stroke(area.center(), 0.9 * side / 2.0, stroke);
                line(&[(0.0, -0.1), (0.0, 0.5)]);
                painter.circle_filled(at(0.0, -0.45), stroke.width * 0.7, color);
            }
        }
        if matches!(self, Self::MicrophoneOff | Self::CameraOff) {
            line(&[(-0.85, -0.85), (0.85, 0.85)]);
        }
    }
}

/// Part of a circle; angles in turns, clockwise from the right.
fn arc(center: (f32, f32), radius: f32, from: f32, to: f32) -> Vec<(f32, f32)> {
    const STEPS: u8 = 16;
    (0..=STEPS)
        .map(|step| {
            let turns = from + (to - from) * f32::from(step) / f32::from(STEPS);
            let (sine, cosine) = (turns * std::f32::consts::TAU).sin_cos();
            (center.0 + radius * cosine, center.1 + radius * sine)
        })
        .collect()
}

/// Bars of rising height, as many of them full as `of` says: the shape tells the quality without its colour.
pub(crate) fn bars(painter: &Painter, area: Rect, full: usize, of: usize, color: Color32) {
    let width = area.width() / (of as f32 * 1.5);
    for bar in 0..of {
        let height = area.height() * (bar + 1) as f32 / of as f32;
        let left = area.left() + 1.5 * width * bar as f32;
        let place = Rect::from_min_max(Pos2::new(left, area.bottom() - height), Pos2::new(left + width, area.bottom()));
        if bar < full {
            painter.rect_filled(place, 1.0, color);
        } else {
            painter.rect_stroke(place, 1.0, Stroke::new(1.0, color), StrokeKind::Inside);
        }
    }
}
