//! Which of several entities a name means: by what is asked, by what else is mentioned, by what was talked about.

use std::collections::HashMap;

use loquat_contract::{Entity, Label, Predicate, PredicateId};
use proptest::prelude::*;

use super::super::Surroundings;
use super::{Tested, entity};

/// A graph small enough to write down.
#[derive(Default)]
struct Around {
    entities: Vec<Entity>,
    neighbours: HashMap<u32, Vec<u32>>,
    predicates: HashMap<u32, Vec<u32>>,
}

impl Surroundings for Around {
    fn is_named(&self, node: u32, name: &str) -> bool {
        self.entities[node as usize].names().any(|known| known == name)
    }

    fn neighbours(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32)) {
        self.neighbours.get(&node).into_iter().flatten().take(limit).for_each(|node| each(*node));
    }

    fn predicates(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32)) {
        self.predicates.get(&node).into_iter().flatten().take(limit).for_each(|number| each(*number));
    }

    fn descriptions(&self, node: u32, each: &mut dyn FnMut(&str)) {
        self.entities[node as usize].descriptions.iter().for_each(|label| each(&label.text));
    }
}

const PARIS: u32 = 0;
const PARIS_TEXAS: u32 = 1;
const GEORGIA: u32 = 2;
const GEORGIA_US: u32 = 3;
const TEXAS: u32 = 4;
const FRANCE: u32 = 5;
const MERCURY: u32 = 6;
const MERCURY_METAL: u32 = 7;
const KISS: u32 = 8;
const KISS_BAND: u32 = 9;
const HUB: u32 = 10;

fn graph() -> (Tested, Around) {
    let mut around = Around::default();
    for (id, name, description) in [
        ("paris", "Paris", ""),
        ("paris-texas", "Paris", ""),
        ("georgia", "Georgia", ""),
        ("georgia-us", "Georgia", ""),
        ("texas", "Texas", ""),
        ("france", "France", ""),
        ("mercury", "Mercury", "the planet nearest to the sun"),
        ("mercury-metal", "Mercury", "a liquid metal"),
        ("kiss", "Kiss", ""),
        ("kiss-band", "KISS", ""),
        ("hub", "Hub", ""),
    ] {
        let mut entity = entity(id, &[(name, "en")], &[]);
        entity.descriptions.extend((!description.is_empty()).then(|| Label::new(description, "en")));
        around.entities.push(entity);
    }
    for (one, other) in [(PARIS, FRANCE), (PARIS_TEXAS, TEXAS)] {
        around.neighbours.entry(one).or_default().push(other);
        around.neighbours.entry(other).or_default().push(one);
    }
    // Everything is connected to the hub, which says nothing.
    for node in 0..HUB {
        around.neighbours.entry(node).or_default().push(HUB);
    }
    around.neighbours.insert(HUB, (0..HUB).cycle().take(5000).collect());
    let predicate = |id: &str, names: &[(&str, &str)]| Predicate {
        id: PredicateId::from(id),
        labels: names.iter().map(|(name, language)| Label::new(*name, language)).collect(),
        ..Predicate::default()
    };
    let predicates = [
        predicate("capital", &[("capital", "en"), ("首都", "zh"), ("Hauptstadt", "de")]),
        predicate("governor", &[("governor", "en"), ("州长", "zh")]),
    ];
    around.predicates.insert(GEORGIA, vec![0]);
    around.predicates.insert(GEORGIA_US, vec![1, 1, 1]);
    // The more is known of it, the likelier: Paris and the American Georgia without context.
    let degrees = [900, 9, 20, 400, 900, 900, 20, 30, 5, 6, 1000];
    let entities: Vec<_> = around.entities.iter().cloned().zip(degrees).collect();
    (Tested::new(&entities, &predicates), around)
}

#[track_caller]
fn assert_means(text: &str, about: &[u32], expected: &[u32]) {
    let (index, around) = graph();
    let found = index.resolve(text, Some(&around), about).found;
    let best: Vec<u32> = found.iter().map(|found| found.candidates[0].0).collect();
    assert_eq!(best, expected, "{text}: {found:?}");
}

#[test]
fn without_context_the_prior_decides() {
    assert_means("Where is Paris?", &[], &[PARIS]);
    assert_means("Tell me of Georgia", &[], &[GEORGIA_US]);
}

#[test]
fn what_is_asked_tells_namesakes_apart() {
    assert_means("What is the capital of Georgia?", &[], &[GEORGIA]);
    assert_means("Who are the governors of Georgia?", &[], &[GEORGIA_US]);
    assert_means("Was ist die Hauptstadt von Georgia?", &[], &[GEORGIA]);
    assert_means("Georgia的首都是什么？", &[], &[GEORGIA]);
    assert_means("Georgia的州長是誰？", &[], &[GEORGIA_US]);
}

#[test]
fn a_description_tells_namesakes_apart() {
    assert_means("Is Mercury a planet?", &[], &[MERCURY]);
    assert_means("Is Mercury a liquid?", &[], &[MERCURY_METAL]);
}

#[test]
fn what_else_is_mentioned_tells_namesakes_apart() {
    assert_means("How big is Paris, Texas?", &[], &[PARIS_TEXAS, TEXAS]);
    assert_means("How big is Paris in France?", &[], &[PARIS, FRANCE]);
}

#[test]
fn what_was_talked_about_tells_namesakes_apart() {
    assert_means("And Paris?", &[TEXAS], &[PARIS_TEXAS]);
    assert_means("And Paris?", &[FRANCE], &[PARIS]);
    assert_means("And Paris?", &[PARIS_TEXAS], &[PARIS_TEXAS]);
    assert_means("And Georgia?", &[GEORGIA], &[GEORGIA]);
    // Through a hub everything is near everything, which counts for nothing.
    assert_means("And Paris?", &[HUB], &[PARIS]);
}

#[test]
fn the_spelling_tells_namesakes_apart() {
    assert_means("Who made Kiss?", &[], &[KISS]);
    assert_means("Who made KISS?", &[], &[KISS_BAND]);
}

#[test]
fn names_beside_each_other_are_two_names_only_where_the_graph_relates_them() {
    assert_means("Is Paris Texas big?", &[], &[PARIS_TEXAS, TEXAS]);
    let (index, around) = graph();
    let names = index.resolve("Is Mercury Texas big?", Some(&around), &[]);
    assert!(names.found.is_empty(), "{names:?}");
    assert_eq!(names.unlinked, vec![3..16]);
}

proptest! {
    #[test]
    fn scores_are_shares_of_a_certainty(words in prop::collection::vec(
        prop::sample::select(vec!["Paris", "Georgia", "Texas,", "capital", "of", "Mercury", "Parsi", "the", "和", "planet", "KISS"]), 0..14,
    ), about in prop::collection::vec(0..=HUB, 0..3)) {
        let (index, around) = graph();
        let text = words.join(" ");
        let names = index.resolve(&text, Some(&around), &about);
        let mut before = 0;
        for found in &names.found {
            prop_assert!(found.range.start >= before);
            before = found.range.end;
            let total: f32 = found.candidates.iter().map(|(_, score)| score).sum();
            prop_assert!((super::super::THRESHOLD - 1e-5..=1.0 + 1e-5).contains(&total));
            prop_assert!(found.candidates.is_sorted_by(|a, b| a.1 >= b.1));
        }
        for range in &names.unlinked {
            prop_assert!(names.found.iter().all(|f| f.range.end <= range.start || range.end <= f.range.start));
        }
    }
}
