//! A session as the journal keeps it. In: a session. Out: the ids of what it is about, and the session again, as far as the graph still
//! knows them.

use std::sync::Arc;

use loquat_contract::{
    Entity, EntityId, Knowledge, KnowledgeError, Language, Memory, Predicate, PredicateId, Value,
};
use serde::{Deserialize, Serialize};

use crate::session::{Asked, Pending, Session};

/// A session without what the graph owns.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Kept {
    focus: Vec<EntityId>,
    relations: Vec<Vec<PredicateId>>,
    language: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spoken: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<KeptPending>,
}

/// What was asked back.
#[derive(Debug, Deserialize, Serialize)]
struct KeptPending {
    question: String,
    meanings: Vec<(EntityId, String)>,
}

/// What the journal keeps of a session.
pub(crate) fn keep(session: &Session) -> Memory {
    let ids =
        |relation: &Vec<Arc<Predicate>>| relation.iter().map(|predicate| predicate.id.clone()).collect();
    let meanings = |pending: &Pending| {
        pending.meanings.iter().map(|(entity, line)| (entity.id.clone(), line.clone())).collect()
    };
    let kept = Kept {
        asked: session.asked.clone(),
        pending: session
            .pending
            .as_ref()
            .map(|pending| KeptPending { question: pending.question.clone(), meanings: meanings(pending) }),
        focus: session.focus.iter().map(|entity| entity.id.clone()).collect(),
        relations: session.relations.iter().map(ids).collect(),
        language: session.language.clone(),
        spoken: session.spoken.clone(),
    };
    // Ids, texts and places in them: JSON can have all of them.
    Memory(serde_json::to_string(&kept).unwrap_or_default())
}

/// The session that was kept. What cannot be read, or is not in the graph any more, is forgotten.
pub(crate) async fn recall(memory: &Memory, knowledge: &dyn Knowledge) -> Result<Session, KnowledgeError> {
    let kept: Kept = serde_json::from_str(&memory.0).unwrap_or_default();
    let mut focus = Vec::new();
    for id in &kept.focus {
        focus.extend(entity(id, knowledge).await?);
    }
    let schema = knowledge.schema();
    let known = |id: &PredicateId| schema.predicates.iter().find(|predicate| predicate.id == *id).cloned();
    let relations = kept.relations.iter().map(|relation| relation.iter().filter_map(known).collect());
    let relations = relations.filter(|relation: &Vec<_>| !relation.is_empty()).collect();
    let pending = match kept.pending {
        Some(KeptPending { question, meanings }) => {
            let mut known = Vec::new();
            for (id, line) in meanings {
                known.extend(entity(&id, knowledge).await?.map(|entity| (entity, line)));
            }
            Some(Pending { question, meanings: known })
        }
        None => None,
    };
    let (asked, language, spoken) = (kept.asked, kept.language, kept.spoken);
    Ok(Session { focus, relations, asked, pending, language, spoken, ..Session::default() })
}

/// An entity by its id, out of any fact about it.
async fn entity(id: &EntityId, knowledge: &dyn Knowledge) -> Result<Option<Arc<Entity>>, KnowledgeError> {
    let facts = knowledge.facts(id, 1).await?;
    let mut of_facts = facts.into_iter().flat_map(|fact| {
        let object = match fact.object {
            Value::Entity(entity) => Some(entity),
            _ => None,
        };
        std::iter::once(fact.subject).chain(object)
    });
    Ok(of_facts.find(|entity| entity.id == *id))
}
