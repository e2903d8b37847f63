//! Replays conversations recorded between real Ayame servers and clients. Each client in a recording becomes a codec that
//! must send what was sent and tell what the table says.

use std::collections::BTreeMap;
use std::time::Instant;

use call_core::{Description, IceServer, Reject, RoomId, Secret, SignalingEvent};
use serde_json::Value;
use signaling_client::{AyameCodec, CloseInfo, Codec, Command, Join, Out, Url};

/// What a client's events look like in the tables below.
fn word(event: &SignalingEvent) -> String {
    match event {
        SignalingEvent::Joined { role, ice_servers, .. } => {
            assert_ne!(role.offers_first, role.polite, "the second offers, the first yields");
            let part = if role.offers_first { "offerer" } else { "waiter" };
            format!("joined as {part}, {} ice servers", ice_servers.len())
        }
        SignalingEvent::IceServers(fresh) => format!("{} fresh ice servers", fresh.len()),
        SignalingEvent::Description(Description { kind, .. }) => format!("{kind:?}").to_lowercase(),
        SignalingEvent::Candidate(_) => "candidate".to_owned(),
        SignalingEvent::OfferWanted => "offer wanted".to_owned(),
        SignalingEvent::PeerLeft => "peer left".to_owned(),
        SignalingEvent::Rejected(Reject::RoomFull) => "room full".to_owned(),
        SignalingEvent::Rejected(Reject::Refused(reason)) => format!("refused: {reason}"),
        SignalingEvent::Unreachable { reason, retry } => format!("unreachable, retry {retry}: {reason}"),
        SignalingEvent::Lost { reason } => format!("lost: {reason}"),
    }
}

struct Client {
    codec: AyameCodec,
    /// What the codec sent and the recorded client has not sent yet.
    to_send: Vec<String>,
    told: Vec<String>,
    /// The recorded client closed by itself.
    left: bool,
}

impl Client {
    fn take(&mut self, out: Vec<Out>) {
        for step in out {
            match step {
                Out::Send(text) => self.to_send.push(text),
                Out::Event(event) => self.told.push(word(&event)),
                Out::Skipped(error) => self.told.push(format!("skipped: {error}")),
                Out::Reopen => self.told.push("reopen".to_owned()),
                Out::Close => self.told.push("close".to_owned()),
            }
        }
    }

    fn receive(&mut self, text: &str) {
        match self.codec.on_text(Instant::now(), text) {
            Ok(out) => self.take(out),
            Err(error) => self.told.push(format!("skipped: {error}")),
        }
    }

    /// The recorded client sent `text`: a codec in its place must be able to say the same.
    fn sent(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("recorded JSON");
        if !self.codec.is_answered() && message["type"] != "register" {
            // A recorded experiment; our client holds its tongue until it is let in.
            return;
        }
        let member = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str() {
            Some("register" | "pong") => {}
            Some("offer") => self.command(Command::Describe(Description::offer(member("sdp")))),
            Some("answer") => self.command(Command::Describe(Description::answer(member("sdp")))),
            Some("candidate") if message["ice"].is_object() => {
                let ice = &message["ice"];
                self.command(Command::Candidate(call_core::Candidate {
                    candidate: ice["candidate"].as_str().expect("text").to_owned(),
                    sdp_mid: ice["sdpMid"].as_str().map(str::to_owned),
                    sdp_m_line_index: ice["sdpMLineIndex"].as_u64().map(|index| index.try_into().expect("small")),
                    username_fragment: None,
                }));
            }
            // Experiments of the recording that our client never makes.
            _ => return,
        }
        assert!(!self.to_send.is_empty(), "{text} was not sent");
        let ours = self.to_send.remove(0);
        let strict = serde_json::from_str::<Value>(&ours).expect("we send JSON");
        match (message["type"].as_str(), message.get("x-extension").or(message.get("session"))) {
            // The recordings try other members than ours; what both have must be equal.
            (Some("register"), _) | (_, Some(_)) => {
                for name in ["type", "roomId", "clientId", "sdp", "signalingKey"] {
                    assert!(message.get(name).is_none_or(|value| *value == strict[name]), "{name} of {ours}");
                }
            }
            _ => assert_eq!(ours, text, "not what the recorded client sent"),
        }
    }

    fn command(&mut self, command: Command) {
        let out = self.codec.on_command(Instant::now(), command);
        self.take(out);
    }
}

/// A client as recorded, opened with the room, name and key it registers with later.
fn client(register: &str) -> Client {
    let message: Value = serde_json::from_str(register).expect("recorded JSON");
    let text = |name: &str| message[name].as_str();
    let codec = AyameCodec::new(Join {
        room: RoomId::new(text("roomId").unwrap_or("none")).expect("a recorded room"),
        client_id: text("clientId").unwrap_or("none").to_owned(),
        key: text("signalingKey").map(Secret::new),
        agent: "ringback 0".to_owned(),
        url: Url::parse("ws://host/signaling").expect("a URL"),
        token: Secret::new("token"),
        seed: 1,
    });
    let mut client = Client { codec, to_send: Vec::new(), told: Vec::new(), left: false };
    let out = client.codec.on_open(Instant::now());
    client.take(out);
    client
}

fn replay(recording: &str) -> BTreeMap<String, Vec<String>> {
    let mut clients: BTreeMap<String, Client> = BTreeMap::new();
    for line in recording.lines().map(str::trim) {
        // `TIME WHO WHAT…`; the rest are notes, blank lines and plain HTTP.
        let Some((_, step)) =
            line.split_once(' ').filter(|(_, step)| !step.starts_with(['#']) && !step.starts_with("HTTP"))
        else {
            continue;
        };
        if let Some((who, text)) = step.split_once(" -> ") {
            // The first thing sent names the client. Whatever else it is, our codec sends a `register`.
            clients.entry(who.to_owned()).or_insert_with(|| client(if text.starts_with('{') { text } else { "{}" }));
            if text.starts_with('{') {
                clients.get_mut(who).expect("just put there").sent(text);
            }
        } else if let Some((who, text)) = step.split_once(" <- ") {
            clients.get_mut(who).expect("clients speak first").receive(text);
        } else if let Some((who, end)) = step.split_once(" CLOSED code=") {
            let client = clients.get_mut(who).expect("clients speak first");
            let code = end.split(' ').next().and_then(|code| code.parse().ok()).expect("a recorded code");
            let info = match code {
                // RFC 6455 §7.4.1: 1006 is never on the wire, it stands for the lack of a close frame.
                1006 => CloseInfo::Broken("cut".to_owned()),
                code => CloseInfo::Frame { code, reason: String::new() },
            };
            let last = client.codec.on_close(info);
            if !client.left {
                client.told.extend(last.as_ref().map(word));
            }
        } else if let Some((who, _)) = step.split_once(" close()") {
            let client = clients.get_mut(who).expect("clients speak first");
            client.left = true;
            let out = client.codec.on_command(Instant::now(), Command::Leave);
            client.take(out);
        }
    }
    clients.into_iter().map(|(who, client)| (who, client.told)).collect()
}

#[track_caller]
fn told(clients: &BTreeMap<String, Vec<String>>, who: &str, expected: &[&str]) {
    assert_eq!(clients[who], expected, "{who}");
}

const LOST: &str = "lost: the server closed the connection (code 1000, it gave no reason)";
const SILENT_CLOSE: &str = "refused: it closed the connection right after the join request (code 1000, it gave no reason): \
                            check the room name, the key and the path of the URL";
const WAITER: &str = "joined as waiter, 0 ice servers";
const OFFERER: &str = "joined as offerer, 0 ice servers";

#[test]
fn calls_and_their_ends() {
    let clients = replay(include_str!("../../testdata/ayame.txt"));
    told(&clients, "A", &[WAITER, "offer", "candidate", "close"]);
    told(&clients, "B", &[OFFERER, "answer", "offer", "peer left", LOST]);
    // The third in a room.
    told(&clients, "D", &["room full", "close"]);
    // No room in the request; something else than a request.
    told(&clients, "E", &[SILENT_CLOSE]);
    told(&clients, "F", &[SILENT_CLOSE]);
    // The room is free again at once, also after a cut line.
    told(&clients, "B2", &[WAITER, "lost: cut"]);
    told(&clients, "C", &[WAITER, LOST]);
    // Two clients of one name.
    told(&clients, "A3", &[WAITER, "peer left", LOST]);
    told(&clients, "B3", &[OFFERER, LOST]);
    told(&clients, "G", &[WAITER, "lost: the server closed the connection (code 1009, our message was too big)"]);
    told(&clients, "S1", &[WAITER]);
    told(&clients, "S2", &[OFFERER]);
}

#[test]
fn members_and_messages_of_others_do_no_harm() {
    let clients = replay(include_str!("../../testdata/ayame_extension_fields.txt"));
    told(&clients, "A", &[WAITER, "offer", "close"]);
    let skipped = "skipped: the message of type \"candidate\" lacks a member or has one of the wrong type";
    told(&clients, "B", &[OFFERER, skipped, "peer left", LOST]);
}

#[test]
fn the_server_gives_up_who_does_not_answer_its_pings() {
    let clients = replay(include_str!("../../testdata/ayame_pong_timeout.txt"));
    told(&clients, "A(no pong)", &[WAITER, LOST]);
}

#[test]
fn a_key_decides_and_ice_servers_come_with_the_room() {
    let clients = replay(include_str!("../../testdata/ayame_webhook.txt"));
    told(&clients, "A", &["joined as waiter, 2 ice servers"]);
    told(&clients, "B", &["refused: it does not accept the signaling key (InvalidSignalingKey): check --key", "close"]);
}

#[test]
fn a_killed_server_cuts_the_line() {
    let clients = replay(include_str!("../../testdata/ayame_server_kill.txt"));
    told(&clients, "ayame2", &["joined as waiter, 2 ice servers", "lost: cut"]);
}

#[test]
fn ice_servers_are_read_whole() {
    let accept = include_str!("../../testdata/ayame_webhook.txt")
        .lines()
        .find_map(|line| line.split_once("A <- "))
        .expect("the recorded accept")
        .1;
    let out = client("{}").codec.on_text(Instant::now(), accept).expect("a good accept");
    let [Out::Event(SignalingEvent::Joined { ice_servers, .. })] = out.as_slice() else { panic!("{out:?}") };
    let urls = |urls: &[&str]| urls.iter().map(|&url| url.to_owned()).collect();
    assert_eq!(
        *ice_servers,
        [
            IceServer { urls: urls(&["stun:127.0.0.1:3478"]), username: None, credential: None },
            IceServer {
                urls: urls(&["turn:127.0.0.1:3478?transport=udp", "turn:127.0.0.1:3478?transport=tcp"]),
                username: Some("u1".to_owned()),
                credential: Some(Secret::new("c1")),
            },
        ]
    );
}
