//! Credentials for a TURN server that let a client in for a time: the server knows a secret, and so do we, and nobody else
//! needs to (draft-uberti-behave-turn-rest-00; `use-auth-secret` of coturn).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use call_core::{IceServer, Secret};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// A TURN server that shares a secret with us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its URLs: `turn:host:port`, `turns:host:port`.
    pub urls: Vec<String>,
    /// What we share with it.
    pub secret: Secret,
    /// How long credentials let a client in. Calls that began before go on, and clients that take fresh credentials get them
    /// at half of this time.
    pub lifetime: Duration,
}

impl Turn {
    /// A day: longer than a call, and what is found in a log is soon of no use.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// Credentials for one client. `unix` is the time since 1970, `client` a name for the TURN server's log, without colon.
    #[must_use]
    pub fn credentials(&self, unix: Duration, client: &str) -> IceServer {
        let expiry = unix.saturating_add(self.lifetime).as_secs();
        let username = format!("{expiry}:{client}");
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.expose().as_bytes()).expect("HMAC takes any key");
        mac.update(username.as_bytes());
        let credential = Secret::new(STANDARD.encode(mac.finalize().into_bytes()));
        IceServer { urls: self.urls.clone(), username: Some(username), credential: Some(credential) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_what_coturn_computes_and_show_no_secret() {
        let turn = Turn {
            urls: vec!["turn:192.0.2.1:3478".into()],
            secret: Secret::new("north"),
            lifetime: Duration::from_secs(3_600),
        };
        let server = turn.credentials(Duration::from_millis(1_700_000_000_900), "01ABC");
        assert_eq!(server.urls, turn.urls);
        assert_eq!(server.username.as_deref(), Some("1700003600:01ABC"));
        // echo -n 1700003600:01ABC | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(server.credential.as_ref().map(Secret::expose), Some("Ps7WqFT3wbKZLugI5+QIRHNq2Ik="));
        assert!(!format!("{turn:?} {server:?}").contains("north"));
    }

    #[test]
    fn a_lifetime_beyond_all_times_is_none() {
        let turn = Turn { urls: Vec::new(), secret: Secret::new(""), lifetime: Duration::MAX };
        assert_eq!(turn.credentials(Duration::from_secs(7), "a").username, Some(format!("{}:a", u64::MAX)));
    }
}
