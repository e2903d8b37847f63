//! The address of a signaling server as a person writes it. What comes out names a host, a port and a path
//! that can be connected to.

use thiserror::Error;
use url::Url;

/// Where Ayame servers listen unless told otherwise.
const DEFAULT_PATH: &str = "/signaling";

/// Why the text is not the address of a signaling server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("this is not a URL ({0}): write it like wss://host/signaling")]
    Malformed(url::ParseError),
    /// A scheme other than `ws` and `wss`, or none.
    #[error("the URL has to start with ws:// or wss://")]
    Scheme,
    /// An `http` or `https` URL, most likely of the right server.
    #[error("this is the URL of a web page: write {0}:// instead")]
    WebPage(&'static str),
    /// User and password before the host. Ayame has no use for them.
    #[error("the URL carries a user name or password: leave them out and pass the signaling key with --key")]
    Credentials,
    /// A `#fragment`, which has no meaning for a WebSocket (RFC 6455 §3).
    #[error("the URL ends in a #fragment: leave it out")]
    Fragment,
    /// Nobody can listen on port 0.
    #[error("port 0 cannot be connected to")]
    Port,
}

/// Reads the URL of a signaling server: `ws` or `wss`, path `/signaling` when it names none.
///
/// # Errors
/// A [`UrlError`] that says what to write instead.
pub fn parse_server_url(text: &str) -> Result<Url, UrlError> {
    let text = text.trim();
    if !text.contains("://") {
        return Err(UrlError::Scheme);
    }
    let mut url = Url::parse(text).map_err(UrlError::Malformed)?;
    match url.scheme() {
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
    if url.path() == "/" {
        url.set_path(DEFAULT_PATH);
    }
    Ok(url)
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
            assert_eq!(parse_server_url(given).map(String::from).as_deref(), Ok(read), "{given}");
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
        ] {
            assert_eq!(parse_server_url(given), Err(error), "{given}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,64}") {
            let _ = parse_server_url(&text);
            let _ = parse_server_url(&format!("ws://{text}"));
        }
    }
}
