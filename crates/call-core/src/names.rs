//! The name of a room, checked once where it enters the program.
//! A [`RoomId`] in hand can be put on the wire, in a log and on the screen as it is.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The name of the room in which two peers meet: 1 to 128 bytes of visible text, no white space at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(String);

impl RoomId {
    /// Longest name in bytes of UTF-8; what the embedded server accepts.
    pub const MAX_BYTES: usize = 128;

    /// Checks `name`.
    ///
    /// # Errors
    /// [`RoomIdError`] says which rule the name breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, RoomIdError> {
        let name = name.into();
        if name.is_empty() {
            return Err(RoomIdError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(RoomIdError::TooLong { bytes: name.len() });
        }
        if name.trim() != name {
            return Err(RoomIdError::SpaceAtEdge);
        }
        match name.chars().find(|&character| !is_visible(character)) {
            Some(character) => Err(RoomIdError::Unprintable { character }),
            None => Ok(Self(name)),
        }
    }

    /// The name as it goes on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RoomId {
    type Err = RoomIdError;

    fn from_str(name: &str) -> Result<Self, RoomIdError> {
        Self::new(name)
    }
}

/// Why a text is not the name of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomIdError {
    /// No text at all.
    Empty,
    /// More than [`RoomId::MAX_BYTES`] bytes.
    TooLong {
        /// Length of the text in bytes of UTF-8.
        bytes: usize,
    },
    /// White space at the beginning or the end.
    SpaceAtEdge,
    /// A control character, or one that shows nothing, so that two names could look alike.
    Unprintable {
        /// The first such character.
        character: char,
    },
}

impl fmt::Display for RoomIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a room needs a name: give at least one character"),
            Self::TooLong { bytes } => write!(f, "the room name has {bytes} bytes: use at most {}", RoomId::MAX_BYTES),
            Self::SpaceAtEdge => write!(f, "the room name begins or ends with white space: remove it"),
            Self::Unprintable { character } => write!(
                f,
                "the room name contains the unprintable character {}: use visible characters",
                character.escape_unicode()
            ),
        }
    }
}

impl Error for RoomIdError {}

/// Whether a character shows something and leaves the direction of the text alone.
fn is_visible(character: char) -> bool {
    let format_only = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
        // Zero-width and directional marks, line separators, embeddings and isolates.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        // Interlinear annotation and tags.
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !format_only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_give_are_taken_as_they_are() {
        let longest = "x".repeat(RoomId::MAX_BYTES);
        for name in ["k", "kitchen", "Küche 2", "台所", "a/b@c.d", "🍳", &longest] {
            let room = RoomId::new(name).expect("a good name");
            assert_eq!(room.as_str(), name);
            assert_eq!(room.to_string(), name);
            assert_eq!(name.parse(), Ok(room));
        }
    }

    #[test]
    fn names_that_cannot_be_shown_or_sent_are_refused() {
        let too_long = "ü".repeat(65);
        let unprintable = |character| RoomIdError::Unprintable { character };
        for (name, error) in [
            ("", RoomIdError::Empty),
            (&too_long, RoomIdError::TooLong { bytes: 130 }),
            (" kitchen", RoomIdError::SpaceAtEdge),
            ("kitchen\n", RoomIdError::SpaceAtEdge),
            ("kit\tchen", unprintable('\t')),
            ("kit\0chen", unprintable('\0')),
            ("kit\u{200b}chen", unprintable('\u{200b}')),
            ("kit\u{202e}chen", unprintable('\u{202e}')),
            ("\u{feff}kitchen", unprintable('\u{feff}')),
        ] {
            assert_eq!(RoomId::new(name), Err(error.clone()), "{name:?}");
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}
