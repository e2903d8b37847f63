//! The report as one page without outside assets: the tables with the better value marked, and the curves of every scenario.
//! It reads in light and dark, on a phone, by keyboard, without colours and without its script.

use std::fmt::Write as _;

use super::curves;
use super::json::Report;
use super::measure::{LATE_MS, network_kept_time};
use super::table::{Comparison, Pair, Row, Scenario, Winner, scenario_names};
use crate::figures::Run;
use crate::machine::Machine;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Styles that the page has for lines; further pairs begin anew.
const STYLES: usize = 4;

/// The whole page.
#[must_use]
pub fn page(report: &Report) -> String {
    // A peer that never gave figures has none to compare; why is told beside the runs.
    let mut comparisons = Comparison::all(&report.runs);
    comparisons.retain(|comparison| comparison.scenarios.iter().any(|scenario| scenario.their_runs > 0));
    let scenarios = scenario_names(&report.runs);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Ringback: how good is it?</title>\n\
         <style>\n{STYLE}</style>\n<header>\n<h1>How good is it?</h1>\n<p>{}</p>\n\
         <button type=\"button\" id=\"theme\" hidden>Light or dark</button>\n</header>\n<main>\n",
        about(report)
    );
    for comparison in &comparisons {
        overview(&mut page, comparison);
    }
    if scenarios.is_empty() {
        page.push_str("<p>No runs.</p>\n");
    }
    for name in scenarios {
        scenario(&mut page, report, &comparisons, name);
    }
    let _ = write!(page, "</main>\n<script>\n{SCRIPT}</script>\n</html>\n");
    page
}

/// For text and for attributes in double quotes.
pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
        escaped
    })
}

/// When, where, and what.
fn about(report: &Report) -> String {
    let Machine { cpu, cores, memory_bytes, kernel } = &report.machine;
    let cores = cores.map(|cores| format!("{cores} {}", if cores == 1 { "core" } else { "cores" }));
    let memory = memory_bytes.map(|bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
    let kernel = kernel.as_ref().map(|kernel| format!("kernel {kernel}"));
    let versions = report.versions.iter().map(|(name, version)| format!("{name} {version}"));
    let parts =
        [Some(report.made_at.clone()), cpu.clone(), cores, memory, kernel].into_iter().flatten().chain(versions);
    escape(&parts.collect::<Vec<_>>().join(" · "))
}

/// The figures that matter most, one line a scenario.
fn overview(page: &mut String, comparison: &Comparison) {
    let Some(first) = comparison.scenarios.first() else { return };
    let (ours, theirs) = (escape(&comparison.ours.to_string()), escape(&comparison.theirs.to_string()));
    let _ = write!(
        page,
        "<section>\n<h2>{ours} against {theirs}</h2>\n<p>In each cell {ours} above {theirs}; medians of repeated runs; {} marks \
         the better one, where they differ by more than chance.</p>\n\
         <div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Overview against {theirs}\">\n\
         <table class=\"overview\">\n<thead><tr><th scope=\"col\">Scenario</th>",
        MARK
    );
    for Row { measure, .. } in headlines(first) {
        let _ = write!(page, "<th scope=\"col\">{} <small>{}</small></th>", escape(measure.name), escape(measure.unit));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for scenario in &comparison.scenarios {
        let name = escape(&scenario.name);
        let _ = write!(page, "<tr><th scope=\"row\"><a href=\"#{}\">{name}</a></th>", anchor(&scenario.name));
        for row in headlines(scenario) {
            let [ours, theirs] = values(row);
            let _ = write!(page, "<td>{ours}<br>{theirs}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n</section>\n");
}

fn headlines(scenario: &Scenario) -> impl Iterator<Item = &Row> {
    scenario.rows.iter().filter(|row| row.measure.headline)
}

/// A scenario: its runs, a table for each peer, its curves.
fn scenario(page: &mut String, report: &Report, comparisons: &[Comparison], name: &str) {
    let runs: Vec<&Run> = report.runs.iter().filter(|run| run.scenario == name).collect();
    let pairs = Pair::all(&report.runs);
    let _ = write!(page, "<section id=\"{}\">\n<h2>{}</h2>\n<ul class=\"legend\">", anchor(name), escape(name));
    for (at, pair) in pairs.iter().enumerate() {
        if !runs.iter().any(|run| pair.made(run) && !run.seconds.is_empty()) {
            continue;
        }
        let _ = write!(
            page,
            "<li><svg viewBox=\"0 0 36 8\" aria-hidden=\"true\"><path class=\"line s{}\" d=\"M1 4H35\"/></svg>{}</li>",
            at % STYLES,
            escape(&pair.to_string())
        );
    }
    let bounded = runs.iter().any(|run| run.seconds.iter().any(|second| second.capacity_bps.is_some()));
    if bounded {
        page.push_str("<li><span class=\"bound\"></span>capacity of the link</li>");
    }
    let _ = write!(page, "</ul>\n<div class=\"charts\">\n{}</div>\n", curves::figures(&report.runs, name, &pairs));
    let found = comparisons.iter().filter_map(|comparison| {
        let scenario = comparison.scenarios.iter().find(|scenario| scenario.name == name)?;
        Some((comparison, scenario))
    });
    page.push_str("<div class=\"tables\">\n");
    for (at, (comparison, scenario)) in found.enumerate() {
        details(page, comparison, scenario, at == 0);
    }
    conditions(page, &runs);
    page.push_str("</div>\n</section>\n");
}

/// All figures of a scenario against one peer.
fn details(page: &mut String, comparison: &Comparison, scenario: &Scenario, open: bool) {
    let (ours, theirs) = (escape(&comparison.ours.to_string()), escape(&comparison.theirs.to_string()));
    let open = if open { " open" } else { "" };
    let _ = write!(
        page,
        "<details{open}><summary>All figures against {theirs}</summary>\n<div class=\"wide\"><table>\n<thead><tr>\
         <th scope=\"col\">Figure</th><th scope=\"col\">{ours}</th><th scope=\"col\">{theirs}</th><th scope=\"col\">Ratio</th>\
         </tr></thead>\n<tbody>\n"
    );
    for row in scenario.rows.iter().filter(|row| row.is_measured()) {
        let [ours, theirs] = values(row);
        let (name, unit) = (escape(row.measure.name), escape(row.measure.unit));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name} <small>{unit}</small></th><td>{ours}</td><td>{theirs}</td><td>{}</td></tr>",
            row.show_ratio()
        );
    }
    page.push_str("</tbody></table></div>\n");
    let missing = scenario.rows.iter().filter(|row| !row.is_measured()).map(|row| row.measure.name);
    let missing = missing.collect::<Vec<_>>().join(", ");
    if !missing.is_empty() {
        let _ = writeln!(page, "<p class=\"aside\">Not measured on either side: {}.</p>", escape(&missing));
    }
    page.push_str("</details>\n");
}

/// What the runs were made under, and why some have no figures.
fn conditions(page: &mut String, runs: &[&Run]) {
    page.push_str(
        "<details open><summary>Runs and the load of the machine</summary>\n<div class=\"wide\"><table>\n<thead><tr>\
         <th scope=\"col\">Run</th><th scope=\"col\">Load before</th><th scope=\"col\">after</th>\
         <th scope=\"col\">Network late <small>ms</small></th></tr></thead>\n<tbody>\n",
    );
    let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.1}"));
    for run in runs {
        let mut notes = String::new();
        if let Some(error) = &run.error {
            let _ = write!(notes, "<p class=\"note\">No figures: {}</p>", escape(error));
        }
        if !network_kept_time(run) {
            let _ =
                write!(notes, "<p class=\"note\">The network was over {LATE_MS:.0} ms late: this run says little.</p>");
        }
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}{notes}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&Pair::of(run).to_string()),
            number(run.load_before),
            number(run.load_after),
            number(run.network_late_p99_ms)
        );
    }
    page.push_str("</tbody></table></div></details>\n");
}

/// Seen as a sign and read as a word.
const MARK: &str = "<span class=\"mark\" role=\"img\" aria-label=\"better\">✓</span>";

/// Ours and theirs, the better one marked.
fn values(row: &Row) -> [String; 2] {
    let value = |value, whose| {
        let text = row.measure.show(value);
        if row.winner == whose { format!("<b>{MARK} {text}</b>") } else { text }
    };
    [value(row.ours, Winner::Ours), value(row.theirs, Winner::Theirs)]
}

/// A name as a fragment of the address.
fn anchor(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Totals;
    use crate::report::sample;

    fn report(runs: Vec<Run>) -> Report {
        let machine = Machine {
            cpu: Some("Made-up & Sons 3000".into()),
            cores: Some(2),
            memory_bytes: Some(8 << 30),
            kernel: Some("6.1.0".into()),
        };
        Report::new(1_764_000_000, machine, runs).with_version("chromium", "156").with_version("ringback", "0.1.0")
    }

    fn hostile() -> Report {
        let mut runs = sample::runs(&["<drop>"]);
        runs[1].error = Some("\"<script>alert(1)</script>\" & more".into());
        report(runs)
    }

    /// The elements of the page outside its style and script, closed in the order in which they were opened.
    fn assert_balanced(page: &str) {
        let own = [("<style>", "</style>"), ("<script>", "</script>")];
        let body = own.iter().fold(page.to_owned(), |page, (open, close)| {
            let (before, rest) = page.split_once(open).expect("it has one");
            let (_, after) = rest.rsplit_once(close).expect("it ends");
            format!("{before}{after}")
        });
        let mut open: Vec<&str> = Vec::new();
        for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().expect("a tag")) {
            let name = tag.trim_end_matches('/').split_whitespace().next().expect("a name");
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed));
            } else if !tag.ends_with('/') && !["!doctype", "meta", "br"].contains(&name) {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }

    #[test]
    fn the_page_is_whole_and_needs_nothing_from_outside() {
        let page = page(&report(sample::runs(&["clean", "drop"])));
        assert_balanced(&page);
        for outside in ["http:", "https:", "src=", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(
            page.contains("Made-up &amp; Sons 3000 · 2 cores · 8.0 GiB · kernel 6.1.0 · chromium 156 · ringback 0.1.0")
        );
        assert!(page.contains("The network was over 5 ms late"));
    }

    #[test]
    fn names_and_errors_from_outside_are_text() {
        let page = page(&hostile());
        assert_balanced(&page);
        assert!(!page.contains("<script>alert") && !page.contains("<drop>"));
        assert!(page.contains("&lt;script&gt;alert(1)"));
    }

    #[test]
    fn every_value_that_was_not_measured_is_a_dash() {
        let empty = |caller: &str| Run {
            scenario: "clean".into(),
            sender: caller.into(),
            receiver: caller.into(),
            ..Run::default()
        };
        let ours = Run { totals: Totals { freezes: Some(1), ..Totals::default() }, ..empty("ringback") };
        let page = page(&report(vec![ours, empty("aiortc")]));
        assert!(page.contains("<td>1</td><td>–</td><td>–</td>") && !page.contains("<td>0"));
        assert!(!page.contains("<figure>"));
    }

    #[test]
    fn a_peer_without_any_figures_has_a_reason_and_no_table() {
        let mut runs = sample::runs(&["drop"]);
        let gone =
            Run { scenario: "drop".into(), sender: "aiortc".into(), receiver: "aiortc".into(), ..Run::default() };
        runs.push(Run { error: Some("cannot be installed".into()), ..gone });
        let page = page(&report(runs));
        assert!(page.contains("No figures: cannot be installed") && !page.contains("against aiortc"));
    }

    #[test]
    fn no_runs_and_no_peer_make_a_page_too() {
        assert_balanced(&page(&report(Vec::new())));
        let alone = page(&report(vec![sample::run("drop", "ringback", 0)]));
        assert_balanced(&alone);
        assert!(alone.contains("<figure>"));
    }
}
