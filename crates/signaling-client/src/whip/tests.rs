//! Stories of publishing and watching, told in requests and responses; then any order of them.

use call_core::RoomId;
use proptest::prelude::*;

use super::*;

const OFFER: &str = "v=0\r\nm=audio 9 X 111\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=mid:0\r\n";

fn join() -> Join {
    Join {
        url: Url::parse("https://media.example/live/whip?stream=1").expect("a URL"),
        room: RoomId::new("room").expect("a plain name"),
        client_id: "client".to_owned(),
        key: Some("s3cret".into()),
        agent: "test 1".to_owned(),
        token: "token".into(),
        seed: 1,
    }
}

fn candidate(number: u32) -> Command {
    Command::Candidate(Candidate { candidate: format!("candidate:{number}"), ..Candidate::default() })
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Response { status, headers, body: body.to_owned() }
}

fn created() -> Response {
    response(201, &[("Location", "/session/1"), ("ETag", "\"v1\"")], "v=0\r\nanswer")
}

/// A session and its time.
struct Story {
    session: WhipSession,
    now: Instant,
}

impl Story {
    /// Up to the moment when OPTIONS is answered with `response`.
    fn asked(response: Response) -> (Self, Vec<Step>) {
        let mut story = Self { session: WhipSession::new(join()), now: Instant::now() };
        let request = sent(&story.session.on_start());
        assert_eq!((request.method, request.url.as_str()), (Method::Options, join().url.as_str()));
        assert!(request.headers.contains(&("authorization", "Bearer s3cret".to_owned())));
        let steps = story.hears(response);
        (story, steps)
    }

    /// Up to the moment when the offer is made.
    fn offered() -> Self {
        let (mut story, _) = Self::asked(response(204, &[], ""));
        let request = sent(&story.wants(Command::Describe(Description::offer(OFFER))));
        assert_eq!((request.method, request.body.as_str()), (Method::Post, OFFER));
        assert!(request.headers.contains(&("content-type", SDP.to_owned())));
        story
    }

    fn hears(&mut self, response: Response) -> Vec<Step> {
        self.session.on_response(self.now, &response)
    }

    fn wants(&mut self, command: Command) -> Vec<Step> {
        self.session.on_command(self.now, command)
    }

    fn waits(&mut self) -> Vec<Step> {
        self.now = self.session.deadline().expect("something is due");
        self.session.on_timeout(self.now)
    }
}

/// The one request among the steps.
fn sent(steps: &[Step]) -> Request {
    let requests = steps.iter().filter_map(|step| if let Step::Send(request) = step { Some(request) } else { None });
    let requests: Vec<_> = requests.cloned().collect();
    assert_eq!(requests.len(), 1, "{steps:?}");
    requests[0].clone()
}

fn answer() -> Step {
    Step::Event(SignalingEvent::Description(Description::answer("v=0\r\nanswer")))
}

fn refused(steps: &[Step]) -> String {
    match steps {
        [Step::Event(SignalingEvent::Rejected(Reject::Refused(reason))), ..] => reason.clone(),
        _ => panic!("{steps:?}"),
    }
}

#[test]
fn a_stream_is_published_candidates_follow_and_the_end_is_told() {
    let mut story = Story::offered();
    assert_eq!(story.wants(candidate(1)), []);
    let patch = sent(&story.hears(created()));
    assert_eq!((patch.method, patch.url.as_str()), (Method::Patch, "https://media.example/session/1"));
    assert!(patch.headers.contains(&("if-match", "\"v1\"".to_owned())));
    assert!(patch.headers.contains(&("content-type", FRAGMENT.to_owned())));
    assert_eq!(patch.body, "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 X 111\r\na=mid:0\r\na=candidate:1\r\n");
    // What comes while a request runs goes together with the next.
    assert_eq!((story.wants(candidate(2)), story.wants(candidate(3))), (vec![], vec![]));
    let steps = story.hears(response(204, &[], ""));
    assert_eq!(steps[0], answer());
    assert!(sent(&steps).body.ends_with("a=candidate:2\r\na=candidate:3\r\n"));
    assert_eq!(story.hears(response(204, &[], "")), []);
    let delete = sent(&story.wants(Command::Leave));
    assert_eq!((delete.method, delete.url.as_str()), (Method::Delete, "https://media.example/session/1"));
    assert_eq!(story.hears(response(200, &[], "")), [Step::Close]);
}

#[test]
fn ice_servers_of_the_options_come_with_the_event_of_having_joined() {
    let link = r#"<turn:t.example:3478>; rel="ice-server"; username="u"; credential="c"; credential-type="password""#;
    for (status, methods, servers, trickle) in
        [(204, "OPTIONS, POST, PATCH", 1, true), (200, "POST, DELETE", 1, false), (405, "POST", 0, true)]
    {
        let (_, steps) = Story::asked(response(status, &[("link", link), ("Allow", methods)], ""));
        let [Step::Event(SignalingEvent::Joined { role, capabilities, ice_servers })] = steps.as_slice() else {
            panic!("{steps:?}")
        };
        assert!(role.offers_first && !capabilities.renegotiation && !capabilities.presence);
        assert_eq!((ice_servers.len(), capabilities.trickle), (servers, trickle), "{status}");
    }
}

#[test]
fn a_server_that_takes_no_candidates_gets_the_offer_anew_with_them_in_it() {
    for status in [404, 405, 415, 422, 501] {
        let mut story = Story::offered();
        story.wants(candidate(1));
        assert_eq!(sent(&story.hears(created())).method, Method::Patch);
        assert_eq!(sent(&story.hears(response(status, &[], ""))).method, Method::Delete);
        assert_eq!(story.hears(response(200, &[], "")), [], "the rest of the candidates is waited for");
        assert_eq!(story.wants(candidate(2)), []);
        let again = sent(&story.waits());
        assert_eq!(again.method, Method::Post);
        assert_eq!(again.body, format!("{OFFER}a=candidate:1\r\na=candidate:2\r\n"));
        assert_eq!(story.hears(created()), [answer()], "{status}");
        assert_eq!(story.wants(candidate(3)), []);
        assert_eq!(sent(&story.wants(Command::Leave)).method, Method::Delete);
    }
}

#[test]
fn an_answer_waits_half_a_second_for_a_candidate_and_no_longer() {
    let mut story = Story::offered();
    let before = story.now;
    assert_eq!(story.hears(created()), []);
    assert_eq!(story.waits(), [answer()]);
    assert_eq!(story.now - before, FIRST_CANDIDATE);
    assert_eq!(sent(&story.wants(candidate(1))).method, Method::Patch);
    assert_eq!(story.hears(response(405, &[], "")), [Step::Skipped(ProtocolError::NoTrickle(405))]);
    assert_eq!(story.wants(candidate(2)), [], "once refused is enough");
}

#[test]
fn a_session_without_an_address_is_used_as_it_is() {
    let mut story = Story::offered();
    let late = ("Link", "<stun:host>; rel=ice-server");
    let steps = story.hears(response(201, &[late], "v=0\r\nanswer"));
    let skipped = [ProtocolError::NoSession, ProtocolError::LateIceServers].map(Step::Skipped);
    assert_eq!(steps, [&skipped[..], &[answer()]].concat());
    assert_eq!(story.wants(Command::Leave), [Step::Close]);
}

#[test]
fn redirects_are_followed_and_the_token_stays_with_its_host() {
    let mut story = Story::offered();
    let request = sent(&story.hears(response(307, &[("Location", "../edge")], "")));
    assert_eq!((request.method, request.url.as_str()), (Method::Post, "https://media.example/edge"));
    assert!(request.headers.iter().any(|(name, _)| *name == "authorization"));
    let request = sent(&story.hears(response(308, &[("Location", "https://other.example/whip")], "")));
    assert_eq!((request.url.as_str(), request.body.as_str()), ("https://other.example/whip", OFFER));
    assert!(request.headers.iter().all(|(name, _)| *name != "authorization"));
    assert!(refused(&story.hears(response(401, &[], ""))).contains("which is not passed on"));

    for astray in [&[("Location", "http://media.example/")][..], &[("Location", "ftp://host/")], &[]] {
        assert_eq!(refused(&Story::offered().hears(response(307, astray, ""))), refusal::ASTRAY);
    }
    let mut story = Story::offered();
    for _ in 0..MAX_REDIRECTS {
        sent(&story.hears(response(307, &[("Location", "/loop")], "")));
    }
    assert_eq!(refused(&story.hears(response(307, &[("Location", "/loop")], ""))), refusal::LOOP);
}

#[test]
fn refusals_are_final_and_say_what_to_do() {
    for (status, words) in [
        (400, "our offer"),
        (401, "does not accept the token"),
        (403, "does not accept the token"),
        (404, "check the path"),
        (405, "check the path"),
        (406, "wants to make its own"),
        (409, "somebody else"),
    ] {
        let steps = Story::offered().hears(response(status, &[], "Bearer s3cret"));
        let reason = refused(&steps);
        assert!(reason.contains(words) && !reason.contains("s3cret"), "{reason}");
        assert_eq!(steps.last(), Some(&Step::Close));
    }
    let steps = Story::offered().hears(response(201, &[("Location", "/s")], "<html>"));
    assert_eq!(refused(&steps), refusal::NO_SDP);
    assert_eq!(sent(&steps).method, Method::Delete);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_and_not_for_ever() {
    let mut story = Story::offered();
    for (asked, waited) in [("7", 7), ("100000", 30), ("soon", 2), ("0", 1), ("1", 1)] {
        let before = story.now;
        assert_eq!(story.hears(response(503, &[("Retry-After", asked)], "")), []);
        assert_eq!(sent(&story.waits()).method, Method::Post);
        assert_eq!(story.now - before, Duration::from_secs(waited), "{asked}");
    }
    let steps = story.hears(response(503, &[], ""));
    assert!(matches!(steps.as_slice(), [Step::Event(SignalingEvent::Lost { .. }), Step::Close]), "{steps:?}");
}

#[test]
fn who_leaves_while_the_offer_is_on_its_way_ends_the_session_that_comes_of_it() {
    let mut story = Story::offered();
    assert_eq!(story.wants(Command::Leave), []);
    assert_eq!(sent(&story.hears(created())).method, Method::Delete);
    assert_eq!(story.session.on_failure(story.now, "cut".to_owned(), true), [Step::Close]);
}

#[test]
fn what_is_shown_for_debugging_keeps_the_token_and_the_descriptions() {
    let mut story = Story::offered();
    story.hears(created());
    let shown = format!(
        "{:?}",
        Story::asked(created()).0.session.on_command(Instant::now(), Command::Describe(Description::offer(OFFER)))
    );
    assert!(!shown.contains("s3cret") && !shown.contains("ufrag"), "{shown}");
}

#[derive(Clone, Debug)]
enum Happens {
    Answer(u16, Option<String>, bool),
    Failure,
    Offer,
    Candidate,
    Leave,
    Timeout,
}

fn happens() -> impl Strategy<Value = Happens> {
    let status =
        prop::sample::select(vec![200, 201, 204, 301, 307, 308, 401, 404, 405, 412, 422, 429, 500, 503, 0, 65535]);
    let location = prop::option::of(prop_oneof![Just("/s/1".to_owned()), ".{0,20}"]);
    prop_oneof![
        6 => (status, location, any::<bool>()).prop_map(|(status, location, sdp)| Happens::Answer(status, location, sdp)),
        1 => Just(Happens::Failure),
        2 => Just(Happens::Offer),
        2 => Just(Happens::Candidate),
        1 => Just(Happens::Leave),
        3 => Just(Happens::Timeout),
    ]
}

proptest! {
    #[test]
    fn in_any_order_one_request_runs_and_every_session_is_ended(story in prop::collection::vec(happens(), 0..60)) {
        let (mut session, mut now) = (WhipSession::new(join()), Instant::now());
        let mut running = 0;
        let (mut joined, mut over, mut left) = (false, false, false);
        let mut queue = vec![session.on_start()];
        let leave_at_last = [Happens::Leave, Happens::Answer(201, Some("/s/2".to_owned()), true), Happens::Answer(200, None, false)];
        for happens in story.into_iter().chain(leave_at_last) {
            queue.push(match happens {
                Happens::Answer(status, location, sdp) if running == 1 => {
                    running = 0;
                    let location = location.as_deref().map(|location| ("Location", location));
                    session.on_response(now, &response(status, location.as_slice(), if sdp { "v=0\r\n" } else { "" }))
                }
                Happens::Failure if running == 1 => {
                    running = 0;
                    session.on_failure(now, "cut".to_owned(), true)
                }
                Happens::Offer => session.on_command(now, Command::Describe(Description::offer(OFFER))),
                Happens::Candidate => session.on_command(now, candidate(1)),
                Happens::Leave => {
                    let steps = session.on_command(now, Command::Leave);
                    left = true;
                    steps
                }
                Happens::Timeout => match session.deadline() {
                    Some(due) => {
                        now = now.max(due);
                        let steps = session.on_timeout(now);
                        prop_assert!(session.deadline().is_none_or(|due| due > now), "due again at once");
                        steps
                    }
                    None => Vec::new(),
                },
                Happens::Answer(..) | Happens::Failure => Vec::new(),
            });
            for step in queue.drain(..).flatten() {
                prop_assert!(!over, "{:?} after the end", step);
                match step {
                    Step::Send(_) => running += 1,
                    Step::Event(SignalingEvent::Joined { .. }) => prop_assert!(!std::mem::replace(&mut joined, true)),
                    Step::Event(SignalingEvent::Unreachable { .. }) => prop_assert!(!joined && !left),
                    Step::Event(_) => prop_assert!(!left, "who has left hears no more"),
                    Step::Skipped(_) => {}
                    Step::Close => over = true,
                }
            }
            prop_assert!(running <= 1);
        }
        prop_assert!(over && session.session.is_none(), "a session was left behind");
    }
}
