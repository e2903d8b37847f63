//! Pictures on the graphics card: their planes as textures, and the program that makes colours of them while it draws.
//! The colours are those of `call_engine::to_rgba` to one step, and a picture drawn small is averaged, not picked from.
//!
//! Blue and red lie in one texture: where the processor plays the card, each look into a texture is what a pixel costs.

use std::sync::{Arc, Mutex, PoisonError};

use call_engine::{Picture, Size};
use eframe::egui_glow::ShaderVersion;
use eframe::glow::{self, HasContext as _};

/// A picture drawn smaller than by this is averaged over more places; up to two pixels a side, one look between them does it.
const PIXELS_A_LOOK: f32 = 2.0;

/// Looks along each side for one pixel of the screen: enough for a 4K picture in a corner of 240 pixels.
const MAX_LOOKS: f32 = 8.0;

const VERTEX: &str = "
uniform float mirrored;
out vec2 place;

void main() {
    vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
    place = vec2(mix(corner.x, 1.0 - corner.x, mirrored), 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
";

// ITU-R BT.601, limited range, with the factors of `to_rgba`, which are rounded to 1/64.
const FRAGMENT: &str = "
uniform sampler2D luma;
uniform sampler2D chroma;
// How much of the chroma planes the picture fills: their last column and row may reach over an odd edge.
uniform vec2 filled;
in vec2 place;
out vec4 colour;

vec3 look(vec2 at) {
    return vec3(texture(luma, at).r, texture(chroma, at * filled).rg);
}

#ifdef SMALL
uniform float looks;
// One pixel of the screen, as a share of the picture.
uniform vec2 pixel;

vec3 seen() {
    vec3 sum = vec3(0.0);
    for (float y = 0.5; y < looks; y += 1.0) {
        for (float x = 0.5; x < looks; x += 1.0) {
            sum += look(place + (vec2(x, y) / looks - 0.5) * pixel);
        }
    }
    return sum / (looks * looks);
}
#else
vec3 seen() {
    return look(place);
}
#endif

void main() {
    vec3 yuv = seen() - vec3(16.0, 128.0, 128.0) / 255.0;
    float grey = yuv.x * 1.1640625;
    colour = vec4(
        grey + yuv.z * 1.59765625,
        grey - yuv.y * 0.390625 - yuv.z * 0.8125,
        grey + yuv.y * 2.015625,
        1.0
    );
}
";

/// What all pictures of a window share on the graphics card.
pub(crate) struct Gpu {
    large: Program,
    small: Program,
    /// Core profiles draw nothing without one, even where nothing comes from it.
    vertices: glow::VertexArray,
    /// Textures of pictures that are gone; only while drawing is it sure that the card listens.
    gone: Mutex<Vec<glow::Texture>>,
}

struct Program {
    program: glow::Program,
    mirrored: Option<glow::UniformLocation>,
    filled: Option<glow::UniformLocation>,
    looks: Option<glow::UniformLocation>,
    pixel: Option<glow::UniformLocation>,
}

impl Gpu {
    /// Prepares the card.
    ///
    /// # Errors
    /// The driver's words, where it is too old for this or refuses the program.
    pub(crate) fn new(gl: &glow::Context) -> Result<Self, String> {
        let version = ShaderVersion::get(gl);
        if !version.is_new_shader_interface() {
            return Err("OpenGL 3.1 or OpenGL ES 3.0 is needed".to_owned());
        }
        let precision = if version.is_embedded() { "precision highp float;\n" } else { "" };
        let build = |define: &str| {
            let head = format!("{}{define}{precision}", version.version_declaration());
            Program::new(gl, &format!("{head}{VERTEX}"), &format!("{head}{FRAGMENT}"))
        };
        let (large, small) = (build("")?, build("#define SMALL\n")?);
        // SAFETY: the context is current, as for every call here.
        let vertices = unsafe { gl.create_vertex_array() }?;
        Ok(Self { large, small, vertices, gone: Mutex::default() })
    }
}

impl Program {
    fn new(gl: &glow::Context, vertex: &str, fragment: &str) -> Result<Self, String> {
        // SAFETY: objects are made, used and let go in the order that OpenGL asks for.
        unsafe {
            let program = gl.create_program()?;
            for (kind, source) in [(glow::VERTEX_SHADER, vertex), (glow::FRAGMENT_SHADER, fragment)] {
                let shader = gl.create_shader(kind)?;
                gl.shader_source(shader, source);
                gl.compile_shader(shader);
                gl.attach_shader(program, shader);
                // It lives on until the program lets go of it; what is wrong with it shows when they are linked.
                gl.delete_shader(shader);
            }
            gl.link_program(program);
            if !gl.get_program_link_status(program) {
                return Err(gl.get_program_info_log(program));
            }
            let place = |name| gl.get_uniform_location(program, name);
            gl.use_program(Some(program));
            for (unit, name) in [(0, "luma"), (1, "chroma")] {
                gl.uniform_1_i32(place(name).as_ref(), unit);
            }
            let (mirrored, filled, looks, pixel) = (place("mirrored"), place("filled"), place("looks"), place("pixel"));
            Ok(Self { program, mirrored, filled, looks, pixel })
        }
    }
}

/// One picture on its way to the card and there. Its textures are reused as long as the size stays.
pub(crate) struct Planes {
    gpu: Arc<Gpu>,
    waiting: Option<Arc<Picture>>,
    textures: Option<(Size, [glow::Texture; 2])>,
    /// Both chroma planes of a picture, sample by sample.
    chroma: Vec<u8>,
}

impl Planes {
    /// No picture yet.
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        Self { gpu, waiting: None, textures: None, chroma: Vec::new() }
    }

    /// The picture to draw from now on; it is brought to the card when it is drawn.
    pub(crate) fn take(&mut self, picture: Arc<Picture>) {
        self.waiting = Some(picture);
    }

    /// Draws the newest picture over the whole viewport of this width and height in pixels; true when there was one.
    ///
    /// # Errors
    /// The driver's words.
    pub(crate) fn draw(&mut self, gl: &glow::Context, viewport: [i32; 2], mirrored: bool) -> Result<bool, String> {
        self.clean(gl);
        if let Some(picture) = self.waiting.take() {
            self.upload(gl, &picture)?;
        }
        let Some((size, textures)) = &self.textures else { return Ok(false) };
        let shrunk = |source: u32, target: i32| source as f32 / target.max(1) as f32 / PIXELS_A_LOOK;
        // A hair more than two pixels is still one look.
        let looks = (shrunk(size.width, viewport[0]).max(shrunk(size.height, viewport[1])) - 0.1).ceil();
        let looks = looks.clamp(1.0, MAX_LOOKS);
        let program = if looks > 1.0 { &self.gpu.small } else { &self.gpu.large };
        // SAFETY: every name was made in this context, and the shapes of the calls are OpenGL's.
        unsafe {
            gl.use_program(Some(program.program));
            gl.bind_vertex_array(Some(self.gpu.vertices));
            for (unit, texture) in (glow::TEXTURE0..).zip(textures) {
                gl.active_texture(unit);
                gl.bind_texture(glow::TEXTURE_2D, Some(*texture));
            }
            gl.active_texture(glow::TEXTURE0);
            let covered = |side: u32, chroma: u32| side as f32 / (2 * chroma).max(1) as f32;
            let chroma = size.chroma();
            gl.uniform_2_f32(
                program.filled.as_ref(),
                covered(size.width, chroma.width),
                covered(size.height, chroma.height),
            );
            gl.uniform_1_f32(program.mirrored.as_ref(), f32::from(u8::from(mirrored)));
            gl.uniform_1_f32(program.looks.as_ref(), looks);
            let [width, height] = viewport.map(|side| 1.0 / side.max(1) as f32);
            gl.uniform_2_f32(program.pixel.as_ref(), width, height);
            // It covers what is below it; to blend would only cost.
            gl.disable(glow::BLEND);
            gl.draw_arrays(glow::TRIANGLE_STRIP, 0, 4);
            gl.enable(glow::BLEND);
        }
        Ok(true)
    }

    fn upload(&mut self, gl: &glow::Context, picture: &Picture) -> Result<(), String> {
        let size = picture.size();
        let formats = [(size, glow::R8, glow::RED), (size.chroma(), glow::RG8, glow::RG)];
        if self.textures.is_none_or(|(known, _)| known != size) {
            self.let_go();
            self.clean(gl);
            let mut textures = Vec::new();
            for (size, kept, given) in formats {
                textures.push(texture(gl, size, kept, given)?);
            }
            self.textures = textures.try_into().ok().map(|textures| (size, textures));
        }
        let Some((_, textures)) = &self.textures else { return Ok(()) };
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
        Ok(())
    }

    fn let_go(&mut self) {
        if let Some((_, textures)) = self.textures.take() {
            self.gpu.gone.lock().unwrap_or_else(PoisonError::into_inner).extend(textures);
        }
    }

    fn clean(&self, gl: &glow::Context) {
        for texture in self.gpu.gone.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // SAFETY: it was made in this context, and nobody draws it any more.
            unsafe { gl.delete_texture(texture) };
        }
    }
}

impl Drop for Planes {
    fn drop(&mut self) {
        self.let_go();
    }
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
