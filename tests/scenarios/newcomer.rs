//! A newcomer calls, mutes, switches the microphone, chats and hangs up: with the keyboard alone, and with the mouse alone.
//! Window, keys, pointer, microphones and call are real; what is where on the screen is asked as a screen reader asks it.

use std::time::{Duration, Instant};

use ringback_tests::accessible::{Control, Desktop, Role};
use ringback_tests::control::{Script, SocketPlace};
use ringback_tests::place::alone;
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Running, Server};
use ringback_tests::pulse::Pulse;
use ringback_tests::screen::Screen;
use ringback_tests::sound::{listen, so_far, tone_file};
use serde_json::json;

const ENDS: Duration = Duration::from_secs(40);

/// What the default microphone and the other one hear, in hertz.
const USUAL: f32 = 440.0;
const OTHER: f32 = 1_250.0;

/// Name of the other microphone.
const HEADSET: &str = "headset";

/// The window's title has this in it on every page.
const TITLE: &str = "Ringback";

/// Somebody who has never called before, at a machine with two microphones.
struct Newcomer {
    window: Running,
    desktop: Desktop,
    screen: Screen,
    server: Server,
    _voices: [Process; 2],
    _pulse: Pulse,
}

impl Newcomer {
    /// Opens the window as a menu does: no room is named, and nothing is remembered. Only the server is given.
    fn start() -> Option<Self> {
        let desktop = Desktop::start()?;
        let (server, screen, pulse) = (Server::start(), Screen::start(), Pulse::start());
        pulse.plug_in_microphone_elsewhere(HEADSET);
        let voices = [pulse.speak(&tone_file(USUAL, 120)), pulse.speak_into(HEADSET, &tone_file(OTHER, 120))];
        let window = Call::to("window", &server.url())
            .shown_on(&screen)
            .media("test", "auto")
            .option("--size", "320x180")
            .env("PULSE_SERVER", pulse.address())
            .env("DBUS_SESSION_BUS_ADDRESS", desktop.address())
            .start();
        Some(Self { window, desktop, screen, server, _voices: voices, _pulse: pulse })
    }

    fn press(&self, key: &str) {
        self.screen.press(TITLE, key);
    }

    fn click(&self, role: Role, name: &str) {
        let [x, y] = self.desktop.middle(role, name);
        let [left, top, ..] = self.screen.window(TITLE).map(|pixels| pixels as i32);
        self.screen.click([left + x, top + y]);
    }

    /// Goes on with the Tab key until this control, once it is there, has the focus.
    fn tab_to(&self, role: Role, name: &str) {
        let aim = self.desktop.control(role, name);
        let focused = |controls: &[Control]| controls.iter().find(|control| control.is_focused).cloned();
        let mut passed = String::new();
        for _ in 0..40 {
            let before = focused(&self.desktop.controls());
            let is_at = |control: &Control| before.as_ref().is_some_and(|before| before.is(control));
            if is_at(&aim) {
                return;
            }
            passed.extend(before.iter().map(|control| format!("\n  {control}")));
            self.press("Tab");
            self.desktop.until("other focus", |controls| focused(controls).filter(|now| !is_at(now)));
        }
        panic!("the Tab key does not lead to {name}, but to{passed}");
    }

    /// Waits until this control has the focus.
    fn focuses(&self, role: Role, name: &str) {
        let has = |control: &Control| control.fits(role, name) && control.is_focused;
        self.desktop.until(&format!("focus on {name}"), |controls| controls.iter().any(has).then_some(()));
    }

    /// Waits for these controls; nothing that can be used is without a name beside them.
    fn shows(&self, controls: &[(Role, &str)]) {
        for (role, name) in controls {
            self.desktop.control(*role, name);
        }
        for control in self.desktop.controls() {
            assert!(!control.is_focusable || !control.name.is_empty(), "{control} has no name");
        }
    }

    /// Waits for a line that says this.
    fn says(&self, words: &str) {
        self.desktop.until(words, |controls| controls.iter().any(|control| control.name.contains(words)).then_some(()));
    }

    /// Waits until nothing of this role and name is there any more.
    fn misses(&self, role: Role, name: &str) {
        let is_gone = |controls: &[Control]| !controls.iter().any(|control| control.fits(role, name));
        self.desktop.until(&format!("window without {name}"), |controls| {
            (!controls.is_empty() && is_gone(controls)).then_some(())
        });
    }
}

/// The one who is called: a program that only listens, and says what it is told.
struct Peer {
    call: Running,
    script: Script,
    _place: SocketPlace,
}

impl Peer {
    fn join(server: &Server, room: &str) -> Self {
        let place = SocketPlace::new();
        let call = Call::new("peer", room).on(server).media("none", "none").recorded();
        let call = call.option("--video-out", "none").option("--control", &place.text()).start();
        let mut script = Script::connect(&place.path());
        script.asks(json!({ "do": "subscribe", "snapshots": false }));
        Self { call, script, _place: place }
    }

    /// What it is told of the newcomer's microphone.
    fn sees_the_microphone(&mut self, on: bool) {
        self.script.state("the newcomer's microphone", |state| state["peer"]["microphone_on"] == on);
    }

    /// Waits until the last half of a second was nearly all this tone, or silence.
    fn hears(&self, hz: Option<f32>) {
        let deadline = Instant::now() + ENDS;
        loop {
            // What is on the disk grows by a second at a time.
            let sound = so_far(&self.call.sound());
            let heard = listen(&sound[sound.len().saturating_sub(24_000)..], hz.unwrap_or(USUAL));
            let is_it = if hz.is_some() { heard.tone > 0.35 } else { heard.sound < 0.05 };
            if heard.total > 0.45 && is_it {
                return;
            }
            if Instant::now() > deadline {
                self.call.process.fail(&format!("does not hear {hz:?} but {heard:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn writes(&mut self, text: &str) {
        self.script.asks(json!({ "do": "chat", "text": text }));
    }

    fn reads(&mut self, text: &str) {
        self.script.wait(text, |told| told["event"] == "chat" && told["text"] == text);
    }

    /// The newcomer hung up.
    fn ends(mut self) {
        self.script.wait("the end", |told| told["event"] == "ended" && told["reason"] == "peer_hung_up");
        self.call.ends_with(0, ENDS);
    }
}

#[test]
fn with_the_keyboard_alone() {
    let _alone = alone();
    let Some(mut newcomer) = Newcomer::start() else { return };
    let mut peer = Peer::join(&newcomer.server, "attic");
    peer.script.state("waiting", |state| state["phase"] == "waiting");

    // The room's field has the keyboard from the start.
    newcomer.screen.focus(TITLE);
    newcomer.focuses(Role::Entry, "Room");
    newcomer.screen.write(TITLE, "attic");
    newcomer.press("Return");
    newcomer.desktop.control(Role::Button, "Mute");
    peer.hears(Some(USUAL));

    newcomer.press("m");
    peer.sees_the_microphone(false);
    newcomer.says("You are muted");
    peer.hears(None);
    newcomer.press("m");
    peer.sees_the_microphone(true);
    peer.hears(Some(USUAL));

    newcomer.press("o");
    newcomer.tab_to(Role::ComboBox, "Microphone");
    newcomer.press("Return");
    newcomer.tab_to(Role::ToggleButton, HEADSET);
    newcomer.press("Return");
    peer.hears(Some(OTHER));

    peer.writes("Good evening.");
    newcomer.desktop.control(Role::ToggleButton, "Chat, 1 new");
    newcomer.press("c");
    newcomer.says("Other: Good evening.");
    newcomer.focuses(Role::Entry, "Message");
    newcomer.screen.write(TITLE, "hello");
    newcomer.press("Return");
    peer.reads("hello");

    // The first Escape leaves the field, the second closes the chat.
    newcomer.press("Escape");
    newcomer.focuses(Role::Frame, "Ringback: attic \u{2014} connected");
    newcomer.press("Escape");
    newcomer.misses(Role::Entry, "Message");
    newcomer.press("q");
    peer.ends();
    newcomer.says("You hung up.");
    newcomer.press("q");
    newcomer.window.ends_with(0, ENDS);
    assert_eq!(newcomer.window.report().text("end.reason"), "hung_up");
}

#[test]
fn with_the_mouse_alone_and_every_control_is_told_to_a_screen_reader() {
    let _alone = alone();
    let Some(mut newcomer) = Newcomer::start() else { return };
    newcomer.shows(&[
        (Role::Frame, "Ringback"),
        (Role::Entry, "Room"),
        (Role::Button, "Call"),
        (Role::Button, "Help"),
        (Role::RadioButton, "At a server"),
        (Role::Entry, "Server address"),
        (Role::Image, "Camera preview"),
        (Role::LevelBar, "Microphone level"),
        (Role::ComboBox, "Camera"),
        (Role::ComboBox, "Picture size"),
        (Role::ComboBox, "Microphone"),
        (Role::ComboBox, "Speaker"),
        (Role::Button, "Test sound"),
    ]);

    newcomer.click(Role::Button, "New room");
    let room = newcomer.desktop.until("name of the new room", |controls| {
        let field = controls.iter().find(|control| control.fits(Role::Entry, "Room"))?;
        Some(newcomer.desktop.text(field)).filter(|room| !room.is_empty())
    });
    newcomer.click(Role::Button, "Call");
    newcomer.says(&format!("waiting for somebody to join \u{201c}{room}\u{201d}"));
    // As somebody does who was told the name.
    let mut peer = Peer::join(&newcomer.server, &room);
    newcomer.click(Role::Button, "Accept");
    peer.hears(Some(USUAL));
    newcomer.shows(&[
        (Role::Frame, &format!("Ringback: {room} \u{2014} connected")),
        (Role::Button, "Mute"),
        (Role::Button, "Turn camera off"),
        (Role::ToggleButton, "Chat"),
        (Role::ToggleButton, "Devices"),
        (Role::ToggleButton, "Statistics"),
        (Role::ToggleButton, "Full screen"),
        (Role::Button, "Help"),
        (Role::Button, "Hang up"),
    ]);

    newcomer.click(Role::Button, "Mute");
    peer.sees_the_microphone(false);
    peer.hears(None);
    newcomer.click(Role::Button, "Unmute");
    peer.sees_the_microphone(true);
    peer.hears(Some(USUAL));

    newcomer.click(Role::ToggleButton, "Devices");
    newcomer.click(Role::ComboBox, "Microphone");
    newcomer.shows(&[(Role::ToggleButton, "No microphone")]);
    newcomer.click(Role::ToggleButton, HEADSET);
    peer.hears(Some(OTHER));

    peer.writes("Do you see me?");
    newcomer.click(Role::ToggleButton, "Chat, 1 new");
    newcomer.says("Other: Do you see me?");
    newcomer.shows(&[(Role::Entry, "Message"), (Role::Button, "Send"), (Role::Button, "Yes.")]);
    newcomer.click(Role::Button, "I can't see you.");
    peer.reads("I can't see you.");

    newcomer.click(Role::Button, "Hang up");
    peer.ends();
    newcomer.says("You hung up.");
    newcomer.shows(&[(Role::Button, "Call again"), (Role::Button, "Back to the start page")]);
    newcomer.click(Role::Button, "Close");
    newcomer.window.ends_with(0, ENDS);
    assert_eq!(newcomer.window.report().text("end.reason"), "hung_up");
}
