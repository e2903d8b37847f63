//! Plays a script of frames and commands to a signaling codec and holds it to what every protocol promises the call.
//! A line of the script is a frame from the server, or one of `> offer TEXT`, `> answer TEXT`, `> candidate TEXT`, `> leave`,
//! `wait SECONDS`, `close CODE WORDS` and `broken WORDS`.

use std::time::{Duration, Instant};

use call_core::{Candidate, Description, DescriptionKind, IceServer, Reject, RoomId, SignalingEvent};
use signaling_client::{CloseInfo, Codec, Command, Join, Out, Url};

use crate::assert_showable;

/// A join like any other.
pub fn join() -> Join {
    Join {
        room: RoomId::new("room").expect("a plain name"),
        client_id: "client".to_owned(),
        key: Some("key".into()),
        agent: "fuzz 1".to_owned(),
        url: Url::parse("ws://host/path").expect("a URL"),
        token: "token".into(),
        seed: 1,
    }
}

/// Plays `script`; `check` looks at each frame that is sent.
pub fn play(codec: &mut dyn Codec, script: &str, check: &dyn Fn(&str)) {
    let mut call = Conversation { codec, check, now: Instant::now(), joined: false, over: false };
    assert!(matches!(call.codec.address().scheme(), "ws" | "wss"));
    let outs = call.codec.on_open(call.now);
    call.take_all(outs);
    for line in script.lines() {
        call.step(line);
    }
}

/// The codec, and what its events say so far.
struct Conversation<'a> {
    codec: &'a mut dyn Codec,
    check: &'a dyn Fn(&str),
    now: Instant,
    joined: bool,
    over: bool,
}

impl Conversation<'_> {
    fn step(&mut self, line: &str) {
        if let Some(words) = line.strip_prefix("> ") {
            if let Some(command) = command(words) {
                let leaves = matches!(command, Command::Leave);
                let outs = self.codec.on_command(self.now, command);
                self.take_all(outs);
                self.over |= leaves;
            }
        } else if let Some(seconds) = line.strip_prefix("wait ").and_then(|seconds| seconds.parse::<u16>().ok()) {
            self.now += Duration::from_secs(seconds.into());
            if self.codec.deadline().is_some_and(|due| due <= self.now) {
                let outs = self.codec.on_timeout(self.now);
                self.take_all(outs);
                assert!(self.codec.deadline().is_none_or(|due| due > self.now), "due again at once");
            }
        } else if let Some(info) = close(line) {
            if let Some(event) = self.codec.on_close(info) {
                self.take(Out::Event(event));
            }
            self.over = true;
        } else {
            match self.codec.on_text(self.now, line) {
                Ok(outs) => self.take_all(outs),
                Err(error) => assert_showable(&error.to_string()),
            }
        }
        // Where the peer has to answer as well, the server has done so before it.
        assert!(self.codec.is_answered() || !(self.joined || self.over));
        assert!(!self.over || self.codec.deadline().is_none(), "a deadline after the end");
    }

    fn take_all(&mut self, outs: Vec<Out>) {
        assert!(outs.len() <= 32, "{} answers to one message", outs.len());
        outs.into_iter().for_each(|out| self.take(out));
    }

    fn take(&mut self, out: Out) {
        match out {
            Out::Send(text) => {
                assert!(!self.over, "{text} after the end");
                (self.check)(&text);
            }
            Out::Event(event) => self.tell(event),
            Out::Skipped(error) => assert_showable(&error.to_string()),
            Out::Reopen => {
                assert!(!self.joined && !self.over, "opened again after it was let in");
                let outs = self.codec.on_open(self.now);
                self.take_all(outs);
            }
            // The end was told before, or the call asked for it.
            Out::Close => self.over = true,
        }
    }

    fn tell(&mut self, event: SignalingEvent) {
        assert!(!self.over, "{event:?} after the end");
        match event {
            SignalingEvent::Joined { ice_servers, .. } => {
                assert!(!self.joined, "joined twice");
                assert_bounded(&ice_servers);
                self.joined = true;
            }
            SignalingEvent::IceServers(ice_servers) => {
                assert!(self.joined, "credentials before it was let in");
                assert_bounded(&ice_servers);
            }
            SignalingEvent::Description(description) => {
                assert!(self.joined && description.kind != DescriptionKind::Rollback);
            }
            SignalingEvent::Candidate(_) | SignalingEvent::PeerLeft | SignalingEvent::OfferWanted => {
                assert!(self.joined, "of a peer before it was let in");
            }
            SignalingEvent::Rejected(reject) => {
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

/// A list of ICE servers costs no more than it may.
pub fn assert_bounded(ice_servers: &[IceServer]) {
    assert!(ice_servers.len() <= 16, "{} ICE servers", ice_servers.len());
    for server in ice_servers {
        assert!((1..=8).contains(&server.urls.len()), "{} URLs of one server", server.urls.len());
        assert!(server.urls.iter().all(|url| url.len() <= 512), "a URL without end");
    }
}

/// What the call wants, as one line says it.
pub fn command(words: &str) -> Option<Command> {
    let (word, text) = words.split_once(' ').unwrap_or((words, ""));
    match word {
        "offer" => Some(Command::Describe(Description::offer(text))),
        "answer" => Some(Command::Describe(Description::answer(text))),
        "candidate" => Some(Command::Candidate(Candidate { candidate: text.to_owned(), ..Candidate::default() })),
        "leave" => Some(Command::Leave),
        _ => None,
    }
}

/// How the connection ended, as one line says it.
pub fn close(line: &str) -> Option<CloseInfo> {
    if let Some(reason) = line.strip_prefix("broken ") {
        return Some(CloseInfo::Broken(reason.to_owned()));
    }
    let (code, reason) = line.strip_prefix("close ")?.split_once(' ')?;
    Some(CloseInfo::Frame { code: code.parse().ok()?, reason: reason.to_owned() })
}
