//! The pages of the window and how one follows another: start, placing, call, ended.
//! News of calls come in, wishes go out; each frame draws the page that is shown.

mod looks;
mod ordered;

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use call_engine::devices::DeviceList;
use call_engine::{AudioSink, EndReason, Phase, RoomId, Snapshot};
use eframe::egui;
use egui::{Align, Layout, ThemePreference, Ui, ViewportCommand};
use tokio::sync::{mpsc, watch};

use super::call::{self, CallPage};
use super::ended::{self, EndedPage};
use super::first_paint::FirstPaint;
use super::fonts::Fonts;
use super::start::{self, StartPage};
use super::{Choice, News, Remembered, Tone, Tools, Wish, help, keys, pace};
use crate::face::{self, Action, Key, action, words};

/// How long the reason of an end stays to be read where nobody is expected to choose.
const END_SHOWN: Duration = Duration::from_secs(8);

/// How often what moves is drawn anew: a meter with sound in it, the figures of a call, a meter without sound, and anything else.
const METERS: Duration = Duration::from_millis(100);
const FIGURES: Duration = Duration::from_millis(250);
const SILENT: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_secs(2);

/// A peak above this (-40 dB) moves a meter.
const HEARD: f32 = 0.01;

/// How the window behaves at the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// It was started for one call: an end of our own making closes it.
    pub(crate) one_call: bool,
    /// Nobody is expected to choose: it closes by itself after any end.
    pub(crate) unattended: bool,
}

/// What the window hears from, and whom it asks.
pub(crate) struct Links {
    pub(crate) wishes: mpsc::Sender<Wish>,
    pub(crate) news: std::sync::mpsc::Receiver<News>,
    pub(crate) devices: watch::Receiver<DeviceList>,
    /// Light or dark, as the desktop wishes.
    pub(crate) appearance: watch::Receiver<ThemePreference>,
    /// Where scripts see what is open.
    pub(crate) page: watch::Sender<face::Page>,
    /// Whether the window has the person's attention.
    pub(crate) focus: watch::Sender<bool>,
}

enum Page {
    Start(Box<StartPage>),
    Placing,
    Call(Box<CallPage>),
    Ended(EndedPage),
}

/// The window's contents.
pub(crate) struct App {
    page: Page,
    choice: Option<Choice>,
    /// What a new start page has chosen beforehand.
    defaults: Choice,
    links: Links,
    /// As the links had them last.
    devices: Arc<DeviceList>,
    remembered: Arc<Mutex<Remembered>>,
    fonts: Fonts,
    tools: Tools,
    manner: Manner,
    title: String,
    is_styled: bool,
    is_full: bool,
    shows_help: bool,
    is_closing: bool,
    ended_at: Option<Instant>,
    test_sound: Option<Box<dyn Any>>,
    first_paint: FirstPaint,
}

impl App {
    /// Begins with the call that is being placed, where there is one, else with the start page.
    pub(crate) fn new(
        placing: Option<Choice>,
        defaults: Choice,
        links: Links,
        remembered: Remembered,
        tools: Tools,
        manner: Manner,
    ) -> Self {
        let page = match &placing {
            Some(_) => Page::Placing,
            None => Page::Start(Box::new(StartPage::new(defaults.clone(), &tools))),
        };
        let remembered = Arc::new(Mutex::new(remembered));
        let devices = Arc::new(links.devices.borrow().clone());
        let mut app = Self {
            page,
            choice: None,
            defaults,
            links,
            devices,
            remembered,
            fonts: Fonts::new(tools.find_font.clone()),
            tools,
            manner,
            title: String::new(),
            is_styled: false,
            is_full: false,
            shows_help: false,
            is_closing: false,
            ended_at: None,
            test_sound: None,
            first_paint: FirstPaint::default(),
        };
        if let Some(choice) = placing {
            app.call(choice);
        }
        app.title = app.title();
        app
    }

    /// What is remembered; complete when the window is closed.
    pub(crate) fn remembered(&self) -> Arc<Mutex<Remembered>> {
        self.remembered.clone()
    }

    /// The title that the window is to have now.
    pub(crate) fn title(&self) -> String {
        match &self.page {
            Page::Start(_) => words::title(None, None),
            Page::Placing => {
                words::title(self.choice.as_ref().and_then(|choice| choice.room.as_ref()).map(RoomId::as_str), None)
            }
            Page::Call(page) => words::title(Some(page.room()), Some(words::short_phase(page.snapshot().phase))),
            Page::Ended(page) => words::title(Some(page.room()), Some(words::short_phase(Phase::Ended))),
        }
    }

    /// Whether the window was asked to close.
    #[cfg(test)]
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Draws one frame.
    pub(crate) fn draw(&mut self, ui: &mut Ui) {
        self.dress(ui.ctx());
        while let Ok(news) = self.links.news.try_recv() {
            self.hear(ui, news);
        }
        let keys = self.keys(ui);
        self.page(ui, keys);
        self.settle(ui);
        if self.shows_help {
            self.shows_help = help::draw(ui.ctx());
        }
        let title = self.title();
        if title != self.title {
            ui.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        // Screen readers say it when the window comes to the front.
        ui.ctx().accesskit_node_builder(egui::accesskit_root_id(), |node| node.set_label(self.title.as_str()));
        self.measure(ui);
        self.publish(ui);
        self.fonts.tend(ui.ctx());
        if let Some(wait) = self.refresh() {
            ui.ctx().request_repaint_after(wait);
        }
    }

    /// When to draw again even if no picture, key or event comes: an idle window costs nothing.
    fn refresh(&self) -> Option<Duration> {
        match &self.page {
            Page::Start(page) => page.level().map(|level| if level > HEARD { METERS } else { SILENT }),
            Page::Call(page) if page.snapshot().phase == Phase::Connected => Some(FIGURES),
            Page::Call(_) => Some(IDLE),
            Page::Placing | Page::Ended(_) => self.ended_at.map(|_| IDLE),
        }
    }

    fn known(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places the call, and shows that.
    fn call(&mut self, choice: Choice) {
        self.known().called(&choice);
        self.choice = Some(choice.clone());
        self.ended_at = None;
        self.page = Page::Placing;
        // The queue is longer than a person is fast; a lost wish leaves a page with a way back.
        let _ = self.links.wishes.try_send(Wish::Call(Box::new(choice)));
    }

    fn start(&mut self) {
        let choice = self.choice.clone().unwrap_or_else(|| self.defaults.clone());
        self.ended_at = None;
        self.page = Page::Start(Box::new(StartPage::new(choice, &self.tools)));
        // The queue is longer than a person is fast.
        let _ = self.links.wishes.try_send(Wish::StartPage);
    }

    fn hear(&mut self, ui: &Ui, news: News) {
        match news {
            News::Placed(handset) => {
                pace::follow(ui.ctx(), handset.remote.clone());
                self.page = Page::Call(Box::new(CallPage::new(handset)));
            }
            News::Notice(text) => self.tell(words::sentence(&text)),
            News::Order(order) => self.obey(ui, order),
            News::Interrupted => self.close(ui),
            News::Refused(_) | News::Cancelled if self.manner.one_call => self.close(ui),
            News::Cancelled => self.start(),
            News::Refused(reason) => {
                self.start();
                self.tell(words::sentence(&reason));
            }
        }
    }

    /// Acts by the keys of every page; gives back those that are for the call.
    fn keys(&mut self, ui: &Ui) -> Vec<Key> {
        let keys = keys::pressed(ui.ctx());
        if matches!(self.page, Page::Call(_)) && !self.shows_help {
            return keys;
        }
        for key in keys {
            match (&self.page, key) {
                (_, Key::Char('?')) => self.shows_help = !self.shows_help,
                (_, Key::Escape) if self.shows_help => self.shows_help = false,
                (Page::Placing, Key::Escape | Key::Char('q')) => self.cancel(),
                (Page::Ended(_), key) => {
                    let over = Snapshot { end: Some(EndReason::HungUp), ..Snapshot::default() };
                    match action(key, &over) {
                        Some(Action::CallAgain) => self.again(),
                        Some(Action::HangUp) => self.close(ui),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Vec::new()
    }

    fn page(&mut self, ui: &mut Ui, keys: Vec<Key>) {
        if self.links.devices.has_changed().unwrap_or(false) {
            self.devices = Arc::new(self.links.devices.borrow_and_update().clone());
        }
        let list = self.devices.clone();
        match &mut self.page {
            Page::Start(page) => {
                let known = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
                let wish = page.draw(ui, &list, &known, &self.tools);
                drop(known);
                match wish {
                    Some(start::Wish::Call(choice)) => self.call(*choice),
                    Some(start::Wish::Open(link)) => self.browse(&link),
                    Some(start::Wish::Help) => self.shows_help = true,
                    Some(start::Wish::Theme(theme)) => self.paint(ui.ctx(), theme),
                    Some(start::Wish::TestSound) => {
                        let sink = page.choice().audio_out.clone();
                        self.test(sink);
                    }
                    None => {}
                }
            }
            Page::Placing => {
                if placing(ui) {
                    self.cancel();
                }
            }
            Page::Call(page) => {
                for wish in page.draw(ui, keys, &list, &self.tools, self.is_full) {
                    match wish {
                        call::Wish::FullScreen => self.fill(ui),
                        call::Wish::Help => self.shows_help = !self.shows_help,
                        call::Wish::Open(link) => self.browse(&link),
                        call::Wish::TestSound(sink) => self.test(sink),
                    }
                }
            }
            Page::Ended(page) => match page.draw(ui) {
                Some(ended::Wish::CallAgain) => self.again(),
                Some(ended::Wish::StartPage) => self.start(),
                Some(ended::Wish::Close) => self.close(ui),
                None => {}
            },
        }
    }

    /// A call that is over gives way to the page that says why, or to nothing.
    fn settle(&mut self, ui: &Ui) {
        if self.ended_at.is_some_and(|at| at.elapsed() > END_SHOWN) {
            self.close(ui);
        }
        let Page::Call(page) = &self.page else { return };
        let (room, snapshot) = (page.room().to_owned(), page.snapshot());
        let Some(end) = &snapshot.end else { return };
        if let Some(choice) = &mut self.choice {
            // What was switched in the call stays so.
            choice.video_in = snapshot.media.video_in.clone();
            choice.audio_in = snapshot.media.audio_in.clone();
            choice.audio_out = snapshot.media.audio_out.clone();
            self.remembered.lock().unwrap_or_else(PoisonError::into_inner).devices(choice);
        }
        let ours = matches!(end, EndReason::HungUp | EndReason::Declined | EndReason::DurationReached);
        if *end == EndReason::Interrupted || (ours && self.manner.one_call) {
            self.close(ui);
        }
        self.ended_at = self.manner.unattended.then(Instant::now);
        self.page = Page::Ended(EndedPage::new(room, words::sentence(&end.to_string())));
        if self.is_full {
            self.fill(ui);
        }
        ui.ctx().request_repaint();
    }

    fn close(&mut self, ui: &Ui) {
        self.is_closing = true;
        ui.send_viewport_cmd(ViewportCommand::Close);
    }

    fn again(&mut self) {
        if let Some(choice) = self.choice.clone() {
            self.call(choice);
        }
    }

    fn cancel(&mut self) {
        let _ = self.links.wishes.try_send(Wish::Cancel);
    }

    fn fill(&mut self, ui: &Ui) {
        self.is_full = !self.is_full;
        ui.send_viewport_cmd(ViewportCommand::Fullscreen(self.is_full));
    }

    fn test(&mut self, sink: AudioSink) {
        self.test_sound = Some((self.tools.play)(sink, Tone::Test));
    }

    fn browse(&mut self, link: &str) {
        if !(self.tools.browse)(link) {
            self.tell(words::LINK_FAILED.to_owned());
        }
    }

    fn tell(&mut self, text: String) {
        match &mut self.page {
            Page::Start(page) => page.tell(text),
            Page::Call(page) => page.tell(text),
            Page::Placing | Page::Ended(_) => {}
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.first_paint.drawing(ui.ctx());
        self.draw(ui);
    }

    /// The stage of a call is what nothing is drawn on: to fill it would cost a third of a drawing without a graphics card.
    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        super::theme::STAGE.to_normalized_gamma_f32()
    }
}

/// The moment between the wish and the call; true when it is to be given up.
fn placing(ui: &mut Ui) -> bool {
    let mut cancelled = false;
    egui::CentralPanel::default().show(ui, |ui| {
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.add_space(ui.available_height() * 0.35);
            ui.heading(words::PLACING);
            cancelled = ui.button(words::CANCEL).clicked();
        });
    });
    cancelled
}
