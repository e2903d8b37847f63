//! STUN and TURN servers as webrtc-rs takes them: those behind TCP or TLS under made-up names, and without what nobody can use.
//! A server that is left out is told to the person once; it never costs the connection.

use crate::PeerError;
use crate::turn_stream::{StreamServer, StreamServers};
use call_core::{IceServer, Secret};
use rtc::ice::url::{ProtoType, SchemeType};
use webrtc::peer_connection::RTCIceServer;

/// The servers to use, and what to tell the person about the others.
#[derive(Debug, PartialEq)]
pub(crate) struct Usable {
    pub(crate) servers: Vec<RTCIceServer>,
    /// Those of `servers` that have the name [`StreamServers::name`] of their number.
    pub(crate) streams: Vec<StreamServer>,
    pub(crate) problems: Vec<String>,
}

enum Use {
    Stun,
    Turn,
    TurnStream(StreamServer),
    NotSupported,
    Bad(String),
}

/// Sorts out `servers`.
///
/// # Errors
/// [`PeerError::NoRelay`] when only relays may be used and none of the servers is one.
pub(crate) fn usable(servers: &[IceServer], relay_only: bool) -> Result<Usable, PeerError> {
    let mut usable = Usable { servers: Vec::new(), streams: Vec::new(), problems: Vec::new() };
    let (mut relays, mut unsupported) = (0, Vec::new());
    for server in servers {
        for url in &server.urls {
            let one = RTCIceServer {
                urls: vec![without_query(url).to_owned()],
                username: server.username.clone().unwrap_or_default(),
                credential: server.credential.as_ref().map(Secret::expose).unwrap_or_default().to_owned(),
            };
            match judge(&one) {
                Use::Stun => usable.servers.push(one),
                Use::Turn => {
                    relays += 1;
                    usable.servers.push(one);
                }
                Use::TurnStream(server) => {
                    relays += 1;
                    let name = StreamServers::name(usable.streams.len());
                    usable.servers.push(RTCIceServer { urls: vec![format!("turn:{name}")], ..one });
                    usable.streams.push(server);
                }
                Use::NotSupported => unsupported.push(url.as_str()),
                Use::Bad(reason) => usable.problems.push(format!("the ICE server {url} is not used: {reason}")),
            }
        }
    }
    if !unsupported.is_empty() {
        let urls = unsupported.join(", ");
        usable.problems.push(format!("STUN is supported over UDP, TURN over UDP, TCP and TLS; not used: {urls}"));
    }
    if relay_only && relays == 0 {
        return Err(PeerError::NoRelay);
    }
    Ok(usable)
}

/// RFC 7064 has no query in a `stun:` URL, but there are servers that hand out `?transport=udp`.
fn without_query(url: &str) -> &str {
    match url.split_once('?') {
        Some((stun, _)) if url.starts_with("stun") => stun,
        _ => url,
    }
}

fn judge(server: &RTCIceServer) -> Use {
    let url = match server.urls() {
        Ok(urls) => urls.into_iter().next(),
        Err(rtc::shared::error::Error::ErrNoTurnCredentials) => {
            return Use::Bad("a TURN server needs a user name and a password".into());
        }
        Err(error) => return Use::Bad(error.to_string()),
    };
    let Some(url) = url else { return Use::Bad("it is empty".into()) };
    match (url.scheme, url.proto) {
        (SchemeType::Stun, ProtoType::Udp) => Use::Stun,
        (SchemeType::Turn, ProtoType::Udp) => Use::Turn,
        (SchemeType::Turn | SchemeType::Turns, ProtoType::Tcp) => {
            let secure = url.scheme == SchemeType::Turns;
            Use::TurnStream(StreamServer { host: url.host, port: url.port, secure })
        }
        _ => Use::NotSupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, user: Option<&str>) -> IceServer {
        IceServer {
            urls: vec![url.into()],
            username: user.map(Into::into),
            credential: user.map(|_| Secret::new("password")),
        }
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_said_once() {
        let servers = [
            server("stun:stun.example.org?transport=udp", None),
            server("turn:turn.example.org:3478", Some("user")),
            server("turn:turn.example.org?transport=tcp", Some("user")),
            server("turns:turn.example.org", Some("user")),
            server("stuns:stun.example.org", None),
            server("turn:turn.example.org", None),
            server("http://example.org", None),
            server("", None),
        ];
        let usable = usable(&servers, false).expect("some are left");
        let urls: Vec<_> = usable.servers.iter().flat_map(|server| &server.urls).collect();
        let expected = [
            "stun:stun.example.org",
            "turn:turn.example.org:3478",
            "turn:0.turn.invalid:3478",
            "turn:1.turn.invalid:3478",
        ];
        assert_eq!(urls, expected);
        let stream = |port, secure| StreamServer { host: "turn.example.org".into(), port, secure };
        assert_eq!(usable.streams, [stream(3478, false), stream(5349, true)]);
        assert_eq!(usable.problems.len(), 4, "{:?}", usable.problems);
        assert!(usable.problems.iter().all(|problem| !problem.contains("password ")));
        assert!(usable.problems[3].ends_with("stuns:stun.example.org"));
    }

    #[test]
    fn relay_only_needs_a_relay() {
        assert_eq!(usable(&[server("stun:stun.example.org", None)], true), Err(PeerError::NoRelay));
        for url in ["turn:192.0.2.1", "turn:192.0.2.1?transport=tcp", "turns:192.0.2.1"] {
            assert!(usable(&[server(url, Some("user"))], true).is_ok());
        }
    }
}
