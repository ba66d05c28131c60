//! What a model may have learnt. In: the training part of a set, and the bot. Out: questions about none of its entities. Must not know models.

use std::collections::{BTreeSet, HashSet};

use loquat_contract::DialogueError;
use loquat_eval::{Item, sample};
use loquat_prepare::Example;

/// What the training part is about.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    entities: HashSet<String>,
    questions: HashSet<String>,
}

/// Some questions of a set.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) items: Vec<Item>,
    /// Those that were drawn too and are about something that was learnt.
    pub(super) left_out: usize,
}

impl Learnt {
    pub(super) fn of(train: &[Example]) -> Self {
        let question = |example: &Example| Some(example.question.as_deref()?.trim().to_owned());
        Self {
            entities: train.iter().flat_map(|example| example.entities.iter().cloned()).collect(),
            questions: train.iter().filter_map(question).collect(),
        }
    }

    /// Whether it is known what was learnt: else nothing can be left out.
    pub(super) fn is_known(&self) -> bool {
        !self.entities.is_empty()
    }

    /// Whether an example has an entity in common with it; where the example names none, the question. (“And its genre?” is asked of anything.)
    pub(super) fn knows(&self, example: &Example) -> bool {
        let asks = |question: &str| self.questions.contains(question.trim());
        self.has(&example.entities)
            || example.entities.is_empty() && example.question.as_deref().is_some_and(asks)
    }

    /// At most `limit` of the items, as evenly as [`sample`] has them; for each that is left out, another one is drawn. `about` gives the entities
    /// that an item is about.
    ///
    /// # Errors
    /// When `about` fails.
    pub(super) async fn choose(
        &self,
        items: Vec<Item>,
        limit: usize,
        about: impl AsyncFn(&Item) -> Result<BTreeSet<String>, DialogueError>,
    ) -> Result<Chosen, DialogueError> {
        let (mut chosen, mut rest) = (Chosen { items: Vec::new(), left_out: 0 }, items);
        while chosen.items.len() < limit && !rest.is_empty() {
            let drawn = sample(rest.clone(), limit - chosen.items.len(), None);
            let ids: HashSet<&str> = drawn.iter().map(|item| item.id.as_str()).collect();
            rest.retain(|item| !ids.contains(item.id.as_str()));
            for item in drawn {
                if self.asks(&item) || self.has(&about(&item).await?) {
                    chosen.left_out += 1;
                } else {
                    chosen.items.push(item);
                }
            }
        }
        Ok(chosen)
    }

    fn asks(&self, item: &Item) -> bool {
        item.turns.iter().any(|turn| self.questions.contains(turn.say.trim()))
    }

    fn has(&self, entities: &BTreeSet<String>) -> bool {
        entities.iter().any(|entity| self.entities.contains(entity))
    }
}

#[cfg(test)]
mod tests {
    use loquat_eval::Turn;

    use super::*;

    /// The first word.
    async fn about(item: &Item) -> Result<BTreeSet<String>, DialogueError> {
        Ok(item.id.split([' ', '?']).next().map(str::to_owned).into_iter().collect())
    }

    #[tokio::test]
    async fn questions_about_what_was_learnt_are_left_out_and_others_drawn_in_their_place() {
        let learnt = |line: &str| -> Example { serde_json::from_str(line).unwrap() };
        let train = [
            learnt(r#"{"id":"1","kind":"fact","entities":["Bhutan","Nepal"]}"#),
            learnt(r#"{"id":"2","kind":"missing","question":"Peru and what?"}"#),
        ];
        let item = |say: &str| Item {
            id: say.to_owned(),
            turns: vec![Turn { say: say.to_owned(), ..Turn::default() }],
            ..Item::default()
        };
        let items: Vec<Item> =
            ["Bhutan what?", "Nepal in other words?", "Peru and what?", "Peru?", "Chad?"].map(item).into();
        let known = Learnt::of(&train);
        let chosen = known.choose(items.clone(), 2, about).await.unwrap();
        let mut said: Vec<&str> = chosen.items.iter().map(|item| item.id.as_str()).collect();
        said.sort_unstable();
        assert_eq!(said, ["Chad?", "Peru?"]);
        let all = known.choose(items.clone(), 9, about).await.unwrap();
        assert_eq!((all.items.len(), all.left_out), (2, 3));
        let nothing = Learnt::default().choose(items, 3, about).await.unwrap();
        assert_eq!((nothing.items.len(), nothing.left_out), (3, 0));
        let follow_up =
            learnt(r#"{"id":"4","kind":"missing","entities":["Chad"],"question":"Peru and what?"}"#);
        assert!(known.is_known() && !known.knows(&follow_up) && known.knows(&train[1]));
        assert!(
            known.knows(&train[0])
                && !known.knows(&learnt(r#"{"id":"3","kind":"fact","entities":["Chad"]}"#))
        );
    }
}
