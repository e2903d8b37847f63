//! Microphone, speaker and camera as the program finds them: real device paths, without hardware.
//! What is missing or taken away is said, and the call goes on.

use std::process::Command;
use std::time::Duration;

use ringback_tests::camera::fake_camera;
use ringback_tests::place::alone;
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Server, ringback};
use ringback_tests::pulse::{MICROPHONE, Pulse, SPEAKER};
use ringback_tests::sound::{listen, tone_file};
use serde_json::Value;

const ENDS: Duration = Duration::from_secs(40);

/// A sound server that does not exist, for calls that must not find a person's own.
const NO_SOUND: &str = "unix:/nonexistent/pulse";

#[test]
fn a_tone_goes_from_one_microphone_to_the_other_speaker() {
    let _alone = alone();
    let server = Server::start();
    let (here, there) = (Pulse::start(), Pulse::start());
    let tone = tone_file(440.0, 60);
    let _singer = here.speak(&tone);
    let call = |name, pulse: &Pulse| {
        let call = Call::new(name, "telephone").on(&server).media("none", "auto").option("--audio-out", "auto");
        call.option("--video-out", "none").env("PULSE_SERVER", pulse.address())
    };
    let mut speaker = call("speaker", &here).start();
    speaker.process.line_err("* waiting", ENDS);
    let mut listener = call("listener", &there).option("--duration", "10s").start();
    listener.connected();
    let recording = there.listen();
    listener.ends_with(0, ENDS);
    let heard = listen(&recording.finish(), 440.0);
    speaker.ends_with(0, ENDS);
    // A null sink stalls for its first two seconds.
    assert!(heard.tone > 5.0, "{heard:?}\n{}", listener.report());
}

#[test]
fn devices_are_listed_by_name_and_id() {
    let _alone = alone();
    let pulse = Pulse::start();
    let mut command = Command::new(ringback());
    command.args(["devices", "--json"]).env("PULSE_SERVER", pulse.address()).env("LD_PRELOAD", fake_camera());
    let mut process = Process::start("devices", &mut command);
    assert!(process.wait(ENDS).success());
    let text = process.stdout.text();
    let devices: Value = serde_json::from_str(&text).expect("JSON was asked for");
    let named = |kind: &str, name: &str| {
        let list = devices[kind].as_array().unwrap_or_else(|| panic!("no {kind}: {text}"));
        list.iter().any(|device| device["id"].as_str().is_some_and(|id| id.contains(name)))
    };
    assert!(named("microphones", MICROPHONE), "{text}");
    assert!(named("speakers", SPEAKER), "{text}");
    assert!(!named("microphones", "monitor"), "what a speaker plays is no microphone: {text}");
    assert!(text.contains("Fake Camera"), "{text}");

    let mut command = Command::new(ringback());
    command.arg("devices").env("PULSE_SERVER", pulse.address()).env("LD_PRELOAD", fake_camera());
    let mut process = Process::start("devices", &mut command);
    assert!(process.wait(ENDS).success());
    assert!(process.stdout.text().contains("Fake Camera"), "{}", process.stdout.text());
}

/// A call with the fake camera (and no sound), to someone who only looks.
fn filmed(
    server: &Server,
    seconds: &str,
    variable: Option<(&str, &str)>,
) -> (Process, ringback_tests::report::Report, ringback_tests::report::Report) {
    let mut film = Call::new("filming", "stage")
        .on(server)
        .media("auto", "none")
        .option("--audio-out", "none")
        .option("--video-out", "none")
        .option("--size", "640x480")
        .env("LD_PRELOAD", fake_camera());
    if let Some((name, value)) = variable {
        film = film.env(name, value);
    }
    let mut film = film.start();
    let mut looking = Call::new("looking", "stage").on(server).silent().option("--duration", seconds).start();
    looking.ends_with(0, ENDS);
    film.ends_with(0, ENDS);
    let (sent, received) = (film.report(), looking.report());
    (film.process, sent, received)
}

#[test]
fn the_first_camera_is_taken_and_its_pictures_arrive() {
    let _alone = alone();
    let (film, sent, received) = filmed(&Server::start(), "4s", None);
    assert!(film.stderr.text().contains("Fake Camera"), "{}", film.stderr.text());
    assert!(sent.number("video.sent.fps") > 25.0, "{sent}");
    assert!(received.number("video.received.frames_decoded") > 90.0, "{received}");
    assert_eq!(received.number("video.received.width"), 640.0);
}

#[test]
fn a_camera_that_is_pulled_out_is_said_and_the_call_goes_on() {
    let _alone = alone();
    let (film, sent, _) = filmed(&Server::start(), "4s", Some(("FAKECAM_UNPLUG_AFTER", "30")));
    let said = film.stderr.text();
    assert!(said.to_lowercase().contains("camera") && said.contains("warning"), "{said}");
    assert_eq!(sent.text("end.reason"), "peer_hung_up");
}

#[test]
fn a_camera_that_another_program_holds_is_said_and_the_test_card_shown() {
    let _alone = alone();
    let (film, sent, received) = filmed(&Server::start(), "3s", Some(("FAKECAM_BUSY", "1")));
    assert!(film.stderr.text().contains("test card"), "{}", film.stderr.text());
    assert!(sent.number("video.sent.frames") > 30.0, "{sent}");
    assert!(received.number("video.received.frames_decoded") > 30.0, "{received}");
}

#[test]
fn a_machine_without_devices_still_calls_and_says_what_is_missing() {
    let _alone = alone();
    let server = Server::start();
    let mut bare = Call::new("bare", "cellar").on(&server).media("auto", "auto").option("--video-out", "none");
    bare = bare.option("--size", "320x180").env("PULSE_SERVER", NO_SOUND).env("ALSA_CONFIG_PATH", "/nonexistent");
    let mut bare = bare.start();
    let mut peer = Call::new("peer", "cellar").on(&server).silent().option("--duration", "2s").start();
    peer.ends_with(0, ENDS);
    bare.ends_with(0, ENDS);
    let said = bare.process.stderr.text();
    assert!(said.contains("no camera") && said.contains("test card"), "{said}");
    assert!(said.contains("microphone"), "{said}");
}
