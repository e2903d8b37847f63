//! Finds out whether a server can be reached and what it speaks, in at most five short connections one after the other.
//! It enters no room that somebody may be in: the only one that it names is random.

mod ask;
mod evidence;

use std::time::Duration;

use call_core::RoomId;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::{SignalingConfig, random};
use crate::connect_error::{ConnectError, Stage};
use crate::line::{self, Line, Target};
use crate::server_url::{Protocol, ServerUrl, UrlError, parse_server_url};
use crate::text::one_line;
use evidence::{Answer, Question};

pub use evidence::Spoken;

/// After that time no further question is begun; the last one takes five seconds at most.
const MOST_TIME: Duration = Duration::from_secs(15);
/// For a further connection to a server that was reached before.
const AGAIN: Duration = Duration::from_secs(3);

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeStep {
    /// What, in one or a few words.
    pub name: &'static str,
    /// What came of it, as one line: good news or not.
    pub outcome: Result<String, String>,
    /// How long it took.
    pub took: Duration,
}

/// The end of a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeReport {
    /// Whether the server was reached, through TLS where its URL wants it.
    pub reached: bool,
    /// What it speaks.
    pub spoken: Spoken,
    /// What to give as the server of a call; none where that is not sure.
    pub server: Option<String>,
}

/// Reads the URL of a server that is to be probed: as [`parse_server_url`] does, but a protocol before it means nothing, and
/// `http` and `https` are as good as `ws` and `wss`.
///
/// # Errors
/// A [`UrlError`] that says what to write instead.
pub fn parse_probe_url(text: &str) -> Result<ServerUrl, UrlError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    let scheme = scheme.rsplit_once('+').map_or(scheme, |(_, scheme)| scheme).to_ascii_lowercase();
    let scheme = match scheme.as_str() {
        "http" => "ws",
        "https" => "wss",
        other => other,
    };
    // Read as that of a protocol that adds no path of its own.
    parse_server_url(&format!("{}+{scheme}://{rest}", Protocol::Gst.prefix()))
}

/// Probes the server of `server`, which tells each step to `tell` once it is done. Room, client and protocol are the probe's own;
/// key, trust, proxies and headers are those of `config`.
pub async fn probe(config: &SignalingConfig, mut tell: impl FnMut(&ProbeStep)) -> ProbeReport {
    let config = SignalingConfig { room: own_room(), client_id: "ringback-probe".to_owned(), ..config.clone() };
    let started = Instant::now();
    let mut line = match reach(&config, &mut tell).await {
        Ok(line) => Some(line),
        Err(()) => return ProbeReport { reached: false, spoken: Spoken::Unknown, server: None },
    };
    for question in Question::ALL {
        if started.elapsed() >= MOST_TIME {
            break;
        }
        let start = Instant::now();
        let url = question.url(&config);
        let answer = ask(question, &config, &url, line.take()).await;
        let spoken = evidence::spoken(question, &answer, config.server.url.path());
        let outcome = match spoken {
            Spoken::Unknown => Err(shown(&answer)),
            spoken => Ok(name(spoken).to_owned()),
        };
        tell(&ProbeStep { name: question.name(), outcome, took: start.elapsed() });
        if spoken != Spoken::Unknown {
            return ProbeReport { reached: true, spoken, server: server(spoken, question, &config) };
        }
    }
    ProbeReport { reached: true, spoken: Spoken::Unknown, server: None }
}

fn own_room() -> RoomId {
    RoomId::new(format!("ringback-probe-{:016x}{:016x}", random(), random())).expect("short and printable")
}

/// Opens a first line, and tells of each step on the way.
async fn reach(config: &SignalingConfig, tell: &mut impl FnMut(&ProbeStep)) -> Result<Box<dyn Line>, ()> {
    let start = Instant::now();
    let target = match Target::of(&config.server.url) {
        Ok(target) => target,
        Err(error) => {
            tell(&ProbeStep { name: "url", outcome: Err(error.to_string()), took: start.elapsed() });
            return Err(());
        }
    };
    let clock = Clock::start(target.to_string(), config.timeouts.connect);
    let opened = line::open(&config.server.url, &config.tls, &config.proxies, &clock).await;
    let mut steps = clock.steps();
    let failed = opened.as_ref().err().map(|error| (steps.pop(), error.to_string()));
    for (stage, took) in steps {
        tell(&ProbeStep { name: stage_name(stage), outcome: Ok(success(stage, config)), took });
    }
    if let Some((step, error)) = failed {
        // Without a step it failed before anything was sent, over a file of certificates.
        let (stage, took) = step.unwrap_or((Stage::Tls, start.elapsed()));
        tell(&ProbeStep { name: stage_name(stage), outcome: Err(error), took });
    }
    opened.map_err(drop)
}

/// Puts `question` over `line`, or over a new one.
async fn ask(question: Question, config: &SignalingConfig, url: &url::Url, line: Option<Box<dyn Line>>) -> Answer {
    let place = match Target::of(url) {
        Ok(target) => target.to_string(),
        Err(error) => return Answer::Nothing(error.to_string()),
    };
    let line: Result<_, ConnectError> = match line {
        Some(line) => Ok(line),
        None => {
            let clock = Clock::start(place.clone(), AGAIN.min(config.timeouts.connect));
            line::open(url, &config.tls, &config.proxies, &clock).await
        }
    };
    match line {
        Ok(line) => question.put(config, url, &place, line).await,
        Err(error) => Answer::Nothing(error.to_string()),
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Resolve => "name",
        Stage::Tcp => "tcp",
        Stage::Proxy => "proxy",
        Stage::Tunnel => "tunnel",
        Stage::Tls => "tls",
        Stage::WebSocket => "websocket",
    }
}

fn success(stage: Stage, config: &SignalingConfig) -> String {
    match stage {
        Stage::Resolve => "found",
        Stage::Tcp | Stage::Proxy => "connected",
        Stage::Tunnel => "the proxy passes us on",
        Stage::Tls if config.tls.pin_sha256.is_some() => "the pinned certificate",
        Stage::Tls if config.tls.insecure => "encrypted, with a certificate that was NOT checked",
        Stage::Tls => "a certificate that this machine trusts",
        Stage::WebSocket => "open",
    }
    .to_owned()
}

/// An answer that shows no protocol, as one line.
fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Text(_) => "no: a WebSocket that says something else".to_owned(),
        Answer::Silence => "no: a WebSocket that says nothing".to_owned(),
        Answer::Http(answer) => format!("no: HTTP {}", answer.status),
        Answer::Nothing(reason) => format!("no: {}", one_line(reason)),
    }
}

fn name(spoken: Spoken) -> &'static str {
    match spoken {
        Spoken::Signaling(Protocol::MiroTalk) => "Socket.IO, as MiroTalk P2P speaks it",
        Spoken::Signaling(protocol) => protocol.name(),
        Spoken::Whip => "WHIP",
        Spoken::Whep => "WHEP",
        Spoken::WhipOrWhep => "WHIP or WHEP",
        Spoken::Unknown => "unknown",
    }
}

/// The value for `--server`, with the path at which the server answered.
fn server(spoken: Spoken, question: Question, config: &SignalingConfig) -> Option<String> {
    let url = match question {
        Question::Register => question.url(config),
        _ => config.server.url.clone(),
    };
    // A URL of WebSockets says `ws` where one of HTTP says `http`.
    let over_http = |prefix: &str| format!("{prefix}+{}", url.as_str().replacen("ws", "http", 1));
    match spoken {
        Spoken::Signaling(protocol) => Some(ServerUrl { protocol, url, mapping: None }.to_string()),
        Spoken::Whip => Some(over_http("whip")),
        Spoken::Whep => Some(over_http("whep")),
        Spoken::WhipOrWhep | Spoken::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_any_protocol_and_as_those_of_pages_too() {
        for (given, read) in [
            ("wss://host", "wss://host/"),
            ("https://host/app", "wss://host/app"),
            ("HTTP://host:3000/", "ws://host:3000/"),
            ("peerjs+wss://host", "wss://host/"),
            ("whip+https://host/whip", "wss://host/whip"),
        ] {
            assert_eq!(parse_probe_url(given).expect(given).url.as_str(), read, "{given}");
        }
        for given in ["host", "ftp://host", "custom:file.toml", "wss://me:secret@host"] {
            assert!(parse_probe_url(given).is_err(), "{given}");
        }
    }

    #[test]
    fn questions_go_where_our_clients_would_go_and_name_only_a_room_of_their_own() {
        let config = |url: &str| {
            SignalingConfig::new(parse_probe_url(url).expect(url), RoomId::new("own").expect("a name"), "probe")
        };
        let urls = |url: &str| Question::ALL.map(|question| question.url(&config(url)).to_string());
        let query = "EIO=4&transport=websocket";
        assert_eq!(
            urls("wss://host"),
            [
                "wss://host/own",
                "wss://host/peerjs/id",
                &format!("wss://host/socket.io/?{query}"),
                "wss://host/signaling",
                "wss://host/"
            ]
        );
        assert_eq!(
            urls("ws://host/app"),
            [
                "ws://host/app/own",
                "ws://host/app/peerjs/id",
                &format!("ws://host/app/socket.io/?{query}"),
                "ws://host/app",
                "ws://host/app"
            ]
        );
        assert_ne!(own_room(), own_room());
    }
}
