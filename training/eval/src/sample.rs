//! Some questions of a set, the same ones each time. In: items and how many. Out: so many, evenly over a key. Draws nothing.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::item::Item;

/// What the sample is spread evenly over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stratum {
    /// The relation asked for.
    Relation,
    /// The number of facts between topic and answer.
    Hops,
    /// The kind of question or attack.
    Category,
    /// The language.
    Language,
}

impl Stratum {
    /// Its value for an item.
    fn of(self, item: &Item) -> String {
        match self {
            Self::Relation => item.relation.clone().unwrap_or_default(),
            Self::Hops => item.hops.map(|hops| hops.to_string()).unwrap_or_default(),
            Self::Category => item.category.clone().unwrap_or_default(),
            Self::Language => item.language.clone(),
        }
    }

    /// The first of relation, hops and category by which items differ.
    fn fitting(items: &[Item]) -> Self {
        let differs =
            |stratum: &Self| items.windows(2).any(|pair| stratum.of(&pair[0]) != stratum.of(&pair[1]));
        [Self::Relation, Self::Hops, Self::Category].into_iter().find(differs).unwrap_or(Self::Relation)
    }
}

/// A number that stands for an item wherever and whenever it is computed.
pub(crate) fn draw(item: &Item, purpose: &str) -> u64 {
    let said = item.turns.first().map(|turn| turn.say.as_str()).unwrap_or_default();
    xxh3_64(format!("{purpose}\n{}\n{said}", item.id).as_bytes())
}

/// At most `limit` of the items, as evenly over `stratum` as there are items, in their order. Which ones is told by a hash of
/// their ids and words alone.
pub fn sample(items: Vec<Item>, limit: usize, stratum: Option<Stratum>) -> Vec<Item> {
    if items.len() <= limit {
        return items;
    }
    let stratum = stratum.unwrap_or_else(|| Stratum::fitting(&items));
    let mut strata: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        strata.entry(stratum.of(item)).or_default().push(place);
    }
    let mut queues: Vec<Vec<usize>> = strata.into_values().collect();
    for queue in &mut queues {
        queue.sort_by_key(|&place| std::cmp::Reverse(draw(&items[place], "sample")));
    }
    let mut taken = Vec::with_capacity(limit);
    // Rounds: one of each stratum that has any left.
    while taken.len() < limit {
        for queue in &mut queues {
            if taken.len() < limit
                && let Some(place) = queue.pop()
            {
                taken.push(place);
            }
        }
    }
    taken.sort_unstable();
    let mut taken = taken.into_iter().peekable();
    let is_taken = |place: &usize| taken.next_if_eq(place).is_some();
    let mut keep: Vec<bool> = (0..items.len()).collect::<Vec<_>>().iter().map(is_taken).collect();
    keep.reverse();
    items.into_iter().filter(|_| keep.pop().unwrap_or(false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Turn;

    fn items() -> Vec<Item> {
        let item = |n: usize| Item {
            id: n.to_string(),
            relation: Some(if n < 90 { "capital" } else { "spouse" }.to_owned()),
            turns: vec![Turn { say: format!("question {n}"), ..Turn::default() }],
            ..Item::default()
        };
        (0..100).map(item).collect()
    }

    #[test]
    fn a_sample_is_even_over_relations_and_the_same_each_time() {
        let some = sample(items(), 30, None);
        let spouses = some.iter().filter(|item| item.relation.as_deref() == Some("spouse")).count();
        // There are ten of them only; the rest is filled from the other relation.
        assert_eq!((some.len(), spouses), (30, 10));
        assert_eq!(some, sample(items(), 30, Some(Stratum::Relation)));
        let places: Vec<usize> = some.iter().map(|item| item.id.parse().unwrap()).collect();
        assert!(places.is_sorted());
        assert_eq!(sample(items(), 500, None).len(), 100);
    }

    #[test]
    fn a_smaller_sample_is_part_of_a_larger_one() {
        let large = sample(items(), 40, None);
        assert!(sample(items(), 12, None).iter().all(|item| large.contains(item)));
    }
}
