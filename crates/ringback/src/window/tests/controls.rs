//! The buttons of a call, each by its name and by its key.

use call_engine::{AudioSink, AudioSource, Command, ConnectionQuality, EndReason, Event, Phase, VideoSource};

use super::*;
use crate::window::Tone;

#[test]
fn the_microphone_is_muted_by_click_and_by_key() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.click("Mute");
    assert_eq!(engine.obey(), [Command::SetMicrophoneOn(false)]);
    stand.harness.run();
    assert!(stand.shows(Role::Button, "Unmute") && stand.says("You are muted"));
    stand.press(Key::M);
    assert_eq!(engine.obey(), [Command::SetMicrophoneOn(true)]);
}

#[test]
fn the_camera_is_turned_off_by_click_and_on_by_key() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.click("Turn camera off");
    assert_eq!(engine.obey(), [Command::SetCameraOn(false)]);
    stand.harness.run();
    assert!(stand.shows(Role::Button, "Turn camera on"));
    stand.press(Key::V);
    assert_eq!(engine.obey(), [Command::SetCameraOn(true)]);
}

#[test]
fn who_is_muted_talks_while_the_space_key_is_held() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.press(Key::Space);
    assert_eq!(engine.obey(), [], "who is not muted talks anyway");
    stand.press(Key::M);
    engine.obey();
    stand.harness.key_down(Key::Space);
    stand.harness.run();
    assert_eq!(engine.obey(), [Command::SetMicrophoneOn(true)]);
    stand.harness.run();
    assert!(stand.says("Talking while the space key is held"));
    stand.harness.key_up(Key::Space);
    stand.harness.run();
    assert_eq!(engine.obey(), [Command::SetMicrophoneOn(false)]);
}

#[test]
fn a_window_that_is_left_while_talking_falls_silent() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.press(Key::M);
    engine.obey();
    stand.harness.key_down(Key::Space);
    stand.harness.run();
    engine.obey();
    stand.harness.event(egui::Event::WindowFocused(false));
    stand.harness.input_mut().focused = false;
    stand.harness.run();
    assert_eq!(engine.obey(), [Command::SetMicrophoneOn(false)]);
}

#[test]
fn chat_is_written_read_and_counted() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    let hear = |engine: &Engine, text: &str| {
        engine.story.lock().expect("whole").event(std::time::Instant::now(), &Event::Chat(text.into()));
    };
    hear(&engine, "hello");
    hear(&engine, "are you there?");
    stand.harness.run();
    stand.click("Chat, 2 new");
    assert!(stand.says("Other: are you there?"));
    // Letters go into the message, and act on nothing.
    stand.write("mv q");
    for key in [Key::M, Key::V, Key::Space, Key::Q] {
        stand.press(key);
    }
    assert_eq!(engine.obey(), []);
    stand.press(Key::Enter);
    assert_eq!(engine.obey(), [Command::SendChat("mv q".into())]);
    assert!(stand.says("You: mv q") && stand.shows(Role::Button, "Chat"));
    stand.write("more");
    stand.click("Send");
    assert_eq!(engine.obey(), [Command::SendChat("more".into())]);
    // The first Escape leaves the field, the second closes the chat.
    stand.harness.get_by_role_and_label(Role::TextInput, "Message").focus();
    stand.harness.run();
    stand.press(Key::Escape);
    stand.press(Key::Escape);
    assert!(!stand.says("You: mv q"));
    hear(&engine, "still there?");
    stand.harness.run();
    assert!(stand.shows(Role::Button, "Chat, 1 new"));
}

#[test]
fn ready_answers_are_sent_by_click_and_by_key_and_leave_a_begun_message_alone() {
    for size in [[960.0, 640.0], [320.0, 240.0]] {
        let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
        stand.harness.set_size(size.into());
        stand.press(Key::C);
        stand.write("I was just");
        for answer in crate::face::words::ANSWERS {
            stand.harness.get_by_role_and_label(Role::Button, answer).scroll_to_me();
            stand.harness.run();
            stand.click(answer);
            assert_eq!(engine.obey(), [Command::SendChat(answer.into())]);
        }
        stand.tab_to(Role::Button, "No.");
        stand.press(Key::Enter);
        assert_eq!(engine.obey(), [Command::SendChat("No.".into())]);
        stand.click("Send");
        assert_eq!(engine.obey(), [Command::SendChat("I was just".into())]);
    }
}

#[test]
fn all_of_the_chat_is_seen_where_there_is_room_for_it() {
    for width in [640.0, 960.0] {
        let (mut stand, _engine) = Stand::call(in_phase(Phase::Connected));
        stand.harness.set_size([width, 480.0].into());
        stand.press(Key::C);
        let panel = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, 480.0 - crate::window::bar::HEIGHT));
        for name in crate::face::words::ANSWERS.into_iter().chain(["Send"]) {
            let place = stand.harness.get_by_role_and_label(Role::Button, name).rect();
            assert!(panel.contains_rect(place), "{name} at {place:?} of {panel:?}");
        }
    }
}

#[test]
fn devices_are_switched_in_the_call() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.devices.send_replace(desk());
    stand.press(Key::O);
    stand.pick("Microphone", "Headset microphone");
    stand.pick("Speaker", "Headset");
    stand.pick("Camera", "Test picture");
    assert_eq!(
        engine.obey(),
        [
            Command::SetAudioSource(AudioSource::Microphone("headset".into())),
            Command::SetAudioSink(AudioSink::Speaker("headset".into())),
            Command::SetVideoSource(VideoSource::TestCard),
        ]
    );
    stand.harness.run();
    stand.click("Test sound");
    assert_eq!(*stand.done.played.borrow(), [(AudioSink::Speaker("headset".into()), Tone::Test)]);
}

#[test]
fn the_other_sides_state_is_said_in_words() {
    let (mut stand, engine) = Stand::call(in_phase(Phase::Connected));
    engine.snapshot.send_modify(|snapshot| {
        snapshot.peer.microphone_on = Some(false);
        snapshot.peer.camera_on = Some(false);
        snapshot.quality = Some(ConnectionQuality::Poor);
    });
    stand.harness.run();
    assert!(stand.says("The other one is muted") && stand.says("The other one's camera is off"));
    assert!(stand.says("Poor connection"));
    engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Reconnecting);
    stand.harness.run();
    assert!(stand.says("Reconnecting"));
}

#[test]
fn figures_and_help_come_and_go() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    engine.snapshot.send_modify(|snapshot| snapshot.figures.encryption = Some("DTLS 1.2, SRTP".into()));
    stand.click("Statistics");
    assert!(stand.says("DTLS 1.2, SRTP") && stand.says("not measured"));
    stand.press(Key::I);
    assert!(!stand.says("DTLS 1.2, SRTP"));
    stand.press(Key::Questionmark);
    assert!(stand.says("Talk while held"));
    stand.press(Key::Escape);
    assert!(!stand.says("Talk while held"));
    assert_eq!(engine.obey(), []);
}

#[test]
fn full_screen_is_entered_and_left() {
    let (mut stand, _engine) = Stand::call(in_phase(Phase::Connected));
    stand.click("Full screen");
    assert!(stand.shows(Role::Button, "Leave full screen"));
    stand.press(Key::Escape);
    assert!(stand.shows(Role::Button, "Full screen"));
}

#[test]
fn the_small_picture_is_swapped_and_dragged_into_a_corner() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    let small = "Small picture, bottom right";
    stand.click(small);
    let before = stand.harness.get_by_role_and_label(Role::Button, small).rect().center();
    let target = egui::pos2(60.0, 60.0);
    stand.harness.drag_at(before);
    stand.harness.run();
    for step in 1..=4 {
        stand.harness.hover_at(before + (target - before) * (step as f32 / 4.0));
        stand.harness.run();
    }
    stand.harness.drop_at(target);
    stand.harness.run();
    stand.harness.run();
    let after = stand.harness.get_by_role_and_label(Role::Button, "Small picture, top left").rect().center();
    assert!(before.x > 480.0 && before.y > 320.0, "{before:?}");
    assert!(after.x < 480.0 && after.y < 320.0, "{after:?}");
    assert_eq!(engine.obey(), []);
}

#[test]
fn the_small_picture_is_moved_by_the_arrow_keys_while_it_has_the_focus() {
    let (mut stand, mut engine) = Stand::call(in_phase(Phase::Connected));
    stand.tab_to(Role::Button, "Small picture, bottom right");
    for (key, corner) in [
        (Key::ArrowUp, "top right"),
        (Key::ArrowLeft, "top left"),
        (Key::ArrowDown, "bottom left"),
        (Key::ArrowRight, "bottom right"),
    ] {
        stand.press(key);
        let name = format!("Small picture, {corner}");
        assert!(stand.harness.get_by_role_and_label(Role::Button, &name).is_focused(), "{corner}");
    }
    stand.press(Key::Enter);
    assert!(stand.page.borrow().window.is_some_and(|looks| looks.swapped));
    assert_eq!(engine.obey(), []);
}

#[test]
fn what_is_written_on_a_picture_is_announced() {
    let (mut stand, engine) = Stand::call(in_phase(Phase::Connected));
    assert!(stand.shows(Role::Image, "The other one's picture: No picture yet"));
    engine.snapshot.send_modify(|snapshot| {
        snapshot.peer.camera_on = Some(false);
        snapshot.camera_on = false;
    });
    stand.harness.run();
    assert!(stand.shows(Role::Image, "The other one's picture: The other one's camera is off"));
    assert!(stand.shows(Role::Image, "Your own picture: Your camera is off"));
}

#[test]
fn the_title_says_where_the_call_stands() {
    let (mut stand, engine) = Stand::call(in_phase(Phase::Waiting));
    assert_eq!(stand.harness.state().title(), "Ringback: kitchen \u{2014} calling\u{2026}");
    engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Connected);
    stand.harness.run();
    assert_eq!(stand.harness.state().title(), "Ringback: kitchen \u{2014} connected");
}

#[test]
fn every_button_has_a_name_at_every_size() {
    for size in [[320.0, 240.0], [640.0, 400.0], [1600.0, 900.0]] {
        let (mut stand, _engine) = Stand::call(in_phase(Phase::Connected));
        stand.harness.set_size(size.into());
        stand.harness.run();
        for name in ["Mute", "Turn camera off", "Chat", "Devices", "Statistics", "Full screen", "Help", "Hang up"] {
            let place = stand.harness.get_by_role_and_label(Role::Button, name).rect();
            let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
            assert!(screen.contains_rect(place) && place.width() >= 24.0, "{name} at {place:?} of {size:?}");
        }
    }
}

#[test]
fn an_end_of_the_other_side_is_explained() {
    let (mut stand, engine) = Stand::call(in_phase(Phase::Connected));
    engine.snapshot.send_modify(|snapshot| {
        snapshot.phase = Phase::Ended;
        snapshot.end = Some(EndReason::PeerHungUp { reason: Some("lunch".into()) });
    });
    stand.harness.run();
    assert!(stand.says("The peer hung up: lunch.") && !stand.closes());
    stand.click("Call again");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(again)) if *again == choice("kitchen")));
}
