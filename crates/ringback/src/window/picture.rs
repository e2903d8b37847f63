//! One moving picture in the window, as large as fits and undistorted.
//! The graphics card makes its colours; where it cannot, the processor does, and it looks the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use call_engine::{Picture, Pictures, Size};
use eframe::{egui, egui_glow};
use egui::{Color32, Pos2, Rect, Vec2};

use super::planes::Planes;
use super::shader::Gpu;

/// `processor` keeps the work from a graphics card whose driver draws it wrong.
const CHOICE: &str = "RINGBACK_PICTURES";

/// Lets the pictures of this window be drawn by the graphics card; without this call the processor does it.
pub(crate) fn use_graphics_card(creation: &eframe::CreationContext<'_>) {
    if std::env::var_os(CHOICE).is_some_and(|choice| choice == "processor") {
        return;
    }
    let Some(gl) = &creation.gl else { return };
    match Gpu::new(gl) {
        Ok(gpu) => {
            creation.egui_ctx.data_mut(|data| data.insert_temp(KEY, Arc::new(gpu)));
        }
        Err(error) => tracing::debug!(%error, "the processor makes the colours of pictures"),
    }
}

/// Where the context keeps what the pictures share; the type is key enough.
const KEY: egui::Id = egui::Id::NULL;

/// One picture on the screen.
pub(crate) struct View {
    name: &'static str,
    pictures: Pictures,
    size: Option<Size>,
    taken_at: Option<Instant>,
    surface: Option<Surface>,
    rgba: Vec<u8>,
}

/// Where a picture lies to be drawn.
enum Surface {
    Card(Arc<Mutex<Planes>>),
    Texture(egui::TextureHandle),
}

impl View {
    /// Shows what comes through `pictures`.
    pub(crate) fn new(name: &'static str, pictures: Pictures) -> Self {
        Self { name, pictures, size: None, taken_at: None, surface: None, rgba: Vec::new() }
    }

    /// Takes the newest picture, if there is one.
    pub(crate) fn refresh(&mut self, context: &egui::Context) {
        let Some(picture) = self.pictures.take() else { return };
        self.size = Some(picture.size());
        let now = Instant::now();
        if let Some(before) = self.taken_at.replace(now) {
            // What a person sees of a call's smoothness; `cargo xtask window` reads it.
            tracing::trace!(picture = self.name, after_us = now.duration_since(before).as_micros(), "drawn");
        }
        match (context.data(|data| data.get_temp::<Arc<Gpu>>(KEY)), &self.surface) {
            (Some(gpu), None) => self.surface = Some(Surface::Card(Arc::new(Mutex::new(Planes::new(gpu))))),
            (None, Some(Surface::Card(_))) => self.surface = None,
            _ => {}
        }
        match &mut self.surface {
            Some(Surface::Card(planes)) => planes.lock().unwrap_or_else(PoisonError::into_inner).take(picture),
            Some(Surface::Texture(texture)) => {
                texture.set(image(&picture, &mut self.rgba), egui::TextureOptions::LINEAR);
            }
            None => {
                let image = image(&picture, &mut self.rgba);
                let texture = context.load_texture(self.name, image, egui::TextureOptions::LINEAR);
                self.surface = Some(Surface::Texture(texture));
            }
        }
    }

    /// Width and height of the picture in its own pixels; `None` when there is none yet.
    pub(crate) fn size(&self) -> Option<Vec2> {
        self.size.map(|size| Vec2::new(size.width as f32, size.height as f32))
    }

    /// Draws the picture as large as fits into `area`; false when there is none yet.
    pub(crate) fn draw(&self, painter: &egui::Painter, area: Rect, mirrored: bool) -> bool {
        let (Some(size), Some(surface)) = (self.size(), &self.surface) else { return false };
        let place = fitted(size, area, painter.pixels_per_point());
        match surface {
            Surface::Card(planes) => {
                let (planes, context) = (planes.clone(), painter.ctx().clone());
                let paint = move |info: egui::PaintCallbackInfo, painter: &egui_glow::Painter| {
                    let viewport = info.viewport_in_pixels();
                    let viewport = [viewport.width_px, viewport.height_px];
                    let mut planes = planes.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Err(error) = planes.draw(painter.gl(), viewport, mirrored) {
                        tracing::debug!(%error, "from now on the processor makes the colours of pictures");
                        context.data_mut(|data| data.remove::<Arc<Gpu>>(KEY));
                    }
                };
                let callback = Arc::new(egui_glow::CallbackFn::new(paint));
                painter.add(egui::PaintCallback { rect: place, callback });
            }
            Surface::Texture(texture) => {
                let (left, right) = if mirrored { (1.0, 0.0) } else { (0.0, 1.0) };
                let part = Rect { min: Pos2::new(left, 0.0), max: Pos2::new(right, 1.0) };
                painter.image(texture.id(), place, part, Color32::WHITE);
            }
        }
        true
    }
}

fn image(picture: &Picture, rgba: &mut Vec<u8>) -> egui::ColorImage {
    call_engine::to_rgba(picture, rgba);
    let size = picture.size();
    egui::ColorImage::from_rgba_premultiplied([size.width as usize, size.height as usize], rgba)
}

/// The largest place of this shape in the middle of `area`, on whole pixels, so that a picture of that very size stays crisp.
fn fitted(size: Vec2, area: Rect, pixels_per_point: f32) -> Rect {
    let scale = (area.width() / size.x).min(area.height() / size.y);
    let pixels = |points: Vec2| (points * pixels_per_point).round() / pixels_per_point;
    let size = pixels(size * scale);
    Rect::from_min_size(area.min + pixels((area.size() - size) / 2.0), size)
}
