//! Replies that hold, and replies that do not.

use std::sync::Arc;

use loquat_contract::testing::{self, MemoryGraph};
use loquat_contract::{Citation, Entity, Generation, Label, Predicate};

use super::*;

fn entity(name: &str) -> Arc<Entity> {
    Arc::new(Entity { id: name.into(), labels: vec![Label::plain(name)], ..Entity::default() })
}

fn fact(subject: &str, predicate: &str, object: loquat_contract::Value) -> Fact {
    let id = FactId::from(format!("{subject} {predicate} {object:?}").as_str());
    let predicate =
        Predicate { id: predicate.into(), labels: vec![Label::new(predicate, "en")], ..Predicate::default() };
    Fact::new(id, entity(subject), Arc::new(predicate), object, "test".into())
}

fn facts() -> Vec<Fact> {
    let named = |name: &str| loquat_contract::Value::Entity(entity(name));
    vec![
        fact("Bhutan", "capital", named("Thimphu")),
        fact("Bhutan", "population", loquat_contract::Value::number("884546", 884_546.0)),
        fact("Bhutan", "founded", loquat_contract::Value::Date("1907-12-17".to_owned())),
        fact("Bhutan", "borders", named("India")),
        fact("Bhutan", "borders", named("China")),
        fact("France", "capital", named("Paris")),
        fact("不丹", "首都", named("廷布")),
    ]
}

/// A reply of one supported sentence that rests on the facts of these places.
fn supported(text: &str, places: &[usize]) -> Reply {
    let all = facts();
    let of = |place: &usize| {
        let fact = &all[*place];
        Citation {
            id: fact.id.clone(),
            entity: fact.subject.id.clone(),
            subject: String::new(),
            predicate: String::new(),
            object: String::new(),
            source: "test".into(),
            since: Generation(1),
        }
    };
    let citations: Vec<Citation> = places.iter().map(of).collect();
    let facts = citations.iter().map(|citation| citation.id.clone()).collect();
    let sentence = Sentence { wording: Wording::Model, ..Sentence::new(text, Verdict::Supported, facts) };
    Reply { answer: text.to_owned(), sentences: vec![sentence], citations, ..testing::reply("") }
}

async fn kinds(reply: &Reply, asked: &str) -> Vec<FindingKind> {
    let graph = MemoryGraph::new(facts());
    let findings = audit(&graph, reply, &[asked.to_owned()], "Loquat").await.unwrap();
    findings.into_iter().map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn sentences_that_say_what_their_facts_say_pass() {
    for (text, places) in [
        ("The capital of Bhutan is Thimphu.", &[0][..]),
        ("Bhutan's capital is Thimphu, and 884,546 people live there.", &[0, 1]),
        ("It has about 880,000 inhabitants.", &[1]),
        ("Bhutan was founded on 17 December 1907.", &[2]),
        ("It has two neighbours: India and China.", &[3, 4]),
        ("India and 1 more border Bhutan.", &[3]),
        ("No, Lyon is not the capital of France: Paris is.", &[5]),
        ("不丹的首都是廷布。", &[6]),
    ] {
        assert_eq!(kinds(&supported(text, places), "Is it Lyon?").await, [], "{text}");
    }
}

#[tokio::test]
async fn names_and_numbers_that_no_cited_fact_has_are_found() {
    use FindingKind::{ForeignName, ForeignNumber};
    for (text, places, kind) in [
        ("The capital of Bhutan is Paro.", &[0][..], ForeignName),
        ("Paro is the capital of Bhutan.", &[0], ForeignName),
        ("The capital of Bhutan is Paris.", &[0], ForeignName),
        ("Bhutan has 884,547 people.", &[1], ForeignNumber),
        ("It has 880,000 inhabitants.", &[1], ForeignNumber),
        ("Bhutan was founded on 18 December 1907.", &[2], ForeignNumber),
        ("It has three neighbours: India and China.", &[3, 4], ForeignNumber),
        ("Bhutan has 884546 people and 7 lakes.", &[1], ForeignNumber),
        ("不丹的首都是Paris。", &[6], ForeignName),
    ] {
        assert!(kinds(&supported(text, places), "Is it Lyon?").await.contains(&kind), "{text}");
    }
}

#[tokio::test]
async fn a_name_that_the_asker_brought_in_is_no_evidence() {
    let reply = supported("The capital of Bhutan is Lyon.", &[0]);
    assert_eq!(kinds(&reply, "Is it Lyon?").await, [FindingKind::ForeignName]);
}

#[tokio::test]
async fn a_fact_that_is_not_in_the_graph_or_not_cited_is_found() {
    let mut reply = supported("The capital of Bhutan is Thimphu.", &[0]);
    reply.citations[0].id = "made up".into();
    reply.sentences[0].facts = vec!["made up".into()];
    assert!(kinds(&reply, "").await.contains(&FindingKind::NotInGraph));
    reply.citations.clear();
    assert!(kinds(&reply, "").await.contains(&FindingKind::Uncited));
    reply.sentences[0].facts.clear();
    assert!(kinds(&reply, "").await.contains(&FindingKind::Uncited));
}

#[tokio::test]
async fn a_line_may_name_what_was_asked_and_nothing_else() {
    let line = |text: &str| testing::reply(text);
    assert_eq!(
        kinds(&line("I do not know the mayor of Paro."), "Who is the mayor of Paro in 2024?").await,
        []
    );
    assert_eq!(
        kinds(&line("I do not know the mayor of Lyon."), "Who is the mayor of Paro?").await,
        [FindingKind::ForeignName]
    );
    assert_eq!(
        kinds(&line("I have 12 lines."), "Who is the mayor of Paro?").await,
        [FindingKind::ForeignNumber]
    );
    let mut doubtful = line("So it is.");
    doubtful.sentences[0].verdict = Verdict::Unsupported;
    assert_eq!(kinds(&doubtful, "").await, [FindingKind::Doubtful]);
}
