//! A newcomer calls, mutes, switches a microphone, chats and hangs up: once with the keyboard alone, once with the mouse alone.

use call_engine::{AudioSource, Command, Phase};

use super::*;

/// Takes the one command that was sent, and lets the window see what came of it.
fn obeyed(stand: &mut Stand, engine: &mut Engine) -> Vec<Command> {
    let commands = engine.obey();
    stand.harness.run();
    commands
}

#[test]
fn with_the_keyboard_alone() {
    let mut stand = Stand::start();
    stand.devices.send_replace(desk());
    stand.write("kitchen");
    stand.press(Key::Enter);
    let mut engine = stand.place(in_phase(Phase::Waiting));
    engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Connected);
    stand.harness.run();

    stand.tab_to(Role::Button, "Mute");
    stand.press(Key::Enter);
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetMicrophoneOn(false)]);
    stand.press(Key::M);
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetMicrophoneOn(true)]);

    stand.tab_to(Role::Button, "Devices");
    stand.press(Key::Space);
    stand.tab_to(Role::ComboBox, "Microphone");
    stand.press(Key::Enter);
    stand.tab_to(Role::Button, "Headset microphone");
    stand.press(Key::Enter);
    let headset = AudioSource::Microphone("headset".into());
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetAudioSource(headset)]);

    stand.press(Key::C);
    stand.write("hello");
    stand.press(Key::Enter);
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SendChat("hello".into())]);

    stand.press(Key::Escape);
    stand.press(Key::Q);
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::HangUp]);
    assert!(stand.says("You hung up."));
    // The way on has the focus already.
    stand.press(Key::Enter);
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(_))));
}

#[test]
fn with_the_mouse_alone() {
    let mut stand = Stand::start();
    stand.devices.send_replace(desk());
    stand.click("New room");
    stand.click("Call");
    let mut engine = stand.place(in_phase(Phase::Waiting));
    engine.snapshot.send_modify(|snapshot| snapshot.phase = Phase::Connected);
    stand.harness.run();

    stand.click("Mute");
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetMicrophoneOn(false)]);
    stand.click("Unmute");
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetMicrophoneOn(true)]);

    stand.click("Devices");
    stand.pick("Microphone", "Headset microphone");
    let headset = AudioSource::Microphone("headset".into());
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SetAudioSource(headset)]);

    stand.click("Chat");
    stand.click("One moment, please.");
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::SendChat("One moment, please.".into())]);
    assert!(stand.says("You: One moment, please."));

    stand.click("Hang up");
    assert_eq!(obeyed(&mut stand, &mut engine), [Command::HangUp]);
    stand.click("Call again");
    assert!(matches!(stand.wishes.try_recv(), Ok(Wish::Call(_))));
}
