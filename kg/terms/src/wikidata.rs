//! Wikidata's own conventions in RDF. In: triples of its dumps. Out: what they mean here, so that its RDF and its JSON give
//! the same graph: entities are `…/entity/Q42`, predicates `…/prop/direct/P31`.

use crate::statement::{Describes, Object, Statement};
use crate::triple::{Meaning, Part, Parts, describes};
use crate::vocabulary::{RDF_TYPE, Term, term};

/// Before the id of an entity.
pub const ENTITY: &str = "http://www.wikidata.org/entity/";
/// Before the id of a predicate in facts.
pub const DIRECT: &str = "http://www.wikidata.org/prop/direct/";
const NO_VALUE: &str = "http://www.wikidata.org/prop/novalue/";
const WIKIDATA: &str = "http://www.wikidata.org/";
/// Before the predicates of facts, and of nodes that stand for facts.
const PROP: &str = "http://www.wikidata.org/prop/";
const SOME_VALUE: &str = "http://www.wikidata.org/.well-known/genid/";
/// A page of data about an entity, after the scheme.
const DATA: &str = "://www.wikidata.org/wiki/Special:EntityData/";

/// Whether the id is a letter of an entity's kind and digits.
pub fn is_id(id: &str, kind: u8) -> bool {
    id.as_bytes().split_first().is_some_and(|(first, digits)| {
        *first == kind && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    })
}

/// A full id: `Q5`, `wd:Q5`, `P31` and `wdt:P31` are expanded, everything else is as it is.
pub fn expanded(id: &str) -> String {
    let short = id.strip_prefix("wdt:").or_else(|| id.strip_prefix("wd:")).unwrap_or(id);
    match () {
        () if is_id(short, b'Q') => format!("{ENTITY}{short}"),
        () if is_id(short, b'P') => format!("{DIRECT}{short}"),
        () => id.to_owned(),
    }
}

/// The predicate that a property, such as `wd:P31`, is in facts.
pub fn predicate_of_property(subject: &str) -> Option<String> {
    let id = subject.strip_prefix(ENTITY).filter(|id| is_id(id, b'P'))?;
    Some(format!("{DIRECT}{id}"))
}

/// Whether this is a predicate of Wikidata's facts.
pub fn is_direct(predicate: &str) -> bool {
    predicate.starts_with(DIRECT)
}

/// An IRI as the object of one of Wikidata's facts; `None` where there is nothing special about it.
pub fn object(predicate: &str, iri: &str) -> Option<Object> {
    if iri.starts_with(SOME_VALUE) {
        return Some(Object::Unknown);
    }
    if !is_direct(predicate) {
        return None;
    }
    match (predicate_of_property(iri), iri.starts_with(ENTITY)) {
        (Some(predicate), _) => Some(Object::Entity(predicate)),
        (None, true) => None,
        (None, false) => Some(Object::Url(iri.to_owned())),
    }
}

/// What a triple means that is not what it seems.
pub fn peculiar(subject: &str, parts: &Parts<'_>) -> Option<Meaning> {
    if let Some(wikidata) = parts.predicate.strip_prefix(PROP)
        && !wikidata.starts_with("direct/")
    {
        return Some(Meaning::Nothing);
    }
    if let Some(kind) = subject.strip_prefix(WIKIDATA)
        && ["entity/statement/", "reference/", "value/"].iter().any(|node| kind.starts_with(node))
    {
        return Some(Meaning::Nothing);
    }
    if let Some((_, id)) = subject.split_once(DATA) {
        let popularity = term(parts.predicate) == Term::Describes(Describes::Popularity);
        return Some(match parts.object {
            Part::Literal { text, .. } if popularity => {
                describes(format!("{ENTITY}{id}"), Describes::Popularity, text.to_owned(), None)
            }
            _ => Meaning::Nothing,
        });
    }
    if let Some((host, _)) = subject.strip_prefix("https://").and_then(|rest| rest.split_once("/wiki/")) {
        return page(host, parts);
    }
    let iri = match parts.object {
        Part::Iri(iri) => iri,
        Part::Blank | Part::Literal { .. } => return None,
    };
    if parts.predicate == RDF_TYPE {
        if iri == "http://wikiba.se/ontology#Item" {
            return Some(Meaning::Nothing);
        }
        let property = iri.strip_prefix(NO_VALUE)?;
        let fact = Statement::fact(subject, &format!("{DIRECT}{property}"), Object::Nothing);
        return Some(Meaning::Statement(fact));
    }
    if !subject.starts_with(ENTITY) {
        return None;
    }
    match term(parts.predicate) {
        Term::SameAs => Some(describes(subject.to_owned(), Describes::Redirect, iri.to_owned(), None)),
        Term::DirectClaim => Some(describes(iri.to_owned(), Describes::Property, String::new(), None)),
        _ => None,
    }
}

/// A page of Wikipedia or its sisters, which is about an entity and is none.
fn page(host: &str, parts: &Parts<'_>) -> Option<Meaning> {
    let sisters =
        ["wikisource", "wikiquote", "wiktionary", "wikivoyage", "wikibooks", "wikinews", "wikiversity"];
    let (name, site) =
        host.strip_suffix(".org")?.rsplit_once('.').unwrap_or(("", host.strip_suffix(".org")?));
    if site != "wikipedia" && site != "wikimedia" && !sisters.contains(&site) {
        return None;
    }
    match (term(parts.predicate), parts.object) {
        (Term::About, Part::Iri(about)) if site == "wikipedia" => {
            Some(Meaning::Page { about: about.to_owned(), language: name.to_owned() })
        }
        (Term::About | Term::Type | Term::Describes(Describes::Label), _) => Some(Meaning::Nothing),
        _ => {
            let schema = parts.predicate.strip_prefix("http://schema.org/");
            let of_page = matches!(schema, Some("isPartOf" | "inLanguage"))
                || parts.predicate == "http://wikiba.se/ontology#badge"
                || parts.predicate == "http://wikiba.se/ontology#wikiGroup";
            of_page.then_some(Meaning::Nothing)
        }
    }
}
