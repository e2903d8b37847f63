//! Two peers and the signaling between them, which here is a function call.

use call_core::{Candidate, PeerEvent};
use media_core::Bitrate;
use peer_connection::{
    DataChannel, MediaSender, PacketQueue, Peer, PeerConfig, PeerEvents, PeerNotice, PeerStreams, Popped, Sent,
};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Long enough for a loaded machine; nothing takes that long where it works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// On loopback only, so that the outcome does not depend on the machine's network.
pub(crate) fn on_loopback() -> PeerConfig {
    PeerConfig { bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ..PeerConfig::default() }
}

/// One end.
pub(crate) struct Side {
    pub(crate) peer: Peer,
    pub(crate) streams: PeerStreams,
    pub(crate) target: watch::Receiver<Bitrate>,
    pub(crate) channels: mpsc::Receiver<DataChannel>,
    notices: mpsc::Receiver<PeerNotice>,
    candidates: Option<mpsc::Receiver<Candidate>>,
    trickle: Option<tokio::task::AbortHandle>,
    passed_over: VecDeque<PeerNotice>,
}

impl Side {
    pub(crate) async fn open(config: PeerConfig) -> Self {
        let (peer, events) = Peer::open(config).await.expect("loopback can be bound");
        let streams = events.streams();
        let PeerEvents { notices: mut reported, target, channels, .. } = events;
        let (found, candidates) = mpsc::channel(64);
        let (tell, notices) = mpsc::channel(1024);
        tokio::spawn(async move {
            while let Some(notice) = reported.recv().await {
                let told = match notice {
                    PeerNotice::Session(PeerEvent::LocalCandidate(candidate)) => found.send(candidate).await.is_ok(),
                    notice => tell.send(notice).await.is_ok(),
                };
                if !told {
                    return;
                }
            }
        });
        Self {
            peer,
            streams,
            target,
            channels,
            notices,
            candidates: Some(candidates),
            trickle: None,
            passed_over: VecDeque::new(),
        }
    }

    /// Awaits the first notice that is wanted; others keep for later.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&PeerNotice) -> bool) -> PeerNotice {
        if let Some(index) = self.passed_over.iter().position(&wanted) {
            return self.passed_over.remove(index).expect("it was just found");
        }
        tokio::time::timeout(PATIENCE, async {
            loop {
                let notice = self.notices.recv().await.expect("the connection still reports");
                if wanted(&notice) {
                    return notice;
                }
                self.passed_over.push_back(notice);
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{what} never came; instead: {:?}", self.passed_over))
    }

    pub(crate) async fn until_session(&mut self, event: PeerEvent) {
        self.until(&format!("{event:?}"), |notice| *notice == PeerNotice::Session(event.clone())).await;
    }

    /// A check can overtake the candidate it comes from: the path's name may change once.
    pub(crate) async fn until_path(&mut self, kind: &str) {
        let wanted = |notice: &PeerNotice| match notice {
            PeerNotice::Path(path) => path.local_type == kind && path.remote_type == kind,
            _ => false,
        };
        self.until(&format!("a {kind} path"), wanted).await;
    }

    pub(crate) async fn until_open(&mut self) {
        self.until_session(PeerEvent::Connected).await;
        self.until_session(PeerEvent::DataOpen).await;
    }

    /// Gives every candidate to `other`, until the two are connected.
    pub(crate) fn trickle_to(&mut self, other: &Self) {
        self.trickle_changed(other, |line| line);
    }

    fn trickle_changed(&mut self, other: &Self, change: impl Fn(String) -> String + Send + 'static) {
        let mut candidates = self.candidates.take().expect("once only");
        let other = other.peer.clone();
        let trickle = tokio::spawn(async move {
            while let Some(mut candidate) = candidates.recv().await {
                candidate.candidate = change(candidate.candidate);
                let _ = other.add_candidate(candidate).await;
            }
        });
        self.trickle = Some(trickle.abort_handle());
    }

    /// The task above holds a handle on the other end.
    pub(crate) fn end_trickle(&mut self) {
        if let Some(trickle) = self.trickle.take() {
            trickle.abort();
        }
    }

    pub(crate) async fn next_candidate(&mut self) -> Candidate {
        let candidates = self.candidates.as_mut().expect("not trickled yet");
        tokio::time::timeout(PATIENCE, candidates.recv()).await.expect("in time").expect("a candidate")
    }
}

/// Offer, answer and candidates, until the connection and the data channels are up on both sides.
pub(crate) async fn connect(a: &mut Side, b: &mut Side) {
    negotiate(a, b).await;
    tokio::join!(a.until_open(), b.until_open());
}

pub(crate) async fn negotiate(a: &mut Side, b: &mut Side) {
    negotiate_changed(a, b, |line| line).await;
}

/// As [`negotiate`], but the other side gets each candidate as `change` makes it.
pub(crate) async fn negotiate_changed(
    a: &mut Side,
    b: &mut Side,
    change: impl Fn(String) -> String + Clone + Send + 'static,
) {
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own offer");
    b.peer.set_remote(offer).await.expect("a good offer");
    a.trickle_changed(b, change.clone());
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own answer");
    a.peer.set_remote(answer).await.expect("a good answer");
    b.trickle_changed(a, change);
}

/// An ICE restart, offered by `one`, until both are connected again.
pub(crate) async fn restart(one: &mut Side, other: &mut Side) {
    one.peer.restart_ice().await;
    let offer = one.peer.create_offer().await.expect("an offer");
    one.peer.set_local(offer.clone()).await.expect("our own offer");
    other.peer.set_remote(offer).await.expect("a good offer");
    let answer = other.peer.create_answer().await.expect("an answer");
    other.peer.set_local(answer.clone()).await.expect("our own answer");
    one.peer.set_remote(answer).await.expect("a good answer");
    tokio::join!(one.until_session(PeerEvent::Connected), other.until_session(PeerEvent::Connected));
}

pub(crate) async fn connected(config: PeerConfig) -> (Side, Side) {
    let (mut a, mut b) = (Side::open(config.clone()).await, Side::open(config).await);
    connect(&mut a, &mut b).await;
    (a, b)
}

/// A picture's worth of H.264 that tells its number: parameter sets and one slice.
pub(crate) fn picture(number: u8, bytes: usize) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, number];
    frame.extend(std::iter::repeat_n(0x80 | number, bytes));
    frame
}

/// Sends until `queue` has something, as media does: a frame every few milliseconds.
pub(crate) async fn flows(
    sender: &MediaSender,
    queue: &PacketQueue,
    frame: &[u8],
) -> media_core::RtpPacket<bytes::Bytes> {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        pace.tick().await;
        assert_eq!(sender.send(frame, Instant::now()), Sent::Queued);
        if let Some(packet) = queue.try_pop() {
            return packet;
        }
    }
    panic!("no packet came");
}

pub(crate) fn drain(queue: &PacketQueue) -> Vec<media_core::RtpPacket<bytes::Bytes>> {
    std::iter::from_fn(|| queue.try_pop()).collect()
}

pub(crate) async fn closed_queue(queue: &PacketQueue) {
    let queue = queue.clone();
    let popped = tokio::task::spawn_blocking(move || {
        loop {
            match queue.pop_timeout(PATIENCE) {
                Popped::Packet(_) => {}
                other => return other,
            }
        }
    });
    assert_eq!(popped.await.expect("no panic"), Popped::Closed);
}
