//! Paths of relations. In: what lies around an entity. Out: groups of facts by relation and direction, and the values that a chain
//! of them leads to. Knows no questions.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Predicate, Rank, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// One relation on the way from the question's entity to an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The relation.
    pub predicate: Arc<Predicate>,
    /// Whether it is walked from object to subject.
    pub inverse: bool,
}

impl Step {
    /// The same relation, walked the other way.
    pub(super) fn undoes(&self, other: &Step) -> bool {
        self.inverse != other.inverse && self.predicate.id == other.predicate.id
    }
}

/// The facts of an entity with one relation in one direction.
#[derive(Clone, Debug)]
pub(super) struct Spoke {
    pub(super) step: Step,
    pub(super) facts: Vec<Fact>,
}

/// What lies around an entity.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// In the order of predicates' ids, outgoing first.
    pub(super) spokes: Vec<Spoke>,
    /// Whether the limit left facts out.
    pub(super) cut: bool,
    /// Whether it left out facts of the entity's own: then what is not there may still be so.
    pub(super) own_cut: bool,
}

impl Around {
    /// Sorts facts, whatever order they come in. Deprecated ones are left out, and so is that there is no value.
    pub(super) fn new(entity: &EntityId, facts: Vec<Fact>, limit: usize) -> Self {
        let outgoing = facts.iter().filter(|fact| fact.subject.id == *entity).count();
        let own_cut = outgoing >= limit;
        let cut = own_cut || facts.len() - outgoing >= limit;
        let mut spokes: FxHashMap<(EntityOrder, bool), Spoke> = FxHashMap::default();
        for fact in facts.into_iter().filter(|fact| fact.rank > Rank::Deprecated) {
            let inverse = fact.subject.id != *entity;
            if matches!(fact.object, Value::Nothing | Value::Unknown) && inverse {
                continue;
            }
            let key = (fact.predicate.id.0.clone(), inverse);
            let step = Step { predicate: fact.predicate.clone(), inverse };
            spokes.entry(key).or_insert_with(|| Spoke { step, facts: Vec::new() }).facts.push(fact);
        }
        let mut spokes: Vec<((EntityOrder, bool), Spoke)> = spokes.into_iter().collect();
        spokes.sort_by(|(a, _), (b, _)| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let mut spokes: Vec<Spoke> = spokes.into_iter().map(|(_, spoke)| spoke).collect();
        for spoke in &mut spokes {
            spoke.facts.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.id.cmp(&b.id)));
            spoke.facts.dedup_by(|a, b| a.id == b.id);
        }
        Self { spokes, cut, own_cut }
    }
}

type EntityOrder = Arc<str>;

/// A value at the end of a path, with the fact that led there.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) value: Value,
    pub(super) fact: Fact,
    /// The end of the path one step shorter that the fact is about.
    pub(super) parent: usize,
}

/// Relations walked from a topic, and everything they lead to.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Which topic.
    pub(super) topic: usize,
    /// The path without its last step, among all paths.
    pub(super) parent: Option<usize>,
    pub(super) steps: Vec<Step>,
    pub(super) ends: Vec<End>,
    /// Whether a limit left ends out.
    pub(super) cut: bool,
}

/// Ends that a path keeps.
const ENDS: usize = 2048;

impl Path {
    pub(super) fn first(topic: usize, spoke: &Spoke, cut: bool) -> Self {
        let mut path = Self { topic, parent: None, steps: vec![spoke.step.clone()], ends: Vec::new(), cut };
        path.extend(0, spoke, &[]);
        path
    }

    /// The path one step longer, still without ends.
    pub(super) fn longer(&self, own: usize, step: &Step) -> Self {
        let steps = self.steps.iter().chain([step]).cloned().collect();
        Self { topic: self.topic, parent: Some(own), steps, ends: Vec::new(), cut: self.cut }
    }

    /// Adds where a spoke leads, but for the entities that were passed already.
    pub(super) fn extend(&mut self, parent: usize, spoke: &Spoke, passed: &[&EntityId]) {
        for fact in &spoke.facts {
            let value =
                if spoke.step.inverse { Value::Entity(fact.subject.clone()) } else { fact.object.clone() };
            if matches!(&value, Value::Entity(entity) if passed.contains(&&entity.id)) {
                continue;
            }
            if self.ends.len() >= ENDS {
                self.cut = true;
                return;
            }
            self.ends.push(End { value, fact: fact.clone(), parent });
        }
    }

    /// Keeps each value once: the one by the preferred fact, then by the least id.
    pub(super) fn settle(&mut self) {
        self.ends.sort_by(|a, b| b.fact.rank.cmp(&a.fact.rank).then_with(|| a.fact.id.cmp(&b.fact.id)));
        let mut seen = FxHashSet::default();
        self.ends.retain(|end| seen.insert(key(&end.value)));
    }

    /// The entities at the ends.
    pub(super) fn entities(&self) -> impl Iterator<Item = (usize, &Arc<Entity>)> {
        self.ends.iter().enumerate().filter_map(|(at, end)| match &end.value {
            Value::Entity(entity) => Some((at, entity)),
            _ => None,
        })
    }
}

/// What makes two values the same.
pub(super) fn key(value: &Value) -> String {
    match value {
        Value::Entity(entity) => format!("<{}>", entity.id),
        Value::Number { value, unit, .. } => {
            let unit = unit.as_ref().map(|unit| unit.symbol.clone()).unwrap_or_default();
            format!("#{value} {unit}")
        }
        other => format!("\"{}", other.text(&loquat_contract::Language::english())),
    }
}

/// The facts that lead to an end, in the order they are walked.
pub(super) fn chain(paths: &[Path], path: usize, end: usize) -> Vec<Fact> {
    let mut facts = Vec::new();
    let (mut path, mut end) = (Some(path), end);
    while let Some(here) = path.and_then(|path| paths.get(path)) {
        let Some(at) = here.ends.get(end) else { break };
        facts.push(at.fact.clone());
        (path, end) = (here.parent, at.parent);
    }
    facts.reverse();
    facts
}
