//! Replays recordings of a real Ayame server against the rooms: what a client said goes in, and what the server
//! answered must come out, byte for byte and for each connection in the recorded order.
//!
//! A line of a recording is `SECONDS WHO -> TEXT` (said by the client), `<-` (answered by the server), or a word for
//! what happened to the connection. An empty line after an answer stands for the newline that ended it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use signaling_server::Limits;
use signaling_server::rooms::{ConnectionId, Input, Output, RoomServer};

/// One line of a recording.
#[derive(Debug)]
enum Event<'a> {
    Connect,
    Says(&'a str),
    Hears(String),
    Leaves,
    Closed(u16),
}

/// `1.234 WHO EVENT` taken apart; `None` for remarks and for what does not concern the rooms.
fn parse<'a>(line: &'a str, next: Option<&str>) -> Option<(Duration, &'a str, Event<'a>)> {
    let (seconds, rest) = line.trim_start().split_once(' ')?;
    let at = Duration::from_secs_f64(seconds.parse().ok()?);
    let markers = [" CONNECT ", " -> ", " <- ", " CLOSED code=", " close()", " abort TCP", " ws-ping"];
    let (place, marker) = markers.iter().filter_map(|marker| Some((rest.find(marker)?, *marker))).min()?;
    let (who, tail) = (&rest[..place], &rest[place + marker.len()..]);
    let event = match marker {
        " CONNECT " => Event::Connect,
        // The size limit is the sockets' business.
        " -> " if !tail.starts_with('{') => return None,
        " -> " => Event::Says(tail),
        " <- " => Event::Hears(tail.to_owned() + if next == Some("") { "\n" } else { "" }),
        " CLOSED code=" => Event::Closed(tail.split_once(' ')?.0.parse().ok()?),
        _ if marker == " ws-ping" => return None,
        _ => Event::Leaves,
    };
    Some((at, who, event))
}

/// What one connection heard, and the code it was closed with.
type Heard<'a> = BTreeMap<&'a str, Vec<String>>;

fn collect<'a>(rooms: &mut RoomServer, names: &HashMap<ConnectionId, &'a str>, heard: &mut Heard<'a>) {
    while let Some(output) = rooms.poll() {
        let (to, what) = match output {
            Output::Send { to, text } => (to, text),
            Output::Close { to, code, .. } => (to, format!("closed with {code}")),
        };
        heard.entry(names[&to]).or_default().push(what);
    }
}

fn replay(recording: &str) {
    let lines: Vec<&str> = recording.lines().collect();
    let events: Vec<_> =
        lines.iter().enumerate().filter_map(|(at, line)| parse(line, lines.get(at + 1).copied())).collect();
    let start = Instant::now();
    let mut rooms = RoomServer::new(Limits::default(), None, Vec::new());
    let mut ids: HashMap<&str, ConnectionId> = HashMap::new();
    let mut names: HashMap<ConnectionId, &str> = HashMap::new();
    let (mut heard, mut recorded) = (Heard::new(), Heard::new());
    for (index, (at, who, event)) in events.iter().enumerate() {
        let now = start + *at;
        while let Some(deadline) = rooms.deadline().filter(|deadline| *deadline <= now) {
            rooms.handle_timeout(deadline);
            collect(&mut rooms, &names, &mut heard);
        }
        match event {
            Event::Connect => {
                let id = ConnectionId(index as u64);
                ids.insert(who, id);
                names.insert(id, who);
                let accept = events[index..].iter().find_map(|(_, other, event)| match event {
                    Event::Hears(text) if other == who => text.split('"').nth(7),
                    _ => None,
                });
                let label = accept.unwrap_or_default().to_owned();
                rooms.handle(now, id, Input::Opened { address: IpAddr::V4(Ipv4Addr::LOCALHOST), label });
            }
            Event::Says(text) => rooms.handle(now, ids[who], Input::Text((*text).to_owned())),
            Event::Leaves => rooms.handle(now, ids[who], Input::Closed),
            Event::Hears(text) => recorded.entry(who).or_default().push(text.clone()),
            Event::Closed(code) => {
                let said_first =
                    events[..index].iter().any(|(_, other, event)| other == who && matches!(event, Event::Leaves));
                // 1009 is the sockets' business too.
                if !said_first && *code != 1009 {
                    recorded.entry(who).or_default().push(format!("closed with {code}"));
                }
                rooms.handle(now, ids[who], Input::Closed);
            }
        }
        collect(&mut rooms, &names, &mut heard);
    }
    assert!(!recorded.is_empty());
    assert_eq!(heard, recorded);
}

#[test]
fn a_call_its_third_wheel_and_its_odd_clients_are_treated_as_recorded() {
    replay(include_str!("../../testdata/ayame.txt"));
}

#[test]
fn unknown_members_survive_as_recorded() {
    replay(include_str!("../../testdata/ayame_extension_fields.txt"));
}

#[test]
fn a_silent_peer_is_closed_after_a_minute_as_recorded() {
    // The recorded client closed 3 ms after the minute that this server keeps to the microsecond.
    replay(include_str!("../../testdata/ayame_pong_timeout.txt"));
}
