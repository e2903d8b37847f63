//! What the pages look like, in both themes and at two sizes, against pictures that were looked at by a person.
//! After a wanted change: `UPDATE_SNAPSHOTS=1 cargo test -p ringback --bins look`, and look at them again.

use std::path::Path;

use call_engine::{ConnectionQuality, EndReason, Phase};
use egui::Theme;

use super::raster::Shared;
use super::*;

/// Size of the window in points; small, as the pictures are kept.
const SIZE: [f32; 2] = [760.0, 480.0];

/// A channel of a pixel may be that far off: a machine may round in another way.
const TOLERANCE: u8 = 24;

/// Pixels that may be further off.
const MAX_WRONG: usize = 20;

fn stand(theme: Theme, scale: f32, placing: bool) -> (Stand, Shared) {
    let placing = placing.then(|| choice("kitchen"));
    let painter = Shared::default();
    let given = painter.clone();
    let stand = Stand::with(placing, Manner { one_call: false, unattended: false }, |builder| {
        builder.with_size(SIZE).with_pixels_per_point(scale).with_theme(theme).renderer(given)
    });
    (stand, painter)
}

/// Compares with the kept picture.
fn look(stand: &Stand, painter: &Shared, page: &str, theme: Theme, scale: f32) {
    let theme = if theme == Theme::Dark { "dark" } else { "light" };
    let name = format!("{page}-{theme}-{:.0}.png", scale * 100.0);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/window").join(&name);
    let now = painter.picture(&stand.harness.ctx, stand.harness.output());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        image::DynamicImage::from(now).into_rgb8().save(&kept).expect("the folder is there");
        return;
    }
    let before = image::open(&kept).unwrap_or_else(|error| panic!("{name}: {error}")).into_rgba8();
    let differs =
        |(a, b): (&image::Rgba<u8>, &image::Rgba<u8>)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > TOLERANCE);
    let is_same_size = now.dimensions() == before.dimensions();
    let wrong = now.pixels().zip(before.pixels()).filter(|&pair| differs(pair)).count();
    if !is_same_size || wrong > MAX_WRONG {
        let seen = std::env::temp_dir().join(format!("ringback-{name}"));
        now.save(&seen).ok();
        panic!("{name} looks different ({wrong} pixels): see {}", seen.display());
    }
}

/// Each page in both themes, at 100 % and at 200 %.
fn in_all(page: &str, draw: impl Fn(Theme, f32) -> (Stand, Shared)) {
    for (theme, scale) in [(Theme::Dark, 1.0), (Theme::Light, 1.0), (Theme::Dark, 2.0), (Theme::Light, 2.0)] {
        let (stand, painter) = draw(theme, scale);
        look(&stand, &painter, page, theme, scale);
    }
}

/// What a screen of 1920x1080 shows at 300 %.
const LARGE: [f32; 2] = [640.0, 360.0];

/// A page at 300 %, in one theme: the other one differs in its colours only.
fn large(page: &str, theme: Theme, draw: impl Fn(&mut Stand)) {
    let (mut stand, painter) = stand(theme, 3.0, page != "start");
    stand.harness.set_size(LARGE.into());
    draw(&mut stand);
    stand.harness.run();
    look(&stand, &painter, page, theme, 3.0);
}

#[test]
fn at_three_hundred_per_cent_nothing_is_cut_off() {
    large("start", Theme::Light, |stand| {
        stand.devices.send_replace(desk());
    });
    large("call", Theme::Dark, |stand| {
        let (engine, handset) = Engine::call("kitchen", in_phase(Phase::Connected));
        engine.snapshot.send_modify(|snapshot| snapshot.quality = Some(ConnectionQuality::Good));
        stand.hear(News::Placed(handset));
        stand.press(Key::C);
    });
}

#[test]
fn a_line_that_is_carried_by_hand_looks_as_before() {
    let (mut stand, painter) = stand(Theme::Dark, 1.0, true);
    let (_engine, handset) = Engine::call("kitchen", in_phase(Phase::Negotiating));
    let line = format!("ringback1-offer-{}", "AbCd-123_".repeat(60));
    let by_hand = crate::face::ByHand::at(crate::face::Step::Offer(line));
    stand.hear(News::Placed(Handset { by_hand: Some(by_hand), ..handset }));
    look(&stand, &painter, "by-hand", Theme::Dark, 1.0);
}

#[test]
fn the_start_page_looks_as_before() {
    in_all("start", |theme, scale| {
        let (mut stand, painter) = stand(theme, scale, false);
        stand.devices.send_replace(desk());
        stand.harness.run();
        (stand, painter)
    });
}

#[test]
fn a_call_with_chat_looks_as_before() {
    in_all("call", |theme, scale| {
        let (mut stand, painter) = stand(theme, scale, true);
        let (engine, handset) = Engine::call("kitchen", in_phase(Phase::Connected));
        engine.snapshot.send_modify(|snapshot| {
            snapshot.quality = Some(ConnectionQuality::Fair);
            snapshot.microphone_on = false;
            snapshot.peer.microphone_on = Some(false);
        });
        engine.story.lock().expect("whole").said("hello".into());
        stand.hear(News::Placed(handset));
        stand.press(Key::C);
        (stand, painter)
    });
}

#[test]
fn a_call_that_comes_in_looks_as_before() {
    in_all("ringing", |theme, scale| {
        let (mut stand, painter) = stand(theme, scale, true);
        let (_engine, handset) = Engine::call("kitchen", in_phase(Phase::Ringing));
        stand.hear(News::Placed(handset));
        (stand, painter)
    });
}

#[test]
fn the_end_looks_as_before() {
    in_all("ended", |theme, scale| {
        let (mut stand, painter) = stand(theme, scale, true);
        let over = Snapshot { end: Some(EndReason::PeerLost), ..in_phase(Phase::Ended) };
        let (_engine, handset) = Engine::call("kitchen", over);
        stand.hear(News::Placed(handset));
        (stand, painter)
    });
}
