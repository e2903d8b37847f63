//! The system's fonts for what the window's own do not have: other scripts, and emoji.
//! Nothing is done before a character is missing; then a thread looks for a font, and the window is drawn anew when it has one.
//!
//! Letters are shaped (Arabic ones join, Devanagari ones combine), but egui does not know text in both directions: the words of a
//! line follow each other from left to right whatever their script.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use eframe::egui;
use egui::{FallbackRequest, FontFamily, FontInsert, FontPriority, FontProvider as _, InsertFontFamily};
use egui_system_font_provider::SystemFontProvider;

use super::missing::Missing;

/// Gives a font that has a character. May take long, and is called by a thread of its own.
pub(crate) type FindFont = dyn Fn(char) -> Option<FontInsert> + Send + Sync;

/// Finds fonts as the system does, by script and language. What fonts there are is listed at the first use.
pub(crate) fn of_the_system() -> Arc<FindFont> {
    let system = OnceLock::new();
    Arc::new(move |character| {
        let mut bytes = [0; 4];
        let cluster = &*character.encode_utf8(&mut bytes);
        let request = FallbackRequest { cluster, family: &FontFamily::Proportional };
        system.get_or_init(SystemFontProvider::new).font_for(&request)
    })
}

/// The fonts that are added to the window's own.
pub(crate) struct Fonts {
    missing: Arc<Mutex<Missing>>,
    find: Arc<FindFont>,
    search: Option<JoinHandle<()>>,
}

impl Fonts {
    /// None so far.
    pub(crate) fn new(find: Arc<FindFont>) -> Self {
        Self { missing: Arc::default(), find, search: None }
    }

    /// Hears from now on which characters this context misses: while text is laid out, and each once.
    pub(crate) fn listen(&self, context: &egui::Context) {
        let missing = self.missing.clone();
        context.add_font_provider(Arc::new(move |request: &FallbackRequest<'_>| {
            if let Some(character) = request.cluster.chars().next() {
                lock(&missing).lacks(character);
            }
            None
        }));
    }

    /// Begins to look for what was missed in this frame.
    pub(crate) fn tend(&mut self, context: &egui::Context) {
        if !lock(&self.missing).begins() {
            return;
        }
        let (missing, find, context) = (self.missing.clone(), self.find.clone(), context.clone());
        let search = move || search(&missing, &*find, &context);
        // Without a thread the characters stay boxes.
        self.search = std::thread::Builder::new().name("fonts".into()).spawn(search).ok();
    }

    /// Waits until the search that runs is over.
    #[cfg(test)]
    pub(crate) fn settle(&mut self) {
        if let Some(search) = self.search.take() {
            search.join().expect("a search does not panic");
        }
    }
}

/// Looks for what is missing, one character after the other.
fn search(missing: &Mutex<Missing>, find: &FindFont, context: &egui::Context) {
    loop {
        let Some(character) = lock(missing).next() else { return };
        let Some(font) = find(character) else { continue };
        if lock(missing).found(&font.name, font.data.bytes().len()) {
            let last = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
            let families = vec![last(FontFamily::Proportional), last(FontFamily::Monospace)];
            context.add_font(FontInsert { families, ..font });
            context.request_repaint();
        }
    }
}

fn lock(missing: &Mutex<Missing>) -> MutexGuard<'_, Missing> {
    // It is whole after each of its steps.
    missing.lock().unwrap_or_else(PoisonError::into_inner)
}
