//! The members of one request, taken out one by one: each is what it must be, or the request says what it lacks.
//! What is left at the end is a mistake and not a wish.

use serde_json::{Map, Value};

use crate::read::AskError;

/// The longest word for a device, file, room or server, in bytes.
const WORD_BYTES: usize = 4096;

/// What is left of a request.
pub(crate) struct Members {
    /// What is asked for.
    wish: &'static str,
    left: Map<String, Value>,
}

impl Members {
    pub(crate) fn new(wish: &'static str, left: Map<String, Value>) -> Self {
        Self { wish, left }
    }

    /// True or false.
    pub(crate) fn flag(&mut self, member: &'static str) -> Result<bool, AskError> {
        self.maybe_flag(member)?.ok_or(self.lacks(member, "true or false"))
    }

    /// True or false, where it is given.
    pub(crate) fn maybe_flag(&mut self, member: &'static str) -> Result<Option<bool>, AskError> {
        match self.given(member) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.lacks(member, "true or false")),
        }
    }

    /// A word that is spelled as on the command line.
    pub(crate) fn word(&mut self, member: &'static str) -> Result<String, AskError> {
        self.maybe_word(member)?.ok_or(self.lacks(member, "spelled as on the command line"))
    }

    /// Such a word, where it is given.
    pub(crate) fn maybe_word(&mut self, member: &'static str) -> Result<Option<String>, AskError> {
        match self.given(member) {
            None => Ok(None),
            Some(Value::String(word)) if !word.is_empty() && word.len() <= WORD_BYTES => Ok(Some(word)),
            Some(_) => Err(self.lacks(member, "spelled as on the command line")),
        }
    }

    /// A text of 1 to so many bytes.
    pub(crate) fn text(&mut self, member: &'static str, most: usize, what: &'static str) -> Result<String, AskError> {
        match self.given(member) {
            Some(Value::String(text)) if !text.is_empty() && text.len() <= most => Ok(text),
            _ => Err(self.lacks(member, what)),
        }
    }

    /// One of these words.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        member: &'static str,
        words: &[(&str, T)],
        what: &'static str,
    ) -> Result<T, AskError> {
        let given = self.given(member);
        let found = words.iter().find(|(word, _)| given.as_ref().and_then(Value::as_str) == Some(word));
        found.map(|(_, value)| *value).ok_or(self.lacks(member, what))
    }

    /// A whole number from 1 to `most`, where it is given.
    pub(crate) fn maybe_number(
        &mut self,
        member: &'static str,
        most: u64,
        what: &'static str,
    ) -> Result<Option<u64>, AskError> {
        let Some(given) = self.given(member) else { return Ok(None) };
        given.as_u64().filter(|number| (1..=most).contains(number)).map(Some).ok_or(self.lacks(member, what))
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), AskError> {
        match self.left.keys().next() {
            Some(member) => {
                let member = member.chars().take(32).flat_map(char::escape_debug).collect();
                Err(AskError::Extra { wish: self.wish, member })
            }
            None => Ok(()),
        }
    }

    /// `null` is as good as nothing.
    fn given(&mut self, member: &str) -> Option<Value> {
        self.left.remove(member).filter(|value| !value.is_null())
    }

    fn lacks(&self, member: &'static str, what: &'static str) -> AskError {
        AskError::Member { wish: self.wish, member, what }
    }
}
