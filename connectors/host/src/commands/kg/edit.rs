//! `loquat kg add` and `kg remove`. In: rows, ids of facts. Out: another graph, and what changed.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use loquat_contract::{Fact, FactId, Language};
use loquat_kg::{Describes, Graph, Statement, names_columns};
use owo_colors::OwoColorize;

use super::line;
use super::names::{Manner, statement};
use crate::cli::{AddCommand, RemoveCommand};

/// Changes that are told one by one.
const TOLD: usize = 20;

/// Facts that are shown beside one that is not there.
const BESIDE: usize = 5;

pub(super) fn add(graph: &Graph, command: &AddCommand, shown: &Language) -> anyhow::Result<()> {
    let manner =
        Manner { language: command.language.as_deref(), rank: command.rank, qualifiers: &command.qualifiers };
    let statements = match &command.file {
        Some(file) => rows(graph, file, manner, shown)?,
        None => vec![statement(graph, cells(&command.row)?, manner, shown)?],
    };
    let (said, new): (Vec<_>, Vec<_>) = statements.into_iter().partition(|statement| graph.says(statement));
    let new: Vec<Statement> = kept_names(graph, &new).into_iter().chain(new).collect();
    let generation = graph.add(new.clone(), &command.source)?;
    let mut out = anstream::stdout();
    for statement in said.iter().take(TOLD) {
        write!(out, "the graph says so already:")?;
        tell(&mut out, graph, statement, shown)?;
    }
    for statement in new.iter().take(TOLD) {
        write!(out, "added:")?;
        tell(&mut out, graph, statement, shown)?;
    }
    writeln!(out, "{} added, {} there already; generation {generation}", new.len(), said.len())?;
    Ok(())
}

/// The names that were made from ids and would go with the first name that is given.
fn kept_names(graph: &Graph, statements: &[Statement]) -> Vec<Statement> {
    let mut kept: Vec<Statement> = Vec::new();
    for statement in statements {
        let Statement::Description { about, what: Describes::Alias, .. } = statement else { continue };
        for entity in graph.show(about, 0).into_iter().map(|shown| shown.entity) {
            let [label] = entity.labels.as_slice() else { continue };
            if label.language.is_some() || !entity.aliases.is_empty() {
                continue;
            }
            let (about, text) = (entity.id.as_str().to_owned(), label.text.clone());
            let name = Statement::Description { about, what: Describes::Label, text, language: None };
            if !kept.contains(&name) && !graph.says(&name) {
                kept.push(name);
            }
        }
    }
    kept
}

pub(super) fn remove(graph: &Graph, command: &RemoveCommand, shown: &Language) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    let (mut statements, mut facts) = (Vec::new(), Vec::new());
    if command.facts.iter().all(|text| is_id(text)) {
        for id in &command.facts {
            let Some((fact, statement)) = graph.find(&FactId(id.as_str().into())) else {
                bail!(
                    "no fact of the graph has the id {id}, so nothing was removed; `loquat kg show ENTITY` prints the ids of an \
                     entity's facts"
                );
            };
            facts.push(fact);
            statements.push(statement);
        }
    } else {
        let manner = Manner { language: command.language.as_deref(), ..Manner::default() };
        let row = cells(&command.facts)
            .context("name facts by their ids, or one by its subject, predicate and object")?;
        let statement = statement(graph, row, manner, shown)?;
        match fact_of(graph, &statement) {
            Some(fact) => facts.push(fact),
            None if matches!(statement, Statement::Fact { .. }) => {
                bail!(
                    "the graph does not say that, so nothing was removed{}",
                    beside(graph, &statement, shown)?
                )
            }
            None => {}
        }
        statements.push(statement);
    }
    let before = graph.generation();
    let described: Vec<Statement> =
        statements.iter().filter(|statement| !matches!(statement, Statement::Fact { .. })).cloned().collect();
    let generation = graph.remove(statements)?;
    if generation == before {
        bail!("the graph does not say that, so nothing was removed");
    }
    for fact in &facts {
        write!(out, "removed:")?;
        line(&mut out, fact, shown)?;
    }
    for statement in &described {
        write!(out, "removed:")?;
        tell(&mut out, graph, statement, shown)?;
    }
    writeln!(out, "{} removed; generation {generation}", facts.len() + described.len())?;
    Ok(())
}

/// The rows of a table; a bad one is an error.
fn rows(graph: &Graph, file: &Path, manner: Manner<'_>, shown: &Language) -> anyhow::Result<Vec<Statement>> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let mut statements = Vec::new();
    let mut has_more_columns = false;
    for (number, row) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if row.trim().is_empty() {
            continue;
        }
        let at = || format!("line {number} of {}: nothing was added", file.display());
        let mut row: Vec<String> = row.split('\t').map(str::to_owned).collect();
        if number == 1 && row.len() > 3 {
            has_more_columns = names_columns([&row[0], &row[1], &row[2]]);
            if has_more_columns {
                continue;
            }
        }
        if has_more_columns && row.len() >= 3 {
            row.truncate(3);
            if row[2].trim().is_empty() {
                continue;
            }
        }
        let cells = cells(&row).with_context(at)?;
        if number > 1 || !names_columns(cells) {
            statements.push(statement(graph, cells, manner, shown).with_context(at)?);
        }
    }
    Ok(statements)
}

fn cells(row: &[String]) -> anyhow::Result<[&str; 3]> {
    let [subject, predicate, object] = row else {
        bail!("3 columns are needed and there are {}", row.len());
    };
    Ok([subject, predicate, object])
}

/// Whether this is the id of a fact: 20 hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The fact that a statement is in the graph.
fn fact_of(graph: &Graph, statement: &Statement) -> Option<Fact> {
    let id = statement.id();
    let shown = graph.show(statement.about(), usize::MAX);
    shown.into_iter().flat_map(|shown| shown.facts).find(|fact| fact.id == id)
}

/// Facts of the same subject and predicate, as the end of a message.
fn beside(graph: &Graph, wanted: &Statement, language: &Language) -> anyhow::Result<String> {
    let Statement::Fact { subject, predicate, .. } = wanted else { return Ok(String::new()) };
    let shown = graph.show(subject, usize::MAX);
    let facts = shown.iter().flat_map(|shown| &shown.facts);
    let mut text = Vec::new();
    for fact in facts.filter(|fact| fact.predicate.id.as_str() == predicate).take(BESIDE) {
        line(&mut text, fact, language)?;
    }
    if text.is_empty() {
        return Ok(format!("; `loquat kg show {subject:?}` prints what it says"));
    }
    let text = anstream::adapter::strip_bytes(&text).into_vec();
    Ok(format!("; it says, and an id removes\n{}", String::from_utf8_lossy(&text).trim_end()))
}

/// Says a statement, as the graph has it where it has it.
fn tell(
    out: &mut impl Write,
    graph: &Graph,
    statement: &Statement,
    language: &Language,
) -> std::io::Result<()> {
    match statement {
        Statement::Fact { .. } => match fact_of(graph, statement) {
            Some(fact) => line(out, &fact, language),
            None => writeln!(out, "  {}", statement.id().dimmed()),
        },
        Statement::Description { about, what, text, language: own } => {
            let own = own.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default();
            let what = format!("{what:?}").to_lowercase();
            writeln!(out, "  {what} of {about} — {text}{own}")
        }
    }
}
