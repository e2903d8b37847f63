//! The servers that are reached without a proxy: this machine, and whom `NO_PROXY` names. There is no standard for that
//! variable; this reads it as curl does, and networks as Go does.

use std::net::IpAddr;

use url::Host;

use crate::line::Target;

/// Whom there is a straight way to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exceptions(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    whom: Whom,
    /// Only on this port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// The host of this name and all below it, in lower case.
    Domain(String),
    /// All addresses that share their first bits with this one.
    Network(IpAddr, u8),
}

impl Exceptions {
    /// Reads entries between commas or spaces: `*`, `host`, `.domain` (the same), an address or a network like `10.0.0.0/8`, each
    /// but the last with `:port` if need be. What is none of these matches nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(Entry::parse).collect())
    }

    /// Whether the way to `target` is straight.
    pub(crate) fn cover(&self, target: &Target) -> bool {
        let address = target.ip().map(|address| address.to_canonical());
        let name = match &target.host {
            Host::Domain(name) => Some(name.trim_end_matches('.')),
            _ => None,
        };
        let local = address.is_some_and(|address| address.is_loopback())
            || name.is_some_and(|name| is_within(name, "localhost"));
        local
            || self.0.iter().any(|entry| {
                entry.port.is_none_or(|port| port == target.port)
                    && match &entry.whom {
                        Whom::Everybody => true,
                        Whom::Domain(domain) => name.is_some_and(|name| is_within(name, domain)),
                        Whom::Network(network, bits) => {
                            address.is_some_and(|address| first_bits(address, *bits) == first_bits(*network, *bits))
                        }
                    }
            })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(whom) = network(text) {
            return Some(Self { whom, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if host == "*" {
            return Some(Self { whom: Whom::Everybody, port });
        }
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Some(whom) = network(host) {
            return Some(Self { whom, port });
        }
        let domain = host.trim_start_matches("*.").trim_matches('.').to_lowercase();
        // As the target's name is written: a name in other letters in its form for the wire.
        let domain = match Host::parse(&domain).ok()? {
            Host::Domain(domain) => domain,
            _ => return None,
        };
        Some(Self { whom: Whom::Domain(domain), port })
    }
}

/// An address or a network (`10.0.0.0/8`).
fn network(text: &str) -> Option<Whom> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr =
        address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address).parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all))?;
    match address {
        // Of an IPv4 address inside an IPv6 one, only the whole is meant.
        IpAddr::V6(v6) if bits == 128 => Some(match v6.to_canonical() {
            v4 @ IpAddr::V4(_) => Whom::Network(v4, 32),
            v6 @ IpAddr::V6(_) => Whom::Network(v6, 128),
        }),
        address => Some(Whom::Network(address, bits)),
    }
}

/// The first `bits` of an address, with its family.
fn first_bits(address: IpAddr, bits: u8) -> (bool, u128) {
    let (family, value) = match address {
        IpAddr::V4(address) => (false, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (true, address.to_bits()),
    };
    (family, value.checked_shr(128 - u32::from(bits)).unwrap_or(0))
}

/// Whether `name` is `domain` or below it.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(before) = name.len().checked_sub(domain.len()).and_then(|at| name.split_at_checked(at)) else {
        return false;
    };
    before.1.eq_ignore_ascii_case(domain) && (before.0.is_empty() || before.0.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn covers(exceptions: &str, url: &str) -> bool {
        let target = Target::of(&Url::parse(url).expect("a URL")).expect("a target");
        Exceptions::parse(exceptions).cover(&target)
    }

    #[test]
    fn entries_cover_what_they_name_and_nothing_else() {
        for (exceptions, covered, others) in [
            ("*", vec!["wss://a.example/", "ws://192.0.2.1/"], vec![]),
            (
                "a.example",
                vec!["wss://a.example/", "wss://A.example./", "wss://b.a.example/"],
                vec!["wss://ba.example/"],
            ),
            (".example", vec!["wss://example/", "wss://a.example/"], vec!["wss://anexample/", "wss://example.org/"]),
            ("*.example", vec!["wss://a.example/"], vec!["wss://a.org/"]),
            ("a.example:8443", vec!["wss://a.example:8443/"], vec!["wss://a.example/"]),
            ("x, b.example\tc.example", vec!["ws://b.example/", "ws://c.example/"], vec!["ws://a.example/"]),
            (
                "192.0.2.1",
                vec!["ws://192.0.2.1/", "ws://[::ffff:192.0.2.1]/"],
                vec!["ws://192.0.2.2/", "ws://x.192.0.2.1.org/"],
            ),
            ("192.0.2.1:81", vec!["ws://192.0.2.1:81/"], vec!["ws://192.0.2.1/"]),
            ("10.0.0.0/8", vec!["ws://10.200.0.1/"], vec!["ws://11.0.0.1/", "ws://[a00::1]/", "ws://ten.example/"]),
            ("0.0.0.0/0", vec!["ws://192.0.2.1/"], vec!["ws://[2001:db8::1]/"]),
            ("2001:db8::1", vec!["ws://[2001:db8::1]/"], vec!["ws://[2001:db8::2]/"]),
            ("[2001:db8::1]:81", vec!["ws://[2001:db8::1]:81/"], vec!["ws://[2001:db8::1]/"]),
            ("2001:db8::/32", vec!["ws://[2001:db8:ffff::1]/"], vec!["ws://[2001:db9::1]/"]),
            ("m\u{fc}ller.example", vec!["ws://m\u{fc}ller.example/"], vec!["ws://muller.example/"]),
            ("10.0.0.0/33,:,a:b:c,.", vec![], vec!["ws://10.0.0.0/", "ws://a/"]),
            (
                "",
                vec!["ws://localhost:1/", "ws://a.localhost/", "ws://127.9.9.9/", "wss://[::1]/"],
                vec!["ws://notlocalhost/"],
            ),
        ] {
            for url in covered {
                assert!(covers(exceptions, url), "{exceptions:?} covers {url}");
            }
            for url in others {
                assert!(!covers(exceptions, url), "{exceptions:?} does not cover {url}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,64}") {
            covers(&text, "wss://call.example/");
            covers(&text, "wss://[2001:db8::1]/");
        }
    }
}
