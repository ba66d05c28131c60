//! What somebody means who edits the graph. In: ids or names. Out: the id that it stands for, or why that is not clear.

use std::collections::BTreeMap;

use anyhow::bail;
use loquat_contract::Language;
use loquat_kg::{Graph, Object, Statement, object_of_cell, statement_of_row};

use crate::cli::FactRank;

/// Namesakes that are listed.
const LISTED: usize = 10;

/// What holds for all rows of an edit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner<'a> {
    pub(super) language: Option<&'a str>,
    pub(super) rank: Option<FactRank>,
    pub(super) qualifiers: &'a [(String, String)],
}

/// What a row states, with the graph's ids for names that only one has.
pub(super) fn statement(
    graph: &Graph,
    cells: [&str; 3],
    manner: Manner<'_>,
    shown: &Language,
) -> anyhow::Result<Statement> {
    let mut statement = statement_of_row(cells, manner.language).map_err(anyhow::Error::msg)?;
    match &mut statement {
        Statement::Fact { subject, predicate, object, rank, qualifiers } => {
            *subject = entity(graph, subject, shown)?;
            *predicate = predicate_id(graph, predicate, shown)?;
            named_object(graph, object, shown)?;
            *rank = match manner.rank {
                None => loquat_contract::Rank::Normal,
                Some(FactRank::Preferred) => loquat_contract::Rank::Preferred,
                Some(FactRank::Deprecated) => loquat_contract::Rank::Deprecated,
            };
            for (predicate, value) in manner.qualifiers {
                let mut value = object_of_cell(value);
                named_object(graph, &mut value, shown)?;
                qualifiers.push((predicate_id(graph, predicate, shown)?, value));
            }
        }
        Statement::Description { about, .. } => {
            if manner.rank.is_some() || !manner.qualifiers.is_empty() {
                bail!(
                    "a name or a description has no rank and no qualifiers; leave `--rank` and `--qualifier` out"
                );
            }
            *about = described(graph, about, shown)?;
        }
    }
    Ok(statement)
}

fn named_object(graph: &Graph, object: &mut Object, shown: &Language) -> anyhow::Result<()> {
    if let Object::Entity(id) = object {
        *id = entity(graph, id, shown)?;
    }
    Ok(())
}

/// The id of an entity; as it was written where nothing is called so.
fn entity(graph: &Graph, name: &str, shown: &Language) -> anyhow::Result<String> {
    one(name, entities(graph, name, shown))
}

fn predicate_id(graph: &Graph, name: &str, shown: &Language) -> anyhow::Result<String> {
    one(name, predicates(graph, name, shown))
}

/// The id of an entity or a predicate.
fn described(graph: &Graph, name: &str, shown: &Language) -> anyhow::Result<String> {
    let mut found = entities(graph, name, shown);
    found.extend(predicates(graph, name, shown));
    one(name, found)
}

/// Names by id.
type Namesakes = BTreeMap<String, String>;

fn entities(graph: &Graph, name: &str, shown: &Language) -> Namesakes {
    let pair =
        |found: loquat_kg::Shown| (found.entity.id.as_str().to_owned(), found.entity.label(shown).to_owned());
    graph.show(name, 0).into_iter().map(pair).collect()
}

fn predicates(graph: &Graph, name: &str, shown: &Language) -> Namesakes {
    let found = graph.predicates_named(name).into_iter();
    found.map(|predicate| (predicate.id.as_str().to_owned(), predicate.label(shown).to_owned())).collect()
}

fn one(name: &str, found: Namesakes) -> anyhow::Result<String> {
    if found.contains_key(name) {
        return Ok(name.to_owned());
    }
    if found.len() > 1 {
        let listed: Vec<String> =
            found.iter().take(LISTED).map(|(id, label)| format!("\n  {label}  {id}")).collect();
        let more = if found.len() > LISTED { "\n  …" } else { "" };
        bail!(
            "{} are called `{name}`; say which by its id. Nothing was changed{}{more}",
            found.len(),
            listed.concat()
        );
    }
    Ok(found.into_iter().next().map_or_else(|| name.to_owned(), |(id, _)| id))
}
