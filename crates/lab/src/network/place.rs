//! The hosts, the links between each of them and the core, and the ways through both.

use std::fmt;
use std::str::FromStr;

/// A host, or the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Who calls; the sender that is judged.
    A,
    /// Who is called.
    B,
    /// The server: signaling, STUN and TURN, a file to download.
    S,
}

/// Which way a link goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the host to the core.
    Up,
    /// From the core to the host.
    Down,
}

/// One of the six one-way links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkName {
    /// Whose.
    pub port: Port,
    /// Which way.
    pub direction: Direction,
}

/// A way through the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it begins.
    pub from: Port,
    /// Where it ends.
    pub to: Port,
}

impl Port {
    /// All three.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::S];

    /// `a`, `b` or `s`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::S => "s",
        }
    }

    /// The last byte of its address on the network between namespaces.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::A => 1,
            Self::B => 2,
            Self::S => 9,
        }
    }

    /// Its link to the core.
    pub const fn up(self) -> LinkName {
        LinkName { port: self, direction: Direction::Up }
    }

    /// Its link from the core.
    pub const fn down(self) -> LinkName {
        LinkName { port: self, direction: Direction::Down }
    }
}

impl LinkName {
    /// All six, the up-link of each host before its down-link.
    pub const ALL: [Self; 6] = {
        let [a, b, s] = Port::ALL;
        [a.up(), a.down(), b.up(), b.down(), s.up(), s.down()]
    };
}

impl Path {
    /// From a to b: the direction that is judged.
    pub const A_TO_B: Self = Self { from: Port::A, to: Port::B };
    /// From b to a.
    pub const B_TO_A: Self = Self { from: Port::B, to: Port::A };

    /// The links it passes, in this order.
    pub const fn links(self) -> [LinkName; 2] {
        [self.from.up(), self.to.down()]
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `a.up`
impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        write!(f, "{}.{direction}", self.port)
    }
}

/// Neither a host nor a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in the network: write a, b or s for a host, a.up or a.down for its links")]
pub struct UnknownPlace(String);

impl FromStr for Port {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        Self::ALL.into_iter().find(|port| port.name() == text).ok_or_else(|| UnknownPlace(text.to_owned()))
    }
}

impl FromStr for LinkName {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        Self::ALL.into_iter().find(|link| link.to_string() == text).ok_or_else(|| UnknownPlace(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_back_as_they_are_written() {
        for link in LinkName::ALL {
            assert_eq!(link.to_string().parse(), Ok(link));
            assert_eq!(link.port.to_string().parse(), Ok(link.port));
        }
        assert!("c".parse::<Port>().is_err());
        assert!("a.left".parse::<LinkName>().unwrap_err().to_string().contains("a.left"));
    }
}
