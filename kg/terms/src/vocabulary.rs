//! The words in which a graph file describes itself. In: an IRI, or its short form in a table. Out: what it means here.
//!
//! | term | said of | meaning |
//! |---|---|---|
//! | `rdfs:label`, `skos:prefLabel` | entity, predicate | the preferred name, one a language |
//! | `skos:altLabel`, `schema:alternateName` | entity, predicate | a further name |
//! | `loquat:article` | entity | the article of its name in a sentence |
//! | `loquat:template`, `loquat:templatePlural` | predicate | a sentence with `{subject}` and `{object}` |
//! | `loquat:templateTrue`, `loquat:templateFalse` | predicate | the sentence for a boolean |
//! | `loquat:inverseLabel`, `loquat:inverseTemplate` | predicate | its name and sentence from object to subject |
//! | `loquat:unit` | predicate | the symbol (no language) or a name (with language) of its numbers' unit |
//! | `schema:description` | entity, predicate | what it is, in a few words |
//! | `loquat:popularity`, `wikibase:sitelinks` | entity | how well known it is |
//! | `loquat:redirect` | entity | the id of what it was merged into |
//! | `dct:source`, `dct:license` | the graph itself | where the file's facts come from |
//!
//! A fact with a rank or qualifiers is told by triples about `https://loquat.example/fact/` and its id: `rdf:subject`,
//! `rdf:predicate`, `rdf:object`, `loquat:rank`, and every other predicate is a qualifier. They have to follow each other.

use crate::statement::Describes;

/// The framework's own namespace.
pub const LOQUAT: &str = "https://loquat.example/ns#";
/// Before the id of a fact that is itself described.
pub const FACT: &str = "https://loquat.example/fact/";
/// Before the percent-encoded id of what has a name and no IRI, as in a table.
pub const NAME: &str = "https://loquat.example/name/";
/// The datatype of a date that XML Schema has none for: a decade, a century.
pub const DATE: &str = "https://loquat.example/ns#date";
/// Before the percent-encoded id of a unit, as the datatype of a number.
pub const UNIT: &str = "https://loquat.example/unit/";
/// The object of a fact whose value exists and is not known.
pub const UNKNOWN: &str = "https://loquat.example/ns#unknown";
/// The object of a fact that there is no value.
pub const NOTHING: &str = "https://loquat.example/ns#nothing";
/// The datatype of a point on Earth.
pub const WKT: &str = "http://www.opengis.net/ont/geosparql#wktLiteral";
const WIKIBASE: &str = "http://wikiba.se/ontology#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
/// RDF Schema.
pub const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
/// SKOS.
pub const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
const DCT: &str = "http://purl.org/dc/terms/";
/// schema.org.
pub const SCHEMA: &str = "http://schema.org/";
const SCHEMAS: &str = "https://schema.org/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// `rdf:type`.
pub const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// The namespace of XML Schema's datatypes.
pub const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// Every predicate, as an IRI, whose triples are never facts: they describe, tell an origin, or are part of a described fact.
pub fn describing() -> impl Iterator<Item = String> {
    let names = |namespace: &'static str, names: &'static [&'static str]| {
        names.iter().map(move |name| format!("{namespace}{name}"))
    };
    let said = ["article", "template", "templatePlural", "templateTrue", "templateFalse"];
    let said =
        said.into_iter().chain(["inverseLabel", "inverseTemplate", "unit", "popularity", "redirect", "rank"]);
    names(RDFS, &["label"])
        .chain(names(SKOS, &["prefLabel", "altLabel"]))
        .chain(names(SCHEMA, &["name", "alternateName", "description"]))
        .chain(names(SCHEMAS, &["name", "alternateName", "description"]))
        .chain(said.map(|name| format!("{LOQUAT}{name}")))
        .chain(names(WIKIBASE, &["sitelinks"]))
        .chain(names(DCT, &["source", "license"]))
        .chain(names(RDF, &["subject", "predicate", "object"]))
}

/// What a predicate of the file means to the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A description of the subject.
    Describes(Describes),
    /// The subject's class.
    Type,
    /// Where the subject comes from.
    Source,
    /// The terms that the subject may be used under.
    License,
    /// The subject of a fact that is described itself.
    FactSubject,
    /// Its predicate.
    FactPredicate,
    /// Its object.
    FactObject,
    /// Its rank.
    FactRank,
    /// The subject is a page about the object.
    About,
    /// The subject is what the object was merged into, in Wikidata.
    SameAs,
    /// The object is the subject's predicate in facts, in Wikidata.
    DirectClaim,
    /// Nothing special: the triple is a fact.
    Relation,
}

/// What `predicate` means; it may be written as an IRI or with one of the usual prefixes.
pub fn term(predicate: &str) -> Term {
    let (namespace, name) = match predicate.rfind(['#', '/', ':']) {
        Some(at) => predicate.split_at(at + 1),
        None => return Term::Relation,
    };
    match (namespace, name) {
        (RDFS | "rdfs:", "label") | (SKOS | "skos:", "prefLabel") => Term::Describes(Describes::Label),
        (SKOS | "skos:", "altLabel") | (SCHEMA | SCHEMAS | "schema:", "alternateName") => {
            Term::Describes(Describes::Alias)
        }
        (SCHEMA | SCHEMAS | "schema:", "name") => Term::Describes(Describes::Label),
        (SCHEMA | SCHEMAS | "schema:", "description") => Term::Describes(Describes::Description),
        (SCHEMA | SCHEMAS, "about") => Term::About,
        (LOQUAT | "loquat:", "popularity") | (WIKIBASE, "sitelinks") => {
            Term::Describes(Describes::Popularity)
        }
        (LOQUAT | "loquat:", "redirect") => Term::Describes(Describes::Redirect),
        (LOQUAT | "loquat:", "article") => Term::Describes(Describes::Article),
        (LOQUAT | "loquat:", "template") => Term::Describes(Describes::Template),
        (LOQUAT | "loquat:", "templatePlural") => Term::Describes(Describes::PluralTemplate),
        (LOQUAT | "loquat:", "templateTrue") => Term::Describes(Describes::TrueTemplate),
        (LOQUAT | "loquat:", "templateFalse") => Term::Describes(Describes::FalseTemplate),
        (LOQUAT | "loquat:", "inverseLabel") => Term::Describes(Describes::InverseLabel),
        (LOQUAT | "loquat:", "inverseTemplate") => Term::Describes(Describes::InverseTemplate),
        (LOQUAT | "loquat:", "unit") => Term::Describes(Describes::Unit),
        (DCT | "dct:" | "dcterms:", "source") => Term::Source,
        (DCT | "dct:" | "dcterms:", "license") => Term::License,
        (RDF | "rdf:", "type") => Term::Type,
        (RDF, "subject") => Term::FactSubject,
        (RDF, "predicate") => Term::FactPredicate,
        (RDF, "object") => Term::FactObject,
        (LOQUAT, "rank") => Term::FactRank,
        (OWL, "sameAs") => Term::SameAs,
        (WIKIBASE, "directClaim") => Term::DirectClaim,
        _ => Term::Relation,
    }
}

/// Whether a thing of this class is a predicate.
pub fn is_property_class(class: &str) -> bool {
    class.strip_prefix(RDF).is_some_and(|name| name == "Property")
        || class.strip_prefix(WIKIBASE).is_some_and(|name| name == "Property")
        || class.strip_prefix(OWL).is_some_and(|name| name.ends_with("Property"))
}

/// Whether a thing of this class is the graph itself.
pub fn is_graph_class(class: &str) -> bool {
    class.strip_prefix(LOQUAT).is_some_and(|name| name == "Graph")
        || matches!(
            class,
            "http://www.w3.org/2002/07/owl#Ontology"
                | "http://rdfs.org/ns/void#Dataset"
                | "http://www.w3.org/ns/dcat#Dataset"
        )
}

#[cfg(test)]
mod tests {
    use super::{Describes, Term, is_graph_class, is_property_class, term};

    #[test]
    fn terms_are_known_by_iri_and_by_prefix() {
        assert_eq!(term("http://www.w3.org/2000/01/rdf-schema#label"), Term::Describes(Describes::Label));
        assert_eq!(term("skos:altLabel"), Term::Describes(Describes::Alias));
        assert_eq!(
            term("https://loquat.example/ns#templatePlural"),
            Term::Describes(Describes::PluralTemplate)
        );
        assert_eq!(term("http://purl.org/dc/terms/source"), Term::Source);
        assert!(super::describing().all(|iri| !matches!(term(&iri), Term::Relation | Term::Type)));
        assert_eq!(term("label"), Term::Relation);
        assert_eq!(term("http://example.com/label"), Term::Relation);
        assert!(is_property_class("http://www.w3.org/2002/07/owl#ObjectProperty"));
        assert!(is_graph_class("https://loquat.example/ns#Graph"));
        assert!(!is_graph_class("https://loquat.example/ns#Graphs"));
    }
}
