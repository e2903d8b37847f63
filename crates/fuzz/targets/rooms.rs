//! What strangers send to the rooms of the built-in server, from many connections. A line of the input is `N open HOST`,
//! `N closed`, `N control` or `N TEXT`, where N is a digit that names a connection, or `+MILLISECONDS`.
#![no_main]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use call_core::{RoomId, Secret};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_server::rooms::{ConnectionId, Input, Output, RoomServer};
use signaling_server::{Limits, Turn};

/// A step in time is at most that long; each ping on the way costs time of ours.
const LONGEST: u64 = 100_000;

fuzz_target!(|text: &str| {
    let (key, text) = match text.strip_prefix("key\n") {
        Some(rest) => (Some(Secret::new("key")), rest),
        None => (None, text),
    };
    let limits = Limits { rooms: 2, ..Limits::default() };
    let turn = Turn { urls: Vec::new(), secret: Secret::new("ours"), lifetime: Duration::from_secs(7) };
    let server = RoomServer::new(limits, key.as_ref(), Vec::new()).with_turn(Some(turn));
    let mut shell = Shell { now: Instant::now(), server, open: HashMap::new() };
    for line in text.lines() {
        shell.step(line);
    }
});

/// The server and the connections that it knows: whether each one is closing.
struct Shell {
    now: Instant,
    server: RoomServer,
    open: HashMap<ConnectionId, bool>,
}

impl Shell {
    fn step(&mut self, line: &str) {
        if let Some(digits) = line.strip_prefix('+') {
            return self.wait(digits.parse().unwrap_or(0).min(LONGEST));
        }
        let Some((id, text)) = line.split_once(' ') else { return };
        let Ok(id @ 0..=9) = id.parse() else { return };
        let id = ConnectionId(id);
        let (input, forwarded) = match (text, self.open.contains_key(&id)) {
            ("closed", _) => {
                self.open.remove(&id);
                (Input::Closed, None)
            }
            ("control", _) => (Input::Control, None),
            (_, true) => (Input::Text(text.to_owned()), Some(text)),
            (_, false) => match text.strip_prefix("open ") {
                Some(host) => {
                    self.open.insert(id, false);
                    (opened(host), None)
                }
                // The server ignores whom it does not know.
                None => (Input::Text(text.to_owned()), None),
            },
        };
        self.server.handle(self.now, id, input);
        self.drain(id, forwarded);
        assert_eq!(self.server.connection_count(), self.open.len());
        assert!(self.server.room_count() <= self.open.len().min(2), "{} rooms", self.server.room_count());
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(at) = self.server.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            assert!(self.server.deadline().is_none_or(|next| next > self.now), "a deadline that stays");
            self.drain(ConnectionId(u64::MAX), None);
        }
        self.now = until;
    }

    /// Takes what the server wants sent, after a text from this connection.
    fn drain(&mut self, from: ConnectionId, text: Option<&str>) {
        let mut outputs = 0;
        while let Some(output) = self.server.poll() {
            outputs += 1;
            match output {
                Output::Send { to, text: sent } => {
                    assert_eq!(self.open.get(&to), Some(&false), "{sent} to a connection that is closing or gone");
                    if Some(sent.as_str()) == text {
                        assert_ne!(to, from, "an echo");
                        continue;
                    }
                    let message: Value = serde_json::from_str(&sent).expect("the server's own words are JSON");
                    let kind = message["type"].as_str().expect("every message has a type");
                    assert!(matches!(kind, "accept" | "reject" | "ping" | "bye" | "iceServers"), "{sent}");
                    assert!(kind != "accept" || to == from, "{sent} without having asked");
                }
                Output::Close { to, reason, .. } => {
                    assert_eq!(self.open.insert(to, true), Some(false), "closed twice");
                    assert!(reason.len() <= 123, "RFC 6455 §5.5: a control frame has 125 bytes");
                }
            }
        }
        // A text: a reject, or the end of the room for both. A moment: a ping, credentials or that for each connection.
        assert!(outputs <= if text.is_some() { 3 } else { 30 }, "{outputs} outputs");
    }
}

fn opened(host: &str) -> Input {
    let address = host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    // The longest names are refused by the rooms; here it only has to be JSON again.
    let label = RoomId::new(host).map_or_else(|_| "label".to_owned(), |name| name.as_str().to_owned());
    Input::Opened { address, label }
}
