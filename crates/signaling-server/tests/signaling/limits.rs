//! The limits of the rooms, in virtual time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use call_core::Secret;
use signaling_server::Limits;
use signaling_server::rooms::{ConnectionId, Input, Output, RoomServer};

/// Rooms with a clock of their own.
pub(crate) struct Bench {
    pub(crate) rooms: RoomServer,
    now: Instant,
    last: u64,
}

pub(crate) const STRANGER: [u8; 4] = [192, 0, 2, 1];

impl Bench {
    pub(crate) fn new(limits: Limits, key: Option<&str>) -> Self {
        let key = key.map(Secret::new);
        Self { rooms: RoomServer::new(limits, key.as_ref(), Vec::new()), now: Instant::now(), last: 0 }
    }

    pub(crate) fn open_from(&mut self, address: impl Into<IpAddr>) -> ConnectionId {
        self.last += 1;
        let id = ConnectionId(self.last);
        let label = format!("label-{}", self.last);
        self.rooms.handle(self.now, id, Input::Opened { address: address.into(), label });
        id
    }

    pub(crate) fn say(&mut self, id: ConnectionId, text: impl Into<String>) -> Vec<String> {
        self.rooms.handle(self.now, id, Input::Text(text.into()));
        self.outputs()
    }

    fn join(&mut self, address: impl Into<IpAddr>, room: &str) -> (ConnectionId, Vec<String>) {
        let id = self.open_from(address);
        let heard = self.say(id, format!(r#"{{"type":"register","roomId":"{room}"}}"#));
        (id, heard)
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        while let Some(deadline) = self.rooms.deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline;
            self.rooms.handle_timeout(deadline);
        }
        self.now = end;
        self.outputs()
    }

    /// What was sent, as `ID text` or `ID close CODE reason`.
    fn outputs(&mut self) -> Vec<String> {
        let mut outputs = Vec::new();
        while let Some(output) = self.rooms.poll() {
            outputs.push(match output {
                Output::Send { to, text } => format!("{} {}", to.0, text.trim_end()),
                Output::Close { to, code, reason } => format!("{} close {code} {reason}", to.0).trim_end().to_owned(),
            });
        }
        outputs
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn accepted(heard: &[String]) -> bool {
    heard.len() == 1 && heard[0].contains(r#""type":"accept""#)
}

fn rejected(heard: &[String], reason: &str) -> bool {
    heard.len() == 2
        && heard[0].ends_with(&format!(r#"{{"type":"reject","reason":"{reason}"}}"#))
        && heard[1].ends_with("close 1000")
}

#[test]
fn who_does_not_register_in_ten_seconds_is_closed() {
    let mut bench = Bench::new(Limits::default(), None);
    bench.open_from(STRANGER);
    assert_eq!(bench.pass(seconds(9)), Vec::<String>::new());
    assert_eq!(bench.pass(seconds(1)), ["1 close 1008 no register message in time"]);
    assert_eq!(bench.rooms.deadline(), None);
}

#[test]
fn a_pong_counts_as_a_sign_of_life_for_a_minute() {
    let mut bench = Bench::new(Limits::default(), None);
    let (id, _) = bench.join(STRANGER, "kitchen");
    for _ in 0..30 {
        assert_eq!(bench.pass(seconds(5)), [r#"1 {"type":"ping"}"#]);
        assert!(bench.say(id, r#"{"type":"pong"}"#).is_empty());
    }
    let heard = bench.pass(seconds(60));
    assert_eq!(heard.iter().filter(|text| text.ends_with(r#"{"type":"ping"}"#)).count(), 11);
    assert_eq!(heard.last().map(String::as_str), Some("1 close 1000"));
    assert_eq!(bench.rooms.room_count(), 0);
}

#[test]
fn a_burst_of_candidates_passes_and_a_flood_does_not() {
    let mut bench = Bench::new(Limits::default(), None);
    let (first, _) = bench.join(STRANGER, "kitchen");
    let (_, _) = bench.join([192, 0, 2, 2], "kitchen");
    // `register` was one of the 200.
    for _ in 0..199 {
        assert_eq!(bench.say(first, r#"{"type":"candidate"}"#), [r#"2 {"type":"candidate"}"#]);
    }
    let heard = bench.say(first, r#"{"type":"candidate"}"#);
    assert_eq!(heard, ["1 close 1008 too many messages", r#"2 {"type":"bye"}"#, "2 close 1000"]);
    assert!(bench.say(first, r#"{"type":"candidate"}"#).is_empty(), "a closing connection is not heard any more");
}

#[test]
fn pings_of_the_websocket_count_against_the_rate_too() {
    let mut bench = Bench::new(Limits::default(), None);
    let id = bench.open_from(STRANGER);
    for _ in 0..=200 {
        bench.rooms.handle(bench.now, id, Input::Control);
    }
    assert_eq!(bench.outputs(), ["1 close 1008 too many messages"]);
}

#[test]
fn fifty_messages_a_second_are_sustained() {
    let mut bench = Bench::new(Limits::default(), None);
    let (id, _) = bench.join(STRANGER, "kitchen");
    for _ in 0..30 {
        bench.pass(seconds(1));
        for _ in 0..50 {
            assert!(bench.say(id, r#"{"type":"pong"}"#).is_empty());
        }
    }
}

#[test]
fn a_third_peer_finds_the_room_full_and_the_two_hear_nothing_of_it() {
    let mut bench = Bench::new(Limits::default(), None);
    let (first, heard) = bench.join(STRANGER, "kitchen");
    assert!(accepted(&heard) && heard[0].contains(r#""connectionId":"label-1","isExistClient":false"#));
    let (_, heard) = bench.join(STRANGER, "kitchen");
    assert!(accepted(&heard) && heard[0].ends_with(r#""isExistClient":true,"isExistUser":true}"#));
    let (third, heard) = bench.join(STRANGER, "kitchen");
    assert!(rejected(&heard, "full"), "{heard:?}");
    bench.rooms.handle(bench.now, third, Input::Closed);
    assert!(bench.outputs().is_empty());
    assert_eq!(bench.say(first, r#"{"type":"offer"}"#), [r#"2 {"type":"offer"}"#]);
    assert_eq!(bench.rooms.connection_count(), 2);
}

#[test]
fn rooms_are_bounded_and_free_again_when_left() {
    let mut bench = Bench::new(Limits { rooms: 2, ..Limits::default() }, None);
    let (first, _) = bench.join(STRANGER, "one");
    assert!(accepted(&bench.join(STRANGER, "two").1));
    assert!(rejected(&bench.join(STRANGER, "three").1, "TooManyRooms"));
    assert!(accepted(&bench.join(STRANGER, "two").1), "an open room may fill up");
    bench.rooms.handle(bench.now, first, Input::Closed);
    assert!(accepted(&bench.join(STRANGER, "three").1));
}

#[test]
fn one_address_may_try_ten_times_a_minute_and_loopback_as_often_as_it_likes() {
    let mut bench = Bench::new(Limits::default(), None);
    let attempt = |bench: &mut Bench, address: [u8; 4]| {
        let (id, heard) = bench.join(address, "kitchen");
        bench.rooms.handle(bench.now, id, Input::Closed);
        bench.outputs();
        heard
    };
    for _ in 0..10 {
        assert!(accepted(&attempt(&mut bench, STRANGER)));
    }
    assert!(rejected(&attempt(&mut bench, STRANGER), "TooManyJoins"));
    assert!(accepted(&attempt(&mut bench, [192, 0, 2, 2])), "others are not concerned");
    bench.pass(seconds(6));
    assert!(accepted(&attempt(&mut bench, STRANGER)));
    assert!(rejected(&attempt(&mut bench, STRANGER), "TooManyJoins"));
    for _ in 0..100 {
        assert!(accepted(&attempt(&mut bench, [127, 0, 0, 1])));
    }
}

#[test]
fn a_wrong_key_is_answered_late_and_like_the_recording() {
    let mut bench = Bench::new(Limits::default(), Some("good"));
    for wrong in ["", r#","key":"bad""#, r#","key":"good","signalingKey":"bad""#, r#","key":null"#] {
        let id = bench.open_from([127, 0, 0, 1]);
        let heard = bench.say(id, format!(r#"{{"type":"register","roomId":"r"{wrong}}}"#));
        assert!(heard.is_empty(), "{wrong}: {heard:?}");
        assert!(bench.say(id, r#"{"type":"register","roomId":"r","key":"good"}"#).is_empty(), "one try a connection");
        assert!(bench.pass(Duration::from_millis(999)).is_empty());
        assert!(rejected(&bench.pass(Duration::from_millis(1)), "InvalidSignalingKey"));
    }
    for right in [r#""key":"good""#, r#""key":"bad","signalingKey":"good""#] {
        let id = bench.open_from([127, 0, 0, 1]);
        assert!(accepted(&bench.say(id, format!(r#"{{"type":"register","roomId":"r",{right}}}"#))));
    }
}

#[test]
fn a_room_name_nobody_could_type_is_refused_with_a_reason() {
    let mut bench = Bench::new(Limits::default(), None);
    for name in ["a\\u0000b", "a\\nb", " a", &"x".repeat(129)] {
        assert!(rejected(&bench.join([127, 0, 0, 1], name).1, "InvalidRoomId"), "{name}");
    }
    assert!(accepted(&bench.join([127, 0, 0, 1], &"x".repeat(128)).1));
}

#[test]
fn hostile_messages_close_one_connection_and_its_room_only() {
    let mut bench = Bench::new(Limits::default(), None);
    let (other, _) = bench.join([127, 0, 0, 1], "elsewhere");
    for hostile in [
        "[".repeat(200_000),
        "{\"type\":".repeat(10_000),
        r#"{"type":"register","roomId":"kitchen"}"#.to_owned(),
        r#"{"type":["offer"]}"#.to_owned(),
        "\u{0}".to_owned(),
        String::new(),
    ] {
        let (id, _) = bench.join([127, 0, 0, 1], "kitchen");
        assert_eq!(bench.say(id, hostile), [format!("{} close 1000", id.0)]);
        bench.rooms.handle(bench.now, id, Input::Closed);
    }
    assert!(bench.say(other, r#"{"type":"pong"}"#).is_empty());
    assert_eq!((bench.rooms.room_count(), bench.rooms.connection_count()), (1, 1));
}

#[test]
fn nothing_is_left_of_those_who_went() {
    let mut bench = Bench::new(Limits::default(), None);
    let mut ids = Vec::new();
    for room in 0..50 {
        ids.push(bench.join([127, 0, 0, 1], &format!("room-{room}")).0);
        ids.push(bench.join([127, 0, 0, 1], &format!("room-{room}")).0);
        ids.push(bench.open_from([127, 0, 0, 1]));
    }
    for id in ids {
        bench.rooms.handle(bench.now, id, Input::Closed);
        bench.rooms.handle(bench.now, id, Input::Closed);
    }
    let counts = (bench.rooms.room_count(), bench.rooms.connection_count(), bench.rooms.deadline());
    assert_eq!(counts, (0, 0, None));
}
