//! Asks a SOCKS5 proxy for a connection (RFC 1928), with user name and password (RFC 1929) where its URL has a login.
//! The server goes by name or by address, as its caller says.

use std::net::IpAddr;

use crate::proxy::address::Login;
use crate::proxy::handshake::{Fault, Handshake, Step};

const VERSION: u8 = 5;
/// RFC 1929 §2: the version of the log-in, which counts for itself.
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const WITH_LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
/// Length of a port, in bytes.
const PORT: usize = 2;

/// Where the proxy is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The proxy looks the name up; at most 255 bytes.
    Name(String),
    Address(IpAddr),
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greet,
    AskMethod,
    Method,
    AskLogin,
    Login,
    AskConnect,
    /// The answer up to the kind of address in it.
    Answer,
    /// The length of the name in it.
    Length,
    Rest,
    Over,
}

/// One request for a connection.
pub(crate) struct Socks5 {
    destination: Destination,
    port: u16,
    login: Option<Login>,
    state: State,
}

impl Socks5 {
    /// Asks for `destination`.
    pub(crate) fn new(destination: Destination, port: u16, login: Option<&Login>) -> Self {
        Self { destination, port, login: login.cloned(), state: State::Greet }
    }

    fn then(&mut self, state: State, step: Step) -> Result<Step, Fault> {
        self.state = state;
        Ok(step)
    }

    fn on_method(&mut self, method: u8) -> Result<Step, Fault> {
        match (method, &self.login) {
            (NO_LOGIN, _) => self.connect(),
            (WITH_LOGIN, Some(Login { user, password })) => {
                let mut bytes = vec![LOGIN_VERSION];
                short(&mut bytes, user.expose());
                short(&mut bytes, password.expose());
                self.then(State::AskLogin, Step::Send(bytes))
            }
            (NO_METHOD, None) => Err(Fault::WantsLogin),
            (NO_METHOD, Some(_)) => Err(Fault::WrongLogin),
            _ => Err(Fault::Foreign),
        }
    }

    fn connect(&mut self) -> Result<Step, Fault> {
        let mut bytes = vec![VERSION, CONNECT, 0];
        match &self.destination {
            Destination::Name(name) => {
                bytes.push(3);
                short(&mut bytes, name);
            }
            Destination::Address(IpAddr::V4(address)) => {
                bytes.push(1);
                bytes.extend(address.octets());
            }
            Destination::Address(IpAddr::V6(address)) => {
                bytes.push(4);
                bytes.extend(address.octets());
            }
        }
        bytes.extend(self.port.to_be_bytes());
        self.then(State::AskConnect, Step::Send(bytes))
    }
}

/// A text behind its length in one byte. Longer ones were refused before they came here.
fn short(bytes: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
    bytes.push(u8::try_from(text.len()).expect("cut above"));
    bytes.extend(text);
}

impl Handshake for Socks5 {
    fn step(&mut self, heard: &[u8]) -> Result<Step, Fault> {
        match (self.state, heard) {
            (State::Greet, _) => {
                let methods: &[u8] = if self.login.is_some() { &[NO_LOGIN, WITH_LOGIN] } else { &[NO_LOGIN] };
                let count = u8::try_from(methods.len()).expect("one or two");
                self.then(State::AskMethod, Step::Send([&[VERSION, count], methods].concat()))
            }
            (State::AskMethod, _) => self.then(State::Method, Step::Read(2)),
            (State::Method, &[VERSION, method]) => self.on_method(method),
            (State::AskLogin, _) => self.then(State::Login, Step::Read(2)),
            // The version is not looked at: some proxies answer with that of SOCKS.
            (State::Login, &[_, 0]) => self.connect(),
            (State::Login, &[_, _]) => Err(Fault::WrongLogin),
            (State::AskConnect, _) => self.then(State::Answer, Step::Read(4)),
            (State::Answer, &[VERSION, 0, _, kind]) => match kind {
                1 => self.then(State::Rest, Step::Read(4 + PORT)),
                3 => self.then(State::Length, Step::Read(1)),
                4 => self.then(State::Rest, Step::Read(16 + PORT)),
                _ => Err(Fault::Foreign),
            },
            (State::Answer, &[VERSION, code, _, _]) => Err(Fault::Socks(code)),
            (State::Length, &[length]) => self.then(State::Rest, Step::Read(usize::from(length) + PORT)),
            // Where the proxy connects from is of no use to us.
            (State::Rest, _) | (State::Over, _) => self.then(State::Over, Step::Through),
            (State::Method | State::Login | State::Answer | State::Length, _) => Err(Fault::Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proxy::handshake::play;

    fn named(login: Option<&Login>) -> Socks5 {
        Socks5::new(Destination::Name("call.example".to_owned()), 443, login)
    }

    #[test]
    fn a_name_goes_to_the_proxy_as_it_is() {
        let answer = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34what the server says";
        let (end, sent, read) = play(named(None), answer);
        assert_eq!((end, read), (Ok(()), 12));
        assert_eq!(sent, [&b"\x05\x01\x00"[..], b"\x05\x01\x00\x03\x0ccall.example\x01\xbb"]);
    }

    #[test]
    fn addresses_of_both_families_go_as_bytes() {
        for (address, bytes) in [
            ("192.0.2.7", &b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50"[..]),
            ("2001:db8::1", b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50"),
        ] {
            let destination = Destination::Address(address.parse().expect("an address"));
            let (end, sent, _) = play(Socks5::new(destination, 80, None), b"\x05\x00\x05\x00\x00\x03\x01a\x00\x00");
            assert_eq!(end, Ok(()));
            assert_eq!(sent[1], bytes);
        }
    }

    #[test]
    fn a_login_is_given_when_it_is_asked_for_only() {
        let login = Login::new("me", "secret");
        let granted = b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x00";
        let (end, sent, _) = play(named(Some(&login)), &[&b"\x05\x02\x01\x00"[..], granted].concat());
        assert_eq!(end, Ok(()));
        assert_eq!(sent[..2], [&b"\x05\x02\x00\x02"[..], b"\x01\x02me\x06secret"]);
        let (end, sent, _) = play(named(Some(&login)), &[&b"\x05\x00"[..], granted].concat());
        assert_eq!(end, Ok(()));
        assert!(!sent.concat().windows(6).any(|bytes| bytes == b"secret"));
    }

    #[test]
    fn each_no_has_its_own_words() {
        let login = Login::new("me", "secret");
        for (login, answer, fault) in [
            (None, &b"\x05\xff"[..], Some(Fault::WantsLogin)),
            (Some(&login), b"\x05\xff", Some(Fault::WrongLogin)),
            (Some(&login), b"\x05\x02\x01\x01", Some(Fault::WrongLogin)),
            // A method that was not offered.
            (None, b"\x05\x02", Some(Fault::Foreign)),
            (None, b"\x05\x00\x05\x05\x00\x01", Some(Fault::Socks(5))),
            (None, b"\x05\x00\x05\x00\x00\x09", Some(Fault::Foreign)),
            (None, b"HTTP/1.1 400 Bad Request", Some(Fault::Foreign)),
            (None, b"\x04\x5b", Some(Fault::Foreign)),
            // It hung up.
            (None, b"\x05\x00\x05", None),
        ] {
            assert_eq!(play(named(login), answer).0, Err(fault), "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_ends_the_talk(answer in proptest::collection::vec(any::<u8>(), 0..64), proper in 0..3_usize) {
            let start: &[u8] = [&b""[..], b"\x05\x00", b"\x05\x00\x05\x00\x00"][proper];
            let (_, sent, read) = play(named(Some(&Login::new("me", "secret"))), &[start, &answer].concat());
            // 255 bytes of a name, and what is around them.
            prop_assert!(sent.len() <= 3 && read <= 300);
        }
    }
}
