//! A picture on the graphics card: its planes as textures, brought there when it is drawn.
//! Drawn small it is averaged, not picked from.
//!
//! Blue and red lie in one texture, and a small view gets a picture that was halved before: where the processor plays the
//! card, each look into a texture is what a pixel costs.

use std::sync::Arc;

use call_engine::{Picture, Size, half, halve};
use eframe::glow::{self, HasContext as _};

use super::shader::Gpu;

/// One look between the pixels of a picture averages this many along each side; a hair more is still one look.
const PIXELS_A_LOOK: f32 = 2.1;

/// A 4K picture in a corner of 240 pixels is halved three times.
const MAX_HALVINGS: usize = 6;

/// One picture on its way to the card and there. Its textures are reused as long as the size stays.
pub(crate) struct Planes {
    gpu: Arc<Gpu>,
    picture: Option<Arc<Picture>>,
    /// The picture once halved, twice, and so on; as many as were ever wanted.
    halves: Vec<Picture>,
    /// Both chroma planes of what is brought to the card, sample by sample.
    chroma: Vec<u8>,
    textures: Option<(Size, [glow::Texture; 2])>,
    /// How often what lies in the textures was halved; `None`: the picture is newer than they are.
    halved: Option<usize>,
}

impl Planes {
    /// No picture yet.
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        Self { gpu, picture: None, halves: Vec::new(), chroma: Vec::new(), textures: None, halved: None }
    }

    /// The picture to draw from now on; it is brought to the card when it is drawn.
    pub(crate) fn take(&mut self, picture: Arc<Picture>) {
        self.picture = Some(picture);
        self.halved = None;
    }

    /// Draws the newest picture over the whole viewport of this width and height in pixels; true when there was one.
    ///
    /// # Errors
    /// The driver's words.
    pub(crate) fn draw(&mut self, gl: &glow::Context, viewport: [i32; 2], mirrored: bool) -> Result<bool, String> {
        self.gpu.clean(gl);
        let Some(picture) = self.picture.clone() else { return Ok(false) };
        let halvings = halvings(picture.size(), viewport);
        if self.halved != Some(halvings) {
            self.upload(gl, &picture, halvings)?;
        }
        let Some((size, textures)) = &self.textures else { return Ok(false) };
        let program = &self.gpu.program;
        // SAFETY: every name was made in this context, and the shapes of the calls are OpenGL's.
        unsafe {
            gl.use_program(Some(program.program));
            gl.bind_vertex_array(Some(self.gpu.vertices));
            for (unit, texture) in (glow::TEXTURE0..).zip(textures) {
                gl.active_texture(unit);
                gl.bind_texture(glow::TEXTURE_2D, Some(*texture));
            }
            gl.active_texture(glow::TEXTURE0);
            let filled = |side: u32, chroma: u32| side as f32 / (2 * chroma).max(1) as f32;
            let chroma = size.chroma();
            gl.uniform_2_f32(
                program.filled.as_ref(),
                filled(size.width, chroma.width),
                filled(size.height, chroma.height),
            );
            gl.uniform_1_f32(program.mirrored.as_ref(), f32::from(u8::from(mirrored)));
            // It covers what is below it; to blend would only cost.
            gl.disable(glow::BLEND);
            gl.draw_arrays(glow::TRIANGLE_STRIP, 0, 4);
            gl.enable(glow::BLEND);
        }
        Ok(true)
    }

    fn upload(&mut self, gl: &glow::Context, picture: &Picture, halvings: usize) -> Result<(), String> {
        self.halves.resize_with(self.halves.len().max(halvings), || Picture::black(Size { width: 2, height: 2 }));
        for at in 0..halvings {
            let (before, after) = self.halves.split_at_mut(at);
            halve(before.last().unwrap_or(picture), &mut after[0]);
        }
        let size = (0..halvings).fold(picture.size(), |size, _| half(size));
        let formats = [(size, glow::R8, glow::RED), (size.chroma(), glow::RG8, glow::RG)];
        if self.textures.is_none_or(|(known, _)| known != size) {
            self.let_go();
            self.gpu.clean(gl);
            let mut textures = Vec::new();
            for (size, kept, given) in formats {
                textures.push(texture(gl, size, kept, given)?);
            }
            self.textures = textures.try_into().ok().map(|textures| (size, textures));
        }
        let Some((_, textures)) = &self.textures else { return Ok(()) };
        let picture = halvings.checked_sub(1).map_or(picture, |at| &self.halves[at]);
        let [luma, blue, red] = picture.planes();
        self.chroma.resize(2 * blue.len(), 0);
        for ((pair, &blue), &red) in self.chroma.as_chunks_mut().0.iter_mut().zip(blue).zip(red) {
            *pair = [blue, red];
        }
        for (((size, _, given), texture), samples) in formats.into_iter().zip(textures).zip([luma, &self.chroma]) {
            // SAFETY: the samples are as many as the size and the format say, in rows without padding.
            unsafe {
                gl.pixel_store_i32(glow::UNPACK_ALIGNMENT, 1);
                gl.bind_texture(glow::TEXTURE_2D, Some(*texture));
                gl.tex_sub_image_2d(
                    glow::TEXTURE_2D,
                    0,
                    0,
                    0,
                    size.width as i32,
                    size.height as i32,
                    given,
                    glow::UNSIGNED_BYTE,
                    glow::PixelUnpackData::Slice(Some(samples)),
                );
            }
        }
        self.halved = Some(halvings);
        Ok(())
    }

    fn let_go(&mut self) {
        if let Some((_, textures)) = self.textures.take() {
            self.gpu.let_go(textures);
        }
    }
}

impl Drop for Planes {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// How often a picture is halved until one look a pixel sees all of it.
fn halvings(mut size: Size, viewport: [i32; 2]) -> usize {
    let is_coarse = |source: u32, target: i32| source as f32 > PIXELS_A_LOOK * target.max(1) as f32;
    let mut count = 0;
    while count < MAX_HALVINGS && is_coarse(size.width, viewport[0]) && is_coarse(size.height, viewport[1]) {
        size = half(size);
        count += 1;
    }
    count
}

/// Room for samples of this size: how the card keeps them, and how they are given to it.
fn texture(gl: &glow::Context, size: Size, kept: u32, given: u32) -> Result<glow::Texture, String> {
    // SAFETY: memory is asked for, not read.
    unsafe {
        let texture = gl.create_texture()?;
        gl.bind_texture(glow::TEXTURE_2D, Some(texture));
        for (name, value) in [
            (glow::TEXTURE_MIN_FILTER, glow::LINEAR),
            (glow::TEXTURE_MAG_FILTER, glow::LINEAR),
            (glow::TEXTURE_WRAP_S, glow::CLAMP_TO_EDGE),
            (glow::TEXTURE_WRAP_T, glow::CLAMP_TO_EDGE),
        ] {
            gl.tex_parameter_i32(glow::TEXTURE_2D, name, value as i32);
        }
        gl.tex_image_2d(
            glow::TEXTURE_2D,
            0,
            kept as i32,
            size.width as i32,
            size.height as i32,
            0,
            given,
            glow::UNSIGNED_BYTE,
            glow::PixelUnpackData::Slice(None),
        );
        Ok(texture)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::window::offscreen::Offscreen;

    /// Draws with the card what `to_rgba` would make; rows from the top.
    fn drawn(screen: &Offscreen, picture: &Picture, size: [i32; 2], mirrored: bool) -> Vec<[u8; 4]> {
        let gpu = Arc::new(Gpu::new(&screen.gl).expect("the program fits every driver"));
        let mut planes = Planes::new(gpu);
        planes.take(Arc::new(picture.clone()));
        screen.paint(size, || assert_eq!(planes.draw(&screen.gl, size, mirrored), Ok(true)))
    }

    fn converted(picture: &Picture) -> Vec<[u8; 4]> {
        let mut rgba = Vec::new();
        call_engine::to_rgba(picture, &mut rgba);
        rgba.as_chunks().0.to_vec()
    }

    /// The largest difference of one colour of one pixel.
    fn difference(left: &[[u8; 4]], right: &[[u8; 4]]) -> u8 {
        assert_eq!(left.len(), right.len());
        let pairs = left.as_flattened().iter().zip(right.as_flattened());
        pairs.map(|(left, right)| left.abs_diff(*right)).max().unwrap_or(0)
    }

    /// Every luma, with chroma that is the same over each block, so that no two ways to stretch it differ.
    fn ramps(chroma: [u8; 2]) -> Picture {
        let mut picture = Picture::black(Size { width: 256, height: 4 });
        let [y, u, v] = picture.planes_mut();
        for (at, luma) in y.iter_mut().enumerate() {
            *luma = (at % 256) as u8;
        }
        u.fill(chroma[0]);
        v.fill(chroma[1]);
        picture
    }

    #[test]
    fn every_colour_is_that_of_the_conversion_on_the_processor() {
        let Some(screen) = Offscreen::open() else { return };
        for u in (0..=255).step_by(51) {
            for v in (0..=255).step_by(51) {
                let picture = ramps([u, v]);
                let most = difference(&drawn(&screen, &picture, [256, 4], false), &converted(&picture));
                assert!(most <= 1, "u {u}, v {v}: {most} steps apart");
            }
        }
    }

    #[test]
    fn a_mirrored_picture_has_left_and_right_changed_and_nothing_else() {
        let Some(screen) = Offscreen::open() else { return };
        let mut picture = ramps([90, 200]);
        picture.planes_mut()[0][..512].fill(30);
        let mut wanted = converted(&picture);
        for row in wanted.chunks_exact_mut(256) {
            row.reverse();
        }
        assert!(difference(&drawn(&screen, &picture, [256, 4], true), &wanted) <= 1);
    }

    #[test]
    fn an_odd_size_loses_no_edge() {
        let Some(screen) = Offscreen::open() else { return };
        let mut picture = Picture::black(Size { width: 7, height: 5 });
        picture.as_bytes_mut().fill(180);
        picture.planes_mut()[0][6] = 40;
        let wanted = converted(&picture);
        assert!(difference(&drawn(&screen, &picture, [7, 5], false), &wanted) <= 1);
    }

    #[test]
    fn a_picture_drawn_much_smaller_is_averaged() {
        let Some(screen) = Offscreen::open() else { return };
        // Lines of black and white, one pixel each: picked from, they would be either; averaged, they are grey.
        let mut picture = Picture::black(Size { width: 640, height: 360 });
        for (at, luma) in picture.planes_mut()[0].iter_mut().enumerate() {
            *luma = if at % 2 == 0 { 16 } else { 235 };
        }
        for size in [[320, 180], [160, 90], [80, 45]] {
            let pixels = drawn(&screen, &picture, size, false);
            let (darkest, brightest) = (pixels.iter().map(|p| p[0]).min(), pixels.iter().map(|p| p[0]).max());
            assert!(darkest > Some(100) && brightest < Some(155), "{size:?}: {darkest:?} to {brightest:?}");
        }
    }

    #[test]
    fn a_small_view_that_grows_is_sharp_again_without_a_new_picture() {
        let Some(screen) = Offscreen::open() else { return };
        let mut picture = Picture::black(Size { width: 64, height: 36 });
        for (at, luma) in picture.planes_mut()[0].iter_mut().enumerate() {
            *luma = if at % 2 == 0 { 16 } else { 235 };
        }
        let mut planes = Planes::new(Arc::new(Gpu::new(&screen.gl).expect("the program fits every driver")));
        planes.take(Arc::new(picture.clone()));
        for size in [[16, 9], [64, 36]] {
            let seen = screen.paint(size, || assert_eq!(planes.draw(&screen.gl, size, false), Ok(true)));
            assert_eq!(size == [64, 36], seen.len() == 64 * 36 && difference(&seen, &converted(&picture)) <= 1);
        }
    }

    #[test]
    fn a_picture_is_halved_until_one_look_a_pixel_sees_all_of_it() {
        let (hd, uhd) = (Size { width: 1280, height: 720 }, Size { width: 3840, height: 2160 });
        for (size, viewport, wanted) in [
            (hd, [1280, 720], 0),
            (hd, [2560, 1440], 0),
            (hd, [640, 360], 0),
            (hd, [600, 338], 1),
            (hd, [211, 119], 2),
            (uhd, [240, 135], 3),
            (uhd, [0, 0], MAX_HALVINGS),
        ] {
            assert_eq!(halvings(size, viewport), wanted, "{size} at {viewport:?}");
        }
    }

    #[test]
    fn textures_are_reused_until_the_size_changes_and_then_released() {
        let Some(screen) = Offscreen::open() else { return };
        let gpu = Arc::new(Gpu::new(&screen.gl).expect("the program fits every driver"));
        let mut planes = Planes::new(gpu.clone());
        let show = |planes: &mut Planes, size: Size| {
            planes.take(Arc::new(Picture::black(size)));
            screen.paint([16, 16], || assert_eq!(planes.draw(&screen.gl, [16, 16], false), Ok(true)));
            planes.textures.expect("a picture was drawn").1
        };
        let small = show(&mut planes, Size { width: 16, height: 16 });
        assert_eq!(show(&mut planes, Size { width: 16, height: 16 }), small);
        let large = show(&mut planes, Size { width: 32, height: 16 });
        // SAFETY: asking for a name changes nothing.
        let exists = |texture| unsafe { screen.gl.is_texture(texture) };
        assert!(large.into_iter().all(exists));
        drop(planes);
        let mut other = Planes::new(gpu);
        assert_eq!(other.draw(&screen.gl, [16, 16], false), Ok(false));
        assert!(!large.into_iter().any(exists), "the next drawing releases what a dropped picture left");
        show(&mut other, Size { width: 16, height: 16 });
    }
}
