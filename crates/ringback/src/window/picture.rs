//! One moving picture of the window: the newest one of a slot, drawn as large as fits and never out of shape.
//! It keeps the last picture on the screen until the next one comes.

use call_engine::{Picture, Pictures};
use eframe::egui;
use egui::{Color32, Pos2, Rect};

/// A picture on the screen.
pub(crate) struct View {
    name: &'static str,
    pictures: Pictures,
    texture: Option<egui::TextureHandle>,
    rgba: Vec<u8>,
}

impl View {
    /// Shows what comes into this slot; `name` tells textures apart.
    pub(crate) fn new(name: &'static str, pictures: Pictures) -> Self {
        Self { name, pictures, texture: None, rgba: Vec::new() }
    }

    /// Uploads the newest picture, if there is one.
    pub(crate) fn refresh(&mut self, context: &egui::Context) {
        let Some(picture) = self.pictures.take() else { return };
        let image = self.image(&picture);
        match &mut self.texture {
            Some(texture) => texture.set(image, egui::TextureOptions::LINEAR),
            none => *none = Some(context.load_texture(self.name, image, egui::TextureOptions::LINEAR)),
        }
    }

    /// Draws the picture as large as fits into `area`; false when there is none yet.
    pub(crate) fn draw(&self, painter: &egui::Painter, area: Rect, mirrored: bool) -> bool {
        let Some(texture) = &self.texture else { return false };
        let size = texture.size_vec2();
        let scale = (area.width() / size.x).min(area.height() / size.y);
        let place = Rect::from_center_size(area.center(), size * scale);
        let (left, right) = if mirrored { (1.0, 0.0) } else { (0.0, 1.0) };
        painter.image(
            texture.id(),
            place,
            Rect { min: Pos2::new(left, 0.0), max: Pos2::new(right, 1.0) },
            Color32::WHITE,
        );
        true
    }

    fn image(&mut self, picture: &Picture) -> egui::ColorImage {
        call_engine::to_rgba(picture, &mut self.rgba);
        let size = picture.size();
        egui::ColorImage::from_rgba_premultiplied([size.width as usize, size.height as usize], &self.rgba)
    }
}
