//! What the window remembers from one run to the next: rooms, server, devices and its own size.
//! Nothing secret is in it, and nothing that a call needs: without it the window starts with its defaults.

use std::str::FromStr;

use call_engine::{AudioSink, AudioSource, RoomId, ServerUrl, VideoSource};
use eframe::egui::ThemePreference;

use super::Choice;
use crate::cli;
use crate::desktop::settings::{SettingsError, Store, Theme};

/// Rooms that the start page offers again.
const MAX_ROOMS: usize = 8;

/// As plain text and numbers, to be kept in a file. Sources and sinks are spelled as on the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Remembered {
    /// Rooms that were called, the latest first.
    pub(crate) rooms: Vec<String>,
    /// The server that was used last; `None` for this machine and network.
    pub(crate) server: Option<String>,
    /// `--video-in`.
    pub(crate) video_in: Option<String>,
    /// `--audio-in`.
    pub(crate) audio_in: Option<String>,
    /// `--audio-out`.
    pub(crate) audio_out: Option<String>,
    /// Width and height of the window, in points.
    pub(crate) size: Option<[f32; 2]>,
    /// How much larger everything is drawn than the screen asks for: 1 to 3.
    pub(crate) zoom: Option<f32>,
    /// Light or dark whatever the desktop wishes, where the settings say so.
    pub(crate) theme: ThemePreference,
}

impl Remembered {
    /// A call is placed: its room comes first from now on.
    pub(crate) fn called(&mut self, choice: &Choice) {
        if let Some(room) = choice.room.as_ref().map(ToString::to_string) {
            self.rooms.retain(|known| *known != room);
            self.rooms.insert(0, room);
        }
        self.rooms.truncate(MAX_ROOMS);
        self.server = choice.server.as_ref().filter(|server| tells_nothing(server)).map(ToString::to_string);
        self.devices(choice);
    }

    /// Fills in what `choice` leaves open.
    pub(crate) fn fill(&self, choice: &mut Choice) {
        fn known<T: FromStr>(text: Option<&String>) -> Option<T> {
            text?.parse().ok()
        }
        if choice.server.is_none() {
            choice.server = self.server.as_ref().and_then(|text| cli::server_url(text).ok());
        }
        if choice.video_in == VideoSource::Auto {
            choice.video_in = known(self.video_in.as_ref()).unwrap_or(VideoSource::Auto);
        }
        if choice.audio_in == AudioSource::Auto {
            choice.audio_in = known(self.audio_in.as_ref()).unwrap_or(AudioSource::Auto);
        }
        if choice.audio_out == AudioSink::Auto {
            choice.audio_out = known(self.audio_out.as_ref()).unwrap_or(AudioSink::Auto);
        }
    }

    /// Devices were chosen. Files and a program's own media are for one call only.
    pub(crate) fn devices(&mut self, choice: &Choice) {
        let lasting = |text: String| Some(text).filter(|text| !text.starts_with("file:") && text != "the program");
        self.video_in = lasting(choice.video_in.to_string());
        self.audio_in = lasting(choice.audio_in.to_string());
        self.audio_out = lasting(choice.audio_out.to_string());
    }
}

/// What was remembered the last time, and what is wrong with it, if anything.
pub(crate) fn load() -> (Remembered, Option<String>) {
    let (settings, problem) = Store::of_this_person().load();
    let mut rooms: Vec<String> = Vec::new();
    for recent in settings.recent() {
        if !rooms.contains(&recent.room) {
            rooms.push(recent.room.clone());
        }
    }
    let remembered = Remembered {
        rooms,
        server: settings.server().map(str::to_owned),
        video_in: settings.camera,
        audio_in: settings.microphone,
        audio_out: settings.speaker,
        size: settings.window_size,
        zoom: settings.zoom,
        theme: match settings.theme {
            Theme::System => ThemePreference::System,
            Theme::Light => ThemePreference::Light,
            Theme::Dark => ThemePreference::Dark,
        },
    };
    (remembered, problem.map(|problem| problem.to_string()))
}

/// Keeps it for the next time.
///
/// # Errors
/// When the file cannot be written; it is then as before.
pub(crate) fn save(remembered: &Remembered) -> Result<(), SettingsError> {
    Store::of_this_person().change(|settings| {
        let known = settings.recent().first().map(|recent| recent.room.clone());
        for room in
            remembered.rooms.iter().take_while(|room| Some(*room) != known.as_ref()).collect::<Vec<_>>().iter().rev()
        {
            settings.called(room, remembered.server.as_deref());
        }
        settings.camera.clone_from(&remembered.video_in);
        settings.microphone.clone_from(&remembered.audio_in);
        settings.speaker.clone_from(&remembered.audio_out);
        settings.window_size = remembered.size;
        settings.zoom = remembered.zoom;
        settings.theme = match remembered.theme {
            ThemePreference::System => Theme::System,
            ThemePreference::Light => Theme::Light,
            ThemePreference::Dark => Theme::Dark,
        };
    })
}

/// Keeps the room of a call that was shown elsewhere, for the start page. Devices stay as they were chosen in the window.
///
/// # Errors
/// When the file cannot be written; it is then as before.
pub(crate) fn joined(room: &RoomId, server: Option<&ServerUrl>) -> Result<(), SettingsError> {
    joined_in(&Store::of_this_person(), room, server)
}

fn joined_in(store: &Store, room: &RoomId, server: Option<&ServerUrl>) -> Result<(), SettingsError> {
    let server = server.filter(|server| tells_nothing(server)).map(ToString::to_string);
    store.change(|settings| settings.called(room.as_str(), server.as_deref()))
}

/// An address with a password or a key in it is not written to a file.
fn tells_nothing(server: &ServerUrl) -> bool {
    let url = &server.url;
    url.username().is_empty() && url.password().is_none() && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::fixture::choice;

    #[test]
    fn rooms_come_back_latest_first_and_are_few() {
        let mut remembered = Remembered::default();
        for room in ["a", "b", "a", "c", "d", "e", "f", "g", "h", "i"] {
            remembered.called(&choice(room));
        }
        assert_eq!(remembered.rooms, ["i", "h", "g", "f", "e", "d", "c", "a"]);
    }

    #[test]
    fn a_room_that_was_joined_without_a_window_comes_first_and_nothing_else_changes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::at(folder.path().join("settings.json"));
        store.change(|settings| settings.camera = Some("camera:/dev/video2".into())).expect("writable");
        let room = |name| cli::room(name).expect("a room");
        let server = |address| cli::server_url(address).expect("an address");
        joined_in(&store, &room("kitchen"), None).expect("writable");
        joined_in(&store, &room("office"), Some(&server("wss://example.org/signaling"))).expect("writable");
        joined_in(&store, &room("attic"), Some(&server("wss://example.org/signaling?token=swordfish")))
            .expect("writable");
        joined_in(&store, &room("kitchen"), None).expect("writable");
        let (settings, problem) = store.load();
        assert!(problem.is_none());
        let recent: Vec<_> =
            settings.recent().iter().map(|recent| (recent.room.as_str(), recent.server.as_deref())).collect();
        assert_eq!(
            recent,
            [("kitchen", None), ("attic", None), ("office", Some("wss://example.org/signaling"))],
            "each once, and no server whose address has a secret"
        );
        assert_eq!(settings.camera.as_deref(), Some("camera:/dev/video2"));
    }

    #[test]
    fn an_address_with_a_secret_and_a_file_are_forgotten() {
        for (address, kept) in [
            ("wss://example.org/signaling", true),
            ("wss://me:swordfish@example.org/signaling", false),
            ("wss://example.org/signaling?key=swordfish", false),
        ] {
            let Ok(server) = cli::server_url(address) else { continue };
            let mut remembered = Remembered::default();
            let mut choice = choice("kitchen");
            choice.server = Some(server);
            choice.video_in = "file:clip.y4m".parse().expect("a source");
            remembered.called(&choice);
            assert_eq!(remembered.server.is_some(), kept, "{address}");
            assert_eq!((remembered.video_in.as_deref(), remembered.audio_in.as_deref()), (None, Some("auto")));
        }
    }
}
