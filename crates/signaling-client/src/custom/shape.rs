//! What one message looks like, with holes where the values go: one shape writes messages and reads them.
//! Reading never fails on foreign text, it only does not fit; what does not appear in the shape may be there or not.

use serde_json::{Map, Value};

use super::hole::{Hole, Missing, Values, store};
use super::line::{Line, write};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
}
