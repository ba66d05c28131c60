//! What the graph says around one thing. In: facts with it as subject or object. Out: JSON with names in one language.

use loquat_contract::{Entity, EntityId, Fact, Language, Value};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that has a name in the graph.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Named {
    /// Its id, for the next request.
    id: String,
    /// Its name.
    label: String,
}

/// What a fact says of its subject.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Object {
    /// Its id, where it is something that has facts of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<String>,
    /// Its name, or the value with its unit.
    label: String,
}

/// One fact.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Triple {
    /// The fact's id, as citations name it.
    id: String,
    /// What it is about.
    subject: Named,
    /// The name of the relation.
    predicate: String,
    /// What it says.
    object: Object,
    /// Where it came from.
    source: String,
}

/// One thing and its facts, both those about it and those that name it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Neighbourhood {
    /// Its id.
    id: String,
    /// Its name.
    label: String,
    /// What it is, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Its facts: first those about it.
    facts: Vec<Triple>,
    /// Whether there are more facts than were asked for.
    more: bool,
}

impl Neighbourhood {
    /// Up to `limit` facts of each direction around `id`; `None` where the graph has none.
    pub(crate) fn of(id: &EntityId, facts: &[Fact], limit: usize, language: &Language) -> Option<Self> {
        let (about, naming): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| fact.subject.id == *id);
        let more = about.len() > limit || naming.len() > limit;
        let own = about.first().map(|fact| &fact.subject).or_else(|| {
            naming.iter().find_map(|fact| match &fact.object {
                Value::Entity(entity) if entity.id == *id => Some(entity),
                _ => None,
            })
        })?;
        let facts = about.into_iter().take(limit).chain(naming.into_iter().take(limit));
        Some(Self {
            id: id.to_string(),
            label: own.label(language).to_owned(),
            description: loquat_contract::best_label(&own.descriptions, language).map(str::to_owned),
            facts: facts.map(|fact| Triple::of(fact, language)).collect(),
            more,
        })
    }
}

impl Triple {
    fn of(fact: &Fact, language: &Language) -> Self {
        let named =
            |entity: &Entity| Named { id: entity.id.to_string(), label: entity.label(language).to_owned() };
        let text = fact.object.text(language);
        let unit = fact.unit().filter(|unit| !unit.symbol.is_empty());
        let object = match &fact.object {
            Value::Entity(entity) => Object { id: Some(entity.id.to_string()), label: text },
            _ => Object {
                id: None,
                label: unit.map_or_else(|| text.clone(), |unit| format!("{text} {}", unit.symbol)),
            },
        };
        Self {
            id: fact.id.to_string(),
            subject: named(&fact.subject),
            predicate: fact.predicate.label(language).to_owned(),
            object,
            source: fact.source.to_string(),
        }
    }
}
