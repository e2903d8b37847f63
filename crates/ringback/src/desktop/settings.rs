//! What the program remembers between two calls: the window's size, devices, theme and recent rooms; never a key or a password.
//! A file that cannot be read or written costs a notice and the memory, never the call.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Rooms that are remembered: as many as are seen at one look.
const MAX_RECENT: usize = 10;

/// Longer names of devices, rooms and servers are not remembered.
const MAX_TEXT: usize = 512;

/// A larger file is not ours.
const MAX_BYTES: u64 = 64 << 10;

/// Sizes of a window that some screen can show, in points.
const SIDES: std::ops::RangeInclusive<f32> = 100.0..=16_384.0;

/// From half the size to what fills a screen with a few buttons.
const ZOOMS: std::ops::RangeInclusive<f32> = 0.5..=4.0;

/// Everything that is remembered; what the person never chose is `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Width and height in points.
    pub(crate) window_size: Option<[f32; 2]>,
    /// How much larger everything is drawn than the screen asks for.
    pub(crate) zoom: Option<f32>,
    pub(crate) theme: Theme,
    /// As after `--server`, the last one.
    server: Option<String>,
    /// As after `--video-in`, `--audio-in` and `--audio-out`.
    pub(crate) camera: Option<String>,
    pub(crate) microphone: Option<String>,
    pub(crate) speaker: Option<String>,
    recent: Vec<Recent>,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    /// As the rest of the desktop.
    #[default]
    System,
    Light,
    Dark,
}

/// A room that was called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Recent {
    pub(crate) room: String,
    /// As after `--server`; `None` for a room without a server of its own.
    pub(crate) server: Option<String>,
}

impl Settings {
    /// Rooms that were called, the latest first.
    pub(crate) fn recent(&self) -> &[Recent] {
        &self.recent
    }

    /// The server that was called last; `None` where the room had none of its own.
    pub(crate) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Remembers that this room was called, at `server` if it was named. A server whose address carries a secret is remembered
    /// without it.
    pub(crate) fn called(&mut self, room: &str, server: Option<&str>) {
        let called = Recent { room: room.to_owned(), server: server.map(without_secrets) };
        self.server.clone_from(&called.server);
        self.recent.retain(|recent| *recent != called);
        self.recent.insert(0, called);
        *self = std::mem::take(self).sound();
    }

    /// Without what no version of this program would write.
    fn sound(mut self) -> Self {
        self.window_size = self.window_size.filter(|sides| sides.iter().all(|side| SIDES.contains(side)));
        self.zoom = self.zoom.filter(|zoom| ZOOMS.contains(zoom));
        for text in [&mut self.server, &mut self.camera, &mut self.microphone, &mut self.speaker] {
            *text = text.take().filter(|text| is_sound(text));
        }
        self.recent.retain(|recent| is_sound(&recent.room) && recent.server.as_deref().is_none_or(is_sound));
        self.recent.truncate(MAX_RECENT);
        self
    }
}

fn is_sound(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT && !text.contains(char::is_control)
}

/// The address without a user, a password, a query and a fragment: keys and tokens are in one of them where they are in it at all.
fn without_secrets(server: &str) -> String {
    let end = server.find(['?', '#']).unwrap_or(server.len());
    let server = &server[..end];
    let Some(host) = server.find("://").map(|at| at + 3) else { return server.to_owned() };
    let path = server[host..].find('/').map_or(server.len(), |at| host + at);
    match server[host..path].rfind('@') {
        Some(at) => format!("{}{}", &server[..host], &server[host + at + 1..]),
        None => server.to_owned(),
    }
}

/// Why something is not remembered, for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("the settings {path} cannot be read ({error}): this call starts with none")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("the settings {path} are broken ({error}): this call starts with none, and they are kept as {kept}")]
    Broken { path: PathBuf, kept: PathBuf, error: String },
    #[error("the settings {path} cannot be written ({error}): they are not remembered")]
    Unwritable { path: PathBuf, error: std::io::Error },
}

/// The file that they lie in.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: Option<PathBuf>,
}

impl Store {
    /// Where this desktop keeps settings; where it names no such place, nothing is remembered.
    pub(crate) fn of_this_person() -> Self {
        Self {
            path: folder(|name| std::env::var_os(name).map(PathBuf::from)).map(|folder| folder.join("settings.json")),
        }
    }

    /// One for a test.
    #[cfg(test)]
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path: Some(path) }
    }

    /// What is remembered, and what is wrong with the file, if anything.
    pub(crate) fn load(&self) -> (Settings, Option<SettingsError>) {
        let Some(path) = &self.path else { return (Settings::default(), None) };
        match read(path) {
            Ok(settings) => (settings.sound(), None),
            Err(error) => (Settings::default(), error),
        }
    }

    /// Changes what is remembered, whatever another window wrote in between.
    ///
    /// # Errors
    /// [`SettingsError`], for a notice; the file is then as before.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<(), SettingsError> {
        let Some(path) = &self.path else { return Ok(()) };
        // A file that we cannot even read was not ours to write.
        let (mut settings, error) = self.load();
        if let Some(error @ SettingsError::Unreadable { .. }) = error {
            return Err(error);
        }
        let before = settings.clone();
        change(&mut settings);
        if settings == before && path.exists() {
            return Ok(());
        }
        write(path, &settings).map_err(|error| SettingsError::Unwritable { path: path.clone(), error })
    }
}

/// `None` as an error is a file that is not there.
fn read(path: &Path) -> Result<Settings, Option<SettingsError>> {
    use std::io::Read as _;
    let unreadable = |error| Some(SettingsError::Unreadable { path: path.to_owned(), error });
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
    let settings = if text.len() as u64 > MAX_BYTES {
        Err("it is too large".to_owned())
    } else {
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    };
    settings.map_err(|error| {
        let kept = path.with_extension("broken.json");
        // Where it cannot be moved it cannot be written either, and that is said then.
        let _ = std::fs::rename(path, &kept);
        Some(SettingsError::Broken { path: path.to_owned(), kept, error })
    })
}

/// As a whole or not at all: to a file beside it, which then takes its name. Only this person can read it.
fn write(path: &Path, settings: &Settings) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, settings)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The XDG Base Directory Specification; on macOS and Windows what stands in for it there.
fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // Relative paths are to be ignored, says the specification.
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let home = || absolute("HOME");
    let base = if cfg!(target_os = "windows") {
        absolute("APPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")))
    };
    base.map(|base| base.join("ringback"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ringback/settings.json");
        (folder, Store { path: Some(path) })
    }

    #[test]
    fn what_was_chosen_is_there_the_next_time() {
        let (folder, store) = store();
        assert_eq!(store.load().0, Settings::default());
        store
            .change(|settings| {
                settings.window_size = Some([800.0, 600.5]);
                settings.theme = Theme::Dark;
                settings.camera = Some("camera:/dev/video2".into());
                settings.called("kitchen", None);
            })
            .expect("writable");
        store.change(|settings| settings.called("office", Some("wss://calls.example/signaling"))).expect("writable");
        let (settings, error) = store.load();
        assert!(error.is_none());
        assert_eq!((settings.window_size, settings.theme), (Some([800.0, 600.5]), Theme::Dark));
        assert_eq!(settings.camera.as_deref(), Some("camera:/dev/video2"));
        assert_eq!(settings.server(), Some("wss://calls.example/signaling"));
        let rooms: Vec<_> = settings.recent().iter().map(|recent| recent.room.as_str()).collect();
        assert_eq!(rooms, ["office", "kitchen"]);
        let files = std::fs::read_dir(folder.path().join("ringback")).expect("readable").count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn ten_rooms_are_remembered_the_latest_first_and_each_once() {
        let mut settings = Settings::default();
        for number in 0..12 {
            settings.called(&format!("room-{number}"), None);
        }
        settings.called("room-5", None);
        settings.called("room-5", Some("ws://other.example/"));
        let rooms: Vec<_> = settings.recent().iter().map(|recent| recent.room.as_str()).collect();
        assert_eq!(
            rooms,
            ["room-5", "room-5", "room-11", "room-10", "room-9", "room-8", "room-7", "room-6", "room-4", "room-3"]
        );
    }

    #[test]
    fn no_secret_is_remembered() {
        for (server, remembered) in [
            ("wss://calls.example/signaling", "wss://calls.example/signaling"),
            ("wss://ann:pass@calls.example/signaling", "wss://calls.example/signaling"),
            ("wss://ann:p@ss@calls.example", "wss://calls.example"),
            ("peerjs+wss://calls.example/peerjs?key=s3cret&token=t", "peerjs+wss://calls.example/peerjs"),
            ("wss://calls.example/@home#s3cret", "wss://calls.example/@home"),
            ("wss://calls.example?key=a@b/c", "wss://calls.example"),
            ("manual", "manual"),
            ("custom:map.toml", "custom:map.toml"),
        ] {
            let mut settings = Settings::default();
            settings.called("room", Some(server));
            assert_eq!(settings.recent()[0].server.as_deref(), Some(remembered));
        }
    }

    #[test]
    fn a_broken_file_costs_a_notice_and_is_kept() {
        let (_folder, store) = store();
        store.change(|settings| settings.called("kitchen", None)).expect("writable");
        let path = store.path.clone().expect("set above");
        for broken in ["{", "[1]", "{\"theme\": 7}", "{\"recent\": [{}]}", &" ".repeat(70_000)] {
            std::fs::write(&path, broken).expect("writable");
            let (settings, error) = store.load();
            assert_eq!(settings, Settings::default());
            let error = error.expect("a notice").to_string();
            assert!(error.contains("are broken") && !error.contains('\n'), "{error}");
            let kept = std::fs::read_to_string(path.with_extension("broken.json")).expect("kept");
            assert_eq!(kept, broken);
            assert!(store.load().1.is_none(), "the notice comes once");
        }
        store.change(|settings| settings.called("office", None)).expect("it works on");
        assert_eq!(store.load().0.recent().len(), 1);
    }

    #[test]
    fn values_that_nobody_chose_are_left_out() {
        let (_folder, store) = store();
        let path = store.path.clone().expect("set above");
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("writable");
        let odd = format!(
            r#"{{"window_size": [1e30, 600], "zoom": 0, "camera": "", "microphone": "a\u001b[2Jb", "speaker": "fine", "later": 1,
                "recent": [{{"room": "{}", "server": null}}, {{"room": "ok", "server": null}}]}}"#,
            "x".repeat(600)
        );
        std::fs::write(&path, odd).expect("writable");
        let (settings, error) = store.load();
        assert!(error.is_none(), "{error:?}");
        let expected = Settings {
            speaker: Some("fine".into()),
            recent: vec![Recent { room: "ok".into(), server: None }],
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn a_place_that_cannot_be_written_costs_a_notice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ringback"), "a file where the folder should be").expect("writable");
        let store = Store { path: Some(folder.path().join("ringback/settings.json")) };
        let error = store.change(|settings| settings.called("kitchen", None)).expect_err("not writable").to_string();
        assert!(error.starts_with("the settings ") && !error.contains('\n'), "{error}");
        let nowhere = Store { path: None };
        nowhere.change(|settings| settings.called("kitchen", None)).expect("no place, no notice");
        assert_eq!(nowhere.load().0, Settings::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_folder_is_that_of_the_base_directory_specification() {
        let with = |config: Option<&str>, home: Option<&str>| {
            folder(|name| match name {
                "XDG_CONFIG_HOME" => config.map(PathBuf::from),
                "HOME" => home.map(PathBuf::from),
                _ => None,
            })
        };
        assert_eq!(with(Some("/c"), Some("/h")), Some("/c/ringback".into()));
        assert_eq!(with(Some("relative"), Some("/h")), Some("/h/.config/ringback".into()));
        assert_eq!(with(None, Some("/h")), Some("/h/.config/ringback".into()));
        assert_eq!(with(None, None), None);
    }
}
