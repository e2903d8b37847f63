//! Fresh credentials for the TURN server: who gets them and when, in virtual time.

use std::time::Duration;

use call_core::{IceServer, Secret};
use serde_json::Value;
use signaling_server::rooms::{ConnectionId, RoomServer};
use signaling_server::{Limits, Turn};

use crate::limits::{Bench, STRANGER, seconds};

/// It hardly asks for signs of life, which would only be in the way here.
fn bench(turn: Option<Turn>) -> Bench {
    let hour = seconds(3_600);
    let limits = Limits { ping_interval: 24 * hour, pong_timeout: 48 * hour, ..Limits::default() };
    let stun = IceServer { urls: vec!["stun:192.0.2.1".into()], username: None, credential: None };
    let mut bench = Bench::new(limits.clone(), None);
    bench.rooms = RoomServer::new(limits, None, vec![stun]).with_turn(turn);
    bench
}

fn turn(lifetime: Duration) -> Option<Turn> {
    Some(Turn { urls: vec!["turn:192.0.2.1".into()], secret: Secret::new("north"), lifetime })
}

/// Joins, and gives the ICE servers of `accept`.
fn join(bench: &mut Bench, member: &str) -> (ConnectionId, Value) {
    let id = bench.open_from(STRANGER);
    let heard = bench.say(id, format!(r#"{{"type":"register","roomId":"r"{member}}}"#));
    (id, message(&heard[0])["iceServers"].clone())
}

/// What a line of the bench holds after the number of the connection.
fn message(line: &str) -> Value {
    let (_, text) = line.split_once(' ').expect("a number and a text");
    serde_json::from_str(text).expect("JSON")
}

const RENEWS: &str = r#","renewIceServers":true"#;

#[test]
fn who_takes_fresh_credentials_gets_them_at_half_of_each_lifetime() {
    let mut bench = bench(turn(seconds(600)));
    bench.rooms.tell_time(seconds(1_700_000_000));
    let (id, given) = join(&mut bench, RENEWS);
    assert_eq!(given[1]["username"], "1700000600:label-1");
    for renewal in 1..=3 {
        assert_eq!(bench.pass(seconds(299)), Vec::<String>::new());
        bench.rooms.tell_time(seconds(1_700_000_000 + 300 * renewal));
        let heard = bench.pass(seconds(1));
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].starts_with(&format!("{} ", id.0)), "{heard:?}");
        let fresh = message(&heard[0]);
        assert_eq!(fresh["type"], "iceServers");
        // The same servers in the same order; only the credentials are others.
        let fresh = &fresh["iceServers"];
        assert_eq!(fresh[0], given[0]);
        assert_eq!(fresh[1]["urls"], given[1]["urls"]);
        assert_eq!(fresh[1]["username"], format!("{}:label-1", 1_700_000_600 + 300 * renewal));
        assert_ne!(fresh[1]["credential"], given[1]["credential"]);
    }
}

#[test]
fn nobody_else_hears_of_it() {
    let day = seconds(24 * 3_600 - 1);
    // Who does not ask for it, beside one who does.
    let mut one_of_two = bench(turn(seconds(2 * 24 * 3_600 - 2)));
    let (foreign, _) = join(&mut one_of_two, "");
    let (ours, _) = join(&mut one_of_two, RENEWS);
    let heard = one_of_two.pass(day);
    assert!(heard.len() == 1 && heard[0].starts_with(&format!("{} ", ours.0)), "{heard:?}");
    assert!(one_of_two.say(foreign, r#"{"type":"offer"}"#).len() == 1, "it is in the room as before");
    // Where nothing expires.
    for turn in [None, turn(Duration::MAX)] {
        let mut bench = bench(turn);
        join(&mut bench, RENEWS);
        assert_eq!(bench.pass(day), Vec::<String>::new());
    }
    // Who has left, or was not let in.
    let mut full = bench(turn(seconds(60)));
    let (first, _) = join(&mut full, RENEWS);
    join(&mut full, RENEWS);
    join(&mut full, RENEWS);
    full.say(first, r#"{"type":"x-leave"}"#);
    assert_eq!(full.pass(day), Vec::<String>::new());
}

#[test]
fn the_shortest_lifetime_does_not_flood_anyone() {
    let mut bench = bench(turn(Duration::ZERO));
    join(&mut bench, RENEWS);
    assert_eq!(bench.pass(seconds(10)).len(), 10);
}
