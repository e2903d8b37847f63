//! The README's pictures of the window, made from a real call with test media, in both themes.
//! What they show is what the program shows: nothing is arranged but the settings that any person could choose.

use std::fs;
use std::time::{Duration, Instant};

use ringback_tests::place::{alone, repository, scratch};
use ringback_tests::process::{Process, Signal};
use ringback_tests::program::{Server, ringback};
use ringback_tests::screen::{Screen, Shot};

use super::{peer, windowed};

const ENDS: Duration = Duration::from_secs(40);

/// Until curves have a beginning and the picture is as good as it gets.
const SETTLES: Duration = Duration::from_secs(8);

/// Makes them all.
pub(crate) fn make() {
    let _alone = alone();
    let folder = repository().join("assets/screenshots");
    fs::create_dir_all(&folder).expect("the repository is writable");
    for theme in ["light", "dark"] {
        let shots = [("start", start(theme)), ("call", Some(call(theme)))];
        for (name, shot) in shots {
            let path = folder.join(format!("{name}-{theme}.png"));
            match shot {
                Some(shot) => {
                    shot.write(&path);
                    let bytes = fs::metadata(&path).expect("written above").len();
                    println!("made {} ({} KiB)", path.display(), bytes.div_ceil(1024));
                }
                None => println!("no {}: the program has no start page", path.display()),
            }
        }
    }
}

/// Settings with this theme, for `XDG_CONFIG_HOME`.
fn settings(theme: &str) -> tempfile::TempDir {
    let folder = scratch();
    let settings = folder.path().join("ringback");
    fs::create_dir_all(&settings).expect("the target folder is writable");
    let text = format!(r#"{{"theme": "{theme}", "recent": [{{"room": "kitchen", "server": null}}]}}"#);
    fs::write(settings.join("settings.json"), text).expect("the target folder is writable");
    folder
}

/// The page before a call; none where the program wants a room first.
fn start(theme: &str) -> Option<Shot> {
    let (screen, settings) = (Screen::start(), settings(theme));
    let mut command = std::process::Command::new(ringback());
    command.args(["call", "--video-in", "test", "--audio-in", "test", "--audio-out", "none"]);
    command.env("DISPLAY", screen.display()).env("WAYLAND_DISPLAY", "").env("LIBGL_ALWAYS_SOFTWARE", "1");
    let mut window = Process::start("window", command.env("XDG_CONFIG_HOME", settings.path()));
    let deadline = Instant::now() + ENDS;
    while screen.look().is_blank() {
        if !window.is_running() {
            return None;
        }
        assert!(Instant::now() < deadline, "no window was seen");
        std::thread::sleep(Duration::from_millis(100));
    }
    // The preview opens after the page.
    std::thread::sleep(Duration::from_secs(3));
    let shot = screen.look().part(screen.window("Ringback"));
    window.signal(Signal::Interrupt);
    Some(shot)
}

fn call(theme: &str) -> Shot {
    let (server, screen, settings) = (Server::start(), Screen::start(), settings(theme));
    let mut peer = peer("kitchen", &server);
    let window = windowed("window", "kitchen", &server, &screen).option("--size", "1280x720");
    let mut window = window.env("XDG_CONFIG_HOME", settings.path()).start();
    peer.connected();
    std::thread::sleep(SETTLES);
    let shot = screen.look().part(screen.window("Ringback"));
    if shot.colours() < 30 {
        window.process.fail("shows no picture");
    }
    window.process.signal(Signal::Interrupt);
    window.ends_with(0, ENDS);
    peer.ends_with(0, ENDS);
    shot
}
