//! Reading by number. In: numbers of entities and facts. Out: what the file says of them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Label, Language, Rank, Value};
use zerocopy::little_endian::U32;

use super::codec::{rank_of, take, take_bytes, take_literal};
use super::{Object, Origin, Snapshot, Word};
use crate::names::entity_name;
use crate::statement;

/// A fact by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) predicate: u32,
    pub(crate) object: Object,
}

impl Snapshot {
    /// How many entities there are.
    pub(crate) fn entities(&self) -> u32 {
        self.ids.len() as u32
    }

    /// How many facts there are.
    pub(crate) fn facts(&self) -> u32 {
        self.meta.facts
    }

    /// An entity's id.
    pub(crate) fn id(&self, node: u32) -> Option<String> {
        let mut id = Vec::new();
        self.ids.get(&self.mapped, node as usize, &mut id)?;
        String::from_utf8(id).ok()
    }

    /// The entity with an id, or with another that was merged into it.
    pub(crate) fn node(&self, id: &str) -> Option<u32> {
        if let Some(node) = self.ids.find(&self.mapped, id.as_bytes()) {
            return Some(node as u32);
        }
        let redirect = self.redirects.find(&self.mapped, id.as_bytes())?;
        self.redirect_targets.get(&self.mapped, redirect).filter(|node| *node < self.entities())
    }

    /// Whether an id was merged into another, be that an entity or not.
    pub(crate) fn is_merged(&self, id: &str) -> bool {
        self.redirects.find(&self.mapped, id.as_bytes()).is_some()
    }

    /// Ids that were merged into entities, with those.
    pub(crate) fn redirects(&self) -> impl Iterator<Item = (String, String)> {
        (0..self.redirects.len()).filter_map(|place| {
            let mut from = Vec::new();
            self.redirects.get(&self.mapped, place, &mut from)?;
            let to = self.id(self.redirect_targets.get(&self.mapped, place)?)?;
            Some((String::from_utf8(from).ok()?, to))
        })
    }

    /// An entity with its words.
    pub(crate) fn entity(&self, node: u32) -> Option<Arc<Entity>> {
        self.words(node).map(|(entity, _)| Arc::new(entity))
    }

    /// Whether an entity was given a name; else it has one made from its id.
    pub(crate) fn is_named(&self, node: u32) -> bool {
        let named = || {
            let mut record = self.records.get(&self.mapped, node as usize)?;
            while !record.is_empty() {
                let kind = take(&mut record)? & 7;
                if kind == Word::Label as u64 || kind == Word::Alias as u64 {
                    return Some(true);
                }
                let length = take(&mut record)?;
                if length & 1 == 0 {
                    take_bytes(&mut record, usize::try_from(length >> 1).ok()?)?;
                }
            }
            Some(false)
        };
        named().unwrap_or_default()
    }

    /// An entity with its words, and its symbol should it be a unit.
    pub(super) fn words(&self, node: u32) -> Option<(Entity, Option<String>)> {
        let id = self.id(node)?;
        let mut record = self.records.get(&self.mapped, node as usize)?;
        let mut entity = Entity::default();
        let mut symbol = None;
        while !record.is_empty() {
            let head = take(&mut record)?;
            let length = take(&mut record)?;
            let bytes = usize::try_from(length >> 1).ok()?;
            // A name that the id ends in is not written twice.
            let text = match length & 1 {
                0 => std::str::from_utf8(take_bytes(&mut record, bytes)?).ok()?,
                _ => id.get(id.len().checked_sub(bytes)?..)?,
            };
            let language = match usize::try_from(head >> 3).ok()? {
                0 => None,
                number => Some(Language::new(self.meta.languages.get(number - 1)?)),
            };
            let label = Label { text: text.to_owned(), language };
            match head & 7 {
                kind if kind == Word::Label as u64 => entity.labels.push(label),
                kind if kind == Word::Alias as u64 => entity.aliases.push(label),
                kind if kind == Word::Article as u64 => entity.articles.push(label),
                kind if kind == Word::Description as u64 => entity.descriptions.push(label),
                _ => symbol = Some(label.text),
            }
        }
        if entity.labels.is_empty() && entity.aliases.is_empty() {
            entity.labels.push(Label::plain(entity_name(&id)));
        }
        entity.id = EntityId::from(id.as_str());
        Some((entity, symbol))
    }

    /// How well known an entity is: 8 · log₂(1 + popularity), or of its facts where the graph gives no popularity.
    pub(crate) fn prior(&self, node: u32) -> u8 {
        self.priors.get(&self.mapped, node as usize).map_or(0, |prior| prior as u8)
    }

    /// The numbers of an entity's facts.
    #[inline]
    pub(crate) fn outgoing(&self, node: u32) -> Range<u32> {
        let bounds = self.out_starts.bounds(&self.mapped, node as usize).unwrap_or_default();
        bounds.start as u32..bounds.end as u32
    }

    /// The numbers of the facts that an entity is the object of, in the order of their import.
    #[inline]
    pub(crate) fn incoming(&self, node: u32) -> &[U32] {
        let bounds = self.in_starts.bounds(&self.mapped, node as usize);
        bounds.and_then(|bounds| self.in_facts.slice(&self.mapped, bounds)).unwrap_or_default()
    }

    /// A fact's predicate and object.
    #[inline]
    pub(crate) fn numbers(&self, fact: u32) -> Option<Numbers> {
        let predicate = self.predicate_of.get(&self.mapped, fact as usize)?;
        let object = Object(self.objects.get(&self.mapped, fact as usize)?);
        Some(Numbers { predicate, object })
    }

    /// A fact's subject: the entity in whose facts the number lies.
    pub(crate) fn subject(&self, fact: u32) -> Option<u32> {
        let (mut low, mut high) = (0, self.entities());
        while low < high {
            let middle = low.midpoint(high);
            let start = self.out_starts.get(&self.mapped, middle as usize)?;
            if start <= fact { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// Where a fact comes from.
    pub(crate) fn origin(&self, fact: u32) -> Option<&Origin> {
        self.meta.origins.get(self.origin_of.get(&self.mapped, fact as usize)? as usize)
    }

    /// A fact's rank, and its qualifiers as predicates and values.
    pub(crate) fn special(&self, fact: u32) -> Option<(Rank, Vec<(u32, Object)>)> {
        let plain = (Rank::Normal, Vec::new());
        if self.meta.specials == 0 {
            return Some(plain);
        }
        let facts = self.special_facts.slice(&self.mapped, 0..self.meta.specials as usize)?;
        let Ok(at) = facts.binary_search_by_key(&fact, |fact| fact.get()) else { return Some(plain) };
        let mut record = self.specials.get(&self.mapped, at)?;
        let rank = rank_of(*record.split_off_first()?);
        let mut qualifiers = Vec::new();
        while !record.is_empty() {
            let predicate = u32::try_from(take(&mut record)?).ok()?;
            qualifiers.push((predicate, Object(u32::try_from(take(&mut record)?).ok()?)));
        }
        Some((rank, qualifiers))
    }

    /// An object's value.
    pub(crate) fn value(&self, object: Object) -> Option<Value> {
        let Some(literal) = object.literal() else {
            return self.entity(object.node()?).map(Value::Entity);
        };
        let mut unit_number = None;
        let bytes = self.literals.get(&self.mapped, literal)?;
        let language = |number: u64| self.meta.languages.get(number as usize).map(String::as_str);
        let unit = |number: u64| {
            unit_number = Some(number as usize);
            Some("")
        };
        let mut value = value_of(take_literal(bytes, language, unit)?)?;
        if let (Value::Number { unit, .. }, Some(number)) = (&mut value, unit_number) {
            *unit = self.unit(number).cloned();
        }
        Some(value)
    }

    /// An object as statements have it.
    pub(crate) fn object(&self, object: Object) -> Option<statement::Object> {
        let Some(literal) = object.literal() else {
            return self.id(object.node()?).map(statement::Object::Entity);
        };
        let bytes = self.literals.get(&self.mapped, literal)?;
        let language = |number: u64| self.meta.languages.get(number as usize).map(String::as_str);
        let unit = |number: u64| self.meta.units.get(number as usize).map(String::as_str);
        take_literal(bytes, language, unit).map(|object| object.map(Into::into))
    }
}

/// The value of a literal; its unit is left to the caller.
pub(crate) fn value_of(literal: statement::Object<Cow<'_, str>>) -> Option<Value> {
    literal.value().ok()
}
