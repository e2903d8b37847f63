//! What a call is told before it starts: how long to wait, how long to talk, and when to lose patience.
//! The defaults are those of the program; tests shorten them only where a story needs it.

use crate::IceServer;
use std::time::Duration;

/// The settings of one call.
#[derive(Clone, Debug, Default)]
pub struct SessionConfig {
    /// How long to wait in the room for a peer; `None` waits on.
    pub wait: Option<Duration>,
    /// How long after it connected the call hangs up by itself; `None` never.
    pub duration: Option<Duration>,
    /// Ask the person ([`Phase::Ringing`](crate::Phase)) before a call that somebody else begins is answered.
    pub ask: bool,
    /// End the call when the peer is lost, instead of waiting in the room for its return.
    pub once: bool,
    /// ICE servers of our own; those of the signaling server are added to them.
    pub ice_servers: Vec<IceServer>,
    /// Spreads the attempts to reconnect; should differ between processes.
    pub seed: u64,
    /// When to lose patience.
    pub timeouts: Timeouts,
}

/// How long the session waits for things that should happen by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the exchange of descriptions to the connected call.
    pub negotiating: Duration,
    /// The same, where our answer has yet to be carried to the peer by hand.
    pub by_hand: Duration,
    /// For our candidates to be found, where the peer wants them all in the description.
    pub gathering: Duration,
    /// From a broken ICE connection to its return.
    pub reconnecting: Duration,
    /// From a broken ICE connection, or an ICE restart that has not brought it back, to the next ICE restart.
    pub restart: Duration,
    /// For reaching the signaling server at first: whoever mistyped its address is told soon.
    pub joining: Duration,
    /// For reaching the signaling server again, after we were in the room.
    pub signaling: Duration,
    /// For a full room after a loss of ours: the server may still count our own lost connection. Ayame drops it after 60 s.
    pub ghost: Duration,
    /// Without a packet from the peer after its leaving was reported.
    pub silence: Duration,
    /// For a connection to come up after the peer's leaving was reported: its server may end signaling once *it* is connected.
    pub late_connect: Duration,
    /// For the shell to close the connection before the session ends without it.
    pub closing: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            negotiating: Duration::from_secs(30),
            by_hand: Duration::from_secs(600),
            gathering: Duration::from_secs(3),
            reconnecting: Duration::from_secs(15),
            restart: Duration::from_secs(4),
            joining: Duration::from_secs(10),
            signaling: Duration::from_secs(60),
            ghost: Duration::from_secs(90),
            silence: Duration::from_millis(700),
            late_connect: Duration::from_secs(3),
            closing: Duration::from_secs(1),
        }
    }
}
