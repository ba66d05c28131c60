//! The report as Markdown. In: a report. Out: text that reads well as it is, and as a page.

use std::fmt::Write as _;

use super::{Failures, Report};
use crate::measure::Measures;

/// Failures of a kind that are shown here; the page has more of them.
const SHOWN: usize = 12;
/// The longest reply that is shown.
const LONGEST: usize = 240;

/// The heads of the comparison, and what each column shows.
pub(super) const COLUMNS: [&str; 13] = [
    "items",
    "right",
    "95 %",
    "Hits@1",
    "in text",
    "abstained",
    "asked back",
    "wrong",
    "forbidden",
    "unsupported sent",
    "own words",
    "p50 / p95 / p99 ms",
    "tokens in / out",
];

/// The cells of the comparison.
pub(super) fn cells(measures: &Measures) -> [String; 13] {
    let interval = measures
        .interval
        .map_or_else(|| "–".to_owned(), |(low, high)| format!("{:.1}–{:.1}", low * 100.0, high * 100.0));
    let own = measures
        .own_words
        .iter()
        .filter_map(|(language, words)| Some(format!("{language} {}", percent(Some(words.share()?)))))
        .collect::<Vec<_>>();
    let latency = &measures.latency;
    [
        measures.items.to_string(),
        percent(measures.accuracy),
        interval,
        percent(measures.hits_at_1),
        percent(measures.in_text),
        measures.abstained.to_string(),
        measures.asked_back.to_string(),
        match measures.wrong_share {
            Some(share) => format!("{} ({})", measures.wrong, percent(Some(share))),
            None => measures.wrong.to_string(),
        },
        measures.forbidden.to_string(),
        format!("{} of {}", measures.unsupported, measures.sentences),
        if own.is_empty() { "–".to_owned() } else { own.join(", ") },
        format!("{:.0} / {:.0} / {:.0}", latency.p50, latency.p95, latency.p99),
        format!("{:.0} / {:.0}", measures.prompt_tokens, measures.completion_tokens),
    ]
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// The comparison alone.
pub(super) fn comparison(report: &Report) -> String {
    let mut text = format!("| set | phrasing | system | {} |\n|---|---|---|", COLUMNS.join(" | "));
    text.push_str(&"---:|".repeat(COLUMNS.len()));
    text.push('\n');
    for row in &report.rows {
        let start = [&row.set, &row.phrasing, &row.system].map(|cell| escape(cell));
        // Writing into a text cannot fail.
        let _ = writeln!(text, "| {} | {} |", start.join(" | "), cells(&row.measures).join(" | "));
    }
    text
}

/// The whole report.
pub(super) fn page(report: &Report) -> String {
    let mut text = format!("# {}\n\n", report.title);
    let run = &report.run;
    let _ = writeln!(text, "Loquat {}. Graph: {}. Config: {}.\n", report.version, run.graph, run.settings);
    for system in &run.systems {
        let _ = writeln!(text, "- {system}");
    }
    let _ = write!(text, "\n## Comparison\n\n{}\n{}\n", comparison(report), super::html::LEGEND);
    for breakdown in &report.breakdowns {
        let _ = writeln!(text, "\n## {}, {}, by {}\n", breakdown.set, breakdown.system, breakdown.by);
        let _ = writeln!(text, "| {} | {} |", breakdown.by, COLUMNS.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(COLUMNS.len()));
        for group in &breakdown.groups {
            let _ = writeln!(text, "| {} | {} |", escape(&group.name), cells(&group.measures).join(" | "));
        }
    }
    for (title, all) in
        [("Unsupported claims that were sent", &report.unsupported), ("Failures by stage", &report.failures)]
    {
        let _ = writeln!(text, "\n## {title}\n");
        if all.is_empty() {
            text.push_str("None.\n");
        }
        all.iter().for_each(|failures| list(&mut text, failures));
    }
    text
}

fn list(text: &mut String, failures: &Failures) {
    let _ = writeln!(
        text,
        "\n### {}, {}: {} ({})\n",
        failures.set, failures.system, failures.title, failures.count
    );
    for failure in failures.shown.iter().take(SHOWN) {
        let _ = writeln!(
            text,
            "- `{}` {} → {} (expected {}) {}",
            failure.id,
            escape(&short(&failure.said)),
            escape(&short(&failure.replied)),
            escape(&short(&failure.expected)),
            escape(&short(&failure.why))
        );
    }
    if failures.count > failures.shown.len().min(SHOWN) {
        text.push_str("- …\n");
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// One line, in which nothing is a mark: questions and replies come from anywhere.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
