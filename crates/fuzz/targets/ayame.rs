//! What a signaling server sends to the client, between commands of the call. A line of the input is a frame, or one of
//! `> offer TEXT`, `> answer TEXT`, `> candidate TEXT`, `> leave`, `close CODE WORDS` and `broken WORDS`.
#![no_main]

use std::time::Instant;

use call_core::{DescriptionKind, Reject, RoomId, SignalingEvent};
use fuzz::assert_showable;
use fuzz::conversation::{assert_bounded, close, command};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_client::{AyameCodec, Codec, Command, Join, Out, Url};

fuzz_target!(|text: &str| {
    let now = Instant::now();
    let join = Join {
        room: RoomId::new("room").expect("a plain name"),
        client_id: "client".to_owned(),
        key: Some("key".into()),
        agent: "fuzz".to_owned(),
        url: Url::parse("ws://host/signaling").expect("a URL"),
        token: "token".into(),
        seed: 1,
    };
    let mut call = Call { codec: AyameCodec::new(join), joined: false, over: false };
    for out in call.codec.on_open(now) {
        call.take(out);
    }
    for line in text.lines() {
        call.step(line);
    }
});

/// The codec, and what its events say so far.
struct Call {
    codec: AyameCodec,
    joined: bool,
    over: bool,
}

impl Call {
    fn step(&mut self, line: &str) {
        if let Some(words) = line.strip_prefix("> ") {
            if let Some(command) = command(words) {
                let leaves = matches!(command, Command::Leave);
                for out in self.codec.on_command(Instant::now(), command) {
                    self.take(out);
                }
                self.over |= leaves;
            }
        } else if let Some(info) = close(line) {
            if let Some(event) = self.codec.on_close(info) {
                self.take(Out::Event(event));
            }
            self.over = true;
        } else {
            match self.codec.on_text(Instant::now(), line) {
                Ok(outs) => outs.into_iter().for_each(|out| self.take(out)),
                Err(error) => assert_showable(&error.to_string()),
            }
        }
        assert_eq!(self.codec.is_answered(), self.joined || self.over);
    }

    fn take(&mut self, out: Out) {
        match out {
            Out::Send(text) => {
                assert!(!self.over, "{text} after the end");
                assert!(!text.contains(['\n', '\r']), "{text:?} is more than a line");
                let message: Value = serde_json::from_str(&text).expect("what is sent is JSON");
                let kind = message["type"].as_str().expect("every message has a type");
                let early = matches!(kind, "register" | "pong");
                assert!(early || self.joined && matches!(kind, "offer" | "answer" | "candidate"), "{text}");
            }
            Out::Event(event) => self.tell(event),
            Out::Skipped(error) => assert_showable(&error.to_string()),
            // The end was told before, or the call asked for it.
            Out::Close => self.over = true,
            Out::Reopen => panic!("Ayame needs one connection"),
        }
    }

    fn tell(&mut self, event: SignalingEvent) {
        assert!(!self.over, "{event:?} after the end");
        match event {
            SignalingEvent::Joined { role, ice_servers, .. } => {
                assert!(!self.joined, "joined twice");
                assert_ne!(role.offers_first, role.polite, "the second offers, the first yields");
                assert_bounded(&ice_servers);
                self.joined = true;
            }
            SignalingEvent::IceServers(ice_servers) => {
                assert!(self.joined, "credentials before it was let in");
                assert_bounded(&ice_servers);
            }
            SignalingEvent::OfferWanted => panic!("with Ayame, who comes second offers"),
            SignalingEvent::Description(description) => {
                assert!(self.joined && description.kind != DescriptionKind::Rollback);
            }
            SignalingEvent::Candidate(_) | SignalingEvent::PeerLeft => assert!(self.joined),
            SignalingEvent::Rejected(reject) => {
                assert!(!self.joined, "turned away after it was let in");
                if let Reject::Refused(reason) = reject {
                    assert_showable(&reason);
                }
                self.over = true;
            }
            SignalingEvent::Unreachable { .. } => {
                assert!(!self.joined, "unreachable after it was reached");
                self.over = true;
            }
            SignalingEvent::Lost { .. } => {
                assert!(self.joined, "lost before it was found");
                self.over = true;
            }
        }
    }
}
