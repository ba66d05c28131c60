//! Facts that are described themselves. In: triples, those of one fact after each other. Out: facts with rank and qualifiers,
//! and everything else as it is.

use loquat_contract::Rank;

use super::gather::Gather;
use super::triple::{Part, Parts, Refusal, id_of, object, understand};
use crate::statement::{Object, Statement};
use crate::vocabulary::{FACT, Term, term};

/// Puts described facts together.
#[derive(Default)]
pub(super) struct Facts {
    open: Option<Open>,
}

/// A fact that more may be said of.
struct Open {
    id: String,
    /// Where it begins.
    line: u64,
    text: Vec<u8>,
    subject: Option<String>,
    predicate: Option<String>,
    object: Option<Object>,
    rank: Rank,
    qualifiers: Vec<(String, Object)>,
}

impl Facts {
    /// Takes a triple of this line.
    pub(super) fn triple(
        &mut self,
        parts: Parts<'_>,
        line: u64,
        text: &[u8],
        gather: &mut Gather<'_>,
    ) -> Result<(), Refusal> {
        let Some(id) = parts.subject.and_then(|subject| subject.strip_prefix(FACT)) else {
            self.close(gather);
            understand(parts).map(|meaning| gather.meaning(meaning))?;
            return Ok(());
        };
        if self.open.as_ref().is_none_or(|open| open.id != id) {
            self.close(gather);
        }
        let open = self.open.get_or_insert_with(|| Open::new(id, line));
        open.text.extend_from_slice(text);
        open.text.push(b'\n');
        open.take(parts)
    }

    /// No more is said of the fact that is open.
    pub(super) fn close(&mut self, gather: &mut Gather<'_>) {
        let Some(open) = self.open.take() else { return };
        let Open { id, line, mut text, subject, predicate, object, rank, qualifiers } = open;
        match (subject, predicate, object) {
            (Some(subject), Some(predicate), Some(object)) => {
                gather.statement(Statement::Fact { subject, predicate, object, rank, qualifiers });
            }
            _ => {
                text.pop();
                let reason = format!("the fact {id} lacks its rdf:subject, rdf:predicate or rdf:object");
                gather.bad(line, reason, &text);
            }
        }
    }
}

impl Open {
    fn new(id: &str, line: u64) -> Self {
        let (text, qualifiers) = Default::default();
        let id = id.to_owned();
        Self { id, line, text, subject: None, predicate: None, object: None, rank: Rank::Normal, qualifiers }
    }

    fn take(&mut self, parts: Parts<'_>) -> Result<(), Refusal> {
        let name = || match parts.object {
            Part::Iri(iri) => Some(id_of(iri).into_owned()),
            Part::Literal { text, .. } => Some(text.to_owned()),
            Part::Blank => None,
        };
        match term(parts.predicate) {
            Term::FactSubject => self.subject = name(),
            Term::FactPredicate => self.predicate = name(),
            Term::FactObject => {
                let predicate = self.predicate.as_deref().unwrap_or_default();
                self.object = Some(object(predicate, parts.object)?);
            }
            Term::FactRank => {
                let Part::Literal { text, .. } = parts.object else { return Err(no_rank("a node")) };
                self.rank = match text {
                    "preferred" => Rank::Preferred,
                    "normal" => Rank::Normal,
                    "deprecated" => Rank::Deprecated,
                    other => return Err(no_rank(other)),
                };
            }
            _ => self
                .qualifiers
                .push((id_of(parts.predicate).into_owned(), object(parts.predicate, parts.object)?)),
        }
        Ok(())
    }
}

fn no_rank(found: &str) -> Refusal {
    let reason = format!("{found:?} is no rank; there are preferred, normal and deprecated");
    Refusal { reason, near: found.to_owned() }
}
