//! The messages that the server itself reads and writes, byte for byte as Ayame does it.
//! Descriptions and candidates are only told apart here; their text is never looked into.

use std::borrow::Cow;

use call_core::IceServer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Asks a peer for a sign of life. Ayame ends its own messages with a newline, but not those it passes on.
pub(crate) const PING: &str = "{\"type\":\"ping\"}\n";
/// The other peer left.
pub(crate) const BYE: &str = "{\"type\":\"bye\"}\n";

/// What a client's message asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Register(Register),
    /// An offer, an answer or a candidate, to be passed on as it is.
    Forward,
    Pong,
    /// The client has its direct connection. The recorded server takes it without an answer.
    Connected,
}

/// The members of `register` that this server uses; all others are ignored.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Register {
    pub(crate) room: String,
    pub(crate) key: Option<String>,
    /// Whether the client takes [`ice_servers`] while it is in the room: our addition to Ayame.
    pub(crate) renew_ice_servers: bool,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisterMembers {
    room_id: String,
    key: Option<String>,
    signaling_key: Option<String>,
    // Whatever else a stranger means by this name is no reason to turn it away.
    #[serde(default)]
    renew_ice_servers: Value,
}

/// Reads a client's message; `None` when Ayame would close the connection over it.
pub(crate) fn parse(text: &str) -> Option<Request> {
    // Serde takes an array for a struct; Ayame knows objects only.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return None;
    }
    let head: Head = serde_json::from_str(text).ok()?;
    match head.kind.as_ref() {
        "register" => {
            let members: RegisterMembers = serde_json::from_str(text).ok()?;
            // Ayame takes either name and prefers the newer one.
            let key = members.signaling_key.or(members.key);
            let renew_ice_servers = members.renew_ice_servers == Value::Bool(true);
            let register = Register { room: members.room_id, key, renew_ice_servers };
            (!register.room.is_empty()).then_some(Request::Register(register))
        }
        "offer" | "answer" | "candidate" => Some(Request::Forward),
        "pong" => Some(Request::Pong),
        "connected" => Some(Request::Connected),
        _ => None,
    }
}

#[derive(Serialize)]
struct IceServerMember<'a> {
    urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
}

impl<'a> IceServerMember<'a> {
    fn all(servers: &'a [IceServer]) -> Vec<Self> {
        let member = |server: &'a IceServer| Self {
            urls: &server.urls,
            username: server.username.as_deref(),
            credential: server.credential.as_ref().map(|credential| credential.expose()),
        };
        servers.iter().map(member).collect()
    }
}

#[derive(Serialize)]
struct Accept<'a> {
    r#type: &'static str,
    #[serde(rename = "connectionId")]
    connection_id: &'a str,
    #[serde(rename = "iceServers", skip_serializing_if = "Vec::is_empty")]
    ice_servers: Vec<IceServerMember<'a>>,
    #[serde(rename = "isExistClient")]
    is_exist_client: bool,
    /// The name before 2020; Momo reads only this one.
    #[serde(rename = "isExistUser")]
    is_exist_user: bool,
}

#[derive(Serialize)]
struct IceServers<'a> {
    r#type: &'static str,
    #[serde(rename = "iceServers")]
    ice_servers: Vec<IceServerMember<'a>>,
}

#[derive(Serialize)]
struct Reject<'a> {
    r#type: &'static str,
    reason: &'a str,
}

/// Tells a peer that it is in, and whether another one was there before.
pub(crate) fn accept(connection_id: &str, ice_servers: &[IceServer], peer_present: bool) -> String {
    line(&Accept {
        r#type: "accept",
        connection_id,
        ice_servers: IceServerMember::all(ice_servers),
        is_exist_client: peer_present,
        is_exist_user: peer_present,
    })
}

/// Hands out fresh credentials to a peer that [takes them](Register::renew_ice_servers). All servers are named, as in
/// `accept`, so that a browser can use the list as it is.
pub(crate) fn ice_servers(ice_servers: &[IceServer]) -> String {
    line(&IceServers { r#type: "iceServers", ice_servers: IceServerMember::all(ice_servers) })
}

/// Tells a client why it is not let in.
pub(crate) fn reject(reason: &str) -> String {
    line(&Reject { r#type: "reject", reason })
}

fn line(message: &impl Serialize) -> String {
    let mut text = serde_json::to_string(message).expect("strings and booleans are always JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use call_core::Secret;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accept_with_ice_servers_has_the_recorded_members_in_the_recorded_order() {
        let servers = [
            IceServer { urls: vec!["stun:127.0.0.1:3478".into()], username: None, credential: None },
            IceServer {
                urls: vec!["turn:127.0.0.1:3478?transport=udp".into(), "turn:127.0.0.1:3478?transport=tcp".into()],
                username: Some("u1".into()),
                credential: Some(Secret::new("c1")),
            },
        ];
        // As recorded from Ayame 2023.2.0, without the authzMetadata that only a webhook gives.
        let recorded = concat!(
            r#"{"type":"accept","connectionId":"01M82KC2E9QKBW3Y24FSYMZ2JS","iceServers":[{"urls":["stun:127.0.0.1:3478"]},"#,
            r#"{"urls":["turn:127.0.0.1:3478?transport=udp","turn:127.0.0.1:3478?transport=tcp"],"username":"u1","#,
            r#""credential":"c1"}],"isExistClient":false,"isExistUser":false}"#,
            "\n"
        );
        assert_eq!(accept("01M82KC2E9QKBW3Y24FSYMZ2JS", &servers, false), recorded);
    }

    #[test]
    fn register_takes_both_names_of_the_key() {
        let key = |text: &str| match parse(text) {
            Some(Request::Register(register)) => register.key,
            other => panic!("not a register: {other:?}"),
        };
        assert_eq!(key(r#"{"type":"register","roomId":"r","key":"a"}"#).as_deref(), Some("a"));
        assert_eq!(key(r#"{"type":"register","roomId":"r","key":"a","signalingKey":"b"}"#).as_deref(), Some("b"));
        assert_eq!(key(r#"{"type":"register","roomId":"r","key":null,"mesh":{"v":1}}"#), None);
    }

    #[test]
    fn only_who_says_so_takes_fresh_credentials() {
        for (member, expected) in [
            ("", false),
            (r#","renewIceServers":false"#, false),
            (r#","renewIceServers":"true""#, false),
            (r#","renewIceServers":{"v":1}"#, false),
            (r#","renewIceServers":true"#, true),
        ] {
            let text = format!(r#"{{"type":"register","roomId":"r"{member}}}"#);
            let register = Register { room: "r".into(), key: None, renew_ice_servers: expected };
            assert_eq!(parse(&text), Some(Request::Register(register)), "{text}");
        }
    }

    #[test]
    fn what_ayame_closes_over_is_not_a_request() {
        for text in [
            "",
            "null",
            "[]",
            r#"["offer"]"#,
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"bye"}"#,
            r#"{"type":"x-custom"}"#,
            r#"{"type":"register"}"#,
            r#"{"type":"register","roomId":""}"#,
            r#"{"type":"register","roomId":7}"#,
            r#"{"type":"register","roomId":"r","key":[]}"#,
            r#"{"type":"offer","sdp":"v=0"} and more"#,
            "{\"type\":\"offer\",\"sdp\":\"\u{0}\"",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let nested = format!(r#"{{"x":{}1{},"type":"offer"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(&nested), Some(Request::Forward));
        let hostile = format!(r#"{{"roomId":{}"#, "[".repeat(200_000));
        assert_eq!(parse(&hostile), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), kind in "[a-z]{0,8}") {
            parse(&text);
            parse(&format!(r#"{{"type":"{kind}","roomId":{text}}}"#));
        }
    }
}
