//! Publishing to a media server and watching one: an independent server says what it was asked and what it decoded.
//! One way only, with a token, with relays that the server names, and with a server that takes no candidates after the offer.

use std::time::Duration;

use ringback_tests::media_server::{MediaServer, TOKEN};
use ringback_tests::place::alone;
use ringback_tests::program::Call;
use ringback_tests::relay::Relay;
use ringback_tests::sound::{listen, read};

const ENDS: Duration = Duration::from_secs(40);

fn publisher(url: &str) -> Call {
    let call = Call::to("publisher", url).silent().media("test", "test").option("--size", "320x180");
    call.env("RINGBACK_KEY", TOKEN).option("--duration", "4s")
}

#[test]
fn a_media_server_decodes_what_is_published_and_hears_of_the_end() {
    let _alone = alone();
    let server = MediaServer::with(&[]);
    let mut call = publisher(&server.moved()).start();
    call.ends_with(0, ENDS);
    let said = server.process.stdout.text();
    assert!(said.contains("offer audio sendonly, video sendonly with 0 candidates"), "{said}");
    assert!(said.contains("patch with "), "{said}");
    let (pictures, sounds) = server.decoded();
    assert!(pictures >= 60 && sounds >= 100, "{pictures} pictures, {sounds} sounds");
    assert!(call.report().number("video.sent.frames") >= 90.0, "{}", call.report());
}

#[test]
fn a_server_that_takes_no_candidates_later_has_them_in_the_offer() {
    let _alone = alone();
    let server = MediaServer::with(&["--no-patch"]);
    let mut call = publisher(&server.whip()).start();
    call.connected();
    let said = server.process.stdout.text();
    let story: Vec<_> = said.lines().filter(|line| !line.starts_with("listening")).collect();
    assert!(matches!(story[..], [_, "patch refused", "delete after 0 pictures and 0 sounds", _]), "{said}");
    assert!(story[0].ends_with("with 0 candidates") && !story[3].ends_with("with 0 candidates"), "{said}");
    call.ends_with(0, ENDS);
    assert_eq!(server.process.stdout.text().matches("delete after").count(), 2);
}

#[test]
fn relays_in_the_servers_links_are_used() {
    let _alone = alone();
    let relay = Relay::start();
    let server = MediaServer::with(&["--link", &relay.link()]);
    let mut call = publisher(&server.whip()).flag("--relay-only").start();
    call.ends_with(0, ENDS);
    assert_eq!(call.report().text("path.local_type"), "relay", "{}", call.report());
    assert!(relay.was_used() && server.decoded().0 >= 30);
}

#[test]
fn what_a_media_server_plays_is_seen_and_heard() {
    let _alone = alone();
    let server = MediaServer::with(&[]);
    let call = Call::to("viewer", &server.whep()).recorded().env("RINGBACK_KEY", TOKEN);
    let mut call = call.option("--duration", "4s").start();
    call.ends_with(0, ENDS);
    let said = server.process.stdout.text();
    assert!(said.contains("offer audio recvonly, video recvonly"), "{said}");
    assert_eq!(server.decoded(), (0, 0));
    let report = call.report();
    assert!(report.number("video.received.frames_decoded") >= 60.0, "{report}");
    let heard = listen(&read(&call.sound()), 440.0);
    assert!(heard.tone > 2.0, "{heard:?}");
}

#[test]
fn a_wrong_token_and_a_wrong_path_end_the_call_at_once() {
    let _alone = alone();
    let server = MediaServer::with(&[]);
    for (url, key, words) in [
        (server.whip(), "guessed", "it does not accept the token that was given with --key"),
        (server.whip() + "/nowhere", TOKEN, "nothing is there: check the path"),
    ] {
        let mut call = publisher(&url).env("RINGBACK_KEY", key).start();
        call.ends_with(4, Duration::from_secs(10));
        let said = call.process.stderr.text();
        assert!(said.contains(words) && !said.contains(key), "{said}");
    }
    assert!(!server.process.stdout.text().contains("offer"));
}
