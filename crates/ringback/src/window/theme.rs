//! The look of the window: colours of both themes, sizes, and nothing that moves by itself.
//! The system's choice of light or dark is followed; meaning never lies in a colour alone.

use eframe::egui;
use egui::{Color32, Context, CornerRadius, Stroke, Theme, Vec2};

/// Behind pictures, in both themes: a picture is seen best on black.
pub(crate) const STAGE: Color32 = Color32::from_rgb(16, 18, 22);
/// On the stage, and on the buttons that have a colour of their own.
pub(crate) const ON_STAGE: Color32 = Color32::from_rgb(232, 234, 238);
/// Less important, on the stage.
pub(crate) const DIM_ON_STAGE: Color32 = Color32::from_rgb(170, 175, 184);
/// Something of ours is off.
pub(crate) const OFF: Color32 = Color32::from_rgb(158, 88, 12);
/// Takes a call, and begins one.
pub(crate) const GO: Color32 = Color32::from_rgb(28, 116, 60);
/// Ends a call.
pub(crate) const STOP: Color32 = Color32::from_rgb(186, 40, 40);

/// How much larger than normal the person may make everything (the screen's own scale comes on top).
pub(crate) const MAX_ZOOM: f32 = 3.0;

/// The ring around what has the keyboard's attention.
pub(crate) fn focus(dark: bool) -> Stroke {
    Stroke::new(2.5, if dark { Color32::from_rgb(110, 170, 255) } else { Color32::from_rgb(0, 84, 200) })
}

/// A plate for words above a picture.
pub(crate) fn plate() -> egui::Frame {
    egui::Frame::new()
        .fill(Color32::from_black_alpha(190))
        .corner_radius(6)
        .inner_margin(egui::Margin::symmetric(10, 6))
}

/// Sets both themes up.
pub(crate) fn apply(context: &Context) {
    for theme in [Theme::Dark, Theme::Light] {
        context.style_mut_of(theme, |style| {
            let dark = theme == Theme::Dark;
            // Some people are made sick by things that slide and fade; nobody needs them here.
            style.animation_time = 0.0;
            style.visuals.text_cursor.blink = false;
            style.spacing.item_spacing = Vec2::new(8.0, 8.0);
            style.spacing.button_padding = Vec2::new(10.0, 6.0);
            style.spacing.interact_size.y = 28.0;
            let widgets = &mut style.visuals.widgets;
            for widget in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active, &mut widgets.open] {
                widget.corner_radius = CornerRadius::same(6);
            }
            // Quiet, yet with an edge that can be told from what is behind it.
            let edge = if dark { Color32::from_gray(110) } else { Color32::from_gray(130) };
            widgets.inactive.bg_stroke = Stroke::new(1.0, edge);
            widgets.active.bg_stroke = focus(dark);
            style.visuals.selection.stroke = focus(dark);
            let text = if dark { ON_STAGE } else { Color32::from_rgb(24, 26, 30) };
            widgets.noninteractive.fg_stroke.color = text;
            widgets.inactive.fg_stroke.color = text;
            style.visuals.weak_text_color = Some(if dark { DIM_ON_STAGE } else { Color32::from_rgb(80, 84, 92) });
            if dark {
                style.visuals.panel_fill = Color32::from_rgb(26, 28, 33);
            } else {
                style.visuals.error_fg_color = Color32::from_rgb(170, 20, 20);
            }
            if !dark {
                style.visuals.selection.bg_fill = Color32::from_rgb(190, 216, 250);
                style.visuals.selection.stroke.color = Color32::from_rgb(0, 60, 140);
            }
        });
    }
}
