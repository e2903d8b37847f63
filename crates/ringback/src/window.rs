//! The window of a call: the peer large, ourselves small, three buttons and the state of the call.
//! It draws snapshots and sends commands; it holds no state of the call.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use call_engine::{Call, Command, EndReason, Event, Phase, Picture, Pictures, Repaint, RoomId, Snapshot};
use eframe::egui;
use egui::{Align2, Color32, FontId, Key, Pos2, Rect, Sense, Stroke, Vec2};
use tokio::sync::{mpsc, watch};

use crate::terminal;

/// How long the reason of an end stays to be read before the window closes by itself.
const END_SHOWN: Duration = Duration::from_secs(8);

/// Our own picture takes that share of the window's width.
const PREVIEW_SHARE: f32 = 0.22;

const BAR_HEIGHT: f32 = 64.0;
const BACKGROUND: Color32 = Color32::from_rgb(16, 18, 22);
const TEXT: Color32 = Color32::from_rgb(228, 230, 235);
const DIM: Color32 = Color32::from_rgb(150, 155, 165);
const OFF: Color32 = Color32::from_rgb(196, 120, 30);
const ACCEPT: Color32 = Color32::from_rgb(40, 130, 70);
const HANG_UP: Color32 = Color32::from_rgb(200, 48, 48);

/// Where the window's context lies once there is a window.
pub(crate) type Context = Arc<OnceLock<egui::Context>>;

/// Whether a window can be opened at all.
pub(crate) fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", target_os = "windows")) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

/// Wakes the window for a new picture.
pub(crate) fn repainter(context: Context) -> Repaint {
    Arc::new(move || {
        if let Some(context) = context.get() {
            context.request_repaint();
        }
    })
}

/// Shows the call until it ended or the window was closed. Must run on the main thread, inside the runtime.
pub(crate) fn show(call: &mut Call, room: &RoomId, chat: bool, context: Context) -> anyhow::Result<()> {
    let notice = Arc::new(Mutex::new(None));
    if let Some(events) = call.take_events() {
        tokio::spawn(forward(events, notice.clone(), context.clone(), chat));
    }
    let window = Window {
        room: room.to_string(),
        snapshot: call.snapshot(),
        commands: call.commands(),
        remote: View::new("remote", call.remote_pictures()),
        local: View::new("local", call.local_pictures()),
        notice,
        ended_at: None,
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title(format!("Ringback: {room}"))
            .with_app_id("ringback")
            .with_inner_size([960.0, 640.0])
            .with_min_inner_size([320.0, 240.0]),
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "ringback",
        options,
        Box::new(move |creation| {
            let _ = context.set(creation.egui_ctx.clone());
            Ok(Box::new(window))
        }),
    )
    .map_err(|error| anyhow!("the window cannot be opened: {error}"))
}

/// Events go to the terminal as without a window; the latest problem is shown in the window too.
async fn forward(
    mut events: mpsc::Receiver<Event>,
    notice: Arc<Mutex<Option<(Instant, String)>>>,
    context: Context,
    chat: bool,
) {
    while let Some(event) = events.recv().await {
        terminal::show_event(&event, chat);
        if let Event::Problem(text) | Event::Info(text) = event {
            *notice.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), text));
        }
        if let Some(context) = context.get() {
            context.request_repaint();
        }
    }
}

struct Window {
    room: String,
    snapshot: watch::Receiver<Snapshot>,
    commands: mpsc::Sender<Command>,
    remote: View,
    local: View,
    notice: Arc<Mutex<Option<(Instant, String)>>>,
    ended_at: Option<Instant>,
}

/// One picture on the screen.
struct View {
    name: &'static str,
    pictures: Pictures,
    texture: Option<egui::TextureHandle>,
    rgba: Vec<u8>,
}

impl View {
    fn new(name: &'static str, pictures: Pictures) -> Self {
        Self { name, pictures, texture: None, rgba: Vec::new() }
    }

    /// Uploads the newest picture, if there is one.
    fn refresh(&mut self, context: &egui::Context) {
        let Some(picture) = self.pictures.take() else { return };
        let image = self.image(&picture);
        match &mut self.texture {
            Some(texture) => texture.set(image, egui::TextureOptions::LINEAR),
            none => *none = Some(context.load_texture(self.name, image, egui::TextureOptions::LINEAR)),
        }
    }

    fn image(&mut self, picture: &Picture) -> egui::ColorImage {
        call_engine::to_rgba(picture, &mut self.rgba);
        let size = picture.size();
        egui::ColorImage::from_rgba_premultiplied([size.width as usize, size.height as usize], &self.rgba)
    }

    /// Draws the picture as large as fits into `area`; false when there is none yet.
    fn draw(&self, painter: &egui::Painter, area: Rect, mirrored: bool) -> bool {
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
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let snapshot = self.snapshot.borrow().clone();
        self.remote.refresh(ui.ctx());
        self.local.refresh(ui.ctx());
        self.keys(ui, &snapshot);

        let area = ui.max_rect();
        let painter = ui.painter().clone();
        painter.rect_filled(area, 0.0, BACKGROUND);
        let bar = Rect::from_min_max(Pos2::new(area.left(), area.bottom() - BAR_HEIGHT), area.max);
        let stage = Rect::from_min_max(area.min, Pos2::new(area.right(), bar.top()));

        if !self.remote.draw(&painter, stage, false) {
            painter.text(
                stage.center(),
                Align2::CENTER_CENTER,
                waiting(&snapshot, &self.room),
                FontId::proportional(20.0),
                DIM,
            );
        }
        let width = (stage.width() * PREVIEW_SHARE).clamp(96.0, 280.0);
        let preview = Rect::from_min_size(
            stage.max - Vec2::new(width + 12.0, width * 0.5625 + 12.0),
            Vec2::new(width, width * 0.5625),
        );
        painter.rect_filled(preview.expand(2.0), 4.0, Color32::from_black_alpha(140));
        self.local.draw(&painter, preview, true);

        self.state(&painter, stage, &snapshot);
        self.bar(ui, bar, &snapshot);
        self.end(ui, &painter, stage, &snapshot);
        // The figures in the corner change twice a second even when no picture comes.
        ui.ctx().request_repaint_after(Duration::from_millis(500));
    }
}

impl Window {
    fn keys(&self, ui: &egui::Ui, snapshot: &Snapshot) {
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if snapshot.phase == Phase::Ringing && (pressed(Key::Enter) || pressed(Key::A)) {
            self.send(Command::Accept);
        }
        if snapshot.phase == Phase::Ringing && pressed(Key::D) {
            self.send(Command::Decline);
        }
        if pressed(Key::M) {
            self.send(Command::SetMicrophoneOn(!snapshot.microphone_on));
        }
        if pressed(Key::V) {
            self.send(Command::SetCameraOn(!snapshot.camera_on));
        }
        if pressed(Key::Q) {
            self.hang_up(ui, snapshot);
        }
    }

    fn send(&self, command: Command) {
        // A window never waits; a full queue means that the call is ending anyway.
        let _ = self.commands.try_send(command);
    }

    fn hang_up(&self, ui: &egui::Ui, snapshot: &Snapshot) {
        if snapshot.end.is_some() {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        } else {
            self.send(Command::HangUp);
        }
    }

    /// State of the connection, top left; the latest notice below it.
    fn state(&self, painter: &egui::Painter, stage: Rect, snapshot: &Snapshot) {
        let mut lines = vec![(state(snapshot), TEXT)];
        let notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, text)) = notice
            && at.elapsed() < END_SHOWN
        {
            lines.push((text, DIM));
        }
        let mut at = stage.min + Vec2::splat(12.0);
        for (text, color) in lines {
            let galley = painter.layout(text, FontId::proportional(14.0), color, stage.width() - 40.0);
            let size = galley.size();
            painter.rect_filled(
                Rect::from_min_size(at - Vec2::new(6.0, 4.0), size + Vec2::new(12.0, 8.0)),
                4.0,
                Color32::from_black_alpha(150),
            );
            painter.galley(at, galley, color);
            at.y += size.y + 14.0;
        }
    }

    fn bar(&self, ui: &mut egui::Ui, bar: Rect, snapshot: &Snapshot) {
        let row = bar.shrink2(Vec2::new(12.0, 12.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(row), |ui| {
            ui.horizontal_centered(|ui| {
                let (on, off) = (Color32::from_rgb(52, 56, 64), OFF);
                if snapshot.phase == Phase::Ringing {
                    if button(ui, "Accept (a)", ACCEPT) {
                        self.send(Command::Accept);
                    }
                    if button(ui, "Decline (d)", HANG_UP) {
                        self.send(Command::Decline);
                    }
                    return;
                }
                let microphone = if snapshot.microphone_on { ("Mute (m)", on) } else { ("Unmute (m)", off) };
                if button(ui, microphone.0, microphone.1) {
                    self.send(Command::SetMicrophoneOn(!snapshot.microphone_on));
                }
                let camera = if snapshot.camera_on { ("Camera off (v)", on) } else { ("Camera on (v)", off) };
                if button(ui, camera.0, camera.1) {
                    self.send(Command::SetCameraOn(!snapshot.camera_on));
                }
                let hang_up = if snapshot.end.is_some() { "Close (q)" } else { "Hang up (q)" };
                if button(ui, hang_up, HANG_UP) {
                    self.hang_up(ui, snapshot);
                }
            });
        });
    }

    /// Shows why the call ended, then closes; an end of our own making needs no explanation.
    fn end(&mut self, ui: &egui::Ui, painter: &egui::Painter, stage: Rect, snapshot: &Snapshot) {
        let Some(end) = &snapshot.end else { return };
        let since = self.ended_at.get_or_insert_with(Instant::now).elapsed();
        let ours = matches!(
            end,
            EndReason::HungUp | EndReason::Declined | EndReason::DurationReached | EndReason::Interrupted
        );
        if ours || since > END_SHOWN {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        painter.rect_filled(stage, 0.0, Color32::from_black_alpha(170));
        painter.text(
            stage.center(),
            Align2::CENTER_CENTER,
            sentence(&end.to_string()),
            FontId::proportional(24.0),
            TEXT,
        );
    }
}

/// A drawn button: no font needs to have its glyph.
fn button(ui: &mut egui::Ui, label: &str, fill: Color32) -> bool {
    let text = egui::RichText::new(label).color(TEXT).size(15.0);
    let button = egui::Button::new(text)
        .fill(fill)
        .corner_radius(6.0)
        .stroke(Stroke::NONE)
        .min_size(Vec2::new(120.0, 40.0))
        .sense(Sense::click());
    ui.add(button).clicked()
}

fn waiting(snapshot: &Snapshot, room: &str) -> String {
    match snapshot.phase {
        Phase::Joining => "Joining…".into(),
        Phase::Waiting => format!("Waiting for someone to join “{room}”"),
        Phase::Ringing => format!("Somebody calls in “{room}”"),
        Phase::Negotiating => "Connecting…".into(),
        Phase::Connected | Phase::Reconnecting => "No picture yet".into(),
        Phase::Ending | Phase::Ended => String::new(),
    }
}

fn state(snapshot: &Snapshot) -> String {
    let path = &snapshot.figures.path;
    match (path.in_words(), path.rtt) {
        (Some(kind), Some(rtt)) if snapshot.phase == Phase::Connected => {
            format!("Connected · {kind} · {:.0} ms", rtt.as_secs_f64() * 1e3)
        }
        _ => sentence(terminal::phase(snapshot.phase)),
    }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
