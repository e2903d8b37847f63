//! The window: a start page, the call, and what comes after it. It draws plain data and hands out wishes and commands.
//! It holds no state of a call: whoever places calls lives elsewhere, and the two talk through two queues.

mod app;
mod appearance;
mod bar;
mod button;
mod by_hand;
mod call;
mod chat;
mod devices;
mod ended;
mod field;
mod figures;
mod first_paint;
#[cfg(test)]
pub(crate) mod fixture;
mod fonts;
mod help;
mod icons;
mod invitation;
mod keys;
mod meter;
mod missing;
mod new_room;
#[cfg(all(test, target_os = "linux"))]
mod offscreen;
mod pace;
mod picture;
mod pictures;
mod planes;
mod remembered;
mod shader;
mod stage;
mod start;
mod status;
#[cfg(test)]
mod tests;
mod theme;

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use anyhow::anyhow;
use call_engine::{
    AudioSink, AudioSource, Command, Levels, Pictures, Playing, Preview, Repaint, RoomId, ServerUrl, Snapshot,
    VideoFormat, VideoSource,
};
use eframe::egui;
use tokio::sync::{mpsc, watch};

pub(crate) use app::{App, Links, Manner};
pub(crate) use appearance::watch as appearance;
pub(crate) use fonts::FindFont;
pub(crate) use invitation::Invitation;
pub(crate) use remembered::{Remembered, joined, load, save};

use crate::control::Order;
use crate::face::{ByHand, Story};

/// Wishes on their way: a person clicks no faster.
pub(crate) const WISHES: usize = 16;

/// Rings once and pauses, over and over while somebody calls.
const RING: &[u8] = include_bytes!("../../../../assets/sounds/ring.wav");

/// Shows that a speaker works.
pub(crate) const TEST: &[u8] = include_bytes!("../../../../assets/sounds/test.wav");

/// Where the window's context lies once there is a window.
pub(crate) type Context = Arc<OnceLock<egui::Context>>;

/// Whom to call, where to meet, and with which media.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) room: Option<RoomId>,
    /// `None`: find the room on this machine or network, or host it.
    pub(crate) server: Option<ServerUrl>,
    pub(crate) video_in: VideoSource,
    pub(crate) audio_in: AudioSource,
    pub(crate) audio_out: AudioSink,
    pub(crate) format: VideoFormat,
}

/// What the window asks of whoever places calls.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Place this call, once the one before is over.
    Call(Box<Choice>),
    /// Give up the call that is being placed.
    Cancel,
    /// The person is back on the start page.
    StartPage,
    /// The window was closed: end everything.
    Leave,
}

/// What the window is told.
pub(crate) enum News {
    /// The call was placed.
    Placed(Handset),
    /// The call could not be placed, for this reason.
    Refused(String),
    /// The call was given up while it was being placed.
    Cancelled,
    /// Something to be shown for a while.
    Notice(String),
    /// A script wants this.
    Order(Order),
    /// The program is to stop.
    Interrupted,
}

/// A call as the window has it in its hand: what it reads, and where its commands go.
#[derive(Clone)]
pub(crate) struct Handset {
    pub(crate) room: String,
    pub(crate) snapshot: watch::Receiver<Snapshot>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) remote: Pictures,
    pub(crate) local: Pictures,
    pub(crate) levels: Arc<Levels>,
    pub(crate) story: Arc<Mutex<Story>>,
    pub(crate) invitation: Option<Invitation>,
    /// The lines of a call without a server.
    pub(crate) by_hand: Option<ByHand>,
}

/// The program's own sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Somebody calls.
    Ring,
    /// Whether the speaker works.
    Test,
}

/// Where the levels of a preview are found as long as it lives. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listened(Arc<Mutex<Weak<Levels>>>);

impl Listened {
    /// From now on these.
    pub(crate) fn listen(&self, levels: &Arc<Levels>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(levels);
    }

    /// How loud it is, where there is a preview.
    pub(crate) fn levels(&self) -> Option<Arc<Levels>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// Opens camera and microphone; `None` where that is not wanted.
pub(crate) type Look = dyn Fn(&Choice) -> Option<Preview>;

/// What the window does outside of itself; tests bring their own.
pub(crate) struct Tools {
    /// Opens camera and microphone for the start page.
    pub(crate) preview: Box<Look>,
    /// Plays a sound until what it gives back is dropped.
    pub(crate) play: Box<dyn Fn(AudioSink, Tone) -> Box<dyn Any>>,
    /// Opens a page in a browser; false when that cannot be done.
    pub(crate) browse: Box<dyn Fn(&str) -> bool>,
    /// Finds a font for a character that the window's own fonts do not have.
    pub(crate) find_font: Arc<FindFont>,
}

/// Whether a window can be opened at all.
pub(crate) fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", target_os = "windows")) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

/// Wakes the window for a new picture.
pub(crate) fn repainter(context: Context) -> Repaint {
    Arc::new(move || {
        if let Some(context) = context.get() {
            pace::wake(context);
        }
    })
}

/// Brings the window to the front.
pub(crate) fn raiser(context: Context) -> impl Fn() + Clone + Send + Sync + 'static {
    move || {
        if let Some(context) = context.get() {
            context.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
            context.send_viewport_cmd(egui::ViewportCommand::Focus);
            context.request_repaint();
        }
    }
}

/// The real devices, speakers and browser; what goes wrong with them becomes news.
pub(crate) fn tools(context: Context, news: std::sync::mpsc::Sender<News>, listened: Listened) -> Tools {
    let repaint = repainter(context);
    let repaint_for_sound = repaint.clone();
    Tools {
        preview: Box::new(move |choice| {
            let (video, audio) = (choice.video_in.clone(), choice.audio_in.clone());
            let preview = Preview::open(video, audio, choice.format, Some(repaint.clone()));
            listened.listen(&preview.levels());
            Some(preview)
        }),
        play: Box::new(move |sink, tone| {
            let (news, repaint) = (news.clone(), repaint_for_sound.clone());
            let failed = move |reason: String| {
                // A window that is closed wants no news.
                let _ = news.send(News::Notice(reason));
                repaint();
            };
            let (wav, repeat) = match tone {
                Tone::Ring => (RING, true),
                Tone::Test => (TEST, false),
            };
            Box::new(Playing::start(sink, wav, repeat, failed))
        }),
        browse: Box::new(browse),
        find_font: fonts::of_the_system(),
    }
}

/// Shows `app` until it closes; gives back what is to be remembered. Must run on the main thread, inside the runtime.
pub(crate) fn show(app: App, context: Context) -> anyhow::Result<Remembered> {
    let remembered = app.remembered();
    let [width, height] = {
        let known = remembered.lock().unwrap_or_else(PoisonError::into_inner);
        known.size.unwrap_or([960.0, 640.0])
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title(app.title())
            .with_app_id("ringback")
            .with_icon(crate::desktop::icon::icon())
            .with_inner_size([width, height])
            .with_min_inner_size([320.0, 240.0]),
        // It smooths gradients, which are not used here, and costs a fifth of each fill without a graphics card.
        dithering: false,
        // Fonts are found by a thread of ours, and only once a character is missing.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "ringback",
        options,
        Box::new(move |creation| {
            picture::use_graphics_card(creation);
            app.listen(&creation.egui_ctx);
            let _ = context.set(creation.egui_ctx.clone());
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| anyhow!("the window cannot be opened: {error}"))?;
    let remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(remembered)
}

/// The desktop knows which browser is wanted.
fn browse(link: &str) -> bool {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(target_os = "windows") {
        "explorer"
    } else {
        "xdg-open"
    };
    let mut command = std::process::Command::new(opener);
    command.arg(link).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let Ok(mut child) = command.stderr(std::process::Stdio::null()).spawn() else { return false };
    // Some openers stay as long as their browser does; none may stay behind as a zombie.
    std::thread::Builder::new().name("browser".into()).spawn(move || child.wait()).is_ok()
}
