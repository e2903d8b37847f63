//! ICE candidates and servers in the JSON that browsers give to their signaling, whatever carries it.
//! Read leniently, as pages and servers differ in what they leave out; written in full.

use call_core::{Candidate, IceServer, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Servers kept from one list: the peer connection asks each of them for candidates, so a hostile list costs sockets.
const MAX_ICE_SERVERS: usize = 16;
/// URLs kept from one ICE server, for the same reason.
const MAX_URLS: usize = 8;
/// The longest host name with scheme, port and query around it; a longer URL is no URL.
const MAX_URL_BYTES: usize = 512;

/// A candidate as we send it (W3C `RTCIceCandidateInit`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandidateJson<'a> {
    candidate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp_mid: Option<&'a str>,
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    sdp_m_line_index: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_fragment: Option<&'a str>,
}

impl<'a> From<&'a Candidate> for CandidateJson<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        Self {
            candidate: &candidate.candidate,
            sdp_mid: candidate.sdp_mid.as_deref(),
            sdp_m_line_index: candidate.sdp_m_line_index,
            username_fragment: candidate.username_fragment.as_deref(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CandidateIn {
    // A browser ends its candidates with an empty text or null.
    #[serde(default)]
    candidate: Option<String>,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    username_fragment: Option<String>,
}

/// A candidate of the peer; `null` is the end of its candidates. `None` for anything else.
pub(crate) fn read_candidate(value: Value) -> Option<Candidate> {
    let read = match value {
        Value::Null => CandidateIn::default(),
        object @ Value::Object(_) => serde_json::from_value(object).ok()?,
        _ => return None,
    };
    let candidate = read.candidate.unwrap_or_default();
    Some(Candidate {
        // Some senders pass the whole SDP line on.
        candidate: candidate.strip_prefix("a=").map_or_else(|| candidate.clone(), str::to_owned),
        sdp_mid: read.sdp_mid,
        sdp_m_line_index: read.sdp_m_line_index,
        username_fragment: read.username_fragment,
    })
}

#[derive(Deserialize)]
struct ServerIn {
    urls: OneOrMany,
    username: Option<String>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The servers in a list (W3C `RTCIceServer`) that can be used, and how many entries were left out.
pub(crate) fn read_servers(value: Value) -> (Vec<IceServer>, usize) {
    let listed = match value {
        Value::Null => Vec::new(),
        Value::Array(entries) => entries,
        // Not a list at all: one entry that cannot be used.
        other => vec![other],
    };
    let total = listed.len();
    let servers: Vec<IceServer> = listed.into_iter().filter_map(read_server).take(MAX_ICE_SERVERS).collect();
    let left_out = total - servers.len();
    (servers, left_out)
}

fn read_server(entry: Value) -> Option<IceServer> {
    let entry: ServerIn = serde_json::from_value(entry).ok()?;
    let mut urls = match entry.urls {
        OneOrMany::One(url) => vec![url],
        OneOrMany::Many(urls) => urls,
    };
    urls.retain(|url| url.len() <= MAX_URL_BYTES);
    urls.truncate(MAX_URLS);
    (!urls.is_empty()).then(|| IceServer {
        urls,
        username: entry.username,
        credential: entry.credential.map(Secret::new),
    })
}
