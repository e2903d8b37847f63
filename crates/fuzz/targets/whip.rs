//! What a media server answers over HTTP, between commands of the call. A line of the script is a response like
//! `201 Location: /s | ETag: "1" | BODY`, or one of `> offer TEXT`, `> candidate TEXT`, `> leave`, `wait` and `broken WORDS`.
#![no_main]

use std::time::Instant;

use call_core::{Candidate, Description, Reject, SignalingEvent};
use fuzz::assert_showable;
use fuzz::conversation::join;
use libfuzzer_sys::fuzz_target;
use signaling_client::{Command, Join, Response, Step, Url, WhipSession};

fuzz_target!(|text: &str| {
    let url = Url::parse("https://host/path").expect("a URL");
    let mut session = WhipSession::new(Join { url, ..join() });
    let (mut now, mut running, mut joined, mut over) = (Instant::now(), false, false, false);
    let mut steps = session.on_start();
    for line in text.lines().chain(["> leave"]) {
        for step in steps.drain(..) {
            assert!(!over, "{step:?} after the end");
            match step {
                Step::Send(request) => {
                    assert!(!std::mem::replace(&mut running, true), "two requests at a time");
                    assert_eq!(request.url.scheme(), "https", "the key or the call leaves encryption");
                    let keyed = request.headers.iter().any(|(name, _)| *name == "authorization");
                    assert_eq!(keyed, request.url.host_str() == Some("host") && request.url.port().is_none());
                }
                Step::Event(SignalingEvent::Joined { ice_servers, .. }) => {
                    assert!(!std::mem::replace(&mut joined, true) && ice_servers.len() <= 16);
                }
                Step::Event(SignalingEvent::Rejected(Reject::Refused(reason))) => assert_showable(&reason),
                Step::Event(SignalingEvent::Unreachable { .. }) => assert!(!joined),
                Step::Event(_) => assert!(joined),
                Step::Skipped(error) => assert_showable(&error.to_string()),
                Step::Close => over = true,
            }
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        steps = match (word, word.parse()) {
            (">", _) => match rest.split_once(' ').unwrap_or((rest, "")) {
                ("offer", sdp) => session.on_command(now, Command::Describe(Description::offer(sdp))),
                ("candidate", text) => {
                    let candidate = Candidate { candidate: text.to_owned(), ..Candidate::default() };
                    session.on_command(now, Command::Candidate(candidate))
                }
                ("leave", _) => session.on_command(now, Command::Leave),
                _ => Vec::new(),
            },
            ("wait", _) => match session.deadline() {
                Some(due) => {
                    now = now.max(due);
                    let steps = session.on_timeout(now);
                    assert!(session.deadline().is_none_or(|due| due > now), "due again at once");
                    steps
                }
                None => Vec::new(),
            },
            ("broken", _) if running => {
                running = false;
                session.on_failure(now, rest.to_owned(), true)
            }
            (_, Ok(status)) if running => {
                running = false;
                let mut parts: Vec<_> = rest.split(" | ").collect();
                let body = parts.pop().unwrap_or_default().to_owned();
                let field = |part: &str| part.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
                let headers = parts.into_iter().filter_map(field).collect();
                session.on_response(now, &Response { status, headers, body })
            }
            _ => Vec::new(),
        };
    }
});
