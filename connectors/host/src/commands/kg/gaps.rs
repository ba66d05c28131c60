//! `loquat kg gaps`. In: the journal. Out: what was asked and is not in the graph, most asked first: as a table, as rows to be filled and
//! added, or as questions. Who asked is not looked at; what was erased is not in the journal any more.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Entry, Gap, Language, Query};
use loquat_journal::Ledger;
use owo_colors::OwoColorize;
use serde_json::json;

use crate::cli::{GapsCommand, GapsFormat};
use crate::config::Loaded;
use crate::parts::Places;

/// One thing that is missing.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// The entity's id, else the name that is not in the graph; empty where nothing was named.
    pub(crate) subject: String,
    /// Its name.
    pub(crate) name: String,
    /// The relation's id, else the words that ask for it; empty where nothing was left to ask by.
    pub(crate) predicate: String,
    /// The words that ask for it.
    pub(crate) asked: String,
    pub(crate) count: usize,
    /// The questions, each once, with their languages.
    pub(crate) questions: BTreeSet<(String, Language)>,
    /// Whether subject and relation are in the graph, so that an object is all that is missing.
    pub(crate) is_known: bool,
}

/// What is missing, of a journal that is read entry by entry.
#[derive(Debug, Default)]
pub(crate) struct Gathered(HashMap<(String, String), Missing>);

impl Gathered {
    /// Takes the next entry in.
    pub(crate) fn take(&mut self, entry: &Entry) {
        let Some(reply) = entry.prepared.as_ref().and_then(|prepared| prepared.reply.as_ref()) else {
            return;
        };
        for gap in &reply.gaps {
            count(&mut self.0, gap, &reply.language);
        }
    }

    /// All of it, most asked first.
    pub(crate) fn finish(self) -> Vec<Missing> {
        let mut missing: Vec<Missing> = self.0.into_values().collect();
        missing.sort_by(|one, other| {
            let key = |missing: &Missing| (missing.subject.clone(), missing.predicate.clone());
            other.count.cmp(&one.count).then_with(|| key(one).cmp(&key(other)))
        });
        missing
    }
}

pub(super) fn gaps(loaded: &Loaded, command: &GapsCommand) -> anyhow::Result<ExitCode> {
    let ledger = Ledger::open(&Places::of(&loaded.config)?.journal)?;
    let since = command.since.as_deref().map(crate::commands::since).transpose()?.unwrap_or_default();
    let mut gathered = Gathered::default();
    for sequence in ledger.sequences(&Query::default()) {
        let entry = ledger.entry(sequence)?;
        if entry.accepted_at >= since {
            gathered.take(&entry);
        }
    }
    let mut missing = gathered.finish();
    if command.limit > 0 {
        missing.truncate(command.limit);
    }
    let mut out = anstream::stdout();
    match command.format {
        GapsFormat::Table => table(&mut out, &missing)?,
        GapsFormat::Tsv => rows(&mut out, &missing)?,
        GapsFormat::Questions => questions(&mut out, &missing)?,
    }
    crate::commands::ledger::report(ledger.damage())
}

fn count(found: &mut HashMap<(String, String), Missing>, gap: &Gap, language: &Language) {
    let subject = gap.entity.as_ref().map_or_else(|| one_line(&gap.name), |id| id.to_string());
    let asked = one_line(&gap.asked);
    let predicate = gap.predicate.as_ref().map_or_else(|| asked.clone(), |id| id.to_string());
    let missing = found.entry((subject.to_lowercase(), predicate.to_lowercase())).or_insert_with(|| {
        Missing { subject, name: one_line(&gap.name), predicate, asked, ..Missing::default() }
    });
    missing.count += 1;
    missing.is_known = gap.entity.is_some() && gap.predicate.is_some();
    missing.questions.insert((one_line(&gap.question), language.clone()));
}

fn table(out: &mut impl Write, missing: &[Missing]) -> anyhow::Result<()> {
    if missing.is_empty() {
        writeln!(out, "no question of the journal went unanswered for want of a fact")?;
    }
    for Missing { subject, name, predicate, asked, count, questions, .. } in missing {
        let name = [name, subject].into_iter().find(|text| !text.is_empty()).map_or("?", String::as_str);
        let what = [asked, predicate].into_iter().find(|text| !text.is_empty()).map_or("?", String::as_str);
        let example = questions.first().map(|(question, _)| question.as_str()).unwrap_or_default();
        writeln!(out, "{count:>6}  {} — {what}  {}", name.bold(), example.dimmed())?;
    }
    Ok(())
}

/// Rows that `loquat kg add --file` takes once their objects are filled in.
fn rows(out: &mut impl Write, missing: &[Missing]) -> anyhow::Result<()> {
    writeln!(out, "subject\tpredicate\tobject\tasked\tname")?;
    let (whole, open): (Vec<_>, Vec<_>) =
        missing.iter().partition(|missing| !missing.subject.is_empty() && !missing.predicate.is_empty());
    for Missing { subject, name, predicate, count, .. } in &whole {
        writeln!(out, "{subject}\t{predicate}\t\t{count}\t{name}")?;
    }
    if !open.is_empty() {
        let (count, what) =
            (open.len(), "without a known subject or relation are left out; `loquat kg gaps` lists them");
        writeln!(anstream::stderr(), "{count} {what}")?;
    }
    Ok(())
}

/// Questions for training and evaluation, a line of JSON each; the answers are to be filled in.
fn questions(out: &mut impl Write, missing: &[Missing]) -> anyhow::Result<()> {
    for missing in missing {
        for (question, language) in &missing.questions {
            let mut line = json!({ "question": question, "language": language });
            for (key, text) in [("topic", &missing.name), ("relation", &missing.predicate)] {
                if !text.is_empty() {
                    line[key] = text.as_str().into();
                }
            }
            line["answers"] = json!([]);
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// On one line, without tabs and control characters: a cell of a table, and nothing that steers a terminal.
fn one_line(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}
