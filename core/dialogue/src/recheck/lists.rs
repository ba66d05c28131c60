//! The lists that the facts of a sentence are of. In: facts that are said together. Out: which of them are of one list, and what else
//! of these lists the graph has.

use std::collections::HashSet;

use loquat_contract::{
    EntityId, Fact, Knowledge, KnowledgeError, Label, Language, PredicateId, Rank, Sentence, Value, Verdict,
};

/// How many facts of an entity are looked at, either way: as many as grounding looks at.
const NEARBY: usize = 512;

/// Facts that have two of their three parts in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct List {
    /// The subject, or the object where several subjects share it.
    anchor: EntityId,
    predicate: PredicateId,
    lists_subjects: bool,
}

impl List {
    fn has(&self, fact: &Fact) -> bool {
        let is_there = if self.lists_subjects {
            object(fact) == Some(&self.anchor)
        } else {
            fact.subject.id == self.anchor
        };
        is_there && fact.predicate.id == self.predicate
    }
}

fn object(fact: &Fact) -> Option<&EntityId> {
    match &fact.object {
        Value::Entity(entity) => Some(&entity.id),
        _ => None,
    }
}

/// The list of each fact: with others it may share its object, or else it is one of what its subject has in this respect.
fn lists(facts: &[Fact]) -> Vec<List> {
    let of = |fact: &Fact| {
        let shares_object = |other: &&Fact| {
            other.predicate.id == fact.predicate.id
                && other.subject.id != fact.subject.id
                && object(fact).is_some()
                && object(other) == object(fact)
        };
        let inverse = object(fact).filter(|_| facts.iter().any(|other| shares_object(&other)));
        List {
            anchor: inverse.unwrap_or(&fact.subject.id).clone(),
            predicate: fact.predicate.id.clone(),
            lists_subjects: inverse.is_some(),
        }
    };
    facts.iter().map(of).collect()
}

/// The facts by list, as places: facts of one group are only said together.
pub(super) fn groups(facts: &[Fact]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(List, Vec<usize>)> = Vec::new();
    for (place, list) in lists(facts).into_iter().enumerate() {
        match groups.iter_mut().find(|(known, _)| *known == list) {
            Some((_, places)) => places.push(place),
            None => groups.push((list, vec![place])),
        }
    }
    groups.into_iter().map(|(_, places)| places).collect()
}

/// The facts that the graph has beside these in their lists. Texts in other languages say the same, and are left out.
pub(super) async fn rest(
    facts: &[Fact],
    language: &Language,
    knowledge: &dyn Knowledge,
) -> Result<Vec<Fact>, KnowledgeError> {
    let (mut seen, mut more) = (HashSet::new(), Vec::new());
    let known: HashSet<_> = facts.iter().map(|fact| fact.id.clone()).collect();
    for list in lists(facts) {
        if !seen.insert(list.clone()) {
            continue;
        }
        let around = knowledge.facts(&list.anchor, NEARBY).await?;
        let mut beside: Vec<Fact> = around
            .into_iter()
            .filter(|fact| list.has(fact) && !known.contains(&fact.id) && counts(fact, language))
            .collect();
        // An entity that leads to itself is met from both ends.
        beside.dedup_by(|one, other| one.id == other.id);
        more.extend(beside);
    }
    Ok(more)
}

fn counts(fact: &Fact, asked: &Language) -> bool {
    let is_own = match &fact.object {
        Value::Text(Label { language: Some(language), .. }) => language.matches(asked),
        Value::Nothing => false,
        _ => true,
    };
    is_own && fact.rank > Rank::Deprecated
}

/// Notes in each supported sentence how many facts of its lists it leaves out; `facts` are those that they rest on. With that number
/// it can be told later whether a list has grown.
///
/// # Errors
/// When the graph cannot be read.
pub(crate) async fn note_left_out(
    sentences: &mut [Sentence],
    facts: &[&Fact],
    language: &Language,
    knowledge: &dyn Knowledge,
) -> Result<(), KnowledgeError> {
    for sentence in sentences.iter_mut().filter(|sentence| sentence.verdict == Verdict::Supported) {
        let of = |id: &loquat_contract::FactId| {
            facts.iter().find(|fact| fact.id == *id).map(|fact| (*fact).clone())
        };
        let own: Vec<Fact> = sentence.facts.iter().filter_map(of).collect();
        sentence.left_out = rest(&own, language, knowledge).await?.len();
    }
    Ok(())
}
