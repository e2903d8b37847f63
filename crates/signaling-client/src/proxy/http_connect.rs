//! Asks an HTTP proxy for a connection (CONNECT, RFC 9110 §9.3.6), with basic authentication (RFC 7617) where its URL has
//! a login. The name of the server goes to the proxy, which looks it up.

use crate::http_head;
use crate::line::Target;
use crate::proxy::address::Login;
use crate::proxy::handshake::{Fault, Handshake, Step};

/// Longest head of an answer, in bytes; the usual ones are a tenth of it.
const MAX_HEAD: usize = 16 * 1024;

/// One request for a connection.
pub(crate) struct HttpConnect {
    request: Option<Vec<u8>>,
    with_login: bool,
    head: Vec<u8>,
}

impl HttpConnect {
    /// Asks for `target`.
    pub(crate) fn new(target: &Target, login: Option<&Login>) -> Self {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(Login { user, password }) = login {
            let pair = format!("{}:{}", user.expose(), password.expose());
            request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", base64(pair.as_bytes())));
        }
        request.push_str("\r\n");
        Self { request: Some(request.into_bytes()), with_login: login.is_some(), head: Vec::new() }
    }
}

impl Handshake for HttpConnect {
    fn step(&mut self, heard: &[u8]) -> Result<Step, Fault> {
        if let Some(request) = self.request.take() {
            return Ok(Step::Send(request));
        }
        self.head.extend_from_slice(heard);
        if !b"HTTP/1.".starts_with(&self.head[..self.head.len().min(7)]) {
            return Err(Fault::Foreign);
        }
        match http_head::missing(&self.head) {
            0 => {}
            _ if self.head.len() >= MAX_HEAD => return Err(Fault::TooLong),
            more => return Ok(Step::Read(more)),
        }
        match http_head::status(&self.head).ok_or(Fault::Foreign)? {
            200..=299 => Ok(Step::Through),
            // 401 is for servers, but tinyproxy says it to a wrong login.
            401 | 407 if self.with_login => Err(Fault::WrongLogin),
            401 | 407 => Err(Fault::WantsLogin),
            status => Err(Fault::Http(status)),
        }
    }
}

/// RFC 4648 §4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit) & 0x3f) as usize;
            text.push(if digit <= group.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::proxy::handshake::play;

    fn target() -> Target {
        Target::of(&Url::parse("wss://call.example/signaling").expect("a URL")).expect("a target")
    }

    #[test]
    fn a_connection_is_asked_for_by_name_and_with_the_login() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\nand what the server says";
        let (end, sent, read) = play(HttpConnect::new(&target(), None), answer);
        assert_eq!((end, read), (Ok(()), answer.len() - 24), "what the server says is not read");
        assert_eq!(sent, [b"CONNECT call.example:443 HTTP/1.1\r\nHost: call.example:443\r\n\r\n"]);

        // The example of RFC 7617 §2.
        let login = Login::new("Aladdin", "open sesame");
        let (_, sent, _) = play(HttpConnect::new(&target(), Some(&login)), answer);
        let request = String::from_utf8(sent.concat()).expect("text");
        assert!(request.ends_with("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"), "{request}");
    }

    #[test]
    fn each_no_has_its_own_words() {
        let login = Login::new("me", "secret");
        for (login, answer, fault) in [
            (None, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Some(Fault::WantsLogin)),
            (Some(&login), "HTTP/1.0 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", Some(Fault::WrongLogin)),
            (Some(&login), "HTTP/1.0 401 Unauthorized\r\n\r\n", Some(Fault::WrongLogin)),
            (None, "HTTP/1.1 403 Forbidden\r\n\r\n", Some(Fault::Http(403))),
            (None, "HTTP/1.1 502 Bad Gateway\r\n\r\n", Some(Fault::Http(502))),
            (None, "SSH-2.0-OpenSSH_9.6\r\n", Some(Fault::Foreign)),
            (None, "\u{5}\u{0}", Some(Fault::Foreign)),
            (None, "HTTP/1.1 abc\r\n\r\n", Some(Fault::Foreign)),
            // It hung up.
            (None, "HTTP/1.1 200 OK\r\n", None),
        ] {
            let (end, _, _) = play(HttpConnect::new(&target(), login), answer.as_bytes());
            assert_eq!(end, Err(fault), "{answer}");
        }
    }

    #[test]
    fn an_endless_head_is_cut_short() {
        let answer = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 * MAX_HEAD));
        let (end, _, read) = play(HttpConnect::new(&target(), None), answer.as_bytes());
        assert_eq!(end, Err(Some(Fault::TooLong)));
        assert!(read <= MAX_HEAD + 4);
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648 §10.
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    proptest! {
        #[test]
        fn any_answer_ends_the_talk(answer in proptest::collection::vec(any::<u8>(), 0..256), proper in any::<bool>()) {
            let start: &[u8] = if proper { b"HTTP/1.1 2" } else { b"" };
            let answer = [start, &answer].concat();
            let (_, sent, read) = play(HttpConnect::new(&target(), None), &answer);
            prop_assert!(sent.len() == 1 && read <= answer.len());
        }
    }
}
