//! What the peer may see of our addresses where only relays may be used: those at relays, and nothing that leads behind them.
//! webrtc-rs gathers nothing else then, but each relayed candidate names the address that it is related to: our own.
//!
//! Elsewhere all is shown but what is of no use to anybody: the ends that streams go out from, which nobody can connect to.

use crate::convert::CandidateLine;
use std::sync::{Mutex, PoisonError};

/// Shows candidates and descriptions of ours to the peer, as they are or without our own addresses.
#[derive(Debug)]
pub(crate) struct Disguise {
    relay_only: bool,
    /// The last description that was shown, and what it was before: webrtc-rs applies no other.
    made: Mutex<Option<(String, String)>>,
}

impl Disguise {
    pub(crate) fn new(relay_only: bool) -> Self {
        Self { relay_only, made: Mutex::default() }
    }

    /// A candidate as the peer may see it; `None`: not at all.
    pub(crate) fn candidate(&self, line: String) -> Option<String> {
        if self.relay_only {
            return unrelated(&line);
        }
        let active = CandidateLine::parse(&line).is_some_and(|line| line.tcp_type.as_deref() == Some("active"));
        (!active).then_some(line)
    }

    /// A description of ours as the peer may see it.
    pub(crate) fn description(&self, sdp: String) -> String {
        let line = |line: &str| match line.strip_prefix("a=candidate:") {
            Some(rest) => self.candidate(format!("candidate:{rest}")).map(|line| format!("a={line}")),
            None => Some(line.to_owned()),
        };
        // RFC 8866 §5: every line ends with CRLF.
        let shown: String = sdp.lines().filter_map(line).map(|line| line + "\r\n").collect();
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some((shown.clone(), sdp));
        shown
    }

    /// What [`description`](Self::description) showed as this; any other text as it is.
    pub(crate) fn undone(&self, shown: String) -> String {
        match &*self.made.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((last, sdp)) if *last == shown => sdp.clone(),
            _ => shown,
        }
    }
}

/// A relayed candidate without the address that it is related to, which is written as one that there is not
/// (RFC 8839 §5.1); `None` for any other.
fn unrelated(line: &str) -> Option<String> {
    let parsed = CandidateLine::parse(line).filter(|candidate| candidate.kind == "relay")?;
    let nowhere = if parsed.address.contains(':') { "::" } else { "0.0.0.0" };
    let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
    for (name, value) in [("raddr", nowhere), ("rport", "0")] {
        if let Some(at) = words.iter().position(|word| *word == name)
            && let Some(word) = words.get_mut(at + 1)
        {
            *word = value;
        }
    }
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "candidate:1 1 udp 2130706431 10.0.0.7 40000 typ host";
    const REFLEXIVE: &str = "candidate:2 1 udp 1694498815 192.0.2.7 40000 typ srflx raddr 10.0.0.7 rport 40000";
    const RELAY: &str = "candidate:3 1 udp 16777215 198.51.100.1 50000 typ relay raddr 10.0.0.7 rport 40000 ufrag x";
    const RELAY_V6: &str = "candidate:4 1 udp 16777215 2001:db8::1 50000 typ relay raddr fd00::7 rport 40000";

    #[test]
    fn where_only_relays_may_be_used_nothing_leads_behind_them() {
        let disguise = Disguise::new(true);
        for (line, shown) in [
            (HOST, None),
            (REFLEXIVE, None),
            (RELAY, Some("candidate:3 1 udp 16777215 198.51.100.1 50000 typ relay raddr 0.0.0.0 rport 0 ufrag x")),
            (RELAY_V6, Some("candidate:4 1 udp 16777215 2001:db8::1 50000 typ relay raddr :: rport 0")),
            ("candidate:garbage", None),
            ("", None),
        ] {
            assert_eq!(disguise.candidate(line.to_owned()).as_deref(), shown, "{line}");
        }
        let open = Disguise::new(false);
        assert_eq!(open.candidate(RELAY.to_owned()).as_deref(), Some(RELAY));
        let over_tcp = |port: u16, end: &str| format!("candidate:5 1 tcp 1 10.0.0.7 {port} typ host tcptype {end}");
        assert_eq!(open.candidate(over_tcp(9, "active")), None);
        assert_eq!(open.candidate(over_tcp(40_000, "passive")), Some(over_tcp(40_000, "passive")));
        assert_eq!(disguise.candidate(over_tcp(40_000, "passive")), None);
    }

    #[test]
    fn a_description_is_shown_without_our_addresses_and_applied_with_them() {
        let sdp = format!("v=0\r\nm=audio 9 X 1\r\na={HOST}\r\na={RELAY}\r\na=mid:0\r\n");
        let disguise = Disguise::new(true);
        let shown = disguise.description(sdp.clone());
        assert!(!shown.contains("10.0.0.7") && shown.contains("198.51.100.1") && shown.ends_with("a=mid:0\r\n"));
        assert_eq!(disguise.undone(shown), sdp);
        assert_eq!(disguise.undone("another".to_owned()), "another");
        assert_eq!(Disguise::new(false).description(sdp.clone()), sdp);
    }
}
