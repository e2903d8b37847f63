//! A text with holes where the values go: it is filled with them and reads them back.
//! A name that has white space in it is one word of a line all the same.

use serde_json::Value;
use thiserror::Error;

use super::hole::{Hole, Missing, Values, store};

/// Why a text is no line with holes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum LineError {
    #[error("`{{{0}}}` is no value: the values are {list}", list = Hole::names())]
    UnknownHole(String),
    #[error("a `{{` without its `}}`: write `{{{{` for a brace that is meant as it is")]
    OpenBrace,
    #[error("a `}}` without its `{{`: write `}}}}` for a brace that is meant as it is")]
    CloseBrace,
    #[error("`{{{0}}}` and `{{{1}}}` touch: nothing would tell where one ends")]
    Touching(&'static str, &'static str),
    #[error("`{{{0}}}` is in it twice")]
    Twice(&'static str),
}

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(Hole),
}

impl Line {
    /// Reads `HELLO {me}`.
    pub(super) fn parse(text: &str) -> Result<Self, LineError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '{' if rest.as_str().starts_with('{') => {
                    rest.next();
                    literal.push('{');
                }
                '}' if rest.as_str().starts_with('}') => {
                    rest.next();
                    literal.push('}');
                }
                '{' => {
                    let (name, after) = rest.as_str().split_once('}').ok_or(LineError::OpenBrace)?;
                    let hole = Hole::named(name).ok_or_else(|| LineError::UnknownHole(crate::text::one_line(name)))?;
                    rest = after.chars();
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    } else if let Some(Part::Hole(before)) = parts.last() {
                        return Err(LineError::Touching(before.name(), hole.name()));
                    }
                    if parts.contains(&Part::Hole(hole)) {
                        return Err(LineError::Twice(hole.name()));
                    }
                    parts.push(Part::Hole(hole));
                }
                '}' => return Err(LineError::CloseBrace),
                _ => literal.push(character),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The holes in it, in order.
    pub(super) fn holes(&self) -> Vec<Hole> {
        let hole = |part: &Part| if let Part::Hole(hole) = part { Some(*hole) } else { None };
        self.0.iter().filter_map(hole).collect()
    }

    /// Whether it ends in this hole.
    pub(super) fn ends_in(&self, hole: Hole) -> bool {
        self.0.last() == Some(&Part::Hole(hole))
    }

    /// The hole that is all there is.
    pub(super) fn only_hole(&self) -> Option<Hole> {
        if let [Part::Hole(hole)] = self.0.as_slice() { Some(*hole) } else { None }
    }

    /// The text with each value as `write` puts it. An optional value that is not known is an empty text.
    pub(super) fn fill(&self, values: &Values, write: impl Fn(Hole, &str) -> String) -> Result<String, Missing> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Hole(Hole::Json) => {}
                Part::Hole(hole) => match values.get(hole) {
                    Some(Value::String(value)) => text.push_str(&write(*hole, value)),
                    Some(other) => text.push_str(&write(*hole, &other.to_string())),
                    None if hole.is_optional() => {}
                    None => return Err(Missing(*hole)),
                },
            }
        }
        Ok(text)
    }

    /// Reads the values out of `text`; `None` when it does not fit. A value ends where the text after it first appears.
    pub(super) fn read(&self, text: &str, values: &mut Values) -> Option<()> {
        let mut rest = text;
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Hole(hole) => {
                    let end = match parts.peek() {
                        Some(Part::Literal(next)) => rest.find(next.as_str())?,
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    rest = after;
                    store(*hole, Value::from(value), values)?;
                }
            }
        }
        rest.is_empty().then_some(())
    }
}

/// What goes into a line: names of ours as words, anything else as it is.
pub(super) fn write(hole: Hole, value: &str) -> String {
    if matches!(hole, Hole::Me | Hole::Room) { word(value) } else { value.to_owned() }
}

/// Whether `value`, as it came, is our name for something.
pub(super) fn is_same(value: &Value, name: &Value) -> bool {
    value == name || matches!((value, name), (Value::String(value), Value::String(name)) if *value == word(name))
}

/// A name as one word of a line: white space, which would begin the next word, is percent-encoded.
fn word(value: &str) -> String {
    let mut word = String::new();
    for character in value.chars() {
        if character.is_whitespace() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                word.push_str(&format!("%{byte:02X}"));
            }
        } else {
            word.push(character);
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shape::{Message, Shape};
    use super::*;

    fn read(shape: &str, text: &str) -> Option<Vec<(&'static str, Value)>> {
        let shape = Shape::Line(Line::parse(shape).expect("a shape"));
        let values = shape.read(&Message::new(text))?;
        Some(values.into_iter().map(|(hole, value)| (hole.name(), value)).collect())
    }

    #[test]
    fn values_are_read_where_the_text_around_them_fits() {
        for (shape, text, expected) in [
            ("HELLO", "HELLO\n", Some(vec![])),
            ("HELLO", "HELLO you", None),
            ("JOINED {peer}", "JOINED bob", Some(vec![("peer", json!("bob"))])),
            ("JOINED {peer}", "JOINED ", None),
            ("OK {others}", "OK ", Some(vec![("others", json!(""))])),
            (
                "SDP {peer} {sdp}",
                "SDP bob v=0 and more",
                Some(vec![("peer", json!("bob")), ("sdp", json!("v=0 and more"))]),
            ),
            ("{{{peer}}}", "{bob}", Some(vec![("peer", json!("bob"))])),
            ("<{candidate}>", "<>", Some(vec![("candidate", json!(""))])),
            ("#{index};", "#7;", Some(vec![("index", json!("7"))])),
            ("#{index};", "#70000;", None),
        ] {
            assert_eq!(read(shape, text), expected, "{shape} on {text}");
        }
    }

    #[test]
    fn what_is_no_shape_says_why() {
        for (text, error) in [
            ("{nobody}", LineError::UnknownHole("nobody".to_owned())),
            ("{peer", LineError::OpenBrace),
            ("peer}", LineError::CloseBrace),
            ("{peer}{sdp}", LineError::Touching("peer", "sdp")),
            ("{peer} {peer}", LineError::Twice("peer")),
        ] {
            assert_eq!(Line::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn names_with_white_space_are_one_word_of_a_line() {
        let room = json!("Küche\u{a0}2 b");
        let line = Shape::Line(Line::parse("ROOM {room}").expect("a shape"));
        let text = line.fill(&Values::from([(Hole::Room, room.clone())])).expect("known");
        assert_eq!(text, "ROOM Küche%C2%A02%20b");
        let values = line.read(&Message::new(&text)).expect("it fits");
        assert!(is_same(&values[&Hole::Room], &room) && is_same(&room, &room) && !is_same(&json!("x"), &room));
    }
}
