//! Candidates on their way to a media server: as a fragment of an SDP (RFC 8840 §9) that follows the offer, or within the offer.
//! All media share the transport of the offer's first section, so the candidates are said there.

use call_core::Candidate;

/// The content of a PATCH with `candidates`, for the session that `offer` began (RFC 9725 §4.3.1).
pub(crate) fn fragment(offer: &str, candidates: &[Candidate]) -> String {
    let line = |prefix: &str| offer.lines().find(|line| line.starts_with(prefix));
    let first = ["a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:"].into_iter().filter_map(line).map(str::to_owned);
    // RFC 8866 §5: every line ends with CRLF.
    first.chain(candidates.iter().map(attribute)).map(|line| line + "\r\n").collect()
}

/// `offer` with `candidates` at the end of its first media section.
pub(crate) fn with_candidates(offer: &str, candidates: &[Candidate]) -> String {
    let mut sections = 0;
    let mut whole = String::with_capacity(offer.len());
    let attributes: String = candidates.iter().map(|candidate| attribute(candidate) + "\r\n").collect();
    for line in offer.lines() {
        sections += usize::from(line.starts_with("m="));
        if sections == 2 && line.starts_with("m=") {
            whole.push_str(&attributes);
        }
        whole.push_str(line);
        whole.push_str("\r\n");
    }
    if sections == 1 {
        whole.push_str(&attributes);
    }
    whole
}

fn attribute(candidate: &Candidate) -> String {
    format!("a={}", candidate.candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str =
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=mid:0\r\nm=video 9 X 1\r\n";

    fn candidates() -> Vec<Candidate> {
        ["candidate:1", "candidate:2"]
            .map(|line| Candidate { candidate: line.to_owned(), ..Candidate::default() })
            .to_vec()
    }

    #[test]
    fn a_fragment_names_the_generation_and_the_section() {
        assert_eq!(
            fragment(OFFER, &candidates()),
            "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:1\r\na=candidate:2\r\n"
        );
    }

    #[test]
    fn an_offer_takes_candidates_in_its_first_section() {
        let expected = OFFER.replace("m=video", "a=candidate:1\r\na=candidate:2\r\nm=video");
        assert_eq!(with_candidates(OFFER, &candidates()), expected);
        assert_eq!(with_candidates("v=0\r\nm=audio\r\n", &candidates()[..1]), "v=0\r\nm=audio\r\na=candidate:1\r\n");
        assert_eq!(with_candidates(OFFER, &[]), OFFER);
    }
}
