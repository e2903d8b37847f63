//! The start page: what is checked before a call, and what can be chosen.

use call_engine::devices::{CameraFormat, CameraInfo, PixelFormat};
use call_engine::{AudioSink, AudioSource, VideoSource};

use super::*;
use crate::window::Tone;

fn wished(stand: &mut Stand) -> Choice {
    match stand.wishes.try_recv() {
        Ok(Wish::Call(choice)) => *choice,
        other => panic!("no call was wished for: {other:?}"),
    }
}

#[test]
fn a_room_is_written_and_called_with_enter() {
    let mut stand = Stand::start();
    stand.write("tea room");
    stand.press(Key::Enter);
    assert_eq!(wished(&mut stand), choice("tea room"));
    assert!(stand.says("Looking for the room"));
}

#[test]
fn a_new_room_is_there_to_be_read_and_is_called_by_click_or_with_enter() {
    let name = |stand: &Stand| stand.harness.get_by_role_and_label(Role::TextInput, "Room").value().unwrap_or_default();
    let mut stand = Stand::start();
    stand.click("New room");
    let first = name(&stand);
    stand.click("New room");
    let second = name(&stand);
    assert!(first.len() == second.len() && first != second, "{first} and {second}");
    stand.click("Call");
    assert_eq!(wished(&mut stand), choice(&second));

    let mut stand = Stand::start();
    stand.tab_to(Role::Button, "New room");
    stand.press(Key::Space);
    let third = name(&stand);
    stand.press(Key::Enter);
    assert_eq!(wished(&mut stand), choice(&third));
}

#[test]
fn a_page_without_a_room_says_what_is_missing() {
    let mut stand = Stand::start();
    stand.click("Call");
    assert!(stand.says("Name a room"));
    assert!(stand.wishes.try_recv().is_err());
}

#[test]
fn a_wrong_server_is_told_in_a_line() {
    let mut stand = Stand::start();
    stand.write("tea");
    stand.harness.get_by_role_and_label(Role::RadioButton, "At a server").click();
    stand.harness.run();
    stand.click("Call");
    assert!(stand.says("Name a server"));
    stand.harness.get_by_role_and_label(Role::TextInput, "Server address").focus();
    stand.harness.run();
    stand.write("http://example.org");
    stand.click("Call");
    let error = crate::cli::server_url("http://example.org").expect_err("a web page is no signaling server");
    assert!(stand.says(&crate::face::words::sentence(&error)), "{error}");
    assert!(stand.wishes.try_recv().is_err());
}

#[test]
fn the_link_of_a_server_is_opened_and_shown_as_a_code() {
    let mut stand = Stand::start();
    stand.write("tea");
    stand.harness.get_by_role_and_label(Role::RadioButton, "At a server").click();
    stand.harness.run();
    stand.harness.get_by_role_and_label(Role::TextInput, "Server address").focus();
    stand.harness.run();
    stand.write("ws://127.0.0.1:7550/signaling");
    assert!(stand.shows(Role::Image, "Code of the link, for a telephone's camera"));
    stand.click("Open the link in a browser");
    assert_eq!(*stand.done.opened.borrow(), ["http://127.0.0.1:7550/?room=tea"]);
    stand.click("Call");
    assert_eq!(
        wished(&mut stand).server.map(|server| server.to_string()).as_deref(),
        Some("ws://127.0.0.1:7550/signaling")
    );
}

#[test]
fn devices_are_chosen_before_the_call() {
    let mut stand = Stand::start();
    let format = |width, height, frame_rate| CameraFormat { pixel: PixelFormat::Mjpeg, width, height, frame_rate };
    let camera = CameraInfo {
        id: "0".into(),
        name: "Desk camera".into(),
        formats: vec![format(640, 480, 30), format(640, 480, 30), format(1920, 1080, 60)],
        problem: None,
    };
    stand.devices.send_replace(DeviceList { cameras: vec![camera], ..desk() });
    stand.harness.run();
    stand.pick("Camera", "Desk camera");
    stand.pick("Picture size", "640x480, 30 pictures/s");
    stand.pick("Microphone", "Headset microphone");
    stand.pick("Speaker", "Headset");
    stand.click("Test sound");
    assert_eq!(*stand.done.played.borrow(), [(AudioSink::Speaker("headset".into()), Tone::Test)]);
    stand.click("garden");
    let choice = wished(&mut stand);
    assert_eq!(choice.video_in, VideoSource::Camera("0".into()));
    assert_eq!(choice.audio_in, AudioSource::Microphone("headset".into()));
    assert_eq!(choice.audio_out, AudioSink::Speaker("headset".into()));
    assert_eq!((choice.format.size.to_string(), choice.format.frame_rate.to_string()), ("640x480".into(), "30".into()));
}

#[test]
fn a_room_that_was_called_comes_first_the_next_time() {
    let mut stand = Stand::start();
    stand.click("garden");
    let remembered = stand.harness.state().remembered();
    assert_eq!(remembered.lock().expect("whole").rooms, ["garden", "kitchen"]);
}

#[test]
fn the_desktops_choice_of_light_or_dark_is_followed() {
    let mut stand = Stand::start();
    for (wish, theme) in
        [(egui::ThemePreference::Light, egui::Theme::Light), (egui::ThemePreference::Dark, egui::Theme::Dark)]
    {
        stand.appearance.send_replace(wish);
        stand.harness.run();
        assert_eq!(stand.harness.ctx.theme(), theme);
    }
}

#[test]
fn light_or_dark_is_chosen_and_remembered_whatever_the_desktop_wishes() {
    let mut stand = Stand::start();
    for (choice, theme) in [("Light", egui::Theme::Light), ("Dark", egui::Theme::Dark)] {
        stand.harness.get_by_role_and_label(Role::RadioButton, choice).click();
        stand.harness.run();
        stand.appearance.send_replace(egui::ThemePreference::Light);
        stand.harness.run();
        assert_eq!(stand.harness.ctx.theme(), theme, "{choice}");
    }
    let remembered = stand.harness.state().remembered();
    assert_eq!(remembered.lock().expect("whole").theme, egui::ThemePreference::Dark);
    stand.harness.get_by_role_and_label(Role::RadioButton, "As the desktop").click();
    stand.harness.run();
    stand.harness.run();
    assert_eq!(stand.harness.ctx.theme(), egui::Theme::Light);
}

#[test]
fn who_looks_elsewhere_is_known() {
    let mut stand = Stand::start();
    for focused in [false, true] {
        stand.harness.event(egui::Event::WindowFocused(focused));
        stand.harness.input_mut().focused = focused;
        stand.harness.run();
        assert_eq!(*stand.focus.borrow(), focused);
    }
}

#[test]
fn a_sound_that_cannot_be_played_is_told() {
    let mut stand = Stand::start();
    stand.hear(News::Notice("the speaker does not answer".into()));
    assert!(stand.says("The speaker does not answer."));
    let (mut stand, _engine) = Stand::call(in_phase(call_engine::Phase::Ringing));
    stand.hear(News::Notice("the speaker does not answer".into()));
    assert!(stand.says("The speaker does not answer."));
}
