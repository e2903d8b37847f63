//! The page before a call: whom to call and where to meet, with camera, microphone and speaker as they will be in it.
//! It gives back a checked choice; nothing is joined from here.

use call_engine::devices::DeviceList;
use call_engine::{MediaInUse, Preview, Protocol};
use eframe::egui;
use egui::{Rect, RichText, Role, ScrollArea, Sense, ThemePreference, Ui, Vec2, WidgetInfo};

use super::devices::{self, Change};
use super::invitation::{Invitation, Wanted};
use super::picture::View;
use super::{Choice, Remembered, Tools, button, field, meter, new_room, theme};
use crate::cli;
use crate::face::words;

/// From this width on, in points, the devices stand beside the room.
const TWO_COLUMNS: f32 = 720.0;

/// Widest column, in points.
const COLUMN: f32 = 420.0;

/// What the person wants.
pub(crate) enum Wish {
    Call(Box<Choice>),
    Open(String),
    TestSound,
    Help,
    Theme(ThemePreference),
}

/// The page.
pub(crate) struct StartPage {
    choice: Choice,
    room: String,
    by_server: bool,
    server: String,
    error: Option<String>,
    preview: Option<Preview>,
    picture: Option<View>,
    notice: Option<String>,
    wants_focus: bool,
}

impl StartPage {
    /// A page with these choices made beforehand. Camera and microphone run as long as it lives.
    pub(crate) fn new(choice: Choice, tools: &Tools) -> Self {
        let server = choice.server.as_ref().map(ToString::to_string);
        let mut page = Self {
            room: choice.room.as_ref().map(ToString::to_string).unwrap_or_default(),
            by_server: server.is_some(),
            server: server.unwrap_or_default(),
            choice,
            error: None,
            preview: None,
            picture: None,
            notice: None,
            wants_focus: true,
        };
        page.look(tools);
        page
    }

    /// What was chosen so far.
    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// How loud the microphone is; `None` while it is not listened to.
    pub(crate) fn level(&self) -> Option<f32> {
        self.preview.as_ref().map(|preview| preview.levels().microphone.peak())
    }

    /// Says why the last call was not placed, or another thing once.
    pub(crate) fn tell(&mut self, text: String) {
        self.notice = Some(text);
    }

    /// Opens camera and microphone with this choice, or lets them go.
    pub(crate) fn look_at(&mut self, choice: Option<Choice>, tools: &Tools) {
        // A camera has to be let go before it is opened anew.
        (self.picture, self.preview) = (None, None);
        if let Some(choice) = choice {
            self.choice = choice;
            self.look(tools);
        }
    }

    /// Draws it.
    pub(crate) fn draw(
        &mut self,
        ui: &mut Ui,
        list: &DeviceList,
        remembered: &Remembered,
        tools: &Tools,
    ) -> Option<Wish> {
        if let Some(notice) = self.preview.as_ref().and_then(Preview::notice) {
            self.notice = Some(notice);
        }
        let mut wish = None;
        egui::CentralPanel::default().show(ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                if ui.available_width() < TWO_COLUMNS {
                    wish = self.whom(ui, remembered);
                    ui.separator();
                    let changed = self.media(ui, list);
                    wish = wish.take().or(self.change(changed, tools));
                    return;
                }
                ui.columns(2, |columns| {
                    wish = self.whom(&mut columns[0], remembered);
                    let changed = self.media(&mut columns[1], list);
                    wish = wish.take().or(self.change(changed, tools));
                });
            });
        });
        wish
    }

    /// Room and server.
    fn whom(&mut self, ui: &mut Ui, remembered: &Remembered) -> Option<Wish> {
        let mut wish = None;
        ui.set_max_width(ui.available_width().min(COLUMN));
        ui.heading(words::APP);
        let label = ui.label(words::ROOM);
        let field = field::line(ui, &mut self.room, words::ROOM_HINT, 128, f32::INFINITY, label.id);
        if std::mem::take(&mut self.wants_focus) {
            field.request_focus();
        }
        let mut call = field::is_entered(ui, &field);
        ui.horizontal(|ui| {
            call |= button::plain(ui, words::CALL, theme::GO).clicked();
            if ui.button(words::NEW_ROOM).on_hover_text(words::NEW_ROOM_HINT).clicked() {
                self.room = new_room::name();
                // It can be read there, changed, and called with Enter.
                field.request_focus();
            }
            if ui.button(words::HELP).clicked() {
                wish = Some(Wish::Help);
            }
        });
        for text in self.error.iter().chain(&self.notice) {
            // The line says what is wrong; its colour is for those who see it.
            ui.label(RichText::new(text).color(ui.visuals().error_fg_color));
        }
        if !remembered.rooms.is_empty() {
            ui.label(words::RECENT);
            ui.horizontal_wrapped(|ui| {
                for room in &remembered.rooms {
                    if ui.button(room).clicked() {
                        self.room = room.clone();
                        call = true;
                    }
                }
            });
        }
        ui.add_space(8.0);
        ui.label(words::WHERE);
        ui.radio_value(&mut self.by_server, false, words::FIND_OR_HOST);
        ui.radio_value(&mut self.by_server, true, words::BY_SERVER);
        if self.by_server {
            wish = wish.or(self.server(ui, &mut call));
        } else {
            ui.weak(words::REACH_HERE);
            ui.weak(words::REACH_NETWORK);
        }
        ui.add_space(8.0);
        wish = wish.or(themes(ui, remembered.theme));
        if call { self.checked().map(|choice| Wish::Call(Box::new(choice))).or(wish) } else { wish }
    }

    /// The server's address, and its link where it has one.
    fn server(&mut self, ui: &mut Ui, call: &mut bool) -> Option<Wish> {
        let label = ui.label(words::SERVER);
        let field = field::line(ui, &mut self.server, words::SERVER_HINT, 2048, f32::INFINITY, label.id);
        *call |= field::is_entered(ui, &field);
        let text = self.server.trim();
        if text.is_empty() {
            return None;
        }
        match (cli::server_url(text), cli::room(self.room.trim())) {
            // While somebody writes, an address is wrong most of the time.
            (Err(error), _) if !field.has_focus() => {
                ui.label(RichText::new(words::sentence(&error)).color(ui.visuals().error_fg_color));
                None
            }
            (Ok(server), _) if server.protocol == Protocol::Manual => {
                ui.weak(words::LINE_BY_HAND);
                None
            }
            (Ok(server), Ok(room)) => {
                let Wanted::Open(link) = Invitation::at(&server, &room).draw(ui)?;
                Some(Wish::Open(link))
            }
            _ => None,
        }
    }

    /// The picture of the camera, the loudness of the microphone, the pickers.
    fn media(&mut self, ui: &mut Ui, list: &DeviceList) -> Option<Change> {
        ui.vertical(|ui| {
            let width = ui.available_width().min(COLUMN);
            ui.set_max_width(width);
            let (area, response) = ui.allocate_exact_size(Vec2::new(width, width * 9.0 / 16.0), Sense::hover());
            let is_there = self.show(ui, area);
            let missing = words::instead(words::PREVIEW, words::NO_PREVIEW);
            let name = if is_there { words::PREVIEW } else { &missing };
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
            ui.label(words::MICROPHONE_LEVEL);
            meter::bar(ui, words::MICROPHONE_LEVEL, self.level().unwrap_or(0.0));
            devices::pickers(ui, list, &self.media_in_use(), Some(self.choice.format))
        })
        .inner
    }

    fn show(&mut self, ui: &Ui, area: Rect) -> bool {
        ui.painter().rect_filled(area, 6.0, theme::STAGE);
        let is_there = self.picture.as_mut().is_some_and(|picture| {
            picture.refresh(ui.ctx());
            picture.draw(ui.painter(), area, true)
        });
        if !is_there {
            let font = egui::FontId::proportional(14.0);
            let color = theme::DIM_ON_STAGE;
            ui.painter().text(area.center(), egui::Align2::CENTER_CENTER, words::NO_PREVIEW, font, color);
        }
        is_there
    }

    fn media_in_use(&self) -> MediaInUse {
        let mut media = self.preview.as_ref().map_or_else(MediaInUse::default, Preview::in_use);
        media.video_in = self.choice.video_in.clone();
        media.audio_in = self.choice.audio_in.clone();
        media.audio_out = self.choice.audio_out.clone();
        media
    }

    fn change(&mut self, change: Option<Change>, tools: &Tools) -> Option<Wish> {
        match change? {
            Change::TestSound => return Some(Wish::TestSound),
            Change::Speaker(speaker) => self.choice.audio_out = speaker,
            Change::Video(source) => {
                if let Some(preview) = &self.preview {
                    preview.set_video_source(source.clone());
                }
                self.choice.video_in = source;
            }
            Change::Audio(source) => {
                if let Some(preview) = &self.preview {
                    preview.set_audio_source(source.clone());
                }
                self.choice.audio_in = source;
            }
            Change::Format(format) => {
                self.choice.format = format;
                // The camera has to be opened anew, after it was let go.
                (self.picture, self.preview) = (None, None);
                self.look(tools);
            }
        }
        None
    }

    fn look(&mut self, tools: &Tools) {
        self.preview = (tools.preview)(&self.choice);
        self.picture = self.preview.as_ref().map(|preview| View::new("preview", preview.pictures()));
    }

    /// The choice, if it can be called; else the page says what is missing.
    fn checked(&mut self) -> Option<Choice> {
        match self.check() {
            Ok(choice) => {
                self.error = None;
                Some(choice)
            }
            Err(error) => {
                self.error = Some(words::sentence(&error));
                None
            }
        }
    }

    fn check(&self) -> Result<Choice, String> {
        let (room, server) = (self.room.trim(), self.server.trim());
        if self.by_server && server.is_empty() {
            return Err(words::SERVER_MISSING.to_owned());
        }
        let server = self.by_server.then(|| cli::server_url(server)).transpose()?;
        // Who calls by hand, or a media server, may leave it out.
        if room.is_empty() && cli::place(None, server.as_ref()).is_none() {
            return Err(words::ROOM_MISSING.to_owned());
        }
        let room = Some(room).filter(|room| !room.is_empty()).map(cli::room).transpose()?;
        Ok(Choice { room, server, ..self.choice.clone() })
    }
}

/// Light, dark, or as the desktop wishes.
fn themes(ui: &mut Ui, now: ThemePreference) -> Option<Wish> {
    let mut chosen = now;
    ui.label(words::THEME);
    ui.horizontal_wrapped(|ui| {
        ui.radio_value(&mut chosen, ThemePreference::System, words::THEME_SYSTEM);
        ui.radio_value(&mut chosen, ThemePreference::Light, words::THEME_LIGHT);
        ui.radio_value(&mut chosen, ThemePreference::Dark, words::THEME_DARK);
    });
    (chosen != now).then_some(Wish::Theme(chosen))
}
