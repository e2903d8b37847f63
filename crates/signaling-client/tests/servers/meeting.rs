//! Two clients that find each other and pass on what a call needs, played without a call behind them.

use std::time::Duration;

use call_core::{Candidate, Description, DescriptionKind, RoomId, SignalingEvent};
use signaling_client::{Command, Signaling, SignalingConfig, parse_server_url};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest wait for anything on loopback; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(40);

/// A client, and the means to end it.
pub(crate) struct Party {
    name: &'static str,
    pub(crate) signaling: Signaling,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

/// How to meet in `room` at `url`.
pub(crate) fn config(url: &str, room: &str) -> SignalingConfig {
    let server = parse_server_url(url).expect("a good URL");
    SignalingConfig::new(server, RoomId::new(room).expect("a good name"), "ringback-test")
}

impl Party {
    /// Begins to join.
    pub(crate) fn join(name: &'static str, config: SignalingConfig) -> Self {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let signaling = signaling_client::connect(config, &tracker, cancel.clone());
        tracker.close();
        Self { name, signaling, cancel, tracker }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> SignalingEvent {
        let event = timeout(PATIENCE, self.signaling.events.recv()).await;
        event
            .unwrap_or_else(|_| panic!("{} heard nothing", self.name))
            .unwrap_or_else(|| panic!("{} heard the end", self.name))
    }

    /// In the room, without a peer so far.
    pub(crate) async fn alone(&mut self) {
        let event = self.event().await;
        assert!(matches!(&event, SignalingEvent::Joined { role, .. } if !role.offers_first), "{event:?}");
    }

    /// Says it to the peer.
    pub(crate) async fn say(&self, command: Command) {
        self.signaling.commands.send(command).await.expect("the connection is open");
    }

    /// Plays its part of a call until a description and a candidate of the other have come. Gives back whether it offered.
    pub(crate) async fn meet(&mut self, other: &str) -> bool {
        let (mut offered, mut described, mut candidate) = (false, false, false);
        while !(described && candidate) {
            let kind = match self.event().await {
                SignalingEvent::Joined { role, .. } => role.offers_first.then_some(DescriptionKind::Offer),
                SignalingEvent::OfferWanted => Some(DescriptionKind::Offer),
                SignalingEvent::Description(description) => {
                    assert_eq!(description.sdp, sdp(other));
                    described = true;
                    let is_offer = description.kind == DescriptionKind::Offer;
                    assert_ne!(is_offer, offered);
                    is_offer.then_some(DescriptionKind::Answer)
                }
                SignalingEvent::Candidate(theirs) => {
                    assert!(described, "it came after its description");
                    assert!(theirs.candidate == line(other) && theirs.sdp_m_line_index == Some(0));
                    candidate = true;
                    None
                }
                other => panic!("{} heard {other:?}", self.name),
            };
            if let Some(kind) = kind {
                offered |= kind == DescriptionKind::Offer;
                self.say(Command::Describe(Description { kind, sdp: sdp(self.name) })).await;
                self.say(Command::Candidate(Candidate {
                    candidate: line(self.name),
                    sdp_mid: Some("0".to_owned()),
                    sdp_m_line_index: Some(0),
                    username_fragment: None,
                }))
                .await;
            }
        }
        offered
    }

    /// Leaves in order.
    pub(crate) async fn leave(self) {
        self.say(Command::Leave).await;
        self.ended().await;
    }

    /// The task ends by itself.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.tracker.wait()).await.expect("the task ends");
    }

    /// Goes without a word to the peer.
    pub(crate) async fn vanish(self) {
        self.cancel.cancel();
        self.ended().await;
    }
}

/// Both find each other, and exactly one offered.
pub(crate) async fn both_meet(one: &mut Party, other: &mut Party) {
    let (name, name_of_other) = (one.name, other.name);
    let (offers, other_offers) = tokio::join!(one.meet(name_of_other), other.meet(name));
    assert_ne!(offers, other_offers);
}

fn sdp(name: &str) -> String {
    format!("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns={name} \u{fc} \"\r\nt=0 0\r\n")
}

fn line(name: &str) -> String {
    format!("candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host {name}")
}
