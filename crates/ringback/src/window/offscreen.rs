//! OpenGL without a screen, for tests: what a drawing leaves in a picture of its own can be read.
//! It is EGL on Mesa's surfaceless platform, which draws in software where there is no graphics card.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;

use eframe::glow::{self, HasContext as _};

const EGL_PLATFORM_SURFACELESS_MESA: u32 = 0x31DD;
const EGL_OPENGL_API: u32 = 0x30A2;
const EGL_NONE: i32 = 0x3038;
const EGL_CONTEXT_MAJOR_VERSION: i32 = 0x3098;
const EGL_CONTEXT_MINOR_VERSION: i32 = 0x30FB;

type Handle = *const c_void;
type GetProcAddress = unsafe extern "C" fn(*const c_char) -> Handle;
type GetPlatformDisplay = unsafe extern "C" fn(u32, Handle, *const i32) -> Handle;
type Initialize = unsafe extern "C" fn(Handle, *mut i32, *mut i32) -> u32;
type BindApi = unsafe extern "C" fn(u32) -> u32;
type CreateContext = unsafe extern "C" fn(Handle, Handle, Handle, *const i32) -> Handle;
type MakeCurrent = unsafe extern "C" fn(Handle, Handle, Handle, Handle) -> u32;
type DestroyContext = unsafe extern "C" fn(Handle, Handle) -> u32;

/// A context of this thread's own.
pub(crate) struct Offscreen {
    pub(crate) gl: glow::Context,
    display: Handle,
    context: Handle,
    make_current: MakeCurrent,
    destroy_context: DestroyContext,
}

impl Offscreen {
    /// Opens it; where the machine has none, the test is skipped with a word about it.
    pub(crate) fn open() -> Option<Self> {
        // SAFETY: the types above are those of EGL 1.5; nothing is called that was not found.
        let opened = unsafe { Self::new() };
        if opened.is_none() {
            crate::skipped::skip("there is no OpenGL without a screen (EGL with Mesa's surfaceless platform)");
        }
        opened
    }

    unsafe fn new() -> Option<Self> {
        unsafe {
            let library = libc::dlopen(c"libEGL.so.1".as_ptr(), libc::RTLD_NOW);
            let found = (!library.is_null()).then(|| libc::dlsym(library, c"eglGetProcAddress".as_ptr()));
            let get: GetProcAddress = std::mem::transmute(found.filter(|found| !found.is_null())?);
            let find = |name: &CStr| {
                let address = get(name.as_ptr());
                (!address.is_null()).then_some(address)
            };
            let get_display: GetPlatformDisplay = std::mem::transmute(find(c"eglGetPlatformDisplayEXT")?);
            let initialize: Initialize = std::mem::transmute(find(c"eglInitialize")?);
            let bind_api: BindApi = std::mem::transmute(find(c"eglBindAPI")?);
            let create_context: CreateContext = std::mem::transmute(find(c"eglCreateContext")?);
            let make_current: MakeCurrent = std::mem::transmute(find(c"eglMakeCurrent")?);
            let destroy_context: DestroyContext = std::mem::transmute(find(c"eglDestroyContext")?);

            let display = get_display(EGL_PLATFORM_SURFACELESS_MESA, null(), null());
            if display.is_null() || initialize(display, &mut 0, &mut 0) == 0 || bind_api(EGL_OPENGL_API) == 0 {
                return None;
            }
            let wanted = [EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_MINOR_VERSION, 1, EGL_NONE];
            // Without a configuration: nothing is drawn but to textures (EGL_KHR_no_config_context).
            let context = create_context(display, null(), null(), wanted.as_ptr());
            if context.is_null() || make_current(display, null(), null(), context) == 0 {
                return None;
            }
            let gl = glow::Context::from_loader_function_cstr(|name| get(name.as_ptr()));
            Some(Self { gl, display, context, make_current, destroy_context })
        }
    }

    /// The pixels, rows from the top, that `draw` leaves in a picture of this width and height.
    pub(crate) fn paint(&self, [width, height]: [i32; 2], draw: impl FnOnce()) -> Vec<[u8; 4]> {
        let gl = &self.gl;
        let mut pixels = vec![[0; 4]; (width * height) as usize];
        // SAFETY: the picture is as large as what is read of it.
        unsafe {
            let target = gl.create_renderbuffer().expect("a small picture fits");
            gl.bind_renderbuffer(glow::RENDERBUFFER, Some(target));
            gl.renderbuffer_storage(glow::RENDERBUFFER, glow::RGBA8, width, height);
            let frame = gl.create_framebuffer().expect("a small picture fits");
            gl.bind_framebuffer(glow::FRAMEBUFFER, Some(frame));
            gl.framebuffer_renderbuffer(glow::FRAMEBUFFER, glow::COLOR_ATTACHMENT0, glow::RENDERBUFFER, Some(target));
            gl.viewport(0, 0, width, height);
            draw();
            let into = glow::PixelPackData::Slice(Some(pixels.as_flattened_mut()));
            gl.read_pixels(0, 0, width, height, glow::RGBA, glow::UNSIGNED_BYTE, into);
            assert_eq!(gl.get_error(), glow::NO_ERROR);
            gl.delete_framebuffer(frame);
            gl.delete_renderbuffer(target);
        }
        // OpenGL's rows go upwards.
        pixels.chunks_exact(width as usize).rev().flatten().copied().collect()
    }
}

impl Drop for Offscreen {
    fn drop(&mut self) {
        // SAFETY: the context is this thread's, and nothing of it is used afterwards.
        unsafe {
            (self.make_current)(self.display, null(), null(), null());
            (self.destroy_context)(self.display, self.context);
        }
    }
}
