//! Changing devices on their real paths: a preloaded camera, and microphones of a private sound server.
//! Both are found through the environment, so that each test runs its second half in a process of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use call_engine::{AudioSource, Call, CallConfig, Command as Ask, Event, Preview, VideoSource};
use ringback_tests::camera::fake_camera;
use ringback_tests::place::alone;
use ringback_tests::process::Process;
use ringback_tests::pulse::{MICROPHONE, Pulse};
use ringback_tests::sound::tone_file;

use crate::engines::{config, server, until, within};
use crate::switching::{HIGH, LOW, blind, heard, send, silent, until_heard, until_told};

const ENDS: Duration = Duration::from_secs(90);

/// Says to the second process that it is the second one.
const CHILD: &str = "RINGBACK_TEST_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs this test once more, in a process with these variables.
fn again_with(test: &str, variables: &[(&str, &OsStr)]) {
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1").envs(variables.iter().copied());
    let mut process = Process::start(test, &mut command);
    if !process.wait(ENDS).success() {
        process.fail("it failed in its own process");
    }
}

#[test]
fn a_camera_goes_from_the_preview_to_the_call_and_may_be_chosen_again() {
    if is_child() {
        return tokio::runtime::Runtime::new().expect("threads").block_on(camera_from_preview_to_call());
    }
    let _alone = alone();
    let test = "real_paths::a_camera_goes_from_the_preview_to_the_call_and_may_be_chosen_again";
    let preloaded = fake_camera().as_os_str();
    again_with(test, &[("LD_PRELOAD", preloaded), ("FAKECAM_EXCLUSIVE", OsStr::new("1"))]);
}

async fn camera_from_preview_to_call() {
    let server = server().await;
    let base = CallConfig { video_in: VideoSource::Camera("0".into()), ..silent(config(&server, "filming")) };
    let preview = Preview::open(VideoSource::Auto, AudioSource::None, base.video, None);
    let pictures = preview.pictures();
    let picture = tokio::task::spawn_blocking(move || pictures.wait());
    within("a picture", picture).await.expect("no panic").expect("it runs");
    let name = preview.in_use().camera.expect("it gives pictures");
    assert!(name.contains("Fake Camera"), "{name}");
    drop(preview);

    // The camera takes one user only: without the preview's letting go there would be no picture.
    let mut call = Call::place(base).await.expect("devices never keep a call from beginning");
    let by_name = |snapshot: &call_engine::Snapshot| snapshot.media.camera.as_deref() == Some(&name);
    until(&call, "the camera in the call", by_name).await;
    until_told(&mut call, "sending pictures from camera 0").await;
    for source in ["camera:0", "auto", "test", "auto"] {
        send(&call, Ask::SetVideoSource(source.parse().expect("a source"))).await;
        let wanted =
            if source == "test" { "sending pictures from test card" } else { "sending pictures from camera 0" };
        let told = until_told(&mut call, wanted).await;
        assert!(matches!(told, Event::Info(_)), "{told:?}");
    }
    until(&call, "the camera once more", |snapshot| by_name(snapshot) && snapshot.media.video_in == VideoSource::Auto)
        .await;
    call.hang_up().await;
    within("the end", call.finished()).await;
    server.shutdown().await;
}

/// A second microphone, next to the one that every sound server of the tests has.
const HEADSET: &str = "headset";

fn pactl(pulse: &Pulse, arguments: &[&str]) {
    let mut command = Command::new("pactl");
    let output = command.env("PULSE_SERVER", pulse.address()).args(arguments).output();
    assert!(output.is_ok_and(|output| output.status.success()), "{arguments:?}");
}

fn speak_into(pulse: &Pulse, sink: &str, file: &Path) -> Process {
    let mut command = Command::new("paplay");
    Process::start("paplay", command.env("PULSE_SERVER", pulse.address()).arg(format!("--device={sink}")).arg(file))
}

#[test]
fn the_peer_hears_the_other_microphone_once_it_is_chosen() {
    if is_child() {
        return tokio::runtime::Runtime::new().expect("threads").block_on(another_microphone());
    }
    let _alone = alone();
    let pulse = Pulse::start();
    pactl(&pulse, &["load-module", "module-null-sink", "sink_name=second_cable", "rate=48000", "channels=1"]);
    let source = format!("source_name={HEADSET}");
    let called = "source_properties=device.description=Headset";
    pactl(&pulse, &["load-module", "module-remap-source", "master=second_cable.monitor", &source, called]);
    let _low = pulse.speak(&tone_file(LOW, 120));
    let _high = speak_into(&pulse, "second_cable", &tone_file(HIGH, 120));
    let address = pulse.address();
    let test = "real_paths::the_peer_hears_the_other_microphone_once_it_is_chosen";
    again_with(test, &[("PULSE_SERVER", OsStr::new(&address))]);
}

async fn another_microphone() {
    let server = server().await;
    let (audio_out, mut sound) = heard();
    let talking = blind(CallConfig {
        audio_in: AudioSource::Microphone(format!("pulseaudio:{MICROPHONE}")),
        ..config(&server, "talking")
    });
    let mut talking = Call::place(talking).await.expect("devices never keep a call from beginning");
    let listening = blind(CallConfig { audio_out, audio_in: AudioSource::None, ..config(&server, "listening") });
    let listening = Call::place(listening).await.expect("nothing is needed");
    until_heard(&mut sound, Some(LOW)).await;
    let before = talking.snapshot().borrow().media.microphone.clone().expect("it works");

    let headset = AudioSource::Microphone(format!("pulseaudio:{HEADSET}"));
    send(&talking, Ask::SetAudioSource(headset.clone())).await;
    until_heard(&mut sound, Some(HIGH)).await;
    let media = until(&talking, "another name", |snapshot| snapshot.media.audio_in == headset).await.media;
    assert_ne!(media.microphone.expect("it works"), before);

    let nowhere = AudioSource::Microphone("pulseaudio:nowhere".into());
    send(&talking, Ask::SetAudioSource(nowhere)).await;
    let told = until_told(&mut talking, "the microphone was not changed: ").await;
    assert!(matches!(told, Event::Problem(_)), "{told:?}");
    until_heard(&mut sound, Some(HIGH)).await;
    talking.hang_up().await;
    within("the end", listening.finished()).await;
    server.shutdown().await;
}
