//! What the bench measured: a value for each row, caller and round. What was not measured has no value, never zero.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rows::{ROWS, Row};
use crate::machine::Machine;
use crate::report::measure::{Better, median};
use crate::report::table::OURS;

/// The values of one round of one caller, by the key of the row.
type Round = BTreeMap<&'static str, f64>;

/// All values.
#[derive(Clone, Debug, Default)]
pub struct Results {
    callers: Vec<String>,
    rounds: BTreeMap<(String, u32), Round>,
    troubles: Vec<String>,
}

/// One caller's part of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cell {
    /// Median over the rounds.
    pub value: Option<f64>,
    /// Median of ours by theirs, round by round; `None` for ourselves.
    pub ratio: Option<f64>,
}

/// Whose value is the best of a row, when more than one caller has one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The row's key.
    pub key: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// `lower` or `higher`.
    pub better: &'static str,
    /// By caller.
    pub cells: BTreeMap<String, Cell>,
}

/// `bench.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The version of the format.
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// Load average (1 minute) before.
    pub load_before: Option<f64>,
    /// And after.
    pub load_after: Option<f64>,
    /// The rows of the table.
    pub rows: Vec<Line>,
    /// What could not be measured, and why.
    pub troubles: Vec<String>,
}

impl Results {
    /// For these callers, ours first.
    #[must_use]
    pub fn new(callers: Vec<String>) -> Self {
        Self { callers, ..Self::default() }
    }

    /// Their names, in the order of the columns.
    #[must_use]
    pub fn callers(&self) -> &[String] {
        &self.callers
    }

    /// Keeps a value; what is no finite number was not measured.
    ///
    /// # Panics
    /// When there is no such row: the rows and those who fill them are one program.
    pub fn add(&mut self, caller: &str, round: u32, key: &str, value: Option<f64>) {
        let row = Row::named(key).expect("a row of the table");
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.rounds.entry((caller.to_owned(), round)).or_default().insert(row.key, value);
        }
    }

    /// Notes what could not be measured, once.
    pub fn trouble(&mut self, text: String) {
        if !self.troubles.contains(&text) {
            self.troubles.push(text);
        }
    }

    /// What could not be measured.
    #[must_use]
    pub fn troubles(&self) -> &[String] {
        &self.troubles
    }

    /// A caller's part of a row.
    #[must_use]
    pub fn cell(&self, row: &Row, caller: &str) -> Cell {
        let of = |round: &Round| round.get(row.key).copied();
        let rounds = |name: &str| self.rounds.iter().filter(move |((caller, _), _)| caller == name).collect::<Vec<_>>();
        let value = median(rounds(caller).iter().filter_map(|(_, round)| of(round)).collect());
        let ratios = rounds(caller).into_iter().filter_map(|((_, number), theirs)| {
            let ours = self.rounds.get(&(OURS.to_owned(), *number))?;
            Some(of(ours)? / of(theirs)?)
        });
        let ratio = (caller != OURS).then(|| median(ratios.filter(|ratio| ratio.is_finite()).collect())).flatten();
        Cell { value, ratio }
    }

    /// Who has the best value of a row; `None` with fewer than two values.
    #[must_use]
    pub fn best(&self, row: &Row) -> Option<&str> {
        let value = |caller: &&String| self.cell(row, caller).value;
        let mut have: Vec<&String> = self.callers.iter().filter(|caller| value(caller).is_some()).collect();
        have.sort_by(|a, b| {
            let (a, b) = (value(a).unwrap_or_default(), value(b).unwrap_or_default());
            match row.better {
                Better::Lower => a.total_cmp(&b),
                Better::Higher => b.total_cmp(&a),
            }
        });
        (have.len() > 1).then(|| have[0].as_str())
    }

    /// All of it, to be written down.
    #[must_use]
    pub fn document(&self, machine: Machine, load_before: Option<f64>, load_after: Option<f64>) -> Document {
        let line = |row: &Row| Line {
            key: row.key,
            unit: row.unit,
            better: match row.better {
                Better::Lower => "lower",
                Better::Higher => "higher",
            },
            cells: self.callers.iter().map(|caller| (caller.clone(), self.cell(row, caller))).collect(),
        };
        let rows = ROWS.iter().map(line).collect();
        Document { schema: 1, machine, load_before, load_after, rows, troubles: self.troubles.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(ours: &[f64], theirs: &[f64]) -> Results {
        let mut results = Results::new(vec![OURS.into(), "chromium".into()]);
        for (caller, values) in [(OURS, ours), ("chromium", theirs)] {
            for (round, value) in values.iter().enumerate() {
                results.add(caller, round as u32, "cpu_send", Some(*value));
            }
        }
        results
    }

    fn cpu() -> &'static Row {
        Row::named("cpu_send").expect("a row")
    }

    #[test]
    fn ratios_are_of_rounds_and_not_of_medians() {
        // The machine was twice as slow in the second round, and four times in the third.
        let results = results(&[0.1, 0.2, 0.4], &[0.2, 0.4, 0.8]);
        assert_eq!(results.cell(cpu(), "chromium"), Cell { value: Some(0.4), ratio: Some(0.5) });
        assert_eq!(results.cell(cpu(), OURS), Cell { value: Some(0.2), ratio: None });
        assert_eq!(results.best(cpu()), Some(OURS));
    }

    #[test]
    fn a_round_that_failed_on_one_side_is_no_ratio() {
        let mut results = results(&[0.1], &[0.2, 0.2]);
        results.add(OURS, 1, "cpu_send", None);
        results.add(OURS, 2, "cpu_send", Some(f64::NAN));
        assert_eq!(results.cell(cpu(), "chromium"), Cell { value: Some(0.2), ratio: Some(0.5) });
        assert_eq!(results.cell(Row::named("pesq").expect("a row"), "chromium"), Cell::default());
        assert_eq!(results.best(Row::named("pesq").expect("a row")), None);
    }

    #[test]
    fn where_more_is_better_the_most_is_best_and_zero_by_zero_is_nothing() {
        let mut results = results(&[0.0], &[0.0]);
        assert_eq!(results.cell(cpu(), "chromium").ratio, None);
        results.add(OURS, 0, "throughput_16", Some(5.0));
        results.add("chromium", 0, "throughput_16", Some(9.0));
        assert_eq!(results.best(Row::named("throughput_16").expect("a row")), Some("chromium"));
    }

    #[test]
    fn the_document_has_null_where_nothing_was_measured() {
        let document = results(&[0.1], &[]).document(Machine::default(), None, Some(0.5));
        let json = serde_json::to_value(document).expect("serialises");
        let line = json["rows"].as_array().expect("rows").iter().find(|row| row["key"] == "cpu_send").expect("a row");
        assert_eq!(line["cells"]["ringback"]["value"], 0.1);
        assert!(line["cells"]["chromium"]["value"].is_null());
    }
}
