//! Linking on a small graph with difficult names.

use std::sync::{Arc, LazyLock};

use loquat_contract::{Entity, EntityId, Generation, Label, Predicate};
use proptest::prelude::*;

use super::{Found, Index, Names, Surroundings};
use crate::build::{Builder, Building};
use crate::snapshot::Snapshot;
use crate::statement::{Describes, Object, Statement};
use crate::view::{Overlay, View};

mod languages;
mod meaning;

fn entity(id: &str, labels: &[(&str, &str)], aliases: &[&str]) -> Entity {
    Entity {
        id: EntityId::from(id),
        labels: labels.iter().map(|(text, language)| Label::new(*text, language)).collect(),
        aliases: aliases.iter().copied().map(Label::plain).collect(),
        ..Entity::default()
    }
}

/// Entities with their degrees.
fn entities() -> Vec<(Entity, usize)> {
    vec![
        (entity("bhutan", &[("Bhutan", "en"), ("不丹", "zh-hans")], &["Bhutanese", "Druk"]), 20),
        (
            entity(
                "us",
                &[("United States", "en"), ("美国", "zh-hans")],
                &["US", "USA", "United States of America"],
            ),
            50,
        ),
        (entity("ny", &[("New York", "en"), ("纽约", "zh-hans")], &[]), 9),
        (entity("nyc", &[("New York City", "en"), ("纽约市", "zh-hans")], &[]), 12),
        (entity("georgia", &[("Georgia", "en"), ("Georgien", "de")], &[]), 30),
        (entity("georgia-us", &[("Georgia", "en")], &[]), 10),
        (entity("tbilisi", &[("Tbilisi", "en")], &["Georgia"]), 900),
        (entity("austria", &[("Austria", "en"), ("Österreich", "de")], &[]), 10),
        (entity("munich", &[("Munich", "en"), ("München", "de")], &[]), 5),
        (entity("netherlands", &[("The Netherlands", "en")], &[]), 10),
        (entity("atlanta", &[("Atlanta", "en")], &[]), 10),
        (entity("atlantic", &[("Atlantic", "en")], &[]), 10),
        (entity("ivory", &[("Côte d'Ivoire", "en"), ("象牙海岸", "zh-hans")], &["Ivory Coast"]), 10),
        (entity("un", &[("United Nations", "en"), ("联合国", "zh-hans")], &["UN"]), 10),
        (entity("it", &[("It", "en")], &[]), 3),
        (entity("capital", &[("Capital", "en")], &[]), 3),
        (entity("laptop", &[("laptop", "en")], &[]), 3),
        (entity("country", &[("country", "en")], &[]), 3),
        (entity("heart", &[("❤️", "en")], &["🏴‍☠️"]), 3),
        (entity("dong", &[("Vietnamese dong", "en")], &["dong"]), 3),
        (entity("phone14", &[("Phone 14", "en")], &[]), 3),
        (entity("middle", &[("中", "zh")], &[]), 3),
    ]
}

/// What names are looked up in, for a test. Nodes are numbered as the entities are listed.
struct Tested(View);

impl Tested {
    /// Entities as well known as their numbers say, and predicates that each have a fact.
    fn new(entities: &[(Entity, usize)], predicates: &[Predicate]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let mut builder = Builder::default();
        builder.live("test", Generation(1));
        let mut add = |statement: &Statement| builder.add(&statement.as_ref()).unwrap();
        let describe = |about: &str, what, label: &Label| Statement::Description {
            about: about.to_owned(),
            what,
            text: label.text.clone(),
            language: label.language.as_ref().map(|language| language.as_str().to_owned()),
        };
        for (place, (entity, known)) in entities.iter().enumerate() {
            let id = format!("{place:04} {}", entity.id);
            entity.labels.iter().for_each(|label| add(&describe(&id, Describes::Label, label)));
            entity.aliases.iter().for_each(|label| add(&describe(&id, Describes::Alias, label)));
            entity.descriptions.iter().for_each(|label| add(&describe(&id, Describes::Description, label)));
            add(&describe(&id, Describes::Popularity, &Label::plain(known.to_string())));
        }
        for (place, predicate) in predicates.iter().enumerate() {
            let id = format!("predicate {place}");
            predicate.labels.iter().for_each(|label| add(&describe(&id, Describes::Label, label)));
            let first = format!("0000 {}", entities[0].0.id);
            add(&Statement::fact(&first, &id, Object::Boolean(true)));
        }
        builder.write(&path, Building::default()).unwrap();
        Self(View::new(Arc::new(Snapshot::open(&path).unwrap()), Overlay::default()))
    }

    fn resolve(&self, text: &str, around: Option<&dyn Surroundings>, about: &[u32]) -> Names {
        Index::new(&self.0).resolve(text, around, about)
    }

    fn link(&self, text: &str) -> Vec<Found> {
        self.resolve(text, None, &[]).found
    }
}

fn index_of(entities: Vec<(Entity, usize)>) -> Tested {
    let labels = vec![Label::new("capital", "en")];
    Tested::new(&entities, &[Predicate { labels, ..Predicate::default() }])
}

/// A mention's range, and its candidates as ids.
type Linked = (std::ops::Range<usize>, Vec<(String, f32)>);

/// Links a text.
fn link(text: &str) -> Vec<Linked> {
    static TESTED: LazyLock<Tested> = LazyLock::new(|| index_of(entities()));
    let entities = entities();
    let id = |node: u32| entities[node as usize].0.id.to_string();
    let found = TESTED.link(text).into_iter();
    found
        .map(|found| {
            let candidates = found.candidates.into_iter();
            (found.range, candidates.map(|(node, score)| (id(node), score)).collect())
        })
        .collect()
}

/// The stretches found, with the id of the best candidate.
fn found(text: &str) -> Vec<(String, String)> {
    link(text)
        .into_iter()
        .map(|(range, candidates)| (text[range].to_owned(), candidates[0].0.clone()))
        .collect()
}

#[track_caller]
fn assert_found(text: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(text, id)| (text.to_string(), id.to_string())).collect();
    assert_eq!(found(text), expected, "{text}");
}

#[test]
fn plain_names_in_order() {
    assert_found("Does Bhutan border Austria?", &[("Bhutan", "bhutan"), ("Austria", "austria")]);
    assert_found("BHUTAN!", &[("BHUTAN", "bhutan")]);
    assert_found("what about bhutan", &[("bhutan", "bhutan")]);
    assert_found("Bhutanish is no word for it", &[]);
}

#[test]
fn the_longest_name_wins() {
    assert_found("I love New York City.", &[("New York City", "nyc")]);
    assert_found("New York, not the city", &[("New York", "ny")]);
    assert_found("纽约市在哪", &[("纽约市", "nyc")]);
    assert_found("纽约在哪", &[("纽约", "ny")]);
    assert_found("the United States of America", &[("United States of America", "us")]);
}

#[test]
fn possessives_and_apostrophes() {
    assert_found("Bhutan's capital", &[("Bhutan", "bhutan")]);
    assert_found("Bhutan’s capital", &[("Bhutan", "bhutan")]);
    assert_found("Côte d’Ivoire", &[("Côte d’Ivoire", "ivory")]);
    assert_found("Cote d'Ivoire's flag", &[("Cote d'Ivoire", "ivory")]);
}

#[test]
fn plurals_and_articles() {
    assert_found("which laptops do you have", &[("laptops", "laptop")]);
    assert_found("which countries are there", &[("countries", "country")]);
    assert_found("in the Netherlands", &[("the Netherlands", "netherlands")]);
    assert_found("Netherlands", &[("Netherlands", "netherlands")]);
}

#[test]
fn scripts_and_diacritics() {
    assert_found("不丹的首都是哪里？", &[("不丹", "bhutan")]);
    assert_found("美國和聯合國", &[("美國", "us"), ("聯合國", "un")]);
    assert_found("Bhutan和美国", &[("Bhutan", "bhutan"), ("美国", "us")]);
    assert_found("Wie heißt die Hauptstadt von Österreich?", &[("Österreich", "austria")]);
    assert_found("ÖSTERREICH", &[("ÖSTERREICH", "austria")]);
    assert_found("Osterreich, Muenchen", &[("Osterreich", "austria"), ("Muenchen", "munich")]);
    assert_found("Ｂｈｕｔａｎ", &[("Ｂｈｕｔａｎ", "bhutan")]);
    assert_found("Bhuta\u{301}n", &[("Bhuta\u{301}n", "bhutan")]);
    assert_found("中国", &[]);
}

#[test]
fn case_tells_words_from_names() {
    assert_found("tell us about the US", &[("US", "us")]);
    assert_found("TELL US ABOUT BHUTAN", &[("BHUTAN", "bhutan")]);
    assert_found("It is big. It is far.", &[]);
    assert_found("What is the capital of Bhutan?", &[("Bhutan", "bhutan")]);
    assert_found("I read Capital by Marx", &[("Capital", "capital")]);
}

#[test]
fn emoji_are_names_too() {
    assert_found("I ❤ Bhutan", &[("❤", "heart"), ("Bhutan", "bhutan")]);
    assert_found("🇧🇹🏴‍☠️!", &[("🏴‍☠️", "heart")]);
}

#[test]
fn misspelt_names() {
    assert_found("What is the capital of Buthan?", &[("Buthan", "bhutan")]);
    assert_found("what about buthan", &[("buthan", "bhutan")]);
    assert_found("Where are the Unted Statse?", &[("Unted Statse", "us")]);
    assert_found("Is Bhutn's capital far from Austria?", &[("Bhutn", "bhutan"), ("Austria", "austria")]);
}

#[test]
fn other_names_are_no_misspellings() {
    for text in [
        "What is the population of Atlantis?",
        "Who won the 2031 world cup?",
        "Is Phone 15 good?",
        "Tell me about Narnia",
        "hello there, how are you doing?",
        "the weather is lovely today",
    ] {
        assert_found(text, &[]);
    }
}

#[test]
fn an_ambiguous_name_has_several_candidates() {
    let (_, candidates) = link("Georgia").remove(0);
    let ids: Vec<&str> = candidates.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["georgia", "georgia-us", "tbilisi"]);
    let scores: Vec<f32> = candidates.iter().map(|(_, score)| *score).collect();
    assert!(scores.is_sorted_by(|a, b| a > b));
    assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

#[test]
fn less_certain_ways_score_lower() {
    let certainty = |text: &str| -> f32 { link(text)[0].1.iter().map(|(_, score)| score).sum() };
    let exact = certainty("Austria");
    let (loose, lower, misspelt) = (certainty("Áustria"), certainty("austria"), certainty("Austira"));
    assert!(exact > loose && loose > lower && lower > super::THRESHOLD, "{exact} {loose} {lower}");
    assert!(misspelt < loose && misspelt > super::THRESHOLD, "{misspelt}");
}

fn message() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("New York City".to_owned()),
        Just("bhutan's".to_owned()),
        Just("Côte d’Ivoire".to_owned()),
        Just("聯合國".to_owned()),
        Just("❤️".to_owned()),
        Just("laptops".to_owned()),
        Just("Buthan".to_owned()),
        Just("ﬁ".to_owned()),
        "\\PC{0,6}",
        "[ \\t\\n.,'’-]{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn ranges_are_whole_ordered_and_certain_enough(text in message()) {
        let mut before = 0;
        for (range, candidates) in link(&text) {
            prop_assert!(range.start >= before && range.start < range.end);
            prop_assert!(text.get(range.clone()).is_some());
            before = range.end;
            let total: f32 = candidates.iter().map(|(_, score)| score).sum();
            prop_assert!(!candidates.is_empty());
            prop_assert!((super::THRESHOLD - 1e-5..=1.0 + 1e-5).contains(&total));
        }
    }

    #[test]
    fn a_name_between_other_words_is_found_where_it_stands(before in "[a-z]{2,8}", after in "[a-z]{2,8}") {
        let text = format!("{before} New York City, {after}");
        let start = before.len() + 1;
        let found = link(&text);
        prop_assert!(found.iter().any(|(range, _)| *range == (start..start + 13)), "{found:?}");
    }
}
