//! Values of the command line that are more than a word: rooms, servers, times, rates, pins.
//! Each is read whole or refused in one line that says how to write it; what may be a secret is not repeated.

use std::path::Path;
use std::time::Duration;

use call_engine::{Bitrate, IceServer, RoomId, Secret, ServerUrl};

use crate::reach;

/// The servers of one `--ice-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IceServers(pub(crate) Vec<IceServer>);

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin(pub(crate) [u8; 32]);

pub(crate) fn room(text: &str) -> Result<RoomId, String> {
    RoomId::new(text).map_err(|error| error.to_string())
}

pub(crate) fn server_url(text: &str) -> Result<ServerUrl, String> {
    call_engine::parse_server_url(text).map_err(|error| error.to_string())
}

pub(super) fn probe_url(text: &str) -> Result<ServerUrl, String> {
    call_engine::parse_probe_url(text).map_err(|error| error.to_string())
}

// clap wants an error type that cannot occur here.
pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("give a time such as 10s, 500ms or 5m".into()),
    }
}

pub(crate) fn max_bitrate(text: &str) -> Result<Bitrate, String> {
    bitrate(text, Bitrate::from_kbps(100), Bitrate::from_kbps(50_000))
}

pub(super) fn audio_bitrate(text: &str) -> Result<Bitrate, String> {
    bitrate(text, Bitrate::from_kbps(6), Bitrate::from_kbps(510))
}

fn bitrate(text: &str, least: Bitrate, most: Bitrate) -> Result<Bitrate, String> {
    let rate: Bitrate = text.parse().map_err(|_| "give a rate such as 500k or 2M".to_string())?;
    if rate < least || rate > most {
        return Err(format!("give a rate between {least} and {most}"));
    }
    Ok(rate)
}

pub(crate) fn pin(text: &str) -> Result<Pin, String> {
    call_engine::parse_pin_sha256(text).map(Pin).map_err(|error| error.to_string())
}

/// A TURN server without user and password.
pub(super) fn turn_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("turn:").or_else(|| text.strip_prefix("turns:")).unwrap_or_default();
    if host.is_empty() || host.contains([',', ' ', '/', '@']) {
        return Err("give turn:HOST[:PORT][?transport=tcp] or turns:HOST[:PORT], without user and password".into());
    }
    Ok(text.to_owned())
}

/// One server, or those in a file, one a line.
pub(super) fn ice_servers(text: &str) -> Result<IceServers, String> {
    let Some(file) = text.strip_prefix('@') else { return ice_server(text).map(|server| IceServers(vec![server])) };
    let lines = reach::secret_file("--ice-server", Path::new(file))?;
    let lines = lines.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(ice_server).collect::<Result<_, _>>().map(IceServers)
}

/// `URL` or `URL,user,password`; the password may hold commas.
fn ice_server(text: &str) -> Result<IceServer, String> {
    let mut parts = text.splitn(3, ',');
    let url = parts.next().unwrap_or_default();
    let scheme = url.split(':').next().unwrap_or_default();
    let rest = url.get(scheme.len() + 1..).unwrap_or_default();
    if !matches!(scheme, "stun" | "stuns" | "turn" | "turns") || rest.is_empty() {
        return Err("give stun:HOST[:PORT] or turn:HOST[:PORT][?transport=udp],USER,PASSWORD".into());
    }
    let (user, password) = (parts.next(), parts.next());
    if scheme.starts_with("turn") && (user.is_none() || password.is_none()) {
        return Err("a TURN server needs a user and a password: turn:HOST:PORT,USER,PASSWORD".into());
    }
    Ok(IceServer {
        urls: vec![url.to_owned()],
        username: user.map(str::to_owned),
        credential: password.map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_for_the_path_can_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "stun:a\n\nturn:b,me,pass\n").expect("writable");
        let IceServers(servers) = ice_servers(&format!("@{}", file.path().display())).expect("two servers");
        assert_eq!(servers.iter().map(|server| server.urls[0].as_str()).collect::<Vec<_>>(), ["stun:a", "turn:b"]);
        assert!(ice_servers("@no-such-file").expect_err("it is not there").contains("no-such-file"));
    }

    #[test]
    fn a_turn_password_may_hold_commas_and_is_never_printed() {
        let server = ice_server("turn:host:3478?transport=udp,me,pass,word").expect("valid");
        assert_eq!(server.credential.as_ref().map(|secret| secret.expose()), Some("pass,word"));
        assert!(!format!("{server:?}").contains("word"));
    }
}
