//! The whole report as JSON, with its schema (JSON Schema 2020-12) beside it: what every other form is made of.
//! What was not measured is `null`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::html;
use crate::figures::Run;
use crate::machine::Machine;

/// What describes `report.json`.
pub const SCHEMA: &str = include_str!("schema.json");

/// All runs, and what they were made with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of the format.
    pub schema: u32,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// Where the runs were made.
    pub machine: Machine,
    /// Versions of the callers, by name.
    pub versions: BTreeMap<String, String>,
    /// The runs, in the order in which they were made.
    pub runs: Vec<Run>,
}

impl Report {
    /// A report made at this Unix time, in seconds.
    #[must_use]
    pub fn new(made_at: u64, machine: Machine, runs: Vec<Run>) -> Self {
        Self { schema: 1, made_at: rfc3339(made_at), machine, versions: BTreeMap::new(), runs }
    }

    /// With the version of a caller.
    #[must_use]
    pub fn with_version(mut self, caller: &str, version: &str) -> Self {
        self.versions.insert(caller.to_owned(), version.to_owned());
        self
    }

    /// Writes `report.json`, `report.schema.json` and `report.html` into a folder, which is made if need be.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)?;
        fs::write(folder.join("report.schema.json"), SCHEMA)?;
        fs::write(folder.join("report.html"), html::page(self))
    }
}

/// A Unix time in seconds as RFC 3339.
fn rfc3339(seconds: u64) -> String {
    let (mut days, time) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    // 400 years are 146 097 days; the loops below are short whatever the time.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    let length = |year| 365 + u64::from(is_leap(year));
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::{Value, json};

    /// What in a value is not as its schema says, for the part of JSON Schema that ours uses; members that the schema does
    /// not name count too.
    fn faults(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return faults(root.pointer(&reference[1..]).expect("it is defined"), root, value, at);
        }
        let allowed: Vec<&str> = match &schema["type"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            name => vec![name.as_str().expect("every schema has a type")],
        };
        let is = |name: &&str| match *name {
            "null" => value.is_null(),
            "integer" => value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{at}: a type {other}"),
        };
        let mut found = Vec::new();
        if !allowed.iter().any(is) || schema.get("const").is_some_and(|only| only != value) {
            found.push(format!("{at} is {value}"));
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(faults(&schema["items"], root, item, &format!("{at}[{index}]")));
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            match schema["properties"].get(name).or_else(|| schema.get("additionalProperties")) {
                Some(described) => found.extend(faults(described, root, member, &format!("{at}.{name}"))),
                None => found.push(format!("{at}.{name} is unknown")),
            }
        }
        if value.is_object() {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            found.extend(
                required.filter(|name| value.get(name).is_none()).map(|name| format!("{at}.{name} is missing")),
            );
        }
        found
    }

    fn faults_of(report: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        faults(&schema, &schema, report, "report")
    }

    fn sample() -> Report {
        let mut runs = sample::runs(&["clean", "drop"]);
        runs.push(Run { error: Some("not installed".into()), ..Run::default() });
        Report::new(1_764_000_000, Machine::here(), runs).with_version("ringback", "0.1.0")
    }

    #[test]
    fn a_report_is_as_its_schema_says_and_comes_back_as_it_was() {
        let json = serde_json::to_value(sample()).expect("plain data");
        assert_eq!(faults_of(&json), Vec::<String>::new());
        assert_eq!(serde_json::from_value::<Report>(json).expect("its own"), sample());
    }

    #[test]
    fn what_is_not_as_the_schema_says_is_found() {
        let mut json = serde_json::to_value(sample()).expect("plain data");
        json["schema"] = json!(2);
        json["machine"]["cores"] = json!(1.5);
        json["runs"][0]["totals"]["freezes"] = json!("none");
        json["runs"][1]["colour"] = json!("red");
        json["runs"][2]["totals"]["skew_ms"] = json!({"p50": 1.0, "p95": 1.0, "p99": 1.0});
        let expected = [
            "report.machine.cores is 1.5",
            "report.runs[0].totals.freezes is \"none\"",
            "report.runs[1].colour is unknown",
            "report.runs[2].totals.skew_ms.max is missing",
            "report.schema is 2",
        ];
        assert_eq!(faults_of(&json), expected);
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let json = serde_json::to_value(Run::default()).expect("plain data");
        assert!(json["totals"].as_object().expect("an object").values().all(Value::is_null));
    }

    #[test]
    fn times_are_told_in_full_through_leap_years() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_764_000_000, "2025-11-24T16:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn the_report_is_three_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        sample().write(&folder.path().join("lab")).expect("written");
        for name in ["report.json", "report.schema.json", "report.html"] {
            assert!(folder.path().join("lab").join(name).is_file(), "{name}");
        }
    }
}
