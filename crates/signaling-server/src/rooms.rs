//! The rooms, as a state machine that is told the time: who may join, who hears what, who is sent away and when.
//! It behaves like the recorded Ayame server, inside the bounds of [`Limits`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use call_core::{IceServer, RoomId, Secret};
use sha2::{Digest, Sha256};

use crate::address::Origin;
use crate::config::Limits;
use crate::message::{self, Register, Request};
use crate::rate::TokenBucket;
use crate::turn::Turn;

/// Origins whose joins are remembered. Each is forgotten a minute after its last one; when this many tried within
/// a minute, new ones have to wait.
const REMEMBERED_ORIGINS: usize = 16_384;

/// One WebSocket connection, numbered by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The WebSocket is open.
    Opened {
        /// Where it comes from.
        address: IpAddr,
        /// Its `connectionId` in Ayame's messages.
        label: String,
    },
    /// A text message, or a binary one that holds text: Ayame takes both.
    Text(String),
    /// A WebSocket ping or pong; it counts against the rate of messages.
    Control,
    /// The WebSocket is gone, in whatever way.
    Closed,
}

/// Something the shell has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this text message.
    Send {
        /// To whom.
        to: ConnectionId,
        /// Byte for byte what goes out.
        text: String,
    },
    /// Start the closing handshake; nothing is sent on this connection afterwards.
    Close {
        /// Which connection.
        to: ConnectionId,
        /// The WebSocket close code (RFC 6455 §7.4).
        code: u16,
        /// The close reason, at most 123 bytes. Ayame gives none.
        reason: &'static str,
    },
}

/// What a connection is waiting for.
#[derive(Debug)]
enum Phase {
    /// For its `register`, until then.
    Greeting { until: Instant },
    /// For its refusal, held back since the key was wrong.
    Refused { at: Instant },
    /// For messages, in a room.
    Joined {
        room: String,
        ping_at: Instant,
        pong_until: Instant,
        /// When its credentials are half as old as they may get, if it takes others.
        renew_at: Option<Instant>,
    },
    /// For the shell to report it closed.
    Closing,
}

impl Phase {
    fn deadline(&self) -> Option<Instant> {
        match self {
            Phase::Greeting { until } => Some(*until),
            Phase::Refused { at } => Some(*at),
            Phase::Joined { ping_at, pong_until, renew_at, .. } => {
                let due = *ping_at.min(pong_until);
                Some(renew_at.map_or(due, |at| at.min(due)))
            }
            Phase::Closing => None,
        }
    }
}

#[derive(Debug)]
struct Connection {
    label: String,
    origin: Origin,
    messages: TokenBucket,
    phase: Phase,
}

/// All rooms of a server.
#[derive(Debug)]
pub struct RoomServer {
    limits: Limits,
    key_digest: Option<[u8; 32]>,
    ice_servers: Vec<IceServer>,
    turn: Option<Turn>,
    /// Since 1970, as it was told last.
    unix: Duration,
    connections: HashMap<ConnectionId, Connection>,
    /// The deadline of every connection that has one.
    deadlines: BTreeSet<(Instant, ConnectionId)>,
    /// The peers of every room that has any, the one who was there first in front.
    rooms: HashMap<String, Vec<ConnectionId>>,
    joins: HashMap<Origin, TokenBucket>,
    outputs: VecDeque<Output>,
}

impl RoomServer {
    /// A server without rooms. With a key, only those who present it may join.
    pub fn new(limits: Limits, key: Option<&Secret>, ice_servers: Vec<IceServer>) -> Self {
        Self {
            limits,
            key_digest: key.map(|key| digest(key.expose())),
            ice_servers,
            turn: None,
            unix: Duration::ZERO,
            connections: HashMap::new(),
            deadlines: BTreeSet::new(),
            rooms: HashMap::new(),
            joins: HashMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// With credentials for a TURN server to whoever joins, and others in time to those who take them; they need
    /// [`tell_time`](Self::tell_time).
    #[must_use]
    pub fn with_turn(mut self, turn: Option<Turn>) -> Self {
        self.turn = turn;
        self
    }

    /// What time it is for others too, since 1970: until when credentials are good is written in them.
    pub fn tell_time(&mut self, unix: Duration) {
        self.unix = unix;
    }

    /// Takes in what happened on a connection. Unknown and closing connections are ignored.
    pub fn handle(&mut self, now: Instant, id: ConnectionId, input: Input) {
        match input {
            Input::Opened { address, label } => self.open(now, id, address, label),
            Input::Closed => self.forget(id),
            Input::Text(text) => {
                if self.within_rate(now, id) {
                    self.read(now, id, text);
                }
            }
            Input::Control => {
                self.within_rate(now, id);
            }
        }
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Does what is due: pings, fresh credentials, and goodbyes to those who kept silent for too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.deadlines.first()
            && at <= now
        {
            self.time_out(now, id);
        }
    }

    /// Rooms with at least one peer in them.
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Connections that are open or closing.
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    fn open(&mut self, now: Instant, id: ConnectionId, address: IpAddr, label: String) {
        let messages = TokenBucket::per_second(now, self.limits.messages_per_second, self.limits.message_burst);
        let until = now + self.limits.register_timeout;
        let phase = Phase::Greeting { until };
        self.connections.insert(id, Connection { label, origin: Origin::of(address), messages, phase });
        self.deadlines.insert((until, id));
    }

    fn time_out(&mut self, now: Instant, id: ConnectionId) {
        let connection = self.connections.get(&id).expect("a deadline is removed together with its connection");
        match &connection.phase {
            Phase::Greeting { .. } => self.close(id, 1008, "no register message in time"),
            Phase::Refused { .. } => self.refuse(id, "InvalidSignalingKey"),
            Phase::Joined { pong_until, .. } if *pong_until <= now => self.close(id, 1000, ""),
            Phase::Joined { renew_at: Some(at), .. } if *at <= now => {
                let fresh = message::ice_servers(&self.ice_servers_for(&connection.label));
                self.send(id, fresh);
                let next = self.renewal(now);
                self.change(id, |phase| {
                    if let Phase::Joined { renew_at, .. } = phase {
                        *renew_at = next;
                    }
                });
            }
            Phase::Joined { .. } => {
                self.send(id, message::PING.to_owned());
                // At least a millisecond, so that a zero in the limits does not ping for ever.
                let interval = self.limits.ping_interval.max(Duration::from_millis(1));
                self.change(id, |phase| {
                    if let Phase::Joined { ping_at, .. } = phase {
                        *ping_at = now + interval;
                    }
                });
            }
            Phase::Closing => unreachable!("a closing connection has no deadline"),
        }
    }

    /// Whether the connection may go on; a flood closes it.
    fn within_rate(&mut self, now: Instant, id: ConnectionId) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        let allowed = connection.messages.take(now);
        if !allowed {
            self.close(id, 1008, "too many messages");
        }
        allowed
    }

    fn read(&mut self, now: Instant, id: ConnectionId, text: String) {
        let Some(connection) = self.connections.get(&id) else { return };
        match (&connection.phase, message::parse(&text)) {
            (Phase::Closing | Phase::Refused { .. }, _) => {}
            (Phase::Greeting { .. }, Some(Request::Register(register))) => self.join(now, id, register),
            (Phase::Joined { room, .. }, Some(Request::Forward)) => {
                let other = self.rooms.get(room).and_then(|peers| peers.iter().find(|peer| **peer != id));
                // Ayame drops what is said while alone; it keeps nothing for a peer who comes later.
                if let Some(&to) = other {
                    self.send(to, text);
                }
            }
            (_, Some(Request::Pong)) => {
                let until = now + self.limits.pong_timeout;
                self.change(id, |phase| {
                    if let Phase::Joined { pong_until, .. } = phase {
                        *pong_until = until;
                    }
                });
            }
            (Phase::Joined { .. }, Some(Request::Connected)) => {}
            // Ayame closes without a word over anything it does not know, and over anything before `register`.
            _ => self.close(id, 1000, ""),
        }
    }

    fn join(&mut self, now: Instant, id: ConnectionId, register: Register) {
        if !self.may_try(now, id) {
            return self.refuse(id, "TooManyJoins");
        }
        if !self.key_fits(register.key.as_deref()) {
            let at = now + self.limits.wrong_key_delay;
            return self.change(id, |phase| *phase = Phase::Refused { at });
        }
        let Ok(room) = RoomId::new(register.room.as_str()) else {
            return self.refuse(id, "InvalidRoomId");
        };
        let room = room.as_str().to_owned();
        let present = self.rooms.get(&room).map_or(0, Vec::len);
        if present >= self.limits.room_peers {
            return self.refuse(id, "full");
        }
        if present == 0 && self.rooms.len() >= self.limits.rooms {
            return self.refuse(id, "TooManyRooms");
        }
        self.rooms.entry(room.clone()).or_default().push(id);
        let label = self.connections.get(&id).map_or("", |connection| connection.label.as_str());
        let accept = message::accept(label, &self.ice_servers_for(label), present > 0);
        self.send(id, accept);
        let (ping_at, pong_until) = (now + self.limits.ping_interval, now + self.limits.pong_timeout);
        let renew_at = if register.renew_ice_servers { self.renewal(now) } else { None };
        self.change(id, |phase| *phase = Phase::Joined { room, ping_at, pong_until, renew_at });
    }

    fn ice_servers_for(&self, label: &str) -> Vec<IceServer> {
        let credentials = self.turn.as_ref().map(|turn| turn.credentials(self.unix, label));
        self.ice_servers.iter().cloned().chain(credentials).collect()
    }

    /// When credentials of now are half as old as they may get: time is left for another path or server to fail in.
    fn renewal(&self, now: Instant) -> Option<Instant> {
        // At least a second, which is the grain of their expiry.
        now.checked_add((self.turn.as_ref()?.lifetime / 2).max(Duration::from_secs(1)))
    }

    /// Counts an attempt to join, so that neither keys nor rooms can be guessed in bulk.
    fn may_try(&mut self, now: Instant, id: ConnectionId) -> bool {
        let Some(origin) = self.connections.get(&id).map(|connection| connection.origin) else { return false };
        if origin.is_loopback() {
            return true;
        }
        if self.joins.len() >= REMEMBERED_ORIGINS {
            self.joins.retain(|_, bucket| !bucket.is_full(now));
        }
        let remembered = self.joins.len();
        let per_minute = self.limits.joins_per_minute;
        match self.joins.get_mut(&origin) {
            Some(bucket) => bucket.take(now),
            None if remembered >= REMEMBERED_ORIGINS => false,
            None => self.joins.entry(origin).or_insert(TokenBucket::per_minute(now, per_minute)).take(now),
        }
    }

    /// Compares digests, and every byte of them, so that the time it takes tells nothing about the key.
    fn key_fits(&self, presented: Option<&str>) -> bool {
        let Some(wanted) = &self.key_digest else { return true };
        let presented = digest(presented.unwrap_or(""));
        wanted.iter().zip(presented).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }

    fn refuse(&mut self, id: ConnectionId, reason: &str) {
        self.send(id, message::reject(reason));
        self.close(id, 1000, "");
    }

    fn send(&mut self, to: ConnectionId, text: String) {
        self.outputs.push_back(Output::Send { to, text });
    }

    /// Sends a connection away. Its room ends with it, as in Ayame: the other peer hears `bye` and is closed too.
    fn close(&mut self, id: ConnectionId, code: u16, reason: &'static str) {
        let Some(connection) = self.connections.get(&id) else { return };
        if matches!(connection.phase, Phase::Closing) {
            return;
        }
        self.outputs.push_back(Output::Close { to: id, code, reason });
        self.end_room(id);
        self.change(id, |phase| *phase = Phase::Closing);
    }

    fn forget(&mut self, id: ConnectionId) {
        self.end_room(id);
        self.change(id, |phase| *phase = Phase::Closing);
        self.connections.remove(&id);
    }

    /// Ends the room that the connection is in, if any; the name is free at once.
    fn end_room(&mut self, id: ConnectionId) {
        let Some(Connection { phase: Phase::Joined { room, .. }, .. }) = self.connections.get(&id) else { return };
        for other in self.rooms.remove(room).unwrap_or_default() {
            if other != id {
                self.send(other, message::BYE.to_owned());
                self.outputs.push_back(Output::Close { to: other, code: 1000, reason: "" });
                self.change(other, |phase| *phase = Phase::Closing);
            }
        }
    }

    /// The one place where a phase changes, so that the list of deadlines stays true.
    fn change(&mut self, id: ConnectionId, change: impl FnOnce(&mut Phase)) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Some(at) = connection.phase.deadline() {
            self.deadlines.remove(&(at, id));
        }
        change(&mut connection.phase);
        if let Some(at) = connection.phase.deadline() {
            self.deadlines.insert((at, id));
        }
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
