//! The person is asked before a call that somebody else begins is answered; until then nothing of ours goes out, no address and
//! no sound. A refusal is an answer that takes none of the media (RFC 3264 §6), which every peer understands.

use super::peer::Peer;
use super::{Session, SignalCommand};
use crate::{Candidate, Description, DescriptionKind, EndReason, Negotiator, NegotiatorInput};
use std::time::Instant;

/// Candidates that wait with the offer: as many as are taken from a peer.
const CANDIDATE_LIMIT: usize = Negotiator::QUEUE_LIMIT;

/// A call that waits for the person's word.
#[derive(Debug)]
pub(super) struct Ringing {
    /// The caller's offer; `None` where it waits for ours.
    offer: Option<Description>,
    candidates: Vec<Candidate>,
}

impl Session {
    /// Whether somebody calls and the person has not answered.
    pub(super) fn is_ringing(&self) -> bool {
        self.ringing.is_some()
    }

    /// Somebody calls, with an offer or waiting for ours. True when the person has to be asked first.
    pub(super) fn rings(&mut self, offer: Option<&Description>) -> bool {
        let begun = self.role.is_some_and(|role| role.offers_first) || self.capabilities.by_hand;
        let asks = self.config.ask && !self.accepted && !begun;
        if !asks || self.peer.as_ref().is_none_or(Peer::is_exchanged) {
            return false;
        }
        self.ringing = Some(Ringing { offer: offer.cloned(), candidates: Vec::new() });
        true
    }

    /// A candidate of the one who calls. False when nobody does.
    pub(super) fn keep_candidate(&mut self, candidate: &Candidate) -> bool {
        let Some(ringing) = &mut self.ringing else {
            return false;
        };
        if ringing.candidates.len() < CANDIDATE_LIMIT {
            ringing.candidates.push(candidate.clone());
        }
        true
    }

    /// The person takes the call, and every later one of this session.
    pub(super) fn accept(&mut self, now: Instant) {
        let Some(Ringing { offer, candidates }) = self.ringing.take() else {
            return;
        };
        self.accepted = true;
        if let Some(peer) = &mut self.peer {
            // Counted from here: before, it was the person who took time.
            peer.negotiating_since = None;
        }
        match offer {
            Some(offer) => self.negotiate(now, NegotiatorInput::Remote(offer)),
            None => self.negotiate(now, NegotiatorInput::NegotiationNeeded),
        }
        for candidate in candidates {
            self.negotiate(now, NegotiatorInput::RemoteCandidate(candidate));
        }
    }

    /// The person does not take the call: the caller is told, and the call is over.
    pub(super) fn decline(&mut self, now: Instant) {
        let Some(ringing) = self.ringing.take() else {
            return;
        };
        if let Some(offer) = ringing.offer
            && self.link.is_joined()
        {
            self.signal(SignalCommand::Describe(refusal(&offer)));
        }
        self.finish(now, EndReason::Declined);
    }

    /// Whether the description says that the peer does not take our call.
    pub(super) fn is_declined(&self, description: &Description) -> bool {
        description.kind == DescriptionKind::Answer
            && self.peer.as_ref().is_some_and(|peer| !peer.is_exchanged())
            && is_refusal(&description.sdp)
    }
}

/// The answer that takes nothing of the offer: every section with port 0.
fn refusal(offer: &Description) -> Description {
    let mut sdp = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n".to_owned();
    for line in offer.sdp.lines() {
        if let Some(section) = line.strip_prefix("m=") {
            let mut words = section.split(' ');
            let (media, _port) = (words.next().unwrap_or_default(), words.next());
            let rest: Vec<&str> = words.collect();
            sdp.push_str(&format!("m={media} 0 {}\r\nc=IN IP4 0.0.0.0\r\n", rest.join(" ")));
        } else if line.starts_with("a=mid:") {
            sdp.push_str(&format!("{line}\r\na=inactive\r\n"));
        }
    }
    Description::answer(sdp)
}

/// Whether there are sections, and all of them are refused. A bundled section has port 0 in offers (RFC 9143 §6), never in all.
fn is_refusal(sdp: &str) -> bool {
    let mut ports = sdp.lines().filter_map(|line| line.strip_prefix("m=")?.split(' ').nth(1)).peekable();
    ports.peek().is_some() && ports.all(|port| port == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_every_section_of_the_offer_and_takes_none() {
        let offer = Description::offer(
            "v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
             a=candidate:1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n",
        );
        assert!(!is_refusal(&offer.sdp));
        let answer = refusal(&offer);
        assert!(is_refusal(&answer.sdp));
        let sections: Vec<&str> =
            answer.sdp.lines().filter(|line| line.starts_with("m=") || line.contains("mid")).collect();
        let expected = [
            "m=audio 0 UDP/TLS/RTP/SAVPF 111",
            "a=mid:0",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:1",
        ];
        assert_eq!(sections, expected);
        assert!(!answer.sdp.contains("1.2.3.4") && !answer.sdp.contains("candidate"));
    }

    #[test]
    fn what_takes_one_section_or_has_none_is_no_refusal() {
        for sdp in ["", "v=0", "m=audio", "m=audio 9 X 1\nm=video 0 X 2", "m=audio 0 X 1\nm=video 9 X 2"] {
            assert!(!is_refusal(sdp), "{sdp:?}");
        }
        assert!(is_refusal("m=audio 0 X 1\nm=video 0 X 2"));
    }
}
