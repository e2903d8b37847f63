//! Cameras and sound cards behind their real Linux drivers, in a virtual machine, without a sound server.
//! It is slow (vector code runs a tenth as fast), so that pictures are small and few.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use call_engine::{AudioSink, AudioSource, VideoSource};
use ringback_tests::control::{Script, SocketPlace};
use ringback_tests::machine::{run, unavailable};
use ringback_tests::place::{alone, scratch};
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Server, ringback};
use ringback_tests::report::Report;
use ringback_tests::skip::skip;
use serde_json::{Value, json};

/// A whole call inside the machine: one side with its camera and its sound card, the other with test media.
/// What the loopback card plays on one end it records on the other, so that the speaker is heard by `arecord`.
const CALL: &str = r#"
set -e
ringback serve --listen 127.0.0.1:7550 2>serve.log &
ringback devices --json >devices.json
small="--headless --server ws://127.0.0.1:7550/signaling --size 320x180 --fps 5 --max-bitrate 300k --video-out none"
(exec 3<>/dev/tcp/127.0.0.1/7550) 2>/dev/null || sleep 1
ringback call attic $small --video-in test --audio-in test --audio-out none 2>peer.log &
peer=$!
ringback call attic $small --video-in auto --audio-in auto --audio-out none --duration 8s --report report.json 2>call.log
wait $peer
"#;

#[test]
fn calls_with_real_camera_drivers_and_real_sound_drivers() {
    let _alone = alone();
    if let Some(reason) = unavailable() {
        return skip(&reason);
    }
    let folder = scratch();
    let program = ringback().parent().expect("it lies in a folder").display();
    let tests = std::env::current_exe().expect("it runs");
    let script = format!(
        "export PATH={program}:$PATH HOME={} RINGBACK_BIN={}\n{CALL}\n\
         {} --exact drivers::devices_come_and_go_inside --ignored --nocapture",
        folder.path().display(),
        ringback().display(),
        tests.display(),
    );
    let log = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let output = run(&script, folder.path(), 240);
    println!("{}", String::from_utf8_lossy(&output.stdout));

    let devices = log("devices.json");
    assert!(devices.contains("vivid"), "{devices}");
    assert!(devices.contains("Loopback"), "{devices}");
    let report = Report::read(&folder.path().join("report.json"));
    let said = log("call.log");
    assert!(said.contains("vivid"), "the camera was taken: {said}");
    assert!(report.number("video.sent.frames") >= 10.0, "{report}\n{said}");
    // A second of sound: opening the card takes a while here when others use the processors.
    assert!(report.number("audio.sent.packets") >= 50.0, "{report}\n{said}");
    assert!(report.number("video.received.frames_decoded") >= 5.0, "{report}\n{said}");
}

/// A second is what people get, as other scenarios show. Here one look at ALSA's devices takes up to three, and two threads look.
const SWITCH: Duration = Duration::from_secs(12);

const ENDS: Duration = Duration::from_secs(40);

const CAMERA: Driver = Driver { name: "vivie", device: "vivie.0" };
const FIRST_CARD: Driver = Driver { name: "snd_aloop", device: "snd_aloop.0" };
const CARD: Driver = Driver { name: "snd_aloop", device: "snd_aloop.1" };
const MICROPHONE: &str = "mic:alsa:plughw:CARD=Loopback_1,DEV=0";
const SPEAKER: &str = "speaker:alsa:plughw:CARD=Loopback_1,DEV=0";

/// A device and the driver that it is taken from and given back to, as when its plug is pulled.
struct Driver {
    name: &'static str,
    device: &'static str,
}

impl Driver {
    fn unplug(&self) {
        self.write("unbind");
    }

    fn plug_in(&self) {
        self.write("bind");
    }

    fn write(&self, what: &str) {
        let path = format!("/sys/bus/platform/drivers/{}/{what}", self.name);
        std::fs::write(&path, self.device).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

/// The part of the test above that runs inside of the machine.
#[test]
#[ignore = "a part of the test above, which starts it in a machine of its own"]
fn devices_come_and_go_inside() {
    let server = Server::start();
    let place = SocketPlace::new();
    let small = |name| {
        let call = Call::new(name, "cellar").on(&server).option("--size", "320x180").option("--fps", "5");
        call.option("--max-bitrate", "300k").option("--video-out", "none")
    };
    let wearer = small("wearer").media("camera:1", MICROPHONE).option("--audio-out", SPEAKER);
    let mut wearer = wearer.option("--control", &place.text()).start();
    wearer.process.line_err("* waiting", ENDS);
    let mut script = Script::connect(&place.path());
    script.asks(json!({ "do": "subscribe", "snapshots": false }));
    let mut peer = small("peer").media("test", "test").option("--audio-out", "none").start();
    script.phase("connected");
    in_use(&mut script, "vivie", "Loopback");

    CAMERA.unplug();
    told(&mut script, "camera out", &["the camera works: camera 0"]);
    CAMERA.plug_in();
    told(&mut script, "camera in", &["the camera works: camera 1"]);
    CARD.unplug();
    told(&mut script, "card out", &["the microphone works: ", "the speaker works: "]);
    CARD.plug_in();
    told(&mut script, "card in", &["the microphone works: Loopback", "the speaker works: Loopback"]);
    // The default is the first card's.
    script.asks(json!({ "do": "audio_source", "source": "auto" }));
    script.asks(json!({ "do": "audio_sink", "sink": "auto" }));
    // Opening takes longer here than is waited for before it is said.
    in_use(&mut script, "vivie", "Default");
    FIRST_CARD.unplug();
    told(&mut script, "default out", &["the microphone works: Loopback", "the speaker works: Loopback"]);
    FIRST_CARD.plug_in();
    told(&mut script, "default in", &["the microphone works: Default", "the speaker works: Default"]);
    let said = wearer.process.stderr.text();
    assert!(!said.contains("warning"), "quiet notices: {said}");
    let begun = Instant::now();
    let first: AudioSource = "mic:alsa:plughw:CARD=Loopback,DEV=0".parse().expect("a source");
    call_engine::devices::check(&VideoSource::None, &first, &AudioSink::None).expect("it is there again");
    println!("to look once what ALSA has takes {} ms in this machine", begun.elapsed().as_millis());

    // Others take what we let go of.
    script.asks(json!({ "do": "video_source", "source": "camera:0" }));
    script.asks(json!({ "do": "audio_source", "source": "none" }));
    told(&mut script, "let go", &["sending pictures from camera 0", "no sound is sent"]);
    let film = Process::start("v4l2-ctl", Command::new("v4l2-ctl").args(["-d", "/dev/video1", "--stream-mmap"]));
    let record =
        Process::start("arecord", Command::new("arecord").args(["-q", "-D", "hw:1,0", "-f", "dat", "/dev/null"]));
    until_open(&film, Path::new("/dev/video1"));
    until_open(&record, Path::new("/dev/snd/pcmC1D0c"));
    script.asks(json!({ "do": "video_source", "source": "camera:1" }));
    let held = format!("camera 1 is in use by v4l2-ctl ({})", film.id());
    script.wait(&held, |line| says(line, &held));
    script.asks(json!({ "do": "audio_source", "source": MICROPHONE }));
    let held = format!("the microphone is in use by arecord ({})", record.id());
    script.wait(&held, |line| says(line, &held));

    script.asks(json!({ "do": "hang_up" }));
    wearer.ends_with(0, ENDS);
    peer.ends_with(0, ENDS);
    assert!(peer.report().number("video.received.frames_decoded") >= 10.0, "{}", peer.report());
}

/// Waits until this camera is in use, and microphone and speaker of this name.
fn in_use(script: &mut Script, camera: &str, sound: &str) {
    script.state(&format!("{camera}, {sound}"), |state| {
        let uses = |device: &str, name| state["media"][device].as_str().is_some_and(|used| used.contains(name));
        uses("camera", camera) && uses("microphone", sound) && uses("speaker", sound)
    });
}

/// Waits for these notices, in any order.
fn told(script: &mut Script, what: &str, notices: &[&str]) {
    let changed = Instant::now();
    let mut missing = notices.to_vec();
    while !missing.is_empty() {
        let said = script.wait(what, |line| missing.iter().any(|notice| says(line, notice)));
        missing.retain(|notice| !says(&said, notice));
        println!("{what}: after {} ms {}", changed.elapsed().as_millis(), said["text"]);
    }
    assert!(changed.elapsed() < SWITCH, "{what}");
}

fn says(line: &Value, text: &str) -> bool {
    line["text"].as_str().is_some_and(|said| said.contains(text))
}

/// Waits until a process has a device open and uses it.
fn until_open(process: &Process, device: &Path) {
    let deadline = Instant::now() + ENDS;
    let folder = format!("/proc/{}/fd", process.id());
    let is_open = || {
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|open| open == device)
    };
    while !is_open() {
        if Instant::now() > deadline {
            process.fail(&format!("does not open {}", device.display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
