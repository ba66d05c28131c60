//! The first way: names and relations by their own names. In: a question that is understood word by word. Out: [`Grounds`], or none
//! where a word is left that nothing explains.

use super::Grounds;
use super::choose::{choose, connected, is_restricted, nested, overview, related};
use super::topic::{Reader, Topic};
use crate::EngineError;
use crate::session::Session;
use crate::understand::Understood;

/// A name that comes without a relation has to be linked this surely: "hungry" is not Hungary.
const SURE: f32 = 0.7;

pub(super) async fn named(
    understood: &Understood,
    session: &Session,
    by_mention: &[Vec<Topic>],
    knowledge: &Reader<'_>,
) -> Result<Option<Grounds>, EngineError> {
    if understood.has_operator {
        return Ok(None);
    }
    let relations = &understood.relations;
    let is_plain = understood.unexplained.is_empty();
    let grounds = match (relations.is_empty(), by_mention.is_empty()) {
        (false, false) if !understood.is_answerable => None,
        (false, false) if understood.is_nested => {
            nested(&choose(by_mention, relations), relations, knowledge).await?
        }
        (false, false) => {
            // "Does it border China?" asks of what was talked about.
            let asks_of_it = understood.is_polar && understood.points_back;
            let remembered = if asks_of_it { knowledge.remembered(session).await? } else { Vec::new() };
            let topics: Vec<&Topic> = remembered.iter().chain(choose(by_mention, relations)).collect();
            match related(&topics, relations, understood.lists_names) {
                None if understood.points_back => knowledge.of_conversation(session, relations).await?,
                Some(_) if is_restricted(&topics, relations, &understood.within_relation) => None,
                grounds => grounds,
            }
        }
        (false, true) if is_plain => knowledge.of_conversation(session, relations).await?,
        (true, false) if is_plain => {
            let topics = choose(by_mention, &session.relations);
            let again =
                if understood.points_back { related(&topics, &session.relations, false) } else { None };
            match topics.as_slice() {
                _ if again.is_some() => again,
                [only] if only.score >= SURE => overview(&topics, knowledge.language),
                [_] => None,
                _ => connected(&topics),
            }
        }
        (true, true) if is_plain && understood.points_back => {
            overview(&knowledge.remembered(session).await?, knowledge.language)
        }
        _ => None,
    };
    Ok(grounds)
}
