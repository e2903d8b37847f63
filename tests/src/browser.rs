//! Headless Chromium with a fake camera and microphone, on a page and told what to do line by line.
//! The driver is `browser/driver.mjs`; what it measures comes from the page's own peer connections.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{folder, program, repository};
use crate::process::Process;

/// A browser starts in two seconds, and in ten where everything is busy.
const START: Duration = Duration::from_secs(60);

/// A running browser with one page.
pub struct Browser {
    driver: Process,
    asked: u64,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts it on an empty page.
    pub fn start() -> Self {
        let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(program);
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let mut command = Command::new("node");
        command
            .env("TMPDIR", folder.path())
            .arg(repository().join("tests/browser/driver.mjs"))
            .env("DRIVER_MODULES", modules())
            .env("DRIVER_CHROMIUM", chromium.expect("Chromium is installed"));
        let driver = Process::start("browser", &mut command);
        driver.line_out("\"ready\"", START);
        Self { driver, asked: 0, _folder: folder }
    }

    /// Goes to an address.
    pub fn open(&mut self, url: &str) {
        self.ask(&json!({ "do": "open", "url": url }));
    }

    /// Clicks what has this accessible role and name.
    pub fn click(&mut self, role: &str, name: &str) {
        self.ask(&json!({ "do": "click", "role": role, "name": name }));
    }

    /// Types into the field with this label, and presses Enter.
    pub fn enter(&mut self, label: &str, text: &str) {
        self.ask(&json!({ "do": "enter", "label": label, "text": text }));
    }

    /// Waits until this text is on the page.
    pub fn shows(&mut self, text: &str) {
        self.ask(&json!({ "do": "shows", "text": text }));
    }

    /// Waits until so many pictures were decoded and so much sound energy was heard; gives back all that was measured.
    pub fn receives(&mut self, frames: u32, energy: f64) -> Value {
        self.ask(&json!({ "do": "receives", "frames": frames, "energy": energy }))
    }

    /// Sets the size of the page, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.ask(&json!({ "do": "resize", "width": width, "height": height }));
    }

    /// Keeps a picture of the page for people to look at.
    pub fn keep(&mut self, name: &str) {
        let path = folder("artefacts").join(name);
        self.ask(&json!({ "do": "keep", "path": path }));
    }

    fn ask(&mut self, question: &Value) -> Value {
        self.asked += 1;
        let mut question = question.clone();
        question["id"] = json!(self.asked);
        self.driver.say(&question.to_string());
        let line = self.driver.line_out(&format!("{{\"id\":{},", self.asked), START);
        let answer: Value = serde_json::from_str(&line).expect("the driver answers in JSON");
        if let Some(error) = answer.get("error") {
            self.driver.fail(&format!("could not {question}: {error}"));
        }
        answer["value"].clone()
    }
}

/// The folder with the driver's library, installed the first time that a test asks for it.
fn modules() -> PathBuf {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let folder = folder("browser");
        let wanted = repository().join("tests/browser/package.json");
        let text = std::fs::read_to_string(wanted).expect("part of the repository");
        let done = folder.join("package.json");
        if std::fs::read_to_string(&done).is_ok_and(|installed| installed == text) {
            return folder;
        }
        let unfinished = folder.join("unfinished");
        std::fs::create_dir_all(&unfinished).expect("the target folder is writable");
        std::fs::write(unfinished.join("package.json"), &text).expect("the target folder is writable");
        let status = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"])
            .current_dir(&unfinished)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "npm cannot install the browser's driver");
        let modules = folder.join("node_modules");
        let _ = std::fs::remove_dir_all(&modules);
        std::fs::rename(unfinished.join("node_modules"), modules).expect("both lie in one folder");
        std::fs::write(done, text).expect("the target folder is writable");
        folder
    };
    INSTALLED.get_or_init(install).clone()
}
