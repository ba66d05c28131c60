//! Plots as SVG that takes its colours from the page, so that they are readable on light and dark alike; plotting crates write colours
//! into each element. In: numbers. Out: `<svg>` elements.

use std::fmt::Write as _;

use super::{Breakdown, Curve, Row};

const WIDTH: f64 = 860.0;
const LABEL: f64 = 300.0;
const BAR: f64 = 22.0;

/// Text in which nothing is a mark.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn begin(height: f64, title: &str) -> String {
    let title = escape(title);
    format!(
        "<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\"><title>{title}</title>"
    )
}

/// For each row, its graded items as one bar: right, abstained or asked back, wrong.
pub(super) fn outcomes(rows: &[Row]) -> String {
    let mut svg = begin(rows.len() as f64 * BAR + 24.0, "What became of the questions");
    for (place, row) in rows.iter().enumerate() {
        let measures = &row.measures;
        let total = measures.graded.max(1) as f64;
        let right = measures.right as f64 / total;
        let wrong = (measures.wrong as f64 / total).min(1.0 - right);
        let shares = [("right", right), ("rest", 1.0 - right - wrong), ("wrong", wrong)];
        let y = place as f64 * BAR;
        label(&mut svg, y, &format!("{} · {} · {}", row.set, row.phrasing, row.system));
        let mut x = LABEL;
        for (class, share) in shares {
            let width = share * (WIDTH - LABEL - 50.0);
            // Writing into a text cannot fail.
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\"><title>{class}: {:.1} %</title></rect>",
                y + 3.0,
                share * 100.0
            );
            x += width;
        }
        value(&mut svg, x, y, right);
    }
    legend(&mut svg, rows.len() as f64 * BAR + 16.0);
    svg + "</svg>"
}

/// For each group, the share that is right.
pub(super) fn accuracies(breakdown: &Breakdown) -> String {
    let title = format!("{}, {}: right by {}", breakdown.set, breakdown.system, breakdown.by);
    let mut svg = begin(breakdown.groups.len() as f64 * BAR, &title);
    for (place, group) in breakdown.groups.iter().enumerate() {
        let y = place as f64 * BAR;
        let share = group.measures.accuracy.unwrap_or_default();
        label(&mut svg, y, &format!("{} ({})", group.name, group.measures.graded));
        let width = share * (WIDTH - LABEL - 50.0);
        let _ = write!(
            svg,
            "<rect class=\"right\" x=\"{LABEL}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\"/>",
            y + 3.0
        );
        value(&mut svg, LABEL + width, y, share);
    }
    svg + "</svg>"
}

/// Cumulative distributions of reply times, over a logarithmic axis.
pub(super) fn latencies(curves: &[Curve]) -> String {
    const HEIGHT: f64 = 300.0;
    let (left, bottom) = (50.0, HEIGHT - 30.0);
    let times = || curves.iter().flat_map(|curve| &curve.points).map(|(time, _)| time.max(0.1));
    let low = times().fold(f64::INFINITY, f64::min).min(1e6).log10().floor();
    let high = times().fold(0.1, f64::max).log10().ceil().max(low + 1.0);
    let x = |time: f64| left + (time.max(0.1).log10() - low) / (high - low) * (WIDTH - left - 20.0);
    let y = |share: f64| bottom - share * (bottom - 10.0);
    let mut svg = begin(HEIGHT + curves.len() as f64 * 18.0, "How long replies took");
    let mut power = low;
    while power <= high {
        let at = x(10f64.powf(power));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"10\" x2=\"{at:.1}\" y2=\"{bottom}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} ms</text>",
            bottom + 18.0,
            10f64.powf(power)
        );
        power += 1.0;
    }
    for share in [0.5, 0.95, 0.99] {
        let at = y(share);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/><text x=\"4\" y=\"{:.1}\">p{:.0}</text>",
            WIDTH - 20.0,
            at + 4.0,
            share * 100.0
        );
    }
    for (place, curve) in curves.iter().enumerate() {
        let points: Vec<String> =
            curve.points.iter().map(|(time, share)| format!("{:.1},{:.1}", x(*time), y(*share))).collect();
        let line = HEIGHT + place as f64 * 18.0 + 8.0;
        let _ = write!(
            svg,
            "<polyline class=\"line s{0}\" points=\"{1}\"/><line class=\"line s{0}\" x1=\"{left}\" x2=\"80\" y1=\"{line}\" y2=\"{line}\"/><text x=\"88\" y=\"{2}\">{3}</text>",
            place % 6,
            points.join(" "),
            line + 4.0,
            escape(&curve.name)
        );
    }
    svg + "</svg>"
}

fn label(svg: &mut String, y: f64, text: &str) {
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        LABEL - 8.0,
        y + 15.0,
        escape(text)
    );
}

fn value(svg: &mut String, x: f64, y: f64, share: f64) {
    let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{:.1}</text>", x + 5.0, y + 15.0, share * 100.0);
}

fn legend(svg: &mut String, y: f64) {
    for (place, (class, text)) in
        [("right", "as expected"), ("rest", "abstained or asked back"), ("wrong", "wrong")].iter().enumerate()
    {
        let x = LABEL + place as f64 * 180.0;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{:.1}\" width=\"10\" height=\"10\"/><text x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
            y - 6.0,
            x + 15.0,
            y + 3.0
        );
    }
}
