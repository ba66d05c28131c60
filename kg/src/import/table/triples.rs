//! Rows of subject, predicate and object. In: cells. Out: facts, or descriptions by the terms of the vocabulary.

use super::Rows;
use super::cell::value;
use crate::import::gather::Gather;
use crate::import::triple::{Meaning, describe};
use crate::statement::{Object, Statement};
use crate::vocabulary::{RDF_TYPE, Term, term};

/// Three columns. A first row that reads subject, predicate, object (or head, relation, tail) is a header.
pub(crate) struct Triples;

impl Rows for Triples {
    fn row(&self, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String> {
        let [subject, predicate, object] = cells else {
            return Err(format!("3 columns are needed and there are {}", cells.len()));
        };
        gather.meaning(meaning([subject, predicate, object], None)?);
        Ok(())
    }

    fn is_header(&self, cells: &[&str]) -> bool {
        let [subject, predicate, object] = cells else { return false };
        names_columns([subject, predicate, object])
    }
}

/// What a row means. With a language its object is text, not a name.
fn meaning(cells: [&str; 3], language: Option<&str>) -> Result<Meaning, String> {
    let [subject, predicate, object] = cells.map(str::trim);
    for (name, cell) in [("subject", subject), ("predicate", predicate), ("object", object)] {
        if cell.is_empty() {
            return Err(format!("the {name} is empty"));
        }
    }
    let language = language.map(str::to_owned);
    let predicate = match term(predicate) {
        other @ (Term::Describes(_) | Term::Source | Term::License) => {
            return Ok(describe(subject.to_owned(), other, object.to_owned(), language));
        }
        Term::Type => RDF_TYPE,
        _ => predicate,
    };
    let object = match language {
        None => value(object),
        language => Object::Text { text: object.to_owned(), language },
    };
    Ok(Meaning::Statement(Statement::fact(subject, predicate, object)))
}

/// What a row of subject, predicate and object states: the same as in a table that is imported. With a language its object is text
/// in that language.
///
/// # Errors
/// Why it states nothing.
pub fn statement_of_row(cells: [&str; 3], language: Option<&str>) -> Result<Statement, String> {
    match meaning(cells, language)? {
        Meaning::Statement(statement) => Ok(statement),
        _ => Err("where facts come from is said in a file, for all of the file".to_owned()),
    }
}

/// The object that a cell states, by the rule of tables.
pub fn object_of_cell(cell: &str) -> Object {
    value(cell.trim())
}

/// Whether a row is a table's header.
pub fn names_columns(cells: [&str; 3]) -> bool {
    let [subject, predicate, object] = cells;
    let is = |cell: &str, names: &[&str]| names.iter().any(|name| cell.trim().eq_ignore_ascii_case(name));
    is(subject, &["subject", "head", "s"])
        && is(predicate, &["predicate", "relation", "property", "p"])
        && is(object, &["object", "tail", "value", "o"])
}
