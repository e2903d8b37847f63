//! The places in a message where values go, and what can be a value there.
//! Their names are the words that a mapping file writes in braces.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of one message.
pub(super) type Values = BTreeMap<Hole, Value>;

/// A value that a message needs is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) Hole);

/// A place in a message where a value goes, written `{name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hole {
    Agent,
    Candidate,
    IceServers,
    Index,
    /// Where the JSON of a line begins; never a value.
    Json,
    Key,
    Me,
    Mid,
    Others,
    Peer,
    Reason,
    Room,
    Sdp,
    Someone,
    Ufrag,
}

impl Hole {
    const ALL: [(&'static str, Self); 15] = [
        ("agent", Self::Agent),
        ("candidate", Self::Candidate),
        ("ice_servers", Self::IceServers),
        ("index", Self::Index),
        ("json", Self::Json),
        ("key", Self::Key),
        ("me", Self::Me),
        ("mid", Self::Mid),
        ("others", Self::Others),
        ("peer", Self::Peer),
        ("reason", Self::Reason),
        ("room", Self::Room),
        ("sdp", Self::Sdp),
        ("someone", Self::Someone),
        ("ufrag", Self::Ufrag),
    ];

    /// The hole of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, hole)| *hole)
    }

    /// All names, for an error.
    pub(super) fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// The name without its braces.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, hole)| *hole == self).map(|(name, _)| *name).expect("every hole has a name")
    }

    /// A message without this value is still whole: its member is left out, or missing.
    pub(super) fn is_optional(self) -> bool {
        matches!(
            self,
            Self::IceServers | Self::Index | Self::Key | Self::Mid | Self::Others | Self::Reason | Self::Ufrag
        )
    }

    /// Whether JSON of this kind can be the value; null is none.
    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::IceServers => true,
            Self::Index => value.is_u64() || value.as_str().is_some_and(|text| text.parse::<u16>().is_ok()),
            Self::Others => value.is_string() || value.is_array(),
            Self::Someone => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
            Self::Me | Self::Peer => is_name(value),
            _ => value.is_string(),
        }
    }
}

/// Whether this can be the name of a member: a text or a number, and not one that only costs memory.
pub(super) fn is_name(value: &Value) -> bool {
    /// In bytes; servers give out UUIDs or let people choose a word.
    const LONGEST: usize = 256;
    value.is_number() || value.as_str().is_some_and(|name| (1..=LONGEST).contains(&name.len()))
}

/// Keeps what stands in a hole; `None` when that cannot be.
pub(super) fn store(hole: Hole, value: Value, values: &mut Values) -> Option<()> {
    let nothing = value.is_null() || value.as_str().is_some_and(str::is_empty);
    // That there are no others is a value, too.
    if nothing && hole.is_optional() && !(hole == Hole::Others && value.is_string()) {
        return Some(());
    }
    // A browser ends its candidates with an empty text or null.
    let value = if value.is_null() && hole == Hole::Candidate { Value::from("") } else { value };
    let empty = value.as_str().is_some_and(str::is_empty) && !matches!(hole, Hole::Candidate | Hole::Others);
    if empty || !hole.takes(&value) {
        return None;
    }
    values.insert(hole, value);
    Some(())
}
