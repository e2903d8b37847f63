//! The comparison in letters: a table for the terminal, and a short one in Markdown for a README.
//! A value that was not measured is `–`, and the better one is marked.

use std::fmt::Write as _;

use super::table::{Comparison, Row, Scenario, Winner};

/// The terminal table is no wider than this.
pub const MOST_COLUMNS: usize = 120;

/// Columns of the names of figures, of units, and of ratios.
const NAME: usize = 27;
const UNIT: usize = 5;
const RATIO: usize = 7;

/// Columns of a value, its mark included: room for the shortest names of pairs, and as much as the width leaves.
const LEAST_VALUE: usize = 12;
const MOST_VALUE: usize = (MOST_COLUMNS - NAME - UNIT - RATIO - 4) / 2;

/// The table for the terminal; `*` marks the better value. Lines end in a line feed.
#[must_use]
pub fn terminal(comparison: &Comparison) -> String {
    let names = [comparison.ours.to_string(), comparison.theirs.to_string()].map(|name| shorten(&name, MOST_VALUE - 2));
    let width = |name: &str| (name.chars().count() + 2).clamp(LEAST_VALUE, MOST_VALUE);
    let widths = [width(&names[0]), width(&names[1])];
    let mut text = String::new();
    for scenario in &comparison.scenarios {
        let runs = format!("{} ({} and {} runs)", scenario.name, scenario.our_runs, scenario.their_runs);
        let heads = names.each_ref().map(|name| format!("{name}  "));
        line(&mut text, [&shorten(&runs, NAME + 2 + UNIT), "", &heads[0], &heads[1], "ratio"], widths);
        for row in scenario.rows.iter().filter(|row| row.is_measured()) {
            let [ours, theirs] = marked(row, |value| format!("{value} *"), |value| format!("{value}  "));
            let name = format!("  {}", row.measure.name);
            line(&mut text, [&name, row.measure.unit, &ours, &theirs, &row.show_ratio()], widths);
        }
        notes(&mut text, scenario);
        text.push('\n');
    }
    text
}

/// The figures of the overview as a Markdown table: one line a scenario, in each cell ours / theirs, the better one bold.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let Some(first) = comparison.scenarios.first() else { return String::new() };
    let headlines = |scenario: &Scenario| -> Vec<Row> {
        scenario.rows.iter().copied().filter(|row| row.measure.headline).collect()
    };
    let mut text = format!("| {} / {} |", comparison.ours, comparison.theirs);
    for row in headlines(first) {
        let unit = if row.measure.unit.is_empty() { String::new() } else { format!(", {}", row.measure.unit) };
        let _ = write!(text, " {}{unit} |", row.measure.name);
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(headlines(first).len()));
    for scenario in &comparison.scenarios {
        let _ = write!(text, "| {} |", scenario.name);
        for row in headlines(scenario) {
            let [ours, theirs] = marked(&row, |value| format!("**{value}**"), str::to_owned);
            let _ = write!(text, " {ours} / {theirs} |");
        }
        text.push('\n');
    }
    text
}

/// Ours and theirs as text, the better one through `better`, the other or both through `plain`.
fn marked(row: &Row, better: fn(&str) -> String, plain: fn(&str) -> String) -> [String; 2] {
    let mark = |value, winner| if row.winner == winner { better(value) } else { plain(value) };
    [mark(&row.measure.show(row.ours), Winner::Ours), mark(&row.measure.show(row.theirs), Winner::Theirs)]
}

fn line(text: &mut String, cells: [&str; 5], [ours, theirs]: [usize; 2]) {
    let [name, unit, our, their, ratio] = cells;
    // A heading fills the columns of name and unit.
    let name = if unit.is_empty() && name.chars().count() > NAME {
        format!("{name:<0$}", NAME + 1 + UNIT)
    } else {
        format!("{name:<NAME$} {unit:<UNIT$}")
    };
    let _ = writeln!(text, "{name} {our:>ours$} {their:>theirs$} {ratio:>RATIO$}");
}

/// What has no row: figures that neither side has, and runs that failed.
fn notes(text: &mut String, scenario: &Scenario) {
    let missing: Vec<&str> =
        scenario.rows.iter().filter(|row| !row.is_measured()).map(|row| row.measure.name).collect();
    if !missing.is_empty() {
        wrapped(text, &format!("not measured: {}", missing.join(", ")));
    }
    for failure in &scenario.failures {
        wrapped(text, &format!("failed: {failure}"));
    }
}

fn wrapped(text: &mut String, note: &str) {
    let mut columns = 0;
    for word in note.split_whitespace() {
        let length = word.chars().count() + 1;
        if columns == 0 || columns + length > MOST_COLUMNS {
            text.push_str(if columns == 0 { " " } else { "\n   " });
            columns = 3;
        }
        let _ = write!(text, " {word}");
        columns += length;
    }
    text.push('\n');
}

/// A name of so many characters at most.
pub(crate) fn shorten(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::report::table::Pair;

    #[test]
    fn the_terminal_table_is_as_it_was_looked_at() {
        let comparison = &Comparison::all(&sample::runs(&["drop"]))[0];
        let text = terminal(comparison);
        assert_eq!(text, include_str!("testdata/table.txt"), "\n{text}");
    }

    #[test]
    fn the_markdown_is_as_it_was_looked_at() {
        let comparison = &Comparison::all(&sample::runs(&["clean", "drop"]))[0];
        let text = markdown(comparison);
        assert_eq!(text, include_str!("testdata/table.md"), "\n{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_whatever_the_names() {
        let mut runs = sample::runs(&["drop"]);
        for run in &mut runs {
            run.scenario = "a-scenario-with-quite-a-long-name-for-a-column".into();
            run.sender = format!("{}/a-codec-that-takes-many-words-to-name", run.sender);
            run.error = (run.sender.starts_with("chromium")).then(|| "no such program ".repeat(20));
        }
        let comparison = &Comparison::all(&runs)[0];
        let text = terminal(comparison);
        assert!(text.lines().all(|line| line.chars().count() <= MOST_COLUMNS), "\n{text}");
        assert!(text.contains("failed: chromium"));
    }

    #[test]
    fn nothing_compared_is_an_empty_text() {
        let nobody = Pair { sender: String::new(), receiver: String::new() };
        let comparison = Comparison::new(&[], &nobody, &nobody);
        assert_eq!((terminal(&comparison), markdown(&comparison)), (String::new(), String::new()));
    }
}
