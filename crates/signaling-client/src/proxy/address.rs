//! The address of a proxy as a person writes it, with the login in it. Nothing that shows it shows the login.

use std::fmt;

use call_core::Secret;
use thiserror::Error;
use url::{Host, Url};

/// Longest user name and password, in bytes (RFC 1929 §2).
const MAX_LOGIN: usize = 255;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// CONNECT over plain TCP.
    Http,
    /// CONNECT over TLS.
    Https,
    /// SOCKS5; we look names up.
    Socks5,
    /// SOCKS5; the proxy looks names up.
    Socks5h,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// User name and password for a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

#[cfg(test)]
impl Login {
    pub(crate) fn new(user: &str, password: &str) -> Self {
        Self { user: Secret::new(user), password: Secret::new(password) }
    }
}

/// A proxy: what it speaks, where it is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    pub(crate) login: Option<Login>,
}

/// As [`parse_proxy`] reads it, without the login.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.name(), self.host, self.port)
    }
}

/// Why the text is not the address of a proxy. Never holds the text, in which there may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProxyUrlError {
    /// Not a URL, or one without a host.
    #[error("this is not the URL of a proxy: write it like http://host:3128 or socks5h://host:1080")]
    Malformed,
    /// Another scheme.
    #[error("a proxy's URL starts with http://, https://, socks5:// or socks5h://")]
    Scheme,
    /// Something behind the port, as a password has with a `/`, `?` or `#` in it that is not percent-encoded.
    #[error("a proxy's URL ends after the port; in a password write %2F for /, %3F for ?, %23 for #, %40 for @")]
    Path,
    /// A login that cannot be sent.
    #[error(
        "user name and password in a proxy's URL are 1 to 255 bytes each, percent-encoded where they are not letters or digits"
    )]
    Login,
    /// RFC 7617 §2.
    #[error("a user name for an HTTP proxy cannot hold a colon")]
    Colon,
    /// Nobody can listen on port 0.
    #[error("port 0 cannot be connected to")]
    Port,
}

/// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, or `https`, `socks5`, `socks5h`. Without a scheme it is `http`, as in the
/// environment's variables; without a port 80, 443 or 1080.
///
/// # Errors
/// A [`ProxyUrlError`] that says what to write instead.
pub fn parse_proxy(text: &str) -> Result<Proxy, ProxyUrlError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = [Scheme::Http, Scheme::Https, Scheme::Socks5, Scheme::Socks5h]
        .into_iter()
        .find(|known| known.name().eq_ignore_ascii_case(scheme))
        .ok_or(ProxyUrlError::Scheme)?;
    // Read as `http` always: of schemes that it does not know, the library takes hosts as they are.
    let url = Url::parse(&format!("http://{rest}")).map_err(|_| match rest.contains('@') {
        true => ProxyUrlError::Path,
        false => ProxyUrlError::Malformed,
    })?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(ProxyUrlError::Path);
    }
    let host = url.host().ok_or(ProxyUrlError::Malformed)?.to_owned();
    // The library leaves out a port that is the default of the scheme; that of another scheme it keeps.
    let written = || Url::parse(&format!("https://{rest}")).ok()?.port();
    let port = url.port().or_else(written).unwrap_or(scheme.default_port());
    if port == 0 {
        return Err(ProxyUrlError::Port);
    }
    let login = login(&url, scheme)?;
    Ok(Proxy { scheme, host, port, login })
}

fn login(url: &Url, scheme: Scheme) -> Result<Option<Login>, ProxyUrlError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user = decoded(url.username()).ok_or(ProxyUrlError::Login)?;
    let password = decoded(url.password().unwrap_or_default()).ok_or(ProxyUrlError::Login)?;
    match scheme {
        Scheme::Http | Scheme::Https if user.contains(':') => return Err(ProxyUrlError::Colon),
        // RFC 1929 §2: 1 to 255; an empty password is sent by some and taken by most.
        _ if user.is_empty() || user.len() > MAX_LOGIN || password.len() > MAX_LOGIN => {
            return Err(ProxyUrlError::Login);
        }
        _ => {}
    }
    Ok(Some(Login { user: Secret::new(user), password: Secret::new(password) }))
}

/// Undoes percent-encoding (RFC 3986 §2.1). `None` when what comes out is not text, or holds control characters
/// (RFC 7617 §2).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).filter(|pair| *first == b'%' && pair.iter().all(u8::is_ascii_hexdigit));
        let (byte, after) = match pair.and_then(|pair| std::str::from_utf8(pair).ok()) {
            Some(pair) => (u8::from_str_radix(pair, 16).ok()?, &after[2..]),
            None => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn proxies_are_read_as_people_write_them() {
        for (given, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            (" proxy.example:3128/ ", "http://proxy.example:3128"),
            ("PROXY", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("https://proxy:80", "https://proxy:80"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
            ("SOCKS5H://[::1]:9050", "socks5h://[::1]:9050"),
            ("socks5h://me:secret@proxy", "socks5h://proxy:1080"),
        ] {
            let proxy = parse_proxy(given).expect(given);
            assert_eq!(proxy.to_string(), shown, "{given}");
            assert!(!format!("{proxy:?}").contains("secret"));
        }
    }

    #[test]
    fn logins_are_percent_decoded() {
        let login = |text: &str| parse_proxy(text).expect(text).login.expect("it has one");
        assert_eq!(login("http://me:p%40ss%2Fw%3Ard@proxy"), Login::new("me", "p@ss/w:rd"));
        assert_eq!(login("socks5://m%C3%BC:100%@proxy"), Login::new("m\u{fc}", "100%"));
        assert_eq!(login("http://me@proxy"), Login::new("me", ""));
        assert_eq!(login("http://me:a:b@proxy"), Login::new("me", "a:b"));
    }

    #[test]
    fn other_texts_are_refused_without_being_repeated() {
        for (given, error) in [
            ("", ProxyUrlError::Malformed),
            ("http://", ProxyUrlError::Malformed),
            ("ftp://me:secret@proxy", ProxyUrlError::Scheme),
            ("socks4://proxy", ProxyUrlError::Scheme),
            ("http://me:se/cret@proxy", ProxyUrlError::Path),
            ("http://proxy/secret", ProxyUrlError::Path),
            ("http://proxy:0", ProxyUrlError::Port),
            ("http://a%3Ab:secret@proxy", ProxyUrlError::Colon),
            ("http://:secret@proxy", ProxyUrlError::Login),
            ("http://me:secret%0D%0A@proxy", ProxyUrlError::Login),
            ("http://me:secret%ff@proxy", ProxyUrlError::Login),
            (&format!("socks5://me:{}@proxy", "secret".repeat(50)), ProxyUrlError::Login),
        ] {
            assert_eq!(parse_proxy(given), Err(error), "{given}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,64}") {
            for scheme in ["", "http://", "socks5://a:b@"] {
                if let Ok(proxy) = parse_proxy(&format!("{scheme}{text}")) {
                    let shown = proxy.to_string();
                    prop_assert_eq!(parse_proxy(&shown).map(|again| again.to_string()), Ok(shown));
                }
            }
        }
    }
}
