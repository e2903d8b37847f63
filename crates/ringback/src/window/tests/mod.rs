//! The window as a person uses it, control by control and by accessible name, with a fake engine behind.
//! No call, device, screen or sound is needed: pages are drawn from plain data, and what they ask for is looked at.

mod by_hand;
mod calling;
mod controls;
mod fonts;
mod look;
mod newcomer;
mod ordered;
mod raster;
mod starting;

use std::rc::Rc;

use call_engine::devices::{AudioDeviceInfo, DeviceList};
use call_engine::{Phase, Snapshot};
use eframe::egui;
use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use tokio::sync::{mpsc, watch};

use super::fixture::{self, Done, Engine, choice};
use super::{App, Choice, Handset, Links, Manner, News, Remembered, Tools, WISHES, Wish};

/// A window, the operator that it talks to, and what it did outside of itself.
struct Stand {
    harness: Harness<'static, App>,
    wishes: mpsc::Receiver<Wish>,
    news: std::sync::mpsc::Sender<News>,
    devices: watch::Sender<DeviceList>,
    appearance: watch::Sender<egui::ThemePreference>,
    page: watch::Receiver<crate::face::Page>,
    focus: watch::Receiver<bool>,
    done: Rc<Done>,
}

impl Stand {
    /// A window with its start page, in which two rooms are remembered.
    fn start() -> Self {
        Self::with(None, Manner { one_call: false, unattended: false }, |builder| builder)
    }

    /// A window in a call of this state.
    fn call(first: Snapshot) -> (Self, Engine) {
        let mut stand =
            Self::with(Some(choice("kitchen")), Manner { one_call: true, unattended: false }, |builder| builder);
        let engine = stand.place(first);
        (stand, engine)
    }

    fn with(
        placing: Option<Choice>,
        manner: Manner,
        build: impl FnOnce(egui_kittest::HarnessBuilder<App>) -> egui_kittest::HarnessBuilder<App>,
    ) -> Self {
        Self::with_tools(placing, manner, fixture::tools(), build)
    }

    fn with_tools(
        placing: Option<Choice>,
        manner: Manner,
        (tools, done): (Tools, Rc<Done>),
        build: impl FnOnce(egui_kittest::HarnessBuilder<App>) -> egui_kittest::HarnessBuilder<App>,
    ) -> Self {
        let (wishes, wished) = mpsc::channel(WISHES);
        let (news, heard) = std::sync::mpsc::channel();
        let (devices, seen) = watch::channel(DeviceList::default());
        let (appearance, wished_look) = watch::channel(egui::ThemePreference::System);
        let (told, page) = watch::channel(crate::face::Page::default());
        let (watched, focus) = watch::channel(true);
        let remembered = Remembered { rooms: vec!["kitchen".into(), "garden".into()], ..Remembered::default() };
        let defaults = Choice { room: None, ..choice("kitchen") };
        let links = Links { wishes, news: heard, devices: seen, appearance: wished_look, page: told, focus: watched };
        let app = App::new(placing, defaults, links, remembered, tools, manner);
        let builder = build(Harness::builder().with_size(egui::vec2(960.0, 640.0)));
        let mut harness = builder.build_eframe(|creation| {
            app.listen(&creation.egui_ctx);
            app
        });
        harness.run();
        Self { harness, wishes: wished, news, devices, appearance, page, focus, done }
    }

    /// The operator places the call that was wished for.
    fn place(&mut self, first: Snapshot) -> Engine {
        let (engine, handset) = Engine::call("kitchen", first);
        assert!(matches!(self.wishes.try_recv(), Ok(Wish::Call(_))), "no call was wished for");
        self.hear(News::Placed(handset));
        engine
    }

    fn hear(&mut self, news: News) {
        self.news.send(news).ok();
        self.harness.run();
    }

    /// Whether a control of this name is shown.
    fn shows(&self, role: Role, name: &str) -> bool {
        self.harness.query_all_by_role_and_label(role, name).next().is_some()
    }

    /// Whether these words are shown.
    fn says(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// Clicks on the button with this name, as a mouse does.
    fn click(&mut self, name: &str) {
        self.harness.get_by_role_and_label(Role::Button, name).click();
        self.harness.run();
    }

    /// Opens a picker and chooses an entry, as a mouse does.
    fn pick(&mut self, picker: &str, entry: &str) {
        self.harness.get_by_role_and_label(Role::ComboBox, picker).click();
        self.harness.run();
        self.click(entry);
    }

    /// Presses and releases a key.
    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run();
    }

    /// Writes into whatever has the keyboard's attention.
    fn write(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.run();
    }

    /// Goes on with the Tab key until this control has the focus.
    fn tab_to(&mut self, role: Role, name: &str) {
        for _ in 0..80 {
            let found = self.harness.query_all_by_role_and_label(role, name).next();
            if found.is_some_and(|node| node.is_focused()) {
                return;
            }
            self.harness.key_press_modifiers(Modifiers::NONE, Key::Tab);
            self.harness.run();
        }
        panic!("the Tab key does not lead to {name}");
    }

    /// Whether the window asked to be closed.
    fn closes(&self) -> bool {
        self.harness.state().is_closing()
    }
}

/// A device of this name.
fn audio(id: &str, name: &str) -> AudioDeviceInfo {
    AudioDeviceInfo { id: id.into(), name: name.into(), default: false, formats: Vec::new() }
}

/// Two microphones and a speaker.
fn desk() -> DeviceList {
    DeviceList {
        cameras: Vec::new(),
        microphones: vec![audio("built-in", "Built-in microphone"), audio("headset", "Headset microphone")],
        speakers: vec![audio("headset", "Headset")],
    }
}

fn in_phase(phase: Phase) -> Snapshot {
    Snapshot { phase, ..Snapshot::default() }
}
