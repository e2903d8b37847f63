//! The address of a signaling server as a person writes it: what protocol is spoken there, and a host, a port and a path
//! that can be connected to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use url::Url;

use crate::custom::{Mapping, MappingError};

/// Where Ayame servers listen unless told otherwise.
const AYAME_PATH: &str = "/signaling";

/// Before the name of a mapping file.
const CUSTOM: &str = "custom:";

/// Instead of a server.
const MANUAL: &str = "manual";

/// What a signaling server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OpenAyame; also what our own server speaks. The one that a URL means when it names none.
    Ayame,
    /// The server of PeerJS.
    PeerJs,
    /// GStreamer's `gst-webrtc-signalling-server`.
    Gst,
    /// `matchbox_server`.
    Matchbox,
    /// MiroTalk P2P.
    MiroTalk,
    /// A media server that we publish to (RFC 9725).
    Whip,
    /// A media server that we watch (draft-ietf-wish-whep).
    Whep,
    /// What a mapping file says ([`Mapping`]); never named by a prefix.
    Custom,
    /// No server: people carry the descriptions ([`Desk`](crate::Desk)). The word `manual` alone.
    Manual,
}

impl Protocol {
    /// All that a prefix names.
    pub const ALL: [Self; 7] =
        [Self::Ayame, Self::PeerJs, Self::Gst, Self::Matchbox, Self::MiroTalk, Self::Whip, Self::Whep];

    /// Its name for the person.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ayame => "Ayame",
            Self::PeerJs => "PeerJS",
            Self::Gst => "GStreamer's signalling",
            Self::Matchbox => "matchbox",
            Self::MiroTalk => "MiroTalk",
            Self::Whip => "WHIP",
            Self::Whep => "WHEP",
            Self::Custom => "the protocol of the mapping file",
            Self::Manual => "no protocol",
        }
    }

    /// Its name in a URL, before `+ws` or `+wss`, or before `+http` or `+https` where it [is spoken over HTTP](Self::is_http).
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ayame => "ayame",
            Self::PeerJs => "peerjs",
            Self::Gst => "gst",
            Self::Matchbox => "matchbox",
            Self::MiroTalk => "mirotalk",
            Self::Whip => "whip",
            Self::Whep => "whep",
            Self::Custom => "custom",
            Self::Manual => MANUAL,
        }
    }

    /// Whether it is spoken in HTTP requests rather than over a WebSocket.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Whip | Self::Whep)
    }

    /// Whether its server has rooms; where not, the URL alone says what is published or watched.
    #[must_use]
    pub fn has_rooms(self) -> bool {
        !self.is_http() && self != Self::Manual
    }

    /// Which way sound and pictures flow in a call.
    #[must_use]
    pub fn flow(self) -> Flow {
        match self {
            Self::Whip => Flow::Send,
            Self::Whep => Flow::Receive,
            _ => Flow::Both,
        }
    }
}

/// Which way sound and pictures flow between us and the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Both ways, with data channels besides.
    Both,
    /// From us only, without data channels.
    Send,
    /// To us only, without data channels.
    Receive,
}

impl Flow {
    /// Whether we send.
    #[must_use]
    pub fn sends(self) -> bool {
        self != Self::Receive
    }

    /// Whether we receive.
    #[must_use]
    pub fn receives(self) -> bool {
        self != Self::Send
    }

    /// Whether there are data channels.
    #[must_use]
    pub fn has_data(self) -> bool {
        self == Self::Both
    }
}

/// A server and what it speaks, like `peerjs+wss://host/path`, or `custom:FILE.toml` with both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it is: `ws` or `wss`, or `http` or `https`, as the protocol has it; or nowhere (`manual:`).
    pub url: Url,
    /// What it speaks, where a file says it.
    pub(crate) mapping: Option<Arc<Mapping>>,
}

/// As [`parse_server_url`] reads it; without a prefix for Ayame.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Custom => write!(f, "{CUSTOM}{}", self.mapping.as_ref().map_or("", |mapping| mapping.file())),
            Protocol::Ayame => write!(f, "{}", self.url),
            Protocol::Manual => f.write_str(MANUAL),
            protocol => write!(f, "{}+{}", protocol.prefix(), self.url),
        }
    }
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        parse_server_url(text)
    }
}

/// Why the text is not the address of a signaling server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("this is not a URL ({0}): write it like wss://host/signaling")]
    Malformed(url::ParseError),
    /// A scheme other than `ws` and `wss`, or none.
    #[error("the URL has to start with ws:// or wss://, or with a protocol like peerjs+wss://")]
    Scheme,
    /// A prefix that is no protocol of ours.
    #[error("the protocol before the + is unknown: write one of {}", prefixes())]
    Protocol,
    /// A WebSocket's URL of a protocol that is spoken over HTTP.
    #[error("this protocol is spoken over HTTP: write {0}:// after the +")]
    WebSocket(&'static str),
    /// An `http` or `https` URL, most likely of the right server.
    #[error("this is the URL of a web page: write {0}:// instead")]
    WebPage(&'static str),
    /// User and password before the host. No protocol has a use for them.
    #[error("the URL carries a user name or password: leave them out and pass the signaling key with --key")]
    Credentials,
    /// A `#fragment`, which has no meaning for a WebSocket (RFC 6455 §3).
    #[error("the URL ends in a #fragment: leave it out")]
    Fragment,
    /// Nobody can listen on port 0.
    #[error("port 0 cannot be connected to")]
    Port,
    /// The mapping file cannot be used.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Reads the URL of a signaling server: `ws` or `wss`, or one of them after a protocol and a `+`. Without a protocol it is
/// Ayame, whose path is `/signaling` when the URL names none. `custom:FILE` reads a mapping file, which has the URL in it;
/// `manual` is no server at all.
///
/// # Errors
/// A [`UrlError`] that says what to write instead.
pub fn parse_server_url(text: &str) -> Result<ServerUrl, UrlError> {
    let text = text.trim();
    if let Some(file) = text.strip_prefix(CUSTOM) {
        let mapping = Mapping::load(Path::new(file))?;
        return Ok(ServerUrl { protocol: Protocol::Custom, url: mapping.host(), mapping: Some(Arc::new(mapping)) });
    }
    if text == MANUAL {
        let url = Url::parse("manual:").expect("a scheme and nothing else is a URL");
        return Ok(ServerUrl { protocol: Protocol::Manual, url, mapping: None });
    }
    let (scheme, _) = text.split_once("://").ok_or(UrlError::Scheme)?;
    let (protocol, rest) = match scheme.split_once('+') {
        None => (Protocol::Ayame, text),
        Some((prefix, _)) => {
            let named = |protocol: &Protocol| protocol.prefix().eq_ignore_ascii_case(prefix);
            let protocol = Protocol::ALL.into_iter().find(named).ok_or(UrlError::Protocol)?;
            (protocol, &text[prefix.len() + 1..])
        }
    };
    let mut url = Url::parse(rest).map_err(UrlError::Malformed)?;
    match url.scheme() {
        "http" | "https" if protocol.is_http() => {}
        "ws" if protocol.is_http() => return Err(UrlError::WebSocket("http")),
        "wss" if protocol.is_http() => return Err(UrlError::WebSocket("https")),
        "ws" | "wss" => {}
        "http" => return Err(UrlError::WebPage("ws")),
        "https" => return Err(UrlError::WebPage("wss")),
        _ => return Err(UrlError::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    if url.port() == Some(0) {
        return Err(UrlError::Port);
    }
    if protocol == Protocol::Ayame && url.path() == "/" {
        url.set_path(AYAME_PATH);
    }
    Ok(ServerUrl { protocol, url, mapping: None })
}

fn prefixes() -> String {
    let prefixes = Protocol::ALL.map(|protocol| {
        let scheme = if protocol.is_http() { "http(s)" } else { "ws(s)" };
        format!("{}+{scheme}://", protocol.prefix())
    });
    format!("{}, {CUSTOM}FILE, {MANUAL}", prefixes.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_path_defaults_to_signaling() {
        for (given, read) in [
            ("ws://localhost:3000", "ws://localhost:3000/signaling"),
            (" wss://example.org/ ", "wss://example.org/signaling"),
            ("wss://example.org?x=1", "wss://example.org/signaling?x=1"),
            ("ws://[::1]:3000/ws", "ws://[::1]:3000/ws"),
            ("wss://bücher.example/signaling", "wss://xn--bcher-kva.example/signaling"),
        ] {
            let server = parse_server_url(given).expect(given);
            assert_eq!((server.protocol, server.url.as_str()), (Protocol::Ayame, read), "{given}");
        }
    }

    #[test]
    fn a_mapping_file_brings_its_url() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/custom/testdata/gst-simple-server.toml");
        let server = parse_server_url(&format!("custom:{file}")).expect("a mapping");
        assert_eq!((server.protocol, server.to_string()), (Protocol::Custom, format!("custom:{file}")));
        assert!(matches!(server.url.scheme(), "ws" | "wss") && server.url.path() == "/", "{}", server.url);
        let error = parse_server_url("custom:nowhere.toml").expect_err("no such file").to_string();
        assert!(error.starts_with("the mapping file nowhere.toml cannot be read: "), "{error}");
    }

    #[test]
    fn manual_is_no_server() {
        let server = parse_server_url(" manual ").expect("a word that is known");
        assert_eq!((server.protocol, server.to_string().as_str()), (Protocol::Manual, "manual"));
        assert_eq!(server.to_string().parse(), Ok(server));
    }

    #[test]
    fn the_protocol_is_named_before_a_plus() {
        for (given, protocol, read) in [
            ("ayame+ws://localhost", Protocol::Ayame, "ws://localhost/signaling"),
            ("peerjs+wss://host/myapp", Protocol::PeerJs, "wss://host/myapp"),
            ("PeerJS+WSS://host", Protocol::PeerJs, "wss://host/"),
            ("gst+ws://[::1]:8443", Protocol::Gst, "ws://[::1]:8443/"),
            ("matchbox+ws://host:3536/", Protocol::Matchbox, "ws://host:3536/"),
            ("mirotalk+wss://host", Protocol::MiroTalk, "wss://host/"),
            ("whip+https://host/live/whip", Protocol::Whip, "https://host/live/whip"),
            ("whep+http://[::1]:8889/live?x=1", Protocol::Whep, "http://[::1]:8889/live?x=1"),
        ] {
            let server = parse_server_url(given).expect(given);
            assert_eq!((server.protocol, server.url.as_str()), (protocol, read), "{given}");
            assert_eq!(server.to_string().parse(), Ok(server), "{given}");
        }
    }

    #[test]
    fn wrong_urls_say_what_to_write() {
        for (given, error) in [
            ("", UrlError::Scheme),
            ("localhost:3000", UrlError::Scheme),
            ("ftp://host/", UrlError::Scheme),
            ("http://host/signaling", UrlError::WebPage("ws")),
            ("https://host/signaling", UrlError::WebPage("wss")),
            ("ws://", UrlError::Malformed(url::ParseError::EmptyHost)),
            ("ws://host:99999", UrlError::Malformed(url::ParseError::InvalidPort)),
            ("ws://me:secret@host/", UrlError::Credentials),
            ("ws://host/signaling#room", UrlError::Fragment),
            ("ws://host:0/signaling", UrlError::Port),
            ("smtp+ws://host", UrlError::Protocol),
            ("+ws://host", UrlError::Protocol),
            ("peerjs+https://host", UrlError::WebPage("wss")),
            ("whip+wss://host", UrlError::WebSocket("https")),
            ("whep+ws://host", UrlError::WebSocket("http")),
            ("whip+https://me:secret@host/", UrlError::Credentials),
            ("peerjs+ayame+ws://host", UrlError::Scheme),
        ] {
            assert_eq!(parse_server_url(given), Err(error), "{given}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,64}") {
            let _ = parse_server_url(&text);
            for scheme in ["ws", "peerjs+wss", "whip+https"] {
                if let Ok(server) = parse_server_url(&format!("{scheme}://{text}")) {
                    prop_assert_eq!(server.to_string().parse(), Ok(server));
                }
            }
        }
    }
}
