//! What is sent arrives: pictures with their numbers, a tone, and reports that say so.
//! Files in, files out, so that every picture and sample can be compared.

use std::time::Duration;

use media_core::Size;
use ringback_tests::clip::{Received, clip};
use ringback_tests::place::alone;
use ringback_tests::program::{Call, Running, Server};
use ringback_tests::report::Report;
use ringback_tests::sound::{listen, read, tone_file};

/// The clip begins again after ten seconds.
const FRAMES: u64 = 300;

const ENDS: Duration = Duration::from_secs(40);

fn hd() -> Size {
    Size::new(1280, 720).expect("possible")
}

#[test]
fn ten_seconds_of_call_carry_every_picture_and_a_whole_tone() {
    let _alone = alone();
    let server = Server::start();
    let clip = format!("file:{}", clip(hd(), 30, FRAMES).display());
    let tone = format!("file:{}", tone_file(440.0, 10).display());
    let call =
        |name| Call::new(name, "studio").on(&server).media(&clip, &tone).recorded().option("--duration", "10s").start();
    let (mut first, mut second) = (call("first"), call("second"));
    first.ends_with(0, ENDS);
    second.ends_with(0, ENDS);

    for side in [&first, &second] {
        report_is_clean(&side.report());
        pictures_are_those_sent(side);
        let heard = listen(&read(&side.sound()), 440.0);
        assert!(heard.tone > 9.0 && heard.total < 12.0, "{heard:?}");
    }
}

fn report_is_clean(report: &Report) {
    assert!(report.number("video.received.frames_decoded") >= 290.0, "{report}");
    assert!(report.number("video.sent.frames") >= 290.0, "{report}");
    assert_eq!(report.number("video.received.freezes"), 0.0, "{report}");
    assert!(report.number("audio.received.concealed_ratio") < 0.01, "{report}");
    assert_eq!(report.text("path.local_type"), "host", "{report}");
    assert_eq!(report.text("path.remote_type"), "host", "{report}");
    let first = report.number("milestones_ms.first_video_decoded") - report.number("milestones_ms.offer");
    assert!(first < 600.0, "first picture {first} ms after the offer\n{report}");
}

fn pictures_are_those_sent(side: &Running) {
    let received = Received::read(&side.picture(), hd(), FRAMES);
    assert!(received.stamps.len() >= 280, "{} different pictures", received.stamps.len());
    assert!(received.longest_step() <= 10, "{:?}", received.stamps);
    // Ten seconds, whatever froze: a repeated picture is written again.
    assert!((290..=360).contains(&received.pictures), "{} pictures in the file", received.pictures);
    assert!(received.median_psnr() >= 30.0, "{} dB", received.median_psnr());
}

#[test]
fn a_clip_that_is_played_once_ends_and_the_call_goes_on() {
    let _alone = alone();
    let server = Server::start();
    let size = Size::new(320, 180).expect("possible");
    let once = format!("file:{}?once", clip(size, 30, 30).display());
    let mut sender = Call::new("sender", "once")
        .on(&server)
        .silent()
        .option("--video-in", &once)
        .option("--size", "320x180")
        .start();
    let mut receiver = Call::new("receiver", "once").on(&server).silent().option("--duration", "3s").start();
    receiver.ends_with(0, ENDS);
    sender.ends_with(0, ENDS);
    let report = sender.report();
    assert!(report.number("video.sent.frames") <= 31.0, "{report}");
    assert_eq!(report.text("end.reason"), "peer_hung_up");
}

#[test]
fn a_call_without_any_media_still_connects_and_measures_nothing() {
    let _alone = alone();
    let server = Server::start();
    let call = |name| Call::new(name, "quiet").on(&server).silent().option("--duration", "1s").start();
    let (mut first, mut second) = (call("first"), call("second"));
    first.ends_with(0, ENDS);
    second.ends_with(0, ENDS);
    let report = first.report();
    assert!(report.at("milestones_ms.first_video_decoded").is_null(), "{report}");
    assert!(report.at("milestones_ms.first_audio_played").is_null(), "{report}");
}
