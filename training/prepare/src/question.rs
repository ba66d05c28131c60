//! What is asked of the bot to learn from its answer. In: question sets, and the graph. Out: questions, as evenly over relations as can be.

use std::collections::BTreeMap;

use loquat_contract::{EntityId, Fact, Knowledge, Language};
use serde::{Deserialize, Serialize};

use crate::dice::{Dice, digest};
use crate::error::PrepareError;
use crate::wordings::{Names, Use, Wordings};

/// A question, or a conversation of which the last message is it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Question {
    /// What is said, in order.
    pub turns: Vec<String>,
    /// The relation asked for.
    pub group: Option<String>,
    /// Accepted answers; none where they are not known.
    pub answers: Vec<String>,
}

impl Question {
    /// What tells it from others.
    pub(crate) fn key(&self) -> String {
        self.turns.join("\n")
    }

    /// The message that is the question.
    pub(crate) fn last(&self) -> &str {
        self.turns.last().map_or("", String::as_str)
    }
}

/// At most `count` of them, as evenly over their groups as can be; 0 takes all. The same ones each time.
pub(crate) fn balanced<T>(
    items: Vec<T>,
    count: usize,
    seed: u64,
    group: impl Fn(&T) -> (String, String),
) -> Vec<T> {
    if count == 0 || items.len() <= count {
        return items;
    }
    let mut groups: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let (group, key) = group(item);
        groups.entry(group).or_default().push((digest(seed, "balance", &key), place));
    }
    let mut queues: Vec<Vec<(u64, usize)>> = groups.into_values().collect();
    queues.iter_mut().for_each(|queue| queue.sort_unstable());
    let mut taken = vec![false; items.len()];
    let mut left = count;
    while left > 0 {
        for queue in queues.iter_mut().filter(|queue| !queue.is_empty()) {
            if left == 0 {
                break;
            }
            if let Some((_, place)) = queue.pop() {
                taken[place] = true;
                left -= 1;
            }
        }
    }
    items.into_iter().zip(taken).filter_map(|(item, taken)| taken.then_some(item)).collect()
}

/// Questions made from the graph: for each entity one of its relations, as evenly over the relations as can be.
pub(crate) async fn from_graph(
    knowledge: &dyn Knowledge,
    entities: &[EntityId],
    wordings: &Wordings,
    languages: &[Language],
    count: usize,
    seed: u64,
) -> Result<Vec<Question>, PrepareError> {
    const FACTS: usize = 24;
    let mut found: Vec<(String, Fact)> = Vec::new();
    for entity in entities {
        let mut seen = Vec::new();
        for fact in knowledge.facts(entity, FACTS).await? {
            if fact.subject.id == *entity && !seen.contains(&fact.predicate.id) {
                seen.push(fact.predicate.id.clone());
                found.push((fact.predicate.id.to_string(), fact));
            }
        }
    }
    let key = |(group, fact): &(String, Fact)| (group.clone(), fact.id.to_string());
    let mut questions = Vec::new();
    for (_, fact) in balanced(found, count, seed, key) {
        let mut dice = Dice::new(seed, "ask", fact.id.as_str());
        let Some(language) = dice.pick(languages) else { break };
        let subject = fact.subject.name_in_sentence(language);
        let relation = fact.predicate.label(language);
        let names = Names { subject: &subject, relation, ..Names::default() };
        // A name of the relation that people ask by has the form of the question in it more often than not.
        let asked = wordings.make(Use::Ask, &names, language);
        if let Some(asked) = dice.pick(&asked) {
            let value = fact.object.text(language);
            questions.push(Question {
                turns: vec![asked.clone()],
                group: Some(relation.to_owned()),
                answers: match fact.object {
                    loquat_contract::Value::Entity(_) | loquat_contract::Value::Text(_) => vec![value],
                    _ => Vec::new(),
                },
            });
        }
    }
    Ok(questions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_groups_are_taken_whole_and_the_same_each_time() {
        let items: Vec<(&str, usize)> =
            (0..100).map(|n| ("often", n)).chain((0..5).map(|n| ("rare", n))).collect();
        let take =
            |seed| balanced(items.clone(), 20, seed, |(group, n)| ((*group).to_owned(), n.to_string()));
        let taken = take(1);
        assert_eq!(taken.len(), 20);
        assert_eq!(taken.iter().filter(|(group, _)| *group == "rare").count(), 5);
        assert_eq!(taken, take(1));
        assert_ne!(taken, take(2));
        assert_eq!(
            balanced(items.clone(), 0, 1, |(group, _)| ((*group).to_owned(), String::new())).len(),
            105
        );
    }
}
