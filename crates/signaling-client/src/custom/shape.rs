//! What one message looks like, with holes where the values go: one shape writes messages and reads them.
//! Reading never fails on foreign text, it only does not fit; what does not appear in the shape may be there or not.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::hole::Hole;

/// The values of one message.
pub(super) type Values = BTreeMap<Hole, Value>;

/// Why a text is not a shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ShapeError {
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

/// A value that a message needs is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) Hole);

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(Hole),
}

/// A JSON value with holes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A number or a truth value, as it is.
    Exact(Value),
    /// A text; one that is nothing but a hole takes the value in its own JSON type.
    Text(Line),
    Object(Vec<(String, Tree)>),
    List(Vec<Tree>),
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Plain text.
    Line(Line),
    /// A JSON object or array.
    Json(Tree),
    /// Plain text that ends in JSON.
    Mixed(Line, Tree),
}

impl Line {
    /// Reads `HELLO {me}`.
    pub(super) fn parse(text: &str) -> Result<Self, ShapeError> {
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
                    let (name, after) = rest.as_str().split_once('}').ok_or(ShapeError::OpenBrace)?;
                    let hole = Hole::named(name).ok_or_else(|| ShapeError::UnknownHole(crate::text::one_line(name)))?;
                    rest = after.chars();
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    } else if let Some(Part::Hole(before)) = parts.last() {
                        return Err(ShapeError::Touching(before.name(), hole.name()));
                    }
                    if parts.contains(&Part::Hole(hole)) {
                        return Err(ShapeError::Twice(hole.name()));
                    }
                    parts.push(Part::Hole(hole));
                }
                '}' => return Err(ShapeError::CloseBrace),
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

    fn only_hole(&self) -> Option<Hole> {
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
    fn read(&self, text: &str, values: &mut Values) -> Option<()> {
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

impl Tree {
    /// The holes in it, in order.
    pub(super) fn holes(&self) -> Vec<Hole> {
        match self {
            Self::Exact(_) => Vec::new(),
            Self::Text(line) => line.holes(),
            Self::Object(members) => members.iter().flat_map(|(_, tree)| tree.holes()).collect(),
            Self::List(items) => items.iter().flat_map(Self::holes).collect(),
        }
    }

    /// `None` for a member to leave out.
    fn fill(&self, values: &Values) -> Result<Option<Value>, Missing> {
        Ok(Some(match self {
            Self::Exact(value) => value.clone(),
            Self::Text(line) => match line.only_hole() {
                Some(hole) => match values.get(&hole) {
                    Some(value) => value.clone(),
                    None if hole.is_optional() => return Ok(None),
                    None => return Err(Missing(hole)),
                },
                None => Value::from(line.fill(values, |_, value| value.to_owned())?),
            },
            Self::Object(members) => {
                let mut object = Map::new();
                for (name, tree) in members {
                    if let Some(value) = tree.fill(values)? {
                        object.insert(name.clone(), value);
                    }
                }
                Value::Object(object)
            }
            // Leaving an item out would move the others.
            Self::List(items) => items
                .iter()
                .map(|item| Ok(item.fill(values)?.unwrap_or_default()))
                .collect::<Result<_, Missing>>()
                .map(Value::Array)?,
        }))
    }

    /// Reads the values out of `value`; `None` when it does not fit.
    fn read(&self, value: &Value, values: &mut Values) -> Option<()> {
        match (self, value) {
            (Self::Exact(expected), _) => (expected == value).then_some(()),
            (Self::Text(line), _) => match (line.only_hole(), value) {
                (Some(hole), _) => store(hole, value.clone(), values),
                (None, Value::String(text)) => line.read(text, values),
                (None, _) => None,
            },
            (Self::Object(members), Value::Object(object)) => {
                members.iter().try_for_each(|(name, tree)| tree.read(object.get(name).unwrap_or(&Value::Null), values))
            }
            (Self::List(items), Value::Array(array)) if array.len() >= items.len() => {
                items.iter().zip(array).try_for_each(|(tree, item)| tree.read(item, values))
            }
            _ => None,
        }
    }
}

/// Keeps what stands in a hole; `None` when that cannot be.
fn store(hole: Hole, value: Value, values: &mut Values) -> Option<()> {
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

/// A message as it came, looked at by one shape after the other.
pub(super) struct Message<'a> {
    text: &'a str,
    json: Option<Value>,
}

impl<'a> Message<'a> {
    /// Reads the text as JSON once, if it is any.
    pub(super) fn new(text: &'a str) -> Self {
        // Some servers end each frame with a line end.
        let text = text.trim_end_matches(['\r', '\n']);
        Self { text, json: serde_json::from_str(text).ok() }
    }
}

impl Shape {
    /// The holes in it, in order.
    pub(super) fn holes(&self) -> Vec<Hole> {
        match self {
            Self::Line(line) => line.holes(),
            Self::Json(tree) => tree.holes(),
            Self::Mixed(line, tree) => line.holes().into_iter().chain(tree.holes()).collect(),
        }
    }

    /// The message with these values in its holes.
    pub(super) fn fill(&self, values: &Values) -> Result<String, Missing> {
        let json = |tree: &Tree| tree.fill(values).map(|value| value.unwrap_or_default().to_string());
        match self {
            Self::Line(line) => line.fill(values, write),
            Self::Json(tree) => json(tree),
            Self::Mixed(line, tree) => Ok(line.fill(values, write)? + &json(tree)?),
        }
    }

    /// The values in `message`, if it is of this shape.
    pub(super) fn read(&self, message: &Message<'_>) -> Option<Values> {
        let mut values = Values::new();
        match self {
            Self::Line(line) => line.read(message.text, &mut values)?,
            Self::Json(tree) => tree.read(message.json.as_ref()?, &mut values)?,
            Self::Mixed(line, tree) => {
                // It is a text until the JSON begins, whatever that is.
                line.read(message.text, &mut values)?;
                let json = values.remove(&Hole::Json)?;
                tree.read(&serde_json::from_str(json.as_str()?).ok()?, &mut values)?;
            }
        }
        Some(values)
    }
}

/// What goes into a line: names of ours as words, anything else as it is.
fn write(hole: Hole, value: &str) -> String {
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
            ("{nobody}", ShapeError::UnknownHole("nobody".to_owned())),
            ("{peer", ShapeError::OpenBrace),
            ("peer}", ShapeError::CloseBrace),
            ("{peer}{sdp}", ShapeError::Touching("peer", "sdp")),
            ("{peer} {peer}", ShapeError::Twice("peer")),
        ] {
            assert_eq!(Line::parse(text), Err(error), "{text}");
        }
    }

    fn tree() -> Tree {
        let text = |text| Tree::Text(Line::parse(text).expect("a shape"));
        Tree::Object(vec![
            ("kind".to_owned(), text("ice")),
            ("version".to_owned(), Tree::Exact(json!(2))),
            ("ice".to_owned(), Tree::List(vec![text("a={candidate}"), text("{index}")])),
            ("mid".to_owned(), text("{mid}")),
        ])
    }

    #[test]
    fn json_is_written_and_read_with_the_same_shape() {
        let shape = Shape::Json(tree());
        let candidate = (Hole::Candidate, json!("candidate:1"));
        let mut values = Values::from([candidate, (Hole::Index, json!(0)), (Hole::Mid, json!("audio"))]);
        let text = shape.fill(&values).expect("all values are known");
        assert_eq!(text, r#"{"ice":["a=candidate:1",0],"kind":"ice","mid":"audio","version":2}"#);
        assert_eq!(shape.read(&Message::new(&text)).as_ref(), Some(&values));
        // A member is left out, a place in a list is not.
        values.remove(&Hole::Mid);
        values.remove(&Hole::Index);
        let text = shape.fill(&values).expect("the rest is optional");
        assert_eq!(text, r#"{"ice":["a=candidate:1",null],"kind":"ice","version":2}"#);
        assert_eq!(shape.read(&Message::new(&text)), Some(values));
        assert_eq!(shape.fill(&Values::new()), Err(Missing(Hole::Candidate)));
    }

    #[test]
    fn json_that_differs_where_the_shape_is_fixed_does_not_fit() {
        let shape = Shape::Json(tree());
        let good = json!({ "kind": "ice", "version": 2, "ice": ["a=c", 0, "more"], "mid": null, "other": {} });
        assert!(shape.read(&Message::new(&good.to_string())).is_some());
        for (pointer, value) in [
            ("/kind", json!("sdp")),
            ("/version", json!("2")),
            ("/ice", json!(["a=c"])),
            ("/ice/0", json!("c")),
            ("/ice/1", json!(true)),
            ("/mid", json!(7)),
        ] {
            let mut other = good.clone();
            *other.pointer_mut(pointer).expect("a member") = value;
            let fits = shape.read(&Message::new(&other.to_string())).is_some();
            assert!(!fits, "{other}");
        }
        assert!(shape.read(&Message::new("[]")).is_none() && shape.read(&Message::new("ice")).is_none());
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
