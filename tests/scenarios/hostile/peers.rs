//! What a peer may send through signaling and over the media path, and when it may vanish.

use std::time::Duration;

use call_core::PeerEvent;
use ringback_tests::place::alone;
use ringback_tests::process::Signal;
use ringback_tests::program::{Call, Running, Server};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::villain::{Accomplice, FakeServer, Line};

const SOON: Duration = Duration::from_secs(10);

/// What no call may need, in bytes; an honest one without media takes 40 MB.
const MOST_MEMORY: f64 = 300e6;

/// Appears in everything that the villains send and must not appear in what is printed.
const MARK: &str = "deadbeef";

fn victim(name: &str, url: &str) -> Running {
    Call::new(name, "lair").silent().option("--server", url).option("--bind", "127.0.0.1").start()
}

/// Everything that a hostile text can be, for a member that should be an SDP; each fits into the largest message taken.
fn descriptions() -> Vec<String> {
    let session = format!("v=0\r\no=- {MARK} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let media = format!("{session}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n");
    let keys = format!("a=ice-ufrag:{MARK}\r\na=ice-pwd:{}\r\n", MARK.repeat(4));
    let fingerprint = format!("a=fingerprint:sha-256 {}\r\na=setup:actpass\r\n", ["AB"; 32].join(":"));
    vec![
        String::new(),
        MARK.to_owned(),
        "v=0".to_owned(),
        "\0\u{1b}[2J\r\n".repeat(100),
        format!("{session}m="),
        format!("{session}m=audio 99999999999 UDP/TLS/RTP/SAVPF {MARK}\r\n"),
        format!("{media}{keys}{fingerprint}a=rtpmap:111 opus/0/{MARK}\r\na=mid:0\r\n"),
        format!("{media}{fingerprint}a=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"),
        format!("{media}{keys}a=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"),
        format!("{session}{}", format!("a={MARK}\r\n").repeat(15_000)),
        format!("{session}{}", format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{MARK}\r\n").repeat(4_000)),
        format!("{media}{keys}{fingerprint}a=mid:0\r\na=mid:1\r\na=group:BUNDLE 0 1 2 3 {}\r\n", MARK.repeat(10_000)),
        format!("{session}m=image 9 TCP/T38 t38\r\nm=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 {MARK} 99999\r\n"),
        session,
    ]
}

fn candidates(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let (high, low) = (number / 250, number % 250 + 1);
        match number % 4 {
            0 => format!("candidate:{number} 1 udp 2122260223 198.18.{high}.{low} 50000 typ host"),
            1 => format!(
                "candidate:{number} 1 udp 2122260223 {number:08x}-0000-4000-8000-{MARK}0000.local 50000 typ host"
            ),
            2 => format!("candidate:{number} 1 udp 1 127.0.0.1 {} typ relay raddr 10.0.0.1 rport 9", 10_000 + number),
            _ => format!("candidate:{MARK} {number} \u{1b}[2J nonsense"),
        }
    })
}

fn nonsense() -> Vec<Message> {
    let wrong_types =
        ["offer", "answer", "candidate", "accept", "reject", "bye?", "ping\u{7}"].into_iter().flat_map(|kind| {
            [Value::Null, json!(7), json!([]), json!({ "sdp": [MARK] }), json!([[MARK]])].map(move |value| {
                Message::text(json!({ "type": kind, "sdp": value, "ice": value, "isExistClient": value }).to_string())
            })
        });
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        r#"{"type":7}"#.to_owned(),
        r#"{"type":{"type":"offer"}}"#.to_owned(),
        format!(r#"{{"type":"{}"}}"#, "\\u001b[2J".repeat(1_000)),
        format!(r#"{{"type":"offer","sdp":{}"#, "[".repeat(200_000)),
        format!(r#"{{"type":"candidate","ice":{}{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
        format!(r#"{{"type":"mystery","text":"{}"}}"#, MARK.repeat(25_000)),
        r#"{"type":"accept","isExistClient":true,"iceServers":[{"urls":["turn:evil.invalid"]}]}"#.to_owned(),
        r#"{"type":"ping","sdp":"x","unknown":{"member":[1,2,3]}}"#.to_owned(),
    ];
    let binary = [vec![], vec![0xff; 1000], b"{\"type\":\"ping\"}".to_vec()].map(Message::binary);
    texts.into_iter().map(Message::text).chain(wrong_types).chain(binary).collect()
}

/// What holds for every call, whatever was done to it.
fn unharmed(call: &Running) {
    let text = format!("{}\n{}", call.process.stderr.text(), call.process.stdout.text());
    for never in ["panicked", MARK, "a=fingerprint", "ice-pwd", "198.18.", "\u{1b}"] {
        assert!(!text.contains(never), "it printed {never:?}:\n{text:.4000}");
    }
    assert!(text.lines().count() < 100, "a flood on the terminal:\n{text:.4000}");
    assert!(text.lines().all(|line| line.len() < 1_000), "a flood on the terminal:\n{text:.4000}");
    let memory = call.report().number("process.peak_rss_bytes");
    assert!(memory < MOST_MEMORY, "{memory} bytes of memory");
}

/// Ends a call that nobody came to, as Ctrl-C does.
fn interrupted(mut call: Running, codes: &[i32]) {
    call.process.signal(Signal::Interrupt);
    call.ends_with_one_of(codes, Duration::from_secs(4));
    unharmed(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_skipped_and_a_good_peer_is_served_after_it() {
    let _alone = alone();
    let server = FakeServer::start().await;
    let mut call = victim("waiter", &server.url());
    let mut line = server.joined(false).await;
    for message in nonsense() {
        line.send(message).await;
    }
    line.answer(&descriptions().concat()[..1_000]).await;
    for candidate in candidates(60) {
        line.candidate(&candidate).await;
    }
    for sdp in ["", "v=0", "\0\u{1b}[2J", &format!("v=0\r\na={}", MARK.repeat(20_000))].repeat(20) {
        line.offer(sdp).await;
    }
    line.settled().await;

    let mut friend = Accomplice::open().await;
    friend.call(&mut line).await;
    friend.until_event(PeerEvent::DataOpen).await;
    friend.peer.send_chat("\u{1b}[2J\u{7}grüße\u{202e}\r\n").await.expect("the channel is open");
    call.process.line_err("grüße", SOON);
    friend.peer.send_goodbye(&"\u{1b}]0;pwned\u{7}\u{202e}\r\n".repeat(2_000)).await;
    call.ends_with(0, SOON);
    assert_eq!(call.report().text("end.reason"), "peer_hung_up");
    unharmed(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_description_of_a_stranger_hurts_one_who_waits_or_one_who_offers() {
    let _alone = alone();
    let server = FakeServer::start().await;
    for some in descriptions().chunks(4) {
        let mut calls = Vec::new();
        for (sdp, second) in some.iter().flat_map(|sdp| [(sdp, false), (sdp, true)]) {
            let call = victim(if second { "joiner" } else { "waiter" }, &server.url());
            let mut line = server.joined(second).await;
            eprintln!("{second} {sdp:.60}");
            if second {
                line.hear("offer").await;
                line.answer(sdp).await;
            } else {
                line.offer(sdp).await;
            }
            for candidate in candidates(40) {
                line.try_send(Message::text(
                    json!({ "type": "candidate", "ice": { "candidate": candidate } }).to_string(),
                ))
                .await;
            }
            calls.push((call, line));
        }
        for (call, _line) in calls {
            // An answer that cannot be used is the end: no media path.
            interrupted(call, &[130, 7]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_candidates_and_offers_is_survived() {
    let _alone = alone();
    let server = FakeServer::start().await;
    let call = victim("waiter", &server.url());
    let mut line = server.joined(false).await;
    let mut villain = Accomplice::open().await;
    let sdp = villain.offer().await;
    let flooded = candidates(3_000).map(|candidate| format!("a={candidate}\r\n")).collect::<String>();
    line.offer(&format!("{sdp}{flooded}")).await;
    for candidate in candidates(4_000) {
        line.candidate(&candidate).await;
    }
    line.hear("answer").await;
    for _ in 0..300 {
        line.offer(&sdp).await;
    }
    line.settled().await;
    interrupted(call, &[130]);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_glare_ends_with_the_wait() {
    let _alone = alone();
    let server = FakeServer::start().await;
    let mut call =
        Call::new("joiner", "lair").silent().option("--server", &server.url()).option("--wait", "1s").start();
    let mut line = server.joined(true).await;
    line.hear("offer").await;
    let sdp = Accomplice::open().await.offer().await;
    for _ in 0..300 {
        line.try_send(Message::text(json!({ "type": "offer", "sdp": sdp }).to_string())).await;
    }
    call.ends_with(6, SOON);
    unharmed(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_vanishes_mid_handshake_makes_room_for_the_next() {
    let _alone = alone();
    let server = FakeServer::start().await;
    let mut call = victim("waiter", &server.url());
    for answered in [false, true] {
        let mut line = server.joined(false).await;
        let mut villain = Accomplice::open().await;
        line.offer(&villain.offer().await).await;
        if answered {
            line.hear("answer").await;
        }
        line.say(&json!({ "type": "bye" })).await;
    }
    let mut line = server.joined(false).await;
    let mut friend = Accomplice::open().await;
    friend.call(&mut line).await;
    friend.until_event(PeerEvent::DataOpen).await;
    friend.peer.send_goodbye("enough").await;
    call.ends_with(0, SOON);
    unharmed(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_visits_do_not_wear_one_out() {
    let _alone = alone();
    let server = Server::start();
    let mut call = Call::new("waiter", "lair").on(&server).silent().start();
    call.process.line_err("* waiting", SOON);
    for visit in 0..50 {
        let mut line = Line::join(&server.url(), "lair").await;
        if visit % 2 == 0 {
            line.offer("v=0").await;
        }
    }
    assert!(call.process.is_running());
    interrupted(call, &[130]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_stops_after_ice_is_given_up() {
    let _alone = alone();
    let server = FakeServer::start().await;
    // A wrong fingerprint: ICE comes up, DTLS cannot.
    let mut call = victim("joiner", &server.url());
    let mut line = server.joined(true).await;
    let mut villain = Accomplice::open().await;
    villain.answer(&mut line, |sdp| sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")).await;
    call.ends_with(7, Duration::from_secs(35));
    unharmed(&call);
}
