//! One table of a mapping file, emptied key by key; what is left in the end is unknown.
//! Every complaint names the file, the key and what is expected there.

use std::time::Duration;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::hole::Hole;
use super::line::{Line, LineError};
use super::mapping::MappingError;
use super::shape::{Shape, Tree};

/// Shapes under one key, and replies: each received message is laid against all of them.
pub(super) const MAX_SHAPES: usize = 16;

/// A table and where it is.
pub(super) struct Section<'a> {
    pub(super) file: &'a str,
    /// Its keys, with a dot at the end; empty at the top.
    pub(super) path: String,
    pub(super) table: Table,
}

impl Section<'_> {
    pub(super) fn truth(&mut self, key: &str) -> Result<bool, MappingError> {
        match self.table.remove(key) {
            None => Ok(false),
            Some(Value::Boolean(truth)) => Ok(truth),
            Some(_) => Err(self.problem(key, "is wrong: expected true or false")),
        }
    }

    pub(super) fn seconds(&mut self, key: &str) -> Result<Option<Duration>, MappingError> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::Integer(seconds @ 1..=3600)) => Ok(Some(Duration::from_secs(seconds.unsigned_abs()))),
            Some(_) => Err(self.problem(key, "is wrong: expected a number of seconds from 1 to 3600")),
        }
    }

    pub(super) fn section(&mut self, key: &str) -> Result<Self, MappingError> {
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => return Err(self.problem(key, &format!("is wrong: expected a table, [{key}]"))),
        };
        Ok(Self { file: self.file, path: format!("{}{key}.", self.path), table })
    }

    /// A copy of one key, so that it can be read again.
    pub(super) fn peek(&self, key: &str) -> Self {
        let table = self.table.get(key).map(|value| (key.to_owned(), value.clone())).into_iter().collect();
        Self { file: self.file, path: self.path.clone(), table }
    }

    pub(super) fn optional_line(&mut self, key: &str, allowed: &[Hole]) -> Result<Option<Line>, MappingError> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => self.line(key, &text, allowed).map(Some),
            Some(_) => Err(self.problem(key, "is wrong: expected a text")),
        }
    }

    pub(super) fn line(&self, key: &str, text: &str, allowed: &[Hole]) -> Result<Line, MappingError> {
        let line = Line::parse(text).map_err(|error| self.wrong(key, &error))?;
        self.allow(key, &line.holes(), allowed, None)?;
        Ok(line)
    }

    /// At most one shape.
    pub(super) fn shape(
        &mut self,
        key: &str,
        allowed: &[Hole],
        needed: Option<Hole>,
    ) -> Result<Option<Shape>, MappingError> {
        let mut shapes = self.shapes(key, allowed, needed)?;
        match shapes.len() {
            0 | 1 => Ok(shapes.pop()),
            _ => Err(self.problem(key, "is wrong: expected one text or table, not a list")),
        }
    }

    /// A shape, or a list of them; none when the key is missing.
    pub(super) fn shapes(
        &mut self,
        key: &str,
        allowed: &[Hole],
        needed: Option<Hole>,
    ) -> Result<Vec<Shape>, MappingError> {
        let values = match self.table.remove(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) if (1..=MAX_SHAPES).contains(&values.len()) => values,
            Some(Value::Array(_)) => {
                return Err(self.problem(key, &format!("is wrong: expected 1 to {MAX_SHAPES} texts or tables")));
            }
            Some(value) => vec![value],
        };
        values
            .into_iter()
            .map(|value| {
                let shape = self.read_shape(key, value)?;
                let holes: Vec<Hole> = shape.holes().into_iter().filter(|hole| *hole != Hole::Json).collect();
                self.allow(key, &holes, allowed, needed)?;
                Ok(shape)
            })
            .collect()
    }

    fn read_shape(&self, key: &str, value: Value) -> Result<Shape, MappingError> {
        match value {
            Value::String(text) if !text.is_empty() => {
                let line = Line::parse(&text).map_err(|error| self.wrong(key, &error))?;
                match line.holes().contains(&Hole::Json) {
                    false => Ok(Shape::Line(line)),
                    true => Err(self.problem(key, "has `{json}` in a text: expected a table with `line` and `json`")),
                }
            }
            Value::Table(mut table) if table.len() == 2 && table.contains_key("line") && table.contains_key("json") => {
                let Some(Value::String(text)) = table.remove("line") else {
                    return Err(self.problem(&format!("{key}.line"), "is wrong: expected a text that ends in `{json}`"));
                };
                let line = Line::parse(&text).map_err(|error| self.wrong(&format!("{key}.line"), &error))?;
                if !line.ends_in(Hole::Json) {
                    return Err(self.problem(&format!("{key}.line"), "is wrong: expected a text that ends in `{json}`"));
                }
                let key = format!("{key}.json");
                Ok(Shape::Mixed(line, self.tree(&key, table.remove("json").expect("looked at before"))?))
            }
            Value::Table(table) if !table.is_empty() => Ok(Shape::Json(self.tree(key, Value::Table(table))?)),
            _ => Err(self.problem(key, "is wrong: expected a text or a table that is not empty")),
        }
    }

    fn tree(&self, key: &str, value: Value) -> Result<Tree, MappingError> {
        Ok(match value {
            Value::String(text) => {
                let line = Line::parse(&text).map_err(|error| self.wrong(key, &error))?;
                if line.holes().contains(&Hole::Json) {
                    return Err(self.problem(key, "has `{json}` inside of JSON: it goes at the end of `line`"));
                }
                Tree::Text(line)
            }
            Value::Integer(number) => Tree::Exact(Json::from(number)),
            Value::Float(number) => Tree::Exact(Json::from(number)),
            Value::Boolean(truth) => Tree::Exact(Json::from(truth)),
            Value::Datetime(_) => {
                return Err(self.problem(key, "is a date, which JSON does not have: put it in quotes"));
            }
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                Tree::List(
                    items.map(|(index, item)| self.tree(&format!("{key}[{index}]"), item)).collect::<Result<_, _>>()?,
                )
            }
            Value::Table(table) => {
                let members = table.into_iter().map(|(name, value)| {
                    let tree = self.tree(&format!("{key}.{name}"), value)?;
                    Ok((name, tree))
                });
                Tree::Object(members.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Refuses values that mean nothing at `key`, that are there twice, or that lack there.
    fn allow(&self, key: &str, holes: &[Hole], allowed: &[Hole], needed: Option<Hole>) -> Result<(), MappingError> {
        for (index, hole) in holes.iter().enumerate() {
            if !allowed.contains(hole) {
                let names: Vec<String> = allowed.iter().map(|hole| format!("{{{}}}", hole.name())).collect();
                let problem = format!("cannot hold `{{{}}}`: the values here are {}", hole.name(), names.join(", "));
                return Err(self.problem(key, &problem));
            }
            if holes[..index].contains(hole) {
                return Err(self.wrong(key, &LineError::Twice(hole.name())));
            }
        }
        match needed.filter(|needed| !holes.contains(needed)) {
            Some(needed) => Err(self.problem(key, &format!("lacks a place for `{{{}}}`", needed.name()))),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<(), MappingError> {
        match self.table.keys().next() {
            Some(key) => Err(self.problem(key, "is unknown: see mapping.md for the keys that there are")),
            None => Ok(()),
        }
    }

    fn wrong(&self, key: &str, error: &LineError) -> MappingError {
        self.problem(key, &format!("is wrong: {error}"))
    }

    pub(super) fn problem(&self, key: &str, problem: &str) -> MappingError {
        let key = crate::text::one_line(&format!("{}{key}", self.path));
        MappingError::Key { file: self.file.to_owned(), key, problem: problem.to_owned() }
    }
}
