//! The program that makes colours of a picture's planes while the graphics card draws them.
//! The colours are those of `call_engine::to_rgba` to one step.

use std::sync::{Mutex, PoisonError};

use eframe::egui_glow::ShaderVersion;
use eframe::glow::{self, HasContext as _};

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

void main() {
    vec3 yuv = vec3(texture(luma, place).r, texture(chroma, place * filled).rg) - vec3(16.0, 128.0, 128.0) / 255.0;
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
    pub(super) program: Program,
    /// Core profiles draw nothing without one, even where nothing comes from it.
    pub(super) vertices: glow::VertexArray,
    /// Textures of pictures that are gone; only while drawing is it sure that the card listens.
    gone: Mutex<Vec<glow::Texture>>,
}

/// The program, and what it is told for each picture.
pub(super) struct Program {
    pub(super) program: glow::Program,
    pub(super) mirrored: Option<glow::UniformLocation>,
    /// How much of the chroma planes the picture fills.
    pub(super) filled: Option<glow::UniformLocation>,
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
        let head = format!("{}{precision}", version.version_declaration());
        let program = Program::new(gl, &format!("{head}{VERTEX}"), &format!("{head}{FRAGMENT}"))?;
        // SAFETY: the context is current, as for every call here.
        let vertices = unsafe { gl.create_vertex_array() }?;
        Ok(Self { program, vertices, gone: Mutex::default() })
    }

    /// Lets textures go that nobody draws any more, at the next [`clean`](Self::clean).
    pub(super) fn let_go(&self, textures: [glow::Texture; 2]) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).extend(textures);
    }

    /// Releases the textures that were let go; only for whoever is drawing.
    pub(super) fn clean(&self, gl: &glow::Context) {
        for texture in self.gone.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // SAFETY: it was made in this context, and nobody draws it any more.
            unsafe { gl.delete_texture(texture) };
        }
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
            let (mirrored, filled) = (place("mirrored"), place("filled"));
            Ok(Self { program, mirrored, filled })
        }
    }
}
