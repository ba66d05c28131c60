//! What a question is about. In: a bot and an item. Out: the ids of the entities that the bot answers it from. Grades nothing.

use std::collections::BTreeSet;

use loquat_contract::{ConversationId, Dialogue, DialogueError};

use crate::item::Item;

/// The entities of the facts that the replies to an item cite, each the subject of a fact; where none is cited, those that the names in it were
/// taken to mean. No model needs to speak for it.
///
/// # Errors
/// When the engine fails.
pub async fn topics(dialogue: &dyn Dialogue, item: &Item) -> Result<BTreeSet<String>, DialogueError> {
    let conversation = ConversationId {
        bot: "eval".to_owned(),
        platform: "eval".to_owned(),
        channel: format!("{}/{}", item.set, item.id),
        thread: Some("topics".to_owned()),
    };
    let (mut cited, mut linked) = (BTreeSet::new(), BTreeSet::new());
    for turn in &item.turns {
        let reply = dialogue.answer(&conversation, &turn.say, &mut |_| ()).await?;
        cited.extend(reply.citations.iter().map(|citation| citation.entity.to_string()));
        linked.extend(reply.entities.iter().map(|entity| entity.id.to_string()));
    }
    dialogue.forget(&conversation);
    // A citation may come without its entity.
    cited.retain(|entity| !entity.is_empty());
    Ok(if cited.is_empty() { linked } else { cited })
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing::{self, Echo};
    use loquat_contract::{Citation, EntityId, FactId, Generation, LinkedEntity, Reply};

    use super::*;
    use crate::item::Turn;

    #[tokio::test]
    async fn a_question_is_about_what_is_cited_or_else_about_what_is_named() {
        let bot = Echo::default();
        let citation = |entity: &str| Citation {
            id: FactId::from("f"),
            entity: EntityId::from(entity),
            subject: "x".to_owned(),
            predicate: "is".to_owned(),
            object: "y".to_owned(),
            source: "t".into(),
            since: Generation::default(),
        };
        let linked = LinkedEntity {
            text: "x".to_owned(),
            start: 0,
            end: 1,
            id: EntityId::from("linked"),
            label: "x".to_owned(),
            score: 1.0,
        };
        let entities = vec![linked];
        let citations = vec![citation("a"), citation("")];
        bot.answer_with("cites", Reply { citations, entities: entities.clone(), ..testing::reply("") });
        bot.answer_with("cites more", Reply { citations: vec![citation("b")], ..testing::reply("") });
        bot.answer_with("names", Reply { entities, ..testing::reply("") });
        for (said, expected) in [
            (vec!["cites", "cites more"], vec!["a", "b"]),
            (vec!["names"], vec!["linked"]),
            (vec!["hm"], vec![]),
        ] {
            let turns = said.into_iter().map(|say| Turn { say: say.to_owned(), ..Turn::default() }).collect();
            let found = topics(&bot, &Item { turns, ..Item::default() }).await.unwrap();
            assert_eq!(Vec::from_iter(found), expected);
        }
    }
}
