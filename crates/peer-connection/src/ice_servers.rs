//! STUN and TURN servers as webrtc-rs takes them, without those that it cannot use.
//! A server that is left out is told to the person once; it never costs the connection.

use crate::PeerError;
use call_core::{IceServer, Secret};
use rtc::ice::url::{ProtoType, SchemeType};
use webrtc::peer_connection::RTCIceServer;

/// The servers to use, and what to tell the person about the others.
#[derive(Debug, PartialEq)]
pub(crate) struct Usable {
    pub(crate) servers: Vec<RTCIceServer>,
    pub(crate) problems: Vec<String>,
}

enum Use {
    Stun,
    Turn,
    NotSupported,
    Bad(String),
}

/// Sorts out `servers`.
///
/// # Errors
/// [`PeerError::NoRelay`] when only relays may be used and none of the servers is one.
pub(crate) fn usable(servers: &[IceServer], relay_only: bool) -> Result<Usable, PeerError> {
    let mut usable = Usable { servers: Vec::new(), problems: Vec::new() };
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
                Use::NotSupported => unsupported.push(url.as_str()),
                Use::Bad(reason) => usable.problems.push(format!("the ICE server {url} is not used: {reason}")),
            }
        }
    }
    if !unsupported.is_empty() {
        let urls = unsupported.join(", ");
        usable.problems.push(format!("only STUN and TURN over UDP are supported; not used: {urls}"));
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
    match server.urls() {
        Ok(urls) if urls.iter().any(|url| url.is_secure() || url.proto != ProtoType::Udp) => Use::NotSupported,
        Ok(urls) if urls.iter().any(|url| url.scheme == SchemeType::Turn) => Use::Turn,
        Ok(_) => Use::Stun,
        Err(rtc::shared::error::Error::ErrNoTurnCredentials) => {
            Use::Bad("a TURN server needs a user name and a password".into())
        }
        Err(error) => Use::Bad(error.to_string()),
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
            server("turn:turn.example.org", None),
            server("http://example.org", None),
            server("", None),
        ];
        let usable = usable(&servers, false).expect("some are left");
        let urls: Vec<_> = usable.servers.iter().flat_map(|server| &server.urls).collect();
        assert_eq!(urls, ["stun:stun.example.org", "turn:turn.example.org:3478"]);
        assert_eq!(usable.problems.len(), 4, "{:?}", usable.problems);
        assert!(usable.problems.iter().all(|problem| !problem.contains("password ")));
        assert!(usable.problems[3].ends_with("turn:turn.example.org?transport=tcp, turns:turn.example.org"));
    }

    #[test]
    fn relay_only_needs_a_relay() {
        assert_eq!(usable(&[server("stun:stun.example.org", None)], true), Err(PeerError::NoRelay));
        assert!(usable(&[server("turn:192.0.2.1", Some("user"))], true).is_ok());
    }
}
