//! What retrieval must never do: walk a hub, go in circles, exceed the budget in silence, depend on the order of facts, panic.

use std::sync::Arc;

use loquat_contract::testing::MemoryGraph;
use loquat_contract::{Fact, Language};
use proptest::prelude::*;

use super::super::{RetrieveOptions, Retriever};
use super::{best, facts, films, retrieve, retrieve_with};

/// The facts' ids in the order of the ranking.
fn order(facts: Vec<Fact>, question: &str) -> Vec<String> {
    let retriever = Retriever::new(Arc::new(MemoryGraph::new(facts)), RetrieveOptions::default());
    let found = futures::executor::block_on(retriever.retrieve(question)).unwrap();
    found.facts().iter().map(|ranked| ranked.fact.id.to_string()).collect()
}

#[tokio::test]
async fn circles_end() {
    let circle = facts("A1 | spouse | B1\nB1 | spouse | A1\nA1 | child | A1");
    let found = retrieve(circle, "Who is the spouse of the spouse of the spouse of A1?").await;
    assert!(found.facts().len() <= 3);
}

#[tokio::test]
async fn a_hub_is_read_up_to_the_limit_and_says_so() {
    let mut hub: Vec<Fact> = (0..3000).flat_map(|n| facts(&format!("Film{n} | has genre | Drama"))).collect();
    hub.extend(facts("Film1 | directed by | Ann Lee"));
    let options = RetrieveOptions { fan_out: 100, lookups: 50, ..RetrieveOptions::default() };
    let found = retrieve_with(hub.clone(), "How many films have the genre Drama?", options.clone()).await;
    assert!(found.groups[0].truncated && found.truncated);
    assert!(matches!(
        found.computed.unwrap().outcome,
        super::super::Outcome::Count { at_least: true, count } if count <= 100
    ));
    let found = retrieve_with(hub, "Who directed films that share the genre of Film1?", options).await;
    assert!(found.facts().len() <= 64);
}

#[tokio::test]
async fn the_budget_holds_and_a_cut_list_says_so() {
    let list: Vec<Fact> = (0..40)
        .flat_map(|n| facts(&format!("Film{n} | directed by | Ann Lee\nAnn Lee | child | Kid{n}")))
        .collect();
    let options = RetrieveOptions { max_facts: 10, ..RetrieveOptions::default() };
    let found = retrieve_with(list.clone(), "Which films did Ann Lee direct?", options).await;
    assert_eq!(found.facts().len(), 10);
    assert!(found.truncated && found.groups[0].truncated);

    // 50 hold one list, and of the other nothing is given rather than a part.
    let options = RetrieveOptions { max_facts: 50, ..RetrieveOptions::default() };
    let found = retrieve_with(list.clone(), "Which films did Ann Lee direct?", options).await;
    assert_eq!((found.facts().len(), found.groups.len()), (40, 1));
    assert!(found.truncated && !found.groups[0].truncated);

    let counter = Arc::new(|text: &str| text.split_whitespace().count());
    let options =
        RetrieveOptions { token_budget: 70, token_counter: Some(counter), ..RetrieveOptions::default() };
    let found = retrieve_with(list, "Which films did Ann Lee direct?", options).await;
    // "Film1 — directed by — Ann Lee" has 7 words.
    assert_eq!(found.facts().len(), 10);
}

#[tokio::test]
async fn a_question_about_nothing_finds_nothing() {
    let found = retrieve(films(), "What do you think of the weather?").await;
    assert!(found.groups.is_empty() && found.computed.is_none());
    assert!(retrieve(Vec::new(), "Who directed Heat?").await.groups.is_empty());
}

#[tokio::test]
async fn the_same_question_gives_the_same_order() {
    let first = order(films(), "Which actors starred in films by the director of Heat?");
    assert!(!first.is_empty());
    assert_eq!(first, order(films(), "Which actors starred in films by the director of Heat?"));
    assert_eq!(best(&retrieve(films(), "Who starred in Heat?").await), ["Al Pacino", "Val Kilmer"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_the_facts_does_not_matter(
        shuffled in Just(films()).prop_shuffle(),
        question in prop::sample::select(vec![
            "Who directed Heat?",
            "which movies share actors with Heat",
            "who starred in the movies directed by Michael Mann",
            "How many films did Michael Mann direct?",
            "What was the first film by director Michael Mann?",
        ]),
    ) {
        prop_assert_eq!(order(films(), question), order(shuffled, question));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}", name in prop::sample::select(vec!["Heat", "围城", ""])) {
        let mut known = films();
        known.extend(facts("围城 | 作者 | 钱钟书"));
        order(known, &format!("{text}{name}{text}"));
    }
}

#[test]
fn facts_are_said_by_their_templates() {
    let mut known = facts("Ebro | length | 930");
    assert_eq!(super::super::verbalise(&known[0], &Language::english()), "Ebro — length — 930 km");
    let predicate = Arc::make_mut(&mut known[0].predicate);
    predicate.templates.single = vec![loquat_contract::Label::new("{subject} is {object} long.", "en")];
    assert_eq!(super::super::verbalise(&known[0], &Language::english()), "Ebro is 930 km long.");
}
