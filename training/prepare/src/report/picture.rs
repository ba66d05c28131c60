//! The set as a picture. In: its statistics. Out: an SVG with bars by kind and by relation, and how long the examples are.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::split::Part;
use crate::statistics::Statistics;

const WIDTH: usize = 900;
const LEFT: usize = 260;
const ROW: usize = 22;
/// So many relations have a bar.
const GROUPS: usize = 40;
/// Okabe and Ito's colours, which everybody can tell apart.
const COLOURS: [&str; 3] = ["#0072b2", "#e69f00", "#009e73"];

/// A bar with its parts.
struct Bar {
    name: String,
    counts: [usize; 3],
}

/// The picture.
pub(crate) fn picture(statistics: &Statistics) -> String {
    let mut groups = bars(&statistics.groups);
    groups.sort_by_key(|bar| std::cmp::Reverse(bar.counts.iter().sum::<usize>()));
    groups.truncate(GROUPS);
    let sections = [
        ("Kinds", bars(&statistics.kinds)),
        ("Relations", groups),
        ("Characters of an example, up to", lengths(statistics)),
    ];
    let mut body = String::new();
    let mut y = 30;
    for (at, part) in Part::ALL.iter().enumerate() {
        let x = LEFT + at * 110;
        let count = statistics.examples.get(part.name()).copied().unwrap_or_default();
        let _infallible = write!(
            body,
            r#"<rect x="{x}" y="{}" width="12" height="12" fill="{}"/><text x="{}" y="{y}">{} {count}</text>"#,
            y - 11,
            COLOURS[at],
            x + 17,
            part.name()
        );
    }
    for (title, bars) in sections.iter().filter(|(_, bars)| !bars.is_empty()) {
        y += 34;
        let _infallible = write!(body, r#"<text x="16" y="{y}" font-weight="bold">{title}</text>"#);
        let most = bars.iter().map(|bar| bar.counts.iter().sum::<usize>()).max().unwrap_or(1).max(1);
        for bar in bars {
            y += ROW;
            draw(&mut body, bar, most, y);
        }
    }
    let height = y + 24;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13" role="img" aria-label="What the training set consists of"><rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{body}</svg>"##
    )
}

fn bars(of: &BTreeMap<String, BTreeMap<String, usize>>) -> Vec<Bar> {
    let counts =
        |of: &BTreeMap<String, usize>| Part::ALL.map(|part| of.get(part.name()).copied().unwrap_or_default());
    of.iter().map(|(name, of)| Bar { name: name.clone(), counts: counts(of) }).collect()
}

fn lengths(statistics: &Statistics) -> Vec<Bar> {
    let of = Part::ALL.map(|part| statistics.read.get(part.name()));
    let powers = of.iter().flatten().map(|lengths| lengths.by_power.len()).max().unwrap_or_default();
    let count = |power: usize| {
        of.map(|lengths| lengths.and_then(|l| l.by_power.get(power)).copied().unwrap_or_default())
    };
    let bars = (0..powers).map(|power| Bar { name: (1_u64 << (power + 1)).to_string(), counts: count(power) });
    bars.skip_while(|bar| bar.counts == [0; 3]).collect()
}

fn draw(out: &mut String, bar: &Bar, most: usize, y: usize) {
    let scale = (WIDTH - LEFT - 90) as f64 / most as f64;
    let name: String = bar.name.chars().take(40).collect();
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _infallible =
        write!(out, r##"<text x="{}" y="{y}" text-anchor="end" fill="#222222">{name}</text>"##, LEFT - 8);
    let mut x = LEFT as f64;
    for (count, colour) in bar.counts.iter().zip(COLOURS) {
        let width = *count as f64 * scale;
        let _infallible = write!(
            out,
            r#"<rect x="{x:.1}" y="{}" width="{width:.1}" height="15" fill="{colour}"/>"#,
            y - 12
        );
        x += width;
    }
    let sum: usize = bar.counts.iter().sum();
    let _infallible = write!(out, r#"<text x="{:.1}" y="{y}">{sum}</text>"#, x + 6.0);
}
