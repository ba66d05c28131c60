//! Questions on the graph of the world's countries, as it is shipped. In: `examples/world/world.ttl`. Out: what is computed of it.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use loquat_contract::Language;
use loquat_kg::{Graph, ImportOptions};
use loquat_retrieve::{Outcome, Retrieval, RetrieveOptions, Retriever, SURE, Shape};

fn world() -> Arc<Graph> {
    static GRAPH: OnceLock<Arc<Graph>> = OnceLock::new();
    GRAPH
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let graph = Graph::open(folder.path()).unwrap();
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/world/world.ttl");
            graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
            // The graph reads its files as long as it is open.
            let _kept = folder.keep();
            Arc::new(graph)
        })
        .clone()
}

async fn ask(question: &str) -> Retrieval {
    let options = RetrieveOptions { max_facts: 400, token_budget: 20_000, ..Default::default() };
    Retriever::new(world(), options).retrieve(question).await.unwrap()
}

async fn count(question: &str) -> usize {
    let found = ask(question).await;
    let computed = found
        .computed
        .unwrap_or_else(|| panic!("{question}: nothing computed of {:?}", found.groups.first()));
    assert!(computed.certainty >= SURE, "{question}: {}", computed.certainty);
    match computed.outcome {
        Outcome::Count { count, at_least: false } => count,
        other => panic!("{question}: {other:?}"),
    }
}

async fn most(question: &str) -> Vec<String> {
    let computed = ask(question).await.computed.unwrap_or_else(|| panic!("{question}: nothing computed"));
    let Outcome::Extreme { entities, .. } = computed.outcome else {
        panic!("{question}: {:?}", computed.outcome)
    };
    entities.iter().map(|entity| entity.label(&Language::english()).to_owned()).collect()
}

async fn values(question: &str) -> Vec<String> {
    let found = ask(question).await;
    let group = found.groups.first().unwrap_or_else(|| panic!("{question}: nothing found"));
    assert!(
        group.certainty >= SURE,
        "{question}: {} {:?}",
        group.certainty,
        group.reason(&Language::english())
    );
    let mut values: Vec<String> =
        group.answers.iter().map(|answer| answer.value.text(&Language::english())).collect();
    values.sort();
    values
}

#[tokio::test]
async fn neighbours_are_counted() {
    assert_eq!(count("How many countries border Germany?").await, 9);
    assert_eq!(count("How many countries does Bhutan border?").await, 2);
    assert_eq!(count("How many neighbours does Portugal have?").await, 1);
    assert_eq!(count("How many countries are in South America?").await, 14);
    assert_eq!(count("How many official languages does Switzerland have?").await, 4);
    assert_eq!(count("德国与多少个国家接壤？").await, 9);
}

#[tokio::test]
async fn a_stated_amount_is_no_list_to_be_counted() {
    for question in ["How many people live in Bhutan?", "不丹有多少人口？"] {
        let found = ask(question).await;
        assert_eq!((found.shape, found.computed.is_none()), (Shape::Value, true), "{question}");
    }
}

#[tokio::test]
async fn the_greatest_is_found_among_all() {
    assert_eq!(most("What is the largest country in Africa?").await, ["Algeria"]);
    assert_eq!(most("Which is larger, Bhutan or Nepal?").await, ["Nepal"]);
}

#[tokio::test]
async fn several_steps_lead_to_the_answer() {
    assert_eq!(values("What currency do they use in the country whose capital is Thimphu?").await.len(), 2);
    assert_eq!(values("What is the capital of Bhutan?").await, ["Thimphu"]);
    assert_eq!(values("不丹的首都是哪里？").await, ["Thimphu"]);
}

#[tokio::test]
async fn yes_and_no_are_told() {
    for (question, holds) in [
        ("Is Thimphu the capital of Bhutan?", true),
        ("Is Canberra the capital of Australia?", true),
        ("Is Paris the capital of Australia?", false),
        ("Does Germany border France?", true),
        ("Does Germany border Spain?", false),
    ] {
        let outcome = ask(question).await.computed.map(|computed| computed.outcome);
        assert_eq!(outcome, Some(Outcome::YesNo(holds)), "{question}");
    }
}
