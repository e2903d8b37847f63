//! A mapping file, read and checked: what it says in our own words, or one sentence about what is wrong with it.
//! `mapping.md` beside this file tells people what to write.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use thiserror::Error;
use toml::{Table, Value};
use url::Url;

use super::hole::{Hole, Values};
use super::line::Line;
use super::meaning::Meaning;
use super::section::{MAX_SHAPES, Section};
use super::shape::Shape;

/// A mapping takes a page; more is another file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why a file is not a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MappingError {
    /// There is no such file, or it may not be read.
    #[error("the mapping file {file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        reason: String,
    },
    /// Far longer than any mapping.
    #[error("{file} is no mapping file: it is longer than 64 KiB")]
    TooLong {
        /// The file.
        file: String,
    },
    /// Not TOML.
    #[error("{file}, line {line}: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A key has the wrong value, or is missing or unknown.
    #[error("{file}: `{key}` {problem}")]
    Key {
        /// The file.
        file: String,
        /// The key with the tables around it, like `send.offer`.
        key: String,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
}

/// Who makes the first offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offers {
    /// Who finds somebody in the room.
    Newcomer,
    /// Who is there when somebody comes.
    Member,
    /// This client, always.
    We,
    /// The other one, always.
    Peer,
}

/// What is sent for what.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) open: Vec<Shape>,
    pub(super) offer: Shape,
    pub(super) answer: Shape,
    pub(super) candidate: Option<Shape>,
    pub(super) end_of_candidates: Option<Shape>,
    pub(super) leave: Option<Shape>,
    pub(super) keep_alive: Option<(Duration, Shape)>,
}

/// A signaling protocol as a file describes it.
#[derive(Clone)]
pub struct Mapping {
    file: String,
    url: Line,
    pub(super) offers: Offers,
    pub(super) me: Option<Line>,
    pub(super) peer: Option<Line>,
    pub(super) renegotiation: bool,
    pub(super) send: Sent,
    pub(super) receive: Vec<(Meaning, Shape)>,
    pub(super) replies: Vec<(Shape, Vec<Shape>)>,
}

/// The file may hold a password, so only its name is shown.
impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapping({})", self.file)
    }
}

/// Of the same file.
impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl Eq for Mapping {}

impl Mapping {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A [`MappingError`] that names the file, the key and what is expected there.
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let file = path.display().to_string();
        let unreadable =
            |error: std::io::Error| MappingError::Unreadable { file: file.clone(), reason: error.to_string() };
        let mut text = String::new();
        let source = std::fs::File::open(path).map_err(unreadable)?;
        source.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&file, &text)
    }

    /// Reads the text of a mapping; `file` is its name in errors.
    ///
    /// # Errors
    /// A [`MappingError`] that names the file, the key and what is expected there.
    pub fn parse(file: &str, text: &str) -> Result<Self, MappingError> {
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(MappingError::TooLong { file: file.to_owned() });
        }
        let table: Table = toml::from_str(text).map_err(|error| MappingError::Syntax {
            file: file.to_owned(),
            line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
            reason: crate::text::one_line(error.message()),
        })?;
        Section { file, path: String::new(), table }.mapping()
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the server is; what an attempt to join adds to the address is left out.
    #[must_use]
    pub fn host(&self) -> Url {
        let known = [Hole::Me, Hole::Room, Hole::Agent, Hole::Key, Hole::Peer];
        let mut url = self.address(&known.into_iter().map(|hole| (hole, Json::from("x"))).collect());
        url.set_path("");
        url.set_query(None);
        url
    }

    /// The address of the server for one attempt to join.
    pub(super) fn address(&self, values: &Values) -> Url {
        let text = self.url.fill(values, |_, value| percent_encoded(value)).expect("an address has only known values");
        Url::parse(&text).expect("read before, and what is encoded changes no part of a URL")
    }

    /// Whether what `meaning` says can come at all.
    pub(super) fn hears_of(&self, meaning: Meaning) -> bool {
        self.receive.iter().any(|(known, _)| *known == meaning)
    }

    /// Whether a message can carry this value.
    pub(super) fn hears(&self, hole: Hole) -> bool {
        self.receive.iter().any(|(_, shape)| shape.holes().contains(&hole))
    }
}

impl Section<'_> {
    fn mapping(mut self) -> Result<Mapping, MappingError> {
        use Hole::{Agent, Candidate, Index, Key, Me, Mid, Peer, Room, Sdp, Ufrag};
        let url = self.url()?;
        let offers = self.offers()?;
        let me = self.optional_line("me", &[Room])?;
        let peer = self.optional_line("peer", &[Room])?;
        let renegotiation = self.truth("renegotiation")?;
        let every = self.seconds("keep_alive_seconds")?;
        let mut both = self.section("both")?;
        let mut sends = self.section("send")?;
        let mut hears = self.section("receive")?;

        let to_peer = [Me, Room, Key, Peer];
        let described = [Me, Room, Key, Peer, Sdp];
        let found = [Me, Room, Key, Peer, Candidate, Mid, Index, Ufrag];
        let open = sends.shapes("open", &[Me, Room, Key, Agent], None)?;
        let keep_alive = sends.shape("keep_alive", &to_peer, None)?;
        let keep_alive = match (every, keep_alive) {
            (Some(every), Some(shape)) => Some((every, shape)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(sends.problem("keep_alive", "is missing: expected what to send every `keep_alive_seconds`"));
            }
            (None, Some(_)) => {
                return Err(
                    self.problem("keep_alive_seconds", "is missing: expected how often to send `send.keep_alive`")
                );
            }
        };
        let end_of_candidates = sends.shape("end_of_candidates", &to_peer, None)?;
        let leave = sends.shape("leave", &to_peer, None)?;
        let mut sent = |key, holes: &[Hole], needed| match sends.shape(key, holes, Some(needed))? {
            Some(shape) => Ok(Some(shape)),
            None => both.peek(key).shape(key, holes, Some(needed)),
        };
        let offer = sent("offer", &described, Sdp)?;
        let answer = sent("answer", &described, Sdp)?;
        let candidate = sent("candidate", &found, Candidate)?;
        let missing =
            |key| self.problem(key, "is missing: expected a text or a table that holds `{sdp}`, here or in `[both]`");
        let send = Sent {
            open,
            offer: offer.ok_or_else(|| missing("send.offer"))?,
            answer: answer.ok_or_else(|| missing("send.answer"))?,
            candidate,
            end_of_candidates,
            leave,
            keep_alive,
        };

        let mut receive = Vec::new();
        for meaning in Meaning::ALL {
            let (holes, needed) = meaning.holes();
            let mut shapes = hears.shapes(meaning.key(), holes, needed)?;
            if shapes.is_empty() && matches!(meaning, Meaning::Offer | Meaning::Answer | Meaning::Candidate) {
                shapes = both.shapes(meaning.key(), holes, needed)?;
            }
            both.table.remove(meaning.key());
            receive.extend(shapes.into_iter().map(|shape| (meaning, shape)));
        }
        for meaning in [Meaning::Offer, Meaning::Answer] {
            if !receive.iter().any(|(known, _)| *known == meaning) {
                return Err(missing(&format!("receive.{}", meaning.key())));
            }
        }
        let replies = self.replies()?;
        let file = self.file.to_owned();
        let mapping = Mapping { file, url, offers, me, peer, renegotiation, send, receive, replies };
        self.check(&mapping)?;
        for section in [both, sends, hears, self] {
            section.finish()?;
        }
        Ok(mapping)
    }

    /// What one key says about another.
    fn check(&self, mapping: &Mapping) -> Result<(), MappingError> {
        let tells = mapping.hears(Hole::Others) || mapping.hears(Hole::Someone) || mapping.hears_of(Meaning::Alone);
        if mapping.offers == Offers::Newcomer && !tells {
            let problem = "does not tell whether somebody is in the room, which `offers = \"newcomer\"` needs: \
                           expected `{others}` or `{someone}` in it, or `receive.alone` beside it";
            return Err(self.problem("receive.joined", problem));
        }
        if mapping.offers == Offers::Member && !mapping.hears_of(Meaning::PeerJoined) {
            return Err(self.problem("receive.peer_joined", "is missing: `offers = \"member\"` needs it"));
        }
        let named = mapping.peer.is_some() || mapping.hears(Hole::Peer) || mapping.hears(Hole::Others);
        let asked = [&mapping.send.offer, &mapping.send.answer].iter().any(|shape| shape.holes().contains(&Hole::Peer));
        if asked && !named {
            let problem = "needs `{peer}`, but nothing tells who that is: expected `{peer}` in what is received, or the key `peer`";
            return Err(self.problem("send.offer", problem));
        }
        Ok(())
    }

    fn url(&mut self) -> Result<Line, MappingError> {
        let expected = "expected a text like wss://host/path, with nothing in braces before the path";
        let Some(Value::String(text)) = self.table.remove("url") else {
            return Err(self.problem("url", &format!("is missing or no text: {expected}")));
        };
        let line = self.line("url", &text, &[Hole::Me, Hole::Room, Hole::Key])?;
        let host_ends = text.find("://").and_then(|at| text[at + 3..].find(['/', '?']).map(|end| at + 3 + end));
        if text.find('{').is_some_and(|hole| host_ends.is_none_or(|end| hole < end)) {
            return Err(self.problem("url", expected));
        }
        let example = |value| {
            let values = line.holes().into_iter().map(|hole| (hole, Json::from(value))).collect();
            line.fill(&values, |_, value| value.to_owned()).ok().and_then(|text| Url::parse(&text).ok())
        };
        let fits = example("x").is_some_and(|url| {
            matches!(url.scheme(), "ws" | "wss")
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && url.port() != Some(0)
                // More than two slashes before a value would make it the host.
                && example("y").is_some_and(|other| other.host() == url.host())
        });
        if fits { Ok(line) } else { Err(self.problem("url", expected)) }
    }

    fn offers(&mut self) -> Result<Offers, MappingError> {
        match self.table.remove("offers").as_ref().and_then(Value::as_str) {
            Some("newcomer") => Ok(Offers::Newcomer),
            Some("member") => Ok(Offers::Member),
            Some("we") => Ok(Offers::We),
            Some("peer") => Ok(Offers::Peer),
            _ => {
                Err(self
                    .problem("offers", "is missing or wrong: expected \"newcomer\", \"member\", \"we\" or \"peer\""))
            }
        }
    }

    fn replies(&mut self) -> Result<Vec<(Shape, Vec<Shape>)>, MappingError> {
        let tables = match self.table.remove("reply") {
            None => return Ok(Vec::new()),
            Some(Value::Array(tables)) if tables.len() <= MAX_SHAPES => tables,
            Some(_) => {
                return Err(
                    self.problem("reply", &format!("is wrong: expected at most {MAX_SHAPES} tables, [[reply]]"))
                );
            }
        };
        let mut replies = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let path = format!("reply[{index}].");
            let Value::Table(table) = table else {
                return Err(self.problem("reply", "is wrong: expected tables, [[reply]]"));
            };
            let mut section = Section { file: self.file, path, table };
            let to = section.shape("to", &[Hole::Me, Hole::Room, Hole::Peer, Hole::Reason], None)?;
            let send = section.shapes("send", &[Hole::Me, Hole::Room, Hole::Key, Hole::Agent, Hole::Peer], None)?;
            let to = to.ok_or_else(|| section.problem("to", "is missing: expected the message to reply to"))?;
            if send.is_empty() {
                return Err(section.problem("send", "is missing: expected what to reply"));
            }
            section.finish()?;
            replies.push((to, send));
        }
        Ok(replies)
    }
}

/// A value as one part of a path or a query: everything but letters, digits and `-._~` is encoded (RFC 3986 §2.3).
fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests;
