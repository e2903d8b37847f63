//! Microphone, speaker and camera as the program finds them: real device paths, without hardware.
//! What is missing or taken away is said, and the call goes on.

use std::process::Command;
use std::time::{Duration, Instant};

use media_capture::devices::Presence;
use ringback_tests::camera::fake_camera;
use ringback_tests::place::{alone, scratch};
use ringback_tests::process::{Process, Signal};
use ringback_tests::program::{Call, Server, ringback};
use ringback_tests::pulse::{CABLE, MICROPHONE, Pulse, SPEAKER};
use ringback_tests::report::Report;
use ringback_tests::screen::Screen;
use ringback_tests::sound::{listen, read, tone_file};
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

/// What is plugged in or out is to be answered within that time.
const SWITCH: Duration = Duration::from_secs(1);

#[test]
fn a_headset_that_is_pulled_out_gives_way_to_the_default_and_takes_over_again() {
    let _alone = alone();
    let server = Server::start();
    let pulse = Pulse::start();
    pulse.plug_in_microphone("headset");
    pulse.plug_in_speaker("earphones");
    let tone = tone_file(440.0, 60);
    let _singer = pulse.speak(&tone);
    let call = Call::new("wearer", "headset").on(&server).media("none", "mic:pulseaudio:headset");
    let call = call.option("--audio-out", "speaker:pulseaudio:earphones").option("--video-out", "none");
    let mut wearer = call.env("PULSE_SERVER", pulse.address()).start();
    wearer.process.line_err("* waiting", ENDS);
    let listener = Call::new("listener", "headset").on(&server).media("none", "test").recorded();
    let mut listener = listener.option("--duration", "10s").start();
    listener.connected();

    let changes: [(&str, &dyn Fn(), &str); 4] = [
        ("microphone out", &|| pulse.unplug("headset"), "the microphone works: "),
        ("microphone in", &|| pulse.plug_in_microphone("headset"), "the microphone works: headset"),
        ("speaker out", &|| pulse.unplug("earphones"), "the speaker works: "),
        ("speaker in", &|| pulse.plug_in_speaker("earphones"), "the speaker works: earphones"),
    ];
    for (what, change, told) in changes {
        change();
        let changed = Instant::now();
        wearer.process.line_err(told, SWITCH);
        println!("{what}: answered after {} ms", changed.elapsed().as_millis());
    }
    let said = wearer.process.stderr.text();
    assert!(!said.contains("warning"), "a quiet notice: {said}");

    listener.ends_with(0, ENDS);
    wearer.ends_with(0, ENDS);
    // The last two seconds come from the headset that was plugged in again.
    let sound = read(&listener.sound());
    let heard = listen(&sound[sound.len().saturating_sub(2 * 48_000)..], 440.0);
    assert!(heard.tone > 1.5, "{heard:?}");
}

#[test]
fn what_is_plugged_in_during_a_call_that_began_without_is_used_at_once() {
    let _alone = alone();
    let server = Server::start();
    let pulse = Pulse::start();
    for name in [MICROPHONE, SPEAKER, CABLE] {
        pulse.unplug(name);
    }
    let folder = scratch();
    let absent = folder.path().join("no-camera");
    std::fs::write(&absent, "").expect("the target folder is writable");
    let bare = Call::new("bare", "cellar").on(&server).media("auto", "auto").option("--audio-out", "auto");
    let bare = bare.option("--video-out", "none").option("--size", "640x480").env("PULSE_SERVER", pulse.address());
    let bare = bare.env("ALSA_CONFIG_PATH", "/nonexistent").env("LD_PRELOAD", fake_camera());
    let bare = bare.env("FAKECAM_ABSENT", &absent).start();
    for fallback in ["showing the test card", "sending silence", "playing nothing"] {
        bare.process.line_err(fallback, ENDS);
    }
    let peer = Call::new("peer", "cellar").on(&server).silent().start();
    bare.connected();

    let changes: [(&dyn Fn(), &str); 3] = [
        (&|| std::fs::remove_file(&absent).expect("it is there"), "the camera works: camera 0 (Fake Camera)"),
        (&|| pulse.plug_in_speaker(CABLE), "the speaker works: "),
        (&|| pulse.plug_in_microphone("headset"), "the microphone works: headset"),
    ];
    for (change, told) in changes {
        change();
        let changed = Instant::now();
        bare.process.line_err(told, SWITCH);
        println!("{told:?} after {} ms", changed.elapsed().as_millis());
    }
    let said = bare.process.stderr.text();
    assert!(!said.contains("warning"), "quiet notices: {said}");
    drop(peer);
}

#[test]
fn a_device_that_is_named_and_not_there_is_one_line_before_anything_begins() {
    let _alone = alone();
    let pulse = Pulse::start();
    for (option, device) in [
        ("--video-in", "camera:77"),
        ("--audio-in", "mic:pulseaudio:no-such-device"),
        ("--audio-out", "speaker:pulseaudio:no-such-device"),
    ] {
        let call = Call::new(option, "nowhere").option("--server", "ws://127.0.0.1:9/signaling").silent();
        let mut call = call.option(option, device).env("PULSE_SERVER", pulse.address()).start();
        call.ends_with(2, ENDS);
        let said = call.process.stderr.text();
        let name = device.rsplit(':').next().expect("it has one");
        assert!(said.starts_with("error: ") && said.contains(name) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn devices_that_were_chosen_the_last_time_and_are_gone_give_way_to_the_default() {
    let _alone = alone();
    let server = Server::start();
    let (pulse, screen, folder) = (Pulse::start(), Screen::start(), scratch());
    let settings = folder.path().join("ringback/settings.json");
    std::fs::create_dir_all(settings.parent().expect("it has one")).expect("the target folder is writable");
    let chosen = r#"{"camera":"camera:77","microphone":"mic:pulseaudio:gone","speaker":"speaker:pulseaudio:gone"}"#;
    std::fs::write(&settings, chosen).expect("the target folder is writable");
    let mut peer = Call::new("peer", "attic").on(&server).silent().start();
    peer.process.line_err("* waiting", ENDS);
    let window = Call::to("window", &server.url()).without("--headless").option("--size", "640x480");
    let window = window.env("DISPLAY", screen.display()).env("WAYLAND_DISPLAY", "").env("LIBGL_ALWAYS_SOFTWARE", "1");
    let window = window.env("PULSE_SERVER", pulse.address()).env("LD_PRELOAD", fake_camera());
    let mut window = window.env("XDG_CONFIG_HOME", folder.path()).start();
    for key in ["a", "t", "t", "i", "c", "Return"] {
        screen.press("Ringback", key);
    }
    peer.connected();
    for told in [
        "camera 77 was not found: connect it, or choose another; using camera 0 (Fake Camera)",
        "the chosen microphone is not there: connect it, or choose another; using ",
        "the chosen speaker is not there: connect it, or choose another; using ",
    ] {
        window.process.line_err(told, ENDS);
    }
    // What was chosen comes back, and is what was chosen.
    pulse.plug_in_microphone("gone");
    window.process.line_err("the microphone works: gone", SWITCH);
    window.process.signal(Signal::Interrupt);
    window.ends_with(0, ENDS);
    peer.ends_with(0, ENDS);
    let kept = std::fs::read_to_string(&settings).expect("they are kept");
    assert!(kept.contains("camera:77") && kept.contains("mic:pulseaudio:gone"), "{kept}");
}

/// The part of the next test that must find the test's own sound server: a process of its own, told so by its environment.
#[test]
#[ignore = "a part of the test below, which starts it"]
fn devices_that_are_watched() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut devices = call_engine::devices::watch();
        // Until this process is ended.
        while devices.changed().await.is_ok() {
            let list = devices.borrow_and_update();
            let ids: Vec<_> = list.microphones.iter().chain(&list.speakers).map(|device| device.id.as_str()).collect();
            println!("devices: {}", ids.join(", "));
        }
    });
}

/// Looks that are measured together: their cost is told in ticks of 10 ms.
const LOOKS: u32 = 300;

/// The same for what a look costs.
#[test]
#[ignore = "a part of the test below, which starts it"]
fn looks_at_devices() {
    let mut presence = Presence::new();
    presence.changed(Instant::now());
    let begun = processor_time(std::process::id());
    for _ in 0..LOOKS {
        assert_eq!(presence.changed(Instant::now()), (false, false), "nothing comes or goes");
    }
    println!("a look costs {} us", ((processor_time(std::process::id()) - begun) / LOOKS).as_micros());
}

#[test]
fn whoever_watches_the_devices_sees_them_come_and_go_within_a_second_and_it_costs_next_to_nothing() {
    let _alone = alone();
    let pulse = Pulse::start();
    let part = |name: &str| {
        let mut command = Command::new(std::env::current_exe().expect("it runs"));
        command.args(["--exact", name, "--ignored", "--nocapture"]).env("PULSE_SERVER", pulse.address());
        Process::start(name, &mut command)
    };
    let looks = part("devices::looks_at_devices").line_out("a look costs ", ENDS);
    println!("{looks}");
    let micros = looks.split_whitespace().rev().nth(1).and_then(|micros| micros.parse::<u32>().ok());
    // Two looks a second are half a percent of a core then.
    assert!(micros.is_some_and(|micros| micros < 2_500), "{looks}");
    let watcher = part("devices::devices_that_are_watched");
    watcher.line_out(MICROPHONE, ENDS);
    for (name, plug_in) in [
        ("headset", (|pulse: &Pulse| pulse.plug_in_microphone("headset")) as fn(&Pulse)),
        ("earphones", |pulse| pulse.plug_in_speaker("earphones")),
    ] {
        plug_in(&pulse);
        let changed = Instant::now();
        watcher.line_out(name, SWITCH);
        println!("{name} was told of after {} ms", changed.elapsed().as_millis());
    }
    pulse.unplug("headset");
    pulse.plug_in_speaker("the-end");
    watcher.line_out("the-end", SWITCH);
    assert!(!watcher.stdout.text().lines().last().expect("it said something").contains("headset"));
}

/// What a process has used so far (proc(5), in ticks of 10 ms).
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<_> = stat.rsplit_once(')').expect("as in proc(5)").1.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().expect("a number");
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
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
    variables: &[(&str, &str)],
) -> (Process, ringback_tests::report::Report, ringback_tests::report::Report) {
    let mut film = Call::new("filming", "stage")
        .on(server)
        .media("auto", "none")
        .option("--audio-out", "none")
        .option("--video-out", "none")
        .option("--size", "640x480")
        .env("LD_PRELOAD", fake_camera());
    for (name, value) in variables {
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
    let (film, sent, received) = filmed(&Server::start(), "4s", &[]);
    assert!(film.stderr.text().contains("Fake Camera"), "{}", film.stderr.text());
    assert!(sent.number("video.sent.fps") > 25.0, "{sent}");
    assert!(received.number("video.received.frames_decoded") > 90.0, "{received}");
    assert_eq!(received.number("video.received.width"), 640.0);
}

#[test]
fn a_camera_that_is_pulled_out_is_said_and_the_call_goes_on() {
    let _alone = alone();
    let (film, sent, _) = filmed(&Server::start(), "4s", &[("FAKECAM_UNPLUG_AFTER", "30")]);
    let said = film.stderr.text();
    assert!(said.to_lowercase().contains("camera") && said.contains("warning"), "{said}");
    assert_eq!(sent.text("end.reason"), "peer_hung_up");
}

/// A call of that length in which the first camera fails and comes back, both with a quiet notice: what was said of it, for how
/// many seconds the picture froze, and the report of the one who sees it.
fn gives_way_and_takes_over_again(duration: &str, variables: &[(&str, &str)]) -> (String, f64, Report) {
    let (film, _, received) = filmed(&Server::start(), duration, variables);
    let said = film.stderr.text();
    let spare = said.find("the camera works: camera 1 (Spare Camera)");
    let back = said.find("the camera works: camera 0 (Fake Camera)");
    assert!(spare.is_some() && spare < back, "{said}");
    assert!(!said.contains("warning"), "a quiet notice: {said}");
    let frozen = received.number("video.received.freeze_seconds");
    println!("both changes froze the picture for {frozen} s");
    (said, frozen, received)
}

#[test]
fn a_camera_that_is_pulled_out_gives_way_to_another_and_takes_over_again() {
    let _alone = alone();
    let variables = [("FAKECAM_SPARE", "1"), ("FAKECAM_UNPLUG_AFTER", "60"), ("FAKECAM_PLUG_AFTER", "120")];
    let (said, frozen, received) = gives_way_and_takes_over_again("8s", &variables);
    // Both changes are seen, and neither takes longer than that.
    assert!(frozen < 2.0 * SWITCH.as_secs_f64(), "{received}\n{said}");
}

#[test]
fn a_camera_that_hangs_gives_way_to_another_and_takes_over_when_it_comes_to() {
    let _alone = alone();
    let variables = [("FAKECAM_SPARE", "1"), ("FAKECAM_HANG_AFTER", "60"), ("FAKECAM_HANG_MS", "5000")];
    let (said, frozen, received) = gives_way_and_takes_over_again("10s", &variables);
    // About 0.9 s, until it is noticed and the other is open; a busy machine adds its own. It hangs for five.
    assert!(frozen < 3.5, "{received}\n{said}");
}

#[test]
fn the_only_camera_is_said_to_hang_and_picked_up_again_when_its_pictures_come() {
    let _alone = alone();
    let variables = [("FAKECAM_HANG_AFTER", "45"), ("FAKECAM_HANG_MS", "2500")];
    let (film, sent, _) = filmed(&Server::start(), "7s", &variables);
    let said = film.stderr.text();
    let hangs = said.find("warning: camera: camera 0 gives no pictures");
    let back = said.find("the camera works: camera 0 (Fake Camera)");
    assert!(hangs.is_some() && hangs < back, "{said}");
    assert_eq!(said.matches("warning").count(), 1, "it is said once: {said}");
    assert!(sent.number("video.sent.frames") > 70.0, "{sent}");
}

#[test]
fn a_camera_that_another_program_holds_is_said_and_the_test_card_shown() {
    let _alone = alone();
    let (film, sent, received) = filmed(&Server::start(), "3s", &[("FAKECAM_BUSY", "1")]);
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
