//! Whatever was edited, a graph answers the same before and after its edits are put into the snapshot, and when it is opened again.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test, in functions that tests share too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use loquat_contract::{Entity, Fact, Knowledge, Rank};
use loquat_kg::{Describes, Graph, GraphError, ImportOptions, Object, Statement};
use petgraph::visit::{EdgeCount, EdgeRef, IntoEdgeReferences};
use proptest::prelude::*;
use tempfile::tempdir;

/// Ids that facts and descriptions are about; "capital" is a predicate too.
const IDS: [&str; 11] = [
    "Bhutan",
    "India",
    "Thimphu",
    "capital",
    "http://e.example/Paro",
    "http://e.example/Delhi",
    "https://e.example/River",
    "metre",
    "Q1",
    "R1",
    "http://e.example/Old",
];
const PREDICATES: [&str; 5] = [
    "capital",
    "height",
    "http://e.example/borders",
    "India",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
];
const NAMES: [&str; 6] = ["Bhutan", "Druk Yul", "the Paro", "Köln", "不丹", "height"];

#[derive(Clone, Debug)]
enum Step {
    Import(usize, usize),
    Add(Vec<Statement>),
    Remove(Vec<Statement>),
    Compact,
}

fn object() -> impl Strategy<Value = Object> {
    let id = || prop::sample::select(&IDS[..]).prop_map(str::to_owned);
    prop_oneof![
        6 => id().prop_map(Object::Entity),
        2 => (prop::sample::select(vec!["1", "1.0", "-2e3", "x"]), prop::option::of(id()))
            .prop_map(|(lexical, unit)| Object::Number { lexical: lexical.into(), unit }),
        1 => (prop::sample::select(&NAMES[..]), prop::option::of(Just("en".to_owned())))
            .prop_map(|(text, language)| Object::Text { text: text.into(), language }),
        1 => Just(Object::Date("2008-07-18".into())),
        1 => id().prop_map(Object::Url),
        1 => Just(Object::Coordinate("27.5 89.6".into())),
        1 => any::<bool>().prop_map(Object::Boolean),
        1 => prop::sample::select(vec![Object::Unknown, Object::Nothing]),
    ]
}

fn statement() -> impl Strategy<Value = Statement> {
    let id = || prop::sample::select(&IDS[..]).prop_map(str::to_owned);
    let predicate = || prop::sample::select(&PREDICATES[..]).prop_map(str::to_owned);
    let ranks = vec![Rank::Normal, Rank::Normal, Rank::Preferred, Rank::Deprecated];
    let qualifiers = prop_oneof![
        5 => Just(Vec::new()),
        1 => prop::collection::vec((predicate(), object()), 1..2),
    ];
    let fact = (id(), predicate(), object(), prop::sample::select(ranks), qualifiers).prop_map(
        |(subject, predicate, object, rank, qualifiers)| Statement::Fact {
            subject,
            predicate,
            object,
            rank,
            qualifiers,
        },
    );
    let whats = vec![
        Describes::Label,
        Describes::Label,
        Describes::Alias,
        Describes::Article,
        Describes::Description,
        Describes::Template,
        Describes::Unit,
        Describes::Property,
        Describes::Popularity,
    ];
    let about = prop_oneof![4 => id(), 1 => predicate()];
    let language = prop::option::of(prop::sample::select(vec!["en".to_owned(), "de".to_owned()]));
    let words = (about, prop::sample::select(whats), prop::sample::select(&NAMES[..]), language);
    let description = words.prop_map(|(about, what, text, language)| {
        let text = if what == Describes::Popularity { "70" } else { text };
        Statement::Description { about, what, text: text.into(), language }
    });
    let redirects = prop::sample::select(vec![
        ("R1", "R2"),
        ("R2", "R1"),
        ("R2", "Bhutan"),
        ("R1", "India"),
        ("http://e.example/Old", "http://e.example/Paro"),
    ]);
    let redirect = redirects.prop_map(|(about, target)| Statement::Description {
        about: about.into(),
        what: Describes::Redirect,
        text: target.into(),
        language: None,
    });
    prop_oneof![10 => fact, 7 => description, 1 => redirect]
}

/// The same fact with its addresses stated the other way: as entities' ids, or as just addresses.
fn twin(statement: &Statement) -> Statement {
    let other = |object: &mut Object| match object {
        Object::Entity(id) if id.starts_with("http") => *object = Object::Url(id.clone()),
        Object::Url(url) => *object = Object::Entity(url.clone()),
        _ => {}
    };
    let mut twin = statement.clone();
    if let Statement::Fact { object, qualifiers, .. } = &mut twin {
        other(object);
        qualifiers.iter_mut().for_each(|(_, value)| other(value));
    }
    twin
}

/// Whether adding a statement rarely makes a new snapshot.
fn lies_beside(statement: &Statement) -> bool {
    match statement {
        Statement::Fact { qualifiers, .. } => qualifiers.is_empty(),
        Statement::Description { about, what, .. } => {
            !PREDICATES.contains(&about.as_str())
                && matches!(
                    what,
                    Describes::Label | Describes::Alias | Describes::Article | Describes::Description
                )
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few kinds, so that what is taken away was often there.
    let known = (prop::collection::vec(statement(), 12..20), prop::bool::weighted(0.7));
    known.prop_flat_map(|(mut known, beside)| {
        // Most lie beside the snapshot up to the end; any other edit makes a new one.
        if beside {
            known.retain(lies_beside);
            known.push(Statement::fact("Bhutan", "height", Object::number("7554")));
        }
        let twins: Vec<_> = known.iter().map(twin).filter(|twin| !known.contains(twin)).collect();
        known.extend(twins);
        let some = prop::collection::vec(prop::sample::select(known), 1..5);
        let step = prop_oneof![
            2 => (0..2_usize, 0..FILES.len()).prop_map(|(name, content)| Step::Import(name, content)),
            6 => some.clone().prop_map(Step::Add),
            4 => some.prop_map(Step::Remove),
            1 => Just(Step::Compact),
        ];
        prop::collection::vec(step, 2..8)
    })
}

const FILES: [&str; 5] = [
    "@prefix e: <http://e.example/> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\
     e:Paro e:borders e:Delhi, <https://e.example/River> ; a e:Town ; rdfs:label \"the Paro\"@en, \"Köln\"@en .\n\
     e:borders rdfs:label \"borders\"@en .\n",
    "@prefix e: <http://e.example/> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\
     e:Delhi e:borders e:Paro ; a e:Paro ; rdfs:label \"Delhi\" . e:Town rdfs:label \"town\"@en .\n\
     e:borders a <http://www.w3.org/1999/02/22-rdf-syntax-ns#Property> .\n",
    "@prefix e: <http://e.example/> .\ne:Paro e:height 1, 1.0 . e:River e:borders e:Paro .\n",
    "@prefix e: <http://e.example/> .\n@prefix loquat: <https://loquat.example/ns#> .\n\
     e:Old loquat:redirect e:Paro ; e:height 1 . e:Delhi e:borders e:Old, <https://e.example/River> .\n",
    "",
];

const ROWS: [&str; 5] = [
    "Bhutan\tcapital\tThimphu\nBhutan\tcapital\tBhutan\n",
    "India\tcapital\tThimphu\nBhutan\theight\t1\nThimphu\tIndia\tQ1\n",
    "capital\tcapital\tIndia\n",
    "Bhutan\tcapital\thttp://e.example/Paro\n",
    "Bhutan\tcapital\tR1\nR1\tIndia\tQ1\n",
];

/// Everything that can be asked, in an order of its own.
#[derive(Debug, PartialEq)]
struct Answers {
    facts: BTreeMap<String, BTreeSet<String>>,
    shown: BTreeMap<String, BTreeSet<String>>,
    mentions: BTreeMap<String, BTreeSet<String>>,
    search: BTreeMap<String, BTreeSet<String>>,
    predicates: BTreeSet<String>,
    edges: BTreeSet<String>,
    neighbourhood: BTreeMap<String, (usize, usize)>,
    counts: (usize, usize, usize, usize),
    generation: u64,
}

fn fact_line(fact: &Fact) -> String {
    let qualifiers: Vec<_> =
        fact.qualifiers.iter().map(|q| format!("{} {:?}", q.predicate.id, q.value)).collect();
    format!(
        "{} {:?} {} {:?} {:?} {qualifiers:?} {} {:?}",
        fact.id, fact.subject, fact.predicate.id, fact.object, fact.rank, fact.source, fact.generation
    )
}

async fn answers(graph: &Graph) -> Answers {
    let ids: Vec<&str> =
        IDS.iter().chain(&PREDICATES).chain(&["R2", "http://e.example/Town"]).copied().collect();
    let entity = |entity: &Arc<Entity>| format!("{entity:?}");
    let (mut facts, mut shown, mut mentions, mut search, mut neighbourhood) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for id in &ids {
        let found = graph.facts(&(*id).into(), 1000).await.unwrap();
        facts.insert((*id).to_owned(), found.iter().map(fact_line).collect());
        let part = graph.neighbourhood(&(*id).into(), 2, 1000);
        neighbourhood.insert((*id).to_owned(), (part.node_count(), part.edge_count()));
    }
    for name in ids.iter().chain(&NAMES).chain(&["Paro", "Delhi", "River", "town"]) {
        let found = graph.show(name, 1000).into_iter().map(|shown| entity(&shown.entity)).collect();
        shown.insert((*name).to_owned(), found);
        // Scores differ: how well known something is is counted when the snapshot is made.
        let candidates = |mention: &loquat_contract::Mention| {
            let mut ids: Vec<_> = mention.candidates.iter().map(|c| c.entity.id.to_string()).collect();
            ids.sort();
            format!("{} {ids:?}", mention.text)
        };
        let found = graph.mentions(&format!("What about {name}?")).iter().map(candidates).collect();
        mentions.insert((*name).to_owned(), found);
        let found = graph.search(name, 100).found.iter().map(|found| entity(&found.entity)).collect();
        search.insert((*name).to_owned(), found);
    }
    let walk = graph.walk();
    let name = |node| walk.entity(node).unwrap().id.to_string();
    let edge = |edge: loquat_kg::Edge| {
        let predicate = &walk.predicate(*edge.weight()).unwrap().id;
        format!("{} {predicate} {}", name(edge.source()), name(edge.target()))
    };
    let stats = graph.stats().unwrap();
    let schema = graph.schema();
    Answers {
        facts,
        shown,
        mentions,
        search,
        predicates: schema.predicates.iter().map(|predicate| format!("{predicate:?}")).collect(),
        edges: (&walk).edge_references().map(edge).collect(),
        neighbourhood,
        counts: (stats.facts, stats.entities, stats.predicates, walk.edge_count()),
        generation: schema.generation.0,
    }
}

/// Predicates that have one subject. Those that lost all others are told only after a compaction.
fn sole_subjects(graph: &Graph) -> BTreeSet<String> {
    graph
        .schema()
        .sole_subjects
        .iter()
        .map(|(predicate, subject)| format!("{predicate} {subject:?}"))
        .collect()
}

fn take(graph: &Graph, folder: &Path, step: &Step) {
    match step {
        Step::Import(name, content) => {
            let (name, content) = [("a.ttl", FILES[*content]), ("b.tsv", ROWS[*content])][*name];
            let file = folder.join(name);
            fs::write(&file, content).unwrap();
            graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
        }
        Step::Add(statements) => {
            graph.add(statements.clone(), "an editor").unwrap();
        }
        Step::Remove(statements) => {
            graph.remove(statements.clone()).unwrap();
        }
        Step::Compact => graph.compact().unwrap(),
    }
}

fn same(now: &Answers, before: &Answers, when: &str) -> Result<(), TestCaseError> {
    let lines =
        |answers: &Answers| -> Vec<String> { format!("{answers:#?}").lines().map(str::to_owned).collect() };
    let (now, before) = (lines(now), lines(before));
    let only =
        |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
    prop_assert!(
        now == before,
        "{when}: only now {:#?}, only before {:#?}",
        only(&now, &before),
        only(&before, &now)
    );
    Ok(())
}

/// Each takes a third of a second: a store is opened twice and written several times.
const CASES: u32 = 48;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_answer_as_the_snapshot_that_holds_them(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempdir().unwrap();
        let path = folder.path().join("graph");
        let graph = Graph::open(&path).unwrap();
        steps.iter().for_each(|step| take(&graph, folder.path(), step));
        let (edited, sole) = (runtime.block_on(answers(&graph)), sole_subjects(&graph));
        drop(graph);
        let graph = Graph::open(&path).unwrap();
        same(&runtime.block_on(answers(&graph)), &edited, "after reopening")?;
        graph.compact().unwrap();
        same(&runtime.block_on(answers(&graph)), &edited, "after compaction")?;
        prop_assert!(sole.is_subset(&sole_subjects(&graph)), "{sole:?} {:?}", sole_subjects(&graph));
        prop_assert_eq!(graph.stats().unwrap().edits, 0);
    }
}

#[test]
fn statements_that_no_graph_can_hold_are_refused_and_change_nothing() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let long = "x".repeat(1 << 20);
    let name = |text: &str| Statement::Description {
        about: "a".into(),
        what: Describes::Label,
        text: text.into(),
        language: None,
    };
    let entity = |id: &str| Object::Entity(id.into());
    for bad in [
        Statement::fact(&long, "p", entity("o")),
        Statement::fact("", "p", entity("o")),
        Statement::fact("s", " ", entity("o")),
        Statement::fact("s", "p", entity("")),
        Statement::fact("s", "p\0", entity("o")),
        Statement::fact("s", "p", Object::Number { lexical: "1".into(), unit: Some(String::new()) }),
        name(""),
        name(" "),
    ] {
        let good = Statement::fact("s", "p", entity("o"));
        assert!(matches!(graph.add(vec![good, bad], "me"), Err(GraphError::BadStatement(_))));
    }
    assert_eq!((graph.generation().0, graph.stats().unwrap().facts), (0, 0));
    // A long text is none of it, and neither is a NUL in one.
    let text = Object::Text { text: format!("{long}\0"), language: None };
    graph.add(vec![Statement::fact("s", "p", text)], "me").unwrap();
    assert_eq!(graph.stats().unwrap().facts, 1);
}

#[test]
fn what_is_not_there_can_be_taken_away_without_a_change() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    graph.add(vec![Statement::fact("s", "p", Object::Entity("s".into()))], "me").unwrap();
    let before = graph.generation();
    let name = Statement::Description {
        about: "s".into(),
        what: Describes::Alias,
        text: "another".into(),
        language: None,
    };
    assert_eq!(graph.remove(vec![name.clone()]).unwrap(), before);
    graph.add(vec![name.clone()], "me").unwrap();
    assert_eq!(graph.add(vec![name.clone()], "me").unwrap().0, before.0 + 1);
    assert_eq!(graph.remove(vec![name]).unwrap().0, before.0 + 2);
    assert!(graph.show("another", 1).is_empty());
}

#[test]
fn a_unit_of_which_nothing_is_said_any_more_is_called_by_its_id() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let length = Object::Number { lexical: "1.0".into(), unit: Some("metre".into()) };
    let of_unit = Statement::fact("metre", "length", Object::Unknown);
    graph.add(vec![Statement::fact("rod", "length", length), of_unit.clone()], "me").unwrap();
    graph.compact().unwrap();
    graph.remove(vec![of_unit]).unwrap();
    let rod = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(graph.facts(&"rod".into(), 9)).unwrap()
    };
    let beside = rod();
    graph.compact().unwrap();
    assert_eq!(beside, rod());
}

#[test]
fn five_thousand_edits_come_at_once() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let fact = |n: usize| Statement::fact(&format!("s{}", n % 1000), "p", Object::number(n.to_string()));
    graph.add((0..5000).map(fact).collect(), "me").unwrap();
    graph.remove((0..100).map(fact).collect()).unwrap();
    let count = |graph: &Graph| {
        let stats = graph.stats().unwrap();
        (stats.facts, stats.entities)
    };
    assert_eq!(count(&graph), (4900, 1000));
    graph.compact().unwrap();
    assert_eq!(count(&graph), (4900, 1000));
}
