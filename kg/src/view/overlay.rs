//! The edits since the snapshot. In: edits, one by one. Out: what they add to it and hide of it.
//!
//! Its maps share what did not change (hash array mapped tries), so a new view after an edit costs what the edit touches.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Generation, Label, Language, Predicate, Rank, Schema};

use rpds::{HashTrieMapSync, HashTrieSetSync, VectorSync};
use rustc_hash::FxHashMap;

use super::{Ends, Object, View};
use crate::build::{bare_predicate, name_predicate};
use crate::link::{Form, flags, keys_of};
use crate::names::{entity_name, is_address};
use crate::snapshot::Snapshot;
use crate::snapshot::names::Claim;
use crate::statement::{self, Describes, Statement};
use crate::store::{Change, Edit};

/// A fact that an edit added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Added {
    pub(crate) ends: Ends,
    pub(crate) rank: Rank,
    pub(crate) qualifiers: Vec<(u32, Object)>,
    pub(crate) source: Arc<str>,
    pub(crate) generation: u64,
}

/// What edits changed. New entities and predicates, and added facts, are numbered from the snapshot's last on.
#[derive(Clone)]
pub(crate) struct Overlay {
    ids: VectorSync<Arc<str>>,
    by_id: HashTrieMapSync<Arc<str>, u32>,
    /// Entities with words of their own, in place of the snapshot's.
    entities: HashTrieMapSync<u32, Arc<Entity>>,
    predicates: VectorSync<Arc<Predicate>>,
    /// Entities above whose name was made from the id.
    unnamed: HashTrieSetSync<u32>,
    /// Entities that nothing is said of any more.
    gone: HashTrieSetSync<u32>,
    /// Addresses that facts name and that are no entities.
    links: HashTrieSetSync<Arc<str>>,
    /// A fact was added with qualifiers.
    qualified: bool,
    removed: HashTrieSetSync<u32>,
    /// `None` where a later edit took the fact away.
    added: VectorSync<Option<Arc<Added>>>,
    live: usize,
    outgoing: HashTrieMapSync<u32, VectorSync<u32>>,
    incoming: HashTrieMapSync<u32, VectorSync<u32>>,
    /// Claims of the entities above, by folded name: exact and loose.
    names: [HashTrieMapSync<Arc<str>, VectorSync<Claim>>; 2],
    schema: Option<Arc<Schema>>,
    edits: usize,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            ids: VectorSync::new_sync(),
            by_id: HashTrieMapSync::new_sync(),
            entities: HashTrieMapSync::new_sync(),
            predicates: VectorSync::new_sync(),
            unnamed: HashTrieSetSync::new_sync(),
            gone: HashTrieSetSync::new_sync(),
            links: HashTrieSetSync::new_sync(),
            qualified: false,
            removed: HashTrieSetSync::new_sync(),
            added: VectorSync::new_sync(),
            live: 0,
            outgoing: HashTrieMapSync::new_sync(),
            incoming: HashTrieMapSync::new_sync(),
            names: [HashTrieMapSync::new_sync(), HashTrieMapSync::new_sync()],
            schema: None,
            edits: 0,
        }
    }
}

impl Overlay {
    /// How many predicates it has beside the snapshot's.
    pub(super) fn new_predicates(&self) -> usize {
        self.predicates.len()
    }

    pub(super) fn is_gone(&self, node: u32) -> bool {
        !self.gone.is_empty() && self.gone.contains(&node)
    }

    /// How many entities nothing is said of any more.
    pub(super) fn gone(&self) -> usize {
        self.gone.size()
    }

    /// How many edits it holds.
    pub(crate) fn edits(&self) -> usize {
        self.edits
    }

    pub(super) fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    pub(super) fn node(&self, snapshot: &Snapshot, id: &str) -> Option<u32> {
        self.by_id.get(id).copied().or_else(|| snapshot.node(id))
    }

    pub(super) fn entity(&self, node: u32) -> Option<&Arc<Entity>> {
        self.entities.get(&node)
    }

    pub(super) fn id(&self, snapshot: &Snapshot, node: u32) -> Option<String> {
        match node.checked_sub(snapshot.entities()) {
            Some(new) => self.ids.get(new as usize).map(|id| id.to_string()),
            None => snapshot.id(node),
        }
    }

    pub(super) fn predicate<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        predicate: u32,
    ) -> Option<&'a Arc<Predicate>> {
        snapshot.predicates.get(predicate as usize).or_else(|| {
            self.predicates.get(predicate as usize - snapshot.predicates.len().min(predicate as usize))
        })
    }

    pub(super) fn new_entities(&self) -> u32 {
        self.ids.len() as u32
    }

    pub(super) fn added_facts(&self) -> usize {
        self.live
    }

    pub(super) fn removed_facts(&self) -> usize {
        self.removed.size()
    }

    pub(super) fn fact_bound(&self) -> u32 {
        self.added.len() as u32
    }

    #[inline]
    pub(super) fn is_removed(&self, fact: u32) -> bool {
        !self.removed.is_empty() && self.removed.contains(&fact)
    }

    pub(super) fn added(&self, snapshot: &Snapshot, fact: u32) -> Option<&Added> {
        self.added.get(fact.checked_sub(snapshot.facts())? as usize)?.as_deref()
    }

    pub(super) fn outgoing(&self, snapshot: &Snapshot, node: u32) -> impl Iterator<Item = u32> {
        self.of(&self.outgoing, snapshot, node)
    }

    pub(super) fn incoming(&self, snapshot: &Snapshot, node: u32) -> impl Iterator<Item = u32> {
        self.of(&self.incoming, snapshot, node)
    }

    fn of<'a>(
        &'a self,
        facts: &'a HashTrieMapSync<u32, VectorSync<u32>>,
        snapshot: &Snapshot,
        node: u32,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let first = snapshot.facts();
        let own = if facts.is_empty() { None } else { facts.get(&node) };
        let live = |number: &u32| self.added.get(*number as usize).is_some_and(Option::is_some);
        own.into_iter().flatten().copied().filter(live).map(move |number| first + number)
    }

    /// The claims of changed and new entities on a folded name; of the exact names or the loose ones.
    pub(crate) fn claims(&self, form: Form, key: &str) -> impl Iterator<Item = Claim> {
        self.names[usize::from(form == Form::Loose)].get(key).into_iter().flatten().copied()
    }

    /// Whether a fact names an address that is no entity.
    pub(super) fn is_link(&self, id: &str) -> bool {
        !self.links.is_empty() && self.links.contains(id)
    }

    /// Whether the snapshot's names of an entity are void, because it has words of its own here.
    pub(crate) fn is_renamed(&self, node: u32) -> bool {
        !self.entities.is_empty() && self.entities.contains_key(&node)
    }

    /// The entities that have words of their own here.
    pub(crate) fn renamed(&self) -> impl Iterator<Item = (u32, &Arc<Entity>)> {
        self.entities.iter().map(|(node, entity)| (*node, entity))
    }

    /// Whether there are names beside the snapshot's.
    pub(crate) fn has_names(&self) -> bool {
        !self.names[0].is_empty() || !self.names[1].is_empty()
    }

    /// Takes up edits, in their order. Where one is out of [reach](Overlay::reaches) it says no: then what it holds is of no use,
    /// and the snapshot is to be made anew.
    #[must_use]
    pub(crate) fn apply<'e>(
        &mut self,
        snapshot: &Arc<Snapshot>,
        edits: impl IntoIterator<Item = &'e Edit>,
    ) -> bool {
        let mut generation = None;
        for edit in edits {
            let taken = match edit.change {
                Change::Add => self.reaches(snapshot, &edit.statement) && self.add(snapshot, edit),
                Change::Remove => self.remove(snapshot, &edit.statement),
            };
            if !taken {
                return false;
            }
            self.edits += 1;
            generation = Some(Generation(edit.generation));
        }
        if let Some(generation) = generation {
            self.schema = Some(Arc::new(self.new_schema(snapshot, generation)));
        }
        true
    }

    fn new_schema(&self, snapshot: &Arc<Snapshot>, generation: Generation) -> Schema {
        let new = self.predicates.iter();
        let predicates: Vec<_> = snapshot.predicates.iter().chain(new).cloned().collect();
        let mut sole_subjects = snapshot.schema().sole_subjects.clone();
        // For each predicate that edits touched: its subject, or that there are several.
        let mut touched: FxHashMap<u32, Option<Option<u32>>> = FxHashMap::default();
        let mut lost: FxHashMap<u32, u32> = FxHashMap::default();
        for fact in self.removed.iter().filter_map(|fact| snapshot.numbers(*fact)) {
            *lost.entry(fact.predicate).or_default() += 1;
        }
        let before = |predicate: u32| {
            let uses = snapshot.meta.uses.get(predicate as usize).copied().unwrap_or_default();
            let left = uses > lost.get(&predicate).copied().unwrap_or_default();
            left.then(|| snapshot.meta.sole_subjects.get(predicate as usize).copied().flatten())
        };
        for predicate in lost.keys() {
            touched.insert(*predicate, before(*predicate));
        }
        for Ends { subject, predicate, .. } in self.added.iter().flatten().map(|added| &added.ends) {
            let known = touched.entry(*predicate).or_insert_with(|| before(*predicate));
            let same = known.is_none_or(|known| known == Some(*subject));
            *known = Some(same.then_some(*subject));
        }
        for (predicate, subject) in touched {
            let Some(id) = predicates.get(predicate as usize).map(|predicate| &predicate.id) else {
                continue;
            };
            let entity = |node: u32| self.entity(node).cloned().or_else(|| snapshot.entity(node));
            match subject.flatten().and_then(entity) {
                Some(entity) => sole_subjects.insert(id.clone(), entity),
                None => sole_subjects.remove(id),
            };
        }
        if !self.entities.is_empty() {
            for entity in sole_subjects.values_mut() {
                let node = self.node(snapshot, entity.id.as_str());
                if let Some(renamed) = node.and_then(|node| self.entity(node)) {
                    entity.clone_from(renamed);
                }
            }
        }
        Schema { generation, predicates, sole_subjects }
    }

    fn add(&mut self, snapshot: &Arc<Snapshot>, edit: &Edit) -> bool {
        match &edit.statement {
            Statement::Fact { subject, predicate, object, rank, qualifiers } => {
                // A fact that is there already is said anew: its rank may differ.
                for (fact, _) in self.find(snapshot, &edit.statement) {
                    self.take_away(snapshot, fact);
                }
                let subject = self.entity_number(snapshot, subject);
                let predicate = self.predicate_number(snapshot, predicate);
                let object = self.object(snapshot, object);
                let qualifier = |(predicate, value): &(String, statement::Object)| {
                    (self.predicate_number(snapshot, predicate), self.object(snapshot, value))
                };
                let qualifiers: Vec<_> = qualifiers.iter().map(qualifier).collect();
                let number = self.added.len() as u32;
                push(&mut self.outgoing, subject, number);
                self.gone.remove_mut(&subject);
                if let Object::Node(object) = object {
                    push(&mut self.incoming, object, number);
                    self.gone.remove_mut(&object);
                }
                for (_, value) in &qualifiers {
                    self.qualified = true;
                    if let Object::Node(value) = value {
                        self.gone.remove_mut(value);
                    }
                }
                self.added.push_back_mut(Some(Arc::new(Added {
                    ends: Ends { subject, predicate, object },
                    rank: *rank,
                    qualifiers,
                    source: edit.source.as_str().into(),
                    generation: edit.generation,
                })));
                self.live += 1;
            }
            Statement::Description { about, what, text, language } => {
                let label = Label { text: text.to_owned(), language: language.as_deref().map(Language::new) };
                self.describe(snapshot, about, *what, label);
            }
        }
        true
    }

    /// Takes a statement away; whether it was in reach.
    fn remove(&mut self, snapshot: &Arc<Snapshot>, statement: &Statement) -> bool {
        let Statement::Fact { subject, qualifiers, .. } = statement else { return false };
        if snapshot.is_latent(subject) || !qualifiers.is_empty() {
            return false;
        }
        for (fact, ends) in self.find(snapshot, statement) {
            self.take_away(snapshot, fact);
            let object = if let Object::Node(object) = ends.object { Some(object) } else { None };
            let view = View::new(snapshot.clone(), self.clone());
            if !self.is_used(snapshot, ends.predicate) {
                return false;
            }
            for node in [Some(ends.subject), object].into_iter().flatten() {
                if self.is_named(snapshot, node) || view.outgoing(node).next().is_some() {
                    continue;
                }
                // An address is an entity for what is said of it, and any value for the qualifiers that name it.
                if self.qualified
                    || snapshot.meta.specials > 0
                    || self.id(snapshot, node).is_some_and(|id| is_address(&id))
                {
                    return false;
                }
                if view.incoming(node).next().is_none() {
                    self.gone.insert_mut(node);
                }
            }
        }
        true
    }

    /// Whether a fact has a predicate.
    fn is_used(&self, snapshot: &Snapshot, predicate: u32) -> bool {
        let of = |fact: &u32| snapshot.numbers(*fact).is_some_and(|fact| fact.predicate == predicate);
        let uses = snapshot.meta.uses.get(predicate as usize).copied().unwrap_or_default() as usize;
        // Only where edits may have taken all is there a need to count.
        uses > self.removed.size()
            || uses > self.removed.iter().filter(|fact| of(fact)).count()
            || self.added.iter().flatten().any(|added| added.ends.predicate == predicate)
    }

    fn take_away(&mut self, snapshot: &Snapshot, fact: u32) {
        match fact.checked_sub(snapshot.facts()) {
            Some(own) => {
                self.added.set_mut(own as usize, None);
                self.live -= 1;
            }
            None => {
                self.removed.insert_mut(fact);
            }
        }
    }

    /// The facts that a statement makes: several where sources write one number, or one address, in two ways.
    fn find(&self, snapshot: &Arc<Snapshot>, statement: &Statement) -> Vec<(u32, Ends)> {
        let Some(node) = self.node(snapshot, statement.about()) else { return Vec::new() };
        let view = View::new(snapshot.clone(), self.clone());
        view.matching(node, statement).filter_map(|fact| Some((fact, view.ends(fact, Some(node))?))).collect()
    }

    /// Whether an entity was given a name.
    pub(super) fn is_named(&self, snapshot: &Snapshot, node: u32) -> bool {
        if self.is_renamed(node) { !self.unnamed.contains(&node) } else { snapshot.is_named(node) }
    }

    fn describe(&mut self, snapshot: &Arc<Snapshot>, about: &str, what: Describes, label: Label) {
        let node = self.entity_number(snapshot, about);
        let Some(mut entity) = self.entity(node).cloned().or_else(|| snapshot.entity(node)) else { return };
        let words = Arc::make_mut(&mut entity);
        // The name that was made from its id is not one that it was given.
        if !self.is_named(snapshot, node) {
            words.labels.clear();
        }
        let list = match what {
            Describes::Label | Describes::Alias
                if words.labels.contains(&label) || words.aliases.contains(&label) =>
            {
                return;
            }
            Describes::Label if words.labels.iter().any(|known| known.language == label.language) => {
                &mut words.aliases
            }
            Describes::Label => &mut words.labels,
            Describes::Alias => &mut words.aliases,
            Describes::Article => &mut words.articles,
            _ => &mut words.descriptions,
        };
        if !list.contains(&label) {
            list.push(label);
            self.gone.remove_mut(&node);
            self.set_entity(node, entity);
        }
    }

    /// Puts an entity in the place of what was known of it, with its names.
    fn set_entity(&mut self, node: u32, mut entity: Arc<Entity>) {
        if entity.labels.is_empty() && entity.aliases.is_empty() {
            let name = entity_name(entity.id.as_str());
            Arc::make_mut(&mut entity).labels.push(Label::plain(name));
            self.unnamed.insert_mut(node);
        } else {
            self.unnamed.remove_mut(&node);
        }
        if let Some(before) = self.entities.get(&node).cloned() {
            self.claim(&before, node, false);
        }
        self.claim(&entity, node, true);
        self.entities.insert_mut(node, entity);
    }

    /// Enters or takes out the claims of an entity on its names.
    fn claim(&mut self, entity: &Entity, node: u32, enter: bool) {
        let labels = entity.labels.iter().map(|label| (label, true));
        for (label, preferred) in labels.chain(entity.aliases.iter().map(|label| (label, false))) {
            keys_of(&label.text, |form, key| {
                let claim = Claim { node, flags: flags(&label.text, preferred && form != Form::Bare) };
                let names = &mut self.names[usize::from(form == Form::Loose)];
                let known = names.get(key).into_iter().flatten().copied().filter(|known| known.node != node);
                let claims: VectorSync<Claim> = known.chain(enter.then_some(claim)).collect();
                names.insert_mut(key.into(), claims);
            });
        }
    }

    /// The number of an entity; a new one where the graph has none with this id.
    fn entity_number(&mut self, snapshot: &Snapshot, id: &str) -> u32 {
        if let Some(node) = self.node(snapshot, id) {
            return node;
        }
        let node = snapshot.entities() + self.ids.len() as u32;
        let id: Arc<str> = id.into();
        self.ids.push_back_mut(id.clone());
        self.by_id.insert_mut(id.clone(), node);
        self.set_entity(node, Arc::new(Entity { id: EntityId(id), ..Entity::default() }));
        node
    }

    fn object(&mut self, snapshot: &Snapshot, object: &statement::Object) -> Object {
        let statement::Object::Entity(id) = object else { return Object::Value(object.clone()) };
        // As in the snapshot: an address that nothing is said of is just that.
        let address = is_address(id);
        match self.node(snapshot, id) {
            Some(node) => Object::Node(node),
            None if address => {
                self.links.insert_mut(id.as_str().into());
                Object::Value(statement::Object::Url(id.clone()))
            }
            None => Object::Node(self.entity_number(snapshot, id)),
        }
    }

    pub(super) fn find_predicate(&self, snapshot: &Snapshot, id: &str) -> Option<u32> {
        let base = snapshot.predicates.binary_search_by(|predicate| predicate.id.as_str().cmp(id)).ok();
        let new = || {
            let place = self.predicates.iter().position(|predicate| predicate.id.as_str() == id)?;
            Some(snapshot.predicates.len() + place)
        };
        base.or_else(new).map(|number| number as u32)
    }

    fn predicate_number(&mut self, snapshot: &Snapshot, id: &str) -> u32 {
        if let Some(number) = self.find_predicate(snapshot, id) {
            return number;
        }
        let mut predicate = bare_predicate(id);
        name_predicate(&mut predicate);
        self.predicates.push_back_mut(Arc::new(predicate));
        (snapshot.predicates.len() + self.predicates.len() - 1) as u32
    }
}

fn push(lists: &mut HashTrieMapSync<u32, VectorSync<u32>>, key: u32, number: u32) {
    let list = lists.get(&key).cloned().unwrap_or_else(VectorSync::new_sync);
    lists.insert_mut(key, list.push_back(number));
}
