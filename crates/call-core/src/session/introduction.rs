//! How our descriptions and candidates reach the peer: a description first, then its candidates one by one; or, where signaling
//! carries no candidates, one description that waits until it can hold them all.

use super::{Output, Session, SignalCommand};
use crate::{Candidate, Description, Negotiator};
use std::collections::VecDeque;
use std::time::Instant;

/// Candidates of ours that wait for a description: as many as are taken from a peer.
const CANDIDATE_LIMIT: usize = Negotiator::QUEUE_LIMIT;

/// What the peer knows of us, and what waits.
#[derive(Debug, Default)]
pub(super) struct Introduction {
    /// Whether a description of ours went out; candidates must not overtake it.
    described: bool,
    /// With trickle those that are not sent yet, without it all.
    candidates: VecDeque<Candidate>,
    /// All candidates were found.
    gathered: bool,
    /// A description that waits for its candidates.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    description: Description,
    since: Instant,
}

impl Introduction {
    /// Since when a description waits for its candidates.
    pub(super) fn held_since(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.since)
    }
}

impl Session {
    /// A candidate of ours was found.
    pub(super) fn local_candidate(&mut self, mut candidate: Candidate) {
        let Some(peer) = self.peer.as_mut() else {
            return;
        };
        let introduction = &mut peer.introduction;
        if candidate.is_end_of_candidates() {
            introduction.gathered = true;
            // Some peers take an empty candidate for a broken one, and ICE does not need it.
            return self.release();
        }
        if self.capabilities.candidate_needs_mid {
            // All our media share the transport of the first section (RFC 9143 §7.2).
            candidate.sdp_mid.get_or_insert_with(|| "0".to_owned());
            candidate.sdp_m_line_index.get_or_insert(0);
        }
        if self.capabilities.trickle && introduction.described {
            if self.link.is_joined() {
                self.signal(SignalCommand::Candidate(candidate));
            }
        } else if introduction.candidates.len() < CANDIDATE_LIMIT {
            introduction.candidates.push_back(candidate);
        }
    }

    /// Sends our description, and then the candidates that waited for it; or lets it wait for them.
    pub(super) fn introduce(&mut self, now: Instant, description: Description) {
        let Some(peer) = self.peer.as_mut().filter(|_| self.link.is_joined()) else {
            return;
        };
        let introduction = &mut peer.introduction;
        if !self.capabilities.trickle {
            introduction.held = Some(Held { description, since: now });
            if introduction.gathered {
                self.release();
            }
            return;
        }
        introduction.described = true;
        let candidates = std::mem::take(&mut introduction.candidates);
        self.signal(SignalCommand::Describe(description));
        self.outputs
            .extend(candidates.into_iter().map(|candidate| Output::Signal(SignalCommand::Candidate(candidate))));
    }

    /// Sends the description that waits, with the candidates found so far.
    pub(super) fn release(&mut self) {
        if let Some(peer) = &mut self.peer
            && let Some(Held { mut description, .. }) = peer.introduction.held.take()
            && self.link.is_joined()
        {
            description.sdp = with_candidates(&description.sdp, &peer.introduction.candidates);
            self.signal(SignalCommand::Describe(description));
        }
    }

    /// Forgets the description that waits: it was withdrawn before it went out.
    pub(super) fn withhold(&mut self) {
        if let Some(peer) = &mut self.peer {
            peer.introduction.held = None;
        }
    }
}

/// `sdp` with these candidates at the end of its first media section, whose transport is that of all (RFC 8839 §5.1), and
/// the word that there are no more (RFC 8840 §8.2).
fn with_candidates(sdp: &str, candidates: &VecDeque<Candidate>) -> String {
    let lines: Vec<&str> = sdp.lines().collect();
    let mut sections = (0..lines.len()).filter(|&line| lines[line].starts_with("m="));
    if sections.next().is_none() {
        return sdp.to_owned();
    }
    let (first, rest) = lines.split_at(sections.next().unwrap_or(lines.len()));
    let attributes = candidates.iter().map(|candidate| format!("a={}", candidate.candidate));
    let mut whole: Vec<String> = first.iter().map(|&line| line.to_owned()).collect();
    whole.extend(attributes.filter(|attribute| !first.contains(&attribute.as_str())));
    whole.push("a=end-of-candidates".to_owned());
    whole.extend(rest.iter().map(|&line| line.to_owned()));
    // RFC 8866 §5: every line ends with CRLF.
    whole.into_iter().map(|line| line + "\r\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(lines: &[&str]) -> VecDeque<Candidate> {
        lines.iter().map(|&line| Candidate { candidate: line.to_owned(), ..Candidate::default() }).collect()
    }

    #[test]
    fn candidates_go_into_the_first_media_section() {
        let found = candidates(&["candidate:1", "candidate:2"]);
        let ends = "a=candidate:1\r\na=candidate:2\r\na=end-of-candidates\r\n";
        for (sdp, expected) in [
            ("v=0\r\nm=audio\r\na=mid:0\r\nm=video\r\n", format!("v=0\r\nm=audio\r\na=mid:0\r\n{ends}m=video\r\n")),
            ("v=0\nm=audio\n", format!("v=0\r\nm=audio\r\n{ends}")),
            ("v=0\r\n", "v=0\r\n".to_owned()),
            ("", String::new()),
        ] {
            assert_eq!(with_candidates(sdp, &found), expected, "{sdp:?}");
        }
    }

    #[test]
    fn a_candidate_that_is_there_already_is_not_said_twice() {
        let sdp = "v=0\r\nm=audio\r\na=candidate:1\r\n";
        assert_eq!(with_candidates(sdp, &candidates(&["candidate:1"])), format!("{sdp}a=end-of-candidates\r\n"));
    }
}
