//! The page of a call from its first moment to its last: pictures, state, buttons, and what can be opened beside them.
//! It draws what the engine says and sends commands; what it keeps is where things are drawn and what is open.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use call_engine::devices::DeviceList;
use call_engine::{AudioSink, Command, Phase, Snapshot};
use eframe::egui;
use egui::{Frame, Margin, Panel, Rect, ScrollArea, Ui, UiBuilder, Vec2};

use super::bar::{self, Shown};
use super::by_hand::Lines;
use super::chat::Chat;
use super::devices::{self, Change};
use super::invitation::{Invitation, Wanted};
use super::pictures::Pictures;
use super::{Handset, Tone, Tools, figures, keys, status, theme};
use crate::face::{Action, ByHand, Key, Looks, Step, Story, action, words};

/// What lies beside the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Chat,
    Devices,
}

/// What only the window can do.
pub(crate) enum Wish {
    FullScreen,
    Help,
    Open(String),
    TestSound(AudioSink),
}

/// The page.
pub(crate) struct CallPage {
    handset: Handset,
    pictures: Pictures,
    side: Option<Side>,
    chat: Chat,
    lines: Lines,
    figures: bool,
    talks: bool,
    ring: Option<Box<dyn Any>>,
}

impl CallPage {
    /// A page for this call.
    pub(crate) fn new(handset: Handset) -> Self {
        let pictures = Pictures::new(handset.remote.clone(), handset.local.clone());
        Self {
            handset,
            pictures,
            side: None,
            chat: Chat::default(),
            lines: Lines::default(),
            figures: false,
            talks: false,
            ring: None,
        }
    }

    /// The state of the call now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.handset.snapshot.borrow().clone()
    }

    /// The room that is called.
    pub(crate) fn room(&self) -> &str {
        &self.handset.room
    }

    /// Says something for a while.
    pub(crate) fn tell(&self, text: String) {
        self.story().notice(Instant::now(), text);
    }

    /// Opens or closes something beside the pictures.
    pub(crate) fn open(&mut self, panel: control_codec::Panel, on: bool) {
        let side = match panel {
            control_codec::Panel::Chat => Side::Chat,
            control_codec::Panel::Devices => Side::Devices,
            control_codec::Panel::Statistics => return self.figures = on,
            control_codec::Panel::Help => return,
        };
        if on && self.side != Some(side) {
            self.chat.opened();
        }
        self.side = if on { Some(side) } else { self.side.filter(|open| *open != side) };
    }

    /// Large and small picture change places.
    pub(crate) fn swap(&mut self) {
        self.pictures.swap();
    }

    /// What is open.
    pub(crate) fn looks(&self, looks: &mut Looks) {
        looks.chat = self.side == Some(Side::Chat);
        looks.devices = self.side == Some(Side::Devices);
        looks.statistics = self.figures;
        looks.swapped = self.pictures.is_swapped();
    }

    /// Draws the page and sends what was asked for, by these keys too.
    pub(crate) fn draw(
        &mut self,
        ui: &mut Ui,
        keys: Vec<Key>,
        list: &DeviceList,
        tools: &Tools,
        full_screen: bool,
    ) -> Vec<Wish> {
        let snapshot = self.snapshot();
        self.story().measured(&snapshot);
        self.ring(&snapshot, tools);
        let mut wishes = Vec::new();
        let mut actions: Vec<_> = keys.into_iter().filter_map(|key| self.key(key, &snapshot, full_screen)).collect();
        self.push_to_talk(ui, &snapshot);

        let shown = Shown {
            chat: self.side == Some(Side::Chat),
            unread: self.story().unread(),
            devices: self.side == Some(Side::Devices),
            figures: self.figures,
            full_screen,
            microphone_level: self.handset.levels.microphone.peak(),
        };
        let frame = Frame::side_top_panel(ui.style());
        Panel::bottom("bar").exact_size(bar::HEIGHT).frame(frame).show(ui, |ui| {
            actions.extend(bar::draw(ui, &snapshot, &shown));
        });
        if let Some(side) = self.side {
            let width = (ui.available_width() * 0.4).clamp(120.0, 300.0);
            // As far from the top as from the sides.
            let frame = frame.inner_margin(Margin { top: 8, ..frame.inner_margin });
            Panel::right("side").exact_size(width).frame(frame).show(ui, |ui| match side {
                Side::Chat => self.write(ui),
                Side::Devices => wishes.extend(self.choose(ui, list, &snapshot)),
            });
        }
        egui::CentralPanel::no_frame().show(ui, |ui| {
            let (more, wish) = self.stage(ui, &snapshot);
            actions.extend(more);
            wishes.extend(wish);
        });
        for action in actions {
            wishes.extend(self.act(action, &snapshot));
        }
        wishes
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        lock(&self.handset.story)
    }

    fn send(&self, command: Command) {
        // A window never waits; a full queue means that the call is ending anyway.
        let _ = self.handset.commands.try_send(command);
    }

    /// Escape closes what is open, one thing after the other.
    fn key(&mut self, key: Key, snapshot: &Snapshot, full_screen: bool) -> Option<Action> {
        if key != Key::Escape {
            return action(key, snapshot);
        }
        if self.side.take().is_some() || std::mem::take(&mut self.figures) {
            return None;
        }
        full_screen.then_some(Action::FullScreen)
    }

    /// Who is muted talks while the space key is held.
    fn push_to_talk(&mut self, ui: &Ui, snapshot: &Snapshot) {
        let left = ui.input(|input| !input.focused);
        match keys::space(ui.ctx()) {
            Some(true) if !snapshot.microphone_on && snapshot.end.is_none() => {
                self.talks = true;
                self.send(Command::SetMicrophoneOn(true));
            }
            Some(false) => self.silence(),
            _ if left => self.silence(),
            _ => {}
        }
    }

    fn silence(&mut self) {
        if std::mem::take(&mut self.talks) {
            self.send(Command::SetMicrophoneOn(false));
        }
    }

    /// Rings as long as somebody waits for an answer.
    fn ring(&mut self, snapshot: &Snapshot, tools: &Tools) {
        if snapshot.phase != Phase::Ringing {
            self.ring = None;
        } else if self.ring.is_none() {
            self.ring = Some((tools.play)(snapshot.media.audio_out.clone(), Tone::Ring));
        }
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Option<Wish> {
        for command in action.commands(snapshot) {
            // Whoever mutes by key or click while talking by the space key means it.
            self.talks &= !matches!(command, Command::SetMicrophoneOn(_));
            self.send(command);
        }
        match action {
            Action::Chat => {
                self.side = self.toggled(Side::Chat);
                self.chat.opened();
            }
            Action::Devices => self.side = self.toggled(Side::Devices),
            Action::Figures => self.figures = !self.figures,
            Action::Swap => self.pictures.swap(),
            Action::FullScreen => return Some(Wish::FullScreen),
            Action::Help => return Some(Wish::Help),
            _ => {}
        }
        None
    }

    fn toggled(&self, side: Side) -> Option<Side> {
        if self.side == Some(side) { None } else { Some(side) }
    }

    fn write(&mut self, ui: &mut Ui) {
        let mut story = lock(&self.handset.story);
        story.read();
        if let Some(text) = self.chat.draw(ui, &story) {
            story.said(text.clone());
            drop(story);
            self.send(Command::SendChat(text));
        }
    }

    fn choose(&self, ui: &mut Ui, list: &DeviceList, snapshot: &Snapshot) -> Option<Wish> {
        let change = ScrollArea::vertical().show(ui, |ui| devices::pickers(ui, list, &snapshot.media, None)).inner?;
        match change {
            Change::Video(source) => self.send(Command::SetVideoSource(source)),
            Change::Audio(source) => self.send(Command::SetAudioSource(source)),
            Change::Speaker(sink) => self.send(Command::SetAudioSink(sink)),
            Change::TestSound => return Some(Wish::TestSound(snapshot.media.audio_out.clone())),
            Change::Format(_) => {}
        }
        None
    }

    /// Pictures, and what is said above them.
    fn stage(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> (Vec<Action>, Option<Wish>) {
        let stage = ui.max_rect();
        self.pictures.draw(ui, stage, snapshot);
        let story = self.story();
        // In the middle of the stage lies what says it then.
        let says_it = matches!(snapshot.phase, Phase::Joining | Phase::Waiting | Phase::Ringing);
        let is_said = (says_it && snapshot.end.is_none()) || self.lines_are_carried(snapshot);
        let state = (!is_said).then(|| words::phase(snapshot.phase, &self.handset.room));
        status::draw(ui, stage, state.as_deref(), snapshot, &story, self.talks);
        if self.figures {
            let size = Vec2::new(300.0, 520.0).min(stage.size() - Vec2::splat(24.0)).max(Vec2::splat(40.0));
            let place = Rect::from_min_size(egui::pos2(stage.right() - size.x - 12.0, stage.top() + 12.0), size);
            within(ui, place, |ui| {
                ScrollArea::vertical().show(ui, |ui| figures::draw(ui, snapshot, story.curves(), Instant::now()));
            });
        }
        drop(story);
        let mut actions = Vec::new();
        let mut wish = None;
        if snapshot.phase == Phase::Ringing {
            actions.extend(status::ringing(ui, stage, &self.handset.room));
        } else if self.exchange(ui, stage, snapshot) {
            // Nobody is waited for before the lines went their way.
        } else if matches!(snapshot.phase, Phase::Joining | Phase::Waiting) && snapshot.end.is_none() {
            wish = self.waiting(ui, stage, snapshot).map(|Wanted::Open(link)| Wish::Open(link));
        }
        (actions, wish)
    }

    /// Whether a line of a call by hand is on its way.
    fn lines_are_carried(&self, snapshot: &Snapshot) -> bool {
        let step = self.handset.by_hand.as_ref().map(ByHand::step);
        matches!(step, Some(Step::Offer(_) | Step::Answer(_)))
            && !matches!(snapshot.phase, Phase::Connected | Phase::Ending)
            && snapshot.end.is_none()
    }

    /// The lines of a call by hand, while they are exchanged.
    fn exchange(&mut self, ui: &mut Ui, stage: Rect, snapshot: &Snapshot) -> bool {
        let carried = self.lines_are_carried(snapshot);
        let Some(by_hand) = self.handset.by_hand.as_ref().filter(|_| carried) else { return false };
        let size = Vec2::new(480.0, 640.0).min(stage.size() - Vec2::splat(24.0)).max(Vec2::splat(40.0));
        let place = Rect::from_center_size(stage.center(), size);
        // Nothing shines through where people read.
        ui.painter().rect_filled(place, 6.0, theme::STAGE);
        within(ui, place, |ui| ScrollArea::vertical().show(ui, |ui| self.lines.draw(ui, by_hand)).inner)
    }

    fn waiting(&self, ui: &mut Ui, stage: Rect, snapshot: &Snapshot) -> Option<Wanted> {
        let size = Vec2::new(420.0, 360.0).min(stage.size() - Vec2::splat(24.0)).max(Vec2::splat(40.0));
        let place = Rect::from_center_size(stage.center(), size);
        within(ui, place, |ui| {
            ScrollArea::vertical()
                .show(ui, |ui| {
                    ui.visuals_mut().override_text_color = Some(theme::ON_STAGE);
                    ui.vertical_centered(|ui| {
                        ui.label(egui::RichText::new(words::phase(snapshot.phase, &self.handset.room)).size(20.0));
                    });
                    self.handset.invitation.as_ref().and_then(|invitation: &Invitation| {
                        ui.add_space(8.0);
                        invitation.draw(ui)
                    })
                })
                .inner
        })
    }
}

/// A plate with contents, at a place on the stage.
fn within<T>(ui: &mut Ui, place: Rect, contents: impl FnOnce(&mut Ui) -> T) -> T {
    ui.scope_builder(UiBuilder::new().max_rect(place), |ui| theme::plate().show(ui, contents).inner).inner
}

fn lock(story: &Arc<Mutex<Story>>) -> MutexGuard<'_, Story> {
    // A story whose teller died is still worth reading.
    story.lock().unwrap_or_else(PoisonError::into_inner)
}
