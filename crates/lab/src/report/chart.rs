//! One diagram over time as inline SVG: lines, a shaded bound, axes with round numbers.
//! The values are in the SVG as well, for the page's script and for whoever wants to copy them.

use std::fmt::Write as _;

use super::html::escape;

/// The picture, in its own units: small enough that its letters stay readable on a phone.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 170.0;

/// The part that is drawn into.
const LEFT: f64 = 40.0;
const RIGHT: f64 = 372.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 148.0;

/// A bound far above all lines would press them flat; it is cut off where it exceeds them this many times.
const BOUND_ABOVE: f64 = 1.5;

/// One line. A gap is where nothing is known.
pub(super) struct Line<'a> {
    /// Whose.
    pub(super) label: &'a str,
    /// Which of the styles of the page.
    pub(super) style: usize,
    /// Drawn weakly, and not read out: one of several runs of the same.
    pub(super) faint: bool,
    /// Seconds and value.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A diagram.
pub(super) struct Chart<'a> {
    /// What is drawn.
    pub(super) title: &'a str,
    /// Its unit.
    pub(super) unit: &'a str,
    /// The lines; later ones lie over earlier ones.
    pub(super) lines: Vec<Line<'a>>,
    /// What the lines cannot exceed for long, shaded, in steps; empty: nothing.
    pub(super) bound: Vec<(f64, Option<f64>)>,
}

impl Chart<'_> {
    /// The diagram as a `<figure>`; `None` when no line has a value.
    pub(super) fn figure(&self) -> Option<String> {
        let known = || self.lines.iter().flat_map(|line| &line.points).filter_map(|&(at, value)| Some((at, value?)));
        known().next()?;
        let end = known().map(|(at, _)| at).fold(1.0, f64::max);
        let highest = known().map(|(_, value)| value).fold(0.0, f64::max);
        let bound = self.bound.iter().filter_map(|&(_, value)| value).fold(0.0, f64::max);
        let step = step(highest.max(bound.min(highest * BOUND_ABOVE)), 4.0);
        let top = (highest.max(bound.min(highest * BOUND_ABOVE)) / step).ceil().max(1.0) * step;
        let plot = Plot { end, top };

        let mut svg = format!(
            "<figure><figcaption>{title} <small>{unit}</small><output></output></figcaption>\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" tabindex=\"0\" aria-label=\"{summary}\" \
             data-unit=\"{unit}\" data-left=\"{LEFT}\" data-right=\"{RIGHT}\" data-end=\"{end}\">",
            title = escape(self.title),
            unit = escape(self.unit),
            summary = escape(&self.summary()),
        );
        plot.axes(&mut svg, step);
        if !self.bound.is_empty() {
            let _ = write!(svg, "<path class=\"bound\" d=\"{}\"/>", plot.steps(&self.bound));
        }
        for line in &self.lines {
            let path = plot.path(&line.points);
            if line.faint {
                let _ = write!(svg, "<path class=\"line s{} faint\" d=\"{path}\"/>", line.style);
            } else {
                let (label, style) = (escape(line.label), line.style);
                let values = values(&line.points);
                let _ = write!(
                    svg,
                    "<path class=\"line s{style}\" data-label=\"{label}\" data-values=\"{values}\" d=\"{path}\"/>"
                );
            }
        }
        let _ = writeln!(svg, "<path class=\"cursor\" d=\"M0 {TOP}V{BOTTOM}\"/></svg></figure>");
        Some(svg)
    }

    /// The diagram in words, for those who do not see it.
    fn summary(&self) -> String {
        let mut text = format!("{} over time, {}", self.title, self.unit);
        for line in self.lines.iter().filter(|line| !line.faint) {
            let known = || line.points.iter().filter_map(|&(_, value)| value);
            if known().next().is_some() {
                let (least, most) =
                    known().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
                let _ = write!(text, "; {} from {} to {}", line.label, short(least), short(most));
            } else {
                let _ = write!(text, "; {} not measured", line.label);
            }
        }
        text
    }
}

struct Plot {
    end: f64,
    top: f64,
}

impl Plot {
    fn x(&self, at: f64) -> f64 {
        LEFT + at / self.end * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (value / self.top).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn axes(&self, svg: &mut String, step: f64) {
        let lines = (self.top / step).round() as u32;
        for value in (0..=lines).map(|line| f64::from(line) * step) {
            let y = self.y(value);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>");
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 5.0,
                y + 4.0,
                short(value)
            );
        }
        let step = self::step(self.end, 6.0);
        for at in (0..=(self.end / step) as u32).map(|tick| f64::from(tick) * step) {
            // The last one carries the unit, where there is room for it.
            let unit = if at + step > self.end { " s" } else { "" };
            let anchor = if unit.is_empty() { "middle" } else { "end" };
            let x = if unit.is_empty() { self.x(at) } else { (self.x(at) + 10.0).min(RIGHT) };
            let _ = write!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}{unit}</text>",
                BOTTOM + 16.0,
                short(at)
            );
        }
    }

    /// A line, broken at gaps; a value between two gaps is a dot.
    fn path(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (index, &(at, value)) in points.iter().enumerate() {
            if let Some(value) = value {
                let letter = if drawing { 'L' } else { 'M' };
                let _ = write!(path, "{letter}{:.1} {:.1}", self.x(at), self.y(value));
                let alone = !drawing && points.get(index + 1).is_none_or(|next| next.1.is_none());
                path.push_str(if alone { "h0" } else { "" });
            }
            drawing = value.is_some();
        }
        path
    }

    /// The area below steps, each as long as the way to the next point.
    fn steps(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut path = String::new();
        for (index, &(at, value)) in points.iter().enumerate() {
            let until = points.get(index + 1).map_or(self.end, |next| next.0);
            if let Some(value) = value.filter(|_| until > at) {
                let _ = write!(path, "M{:.1} {BOTTOM}V{:.1}H{:.1}V{BOTTOM}Z", self.x(at), self.y(value), self.x(until));
            }
        }
        path
    }
}

/// A round step that goes into a range at most `most` times.
fn step(range: f64, most: f64) -> f64 {
    if range <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf((range / most).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| range / step <= most)
        .unwrap_or(10.0 * power)
}

/// With no more digits than say something.
fn short(value: f64) -> String {
    let decimals = if value.abs() < 10.0 { 2 } else { usize::from(value.abs() < 100.0) };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn values(points: &[(f64, Option<f64>)]) -> String {
    let known = points.iter().filter_map(|&(at, value)| Some(format!("{}:{}", short(at), short(value?))));
    known.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, Option<f64>)]) -> Line<'_> {
        Line { label: "a < b", style: 0, faint: false, points: points.to_vec() }
    }

    #[test]
    fn a_diagram_is_as_it_was_looked_at() {
        let points = [(0.0, Some(40.0)), (1.0, Some(95.0)), (2.0, None), (3.0, Some(20.0)), (4.0, None)];
        let bound = vec![(0.0, Some(60.0)), (2.0, None)];
        let chart = Chart { title: "latency", unit: "ms", lines: vec![line(&points)], bound };
        let figure = chart.figure().expect("something is known");
        assert_eq!(figure, include_str!("testdata/chart.html"), "\n{figure}");
    }

    #[test]
    fn nothing_known_is_no_diagram() {
        let chart = Chart { title: "skew", unit: "ms", lines: vec![line(&[(0.0, None)])], bound: Vec::new() };
        assert_eq!(chart.figure(), None);
    }

    #[test]
    fn a_bound_far_away_does_not_press_the_lines_flat() {
        let lines = vec![line(&[(0.0, Some(1.0)), (1.0, Some(2.0))])];
        let chart = Chart { title: "rate", unit: "Mbit/s", lines, bound: vec![(0.0, Some(1000.0))] };
        assert!(!chart.figure().expect("something is known").contains("1000"));
    }

    #[test]
    fn steps_are_round_and_numbers_short() {
        let cases = [(0.0, 1.0), (0.37, 0.1), (1.0, 0.5), (93.0, 50.0), (160.0, 50.0), (2400.0, 1000.0)];
        for (range, expected) in cases {
            assert!((step(range, 4.0) - expected).abs() < 1e-9, "{range}: {}", step(range, 4.0));
        }
        assert_eq!([0.0, 0.5, 2.345, 33.33, 120.6, 1000.0].map(short), ["0", "0.5", "2.35", "33.3", "121", "1000"]);
    }
}
