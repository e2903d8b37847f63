//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) as a state machine: publishes to, or watches, one stream of a media server.
//! Requests go out and responses come in as plain data, one at a time; it opens no socket and reads no clock.
//!
//! An OPTIONS asks for ICE servers, then the room counts as joined and our offer is awaited. It goes out as a POST; the answer
//! is told once the server has taken our first candidates by PATCH. A server that does not take them so gets the
//! offer anew, with the candidates in it. At the end a DELETE frees the session.

mod driver;
mod exchange;
mod fragment;
mod link;
mod message;
mod refusal;

use std::time::{Duration, Instant};

use call_core::{Candidate, Description, DescriptionKind, PeerCapabilities, Reject, Role, SignalingEvent};
use url::Url;

use crate::codec::{Command, Join, ProtocolError};
use crate::text::one_line;
pub(crate) use driver::run;
pub use message::{Method, Request, Response, Step};

/// Redirects followed for one request. Load balancing takes one; more is a loop.
const MAX_REDIRECTS: u32 = 5;
/// Candidates of ours that are kept: a machine with very many addresses has some hundred.
const MAX_CANDIDATES: usize = 256;
/// How long an answer waits for the first candidate, which tells whether the server takes any.
const FIRST_CANDIDATE: Duration = Duration::from_millis(500);
/// From our offer until all candidates that matter were found, where they have to be in it.
const GATHERING: Duration = Duration::from_secs(2);
/// How often a server that is busy is asked again within one attempt to join.
const MAX_BUSY: u32 = 5;
/// Between two such requests where the server does not say how long to wait, ...
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// ... and at most, where it does: a person who waits longer had better try again themselves.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// Where the exchange of descriptions stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The server was asked what it has; we have not joined.
    Asking,
    /// There is no answer to our offer, or no offer yet.
    Offering,
    /// The answer is here, and the call learns of it when the server has taken candidates, or cannot be given any.
    Holding(String),
    /// The session of an offer without candidates is to be ended, and another begun.
    Again,
    /// The call has the answer.
    Answered,
    /// The call is leaving.
    Leaving,
    /// Nothing follows.
    Over,
}

/// One session with a media server.
#[derive(Debug)]
pub struct WhipSession {
    join: Join,
    state: State,
    /// Where to offer: the server, or where it sent us.
    endpoint: Url,
    redirects: u32,
    /// The request that runs.
    pending: Option<Method>,
    offer: Option<String>,
    offered_at: Option<Instant>,
    /// Where the session lives, and which state of it we know (RFC 9110 §8.8.3).
    session: Option<Url>,
    etag: Option<String>,
    /// ICE servers were handed out before our offer, or it was told that they came too late.
    served: bool,
    candidates: Vec<Candidate>,
    /// How many of them the server has, or is being given.
    given: usize,
    /// Whether the server takes candidates after the offer, as far as we know.
    trickle: bool,
    busy: u32,
    due: Option<Instant>,
}

impl WhipSession {
    /// A session for one attempt. The key of `join` is the bearer token; its room is not used.
    #[must_use]
    pub fn new(join: Join) -> Self {
        Self {
            endpoint: join.url.clone(),
            join,
            state: State::Asking,
            redirects: 0,
            pending: None,
            offer: None,
            offered_at: None,
            session: None,
            etag: None,
            served: false,
            candidates: Vec::new(),
            given: 0,
            trickle: true,
            busy: 0,
            due: None,
        }
    }

    /// Begins.
    pub fn on_start(&mut self) -> Vec<Step> {
        vec![self.request(Method::Options, self.endpoint.clone(), None, String::new())]
    }

    /// The running request was answered.
    pub fn on_response(&mut self, now: Instant, response: &Response) -> Vec<Step> {
        match self.pending.take() {
            Some(Method::Options) => self.options(now, response),
            Some(Method::Post) => self.posted(now, response),
            Some(Method::Patch) => self.patched(now, response.status),
            Some(Method::Delete) => self.advance(now),
            None => Vec::new(),
        }
    }

    /// The running request got no answer. `retry` is whether another attempt may succeed.
    pub fn on_failure(&mut self, now: Instant, reason: String, retry: bool) -> Vec<Step> {
        match (self.pending.take(), &self.state) {
            (None, _) | (_, State::Over) => Vec::new(),
            (_, State::Leaving) => self.advance(now),
            (Some(Method::Options), _) => self.end(SignalingEvent::Unreachable { reason, retry }),
            (Some(Method::Post), _) => self.end(SignalingEvent::Lost { reason }),
            (Some(Method::Patch | Method::Delete), _) => {
                self.trickle = false;
                let mut steps = vec![Step::Skipped(ProtocolError::Unanswered(one_line(&reason)))];
                steps.extend(self.advance(now));
                steps
            }
        }
    }

    /// The call wants something.
    pub fn on_command(&mut self, now: Instant, command: Command) -> Vec<Step> {
        match (command, &self.state) {
            (_, State::Over | State::Leaving) => return Vec::new(),
            // Nothing has begun that would have to be ended.
            (Command::Leave, State::Asking) => return self.close(),
            (Command::Leave, _) => {
                self.state = State::Leaving;
                self.due = None;
            }
            // There is one offer: a server takes no other (RFC 9725 §4.4).
            (Command::Describe(Description { kind: DescriptionKind::Offer, sdp }), State::Offering)
                if self.offer.is_none() =>
            {
                self.offer = Some(sdp);
                self.offered_at = Some(now);
            }
            (Command::Candidate(candidate), state)
                if *state != State::Asking && self.candidates.len() < MAX_CANDIDATES =>
            {
                self.candidates.push(candidate);
            }
            _ => return Vec::new(),
        }
        self.advance(now)
    }

    /// When [`on_timeout`](Self::on_timeout) is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| self.pending.is_none())
    }

    /// The time of [`deadline`](Self::deadline) has come.
    pub fn on_timeout(&mut self, now: Instant) -> Vec<Step> {
        self.advance(now)
    }

    fn options(&mut self, now: Instant, response: &Response) -> Vec<Step> {
        if self.state != State::Asking {
            return self.advance(now);
        }
        match self.redirect(response) {
            Ok(Some(url)) => return vec![self.request(Method::Options, url, None, String::new())],
            Err(reason) => return self.end(SignalingEvent::Rejected(Reject::Refused(reason))),
            Ok(None) => {}
        }
        // Many servers do not answer this one at all; whether we may come in is for the POST to say.
        let success = (200..300).contains(&response.status);
        let (ice_servers, left_out) = if success { link::ice_servers(response) } else { Default::default() };
        let mut allowed = response.all("allow").chain(response.all("access-control-allow-methods")).peekable();
        if success && allowed.peek().is_some() {
            self.trickle = allowed.any(|methods| methods.contains("PATCH"));
        }
        self.state = State::Offering;
        self.served = !ice_servers.is_empty();
        self.redirects = 0;
        let mut steps = vec![Step::Event(SignalingEvent::Joined {
            role: Role { offers_first: true, polite: false },
            capabilities: PeerCapabilities {
                renegotiation: false,
                trickle: self.trickle,
                candidate_needs_mid: true,
                presence: false,
                server_ice: true,
                by_hand: false,
            },
            ice_servers,
        })];
        if left_out > 0 {
            steps.push(Step::Skipped(ProtocolError::IceServers(left_out)));
        }
        steps.extend(self.advance(now));
        steps
    }

    fn posted(&mut self, now: Instant, response: &Response) -> Vec<Step> {
        match self.redirect(response) {
            Ok(Some(_)) => return self.advance(now),
            Ok(None) => {}
            Err(reason) => return self.end(SignalingEvent::Rejected(Reject::Refused(reason))),
        }
        match response.status {
            200 | 201 => self.begun(now, response),
            _ if self.state == State::Leaving => self.advance(now),
            429 | 503 if self.busy < MAX_BUSY => {
                self.busy += 1;
                let asked = response.header("retry-after").and_then(|value| value.trim().parse().ok());
                let wait = asked.map_or(BUSY_WAIT, Duration::from_secs).clamp(BUSY_WAIT / 2, MAX_BUSY_WAIT);
                self.due = Some(now + wait);
                Vec::new()
            }
            status @ (429 | 500..) => self.end(SignalingEvent::Lost { reason: refusal::broken(status) }),
            status => {
                let away = self.endpoint.origin() != self.join.url.origin();
                let reason = refusal::refused(status, self.join.key.is_some() && !away, away);
                self.end(SignalingEvent::Rejected(Reject::Refused(reason)))
            }
        }
    }

    /// The server answered our offer.
    fn begun(&mut self, now: Instant, response: &Response) -> Vec<Step> {
        let location = response.header("location").and_then(|location| self.endpoint.join(location).ok());
        self.session = location.filter(|url| is_as_safe(url, &self.endpoint));
        self.etag = response.header("etag").map(str::to_owned);
        if self.state == State::Leaving {
            return self.advance(now);
        }
        if !response.body.starts_with("v=0") {
            return self.end(SignalingEvent::Rejected(Reject::Refused(refusal::NO_SDP.to_owned())));
        }
        let mut steps = Vec::new();
        if self.session.is_none() {
            steps.push(Step::Skipped(ProtocolError::NoSession));
        }
        if !self.served && !link::ice_servers(response).0.is_empty() {
            self.served = true;
            steps.push(Step::Skipped(ProtocolError::LateIceServers));
        }
        self.due = Some(now + FIRST_CANDIDATE);
        self.state = State::Holding(response.body.clone());
        steps.extend(self.advance(now));
        steps
    }

    fn patched(&mut self, now: Instant, status: u16) -> Vec<Step> {
        let taken = (200..300).contains(&status);
        match &self.state {
            State::Holding(_) if taken => self.tell(now),
            State::Holding(_) => {
                self.trickle = false;
                self.state = State::Again;
                self.due = self.offered_at.map(|at| at + GATHERING);
                self.advance(now)
            }
            State::Answered if !taken => {
                self.trickle = false;
                vec![Step::Skipped(ProtocolError::NoTrickle(status))]
            }
            _ => self.advance(now),
        }
    }

    /// Makes the next request, if there is one to make and none runs.
    fn advance(&mut self, now: Instant) -> Vec<Step> {
        if self.pending.is_some() {
            return Vec::new();
        }
        let waits = self.due.is_some_and(|due| due > now);
        match &self.state {
            State::Asking | State::Over => Vec::new(),
            State::Leaving | State::Again if self.session.is_some() => self.delete(),
            State::Leaving => self.close(),
            State::Again => {
                self.state = State::Offering;
                self.advance(now)
            }
            State::Offering if waits => Vec::new(),
            State::Offering => self.post(),
            State::Holding(_) if !self.trickle || self.session.is_none() => self.tell(now),
            State::Holding(_) if self.given < self.candidates.len() => self.patch(),
            State::Holding(_) if waits => Vec::new(),
            State::Holding(_) => self.tell(now),
            State::Answered if self.trickle && self.given < self.candidates.len() => self.patch(),
            State::Answered => Vec::new(),
        }
    }

    fn post(&mut self) -> Vec<Step> {
        self.due = None;
        let Some(offer) = &self.offer else { return Vec::new() };
        let body = fragment::with_candidates(offer, &self.candidates);
        self.given = self.candidates.len();
        vec![self.request(Method::Post, self.endpoint.clone(), Some(SDP), body)]
    }

    fn patch(&mut self) -> Vec<Step> {
        let (Some(session), Some(offer)) = (self.session.clone(), &self.offer) else { return Vec::new() };
        let body = fragment::fragment(offer, &self.candidates[self.given..]);
        self.given = self.candidates.len();
        vec![self.request(Method::Patch, session, Some(FRAGMENT), body)]
    }

    fn delete(&mut self) -> Vec<Step> {
        let Some(session) = self.session.take() else { return Vec::new() };
        vec![self.request(Method::Delete, session, None, String::new())]
    }

    /// Gives the call the answer that was held back.
    fn tell(&mut self, now: Instant) -> Vec<Step> {
        self.due = None;
        let State::Holding(answer) = std::mem::replace(&mut self.state, State::Answered) else { return Vec::new() };
        let mut steps = vec![Step::Event(SignalingEvent::Description(Description::answer(answer)))];
        steps.extend(self.advance(now));
        steps
    }

    /// Says the last word. A session that began all the same is ended.
    fn end(&mut self, last: SignalingEvent) -> Vec<Step> {
        if self.state == State::Leaving {
            return self.close();
        }
        let mut steps = vec![Step::Event(last)];
        self.state = State::Leaving;
        self.due = None;
        steps.extend(if self.session.is_some() { self.delete() } else { self.close() });
        steps
    }

    fn close(&mut self) -> Vec<Step> {
        self.state = State::Over;
        self.due = None;
        vec![Step::Close]
    }

    /// Where a redirect that keeps the method leads (RFC 9725 §4.5, RFC 9110 §15.4).
    fn redirect(&mut self, response: &Response) -> Result<Option<Url>, String> {
        if !matches!(response.status, 301 | 302 | 307 | 308) || self.state == State::Leaving {
            return Ok(None);
        }
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return Err(refusal::LOOP.to_owned());
        }
        let url = response.header("location").and_then(|location| self.endpoint.join(location).ok());
        let url = url.filter(|url| is_as_safe(url, &self.endpoint)).ok_or_else(|| refusal::ASTRAY.to_owned())?;
        self.endpoint = url.clone();
        Ok(Some(url))
    }

    fn request(&mut self, method: Method, url: Url, content: Option<&str>, body: String) -> Step {
        self.pending = Some(method);
        let mut headers = vec![("user-agent", self.join.agent.clone())];
        // The token is the server's alone: whom it sends us to does not learn it.
        if let Some(key) = self.join.key.as_ref().filter(|_| url.origin() == self.join.url.origin()) {
            headers.push(("authorization", format!("Bearer {}", key.expose())));
        }
        if let Some(content) = content {
            headers.push(("content-type", content.to_owned()));
        }
        if method == Method::Post {
            headers.push(("accept", SDP.to_owned()));
        }
        if let Some(etag) = self.etag.as_ref().filter(|_| method == Method::Patch) {
            headers.push(("if-match", etag.clone()));
        }
        Step::Send(Request { method, url, headers, body })
    }
}

/// Whether `url` can be asked, and is not plain where `from` was encrypted.
fn is_as_safe(url: &Url, from: &Url) -> bool {
    url.host().is_some() && (url.scheme() == "https" || url.scheme() == "http" && from.scheme() == "http")
}

#[cfg(test)]
mod tests;
