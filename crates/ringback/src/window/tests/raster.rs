//! Draws a page into memory, triangle by triangle: no graphics card, driver or screen is needed, and every machine gets the
//! same picture. Blending is in gamma space with premultiplied alpha, as egui's own painters do it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use eframe::egui;
use egui::epaint::{Mesh, Primitive, Vertex};
use egui::{Color32, ColorImage, ImageData, Pos2, Rect, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};

use crate::window::theme;

/// The painter, with the textures that it was given.
#[derive(Default)]
struct Raster {
    textures: HashMap<TextureId, ColorImage>,
}

/// The same painter, for the harness that hands the textures over and for the test that asks for a picture.
#[derive(Clone, Default)]
pub(super) struct Shared(Rc<RefCell<Raster>>);

impl TestRenderer for Shared {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.borrow_mut().take(std::mem::take(delta));
    }
}

impl Shared {
    /// The page as it was drawn last.
    pub(super) fn picture(&self, context: &egui::Context, output: &egui::FullOutput) -> RgbaImage {
        self.0.borrow().draw(context, output)
    }
}

impl Raster {
    fn take(&mut self, mut delta: TexturesDelta) {
        for (id, part) in delta.set.iter().flat_map(|(id, parts)| parts.iter().map(move |part| (id, part))) {
            let ImageData::Color(image) = &part.image;
            match (part.pos, self.textures.get_mut(id)) {
                (Some([left, top]), Some(whole)) => {
                    for row in 0..image.height() {
                        for column in 0..image.width() {
                            whole[(left + column, top + row)] = image[(column, row)];
                        }
                    }
                }
                _ => {
                    self.textures.insert(*id, image.as_ref().clone());
                }
            }
        }
        for id in &delta.free {
            self.textures.remove(id);
        }
        delta.clear();
    }

    fn draw(&self, context: &egui::Context, output: &egui::FullOutput) -> RgbaImage {
        let scale = output.pixels_per_point;
        let size = context.content_rect().size() * scale;
        let mut target =
            RgbaImage::from_pixel(size.x.round() as u32, size.y.round() as u32, Rgba(theme::STAGE.to_array()));
        for clipped in context.tessellate(output.shapes.clone(), scale) {
            // Pictures that a shader draws are not seen here.
            let Primitive::Mesh(mesh) = clipped.primitive else { continue };
            let texture = &self.textures[&mesh.texture_id];
            fill(&mut target, &mesh, texture, clipped.clip_rect, scale);
        }
        target
    }
}

fn fill(target: &mut RgbaImage, mesh: &Mesh, texture: &ColorImage, clip: Rect, scale: f32) {
    let bound = |value: f32, most: u32| (value * scale).round().clamp(0.0, most as f32) as u32;
    let (width, height) = target.dimensions();
    let clip = [
        bound(clip.left(), width),
        bound(clip.top(), height),
        bound(clip.right(), width),
        bound(clip.bottom(), height),
    ];
    for corners in mesh.indices.chunks_exact(3) {
        let corner = |index: usize| mesh.vertices[corners[index] as usize];
        triangle(target, [corner(0), corner(1), corner(2)], texture, clip, scale);
    }
}

/// Pixels whose middle lies inside; one on an edge belongs to one of the two triangles there.
fn triangle(target: &mut RgbaImage, mut corners: [Vertex; 3], texture: &ColorImage, clip: [u32; 4], scale: f32) {
    let at = |vertex: &Vertex| vertex.pos * scale;
    let turn = |a: Pos2, b: Pos2, c: Pos2| (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    let mut area = turn(at(&corners[0]), at(&corners[1]), at(&corners[2]));
    if area < 0.0 {
        corners.swap(1, 2);
        area = -area;
    }
    if area == 0.0 {
        return;
    }
    let points = [at(&corners[0]), at(&corners[1]), at(&corners[2])];
    let least = |of: fn(&Pos2) -> f32| points.iter().map(of).fold(f32::INFINITY, f32::min).floor().max(0.0) as u32;
    let most = |of: fn(&Pos2) -> f32| points.iter().map(of).fold(0.0, f32::max).ceil().max(0.0) as u32;
    for y in least(|point| point.y).max(clip[1])..most(|point| point.y).min(clip[3]) {
        for x in least(|point| point.x).max(clip[0])..most(|point| point.x).min(clip[2]) {
            let middle = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
            let edge = |from: usize, to: usize| {
                let (a, b) = (points[from], points[to]);
                let weight = turn(a, b, middle);
                let is_first = (a.y == b.y && b.x > a.x) || b.y < a.y;
                (weight > 0.0 || (weight == 0.0 && is_first)).then_some(weight / area)
            };
            let (Some(w0), Some(w1), Some(w2)) = (edge(1, 2), edge(2, 0), edge(0, 1)) else { continue };
            let mix = |of: &dyn Fn(&Vertex) -> f32| w0 * of(&corners[0]) + w1 * of(&corners[1]) + w2 * of(&corners[2]);
            let texel = sample(texture, mix(&|vertex| vertex.uv.x), mix(&|vertex| vertex.uv.y));
            let pixel = target.get_pixel_mut(x, y);
            let alpha = texel[3] * mix(&|vertex| f32::from(vertex.color.to_array()[3])) / 255.0;
            for (channel, texel) in texel.into_iter().enumerate().take(3) {
                let color = texel * mix(&|vertex| f32::from(vertex.color.to_array()[channel]));
                let under = f32::from(pixel.0[channel]);
                pixel.0[channel] = (color + under * (1.0 - alpha)).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// The texture's colour there, 0 to 1, mixed from the four texels around.
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let texel = |x: f32, y: f32| -> Color32 {
        texture[(x.clamp(0.0, width as f32 - 1.0) as usize, y.clamp(0.0, height as f32 - 1.0) as usize)]
    };
    let (left, top) = (x.floor(), y.floor());
    let (right_share, lower_share) = (x - left, y - top);
    let mut mixed = [0.0; 4];
    for (dx, dy, share) in [
        (0.0, 0.0, (1.0 - right_share) * (1.0 - lower_share)),
        (1.0, 0.0, right_share * (1.0 - lower_share)),
        (0.0, 1.0, (1.0 - right_share) * lower_share),
        (1.0, 1.0, right_share * lower_share),
    ] {
        for (sum, part) in mixed.iter_mut().zip(texel(left + dx, top + dy).to_array()) {
            *sum += share * f32::from(part) / 255.0;
        }
    }
    mixed
}
