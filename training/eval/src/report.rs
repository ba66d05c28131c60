//! Records → a report for people and one for programs. In: all records of a run and what it was of. Out: `report.json`, `report.md` and
//! `report.html` in the run's folder, and the table for the terminal.

mod html;
mod markdown;
mod plot;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::measure::{Group, Measures, grouped, percentile};
use crate::results::{Record, RunIdentity};
use crate::stage::Stage;

/// Failures of a kind that are shown; all are in `results.jsonl`.
const SHOWN: usize = 40;
/// Points of a curve.
const POINTS: usize = 60;

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The set.
    pub set: String,
    /// `template` as the set has it, `paraphrase` in other words; `all` where nothing was reworded.
    pub phrasing: String,
    /// The system.
    pub system: String,
    /// What it amounts to.
    pub measures: Measures,
}

/// A breakdown of one system's replies on one set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The set.
    pub set: String,
    /// The system.
    pub system: String,
    /// By what.
    pub by: String,
    /// The groups.
    pub groups: Vec<Group>,
}

/// A turn that went wrong, or in which something was sent that should not have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The item.
    pub id: String,
    /// What was said.
    pub said: String,
    /// What was expected.
    pub expected: String,
    /// What was replied.
    pub replied: String,
    /// What is known of why: what was cited, found, forbidden or missing.
    pub why: String,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// The set.
    pub set: String,
    /// The system.
    pub system: String,
    /// The kind.
    pub title: String,
    /// How many there are.
    pub count: usize,
    /// Some of them.
    pub shown: Vec<Failure>,
}

/// The distribution of one system's reply times, as points of milliseconds and shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The set and system.
    pub name: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

/// What a run amounts to. Its JSON is `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What it says above.
    pub title: String,
    /// The program's version.
    pub version: String,
    /// What the run is of.
    pub run: RunIdentity,
    /// The comparison.
    pub rows: Vec<Row>,
    /// By relation, hops, category and language.
    pub breakdowns: Vec<Breakdown>,
    /// What went wrong, by stage.
    pub failures: Vec<Failures>,
    /// Sentences that no cited fact supports.
    pub unsupported: Vec<Failures>,
    /// Reply times.
    pub latency: Vec<Curve>,
}

impl Report {
    /// Puts a report together.
    pub fn new(title: &str, run: RunIdentity, records: &[Record]) -> Self {
        let mut pairs: BTreeMap<(&str, usize, &str), Vec<&Record>> = BTreeMap::new();
        // Systems stand in the order in which they are named, whatever order the replies came in.
        let order = |record: &Record| {
            let names: Vec<&str> =
                run.systems.iter().filter_map(|system| system.split(": ").next()).collect();
            names.iter().position(|name| *name == record.system).unwrap_or(names.len())
        };
        for record in records {
            pairs.entry((&record.set, order(record), &record.system)).or_default().push(record);
        }
        let mut report = Self {
            title: title.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.clone(),
            rows: Vec::new(),
            breakdowns: Vec::new(),
            failures: Vec::new(),
            unsupported: Vec::new(),
            latency: Vec::new(),
        };
        for ((set, _, system), mut records) in pairs {
            records.sort_by(|a, b| a.id.cmp(&b.id));
            report.add(set, system, &records);
        }
        report
    }

    fn add(&mut self, set: &str, system: &str, records: &[&Record]) {
        let row = |phrasing: &str, records: Vec<&Record>| Row {
            set: set.to_owned(),
            phrasing: phrasing.to_owned(),
            system: system.to_owned(),
            measures: Measures::of(records),
        };
        let (reworded, template): (Vec<&Record>, Vec<&Record>) =
            records.iter().copied().partition(|record| record.is_paraphrase);
        if reworded.is_empty() {
            self.rows.push(row("all", template));
        } else {
            self.rows.extend([row("template", template), row("paraphrase", reworded)]);
        }
        type Key = fn(&Record) -> Option<String>;
        let keys: [(&str, Key); 4] = [
            ("relation", |record| record.relation.clone()),
            ("hops", |record| record.hops.map(|hops| hops.to_string())),
            ("category", |record| record.category.clone()),
            ("language", |record| Some(record.language.clone())),
        ];
        for (by, key) in keys {
            let groups = grouped(records.iter().copied(), key);
            if groups.len() > 1 {
                self.breakdowns.push(Breakdown {
                    set: set.to_owned(),
                    system: system.to_owned(),
                    by: by.to_owned(),
                    groups,
                });
            }
        }
        let mut stages: BTreeMap<Stage, Vec<Failure>> = BTreeMap::new();
        let mut unsupported = Vec::new();
        for record in records {
            for turn in &record.turns {
                if let Some(stage) = turn.stage {
                    stages.entry(stage).or_default().push(failure(record, turn));
                }
                if !turn.findings.is_empty() {
                    unsupported.push(finding(record, turn));
                }
            }
        }
        let of = |title: &str, mut all: Vec<Failure>| {
            let count = all.len();
            all.truncate(SHOWN);
            Failures {
                set: set.to_owned(),
                system: system.to_owned(),
                title: title.to_owned(),
                count,
                shown: all,
            }
        };
        self.failures.extend(stages.into_iter().map(|(stage, all)| of(stage.title(), all)));
        if !unsupported.is_empty() {
            self.unsupported.push(of("sentences that no cited fact supports", unsupported));
        }
        let mut times: Vec<f64> =
            records.iter().flat_map(|record| &record.turns).map(|turn| turn.milliseconds).collect();
        times.sort_by(f64::total_cmp);
        let point = |step: usize| {
            let share = step * 100 / POINTS;
            (percentile(&times, share.max(1)), share as f64 / 100.0)
        };
        let points = (1..=POINTS).map(point).collect();
        self.latency.push(Curve { name: format!("{set}, {system}"), points });
    }

    /// The comparison as a Markdown table.
    pub fn table(&self) -> String {
        markdown::comparison(self)
    }
}

fn failure(record: &Record, turn: &crate::results::TurnRecord) -> Failure {
    let graded = &turn.graded;
    let mut why = Vec::new();
    let mut note = |what: &str, all: &[String]| {
        if !all.is_empty() {
            why.push(format!("{what}: {}", all.join("; ")));
        }
    };
    note("never to be said", &graded.forbidden);
    note("missing", &graded.missing);
    note("values", &turn.values);
    note("cited", &turn.cited[..turn.cited.len().min(4)]);
    note("linked", &turn.linked);
    note("error", turn.error.as_slice());
    let kind = format!("{:?}", turn.expect).to_lowercase();
    let expected =
        if turn.answers.is_empty() { kind } else { format!("{kind}: {}", turn.answers.join("; ")) };
    Failure {
        id: record.id.clone(),
        said: turn.said.clone(),
        expected,
        replied: turn.reply.clone(),
        why: why.join(" · "),
    }
}

fn finding(record: &Record, turn: &crate::results::TurnRecord) -> Failure {
    let found = turn.findings.iter().map(|finding| {
        let kind = match finding.kind {
            crate::FindingKind::Doubtful => "sent though not supported",
            crate::FindingKind::Uncited => "cites nothing",
            crate::FindingKind::NotInGraph => "not in the graph",
            crate::FindingKind::ForeignName => "name from nowhere",
            crate::FindingKind::ForeignNumber => "number from nowhere",
        };
        let what = if finding.what.is_empty() { String::new() } else { format!(" ({})", finding.what) };
        format!("{kind}{what}")
    });
    Failure { why: found.collect::<Vec<_>>().join("; "), ..failure(record, turn) }
}

/// Writes the report into a folder, in its three forms.
///
/// # Errors
/// When a file cannot be written.
pub fn write_report(report: &Report, folder: &Path) -> Result<(), EvalError> {
    let json = serde_json::to_string_pretty(report)
        .map_err(|error| EvalError::Damaged { path: folder.into(), reason: error.to_string() })?;
    let files =
        [("report.json", json), ("report.md", markdown::page(report)), ("report.html", html::page(report)?)];
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| EvalError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
