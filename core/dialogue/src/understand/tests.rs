//! What is asked, read off the words.

use std::sync::Arc;

use loquat_contract::{Candidate, Entity, Generation, Label, Language, Mention, Predicate, Schema};

use super::*;
use crate::lexicon::Lexicons;

fn schema() -> Schema {
    let predicate = |name: &str, aliases: &[&str]| {
        let aliases = aliases.iter().map(|alias| Label::plain(*alias)).collect();
        Arc::new(Predicate {
            id: name.into(),
            labels: vec![Label::plain(name)],
            aliases,
            ..Predicate::default()
        })
    };
    let predicates = vec![
        predicate("calling code", &["call"]),
        predicate("capital", &["首都"]),
        predicate("currency", &["money"]),
        predicate("population", &["how many people", "多少人", "人口"]),
        predicate("location", &["where"]),
    ];
    Schema { generation: Generation(1), predicates, ..Schema::default() }
}

/// Understands `text`, with each of `names` in it linked.
fn read(text: &str, names: &[&str]) -> Understood {
    let lexicons = Lexicons::builtin().unwrap();
    let language = detect_language(text, &[Language::english(), Language::chinese()], None);
    let mention = |name: &&str| {
        let start = text.find(*name)?;
        let entity = Arc::new(Entity { id: (*name).into(), ..Entity::default() });
        let candidates = vec![Candidate { entity, score: 1.0 }];
        Some(Mention { range: start..start + name.len(), text: (*name).to_owned(), candidates })
    };
    let mentions = names.iter().filter_map(mention).collect();
    let schema = schema();
    let words = RelationWords::default().of(&schema, &language);
    understand(text, mentions, &schema, &words, lexicons.of(&language))
}

fn relations(understood: &Understood) -> Vec<String> {
    understood.relations.iter().flatten().map(|predicate| predicate.id.to_string()).collect()
}

#[test]
fn relations_are_found_by_every_name() {
    assert_eq!(relations(&read("What money do they use in Bhutan?", &["Bhutan"])), ["currency"]);
    assert_eq!(
        relations(&read("How many people are in Bhutan and what is its capital?", &["Bhutan"])),
        ["population", "capital"]
    );
    assert_eq!(relations(&read("不丹的首都是什么?", &["不丹"])), ["capital"]);
    assert_eq!(relations(&read("不丹有多少人?", &["不丹"])), ["population"]);
    assert!(read("它有多少人口?", &[]).unexplained.is_empty());
}

#[test]
fn words_that_ask_for_the_same_ask_once_and_the_longest_wins() {
    let twice = read("What is the currency of Bhutan, which money?", &["Bhutan"]);
    assert_eq!((relations(&twice), twice.unexplained), (vec!["currency".to_owned()], vec![]));
    assert_eq!(relations(&read("Where how many people?", &[])), ["population"]);
}

#[test]
fn a_filler_word_asks_only_when_nothing_else_does() {
    assert_eq!(relations(&read("What is the currency of Bhutan called?", &["Bhutan"])), ["currency"]);
    assert_eq!(relations(&read("Where is Bhutan?", &["Bhutan"])), ["location"]);
}

#[test]
fn the_first_part_of_a_compound_is_another_relation() {
    let density = read("What is the population density of Bhutan?", &["Bhutan"]);
    assert!(density.relations.is_empty());
    assert_eq!(density.unexplained, ["population density"]);
}

#[test]
fn what_nothing_accounts_for_is_kept() {
    let atlantis = read("What is the population of Atlantis?", &[]);
    assert_eq!(
        (relations(&atlantis), atlantis.unexplained),
        (vec!["population".to_owned()], vec!["Atlantis".to_owned()])
    );
    let cup = read("Who won the 2031 world cup?", &[]);
    assert_eq!(cup.unexplained, ["won", "2031 world cup"]);
    assert_eq!(read("亚特兰蒂斯的人口是多少?", &[]).unexplained, ["亚特兰蒂斯"]);
    assert_eq!(cup.smalltalk, None);
}

#[test]
fn follow_ups_point_back() {
    assert!(read("And its currency?", &[]).points_back);
    assert!(read("What about Nepal?", &["Nepal"]).points_back);
    assert!(read("那它的货币呢?", &[]).points_back);
    assert!(!read("What is the capital of Nepal?", &["Nepal"]).points_back);
}

#[test]
fn superlatives_are_no_single_fact() {
    assert!(read("Which country has the largest population?", &[]).has_operator);
    assert!(!read("What is the population of Bhutan?", &["Bhutan"]).has_operator);
}

#[test]
fn small_talk_is_told_from_questions() {
    for (text, kind) in [
        ("Hello!", Smalltalk::Greeting),
        ("hi there, how are you doing?", Smalltalk::Wellbeing),
        ("Thanks a lot, you helped me", Smalltalk::Thanks),
        ("Can you help me?", Smalltalk::Ability),
        ("Who are you?", Smalltalk::Identity),
        ("你好", Smalltalk::Greeting),
        ("你是谁?", Smalltalk::Identity),
        ("I like pizza", Smalltalk::Other),
    ] {
        assert_eq!(read(text, &[]).smalltalk, Some(kind), "{text}");
    }
    for text in ["Who was Napoleon?", "Why is the sky blue?", "Hello, what is the capital of Bhutan?"] {
        assert_eq!(read(text, &["Bhutan"]).smalltalk, None, "{text}");
    }
}

#[test]
fn the_language_is_that_of_the_script_or_of_the_conversation() {
    let spoken = [Language::english(), Language::chinese()];
    let detect = |text, before: Option<Language>| detect_language(text, &spoken, before.as_ref());
    assert_eq!(detect("What is 不丹?", None), Language::chinese());
    assert_eq!(detect("hello", Some(Language::chinese())), Language::english());
    assert_eq!(detect("10482?", Some(Language::chinese())), Language::chinese());
    assert_eq!(detect_language("hello", &[Language::chinese()], None), Language::chinese());
}
