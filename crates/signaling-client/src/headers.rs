//! Headers of the person's own that go with the request for a WebSocket, such as a bearer token for a gateway in front of the
//! server. Their values are secrets: nothing shows them.

use call_core::Secret;
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

use crate::text::one_line;

/// Headers at most: servers take about a hundred, and nobody types so many.
const MAX_HEADERS: usize = 32;
/// Longest header, in bytes: servers take 8 to 16 KiB in all.
const MAX_BYTES: usize = 8 * 1024;

/// The request's own headers, and those that speak of the connection (RFC 9110 §7.6.1) rather than of us.
const RESERVED: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Names and values, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, Secret)>);

/// Why a header cannot be sent. Never holds its value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// No colon in it.
    #[error("a header is a name, a colon and a value, like 'X-Team: blue'")]
    Shape,
    /// The name holds other than letters, digits and dashes, or nothing (RFC 9110 §5.1).
    #[error("the name of a header is made of letters, digits and dashes, without spaces")]
    Name,
    /// The value holds control characters or other letters than those of ASCII (RFC 9110 §5.5).
    #[error("the value of the header {0} holds characters that cannot be sent: use visible ASCII")]
    Value(String),
    /// Another part of the program sees to it.
    #[error("the header {0} is the connection's own and cannot be set")]
    Reserved(String),
    /// `Authorization` twice.
    #[error("there is one Authorization header too many: give --token-file, RINGBACK_TOKEN or --header once")]
    TwoLogins,
    /// Too long.
    #[error("the header {0} is longer than {max} bytes", max = MAX_BYTES)]
    Long(String),
    /// Too many.
    #[error("more than {max} headers", max = MAX_HEADERS)]
    Many,
}

impl Headers {
    /// Adds a header in the form `Name: value`.
    ///
    /// # Errors
    /// A [`HeaderError`] when it cannot be sent.
    pub fn add(&mut self, line: &str) -> Result<(), HeaderError> {
        let (name, value) = line.split_once(':').ok_or(HeaderError::Shape)?;
        self.push(name.trim(), value.trim_matches([' ', '\t', '\r', '\n']))
    }

    /// Adds `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    ///
    /// # Errors
    /// A [`HeaderError`] when the token cannot be sent.
    pub fn add_bearer(&mut self, token: &Secret) -> Result<(), HeaderError> {
        self.push("Authorization", &format!("Bearer {}", token.expose()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let name: HeaderName = name.parse().map_err(|_| HeaderError::Name)?;
        let shown = one_line(name.as_str());
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-") {
            return Err(HeaderError::Reserved(shown));
        }
        if name.as_str().len() + value.len() > MAX_BYTES {
            return Err(HeaderError::Long(shown));
        }
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(HeaderError::Value(shown));
        }
        if name == "authorization" && self.0.iter().any(|(known, _)| *known == name) {
            return Err(HeaderError::TwoLogins);
        }
        if self.0.len() >= MAX_HEADERS {
            return Err(HeaderError::Many);
        }
        self.0.push((name, Secret::new(value)));
        Ok(())
    }

    /// Each as it is written on the wire.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, value)| format!("{name}: {}\r\n", value.expose()))
    }

    /// Puts them into a request; they replace what the program sends of itself, and stand beside each other.
    pub(crate) fn add_to(&self, request: &mut HeaderMap) {
        for (name, _) in &self.0 {
            request.remove(name);
        }
        for (name, value) in &self.0 {
            let mut value = HeaderValue::from_str(value.expose()).expect("checked when it was added");
            // Not shown by whatever logs the request.
            value.set_sensitive(true);
            request.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_are_sent_as_given_and_shown_without_their_values() {
        let mut headers = Headers::default();
        headers.add("X-Team:  blue team \n").expect("a header");
        headers.add("x-team: red:1").expect("a header");
        headers.add("User-Agent: me").expect("a header");
        headers.add_bearer(&Secret::new("swordfish")).expect("a token");
        let mut request = HeaderMap::new();
        request.insert("user-agent", HeaderValue::from_static("ours"));
        headers.add_to(&mut request);
        let values = |name: &str| request.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        assert_eq!(values("X-Team"), [&b"blue team"[..], b"red:1"]);
        assert_eq!(values("User-Agent"), [b"me"]);
        assert_eq!(values("Authorization"), [b"Bearer swordfish"]);
        for shown in [format!("{headers:?}"), format!("{request:?}")] {
            assert!(!shown.contains("swordfish") && !shown.contains("blue"), "{shown}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_being_repeated() {
        let mut headers = Headers::default();
        for (given, error) in [
            ("swordfish", HeaderError::Shape),
            (": swordfish", HeaderError::Name),
            ("X Team: swordfish", HeaderError::Name),
            ("X-Team: sword\r\nX: fish", HeaderError::Value("x-team".to_owned())),
            ("X-Team: swordf\u{ef}sh", HeaderError::Value("x-team".to_owned())),
            ("Host: swordfish", HeaderError::Reserved("host".to_owned())),
            ("Sec-WebSocket-Key: swordfish", HeaderError::Reserved("sec-websocket-key".to_owned())),
            (&format!("X: {}", "x".repeat(9000)), HeaderError::Long("x".to_owned())),
        ] {
            assert_eq!(headers.add(given), Err(error.clone()), "{given}");
            assert!(!error.to_string().contains("swordf"));
        }
        headers.add("Authorization: Basic bWU6c3dvcmRmaXNo").expect("the first");
        assert_eq!(headers.add_bearer(&Secret::new("swordfish")), Err(HeaderError::TwoLogins));
        for number in 1..MAX_HEADERS {
            headers.add(&format!("X-{number}: 1")).expect("not too many yet");
        }
        assert_eq!(headers.add("X: 1"), Err(HeaderError::Many));
    }

    proptest! {
        #[test]
        fn any_text_is_sent_or_refused(line in "([A-Za-z-]{0,8}:)?.{0,32}") {
            let mut headers = Headers::default();
            if headers.add(&line).is_ok() {
                headers.add_to(&mut HeaderMap::new());
            }
        }
    }
}
