//! The probe names the protocol of each server, and nobody who is in a room there notices it.

use call_core::RoomId;
use signaling_client::{ProbeReport, Protocol, SignalingConfig, Spoken, parse_probe_url, probe};

use crate::meeting::{self, Party, both_meet};
use crate::server::Server;
use crate::{matchbox, mirotalk};

/// Probes `url`; gives back the end, and each step as a line.
async fn probed(url: &str) -> (ProbeReport, Vec<String>) {
    let room = RoomId::new("any").expect("a good name");
    let config = SignalingConfig::new(parse_probe_url(url).expect("a good URL"), room, "any");
    let mut steps = Vec::new();
    let report = probe(&config, |step| steps.push(format!("{}: {:?}", step.name, step.outcome))).await;
    (report, steps)
}

/// The server at `path` is known, and one who waits there for a call gets it from the next who calls, not from the probe.
async fn knows(server: &Server, protocol: Protocol, path: &str) {
    let url = format!("{}+ws://{}{path}", protocol.prefix(), server.address());
    let mut waiting = Party::join("waiting", meeting::config(&url, "kitchen"));
    waiting.alone().await;
    let (report, steps) = probed(&format!("http://{}{path}", server.address())).await;
    let expected = ProbeReport { reached: true, spoken: Spoken::Signaling(protocol), server: Some(url.clone()) };
    assert_eq!(report, expected, "{steps:#?}");
    assert!(steps.len() <= 7, "{steps:#?}");
    let mut caller = Party::join("caller", meeting::config(&url, "kitchen"));
    both_meet(&mut waiting, &mut caller).await;
}

#[tokio::test]
async fn peerjs_is_known_by_the_names_that_it_gives_away() {
    knows(&Server::peerjs(), Protocol::PeerJs, "/app").await;
}

#[tokio::test]
async fn gstreamer_is_known_by_its_welcome() {
    knows(&Server::gst(), Protocol::Gst, "/").await;
}

#[tokio::test]
async fn matchbox_is_known_by_the_name_that_it_gives_us() {
    knows(&matchbox::server(), Protocol::Matchbox, "/").await;
}

#[tokio::test]
async fn mirotalk_is_known_by_its_socket_io() {
    knows(&mirotalk::server(), Protocol::MiroTalk, "/").await;
}

#[tokio::test]
async fn peerjs_at_another_path_than_the_given_one_is_unknown() {
    let server = Server::peerjs();
    let (report, steps) = probed(&format!("ws://{}/elsewhere", server.address())).await;
    assert_eq!(report, ProbeReport { reached: true, spoken: Spoken::Unknown, server: None }, "{steps:#?}");
}
