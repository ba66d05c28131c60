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
//! | `dct:source`, `dct:license` | the graph itself | where the file's facts come from |

use crate::statement::Describes;

/// The framework's own namespace.
const LOQUAT: &str = "https://loquat.example/ns#";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
const DCT: &str = "http://purl.org/dc/terms/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// `rdf:type`.
pub const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// The namespace of XML Schema's datatypes.
pub const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// GeoSPARQL's datatype of places.
pub const WKT: &str = "http://www.opengis.net/ont/geosparql#wktLiteral";

/// Every predicate, as an IRI, that [`term`] finds a meaning in besides a relation and `rdf:type`.
pub fn describing() -> impl Iterator<Item = String> {
    let names = |namespace: &'static str, names: &'static [&'static str]| {
        names.iter().map(move |name| format!("{namespace}{name}"))
    };
    names(RDFS, &["label"])
        .chain(names(SKOS, &["prefLabel", "altLabel"]))
        .chain(names("http://schema.org/", &["alternateName"]))
        .chain(names("https://schema.org/", &["alternateName"]))
        .chain(names(
            LOQUAT,
            &[
                "article",
                "template",
                "templatePlural",
                "templateTrue",
                "templateFalse",
                "inverseLabel",
                "inverseTemplate",
                "unit",
            ],
        ))
        .chain(names(DCT, &["source", "license"]))
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
        (SKOS | "skos:", "altLabel")
        | ("http://schema.org/" | "https://schema.org/" | "schema:", "alternateName") => {
            Term::Describes(Describes::Alias)
        }
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
        _ => Term::Relation,
    }
}

/// Whether a thing of this class is a predicate.
pub fn is_property_class(class: &str) -> bool {
    const OWL: &str = "http://www.w3.org/2002/07/owl#";
    class.strip_prefix(RDF).is_some_and(|name| name == "Property")
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
