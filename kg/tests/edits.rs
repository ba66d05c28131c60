//! Changing a graph: edits, sources that come again, and what a damaged snapshot does.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test, in functions that tests share too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use loquat_contract::{EntityId, Fact, Generation, Knowledge, Language, Rank, Value};
use loquat_kg::{Describes, Graph, ImportOptions, ImportReport, Object, Statement};
use tempfile::tempdir;

fn add_file(graph: &Graph, file: &Path, content: &str) -> ImportReport {
    fs::write(file, content).unwrap();
    graph.import(file, &ImportOptions::default(), |_| {}).unwrap()
}

async fn facts(graph: &Graph, id: &str) -> Vec<Fact> {
    graph.facts(&EntityId::from(id), 100).await.unwrap()
}

/// Facts as "subject predicate object".
async fn said(graph: &Graph, id: &str) -> Vec<String> {
    let english = Language::english();
    let line =
        |fact: &Fact| format!("{} {} {}", fact.subject.id, fact.predicate.id, fact.object.text(&english));
    facts(graph, id).await.iter().map(line).collect()
}

fn fact(subject: &str, predicate: &str, object: &str) -> Statement {
    Statement::fact(subject, predicate, Object::Entity(object.into()))
}

fn named(about: &str, what: Describes, text: &str, language: &str) -> Statement {
    Statement::Description { about: about.into(), what, text: text.into(), language: Some(language.into()) }
}

const COUNTRIES: &str = "Bhutan\tcapital\tThimphu\nBhutan\tborders\tIndia\nIndia\tcapital\tNew Delhi\n";

#[tokio::test]
async fn edits_are_seen_at_once_and_after_reopening_and_after_compaction() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("graph");
    {
        let graph = Graph::open(&path).unwrap();
        add_file(&graph, &folder.path().join("countries.tsv"), COUNTRIES);
        let before = graph.generation();
        let generation = graph
            .add(
                vec![
                    fact("Bhutan", "borders", "China"),
                    fact("China", "capital", "Beijing"),
                    Statement::fact("Bhutan", "area", Object::number("38394")),
                    named("China", Describes::Label, "China", "en"),
                    named("China", Describes::Alias, "Middle Kingdom", "en"),
                    named("China", Describes::Label, "中国", "zh-Hans"),
                    named("area", Describes::Alias, "size", "en"),
                ],
                "an editor",
            )
            .unwrap();
        assert_eq!(generation, Generation(before.0 + 1));
        graph.remove(vec![fact("Bhutan", "borders", "India")]).unwrap();
    }
    for compacted in [false, true] {
        let graph = Graph::open(&path).unwrap();
        if compacted {
            graph.compact().unwrap();
            assert_eq!(graph.stats().unwrap().edits, 0);
        }
        assert_eq!(
            said(&graph, "Bhutan").await,
            ["Bhutan capital Thimphu", "Bhutan borders China", "Bhutan area 38394"],
            "compacted: {compacted}"
        );
        assert_eq!(said(&graph, "India").await, ["India capital New Delhi"]);
        let china = facts(&graph, "China").await;
        assert_eq!((&*china[0].source, china[0].generation), ("an editor", Generation(2)));
        assert_eq!(china.len(), 2, "both directions");
        for (text, found) in
            [("the Middle Kingdom's size", "Middle Kingdom"), ("中国在哪里", "中国"), ("Beijing", "Beijing")]
        {
            let mentions = graph.mentions(text);
            assert_eq!(mentions.len(), 1, "{text} {mentions:?}");
            assert_eq!(mentions[0].text, found);
        }
        let schema = graph.schema();
        assert_eq!(schema.generation, graph.generation());
        let area = schema.predicates.iter().find(|predicate| predicate.id.as_str() == "area").unwrap();
        assert_eq!(area.aliases[0].text, "size");
        assert_eq!(schema.sole_subjects.get(&"area".into()).unwrap().id.as_str(), "Bhutan");
        assert_eq!(graph.stats().unwrap().facts, 5);
    }
}

#[tokio::test]
async fn what_is_said_again_or_was_never_said_changes_nothing() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    add_file(&graph, &folder.path().join("countries.tsv"), COUNTRIES);
    let before = graph.generation();
    assert_eq!(graph.add(vec![fact("Bhutan", "capital", "Thimphu")], "me").unwrap(), before);
    assert_eq!(
        graph.remove(vec![fact("Bhutan", "capital", "Paro"), fact("Atlantis", "p", "o")]).unwrap(),
        before
    );
    assert_eq!(&*facts(&graph, "Bhutan").await[0].source, "countries.tsv");
    assert!(graph.mentions("Paro").is_empty() && graph.mentions("Atlantis").is_empty());
}

#[tokio::test]
async fn a_fact_that_was_taken_away_stays_away_until_it_is_added_again() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let file = folder.path().join("countries.tsv");
    add_file(&graph, &file, COUNTRIES);
    let borders = fact("Bhutan", "borders", "India");
    graph.remove(vec![borders.clone()]).unwrap();
    add_file(&graph, &file, &format!("{COUNTRIES}Nepal\tcapital\tKathmandu\n"));
    assert_eq!(said(&graph, "Bhutan").await, ["Bhutan capital Thimphu"]);
    graph.add(vec![borders.clone()], "me").unwrap();
    assert_eq!(said(&graph, "Bhutan").await, ["Bhutan capital Thimphu", "Bhutan borders India"]);
    graph.compact().unwrap();
    assert_eq!(said(&graph, "Bhutan").await, ["Bhutan capital Thimphu", "Bhutan borders India"]);
    let mut preferred = borders;
    if let Statement::Fact { rank, .. } = &mut preferred {
        *rank = Rank::Preferred;
    }
    graph.add(vec![preferred], "me").unwrap();
    let ranks = |facts: &[Fact]| facts.iter().map(|fact| fact.rank).collect::<Vec<_>>();
    assert_eq!(ranks(&facts(&graph, "Bhutan").await), [Rank::Normal, Rank::Preferred]);
    graph.compact().unwrap();
    assert_eq!(ranks(&facts(&graph, "Bhutan").await), [Rank::Normal, Rank::Preferred]);
}

#[tokio::test]
async fn an_entity_that_lost_everything_is_not_found_any_more() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    add_file(&graph, &folder.path().join("countries.tsv"), COUNTRIES);
    graph.remove(vec![fact("Bhutan", "capital", "Thimphu")]).unwrap();
    assert!(graph.mentions("Thimphu").is_empty() && graph.show("Thimphu", 5).is_empty());
    assert_eq!(graph.mentions("Bhutan").len(), 1);
}

#[tokio::test]
async fn a_source_that_comes_again_adds_and_retires() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let file = folder.path().join("countries.tsv");
    add_file(&graph, &folder.path().join("other.tsv"), "India\tcapital\tNew Delhi\n");
    let first = add_file(&graph, &file, COUNTRIES);
    assert_eq!((first.facts, first.retired), (2, 0), "one of them was known");
    let second = add_file(&graph, &file, "Bhutan\tcapital\tThimphu\nBhutan\tborders\tChina\n");
    assert_eq!((second.facts, second.retired), (1, 1), "what another source states is not retired");
    assert_eq!(said(&graph, "Bhutan").await, ["Bhutan capital Thimphu", "Bhutan borders China"]);
    assert_eq!(said(&graph, "India").await, ["India capital New Delhi"]);
    assert_eq!(graph.stats().unwrap().sources.len(), 2);
    assert!(graph.retire(&folder.path().join("other.tsv").display().to_string()).unwrap());
    assert!(said(&graph, "India").await.is_empty() && graph.mentions("New Delhi").is_empty());
}

#[tokio::test]
async fn a_damaged_snapshot_is_made_anew_and_never_answered_from() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("graph");
    let rows: String = (0..3000).map(|n| format!("s{n}\tp\to{}\ns{n}\tq\t{n}\n", n % 100)).collect();
    {
        let graph = Graph::open(&path).unwrap();
        add_file(&graph, &folder.path().join("rows.tsv"), &rows);
        graph.add(vec![fact("s1", "edited", "by hand")], "me").unwrap();
    }
    let snapshot = path.join("snapshot");
    let good = fs::read(&snapshot).unwrap();
    let check = async |graph: &Graph, what: &str| {
        assert_eq!(said(graph, "s1").await, ["s1 p o1", "s1 q 1", "s1 edited by hand"], "{what}");
        assert_eq!(graph.mentions("s2999 and o7").len(), 2, "{what}");
        assert_eq!(graph.facts(&"o7".into(), 1000).await.unwrap().len(), 30, "{what}");
    };
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&snapshot, &bad).unwrap();
        let graph = Graph::open(&path).unwrap();
        check(&graph, &format!("a bit flipped at {at}")).await;
    }
    for length in [0, 10, good.len() / 2, good.len() - 1] {
        fs::write(&snapshot, &good[..length]).unwrap();
        check(&Graph::open(&path).unwrap(), &format!("cut to {length}")).await;
    }
    fs::remove_file(&snapshot).unwrap();
    check(&Graph::open(&path).unwrap(), "removed").await;
}

#[test]
fn petgraph_walks_the_graph_where_it_lies() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let rows: String = (0..200).map(|n| format!("n{n}\tnext\tn{}\n", (n + 1) % 200)).collect();
    add_file(&graph, &folder.path().join("ring.tsv"), &format!("{rows}far\tnext\taway\n"));
    let walk = graph.walk();
    let node = |name: &str| walk.node(&name.into()).unwrap();
    let cost = petgraph::algo::dijkstra(&walk, node("n0"), Some(node("n150")), |_| 1);
    assert_eq!(cost[&node("n150")], 150);
    assert_eq!(petgraph::algo::kosaraju_scc(&walk).len(), 3);
    assert!(petgraph::algo::has_path_connecting(&walk, node("n7"), node("n6"), None));
    assert!(!petgraph::algo::has_path_connecting(&walk, node("n7"), node("far"), None));
    let ranks: Vec<f64> = petgraph::algo::page_rank(&walk, 0.85, 20);
    assert!(ranks[node("n0").index()] > ranks[node("far").index()]);
    // An edit changes the next walk and not this one.
    graph.add(vec![fact("n0", "next", "far")], "me").unwrap();
    assert!(!petgraph::algo::has_path_connecting(&walk, node("n7"), node("away"), None));
    let later = graph.walk();
    assert!(petgraph::algo::has_path_connecting(&later, node("n7"), node("away"), None));
    let path = petgraph::algo::astar(&later, node("n199"), |n| n == node("away"), |_| 1, |_| 0).unwrap();
    assert_eq!(path.0, 3);
}

#[tokio::test]
async fn a_hub_and_large_literals_are_no_trouble() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let mut rows: String = (0..200_000).map(|n| format!("leaf {n}\tof\tHub\n")).collect();
    rows.push_str(&format!("Hub\tnote\t{}\n", "long words ".repeat(1 << 20)));
    add_file(&graph, &folder.path().join("hub.tsv"), &rows);
    let found = graph.facts(&"Hub".into(), 5).await.unwrap();
    assert_eq!(found.len(), 6);
    assert!(matches!(&found[0].object, Value::Text(label) if label.text.len() > 10 << 20));
    assert_eq!(graph.neighbourhood(&"Hub".into(), 2, 50).node_count(), 50);
    graph.remove(vec![fact("leaf 77", "of", "Hub")]).unwrap();
    graph.add(vec![fact("leaf new", "of", "Hub")], "me").unwrap();
    let subjects: BTreeSet<String> = graph
        .facts(&"Hub".into(), usize::MAX)
        .await
        .unwrap()
        .iter()
        .map(|fact| fact.subject.id.to_string())
        .collect();
    assert!(!subjects.contains("leaf 77") && subjects.contains("leaf new"));
}

#[test]
fn search_finds_words_in_any_order_unfinished_and_misspelt() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let turtle = "@prefix ex: <http://example.com/> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n\
        ex:a rdfs:label \"Republic of the Congo\"@en ; ex:p 1, 2, 3 .\n\
        ex:b rdfs:label \"Democratic Republic of the Congo\"@en, \"刚果民主共和国\"@zh ; skos:altLabel \"Zaïre\"@fr ; ex:p 1 .\n\
        ex:c rdfs:label \"Congo River\"@en ; ex:p 1 .\n";
    add_file(&graph, &folder.path().join("a.ttl"), turtle);
    let found = |query: &str| {
        let search = graph.search(query, 10);
        let ids: Vec<String> =
            search.found.iter().map(|found| found.entity.id.as_str()[19..].to_owned()).collect();
        (ids.concat(), search.did_you_mean)
    };
    assert_eq!(found("congo republic"), ("ab".into(), None));
    assert_eq!(found("CONGO"), ("cab".into(), None));
    assert_eq!(found("river con"), ("c".into(), None), "the last word is unfinished");
    assert_eq!(found("zaire"), ("b".into(), None));
    assert_eq!(found("民主共和国"), ("b".into(), None));
    assert_eq!(found("demokratic republic"), ("b".into(), Some("democratic republic".into())));
    assert_eq!(found("nothing like it").0, "");
    graph.add(vec![named("http://example.com/d", Describes::Label, "Congo Basin", "en")], "me").unwrap();
    assert_eq!(found("basin"), ("d".into(), None));
    graph.compact().unwrap();
    assert_eq!(found("congo basin").0, "d");
}
