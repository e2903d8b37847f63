//! Descriptions and candidates between our plain types and those of webrtc-rs.
//! Texts from outside are only parsed here and by webrtc-rs; what does not parse is an error, never a panic.

use crate::PeerError;
use call_core::{Candidate, Description, DescriptionKind};
use webrtc::peer_connection::{RTCIceCandidateInit, RTCSessionDescription};

/// Parses a description; a rollback needs no text.
pub(crate) fn session_description(description: Description) -> Result<RTCSessionDescription, PeerError> {
    match description.kind {
        DescriptionKind::Offer => RTCSessionDescription::offer(description.sdp),
        DescriptionKind::Answer => RTCSessionDescription::answer(description.sdp),
        DescriptionKind::Rollback => RTCSessionDescription::rollback(None),
    }
    .map_err(|error| PeerError::Description(error.to_string()))
}

/// What every candidate of ours is labelled with: all media sections share one transport (BUNDLE), the first one's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CandidateLabel {
    mid: Option<String>,
    username_fragment: Option<String>,
}

impl CandidateLabel {
    /// The first media section's `a=mid`, and the `a=ice-ufrag`, of our own description.
    pub(crate) fn of(sdp: &str) -> Self {
        let value =
            |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
        Self { mid: value("a=mid:"), username_fragment: value("a=ice-ufrag:") }
    }

    pub(crate) fn label(&self, candidate: String) -> Candidate {
        Candidate {
            candidate,
            sdp_mid: Some(self.mid.clone().unwrap_or_else(|| "0".into())),
            sdp_m_line_index: Some(0),
            username_fragment: self.username_fragment.clone(),
        }
    }
}

/// The parts of a `candidate:` line that we look at ourselves (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CandidateLine {
    pub(crate) protocol: String,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) kind: String,
    /// What a stream's end does, `active` or `passive` (RFC 6544 §4.5); over TCP only.
    pub(crate) tcp_type: Option<String>,
}

impl CandidateLine {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.strip_prefix("a=").unwrap_or(line);
        let mut words = line.strip_prefix("candidate:").unwrap_or(line).split_ascii_whitespace();
        let (_foundation, _component) = (words.next()?, words.next()?);
        let protocol = words.next()?.to_ascii_lowercase();
        let _priority = words.next()?;
        let (address, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        (words.next()? == "typ").then_some(())?;
        let kind = words.next()?.to_owned();
        let tcp_type =
            words.skip_while(|word| *word != "tcptype").nth(1).filter(|_| protocol == "tcp").map(str::to_owned);
        Some(Self { protocol, address, port, kind, tcp_type })
    }
}

/// A candidate of the peer for webrtc-rs.
pub(crate) fn candidate_init(candidate: Candidate) -> RTCIceCandidateInit {
    RTCIceCandidateInit {
        candidate: candidate.candidate,
        sdp_mid: candidate.sdp_mid,
        sdp_mline_index: candidate.sdp_m_line_index,
        username_fragment: candidate.username_fragment,
        url: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_labelled_with_the_first_section_of_our_description() {
        let sdp =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\na=mid:sound\r\nm=video 9 X 1\r\na=mid:1\r\n";
        let candidate = CandidateLabel::of(sdp).label("candidate:x".into());
        assert_eq!(candidate.sdp_mid.as_deref(), Some("sound"));
        assert_eq!(candidate.sdp_m_line_index, Some(0));
        assert_eq!(candidate.username_fragment.as_deref(), Some("abcd"));
        assert_eq!(CandidateLabel::of("garbage").label(String::new()).sdp_mid.as_deref(), Some("0"));
    }

    #[test]
    fn a_candidate_line_gives_its_address_and_kind_or_nothing() {
        let line = "candidate:1 1 UDP 2130706431 fd00::2 40000 typ host generation 0";
        let parsed = CandidateLine::parse(line).expect("well formed");
        assert_eq!((parsed.protocol.as_str(), parsed.address.as_str(), parsed.port), ("udp", "fd00::2", 40000));
        assert_eq!((parsed.kind.as_str(), parsed.tcp_type), ("host", None));
        let over_tcp = "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active generation 0";
        assert_eq!(CandidateLine::parse(over_tcp).and_then(|line| line.tcp_type).as_deref(), Some("active"));
        for bad in
            ["", "candidate:", "candidate:1 1 udp x a 99999999 typ host", "1 1 udp 1 a 1 type host", "\u{0}\u{fffd}"]
        {
            assert_eq!(CandidateLine::parse(bad), None, "{bad}");
        }
    }
}
