//! A call that comes in, and one that ends: what is asked, what rings, what the window does then.

use call_engine::{Command, EndReason, Phase};

use super::*;
use crate::window::Tone;

#[test]
fn a_call_that_comes_in_rings_and_is_taken_or_not() {
    for (button, key, commands) in [
        ("Accept", Key::A, vec![Command::Accept]),
        ("Accept", Key::Enter, vec![Command::Accept]),
        ("Accept without camera", Key::W, vec![Command::SetCameraOn(false), Command::Accept]),
        ("Decline", Key::D, vec![Command::Decline]),
    ] {
        for by_key in [false, true] {
            let (mut stand, mut engine) = Stand::call(in_phase(Phase::Waiting));
            assert!(stand.says("Calling"));
            assert_eq!(*stand.done.sounding.borrow(), 0);
            engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Ringing);
            stand.harness.run();
            assert!(stand.says("Somebody calls in"));
            assert_eq!(stand.done.played.borrow().iter().map(|(_, tone)| *tone).collect::<Vec<_>>(), [Tone::Ring]);
            if by_key {
                stand.press(key);
            } else {
                stand.click(button);
            }
            assert_eq!(engine.obey(), commands, "{button}");
            stand.harness.run();
            assert_eq!(*stand.done.sounding.borrow(), 0, "it rings on");
        }
    }
}

#[test]
fn a_window_for_one_call_closes_after_an_end_of_our_own_making() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.press(Key::Q);
    assert_eq!(engine.obey(), [Command::HangUp]);
    stand.harness.step();
    assert!(stand.closes());
}

#[test]
fn a_window_with_a_start_page_stays_after_a_call() {
    let mut stand = Stand::start();
    stand.click("kitchen");
    let mut engine = stand.place(in_phase(Phase::Connected));
    stand.click("Hang up");
    assert_eq!(engine.obey(), [Command::HangUp]);
    stand.harness.run();
    assert!(stand.says("You hung up.") && !stand.closes());
    stand.click("Back to the start page");
    assert!(stand.shows(Role::Button, "Call"));
}

#[test]
fn after_a_call_its_keys_call_again_and_close() {
    let (mut stand, engine) = Stand::call(in_phase(Phase::Connected));
    let lose = |engine: &Engine| {
        engine.snapshot.send_modify(|snapshot| {
            snapshot.phase = Phase::Ended;
            snapshot.end = Some(EndReason::PeerLost);
        });
    };
    lose(&engine);
    stand.harness.run();
    assert!(stand.says("The connection to the peer was lost."));
    stand.press(Key::R);
    let engine = stand.place(in_phase(Phase::Connected));
    lose(&engine);
    stand.harness.run();
    stand.harness.key_press(Key::Q);
    stand.harness.step();
    assert!(stand.closes());
}

#[test]
fn a_call_that_cannot_be_placed_says_why_and_leads_back() {
    let mut stand = Stand::start();
    stand.click("garden");
    stand.hear(News::Refused("no speaker at all".into()));
    assert!(stand.says("No speaker at all.") && stand.shows(Role::Button, "Call"));
    stand.click("Call");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(_))));
}

#[test]
fn a_call_that_is_being_placed_can_be_given_up() {
    let mut stand = Stand::start();
    stand.click("garden");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(_))));
    stand.click("Cancel");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Cancel)));
    stand.hear(News::Cancelled);
    assert!(stand.shows(Role::Button, "Call"));
}
