//! Camera and sound card behind their real Linux drivers, in a virtual machine.
//! It is slow (vector code runs a tenth as fast), so that pictures are small and few.

use ringback_tests::machine::{run, unavailable};
use ringback_tests::place::{alone, scratch};
use ringback_tests::program::ringback;
use ringback_tests::report::Report;
use ringback_tests::skip::skip;

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
fn a_call_with_a_real_camera_driver_and_a_real_sound_driver() {
    let _alone = alone();
    if let Some(reason) = unavailable() {
        return skip(&reason);
    }
    let folder = scratch();
    let program = ringback().parent().expect("it lies in a folder").display();
    let script = format!("export PATH={program}:$PATH HOME={}\n{CALL}", folder.path().display());
    let log = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    run(&script, folder.path(), 240);

    let devices = log("devices.json");
    assert!(devices.contains("vivid"), "{devices}");
    assert!(devices.contains("Loopback"), "{devices}");
    let report = Report::read(&folder.path().join("report.json"));
    let said = log("call.log");
    assert!(said.contains("vivid"), "the camera was taken: {said}");
    assert!(report.number("video.sent.frames") >= 10.0, "{report}\n{said}");
    assert!(report.number("audio.sent.packets") >= 200.0, "{report}\n{said}");
    assert!(report.number("video.received.frames_decoded") >= 5.0, "{report}\n{said}");
}
