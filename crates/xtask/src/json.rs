//! Just enough JSON to read a call's report: a value tree with look-up by dotted path.
//! Own code, because this crate must build on a bare machine without dependencies.

use std::iter::Peekable;
use std::str::Chars;

/// A report nests three deep; anything far beyond is not a report.
const MAX_DEPTH: usize = 32;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value; trailing text is an error.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.chars().peekable() };
        let value = reader.value(0)?;
        match reader.next_mark() {
            None => Ok(value),
            Some(mark) => Err(format!("text after the end: {mark:?}")),
        }
    }

    /// The value at a dotted path such as `video.received.fps`; `Null` where there is none.
    pub(crate) fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, key| match value {
            Self::Object(members) => {
                members.iter().find(|(name, _)| name == key).map_or(&Self::Null, |(_, found)| found)
            }
            _ => &Self::Null,
        })
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        match self.next_mark().ok_or("ends early")? {
            '{' => self.members(depth),
            '[' => self.elements(depth),
            '"' => self.string().map(Json::Text),
            first => self.word(first),
        }
    }

    fn members(&mut self, depth: usize) -> Result<Json, String> {
        let mut members = Vec::new();
        loop {
            match self.next_mark() {
                Some('}') => return Ok(Json::Object(members)),
                Some(',') => {}
                Some('"') => {
                    let name = self.string()?;
                    if self.next_mark() != Some(':') {
                        return Err(format!("no `:` after {name:?}"));
                    }
                    members.push((name, self.value(depth + 1)?));
                }
                other => return Err(format!("{other:?} in an object")),
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Result<Json, String> {
        let mut elements = Vec::new();
        loop {
            self.skip_space();
            match self.rest.peek() {
                Some(']') => {
                    self.rest.next();
                    return Ok(Json::List(elements));
                }
                Some(',') => {
                    self.rest.next();
                }
                _ => elements.push(self.value(depth + 1)?),
            }
        }
    }

    /// The rest of a string whose opening quote is already read.
    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or("a string without an end")? {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                plain => text.push(plain),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        match self.rest.next().ok_or("a string without an end")? {
            'n' => Ok('\n'),
            't' => Ok('\t'),
            'r' => Ok('\r'),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'u' => {
                let digits: String = self.rest.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).map_err(|_| format!("\\u{digits} is no character"))?;
                // A half of a surrogate pair is shown as unknown: the report is only displayed.
                Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            itself => Ok(itself),
        }
    }

    fn word(&mut self, first: char) -> Result<Json, String> {
        let mut word = String::from(first);
        while let Some(next) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            word.push(next);
        }
        match word.as_str() {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            number => number.parse().map(Json::Number).map_err(|_| format!("unknown word {word:?}")),
        }
    }

    fn skip_space(&mut self) {
        while self.rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
    }

    fn next_mark(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_by_path() {
        let report = Json::parse(r#"{"schema": 1, "end": {"reason": "hung \"up\"", "ok": true}, "path": {"rtt_ms": null}, "l": [1, -2.5e1]}"#)
            .expect("well-formed");
        assert_eq!(report.at("schema").number(), Some(1.0));
        assert_eq!(report.at("end.reason"), &Json::Text("hung \"up\"".to_owned()));
        assert_eq!(report.at("path.rtt_ms"), &Json::Null);
        assert_eq!(report.at("no.such.thing"), &Json::Null);
        assert_eq!(report.at("l"), &Json::List(vec![Json::Number(1.0), Json::Number(-25.0)]));
    }

    #[test]
    fn broken_text_is_an_error() {
        for text in ["", "{", "[1", "\"open", "{\"a\" 1}", "nul", "1 2", "{\"a\":\"\\u12"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
        assert!(Json::parse(&"[".repeat(10_000)).is_err());
    }
}
