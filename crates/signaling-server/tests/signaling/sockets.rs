//! Peers that meet over real WebSockets on loopback.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use call_core::{IceServer, Secret};
use futures_util::SinkExt;
use signaling_server::{Tls, Turn};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, serve, soon};

#[tokio::test]
async fn two_peers_meet_and_hear_each_other_byte_for_byte() {
    let server = serve(|_| {}).await;
    let mut first = Client::join(&server, "kitchen").await;
    let mut second = Client::connect(&server).await;
    second.say(r#"{"type":"register","roomId":"kitchen","clientId":"b","standalone":false}"#).await;
    let accept = second.hear().await;
    assert!(accept.ends_with("\"isExistClient\":true,\"isExistUser\":true}\n"), "{accept}");

    let offer = r#"{ "x": [1, 2.50], "type" : "offer", "sdp":"v=0\r\n\u00fc ü" }"#;
    second.say(offer).await;
    assert_eq!(first.hear().await, offer);
    let answer = r#"{"type":"answer","sdp":""}"#;
    soon(first.socket.send(Message::binary(answer))).await.expect("the server reads");
    assert_eq!(second.hear().await, answer);

    soon(first.socket.close(None)).await.expect("the server reads");
    assert_eq!(second.hear().await, "{\"type\":\"bye\"}\n");
    assert_eq!(second.closed().await, Some(1000));
    Client::join(&server, "kitchen").await;
    server.shutdown().await;
}

#[tokio::test]
async fn peers_meet_across_the_listeners_of_one_server() {
    let mut server = serve(|_| {}).await;
    let (second, pin) =
        server.also_listen((Ipv4Addr::LOCALHOST, 0).into(), &Tls::Off).await.expect("a free port can be had");
    assert_eq!(pin, None);
    let mut here = Client::join(&server, "kitchen").await;
    let mut there = Client::connect_to(second, None).await.expect("the WebSocket opens");
    there.say(r#"{"type":"register","roomId":"kitchen"}"#).await;
    assert!(there.hear().await.contains(r#""isExistClient":true"#));
    there.say(r#"{"type":"offer"}"#).await;
    assert_eq!(here.hear().await, r#"{"type":"offer"}"#);
    let (codes, ()) = tokio::join!(async { (here.closed().await, there.closed().await) }, soon(server.shutdown()));
    assert_eq!(codes, (Some(1001), Some(1001)));
}

#[tokio::test]
async fn a_lost_peer_is_a_bye_to_the_other_and_frees_the_room() {
    let server = serve(|_| {}).await;
    let first = Client::join(&server, "kitchen").await;
    let mut second = Client::join(&server, "kitchen").await;
    drop(first);
    assert_eq!(second.hear().await, "{\"type\":\"bye\"}\n");
    assert_eq!(second.closed().await, Some(1000));
    server.shutdown().await;
}

#[tokio::test]
async fn ice_servers_and_the_key_reach_whom_they_should() {
    let server = serve(|config| {
        config.key = Some(Secret::new("good"));
        config.limits.wrong_key_delay = Duration::from_millis(20);
        config.ice_servers =
            vec![IceServer { urls: vec!["stun:192.0.2.1:3478".into()], username: None, credential: None }];
    })
    .await;
    let mut guest = Client::connect(&server).await;
    guest.say(r#"{"type":"register","roomId":"r","signalingKey":"good"}"#).await;
    assert!(guest.hear().await.contains(r#""iceServers":[{"urls":["stun:192.0.2.1:3478"]}],"isExistClient":false"#));
    let mut stranger = Client::connect(&server).await;
    stranger.say(r#"{"type":"register","roomId":"r","signalingKey":"bad"}"#).await;
    assert_eq!(stranger.hear().await, "{\"type\":\"reject\",\"reason\":\"InvalidSignalingKey\"}\n");
    assert_eq!(stranger.closed().await, Some(1000));
    server.shutdown().await;
}

#[tokio::test]
async fn a_message_at_the_limit_passes_and_one_beyond_is_closed_with_1009() {
    let server = serve(|_| {}).await;
    let mut first = Client::join(&server, "kitchen").await;
    let mut second = Client::join(&server, "kitchen").await;
    let message = |bytes: usize| format!(r#"{{"type":"offer","sdp":"{}"}}"#, "x".repeat(bytes - 25));
    let largest = message(256 * 1024);
    assert_eq!(largest.len(), 256 * 1024);
    first.say(&largest).await;
    assert!(second.hear().await == largest);
    first.say(&message(256 * 1024 + 1)).await;
    assert_eq!(first.closed().await, Some(1009));
    assert_eq!(second.hear().await, "{\"type\":\"bye\"}\n");
    server.shutdown().await;
}

#[tokio::test]
async fn ten_megabytes_in_one_message_are_not_waited_for() {
    let server = serve(|_| {}).await;
    let mut client = Client::join(&server, "kitchen").await;
    // The server stops reading; whether the rest can still be written is the network's matter.
    let _ = soon(client.socket.send(Message::text("x".repeat(10 * 1024 * 1024)))).await;
    assert!(matches!(client.closed().await, Some(1009) | None));
    Client::join(&server, "kitchen").await;
    server.shutdown().await;
}

#[tokio::test]
async fn binary_that_is_no_text_and_a_flood_are_closed() {
    let server = serve(|_| {}).await;
    let mut client = Client::join(&server, "kitchen").await;
    soon(client.socket.send(Message::binary(vec![0xFF, 0xFE]))).await.expect("the server reads");
    assert_eq!(client.closed().await, Some(1007));

    let mut client = Client::join(&server, "kitchen").await;
    for _ in 0..250 {
        if soon(client.socket.send(Message::text(r#"{"type":"pong"}"#))).await.is_err() {
            break;
        }
    }
    assert_eq!(client.closed().await, Some(1008));
    server.shutdown().await;
}

#[tokio::test]
async fn who_never_registers_is_closed() {
    let server = serve(|config| config.limits.register_timeout = Duration::from_millis(20)).await;
    assert_eq!(Client::connect(&server).await.closed().await, Some(1008));
    server.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_dropped_and_the_other_told() {
    let server = serve(|config| {
        config.limits.queue_bytes = 512 * 1024;
        config.limits.message_burst = 100_000;
        config.limits.messages_per_second = 100_000;
    })
    .await;
    let mut talker = Client::join(&server, "kitchen").await;
    let mut sleeper = Client::join(&server, "kitchen").await;
    let offer = format!(r#"{{"type":"offer","sdp":"{}"}}"#, "x".repeat(200_000));
    let mut sent = 0;
    // Kernel buffers on loopback take some megabytes before the queue fills.
    while sent < 1_000 && soon(talker.socket.send(Message::text(offer.as_str()))).await.is_ok() {
        sent += 1;
    }
    assert_eq!(talker.hear().await, "{\"type\":\"bye\"}\n");
    assert_eq!(talker.closed().await, Some(1000));
    // It wakes up while the server is still trying to say why; what was queued for it is gone.
    assert!(matches!(sleeper.closed().await, Some(1013) | None));
    server.shutdown().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_are_refused_until_one_leaves() {
    let server = serve(|config| config.limits.connections_from_loopback = 2).await;
    let first = Client::join(&server, "one").await;
    let mut second = Client::join(&server, "two").await;
    assert!(Client::try_connect(&server, None).await.is_err());
    drop(first);
    second.say(r#"{"type":"x-leave"}"#).await;
    assert_eq!(second.closed().await, Some(1000));
    drop(second);
    let again = async {
        while Client::try_connect(&server, None).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(again).await;
    server.shutdown().await;
}

#[tokio::test]
async fn each_who_joins_gets_credentials_of_its_own_for_the_turn_server() {
    let server = serve(|config| {
        config.turn = Some(Turn {
            urls: vec!["turn:192.0.2.1:3478".into()],
            secret: Secret::new("between us"),
            lifetime: Duration::from_secs(600),
        });
    })
    .await;
    let since_1970 = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let before = since_1970();
        let mut client = Client::connect(&server).await;
        client.say(r#"{"type":"register","roomId":"r"}"#).await;
        let accept = client.hear().await;
        let accept: serde_json::Value = serde_json::from_str(&accept).expect("JSON");
        let given = &accept["iceServers"][0];
        let name = given["username"].as_str().expect("a name").to_owned();
        let (expiry, client_name) = name.split_once(':').expect("a time and a name");
        let expiry: u64 = expiry.parse().expect("a time");
        assert!((before + 600..=since_1970() + 600).contains(&expiry), "{name}");
        assert_eq!(accept["connectionId"], client_name);
        assert_eq!(given["credential"].as_str().map(str::len), Some(28), "an HMAC-SHA1 in base64");
        seen.push((name, client));
    }
    assert_ne!(seen[0].0, seen[1].0);
    server.shutdown().await;
}
