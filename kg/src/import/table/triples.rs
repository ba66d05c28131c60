//! Rows of subject, predicate and object. In: cells. Out: facts, or descriptions by the terms of the vocabulary.

use super::Rows;
use super::cell::value;
use crate::import::gather::Gather;
use crate::import::triple::describe;
use crate::statement::Statement;
use crate::vocabulary::{RDF_TYPE, Term, term};

/// Three columns. A first row that reads subject, predicate, object (or head, relation, tail) is a header.
pub(crate) struct Triples;

impl Rows for Triples {
    fn row(&self, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String> {
        let [subject, predicate, object] = cells else {
            return Err(format!("3 columns are needed and there are {}", cells.len()));
        };
        let (subject, predicate, object) = (subject.trim(), predicate.trim(), object.trim());
        for (name, cell) in [("subject", subject), ("predicate", predicate), ("object", object)] {
            if cell.is_empty() {
                return Err(format!("the {name} is empty"));
            }
        }
        match term(predicate) {
            other @ (Term::Describes(_) | Term::Source | Term::License) => {
                gather.meaning(describe(subject.to_owned(), other, object.to_owned(), None));
            }
            Term::Type => gather.statement(Statement::fact(subject, RDF_TYPE, value(object))),
            _ => gather.statement(Statement::fact(subject, predicate, value(object))),
        }
        Ok(())
    }

    fn is_header(&self, cells: &[&str]) -> bool {
        let [subject, predicate, object] = cells else { return false };
        let is = |cell: &str, names: &[&str]| names.iter().any(|name| cell.trim().eq_ignore_ascii_case(name));
        is(subject, &["subject", "head", "s"])
            && is(predicate, &["predicate", "relation", "property", "p"])
            && is(object, &["object", "tail", "value", "o"])
    }
}
