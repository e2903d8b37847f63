//! Calls with programs of others over servers of others: a page with PeerJS in Chromium, and GStreamer's `webrtcbin`.
//! Whoever of the two begins, pictures and sound must arrive on both sides.

use std::process::Command;
use std::time::Duration;

use ringback_tests::browser::Browser;
use ringback_tests::place::{alone, program, repository, scratch};
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Running};
use ringback_tests::skip::skip;
use ringback_tests::sound::{listen, read};

use crate::install;
use crate::server::Server;

/// Longest wait for what should come at once.
const SOON: Duration = Duration::from_secs(30);

/// How long the calls are that we end.
const CALL: &str = "8s";

/// Pictures that each side must have decoded: a second or two of the call.
const FRAMES: u32 = 30;

/// Tenths of a second in which the other side must have heard something.
const LOUD: u32 = 10;

/// Energy of the sound that a page must have heard: our test tone gives 0.03 a second.
const ENERGY: f64 = 0.02;

fn native(server: &str, room: &str) -> Call {
    let call = Call::new("native", room).option("--server", server).media("test", "test");
    call.option("--size", "640x360").recorded()
}

/// What the program has seen and heard: FRAMES pictures, and `seconds` of sound.
fn received(native: &Running, seconds: f64) {
    let report = native.report();
    assert!(report.number("video.received.frames_decoded") >= f64::from(FRAMES), "{report}");
    let heard = listen(&read(&native.sound()), 440.0);
    assert!(heard.sound >= seconds, "{heard:?}");
}

/// A page with PeerJS that has taken `name` on the server and can call `room`.
struct Page {
    browser: Browser,
    _folder: tempfile::TempDir,
}

impl Page {
    fn open(server: &Server, name: &str, room: &str) -> Self {
        let library = install::npm("peerjs", "1.5.5").join("node_modules/peerjs/dist/peerjs.min.js");
        let folder = scratch();
        let page = folder.path().join("peerjs.html");
        std::fs::copy(repository().join("tests/browser/peerjs.html"), &page).expect("part of the repository");
        std::fs::copy(library, folder.path().join("peerjs.min.js")).expect("installed above");
        let mut browser = Browser::start();
        browser.open(&format!("file://{}#{}/{name}/{room}", page.display(), server.address().port()));
        browser.shows("Ready");
        Self { browser, _folder: folder }
    }
}

#[test]
fn a_page_with_peerjs_calls_the_room_and_hangs_up() {
    let _alone = alone();
    let server = Server::peerjs();
    let mut native = native(&format!("peerjs+ws://{}/app", server.address()), "kitchen").start();
    native.process.line_err("* waiting", SOON);
    let mut page = Page::open(&server, "page", "kitchen");
    page.browser.click("button", "Call");
    native.connected();
    // Time enough for as many to come back to us, as the fake camera makes 20 pictures a second.
    page.browser.receives(3 * FRAMES, ENERGY);
    page.browser.click("button", "Hang up");
    native.ends_with(0, SOON);
    // The fake microphone beeps once a second.
    received(&native, 0.1);
}

#[test]
fn a_page_with_peerjs_has_the_name_and_answers_our_call() {
    let _alone = alone();
    let server = Server::peerjs();
    let mut page = Page::open(&server, "kitchen", "nobody");
    let mut native =
        native(&format!("peerjs+ws://{}/app", server.address()), "kitchen").option("--duration", CALL).start();
    native.connected();
    page.browser.receives(FRAMES, ENERGY);
    native.ends_with(0, SOON);
    page.browser.shows("Closed");
    received(&native, 0.1);
}

/// Whether the calls with GStreamer have to be skipped: elsewhere its parts have other names, and H.264 is often left out.
fn is_without_gstreamer() -> bool {
    let missing = program("apt-get").is_none();
    if missing {
        skip("GStreamer is installed on Debian and its relatives only");
    }
    missing
}

/// A call with `webrtcbin`, which `plays` a part on the signalling server.
fn gstreamer(server: &Server, plays: &str) -> Process {
    // The bindings are Debian's, for Debian's Python.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(repository().join("tests/gstreamer/peer.py"));
    command.args([&format!("ws://{}", server.address()), "kitchen", plays]);
    Process::start("gstreamer", &mut command)
}

/// Waits until GStreamer has seen and heard enough.
fn gstreamer_receives(gstreamer: &Process) {
    gstreamer.line_out(&format!("\"frames\":{FRAMES},"), SOON);
    gstreamer.line_out(&format!("\"loud\":{LOUD}}}"), SOON);
}

#[test]
fn gstreamer_consumes_what_the_program_produces_and_is_heard_as_well() {
    if is_without_gstreamer() {
        return;
    }
    let _alone = alone();
    let server = Server::gst();
    let mut native = native(&format!("gst+ws://{}", server.address()), "kitchen").option("--duration", CALL).start();
    native.process.line_err("* waiting", SOON);
    let gstreamer = gstreamer(&server, "consume");
    native.connected();
    gstreamer_receives(&gstreamer);
    native.ends_with(0, SOON);
    gstreamer.line_out("ended", SOON);
    received(&native, 1.0);
}

#[test]
fn gstreamer_produces_and_the_program_calls_it() {
    if is_without_gstreamer() {
        return;
    }
    let _alone = alone();
    let server = Server::gst();
    let gstreamer = gstreamer(&server, "produce");
    gstreamer.line_out("producing", SOON);
    let mut native = native(&format!("gst+ws://{}", server.address()), "kitchen").option("--duration", CALL).start();
    native.connected();
    gstreamer_receives(&gstreamer);
    native.ends_with(0, SOON);
    gstreamer.line_out("ended", SOON);
    received(&native, 1.0);
}
