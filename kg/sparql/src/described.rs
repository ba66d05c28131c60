//! What is known of an id. In: descriptions. Out: an entity or a predicate, with a name in any case.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Label, Predicate, PredicateId};
use loquat_terms::names::{entity_name, predicate_name};
use loquat_terms::statement::Describes;
use loquat_terms::vocabulary::RDF_TYPE;

/// What is known of an id before it is known whether it is an entity, a predicate or only an address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    /// Its names and, should it be a predicate, how to say its facts; the id is not set yet.
    pub(crate) words: Predicate,
    /// Articles of its name.
    pub(crate) articles: Vec<Label>,
    /// Its names from object to subject.
    pub(crate) inverse_labels: Vec<Label>,
    /// What it is, in a few words.
    pub(crate) descriptions: Vec<Label>,
    /// It was said to be a predicate.
    pub(crate) property: bool,
}

impl Described {
    /// Adds what one triple says.
    pub(crate) fn add(&mut self, what: Describes, label: Label) {
        match what {
            // One preferred name a language; a second is a further name.
            Describes::Label if self.words.labels.iter().any(|known| known.language == label.language) => {
                self.words.aliases.push(label);
            }
            Describes::Label => self.words.labels.push(label),
            Describes::Alias => self.words.aliases.push(label),
            Describes::Article => self.articles.push(label),
            Describes::Template => self.words.templates.single.push(label),
            Describes::PluralTemplate => self.words.templates.plural.push(label),
            Describes::InverseLabel => self.inverse_labels.push(label),
            Describes::InverseTemplate => self.words.templates.inverse.push(label),
            Describes::TrueTemplate => self.words.templates.when_true.push(label),
            Describes::FalseTemplate => self.words.templates.when_false.push(label),
            Describes::Unit => {
                let unit = self.words.unit.get_or_insert_default();
                if label.language.is_none() { unit.symbol = label.text } else { unit.labels.push(label) }
            }
            Describes::Property => self.property = true,
            Describes::Description => self.descriptions.push(label),
            Describes::Popularity | Describes::Redirect => {}
        }
    }

    /// The entity with this id; one without any name gets one from its id.
    pub(crate) fn entity(self, id: &Arc<str>) -> Entity {
        let Predicate { mut labels, aliases, .. } = self.words;
        if labels.is_empty() && aliases.is_empty() {
            labels.push(Label::plain(entity_name(id)));
        }
        let (articles, descriptions) = (self.articles, self.descriptions);
        Entity { id: EntityId(id.clone()), labels, aliases, articles, descriptions }
    }

    /// The predicate with this id; one without a label gets one from its id.
    pub(crate) fn predicate(self, id: &Arc<str>) -> Predicate {
        let mut predicate = Predicate { id: PredicateId(id.clone()), ..self.words };
        if predicate.labels.is_empty() && &**id == RDF_TYPE {
            predicate.labels.extend([
                Label::new("type", "en"),
                Label::new("类型", "zh"),
                Label::new("Art", "de"),
            ]);
        }
        if predicate.labels.is_empty() {
            predicate.labels.push(Label::plain(predicate_name(id)));
        }
        // The contract has no place for a name read from the object's side; it asks for the same facts.
        predicate.aliases.extend(self.inverse_labels);
        predicate
    }
}
