//! The graph without the facts that a set's questions need. In: a graph and items. Out: the same graph, where no fact lies between what
//! a question is about and an accepted answer to it. Whether a bot makes something up is seen best where it cannot know.

use std::collections::HashMap;
use std::sync::Arc;

use loquat_contract::{
    BoxFuture, Entity, EntityId, Fact, Knowledge, KnowledgeError, Language, Mention, Schema, Value,
};

use crate::item::{Expect, Item};
use crate::normal::{composed, find, words_of};

/// A name or a text as it is compared.
type Words = Vec<String>;

/// What a question is about.
#[derive(Debug)]
enum About {
    /// This name.
    Topic(Words),
    /// Some name that stands in these words.
    Said(Words),
}

/// A graph without the facts that answer some questions, in either direction. It hides those of all questions at once: what
/// an engine remembers of an entity for one question does not give away another's answer.
pub struct Hidden {
    graph: Arc<dyn Knowledge>,
    /// Accepted answers, and what is asked about wherever they are accepted.
    answers: HashMap<Words, Vec<About>>,
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hidden").field("answers", &self.answers.len()).finish_non_exhaustive()
    }
}

impl Hidden {
    /// `graph` without the facts that `items` ask for.
    pub fn new(graph: Arc<dyn Knowledge>, items: &[Item]) -> Self {
        let mut answers: HashMap<Words, Vec<About>> = HashMap::new();
        for item in items {
            let topic = item.topic.as_deref().map(folded);
            for turn in &item.turns {
                for answer in &turn.answers {
                    let about = match &topic {
                        Some(topic) => About::Topic(topic.clone()),
                        None => About::Said(folded(&turn.say)),
                    };
                    answers.entry(folded(answer)).or_default().push(about);
                }
            }
        }
        Self { graph, answers }
    }

    fn hides(&self, fact: &Fact) -> bool {
        let subject: Vec<Words> = fact.subject.names().map(folded).collect();
        let object = names_of(&fact.object);
        self.lies_between(&subject, &object) || self.lies_between(&object, &subject)
    }

    fn lies_between(&self, about: &[Words], answers: &[Words]) -> bool {
        let asked = answers.iter().filter_map(|answer| self.answers.get(answer)).flatten();
        let is_about = |wanted: &About, name: &Words| match wanted {
            About::Topic(topic) => topic == name,
            About::Said(words) => find(words, name).is_some(),
        };
        asked.into_iter().any(|wanted| about.iter().any(|name| is_about(wanted, name)))
    }
}

/// The items with nothing but abstention expected: what answered them is hidden.
pub fn expect_abstention(mut items: Vec<Item>) -> Vec<Item> {
    for item in &mut items {
        item.set.push_str(", fact hidden");
        for turn in &mut item.turns {
            if turn.expect == Expect::Answer {
                turn.expect = Expect::Abstain;
                turn.must.clear();
            }
        }
    }
    items
}

fn folded(text: &str) -> Words {
    let words: Words = words_of(&composed(text)).into_iter().map(|word| word.folded).collect();
    if words.is_empty() { vec![text.trim().to_owned()] } else { words }
}

fn names_of(value: &Value) -> Vec<Words> {
    let of_entity = |entity: &Entity| entity.names().map(folded).collect();
    match value {
        Value::Entity(entity) => of_entity(entity),
        other => vec![folded(&other.text(&Language::english()))],
    }
}

impl Knowledge for Hidden {
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        self.graph.link(text)
    }

    fn link_in<'a>(
        &'a self,
        text: &'a str,
        about: &'a [EntityId],
    ) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        self.graph.link_in(text, about)
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async move {
            let mut facts = self.graph.facts(entity, limit).await?;
            facts.retain(|fact| !self.hides(fact));
            Ok(facts)
        })
    }

    fn schema(&self) -> Arc<Schema> {
        self.graph.schema()
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing::MemoryGraph;
    use loquat_contract::{FactId, Label, Predicate};

    use super::*;
    use crate::item::Turn;

    fn entity(name: &str) -> Arc<Entity> {
        Arc::new(Entity { id: name.into(), labels: vec![Label::plain(name)], ..Entity::default() })
    }

    fn fact(subject: &str, predicate: &str, object: &str) -> Fact {
        let id = FactId::from(format!("{subject} {predicate} {object}").as_str());
        let predicate = Arc::new(Predicate { id: predicate.into(), ..Predicate::default() });
        Fact::new(id, entity(subject), predicate, Value::Entity(entity(object)), "test".into())
    }

    async fn left(item: Item) -> Vec<String> {
        let graph = MemoryGraph::new(vec![
            fact("France", "capital", "Paris"),
            fact("France", "borders", "Spain"),
            fact("Paris", "country", "France"),
            fact("Texas", "city", "Paris"),
        ]);
        let hidden = Hidden::new(Arc::new(graph), &[item]);
        let mut left: Vec<String> = Vec::new();
        for entity in ["France", "Paris", "Texas"] {
            left.extend(
                hidden.facts(&entity.into(), 9).await.unwrap().iter().map(|fact| fact.id.to_string()),
            );
        }
        left.sort();
        left.dedup();
        left
    }

    fn item(topic: Option<&str>) -> Item {
        let say = "What is the capital of France?".to_owned();
        let turn = Turn { say, answers: vec!["Paris".to_owned()], expect: Expect::Answer, ..Turn::default() };
        Item { topic: topic.map(str::to_owned), turns: vec![turn], ..Item::default() }
    }

    #[tokio::test]
    async fn what_lies_between_topic_and_answer_is_hidden_in_both_directions_and_nothing_else() {
        let kept = ["France borders Spain", "Texas city Paris"];
        assert_eq!(left(item(Some("france"))).await, kept);
        assert_eq!(left(item(None)).await, kept);
        assert_eq!(left(item(Some("Spain"))).await.len(), 4);
    }

    #[test]
    fn nothing_is_expected_of_a_hidden_fact_but_abstention() {
        let items = expect_abstention(vec![item(None)]);
        assert_eq!(items[0].turns[0].expect, Expect::Abstain);
        assert!(items[0].set.ends_with("fact hidden"));
    }
}
