//! Entities as the dump has them, shortened: what is understood, and that nothing wrong in them does harm.

use std::fs;
use std::ops::ControlFlow;

use loquat_contract::{Language, Rank};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::super::options::{Filter, ImportOptions, Rules, Wikipedia};
use super::super::{BadLine, chunks::Chunk, gather::Gather};
use super::{ChunkReader, WikidataJson};
use crate::statement::{Describes, Object, Statement};

const ADAMS: &str = include_str!("../../../tests/data/wikidata-entities.json");

fn read(text: &str, filter: Filter) -> (Vec<Statement>, Vec<BadLine>) {
    let (rules, graphs) = (Rules::new(&filter), Default::default());
    let mut gather = Gather::new(&rules, &graphs, false);
    let chunk = Chunk { bytes: text.as_bytes().to_vec(), is_first: true, ..Chunk::default() };
    WikidataJson.read(&chunk, &mut gather);
    let found = gather.take();
    (found.block.statements(), found.bad)
}

fn languages(tags: &[&str]) -> Filter {
    Filter { languages: tags.iter().map(Language::new).collect(), ..Filter::default() }
}

/// What is said of a name, in short.
fn descriptions(statements: &[Statement], of: &str) -> Vec<String> {
    let short = |statement: &Statement| match statement {
        Statement::Description { about, what, text, language } if about.ends_with(&format!("/{of}")) => {
            Some(format!("{what:?} {text} {}", language.as_deref().unwrap_or("-")))
        }
        _ => None,
    };
    statements.iter().filter_map(short).collect()
}

fn objects(statements: &[Statement], of: &str) -> Vec<Object> {
    let object = |statement: &Statement| match statement {
        Statement::Fact { predicate, object, .. } if predicate.ends_with(&format!("/{of}")) => {
            Some(object.clone())
        }
        _ => None,
    };
    statements.iter().filter_map(object).collect()
}

fn entity(id: &str) -> Object {
    Object::Entity(format!("http://www.wikidata.org/entity/{id}"))
}

#[test]
fn an_item_is_understood() {
    let (statements, bad) = read(ADAMS, languages(&["en", "zh", "de"]));
    assert_eq!(bad, []);
    assert_eq!(
        descriptions(&statements, "Q42"),
        [
            "Label Douglas Adams -",
            "Label Douglas Adams en",
            "Label 道格拉斯·亚当斯 zh-hans",
            "Alias 道格拉斯·亞當斯 zh-tw",
            "Alias Douglas Noel Adams en",
            "Alias DNA en",
            "Description English science fiction writer en",
            "Description britischer Schriftsteller de",
            "Popularity 4 -",
        ]
    );
    assert_eq!(objects(&statements, "P31"), [entity("Q5")]);
    assert_eq!(objects(&statements, "P569"), [Object::Date("1952-03-11".into())]);
    assert_eq!(objects(&statements, "P856"), [Object::Url("https://douglasadams.com/".into())]);
    assert_eq!(
        objects(&statements, "P18"),
        [Object::Url(
            "http://commons.wikimedia.org/wiki/Special:FilePath/Douglas%20adams%20portrait.jpg".into()
        )]
    );
    assert_eq!(objects(&statements, "P214"), [Object::Text { text: "113230702".into(), language: None }]);
    let metre = Some("http://www.wikidata.org/entity/Q11573".into());
    assert_eq!(objects(&statements, "P2048"), [Object::Number { lexical: "1.96".into(), unit: metre }]);
    assert_eq!(objects(&statements, "P1971"), [Object::number("1")]);
    assert_eq!(objects(&statements, "P625"), [Object::Coordinate("51.5667 -0.1461".into())]);
    assert_eq!(
        objects(&statements, "P1477"),
        [Object::Text { text: "Douglas Noël Adams".into(), language: Some("en".into()) }]
    );
    assert_eq!(objects(&statements, "P509"), [Object::Unknown]);
    assert_eq!(objects(&statements, "P1344"), [Object::Nothing]);
    // An entity in the old form, and a property as a value.
    assert_eq!(objects(&statements, "P27"), [entity("Q145"), entity("Q174193")]);
    assert_eq!(
        objects(&statements, "P1687"),
        [Object::Entity("http://www.wikidata.org/prop/direct/P31".into())]
    );

    let of = |statement: &&Statement| matches!(statement, Statement::Fact { predicate, .. } if predicate.ends_with("P27"));
    let ranks: Vec<(Rank, usize)> = statements
        .iter()
        .filter(of)
        .filter_map(|statement| match statement {
            Statement::Fact { rank, qualifiers, .. } => Some((*rank, qualifiers.len())),
            Statement::Description { .. } => None,
        })
        .collect();
    assert_eq!(ranks, [(Rank::Preferred, 0), (Rank::Deprecated, 2)]);
    let deprecated = statements.iter().filter(of).nth(1);
    let Some(Statement::Fact { qualifiers, .. }) = deprecated else { panic!() };
    let until = "http://www.wikidata.org/prop/direct/P582".to_owned();
    assert_eq!(qualifiers[0], (until, Object::Date("196X".into())));
    assert_eq!(qualifiers[1].1, Object::Unknown);
}

#[test]
fn properties_redirects_and_lexemes_are_told_apart() {
    let (statements, bad) = read(ADAMS, languages(&["en"]));
    assert_eq!(bad, []);
    assert_eq!(descriptions(&statements, "P31"), ["Property  -", "Label instance of en", "Alias is a en"]);
    assert_eq!(descriptions(&statements, "Q4200"), ["Redirect http://www.wikidata.org/entity/Q42 -"]);
    assert!(!statements.iter().any(|statement| format!("{statement:?}").contains("L99")));
    // What is said of a property is no fact.
    assert_eq!(objects(&statements, "P1647"), []);
}

#[test]
fn filters_keep_entities_whole() {
    let has = |filter: Filter| descriptions(&read(ADAMS, filter).0, "Q42").len() > 1;
    let types = |id: &str| Filter { types: vec![id.into()], ..languages(&["en"]) };
    let wikipedia = |wikipedia| Filter { wikipedia: Some(wikipedia), ..languages(&["en"]) };
    assert!(has(types("Q5")) && !has(types("Q6")));
    assert!(has(wikipedia(Wikipedia::Any)) && has(wikipedia(Wikipedia::In(Language::english()))));
    assert!(!has(wikipedia(Wikipedia::In(Language::new("fr")))));
    let nothing = read(ADAMS, types("Q6")).0;
    assert_eq!(descriptions(&nothing, "P31").len(), 3);

    let filter = Filter {
        predicates: vec!["P27".into()],
        without_predicates: vec!["P582".into()],
        without_deprecated: true,
        ..languages(&["en"])
    };
    let some = read(ADAMS, filter).0;
    let facts = some.iter().filter(|statement| matches!(statement, Statement::Fact { .. })).count();
    assert_eq!(facts, 1);
}

#[test]
fn without_a_filter_every_language_is_kept() {
    let (statements, _) = read(ADAMS, Filter::default());
    let names = descriptions(&statements, "Q42");
    assert_eq!(names.iter().filter(|name| name.starts_with("Label")).count(), 6, "{names:?}");
    assert!(statements.contains(&Statement::Description {
        about: "http://www.wikidata.org/entity/Q42".into(),
        what: Describes::Label,
        text: "Douglas Adams".into(),
        language: Some("fr".into()),
    }));
}

#[test]
fn a_dump_is_imported_packed_and_plain() {
    let folder = tempdir().unwrap();
    let lines: String = ADAMS
        .lines()
        .map(|line| line.trim_start_matches(['[', ']']).trim_end_matches(',').to_owned() + "\n")
        .collect();
    for (name, bytes) in [
        ("a.json.zst", zstd::stream::encode_all(ADAMS.as_bytes(), 1).unwrap()),
        ("b.jsonl", lines.into_bytes()),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let report =
            super::super::check(&file, &ImportOptions::default(), |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((report.bad, report.stated), (0, 17), "{name}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (json, reason) in [
        (r#"{"type":"item"}"#, "has no id"),
        (r#"{"type":"item","id":"x42"}"#, "\"x42\" is no id of an item"),
        (r#"{"type":"item","id":"Q1","labels":[1]}"#, "in the place of a map"),
        (r#"{"type":"item","id":"Q1","labels":{"en":{"language":"en","value":5}}}"#, "expected text"),
        (r#"{"type":"item","id":"Q1","claims":{"P1":[{"rank":"best","mainsnak":{}}]}}"#, "not an entity"),
        (r#"{"type":"item","id":"Q1""#, "EOF"),
        (r#"garbage"#, "not an entity"),
    ] {
        let (statements, bad) = read(json, Filter::default());
        assert_eq!((statements.len(), bad.len()), (0, 1), "{json}");
        assert!(bad[0].reason.contains(reason), "{}", bad[0].reason);
    }
    let deep =
        format!(r#"{{"type":"item","id":"Q1","labels":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&deep, Filter::default()).1.len(), 1);
    let deep = format!(
        r#"{{"type":"item","id":"Q1","other":{}1{}}}"#,
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    assert!(read(&deep, Filter::default()).1.len() <= 1);
}

/// Every place in a value, in order.
fn places(value: &mut Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter_mut().map(places).sum(),
        Value::Object(map) => map.values_mut().map(places).sum::<usize>(),
        _ => 0,
    }
}

/// Puts something else in the place with this number.
fn replace(value: &mut Value, place: &mut usize, by: &Value) -> bool {
    if *place == 0 {
        *value = by.clone();
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|inner| replace(inner, place, by)),
        Value::Object(map) => map.values_mut().any(|inner| replace(inner, place, by)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_is_wrong_in_an_entity_costs_its_line_at_most(
        place in any::<prop::sample::Index>(),
        by in prop_oneof![
            Just(json!(null)), Just(json!(true)), Just(json!(-1)), Just(json!(1e300)), Just(json!([])), Just(json!({})),
            Just(json!([[1]])), Just(json!({"a": {"b": []}})), Just(json!("")), Just(json!("+99999999999999999999-00-00T00:00:00Z")),
            "[+-]?[0-9Té:QP-]{0,24}".prop_map(Value::from),
        ],
    ) {
        let line = ADAMS.lines().nth(1).unwrap().trim_end_matches(',');
        let mut entity: Value = serde_json::from_str(line).unwrap();
        let mut place = place.index(places(&mut entity));
        replace(&mut entity, &mut place, &by);
        let (statements, bad) = read(&format!("{entity},\n{line}\n"), Filter::default());
        prop_assert!(bad.len() <= 1);
        prop_assert!(statements.len() > 10);
        prop_assert!(bad.iter().all(|bad| bad.line == 1));
    }

    #[test]
    fn a_line_cut_anywhere_is_one_bad_line(at in any::<prop::sample::Index>()) {
        let line = ADAMS.lines().nth(1).unwrap().trim_end_matches(',');
        let mut at = at.index(line.len() - 1).max(1);
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        prop_assert_eq!(read(&line[..at], Filter::default()).1.len(), 1);
    }
}
