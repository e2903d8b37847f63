//! Text in scripts that the window's own fonts do not have: a font is looked for when it is seen, and then it is drawn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use call_engine::{Event, Phase};
use egui::{FontData, FontDefinitions, FontId, FontInsert};

use super::*;
use crate::window::{FindFont, fonts};

/// A character that the font for fixed widths has and the one for text does not.
const MISSING: char = '\u{2592}';

/// A call in whose chat the peer wrote this, with fonts that are found so.
fn told(text: &str, find_font: Arc<FindFont>) -> Stand {
    let (tools, done) = fixture::tools();
    let manner = Manner { one_call: true, unattended: false };
    let mut stand =
        Stand::with_tools(Some(choice("kitchen")), manner, (Tools { find_font, ..tools }, done), |builder| {
            builder.allow_missing_glyphs()
        });
    let engine = stand.place(in_phase(Phase::Connected));
    engine.story.lock().expect("whole").event(std::time::Instant::now(), &Event::Chat(text.into()));
    stand.press(Key::C);
    stand
}

/// Whether there is a glyph for it wherever text is shown.
fn draws(stand: &Stand, character: char) -> bool {
    let styles = [FontId::proportional(14.0), FontId::monospace(14.0)];
    styles.iter().all(|font| stand.harness.ctx.fonts_mut(|fonts| fonts.has_glyph(font, character)))
}

/// Finds the font for fixed widths, once for all.
fn counted() -> (Arc<FindFont>, Arc<AtomicUsize>) {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = looks.clone();
    let find = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let hack = FontDefinitions::default().font_data.get("Hack").map(|data| FontData::clone(data));
        Some(FontInsert::new("found", hack?, Vec::new()))
    };
    (Arc::new(find), looks)
}

#[test]
fn a_character_that_no_font_has_is_drawn_once_a_font_was_found() {
    let (find, looks) = counted();
    let mut stand = told(&format!("{MISSING}{MISSING} and {MISSING}"), find);
    stand.harness.state_mut().settle_fonts();
    stand.harness.run();
    assert!(draws(&stand, MISSING));
    assert_eq!(looks.load(Ordering::SeqCst), 1);

    let without = told(&MISSING.to_string(), Arc::new(|_| None));
    assert!(!draws(&without, MISSING), "the fonts have it anyway: the test shows nothing");
}

#[test]
fn nothing_is_looked_for_while_nothing_is_missing() {
    let (find, looks) = counted();
    let mut stand = told("Grüße, привет, καλημέρα", find);
    stand.press(Key::I);
    stand.press(Key::Questionmark);
    stand.harness.state_mut().settle_fonts();
    assert_eq!(looks.load(Ordering::SeqCst), 0);
}

#[test]
fn a_character_that_no_font_of_the_system_has_is_looked_for_once() {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = looks.clone();
    let find = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        None
    };
    let mut stand = told(&MISSING.to_string(), Arc::new(find));
    for _ in 0..3 {
        stand.harness.state_mut().settle_fonts();
        stand.press(Key::C);
        stand.press(Key::C);
    }
    assert_eq!(looks.load(Ordering::SeqCst), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_font_of_the_system_has_is_drawn() {
    let system = fonts::of_the_system();
    // A Georgian, a Hebrew, an Arabic, a Chinese and a Hindi letter.
    let letters = ['\u{10d0}', '\u{5d0}', '\u{639}', '\u{65e5}', '\u{915}'];
    let Some(letter) = letters.into_iter().find(|letter| system(*letter).is_some()) else {
        return crate::skipped::skip("no font is installed beside the window's own");
    };
    let mut stand = told(&letter.to_string(), fonts::of_the_system());
    stand.harness.state_mut().settle_fonts();
    stand.harness.run();
    assert!(draws(&stand, letter), "{letter:?}");
}
