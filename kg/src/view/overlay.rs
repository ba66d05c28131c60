//! The edits since the snapshot. In: edits, one by one. Out: what they add to it and hide of it.
//!
//! Its maps share what did not change (hash array mapped tries), so a new view after an edit costs what the edit touches.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Generation, Label, Language, Predicate, Rank, Schema};

use rpds::{HashTrieMapSync, HashTrieSetSync, VectorSync};

use super::{Ends, Object, View};
use crate::build::{bare_predicate, describe, name_predicate};
use crate::link::{Form, flags, keys_of};
use crate::names::entity_name;
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
    /// The snapshot's predicates that more is said of.
    described: HashTrieMapSync<u32, Arc<Predicate>>,
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
            described: HashTrieMapSync::new_sync(),
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
    pub(crate) fn is_empty(&self) -> bool {
        self.edits == 0
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
        let base = || snapshot.predicates.get(predicate as usize);
        self.described.get(&predicate).or_else(base).or_else(|| {
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

    /// Takes up edits, in their order.
    pub(crate) fn apply<'e>(&mut self, snapshot: &Arc<Snapshot>, edits: impl IntoIterator<Item = &'e Edit>) {
        let mut generation = None;
        for edit in edits {
            match edit.change {
                Change::Add => self.add(snapshot, edit),
                Change::Remove => self.remove(snapshot, &edit.statement),
            }
            self.edits += 1;
            generation = Some(Generation(edit.generation));
        }
        if let Some(generation) = generation {
            self.schema = Some(Arc::new(self.new_schema(snapshot, generation)));
        }
    }

    fn new_schema(&self, snapshot: &Arc<Snapshot>, generation: Generation) -> Schema {
        let last = self.schema.as_ref().unwrap_or_else(|| snapshot.schema());
        let count = snapshot.predicates.len() + self.predicates.len();
        let predicates: Vec<_> =
            (0..count as u32).filter_map(|number| self.predicate(snapshot, number).cloned()).collect();
        let mut sole_subjects = last.sole_subjects.clone();
        let subject_of = |added: &Added| self.id(snapshot, added.ends.subject);
        for added in self.added.iter().flatten() {
            let Some((predicate, subject)) =
                predicates.get(added.ends.predicate as usize).zip(subject_of(added))
            else {
                continue;
            };
            let is_new = added.ends.predicate as usize >= snapshot.predicates.len();
            match sole_subjects.get(&predicate.id) {
                Some(known) if known.id.as_str() != subject => {
                    sole_subjects.remove(&predicate.id);
                }
                None if is_new && self.has_one_subject(added.ends.predicate) => {
                    let entity = self.entity(added.ends.subject).cloned();
                    if let Some(entity) = entity.or_else(|| snapshot.entity(added.ends.subject)) {
                        sole_subjects.insert(predicate.id.clone(), entity);
                    }
                }
                _ => {}
            }
        }
        Schema { generation, predicates, sole_subjects }
    }

    fn has_one_subject(&self, predicate: u32) -> bool {
        let mut subjects = self
            .added
            .iter()
            .flatten()
            .filter(|added| added.ends.predicate == predicate)
            .map(|added| added.ends.subject);
        subjects.next().is_some_and(|first| subjects.all(|subject| subject == first))
    }

    fn add(&mut self, snapshot: &Arc<Snapshot>, edit: &Edit) {
        // A statement that is there already is said anew: its rank may differ.
        self.remove(snapshot, &edit.statement);
        match &edit.statement {
            Statement::Fact { subject, predicate, object, rank, qualifiers } => {
                let subject = self.entity_number(snapshot, subject);
                let predicate = self.predicate_number(snapshot, predicate);
                let object = self.object(snapshot, object);
                let qualifier = |(predicate, value): &(String, statement::Object)| {
                    (self.predicate_number(snapshot, predicate), self.object(snapshot, value))
                };
                let qualifiers = qualifiers.iter().map(qualifier).collect();
                let number = self.added.len() as u32;
                push(&mut self.outgoing, subject, number);
                if let Object::Node(object) = object {
                    push(&mut self.incoming, object, number);
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
                self.describe(snapshot, about, *what, text, language.as_deref(), true);
            }
        }
    }

    fn remove(&mut self, snapshot: &Arc<Snapshot>, statement: &Statement) {
        match statement {
            Statement::Fact { subject, .. } => {
                let Some(fact) = self.find(snapshot, subject, statement.digest()) else { return };
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
            Statement::Description { about, what, text, language } => {
                self.describe(snapshot, about, *what, text, language.as_deref(), false);
            }
        }
    }

    /// The fact of a subject with a digest.
    fn find(&self, snapshot: &Arc<Snapshot>, subject: &str, digest: u128) -> Option<u32> {
        let node = self.node(snapshot, subject)?;
        let view = View::new(snapshot.clone(), self.clone());
        view.outgoing(node).find(|fact| view.statement(*fact).is_some_and(|found| found.digest() == digest))
    }

    fn describe(
        &mut self,
        snapshot: &Arc<Snapshot>,
        about: &str,
        what: Describes,
        text: &str,
        language: Option<&str>,
        add: bool,
    ) {
        let label = Label { text: text.to_owned(), language: language.map(Language::new) };
        let known = self.find_predicate(snapshot, about);
        if let Some(number) = known {
            if let Some(predicate) = self.predicate(snapshot, number) {
                let mut predicate = Predicate::clone(predicate);
                if add {
                    describe(&mut predicate, what, label);
                } else {
                    undescribe(&mut predicate, &label);
                }
                name_predicate(&mut predicate);
                self.set_predicate(snapshot, number, predicate);
            }
            return;
        }
        if what == Describes::Redirect {
            let target = self.entity_number(snapshot, text);
            if add {
                self.by_id.insert_mut(about.into(), target);
            }
            return;
        }
        let node = match self.node(snapshot, about) {
            Some(node) => node,
            None if add && matches!(what, Describes::Label | Describes::Alias) => {
                self.entity_number(snapshot, about)
            }
            None => return,
        };
        let Some(mut entity) = self.entity(node).cloned().or_else(|| snapshot.entity(node)) else { return };
        let described = self.entity(node).is_some() || snapshot.is_described(node);
        let words = Arc::make_mut(&mut entity);
        // The name that was made from its id goes when it is given one.
        if !described {
            words.labels.clear();
        }
        let list = match what {
            Describes::Label if words.labels.iter().any(|known| known.language == label.language) && add => {
                &mut words.aliases
            }
            Describes::Label => &mut words.labels,
            Describes::Alias => &mut words.aliases,
            Describes::Article => &mut words.articles,
            Describes::Description => &mut words.descriptions,
            _ => return,
        };
        if add {
            list.push(label);
        } else {
            let before = list.len();
            list.retain(|known| *known != label);
            if list.len() == before && what == Describes::Label {
                words.aliases.retain(|known| *known != label);
            }
        }
        self.set_entity(node, entity);
    }

    /// Puts an entity in the place of what was known of it, with its names.
    fn set_entity(&mut self, node: u32, mut entity: Arc<Entity>) {
        if entity.labels.is_empty() && entity.aliases.is_empty() {
            let name = entity_name(entity.id.as_str());
            Arc::make_mut(&mut entity).labels.push(Label::plain(name));
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
        let address = id.starts_with("http://") || id.starts_with("https://");
        match self.node(snapshot, id) {
            Some(node) => Object::Node(node),
            None if address => Object::Value(statement::Object::Url(id.clone())),
            None => Object::Node(self.entity_number(snapshot, id)),
        }
    }

    fn find_predicate(&self, snapshot: &Snapshot, id: &str) -> Option<u32> {
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

    fn set_predicate(&mut self, snapshot: &Snapshot, number: u32, predicate: Predicate) {
        match (number as usize).checked_sub(snapshot.predicates.len()) {
            Some(new) => {
                self.predicates.set_mut(new, Arc::new(predicate));
            }
            None => {
                self.described.insert_mut(number, Arc::new(predicate));
            }
        }
    }
}

fn push(lists: &mut HashTrieMapSync<u32, VectorSync<u32>>, key: u32, number: u32) {
    let list = lists.get(&key).cloned().unwrap_or_else(VectorSync::new_sync);
    lists.insert_mut(key, list.push_back(number));
}

/// Takes what was said of a predicate back.
fn undescribe(predicate: &mut Predicate, label: &Label) {
    let templates = &mut predicate.templates;
    for list in [
        &mut predicate.labels,
        &mut predicate.aliases,
        &mut templates.single,
        &mut templates.plural,
        &mut templates.inverse,
        &mut templates.when_true,
        &mut templates.when_false,
    ] {
        list.retain(|known| known != label);
    }
}
