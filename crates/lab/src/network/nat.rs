//! The routers that stand between a host and the rest of the network, as rules for nft.
//!
//! | kind | mapping | filter | a UDP hole punch connects it with |
//! |---|---|---|---|
//! | `none` | no router | | all but `noudp` |
//! | `full` | endpoint-independent | none | all but `noudp` |
//! | `cone` | endpoint-independent, the port kept | address and port | none, full, cone |
//! | `sym` | another port for each peer | address and port | none, full |
//! | `noudp` | UDP is dropped | | none: TURN over TCP remains |
//!
//! Packets that come before the hole is punched are dropped without an answer: a router that answers them, or takes them
//! in, claims the pair of ports in its connection tracking and so changes the mapping, which real ones do not.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A kind of router; the words are those of RFC 4787 and, in brackets, RFC 3489.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nat {
    /// No router: the host itself is on the network.
    #[default]
    None,
    /// Endpoint-independent mapping and filtering (full cone).
    Full,
    /// Endpoint-independent mapping, address and port-dependent filtering (port-restricted cone).
    Cone,
    /// Address and port-dependent mapping and filtering (symmetric).
    Symmetric,
    /// As [`Nat::Cone`] for TCP; UDP does not pass.
    NoUdp,
}

impl Nat {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::None, Self::Full, Self::Cone, Self::Symmetric, Self::NoUdp];

    /// What nft is told on the router, whose outer device is `outside`; `None` without a router.
    pub(crate) fn rules(self, outside: &str, host: Ipv4Addr) -> Option<String> {
        let masquerade = if self == Self::Symmetric { "masquerade fully-random" } else { "masquerade" };
        let closed = format!("iifname {outside} ct state new drop;");
        let from_outside = match self {
            Self::None => return None,
            Self::Full => format!(
                "chain enter {{ type nat hook prerouting priority dstnat; \
                 iifname {outside} meta l4proto udp dnat to {host}; }}"
            ),
            Self::Cone | Self::Symmetric => {
                format!("chain through {{ type filter hook forward priority filter; {closed} }}")
            }
            Self::NoUdp => {
                format!("chain through {{ type filter hook forward priority filter; meta l4proto udp drop; {closed} }}")
            }
        };
        Some(format!(
            "table ip lab {{\n\
             chain leave {{ type nat hook postrouting priority srcnat; oifname {outside} {masquerade}; }}\n\
             chain local {{ type filter hook input priority filter; {closed} }}\n\
             {from_outside}\n}}\n"
        ))
    }
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Full => "full",
            Self::Cone => "cone",
            Self::Symmetric => "sym",
            Self::NoUdp => "noudp",
        })
    }
}

/// Not a kind of router.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of router: write none, full, cone, sym or noudp")]
pub struct UnknownNat(String);

impl FromStr for Nat {
    type Err = UnknownNat;

    fn from_str(text: &str) -> Result<Self, UnknownNat> {
        Self::ALL.into_iter().find(|nat| nat.to_string() == text).ok_or_else(|| UnknownNat(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_back_as_they_are_written() {
        for nat in Nat::ALL {
            assert_eq!(nat.to_string().parse(), Ok(nat));
        }
        assert!("fullcone".parse::<Nat>().is_err());
    }

    #[test]
    fn every_router_hides_its_host_and_none_has_no_rules() {
        for nat in Nat::ALL {
            let rules = nat.rules("lab0", Ipv4Addr::new(10, 202, 1, 2));
            assert_eq!(rules.is_none(), nat == Nat::None);
            assert!(rules.is_none_or(|rules| rules.contains("oifname lab0 masquerade")));
        }
    }
}
