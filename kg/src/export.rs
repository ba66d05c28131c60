//! From the graph to N-Triples. In: a view. Out: a file that, imported, gives the same graph.
//!
//! Names that are no IRIs stand under `https://loquat.example/name/`, percent-encoded. A fact with a rank or qualifiers is written
//! as a resource of its own (`rdf:subject`, `rdf:predicate`, `rdf:object`, `loquat:rank`, and each qualifier), its lines one after the
//! other. A number with a unit of its own has the unit's id for datatype, under `https://loquat.example/unit/`.

use std::io::{self, Write};

use loquat_contract::{Label, Predicate, Rank};
use oxrdf::vocab::{rdf, rdfs, xsd};
use oxrdf::{Literal, NamedNode, Term, Triple};
use oxttl::NTriplesSerializer;

use crate::Graph;
use crate::names::percent_encoded;
use crate::statement::{Object, Statement, fact_id};
use crate::view::View;
use crate::vocabulary::{DATE, FACT, LOQUAT, NAME, NOTHING, SCHEMA, SKOS, UNIT, UNKNOWN, WKT};

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Facts.
    pub facts: u64,
    /// Labels and other descriptions.
    pub descriptions: u64,
}

impl Graph {
    /// Writes the graph as N-Triples, in the order of ids.
    ///
    /// # Errors
    /// When `out` cannot be written, or the snapshot turns out to be damaged: then it is made anew, and the export has to be
    /// repeated.
    pub fn export(&self, out: impl Write) -> io::Result<Exported> {
        let walk = self.walk();
        let view = walk.view();
        let mut exporter =
            Exporter { view, out, serializer: NTriplesSerializer::new(), exported: Exported::default() };
        exporter.run()?;
        exporter.out.flush()?;
        if view.snapshot().is_damaged() {
            self.check();
            return Err(io::Error::other("the snapshot was damaged and is made anew; export again"));
        }
        Ok(exporter.exported)
    }
}

struct Exporter<'a, W> {
    view: &'a View,
    out: W,
    serializer: NTriplesSerializer,
    exported: Exported,
}

impl<W: Write> Exporter<'_, W> {
    fn run(&mut self) -> io::Result<()> {
        for predicate in &self.view.schema().predicates {
            self.predicate(predicate)?;
        }
        for node in 0..self.view.entities() {
            self.entity(node)?;
            for fact in self.view.outgoing(node) {
                if let Some(statement) = self.view.statement(fact) {
                    self.fact(&statement)?;
                }
            }
        }
        for (from, to) in self.view.snapshot().redirects() {
            self.describe(&from, &format!("{LOQUAT}redirect"), iri(&to))?;
        }
        Ok(())
    }

    fn predicate(&mut self, predicate: &Predicate) -> io::Result<()> {
        let id = predicate.id.as_str();
        let templates = &predicate.templates;
        for (term, labels) in [
            (rdfs::LABEL.as_str().to_owned(), &predicate.labels),
            (format!("{SKOS}altLabel"), &predicate.aliases),
            (format!("{LOQUAT}template"), &templates.single),
            (format!("{LOQUAT}templatePlural"), &templates.plural),
            (format!("{LOQUAT}inverseTemplate"), &templates.inverse),
            (format!("{LOQUAT}templateTrue"), &templates.when_true),
            (format!("{LOQUAT}templateFalse"), &templates.when_false),
        ] {
            self.labels(id, &term, labels)?;
        }
        if let Some(unit) = &predicate.unit {
            let term = format!("{LOQUAT}unit");
            if !unit.symbol.is_empty() {
                self.labels(id, &term, &[Label::plain(&unit.symbol)])?;
            }
            self.labels(id, &term, &unit.labels)?;
        }
        Ok(())
    }

    fn entity(&mut self, node: u32) -> io::Result<()> {
        let Some(entity) = self.view.entity(node) else { return Ok(()) };
        let id = entity.id.as_str();
        if self.view.is_described(node) {
            for (term, labels) in [
                (rdfs::LABEL.as_str().to_owned(), &entity.labels),
                (format!("{SKOS}altLabel"), &entity.aliases),
                (format!("{LOQUAT}article"), &entity.articles),
                (format!("{SCHEMA}description"), &entity.descriptions),
            ] {
                self.labels(id, &term, labels)?;
            }
            if let Some(symbol) = self.view.symbol(node) {
                self.labels(id, &format!("{LOQUAT}unit"), &[Label::plain(symbol)])?;
            }
        }
        if let Some(popularity) = self.view.given_popularity(node) {
            self.describe(id, &format!("{LOQUAT}popularity"), number(&popularity.to_string()).into())?;
        }
        Ok(())
    }

    fn labels(&mut self, about: &str, term: &str, labels: &[Label]) -> io::Result<()> {
        for label in labels {
            let language = label.language.as_ref().map(loquat_contract::Language::as_str);
            self.describe(about, term, text(&label.text, language).into())?;
        }
        Ok(())
    }

    fn describe(&mut self, about: &str, term: &str, object: Term) -> io::Result<()> {
        self.exported.descriptions += 1;
        self.triple(iri_of(about), NamedNode::new_unchecked(term), object)
    }

    fn fact(&mut self, statement: &Statement) -> io::Result<()> {
        let Statement::Fact { subject, predicate, object, rank, qualifiers } = statement else {
            return Ok(());
        };
        self.exported.facts += 1;
        if *rank == Rank::Normal && qualifiers.is_empty() {
            return self.triple(iri_of(subject), iri_of(predicate), object_term(object));
        }
        let fact = NamedNode::new_unchecked(format!("{FACT}{}", fact_id(statement.digest())));
        self.triple(fact.clone(), rdf::SUBJECT.into_owned(), iri(subject))?;
        self.triple(fact.clone(), rdf::PREDICATE.into_owned(), iri(predicate))?;
        self.triple(fact.clone(), rdf::OBJECT.into_owned(), object_term(object))?;
        let rank = match rank {
            Rank::Deprecated => "deprecated",
            Rank::Normal => "normal",
            Rank::Preferred => "preferred",
        };
        let term = NamedNode::new_unchecked(format!("{LOQUAT}rank"));
        self.triple(fact.clone(), term, Literal::new_simple_literal(rank).into())?;
        for (predicate, value) in qualifiers {
            self.triple(fact.clone(), iri_of(predicate), object_term(value))?;
        }
        Ok(())
    }

    fn triple(&mut self, subject: NamedNode, predicate: NamedNode, object: Term) -> io::Result<()> {
        let triple = Triple::new(subject, predicate, object);
        let mut writer = self.serializer.clone().for_writer(&mut self.out);
        writer.serialize_triple(triple.as_ref())?;
        writer.finish();
        Ok(())
    }
}

/// The IRI of an id: itself, or one made from a name.
fn iri_of(id: &str) -> NamedNode {
    match NamedNode::new(id) {
        Ok(node) if !id.starts_with(NAME) && crate::names::is_iri(id) => node,
        _ => NamedNode::new_unchecked(format!("{NAME}{}", percent_encoded(id))),
    }
}

fn iri(id: &str) -> Term {
    iri_of(id).into()
}

fn text(text: &str, language: Option<&str>) -> Literal {
    let tagged = language.and_then(|language| Literal::new_language_tagged_literal(text, language).ok());
    tagged.unwrap_or_else(|| Literal::new_simple_literal(text))
}

fn number(lexical: &str) -> Literal {
    let unsigned = lexical.strip_prefix(['-', '+']).unwrap_or(lexical);
    let datatype = match unsigned.bytes().all(|b| b.is_ascii_digit()) {
        true => xsd::INTEGER,
        false if unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'.') => xsd::DECIMAL,
        false => xsd::DOUBLE,
    };
    Literal::new_typed_literal(lexical, datatype)
}

fn object_term(object: &Object) -> Term {
    let typed = |text: &str, datatype: String| -> Term {
        Literal::new_typed_literal(text, NamedNode::new_unchecked(datatype)).into()
    };
    match object {
        Object::Entity(id) => iri(id),
        Object::Text { text: words, language } => text(words, language.as_deref()).into(),
        Object::Number { lexical, unit: None } => number(lexical).into(),
        Object::Number { lexical, unit: Some(unit) } => {
            typed(lexical, format!("{UNIT}{}", percent_encoded(unit)))
        }
        Object::Date(date) => {
            let parts = date.strip_prefix('-').unwrap_or(date).split('-').count();
            match parts {
                _ if date.contains('X') => typed(date, DATE.to_owned()),
                1 => Literal::new_typed_literal(date, xsd::G_YEAR).into(),
                2 => Literal::new_typed_literal(date, xsd::G_YEAR_MONTH).into(),
                _ => Literal::new_typed_literal(date, xsd::DATE).into(),
            }
        }
        Object::Boolean(value) => Literal::from(*value).into(),
        Object::Url(url) => Literal::new_typed_literal(url, xsd::ANY_URI).into(),
        Object::Coordinate(degrees) => {
            let (latitude, longitude) = degrees.split_once(' ').unwrap_or((degrees, "0"));
            typed(&format!("Point({longitude} {latitude})"), WKT.to_owned())
        }
        Object::Unknown => NamedNode::new_unchecked(UNKNOWN).into(),
        Object::Nothing => NamedNode::new_unchecked(NOTHING).into(),
    }
}
