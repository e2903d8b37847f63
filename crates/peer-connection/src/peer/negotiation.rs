//! What a peer connection does with descriptions, candidates and ICE servers, ours and the peer's.
//! Once the two sides agree, the senders learn how their packets are labelled, and sockets and streams whom they may believe.

use super::Peer;
use crate::PeerError;
use crate::admission::Admission;
use crate::convert::{self, CandidateLabel, CandidateLine};
use crate::events::{MediaKind, PeerNotice};
use crate::migration::Credentials;
use crate::send::Wire;
use crate::{factory, ice_servers};
use call_core::{Candidate, Description, DescriptionKind, IceServer};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;
use tracing::debug;

/// A description starts gathering or checks; they go on without pause for that long.
const HURRY_FOR_PATH: Duration = Duration::from_secs(10);

impl Peer {
    /// Makes an offer of sound, pictures and data. The first one creates the data channels.
    ///
    /// # Errors
    /// [`PeerError::Create`] when the connection is closed.
    pub async fn create_offer(&self) -> Result<Description, PeerError> {
        let create = |error: webrtc::error::Error| PeerError::Create(error.to_string());
        self.inner.channels.create(&*self.inner.connection).await.map_err(create)?;
        let offer = self.inner.connection.create_offer(None).await.map_err(create)?;
        Ok(Description::offer(self.inner.disguise.description(offer.sdp)))
    }

    /// Makes an answer to the peer's offer.
    ///
    /// # Errors
    /// [`PeerError::Create`] when there is no offer to answer.
    pub async fn create_answer(&self) -> Result<Description, PeerError> {
        let answer = self.inner.connection.create_answer(None).await;
        let answer = answer.map_err(|error| PeerError::Create(error.to_string()))?;
        Ok(Description::answer(self.inner.disguise.description(answer.sdp)))
    }

    /// Applies a description that [`create_offer`](Self::create_offer) or [`create_answer`](Self::create_answer) made
    /// last; candidates are gathered from here on.
    ///
    /// # Errors
    /// [`PeerError::Description`] when it is another one, or it is not its turn.
    pub async fn set_local(&self, mut description: Description) -> Result<(), PeerError> {
        let kind = description.kind;
        description.sdp = self.inner.disguise.undone(description.sdp);
        let label = CandidateLabel::of(&description.sdp);
        let description = convert::session_description(description)?;
        if kind != DescriptionKind::Rollback {
            // Before it is applied: the candidates come at once.
            *self.inner.label.lock().unwrap_or_else(PoisonError::into_inner) = label;
        }
        self.inner.pace.hurry(HURRY_FOR_PATH);
        let result = self.inner.connection.set_local_description(description).await;
        result.map_err(|error| PeerError::Description(error.to_string()))?;
        self.negotiated(kind).await;
        Ok(())
    }

    /// Applies the peer's description. Of its candidates the first hundred are used.
    ///
    /// # Errors
    /// [`PeerError::Description`] when it does not parse or it is not its turn.
    pub async fn set_remote(&self, mut description: Description) -> Result<(), PeerError> {
        let kind = description.kind;
        let whole = std::mem::take(&mut description.sdp);
        description.sdp = self.admission().limit(&whole);
        let candidates = description.sdp.lines().filter(|line| line.starts_with("a=candidate:"));
        candidates.filter_map(CandidateLine::parse).for_each(|candidate| self.inner.signalled.add(candidate));
        let description = convert::session_description(description)?;
        self.inner.pace.hurry(HURRY_FOR_PATH);
        if let Err(error) = self.inner.connection.set_remote_description(description).await {
            // webrtc-rs keeps an offer pending that it could not apply; a better one must find the way free.
            if kind == DescriptionKind::Offer {
                let _ = self.rollback().await;
            }
            return Err(PeerError::Description(error.to_string()));
        }
        whole.lines().filter(|line| line.starts_with("a=candidate:")).for_each(|line| self.reach(&line[2..]));
        self.negotiated(kind).await;
        Ok(())
    }

    /// Withdraws the pending offer, ours or the peer's.
    ///
    /// After the peer's very first offer was applied and withdrawn, webrtc-rs takes no other from it: its transports
    /// have started. Open another connection then.
    ///
    /// # Errors
    /// [`PeerError::Description`] when there is none.
    pub async fn rollback(&self) -> Result<(), PeerError> {
        let connection = &self.inner.connection;
        let rollback =
            convert::session_description(Description { kind: DescriptionKind::Rollback, sdp: String::new() })?;
        let theirs = connection.pending_remote_description().await.is_some();
        let result = match theirs {
            true => connection.set_remote_description(rollback).await,
            false => connection.set_local_description(rollback).await,
        };
        result.map_err(|error| PeerError::Description(error.to_string()))
    }

    /// Uses a candidate of the peer; one over TCP only when no path is found without. The end of the candidates means nothing.
    ///
    /// # Errors
    /// [`PeerError::Candidate`] when it does not parse, no description of the peer was applied yet, or a hundred are in use.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), PeerError> {
        if candidate.is_end_of_candidates() {
            return Ok(());
        }
        let line = CandidateLine::parse(&candidate.candidate)
            .ok_or_else(|| PeerError::Candidate("it is not of the form of RFC 8839".into()))?;
        if line.protocol != "udp" {
            self.reach(&candidate.candidate);
            return Ok(());
        }
        if !self.admission().admits(&candidate.candidate) {
            return Err(PeerError::Candidate("there are enough".into()));
        }
        self.inner.signalled.add(line);
        let result = self.inner.connection.add_ice_candidate(convert::candidate_init(candidate)).await;
        result.map_err(|error| PeerError::Candidate(error.to_string()))
    }

    /// Uses these ICE servers from the next ICE restart on, or from the start if there is no description yet. Relays in use
    /// go on with the credentials that they were opened with. Servers behind streams are not exchanged for others while a
    /// connection lives.
    pub async fn set_ice_servers(&self, ice_servers: &[IceServer]) {
        let inner = &self.inner;
        let Ok(usable) = ice_servers::usable(ice_servers, inner.relay_only) else { return };
        if usable.streams != inner.behind_streams {
            return debug!("the ICE servers are kept: others are reached over streams now");
        }
        let configuration = factory::configuration(usable.servers, inner.relay_only);
        if let Err(error) = inner.connection.set_configuration(configuration).await {
            debug!("the ICE servers are kept: {error}");
        }
    }

    /// Lets the next offer restart ICE: sockets are opened anew on the addresses that there are then, and every path is looked
    /// for again. Nothing flows from the moment that offer is applied until a path is found.
    pub async fn restart_ice(&self) {
        if let Err(error) = self.inner.connection.restart_ice().await {
            debug!("ICE cannot be restarted: {error}");
        }
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.inner.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream for the candidate of this line, if it is one over TCP.
    fn reach(&self, line: &str) {
        let tcp = &self.inner.tcp;
        if let Some(address) = self.admission().stream(line, |address| tcp.permits(address)) {
            let candidate = Candidate { candidate: line.to_owned(), ..Candidate::default() };
            tcp.reach(address, candidate, self.inner.connection.clone());
        }
    }

    /// Once the two sides agree: how our packets are to be labelled.
    async fn negotiated(&self, kind: DescriptionKind) {
        if kind != DescriptionKind::Answer {
            return;
        }
        let connection = &self.inner.connection;
        if let (Some(local), Some(remote)) =
            (connection.current_local_description().await, connection.current_remote_description().await)
        {
            *self.inner.credentials.lock().unwrap_or_else(PoisonError::into_inner) =
                Credentials::of(&local.sdp, &remote.sdp);
            self.inner.tcp.negotiated();
        }
        for sender in self.inner.connection.get_senders().await {
            let Some(media) = MediaKind::of(sender.track().kind().await) else { continue };
            let wire = match sender.get_parameters().await {
                Ok(parameters) => media.payload_type(&parameters.rtp_parameters.codecs).and_then(|payload_type| {
                    let encoding = parameters.encodings.first()?;
                    Some(Wire { ssrc: encoding.rtp_coding_parameters.ssrc?, payload_type })
                }),
                Err(error) => {
                    debug!("a stream has no parameters: {error}");
                    None
                }
            };
            if wire.is_none() {
                let problem = match media {
                    MediaKind::Audio => "the peer does not take Opus: it will not hear us",
                    MediaKind::Video => "the peer does not take H.264: it will not see us",
                };
                let _ = self.inner.notices.try_send(PeerNotice::Problem(problem.into()));
            }
            self.inner.link(media).negotiated(wire);
        }
    }
}
