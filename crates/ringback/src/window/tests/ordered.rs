//! What scripts have the window do is done as by a key or a click, and told.

use call_engine::{EndReason, Phase};
use control_codec::{Panel, Theme};

use super::*;
use crate::control::Order;

#[test]
fn a_script_opens_and_closes_what_a_person_can() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    for (panel, shown) in [(Panel::Chat, "Message"), (Panel::Devices, "Microphone"), (Panel::Help, "Talk while held")] {
        stand.hear(News::Order(Order::Panel(panel, true)));
        stand.hear(News::Order(Order::Panel(panel, true)));
        assert!(stand.says(shown), "{panel:?} stays open");
        stand.hear(News::Order(Order::Panel(panel, false)));
        assert!(!stand.says(shown), "{panel:?}");
    }
    stand.hear(News::Order(Order::FullScreen(true)));
    stand.hear(News::Order(Order::Swap));
    stand.press(Key::I);
    let looks = stand.page.borrow().window.expect("there is a window");
    assert!(looks.full_screen && looks.swapped && looks.statistics && !looks.chat && !looks.help, "{looks:?}");
    assert_eq!(engine.obey(), []);
}

#[test]
fn a_call_that_a_script_places_is_shown_on_every_page() {
    let mut stand = Stand::start();
    stand.hear(News::Order(Order::Preview(Some(Box::new(choice("kitchen"))))));
    stand.hear(News::Order(Order::Preview(None)));
    stand.hear(News::Order(Order::Placing(Box::new(choice("studio")))));
    assert!(stand.shows(Role::Button, "Cancel"));
    let (engine, handset) = Engine::call("studio", in_phase(Phase::Connected));
    stand.hear(News::Placed(handset));
    engine.snapshot.send_modify(|snapshot| {
        snapshot.phase = Phase::Ended;
        snapshot.end = Some(EndReason::PeerLost);
    });
    stand.harness.run();
    stand.click("Call again");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(again)) if *again == choice("studio")));
    let remembered = stand.harness.state().remembered();
    assert_eq!(remembered.lock().expect("whole").rooms[0], "studio");
}

#[test]
fn a_script_turns_the_window_dark_or_light() {
    let mut stand = Stand::start();
    stand.appearance.send_replace(egui::ThemePreference::Light);
    for (theme, seen) in [
        (Theme::Dark, egui::Theme::Dark),
        (Theme::Light, egui::Theme::Light),
        (Theme::Dark, egui::Theme::Dark),
        (Theme::System, egui::Theme::Light),
    ] {
        stand.hear(News::Order(Order::Theme(theme)));
        assert_eq!(stand.harness.ctx.theme(), seen, "{theme:?}");
    }
}
