//! Several models side by side. In: what was measured of each, and targets. Out: a table for people and one for programs, and whether a target
//! was missed.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::first::Rate;

/// A number that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Number {
    /// A share of cases.
    Rate(Rate),
    /// A perplexity, and how much it is above that of the first column, as a share; `None` in the first column.
    Perplexity {
        /// Its value.
        value: f64,
        /// How much of the first column's it is more.
        rise: Option<f64>,
    },
}

/// What a number should be, as a share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Number {
    /// What is compared with a target: the share, or the rise. `None` where there is nothing to compare.
    fn compared(&self) -> Option<f64> {
        match self {
            Self::Rate(rate) => rate.share(),
            Self::Perplexity { rise, .. } => *rise,
        }
    }
}

impl Target {
    /// Whether a number reaches it; `None` where there is nothing to compare.
    pub fn is_met(self, number: &Number) -> Option<bool> {
        let found = number.compared()?;
        Some(match self {
            Self::AtLeast(least) => found >= least,
            Self::AtMost(most) => found <= most,
        })
    }
}

/// A measure of all models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureRow {
    /// What is measured.
    pub name: String,
    /// What that means, what it is measured on and how many there are of it, in sentences.
    #[serde(default)]
    pub about: String,
    /// Of each model; `None` where it was not.
    pub numbers: Vec<Option<Number>>,
    /// What it should be.
    pub target: Option<Target>,
}

/// Models side by side; the first is the one that the others are compared with. Its JSON is `comparison.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The models' names and hashes.
    pub models: Vec<String>,
    /// The measures.
    pub rows: Vec<MeasureRow>,
    /// What else to know.
    pub notes: Vec<String>,
}

impl Comparison {
    /// The targets that a model other than the first misses, in words. One that could not be measured is missed, and so are all where there is
    /// no other model.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        if self.models.len() < 2 && self.rows.iter().any(|row| row.target.is_some()) {
            missed.push("there is no model beside the base that could meet the targets".to_owned());
        }
        for row in &self.rows {
            let Some(target) = row.target else { continue };
            for (model, number) in self.models.iter().zip(&row.numbers).skip(1) {
                let is_met = number.as_ref().and_then(|number| target.is_met(number));
                if is_met != Some(true) {
                    let is = number.as_ref().map_or_else(|| "not measured".to_owned(), shown);
                    missed.push(format!(
                        "{model}: {} is {is}, and should be {}",
                        row.name,
                        wanted(target, number)
                    ));
                }
            }
        }
        missed
    }

    /// The table as Markdown.
    pub fn table(&self) -> String {
        let mut text = format!("| measure | {} | target |\n|---|", self.models.join(" | "));
        text.push_str(&"---|".repeat(self.models.len() + 1));
        text.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row
                .numbers
                .iter()
                .enumerate()
                .map(|(at, number)| {
                    let Some(number) = number else { return "–".to_owned() };
                    let is_met = row.target.filter(|_| at > 0).and_then(|target| target.is_met(number));
                    let mark = match is_met {
                        Some(true) => " ✓",
                        Some(false) => " ✗",
                        None => "",
                    };
                    format!("{}{mark}", shown(number))
                })
                .collect();
            let any = row.numbers.iter().flatten().next().cloned();
            let target = row.target.map_or_else(|| "–".to_owned(), |target| wanted(target, &any));
            // Writing into a text cannot fail.
            let _ = writeln!(text, "| {} | {} | {target} |", row.name, cells.join(" | "));
        }
        text
    }

    /// The table with what each row means, what it was measured on, and how to read it.
    pub fn page(&self, title: &str) -> String {
        let mut text = format!("# {title}\n\n{}", self.table());
        text.push_str(
            "\nThe first model is the one that the others are compared with. Shares are given with their cases and with the range in which they lie \
             with 95 % certainty; ✓ and ✗ say whether the target is met.\n\n## What the rows say\n\n",
        );
        for row in &self.rows {
            let _ = writeln!(text, "- **{}**: {}", row.name, row.about);
        }
        if !self.notes.is_empty() {
            text.push_str("\n## Notes\n\n");
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn shown(number: &Number) -> String {
    match number {
        Number::Rate(rate) => {
            let Some(share) = rate.share() else { return "– (no cases)".to_owned() };
            let interval = rate.interval().map_or_else(String::new, |(low, high)| {
                format!(", 95 %: {:.1}–{:.1}", low * 100.0, high * 100.0)
            });
            format!("{} ({} of {}{interval})", percent(share), rate.part, rate.whole)
        }
        Number::Perplexity { value, rise: None } => format!("{value:.2}"),
        Number::Perplexity { value, rise: Some(rise) } => format!("{value:.2} ({:+.1} %)", rise * 100.0),
    }
}

fn wanted(target: Target, number: &Option<Number>) -> String {
    let sign = if matches!(number, Some(Number::Perplexity { .. })) { "+" } else { "" };
    match target {
        Target::AtLeast(least) => format!("≥ {}", percent(least)),
        Target::AtMost(most) => format!("≤ {sign}{}", percent(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, numbers: Vec<Option<Number>>, target: Target) -> MeasureRow {
        let about = format!("Of {name}.");
        MeasureRow { name: name.to_owned(), about, numbers, target: Some(target) }
    }

    #[test]
    fn targets_are_of_the_models_behind_the_first_and_what_was_not_measured_misses_them() {
        let rate = |part, whole| Some(Number::Rate(Rate { part, whole }));
        let perplexity = |value, rise| Some(Number::Perplexity { value, rise });
        let comparison = Comparison {
            models: vec!["base".to_owned(), "better".to_owned()],
            rows: vec![
                row("own words", vec![rate(20, 70), rate(93, 100)], Target::AtLeast(0.9)),
                row("unsupported", vec![rate(30, 70), rate(3, 100)], Target::AtMost(0.02)),
                row(
                    "general",
                    vec![perplexity(12.0, None), perplexity(12.5, Some(0.0417))],
                    Target::AtMost(0.05),
                ),
                row("refuses", vec![rate(0, 0), None], Target::AtLeast(0.98)),
            ],
            notes: vec!["100 questions".to_owned()],
        };
        let missed = comparison.missed();
        assert_eq!(missed.len(), 2, "{missed:?}");
        assert!(
            missed[0].contains("unsupported is 3.0 %") && missed[1].contains("not measured"),
            "{missed:?}"
        );
        let table = comparison.table();
        for cell in [
            "| 28.6 % (20 of 70",
            "93.0 % (93 of 100, 95 %: 86.3–96.6) ✓",
            "✗",
            "12.50 (+4.2 %) ✓",
            "≤ +5.0 %",
        ] {
            assert!(table.contains(cell), "{cell}: {table}");
        }
        let page = comparison.page("T");
        assert!(page.contains("- 100 questions") && page.contains("- **general**: Of general."), "{page}");
    }

    #[test]
    fn targets_are_not_met_where_there_is_nothing_but_the_base() {
        let alone = |target| Comparison {
            models: vec!["base".to_owned()],
            rows: vec![MeasureRow {
                name: "own words".to_owned(),
                about: String::new(),
                numbers: vec![Some(Number::Rate(Rate { part: 9, whole: 9 }))],
                target,
            }],
            notes: Vec::new(),
        };
        assert_eq!(alone(Some(Target::AtLeast(0.9))).missed().len(), 1);
        assert!(alone(None).missed().is_empty());
    }
}
