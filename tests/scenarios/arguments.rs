//! What a person can get wrong: each mistake costs one line that says what to do, and exit code 2.
//! Nothing is opened, joined or hung before the mistake is found, and nothing ever panics.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ringback_tests::place::{alone, scratch};
use ringback_tests::process::Process;
use ringback_tests::program::{Server, ringback};

/// Runs the program to its end; gives back the exit code and what it said.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = Process::start("ringback", Command::new(ringback()).args(arguments));
    let status = process.wait(Duration::from_secs(20));
    (status.code(), process.stderr.text())
}

#[test]
fn wrong_words_are_refused_with_the_reason() {
    let _alone = alone();
    let long_room = "x".repeat(200);
    let table: [(&[&str], &str); 14] = [
        (&[], "Usage"),
        (&["dial", "kitchen"], "dial"),
        (&["call"], "ROOM"),
        (&["call", ""], "room"),
        (&["call", "a\u{7}b"], "room"),
        (&["call", &long_room], "128"),
        (&["call", "kitchen", "--server", "http://127.0.0.1/"], "ws"),
        (&["call", "kitchen", "--server", "ws://"], "--server"),
        (&["call", "kitchen", "--size", "0x0"], "--size"),
        (&["call", "kitchen", "--size", "100000x100000"], "--size"),
        (&["call", "kitchen", "--fps", "0"], "--fps"),
        (&["call", "kitchen", "--max-bitrate", "5"], "--max-bitrate"),
        (&["call", "kitchen", "--video-in", "tape"], "--video-in"),
        (&["call", "kitchen", "--duration", "soon"], "--duration"),
    ];
    for (arguments, reason) in table {
        let (code, text) = said(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(reason), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_refused_by_name() {
    let _alone = alone();
    let server = Server::start();
    let folder = scratch();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("the target folder is writable");
        path
    };
    let wav_head = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00";
    let table: Vec<(&str, PathBuf)> = vec![
        ("--video-in", folder.path().join("missing.y4m")),
        ("--video-in", folder.path().to_path_buf()),
        ("--video-in", file("empty.y4m", b"")),
        ("--video-in", file("text.y4m", b"Dear diary, today I filmed nothing.\n")),
        ("--video-in", file("colours.y4m", b"YUV4MPEG2 W320 H180 F30:1 C444\nFRAME\n")),
        ("--video-in", file("nothing.y4m", b"YUV4MPEG2 W320 H180 F30:1\n")),
        ("--video-in", file("short.y4m", b"YUV4MPEG2 W320 H180 F30:1\nFRAME\nnot 86400 bytes")),
        ("--video-in", file("huge.y4m", b"YUV4MPEG2 W4000000000 H4000000000 F30:1\nFRAME\n")),
        ("--video-in", file("frozen.y4m", b"YUV4MPEG2 W320 H180 F0:0\nFRAME\n")),
        ("--audio-in", folder.path().join("missing.wav")),
        ("--audio-in", file("empty.wav", b"")),
        ("--audio-in", file("text.wav", b"la la la")),
        ("--audio-in", file("short.wav", wav_head)),
    ];
    for (option, path) in table {
        refused(&server, option, &path, 2);
    }
}

#[test]
fn a_file_that_cannot_be_written_ends_the_call_by_name() {
    let _alone = alone();
    let server = Server::start();
    let folder = scratch();
    for (option, name) in [("--video-out", "no-such-folder/out.y4m"), ("--audio-out", "no-such-folder/out.wav")] {
        refused(&server, option, &folder.path().join(name), 9);
    }
}

/// A call with this file ends with this exit code and names the file.
fn refused(server: &Server, option: &str, path: &Path, exit_code: i32) {
    let value = format!("file:{}", path.display());
    let url = server.url();
    let mut arguments = vec!["call", "kitchen", "--headless", "--server", &url, "--wait", "2s"];
    for silent in ["--video-in", "--audio-in", "--video-out", "--audio-out"] {
        arguments.extend([silent, if silent == option { &value } else { "none" }]);
    }
    let (code, text) = said(&arguments);
    assert_eq!(code, Some(exit_code), "{option} {value}: {text}");
    let name = path.file_name().expect("none of them ends in ..").to_string_lossy();
    assert!(text.contains(name.as_ref()), "the message names the file: {text}");
    assert!(!text.contains("panicked"), "{option} {value}: {text}");
}

#[test]
fn help_and_version_are_for_asking() {
    let _alone = alone();
    for arguments in
        [&["--help"][..], &["call", "--help"], &["serve", "--help"], &["devices", "--help"], &["--version"]]
    {
        let mut process = Process::start("ringback", Command::new(ringback()).args(arguments));
        assert!(process.wait(Duration::from_secs(10)).success(), "{arguments:?}");
        assert!(!process.stdout.text().is_empty(), "{arguments:?}");
    }
}
