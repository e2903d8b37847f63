//! Outputs that fail in the middle of a call: the call goes on to its end, and then says which one failed.

use std::process::Command;
use std::time::Duration;

use ringback_tests::place::{alone, scratch};
use ringback_tests::process::{Process, Signal};
use ringback_tests::program::{Call, Running, Server, ringback};

const ENDS: Duration = Duration::from_secs(20);

fn call(name: &str, server: &Server) -> Call {
    Call::new(name, "disk").on(server).silent().media("test", "test").option("--size", "320x180")
}

fn meet(waiter: Call, joiner: Call) -> (Running, Running) {
    let waiter = waiter.start();
    waiter.process.line_err("* waiting", ENDS);
    let joiner = joiner.start();
    waiter.in_call();
    joiner.in_call();
    (waiter, joiner)
}

#[test]
fn a_full_disk_is_told_and_ends_nothing() {
    let _alone = alone();
    let server = Server::start();
    for peer_hangs_up in [true, false] {
        let ours = call("ours", &server).option("--video-out", "file:/dev/full");
        let (mut ours, mut theirs) = meet(ours, call("theirs", &server));
        if peer_hangs_up { &theirs } else { &ours }.process.signal(Signal::Interrupt);
        ours.ends_with(9, ENDS);
        theirs.ends_with(0, ENDS);
        names_the_disk(&ours);
    }
    // The header of a sound file is written at once: no call comes about.
    let mut early = call("early", &server).option("--audio-out", "file:/dev/full").start();
    early.ends_with(9, ENDS);
    names_the_disk(&early);
}

fn names_the_disk(call: &Running) {
    let said = call.process.stderr.text();
    let words = "* ended: a device failed: /dev/full: No space left on device";
    assert!(said.lines().any(|line| line.starts_with(words)), "{said}");
    assert_eq!(call.report().text("end.reason"), "device_failure");
}

#[test]
fn a_report_that_has_lost_its_folder_is_an_output_that_failed() {
    let _alone = alone();
    let server = Server::start();
    let folder = scratch();
    let reports = folder.path().join("reports");
    std::fs::create_dir(&reports).expect("the target folder is writable");
    let path = reports.join("report.json");
    let url = server.url();
    let mut command = Command::new(ringback());
    command.args(["call", "disk", "--headless", "--server", &url, "--report"]).arg(&path);
    command.args(["--video-in", "none", "--audio-in", "test", "--audio-out", "none"]);
    let mut ours = Process::start("ours", &mut command);
    ours.line_err("* waiting", ENDS);
    let mut theirs = call("theirs", &server).start();
    ours.line_err("* connected", ENDS);
    theirs.in_call();
    std::fs::remove_dir_all(&reports).expect("it is ours");
    theirs.process.signal(Signal::Interrupt);
    assert_eq!(ours.wait(ENDS).code(), Some(9));
    theirs.ends_with(0, ENDS);
    let said = ours.stderr.text();
    assert!(said.lines().any(|line| line.starts_with("error: ") && line.contains("report.json")), "{said}");
}
