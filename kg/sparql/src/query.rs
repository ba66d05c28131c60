//! The text of every query. In: terms, already checked. Out: SPARQL 1.1. Knows no network.
//!
//! Whatever comes from a person or from the endpoint enters a query only as an [`oxrdf`] term, which writes itself with its
//! quotes and escapes: a text cannot end its own literal, and what is no IRI is no [`NamedNode`].
//!
//! A query has one `VALUES`, and `FILTER(… IN …)` for the rest: endpoints look up each of one list, and multiply two. On Oxigraph
//! with 265,724 triples, 994 names took 8 ms so, and 3.4 s with a second list for the predicates.

use std::fmt::{Display, Write};

use loquat_terms::vocabulary::{RDF_TYPE, describing};
use oxrdf::{Literal, NamedNode};

use crate::{Config, SparqlError};

/// Stands for "is the subject of a fact, or has a name in some language" among the rows of [`Queries::describe`]; no graph has it.
pub(crate) const IS_KNOWN: &str = "urn:x-loquat:is-known";

/// Classes of predicates.
const PROPERTY_CLASSES: [&str; 13] = [
    "http://wikiba.se/ontology#Property",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#Property",
    "http://www.w3.org/2002/07/owl#ObjectProperty",
    "http://www.w3.org/2002/07/owl#DatatypeProperty",
    "http://www.w3.org/2002/07/owl#AnnotationProperty",
    "http://www.w3.org/2002/07/owl#OntologyProperty",
    "http://www.w3.org/2002/07/owl#DeprecatedProperty",
    "http://www.w3.org/2002/07/owl#FunctionalProperty",
    "http://www.w3.org/2002/07/owl#InverseFunctionalProperty",
    "http://www.w3.org/2002/07/owl#SymmetricProperty",
    "http://www.w3.org/2002/07/owl#AsymmetricProperty",
    "http://www.w3.org/2002/07/owl#TransitiveProperty",
    "http://www.w3.org/2002/07/owl#ReflexiveProperty",
];

/// Classes of what stands for the graph itself.
const GRAPH_CLASSES: [&str; 4] = [
    "https://loquat.example/ns#Graph",
    "http://www.w3.org/2002/07/owl#Ontology",
    "http://rdfs.org/ns/void#Dataset",
    "http://www.w3.org/ns/dcat#Dataset",
];

/// Writes queries for one config.
#[derive(Clone, Debug)]
pub(crate) struct Queries {
    /// `FROM <graph>`, or nothing.
    from: String,
    /// Predicates of preferred names.
    labels: String,
    /// Predicates of any names.
    names: String,
    /// Predicates that describe, also how a fact is said.
    describing: String,
    /// Predicates whose triples are no facts.
    no_facts: String,
    /// Classes of predicates.
    properties: String,
    /// Classes of what is no entity: predicates and the graph itself.
    classes: String,
    /// A condition on `?o`: it has no language, or one of those that are spoken.
    spoken: String,
}

impl Queries {
    pub(crate) fn new(config: &Config) -> Result<Self, SparqlError> {
        let from = match &config.graph {
            Some(graph) => format!("FROM {}", node("graph", graph)?),
            None => String::new(),
        };
        let labels = nodes("label_predicates", &config.label_predicates)?;
        let aliases = nodes("alias_predicates", &config.alias_predicates)?;
        let descriptions = nodes("description_predicates", &config.description_predicates)?;
        let vocabulary: Vec<NamedNode> = describing().map(NamedNode::new_unchecked).collect();
        let known = || labels.iter().chain(&aliases).chain(&vocabulary);
        let mut spoken = "LANG(?o) = \"\"".to_owned();
        for language in &config.languages {
            let tag = tagged("a", language)?;
            let tag = Literal::new_simple_literal(tag.language().unwrap_or_default());
            let _ = write!(spoken, " || LANGMATCHES(LANG(?o), {tag})");
        }
        let properties = PROPERTY_CLASSES.map(NamedNode::new_unchecked);
        let classes = GRAPH_CLASSES.map(NamedNode::new_unchecked);
        Ok(Self {
            from,
            describing: list(known().chain(&descriptions), ", "),
            no_facts: list(known(), ", "),
            names: list(labels.iter().chain(&aliases), ", "),
            labels: list(&labels, ", "),
            classes: list(properties.iter().chain(&classes), ", "),
            properties: list(&properties, " "),
            spoken,
        })
    }

    /// Is there anything?
    pub(crate) fn probe(&self) -> String {
        format!("SELECT ?s {} WHERE {{ ?s ?p ?o }} LIMIT 1", self.from)
    }

    /// Who has one of these names: `?name`, `?p`, `?s`. Names that very many share are cut off.
    pub(crate) fn named(&self, names: &[Literal], limit: usize) -> String {
        format!(
            "SELECT DISTINCT ?name ?p ?s {} WHERE {{\n VALUES ?name {{ {} }}\n ?s ?p ?name .\n \
             FILTER(isIRI(?s) && ?p IN ({}))\n FILTER NOT EXISTS {{ ?s a ?class . FILTER(?class IN ({})) }}\n}} LIMIT {limit}",
            self.from,
            list(names, " "),
            self.names,
            self.classes
        )
    }

    /// How many triples have each of these as subject: `?s`, `?n`. (Those with it as object could be millions.)
    pub(crate) fn degrees(&self, entities: &[NamedNode]) -> String {
        format!(
            "SELECT ?s (COUNT(*) AS ?n) {} WHERE {{ VALUES ?s {{ {} }} ?s ?p ?o }} GROUP BY ?s",
            self.from,
            list(entities, " ")
        )
    }

    /// Everything that describes these, as triples `?s ?p ?o`; besides, `rdf:type` for what is no entity, and [`IS_KNOWN`].
    pub(crate) fn describe(&self, ids: &[NamedNode]) -> String {
        let Self { from, describing, no_facts, names, labels, classes, spoken, .. } = self;
        let ids = list(ids, " ");
        format!(
            "SELECT DISTINCT ?s ?p ?o {from} WHERE {{\n {{ VALUES ?s {{ {ids} }} ?s ?p ?o .\n   \
             FILTER(?p IN ({describing}) && isLiteral(?o) && ({spoken})) }}\n UNION {{ VALUES ?s {{ {ids} }} ?s a ?o . FILTER(?o IN ({classes}))\n   \
             BIND(<{RDF_TYPE}> AS ?p) }}\n UNION {{ VALUES ?s {{ {ids} }} BIND(<{IS_KNOWN}> AS ?p) BIND(true AS ?o)\n   \
             FILTER(EXISTS {{ ?s ?name ?text . FILTER(?name IN ({names}) && isLiteral(?text)) }} || EXISTS {{ ?s ?q ?v . FILTER(!isBlank(?v) && ?q NOT IN ({no_facts}))\n   \
             FILTER(?q != <{RDF_TYPE}> || EXISTS {{ ?v ?label ?text . FILTER(?label IN ({labels})) }}) }}) }}\n}}"
        )
    }

    /// The facts with this subject, `?p` and `?o`, in a stable order.
    pub(crate) fn outgoing(&self, subject: &NamedNode, limit: usize) -> String {
        let Self { from, no_facts, labels, .. } = self;
        format!(
            "SELECT DISTINCT ?p ?o {from} WHERE {{\n {subject} ?p ?o .\n FILTER(!isBlank(?o) && ?p NOT IN ({no_facts}))\n \
             FILTER(?p != <{RDF_TYPE}> || EXISTS {{ ?o ?label ?text . FILTER(?label IN ({labels})) }})\n}}\n\
             ORDER BY ?p STR(?o) LANG(?o) LIMIT {limit}"
        )
    }

    /// The facts with this object, `?s` and `?p`, in a stable order.
    pub(crate) fn incoming(&self, object: &NamedNode, limit: usize) -> String {
        let Self { from, no_facts, classes, .. } = self;
        format!(
            "SELECT DISTINCT ?s ?p {from} WHERE {{\n ?s ?p {object} .\n FILTER(isIRI(?s) && ?p NOT IN ({no_facts}))\n \
             FILTER NOT EXISTS {{ ?s a ?class . FILTER(?class IN ({classes})) }}\n}}\nORDER BY ?p ?s LIMIT {limit}"
        )
    }

    /// Each predicate that a fact uses, `?p`, with the first and the last of its subjects, `?first` and `?last`. Reads the whole graph.
    pub(crate) fn predicates_in_use(&self) -> String {
        let Self { from, no_facts, labels, classes, .. } = self;
        format!(
            "SELECT ?p (MIN(STR(?s)) AS ?first) (MAX(STR(?s)) AS ?last) {from} WHERE {{\n ?s ?p ?o .\n \
             FILTER(isIRI(?s) && !isBlank(?o) && ?p NOT IN ({no_facts}))\n \
             FILTER(?p != <{RDF_TYPE}> || EXISTS {{ ?o ?label ?text . FILTER(?label IN ({labels})) }})\n \
             FILTER NOT EXISTS {{ ?s a ?class . FILTER(?class IN ({classes})) }}\n}} GROUP BY ?p"
        )
    }

    /// Each predicate that the graph declares, `?p`.
    pub(crate) fn predicates_declared(&self) -> String {
        let Self { from, properties, .. } = self;
        format!(
            "SELECT DISTINCT ?p {from} WHERE {{ VALUES ?class {{ {properties} }} ?p a ?class . FILTER(isIRI(?p)) }}"
        )
    }

    /// How many triples there are, `?n`. Reads the whole graph at some endpoints.
    pub(crate) fn count(&self) -> String {
        format!("SELECT (COUNT(*) AS ?n) {} WHERE {{ ?s ?p ?o }}", self.from)
    }
}

/// A name with a language tag.
pub(crate) fn tagged(name: &str, language: &str) -> Result<Literal, SparqlError> {
    Literal::new_language_tagged_literal(name, language).map_err(|error| SparqlError::Value {
        key: "languages",
        value: language.to_owned(),
        reason: error.to_string(),
    })
}

fn node(key: &'static str, iri: &str) -> Result<NamedNode, SparqlError> {
    NamedNode::new(iri).map_err(|error| SparqlError::Value {
        key,
        value: iri.to_owned(),
        reason: error.to_string(),
    })
}

fn nodes(key: &'static str, iris: &[String]) -> Result<Vec<NamedNode>, SparqlError> {
    iris.iter().map(|iri| node(key, iri)).collect()
}

/// Terms as they are written in SPARQL.
fn list<T: Display>(terms: impl IntoIterator<Item = T>, between: &str) -> String {
    let mut text = String::new();
    for term in terms {
        if !text.is_empty() {
            text.push_str(between);
        }
        let _ = write!(text, "{term}");
    }
    text
}

#[cfg(test)]
mod tests {
    use oxrdf::{Literal, NamedNode};
    use proptest::prelude::*;
    use spargebra::algebra::GraphPattern;
    use spargebra::term::GroundTerm;
    use spargebra::{Query, SparqlParser};

    use super::{Queries, tagged};
    use crate::{Config, SparqlError};

    /// The terms of the first `VALUES ?name`, and how many patterns the query has.
    fn names(pattern: &GraphPattern, found: &mut Vec<GroundTerm>) -> usize {
        match pattern {
            GraphPattern::Values { variables, bindings } => {
                if variables[0].as_str() == "name" {
                    found.extend(bindings.iter().flatten().flatten().cloned());
                }
                1
            }
            GraphPattern::Join { left, right } => 1 + names(left, found) + names(right, found),
            GraphPattern::Filter { inner, .. }
            | GraphPattern::Project { inner, .. }
            | GraphPattern::Slice { inner, .. }
            | GraphPattern::Distinct { inner } => 1 + names(inner, found),
            _ => 1,
        }
    }

    proptest! {
        #[test]
        fn a_text_never_leaves_its_literal(text in "[\"'\\\\{}<>.?a-zA-Z0-9 \\n\\r\\tu#@^}\\PC]{0,40}") {
            let queries = Queries::new(&Config::default()).unwrap();
            let shape = |name: &str| {
                let values = [Literal::new_simple_literal(name), tagged(name, "zh-hans").unwrap()];
                let query = queries.named(&values, 10);
                let Query::Select { pattern, .. } = SparqlParser::new().parse_query(&query).unwrap() else {
                    panic!("{query}");
                };
                let mut found = Vec::new();
                let patterns = names(&pattern, &mut found);
                let expected = values.map(GroundTerm::from);
                assert_eq!(found, expected, "{query}");
                patterns
            };
            prop_assert_eq!(shape(&text), shape("plain"));
        }

        #[test]
        fn what_breaks_an_iri_is_no_iri(text in "[a-z:/<>\"{}|^`\\\\ \\n]{0,30}") {
            let iri = format!("http://example.com/{text}");
            let written = NamedNode::new(&iri).map(|node| node.to_string());
            let breaks = ['<', '>', '"', '{', '}', '|', '^', '`', '\\', ' ', '\n'];
            prop_assert!(written.is_err() || !text.contains(breaks), "{}", iri);
        }
    }

    #[test]
    fn every_query_is_sparql() {
        let graph = Some("http://example.com/g".to_owned());
        for config in [Config::default(), Config { graph, languages: Vec::new(), ..Config::default() }] {
            let queries = Queries::new(&config).unwrap();
            let node = NamedNode::new("http://example.com/a").unwrap();
            for query in [
                queries.probe(),
                queries.named(&[Literal::new_simple_literal("a")], 10),
                queries.degrees(std::slice::from_ref(&node)),
                queries.describe(std::slice::from_ref(&node)),
                queries.outgoing(&node, 10),
                queries.incoming(&node, 10),
                queries.predicates_in_use(),
                queries.predicates_declared(),
                queries.count(),
            ] {
                SparqlParser::new().parse_query(&query).unwrap_or_else(|error| panic!("{error}\n{query}"));
            }
        }
    }

    #[test]
    fn values_that_are_no_terms_are_refused_by_name() {
        let bad = Config { graph: Some("http://a> <b".into()), ..Config::default() };
        assert!(matches!(Queries::new(&bad), Err(SparqlError::Value { key: "graph", .. })));
        let bad = Config { languages: vec!["en\" ||".into()], ..Config::default() };
        assert!(matches!(Queries::new(&bad), Err(SparqlError::Value { key: "languages", .. })));
        let bad = Config { label_predicates: vec!["label".into()], ..Config::default() };
        assert!(matches!(Queries::new(&bad), Err(SparqlError::Value { key: "label_predicates", .. })));
    }
}
