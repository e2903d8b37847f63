//! The table for a terminal and for Markdown: a line a row, a column a caller; the best value is marked, and behind each
//! foreign value stands what ours is of it.

use std::fmt::Write as _;

use super::results::{Cell, Results};
use super::rows::{ROWS, Row};
use crate::report::text::shorten;

/// The width of the names with their unit, and of a column.
const NAME: usize = 33;
const COLUMN: usize = 16;

/// For the terminal; `*` marks the best value. Rows that nobody has are left out.
#[must_use]
pub fn terminal(results: &Results) -> String {
    let mut text = format!("{:<NAME$}", "(in brackets: ours by theirs)");
    for caller in results.callers() {
        let _ = write!(text, "{:>COLUMN$}", shorten(caller, COLUMN - 2));
    }
    text.push('\n');
    let mut group = "";
    for row in measured(results) {
        if row.group != group {
            group = row.group;
            let _ = writeln!(text, "{group}");
        }
        let _ = write!(text, "{:<NAME$}", format!("  {}", named(row)));
        for caller in results.callers() {
            let best = if results.best(row) == Some(caller) { "*" } else { "" };
            let cell = results.cell(row, caller);
            let _ = write!(text, "{:>COLUMN$}", format!("{}{best}{}", value(row, cell), ratio(cell)));
        }
        text.push('\n');
    }
    for trouble in results.troubles() {
        let _ = writeln!(text, "  not measured: {trouble}");
    }
    text
}

/// The same as Markdown; the best value is bold.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut text = format!("| ours by theirs in brackets | {} |\n", results.callers().join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(results.callers().len()));
    let mut group = "";
    for row in measured(results) {
        if row.group != group {
            group = row.group;
            let _ = writeln!(text, "| *{group}* |{}", " |".repeat(results.callers().len()));
        }
        let _ = write!(text, "| {} |", named(row));
        for caller in results.callers() {
            let cell = results.cell(row, caller);
            let shown = value(row, cell);
            let shown = if results.best(row) == Some(caller) { format!("**{shown}**") } else { shown };
            let _ = write!(text, " {shown}{} |", ratio(cell));
        }
        text.push('\n');
    }
    text
}

fn measured(results: &Results) -> impl Iterator<Item = &'static Row> {
    let has_any = |row: &&Row| results.callers().iter().any(|caller| results.cell(row, caller).value.is_some());
    ROWS.iter().filter(has_any)
}

fn named(row: &Row) -> String {
    if row.unit.is_empty() { row.name.to_owned() } else { format!("{}, {}", row.name, row.unit) }
}

fn value(row: &Row, cell: Cell) -> String {
    cell.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.*}", row.decimals))
}

fn ratio(cell: Cell) -> String {
    cell.ratio.map(|ratio| format!(" ({ratio:.2})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::new(vec!["ringback".into(), "chromium".into(), "datachannel".into()]);
        results.add("ringback", 0, "cpu_send", Some(0.25));
        results.add("chromium", 0, "cpu_send", Some(0.5));
        results.add("ringback", 0, "throughput_16", Some(10.0));
        results.add("datachannel", 0, "throughput_16", Some(20.0));
        results.trouble("aiortc: pip failed".into());
        results.trouble("aiortc: pip failed".into());
        results
    }

    #[test]
    fn the_terminal_table_is_as_it_was_looked_at() {
        let expected = "\
(in brackets: ours by theirs)            ringback        chromium     datachannel
sound and pictures one way
  CPU to send, s/s                         0.250*    0.500 (0.50)               –
data channel, messages of 16 KiB
  throughput, MB/s                           10.0               –    20.0* (0.50)
  not measured: aiortc: pip failed
";
        let text = terminal(&results());
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn the_markdown_is_as_it_was_looked_at() {
        let expected = "\
| ours by theirs in brackets | ringback | chromium | datachannel |
|---|---:|---:|---:|
| *sound and pictures one way* | | | |
| CPU to send, s/s | **0.250** | 0.500 (0.50) | – |
| *data channel, messages of 16 KiB* | | | |
| throughput, MB/s | 10.0 | – | **20.0** (0.50) |
";
        let text = markdown(&results());
        assert_eq!(text, expected, "\n{text}");
    }
}
