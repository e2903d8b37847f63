//! How many of a peer's candidates are used. ICE checks all pairs anew with each candidate that comes, so their cost grows with
//! the square of their number: without a bound, a peer could have us flood the network, or others, with checks.

use crate::convert::CandidateLine;
use std::collections::HashSet;
use std::net::SocketAddr;

/// As RFC 8445 §6.1.2.5 recommends for pairs. Machines with very many addresses have some dozens.
const MAX_CANDIDATES: usize = 100;

/// Of those, names that multicast DNS is asked for again and again: one for each of the peer's interfaces.
const MAX_NAMES: usize = 16;

/// Addresses that a stream may be opened to: one for each of the peer's interfaces, as we have no say in whose they are.
const MAX_STREAMS: usize = 8;

/// Longer than any candidate with all its extensions.
const MAX_LINE: usize = 512;

/// The candidates of the peer's current ICE generation.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    fragment: Option<String>,
    lines: HashSet<String>,
    names: usize,
    streams: HashSet<SocketAddr>,
}

impl Admission {
    /// Whether to use this candidate: it is one over UDP, and there is room. One that was admitted before is again, as descriptions
    /// repeat them.
    pub(crate) fn admits(&mut self, line: &str) -> bool {
        let line = line.strip_prefix("a=").unwrap_or(line).trim();
        if self.lines.contains(line) {
            return true;
        }
        let Some(candidate) = CandidateLine::parse(line).filter(|_| line.len() <= MAX_LINE) else { return false };
        if candidate.protocol != "udp" {
            return false;
        }
        let name = candidate.address.ends_with(".local");
        if self.lines.len() == MAX_CANDIDATES || (name && self.names == MAX_NAMES) {
            return false;
        }
        self.names += usize::from(name);
        self.lines.insert(line.to_owned())
    }

    /// Where to open a stream to for this candidate: it says that one may, there is room, and it was not admitted before.
    pub(crate) fn stream(&mut self, line: &str, permits: impl Fn(SocketAddr) -> bool) -> Option<SocketAddr> {
        let candidate = CandidateLine::parse(line).filter(|_| line.len() <= MAX_LINE)?;
        // Names of multicast DNS are not looked up for this.
        let address = SocketAddr::new(candidate.address.parse().ok()?, candidate.port);
        let free =
            candidate.tcp_type.as_deref() == Some("passive") && permits(address) && self.streams.len() < MAX_STREAMS;
        (free && self.streams.insert(address)).then_some(address)
    }

    /// The description without the candidates over TCP, and those that are too many or none at all. New ICE credentials begin a new count (RFC 8445 §9).
    pub(crate) fn limit(&mut self, sdp: &str) -> String {
        let fragment = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        if fragment != self.fragment.as_deref() {
            *self = Self { fragment: fragment.map(str::to_owned), ..Self::default() };
        }
        sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:") || self.admits(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, host: &str) -> String {
        format!("candidate:{number} 1 udp 1 {host} 9 typ host")
    }

    #[test]
    fn what_is_too_many_is_left_out_and_what_was_admitted_stays() {
        let mut admission = Admission::default();
        let admitted = (0..1_000).filter(|&number| admission.admits(&line(number, "192.0.2.1"))).count();
        assert_eq!(admitted, MAX_CANDIDATES);
        assert!(admission.admits(&format!("a={}\r\n", line(0, "192.0.2.1"))));
        assert!(!admission.admits(&line(1_000, "192.0.2.1")));
    }

    #[test]
    fn few_names_are_asked_for() {
        let mut admission = Admission::default();
        let names = (0..1_000).filter(|&number| admission.admits(&line(number, "x.local"))).count();
        assert_eq!(names, MAX_NAMES);
        assert!(admission.admits(&line(1, "192.0.2.1")));
        assert!(!admission.admits(&line(2, &"x".repeat(MAX_LINE))));
    }

    #[test]
    fn few_streams_are_opened_each_once_and_only_to_those_who_wait_for_one() {
        let mut admission = Admission::default();
        let over_tcp = |port: u16, end: &str| format!("candidate:1 1 tcp 1 192.0.2.1 {port} typ host {end}");
        for end in ["", "tcptype active", "tcptype so", "tcptype"] {
            assert_eq!(admission.stream(&over_tcp(9_000, end), |_| true), None, "{end}");
        }
        assert_eq!(admission.stream("candidate:1 1 udp 1 192.0.2.1 9000 typ host tcptype passive", |_| true), None);
        assert_eq!(admission.stream("candidate:1 1 tcp 1 x.local 9000 typ host tcptype passive", |_| true), None);
        assert_eq!(admission.stream(&over_tcp(9_000, "tcptype passive"), |_| false), None);
        let ports = || (9_000..9_100).chain(9_000..9_100);
        let opened = ports().filter_map(|port| admission.stream(&over_tcp(port, "tcptype passive"), |_| true));
        assert_eq!(opened.map(|address| address.port()).collect::<Vec<_>>(), (9_000..9_008).collect::<Vec<_>>());
        assert!(!admission.admits(&over_tcp(9_000, "tcptype passive")), "not with those over UDP");
    }

    #[test]
    fn a_description_keeps_all_its_other_lines_and_a_new_generation_counts_anew() {
        let many: String = (0..500).map(|number| format!("a={}\r\n", line(number, "192.0.2.1"))).collect();
        let mut admission = Admission::default();
        for fragment in ["one", "two"] {
            let kept = admission.limit(&format!("v=0\r\na=ice-ufrag:{fragment}\r\n{many}a=mid:0\r\n"));
            assert_eq!(kept.lines().count(), MAX_CANDIDATES + 3);
            assert!(kept.ends_with("a=mid:0\r\n"));
        }
    }
}
