//! HTTP requests and responses as plain data: what the state machine asks for and what it is told.
//! Their `Debug` forms show no header and no body: tokens, credentials and descriptions are in them.

use std::fmt;

use call_core::SignalingEvent;
use url::Url;

use crate::codec::ProtocolError;

/// The methods of WHIP and WHEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks what the server can do.
    Options,
    /// Begins a session.
    Post,
    /// Adds candidates to a session.
    Patch,
    /// Ends a session.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// What to do there.
    pub method: Method,
    /// Where: `http` or `https`.
    pub url: Url,
    /// Header fields, their values without control characters.
    pub headers: Vec<(&'static str, String)>,
    /// The content; empty for none.
    pub body: String,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.method.name(), self.body.len())
    }
}

/// One response.
#[derive(Clone, Default, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields in their order, names in any case.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: String,
}

impl Response {
    /// The values of a header field, which may come more than once.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a header field.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.body.len())
    }
}

/// What the state machine wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Make this request. No other comes before it is answered or has failed.
    Send(Request),
    /// Tell the call.
    Event(SignalingEvent),
    /// Something was left out; the rest goes on.
    Skipped(ProtocolError),
    /// It is over: nothing follows.
    Close,
}
