//! What is exported and imported again is the same graph.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test, in functions that tests share too")]

use std::fs;
use std::path::{Path, PathBuf};

use loquat_contract::Rank;
use loquat_kg::{Describes, Graph, ImportOptions, Object, Statement};
use tempfile::tempdir;

fn exported(graph: &Graph) -> String {
    let mut out = Vec::new();
    let counts = graph.export(&mut out).unwrap();
    assert_eq!(counts.facts as usize, graph.stats().unwrap().facts);
    String::from_utf8(out).unwrap()
}

/// Lines in an order of their own: facts of one object lie in the order of their import.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[track_caller]
fn assert_comes_back(graph: &Graph, folder: &Path) {
    let text = exported(graph);
    let file = folder.join("exported.nt");
    fs::write(&file, &text).unwrap();
    let again = Graph::open(folder.join("again")).unwrap();
    let report = again.import(&file, &ImportOptions::default(), |_| {}).unwrap();
    assert_eq!(report.bad_lines, []);
    let (one, two) = (graph.stats().unwrap(), again.stats().unwrap());
    assert_eq!((one.facts, one.entities, one.predicates), (two.facts, two.entities, two.predicates));
    assert_eq!(sorted(&exported(&again)), sorted(&text));
    let (one, two) = (graph.schema_of(), again.schema_of());
    assert_eq!(one, two);
}

trait SchemaOf {
    fn schema_of(&self) -> String;
}

impl SchemaOf for Graph {
    fn schema_of(&self) -> String {
        let schema = loquat_contract::Knowledge::schema(self);
        let mut sole: Vec<_> = schema.sole_subjects.iter().map(|(id, entity)| (id, &entity.id)).collect();
        sole.sort();
        format!("{:#?} {sole:?}", schema.predicates)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_examples_come_back() {
    for name in ["examples/world/world.ttl", "examples/shop/shop.ttl", "kg/tests/data/wikidata-entities.json"]
    {
        let folder = tempdir().unwrap();
        let graph = Graph::open(folder.path().join("graph")).unwrap();
        let options = ImportOptions {
            format: name.ends_with("json").then_some(loquat_kg::Format::WikidataJson),
            ..ImportOptions::default()
        };
        graph.import(root().join(name), &options, |_| {}).unwrap();
        assert!(graph.stats().unwrap().facts > 0, "{name}");
        assert_comes_back(&graph, folder.path());
    }
}

#[test]
fn every_kind_of_statement_comes_back() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let rows = "AC/DC\tgenre\thard rock\nMission: Impossible\tyear\t1996\n100 %\tis\t<all> of \"it\"\n";
    fs::write(folder.path().join("names.tsv"), rows).unwrap();
    graph.import(folder.path().join("names.tsv"), &ImportOptions::default(), |_| {}).unwrap();
    let iri = |name: &str| format!("http://example.com/{name}");
    let objects = [
        Object::Text { text: "two\nlines \\ and \"quotes\"".into(), language: None },
        Object::Text { text: "Wörter".into(), language: Some("de".into()) },
        Object::number("-1.50"),
        Object::number("6.02e23"),
        Object::Number { lexical: "5".into(), unit: Some(iri("metre")) },
        Object::Date("1907-12-17".into()),
        Object::Date("-0044-03".into()),
        Object::Date("1971".into()),
        Object::Date("196X".into()),
        Object::Boolean(true),
        Object::Url("mailto:a@b.example".into()),
        Object::Url("https://nowhere.example/".into()),
        Object::Coordinate("27.47 89.64".into()),
        Object::Unknown,
        Object::Nothing,
        Object::Entity(iri("other")),
        Object::Entity(iri("only-an-address")),
    ];
    let mut statements: Vec<Statement> =
        vec![Statement::fact(&iri("other"), &iri("q"), Object::Boolean(false))];
    for (place, object) in objects.into_iter().enumerate() {
        statements.push(Statement::fact(&iri("s"), &iri(&format!("p{}", place % 3)), object.clone()));
        statements.push(Statement::Fact {
            subject: iri("s"),
            predicate: iri("qualified"),
            object: Object::number(place.to_string()),
            rank: if place % 2 == 0 { Rank::Preferred } else { Rank::Deprecated },
            qualifiers: vec![(iri("in"), object), ("since".into(), Object::Date("1990".into()))],
        });
    }
    let words = [
        (iri("s"), Describes::Label, "Ess", Some("en")),
        (iri("s"), Describes::Label, "艾斯", Some("zh-hans")),
        (iri("s"), Describes::Alias, "S", None),
        (iri("s"), Describes::Article, "the", Some("en")),
        (iri("s"), Describes::Description, "a letter", Some("en")),
        (iri("s"), Describes::Popularity, "12345", None),
        (iri("old"), Describes::Redirect, "http://example.com/s", None),
        (iri("metre"), Describes::Label, "metre", Some("en")),
        (iri("metre"), Describes::Unit, "m", None),
        (iri("p0"), Describes::Template, "{subject} has {object}.", Some("en")),
        (iri("p0"), Describes::Unit, "km²", None),
        (iri("p0"), Describes::Unit, "square kilometres", Some("en")),
        ("genre".into(), Describes::Label, "style", Some("en")),
    ];
    for (about, what, text, language) in words {
        let (text, language) = (text.to_owned(), language.map(str::to_owned));
        statements.push(Statement::Description { about, what, text, language });
    }
    graph.add(statements, "me").unwrap();
    graph.compact().unwrap();
    assert_comes_back(&graph, folder.path());
    assert_eq!(graph.show("http://example.com/old", 1)[0].entity.id.as_str(), "http://example.com/s");
}
