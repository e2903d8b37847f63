//! The JSON report of a call, read by dotted path; a figure that a test asks for and that is missing fails it.
//! Member names are those of the report's contract, so that a renamed one breaks a test.

use std::path::Path;

use serde_json::Value;

/// One report.
#[derive(Debug)]
pub struct Report(Value);

impl Report {
    /// Reads the file.
    pub fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("no report {}: {error}", path.display()));
        Self(serde_json::from_str(&text).unwrap_or_else(|error| panic!("the report is not JSON: {error}\n{text}")))
    }

    /// The value at a path such as `video.received.fps`; the member must exist, and may be null.
    pub fn at(&self, path: &str) -> &Value {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.0.pointer(&pointer).unwrap_or_else(|| panic!("the report has no {path}:\n{:#}", self.0))
    }

    /// A figure that was measured.
    pub fn number(&self, path: &str) -> f64 {
        self.at(path).as_f64().unwrap_or_else(|| panic!("{path} was not measured:\n{:#}", self.0))
    }

    /// A text that is known.
    pub fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_else(|| panic!("{path} is not known:\n{:#}", self.0))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}
