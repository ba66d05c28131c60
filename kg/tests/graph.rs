//! The graph as its users see it: import, open, link, walk.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test, in functions that tests share too")]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use loquat_contract::testing::knowledge;
use loquat_contract::{EntityId, Fact, Generation, Knowledge, Language, Value};
use loquat_kg::{Graph, GraphError, ImportOptions, ImportReport};
use tempfile::tempdir;

const SHOP: &str = r#"
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix loquat: <https://loquat.example/ns#> .
@prefix ex: <http://example.com/> .

ex:capital a rdf:Property ;
    rdfs:label "capital"@en, "首都"@zh-Hans ; skos:altLabel "seat of government"@en ;
    rdfs:comment "A city." ;
    loquat:template "The capital of {subject} is {object}."@en ;
    loquat:templatePlural "The capitals of {subject} are {object}."@en ;
    loquat:inverseTemplate "{object} is the capital of {subject}."@en .
ex:area a rdf:Property ; rdfs:label "area"@en ; loquat:unit "km²", "square kilometres"@en .
ex:landlocked a rdf:Property ; rdfs:label "landlocked"@en ; loquat:templateTrue "{subject} is landlocked."@en ;
    loquat:templateFalse "{subject} is not landlocked."@en .
ex:Country rdfs:label "country"@en .
ex:bt a ex:Country, ex:Unnamed ; rdfs:label "Bhutan"@en, "不丹"@zh-Hans ; skos:altLabel "Druk Yul"@en ;
    ex:area 38394 ; ex:capital ex:thimphu ; ex:landlocked true ; ex:site <https://bt.example/> .
ex:thimphu rdfs:label "Thimphu"@en .
ex:nl rdfs:label "Netherlands"@en ; loquat:article "the"@en ; ex:capital ex:amsterdam ; ex:landlocked false .
ex:amsterdam rdfs:label "Amsterdam"@en .
"#;

fn add(graph: &Graph, file: &Path, content: &str) -> ImportReport {
    fs::write(file, content).unwrap();
    graph.import(file, &ImportOptions::default(), |_| {}).unwrap()
}

async fn facts(graph: &Graph, id: &str) -> Vec<Fact> {
    graph.facts(&EntityId::from(id), 100).await.unwrap()
}

fn predicates(facts: &[Fact]) -> Vec<&str> {
    facts.iter().map(|fact| fact.predicate.label(&Language::english())).collect()
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let report = add(&graph, &folder.path().join("shop.ttl"), SHOP);
    assert_eq!(report.bad_lines, []);
    assert_eq!(graph.schema().generation, Generation(1));

    let bhutan = facts(&graph, "http://example.com/bt").await;
    // The unnamed class is dropped, and so is what is said of predicates.
    assert_eq!(predicates(&bhutan), ["type", "area", "capital", "landlocked", "site"]);
    assert_eq!(bhutan[0].object.text(&Language::english()), "country");
    assert_eq!(bhutan[1].object, Value::number("38394", 38394.0));
    assert!(
        matches!(&bhutan[2].object, Value::Entity(city) if city.id.as_str() == "http://example.com/thimphu")
    );
    assert_eq!(bhutan[4].object, Value::Url("https://bt.example/".into()));
    assert_eq!(&*bhutan[0].source, "shop.ttl");
    let area = &bhutan[1].predicate;
    let unit = area.unit.as_ref().unwrap();
    assert_eq!((unit.symbol.as_str(), unit.labels[0].text.as_str()), ("km²", "square kilometres"));

    let thimphu = facts(&graph, "http://example.com/thimphu").await;
    assert_eq!(thimphu.len(), 1);
    assert_eq!(thimphu[0].id, bhutan[2].id);
    assert!(facts(&graph, "http://example.com/none").await.is_empty());

    let schema = graph.schema();
    let sole = |name: &str| schema.sole_subjects.get(&format!("http://example.com/{name}").as_str().into());
    assert_eq!(sole("area").unwrap().id.as_str(), "http://example.com/bt");
    assert!(sole("capital").is_none());

    let capital = &bhutan[2].predicate;
    assert_eq!(capital.templates.single[0].text, "The capital of {subject} is {object}.");
    assert_eq!(capital.templates.plural.len(), 1);
    assert_eq!(capital.templates.inverse.len(), 1);
    let landlocked = &bhutan[3].predicate;
    assert_eq!((landlocked.templates.when_true.len(), landlocked.templates.when_false.len()), (1, 1));

    let netherlands = graph.show("netherlands", 10);
    assert_eq!(netherlands[0].entity.name_in_sentence(&Language::english()), "the Netherlands");
    assert_eq!(graph.show("不丹", 10)[0].entity.id.as_str(), "http://example.com/bt");
    assert!(graph.show("nowhere", 10).is_empty());

    let mentions = graph.link("Is Druk Yul larger than the Netherlands?").await.unwrap();
    let texts: Vec<&str> = mentions.iter().map(|mention| mention.text.as_str()).collect();
    assert_eq!(texts, ["Druk Yul", "Netherlands"]);
}

#[tokio::test]
async fn it_keeps_the_promises_of_every_graph() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let report = add(&graph, &folder.path().join("promises.ttl"), knowledge::TURTLE);
    assert_eq!(report.bad_lines, []);
    knowledge::keeps_its_promises(&graph).await.unwrap();
}

#[tokio::test]
async fn limits_cut_in_the_order_of_import() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let rows: String =
        (0..50).map(|n| format!("Hub\tp\tNode {n}\nHub\tq\t{n}\nNode {n}\tr\tHub\n")).collect();
    add(&graph, &folder.path().join("hub.tsv"), &rows);
    let found = graph.facts(&EntityId::from("Hub"), 3).await.unwrap();
    let objects: Vec<String> = found.iter().map(|fact| fact.object.text(&Language::english())).collect();
    assert_eq!(objects, ["Node 0", "0", "Node 1", "Hub", "Hub", "Hub"]);
    let subjects: Vec<&str> = found[3..].iter().map(|fact| fact.subject.id.as_str()).collect();
    assert_eq!(subjects, ["Node 0", "Node 1", "Node 2"]);
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("shop.ttl");
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let first = add(&graph, &file, SHOP);
    let before = facts(&graph, "http://example.com/bt").await;
    let again = add(&graph, &file, SHOP);
    assert_eq!((again.facts, again.generation), (0, first.generation));
    assert_eq!(again.retired, 0);
    assert_eq!(again.generation, first.generation);
    assert_eq!(facts(&graph, "http://example.com/bt").await, before);
    assert_eq!(graph.stats().unwrap().sources.len(), 1);

    let more = add(&graph, &folder.path().join("more.tsv"), "http://example.com/bt\tcalling code\t+975\n");
    assert_eq!((more.facts, more.generation), (1, Generation(again.generation.0 + 1)));
    drop(graph);
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let after = facts(&graph, "http://example.com/bt").await;
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after.last().map(|fact| &*fact.source), Some("more.tsv"));
}

#[tokio::test]
async fn fact_ids_are_the_same_in_every_store() {
    let folder = tempdir().unwrap();
    let mut seen = Vec::new();
    for name in ["one", "two"] {
        let graph = Graph::open(folder.path().join(name)).unwrap();
        let rows = if name == "one" { "a\tp\tb\nc\tp\td\n" } else { "c\tp\td\nx\ty\tz\na\tp\tb\n" };
        add(&graph, &folder.path().join(format!("{name}.tsv")), rows);
        seen.push(facts(&graph, "a").await[0].id.clone());
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_neighbourhood_is_an_ordinary_graph() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    add(&graph, &folder.path().join("line.tsv"), "a\tp\tb\nb\tp\tc\nc\tp\td\nd\tp\ta\nz\tp\ty\n");
    let near = graph.neighbourhood(&EntityId::from("a"), 1, 100);
    assert_eq!((near.node_count(), near.edge_count()), (3, 2));
    let all = graph.neighbourhood(&EntityId::from("a"), 2, 100);
    assert_eq!((all.node_count(), all.edge_count()), (4, 4));
    assert!(petgraph::algo::is_cyclic_directed(&all));
    assert_eq!(graph.neighbourhood(&EntityId::from("a"), 2, 2).node_count(), 2);
    assert_eq!(graph.neighbourhood(&EntityId::from("none"), 2, 2).node_count(), 0);
}

#[test]
fn readers_go_on_during_an_import() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    add(&graph, &folder.path().join("a.tsv"), "Bhutan\tcapital\tThimphu\n");
    let rows: String = (0..30_000).map(|n| format!("s{n}\tp\to{n}\n")).collect();
    let file = folder.path().join("b.tsv");
    fs::write(&file, rows).unwrap();
    let mut read_meanwhile = 0;
    graph
        .import(&file, &ImportOptions::default(), |_| {
            // Called with the import half done: the old state answers, without waiting.
            assert_eq!(graph.mentions("Bhutan").len(), 1);
            assert_eq!(graph.schema().generation, Generation(1));
            read_meanwhile += 1;
        })
        .unwrap();
    assert!(read_meanwhile > 1);
    assert_eq!(graph.schema().generation, Generation(2));
    assert_eq!(graph.show("s29999", 1).len(), 1);
}

/// Runs this test's child half in a process of its own.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("LOQUAT_KG_TEST_FOLDER", folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn child_folder() -> Option<PathBuf> {
    std::env::var_os("LOQUAT_KG_TEST_FOLDER").map(PathBuf::from)
}

#[test]
fn a_killed_import_leaves_the_graph_as_it_was() {
    let import_slowly = |folder: &Path| {
        let graph = Graph::open(folder.join("graph")).unwrap();
        graph
            .import(folder.join("large.tsv"), &ImportOptions::default(), |progress| {
                if progress.read > progress.total / 2 {
                    fs::write(folder.join("half-way"), "").unwrap();
                    std::thread::sleep(Duration::from_secs(60));
                }
            })
            .unwrap();
    };
    if let Some(folder) = child_folder() {
        return import_slowly(&folder);
    }
    let folder = tempdir().unwrap();
    let rows: String = (0..200_000).map(|n| format!("s{n}\tp\to{n}\n")).collect();
    fs::write(folder.path().join("large.tsv"), rows).unwrap();
    {
        let graph = Graph::open(folder.path().join("graph")).unwrap();
        add(&graph, &folder.path().join("small.tsv"), "Bhutan\tcapital\tThimphu\n");
    }
    let mut child = child("a_killed_import_leaves_the_graph_as_it_was", folder.path()).spawn().unwrap();
    while !folder.path().join("half-way").exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(20));
    }
    // While it lives, the graph is its own.
    let error = Graph::open(folder.path().join("graph")).err().unwrap();
    assert!(matches!(error, GraphError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();

    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let stats = graph.stats().unwrap();
    assert_eq!((stats.facts, stats.generation), (1, Generation(1)));
    assert_eq!(stats.interrupted, ["large.tsv"]);
    let report = graph.import(folder.path().join("large.tsv"), &ImportOptions::default(), |_| {}).unwrap();
    assert_eq!(report.facts, 200_000);
    let stats = graph.stats().unwrap();
    assert_eq!((stats.facts, stats.interrupted.len()), (200_001, 0));
}

#[test]
fn a_full_disk_leaves_the_graph_as_it_was() {
    if let Some(folder) = child_folder() {
        let graph = Graph::open(folder.join("graph")).unwrap();
        let error = graph.import(folder.join("large.tsv"), &ImportOptions::default(), |_| {}).unwrap_err();
        // Reading goes on, a further import is refused, and neither that nor the end of the graph hangs.
        assert_eq!(graph.mentions("Bhutan").len(), 1);
        graph.import(folder.join("large.tsv"), &ImportOptions::default(), |_| {}).unwrap_err();
        drop(graph);
        fs::write(folder.join("error"), error.to_string())
            .unwrap_or_else(|e| assert_eq!(e.kind(), ErrorKind::FileTooLarge));
        return;
    }
    let folder = tempdir().unwrap();
    let rows: String = (0..300_000_u64)
        .map(|n| {
            format!(
                "s{:x}\tp\to{:x}\n",
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                n.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
            )
        })
        .collect();
    fs::write(folder.path().join("large.tsv"), rows).unwrap();
    {
        let graph = Graph::open(folder.path().join("graph")).unwrap();
        add(&graph, &folder.path().join("small.tsv"), "Bhutan\tcapital\tThimphu\n");
    }
    // A limit on the size of files fails writes as a full disk does, and needs no rights.
    let inner = child("a_full_disk_leaves_the_graph_as_it_was", folder.path());
    let program = inner.get_program().to_owned();
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(program)
        .args(inner.get_args())
        .env("LOQUAT_KG_TEST_FOLDER", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let error = fs::read_to_string(folder.path().join("error")).unwrap();
    assert!(error.contains("the disk is full") && error.contains("as it was before"), "{error}");
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    assert_eq!(graph.stats().unwrap().facts, 1);
    assert_eq!(graph.mentions("Bhutan").len(), 1);
    let report = graph.import(folder.path().join("large.tsv"), &ImportOptions::default(), |_| {}).unwrap();
    assert_eq!(report.facts, 300_000);
}
