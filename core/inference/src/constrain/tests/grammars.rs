//! Regular expressions, JSON schemas and grammars.

use loquat_contract::Constraint;
use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

use super::Model;
use crate::InferenceError;
use crate::constrain::Ending;

const SCHEMA: &str = r##"{
    "type": "object",
    "properties": {
        "city": {"enum": ["Paris", "廷布", "🐉"]},
        "people": {"type": "integer", "minimum": 1, "maximum": 9999},
        "capital": {"type": "boolean"},
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}, "maxItems": 3}
    },
    "$defs": {"name": {"type": "string", "maxLength": 5}},
    "required": ["city", "people", "capital"],
    "additionalProperties": false
}"##;

/// What `SCHEMA` says.
fn valid(text: &str) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return false };
    let names = |names: &Value| {
        let short = |name: &Value| name.as_str().is_some_and(|name| name.chars().count() <= 5);
        names.as_array().is_some_and(|names| names.len() <= 3 && names.iter().all(short))
    };
    object.iter().all(|(key, value)| match key.as_str() {
        "city" => ["Paris", "廷布", "🐉"].contains(&value.as_str().unwrap_or_default()),
        "people" => value.as_u64().is_some_and(|people| (1..10_000).contains(&people)),
        "capital" => value.is_boolean(),
        "names" => names(value),
        _ => false,
    }) && ["city", "people", "capital"].iter().all(|key| object.contains_key(*key))
}

const PATTERNS: [&str; 6] = [
    r"\d{4}-\d{2}-\d{2}",
    "(yes|no|也许)[.。!]?",
    "(?i)thimphu|[不丹]{2,4}",
    "(🐉|龙)+( the (🐉|龙))*",
    r#"[^"\n]{0,6}/x{2}"#,
    r"[a-c]*?d",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn written_json_is_valid(seed: u64, force: bool, byte_level: bool) {
        let model = if byte_level { Model::byte_level() } else { Model::sentencepiece() };
        let text = model.write(&Constraint::JsonSchema(SCHEMA.to_owned()), seed, force);
        prop_assert!(text.as_deref().is_some_and(valid), "{text:?}");
    }

    #[test]
    fn written_text_matches(seed: u64, force: bool, byte_level: bool, pattern in prop::sample::select(&PATTERNS[..])) {
        let model = if byte_level { Model::byte_level() } else { Model::sentencepiece() };
        let whole = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        if let Some(text) = model.write(&Constraint::Regex(pattern.to_owned()), seed, force) {
            prop_assert!(whole.is_match(&text), "{text:?} for {pattern}");
        }
    }
}

/// Whether a mask of `constraint` lets the tokens of `text` through, and an end behind them.
fn takes(model: &Model, constraint: &Constraint, text: &str) -> bool {
    let mut mask = model.mask(constraint);
    let ids = model.tokenizer.encode(text).unwrap();
    ids.iter().all(|&id| mask.mask().is_ok_and(|mask| mask.is_allowed(id)) && mask.commit(id).is_ok())
        && mask.ending() != Ending::Forbidden
}

#[test]
fn what_matches_can_be_written() {
    let model = Model::byte_level();
    for (pattern, text) in [
        (r"\d{4}-\d{2}-\d{2}", "1907-12-17"),
        ("(yes|no|也许)[.。!]?", "也许。"),
        ("(?i)thimphu|[不丹]{2,4}", "tHIMPHU"),
        ("(🐉|龙)+( the (🐉|龙))*", "🐉龙 the 龙 the 🐉"),
        (r"[a-c]*?d", "abcd"),
    ] {
        assert!(takes(&model, &Constraint::Regex(pattern.to_owned()), text), "{pattern}: {text}");
        assert!(!takes(&model, &Constraint::Regex(pattern.to_owned()), "~"), "{pattern}");
    }
    let json = r#"{"city": "廷布", "people": 99, "capital": true, "names": ["a\n", "不丹"]}"#;
    assert!(valid(json));
    assert!(takes(&model, &Constraint::JsonSchema(SCHEMA.to_owned()), json));
    let grammar = "start: \"the \" NAME (\" and \" NAME)*\nNAME: /[A-Z][a-z]+/";
    assert!(takes(&model, &Constraint::Lark(grammar.to_owned()), "the Dragon and Loquat"));
    assert!(!takes(&model, &Constraint::Lark(grammar.to_owned()), "the Dragon and"));
}

#[test]
fn a_value_ends_by_itself() {
    let model = Model::byte_level();
    let mut mask = model.mask(&Constraint::JsonSchema(r#"{"const": {"a": 1}}"#.to_owned()));
    let forced = mask.forced();
    assert_eq!(model.text(&forced), r#"{"a": 1}"#);
    for id in forced {
        mask.commit(id).unwrap();
    }
    assert_eq!(mask.ending(), Ending::Forced);
    assert_eq!(mask.mask().unwrap().to_list(), [model.eos]);
}

#[test]
fn sources_that_are_wrong_are_refused() {
    let model = Model::byte_level();
    for (constraint, says) in [
        (
            Constraint::Regex("(a".to_owned()),
            "the regular expression \"(a\", cannot be used: unclosed group; correct",
        ),
        (Constraint::Regex("a(?=b)".to_owned()), "cannot be used: look-around"),
        (Constraint::Regex(r"\bwhole\b".to_owned()), "lookarounds not supported"),
        (Constraint::JsonSchema("{".to_owned()), "EOF while parsing"),
        (Constraint::JsonSchema(r#"{"type": "sentence"}"#.to_owned()), "sentence"),
        (Constraint::JsonSchema("false".to_owned()), "the JSON schema"),
        (Constraint::JsonSchema(r##"{"$ref": "http://localhost/other"}"##.to_owned()), "the JSON schema"),
        (Constraint::Lark("start: missing".to_owned()), "at 1(8): unknown name: \"missing\"; correct"),
        (Constraint::Lark(String::new()), "the grammar"),
        (Constraint::Regex("a".repeat(300 << 10)), "has more than"),
    ] {
        let error = model.compiler.compile(&constraint).err().unwrap();
        assert!(matches!(error, InferenceError::Constraint { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().len() < 2000, "{error}");
    }
}

#[test]
fn schemas_that_refer_to_one_another_are_read_however_deep_they_go() {
    let model = Model::byte_level();
    let chain = |begin: &str, end: &str| {
        let step = |n: usize| format!(r##""d{n}":{begin}{{"$ref":"#/$defs/d{}"}}{end}"##, n + 1);
        let steps: Vec<String> = (0..3000).map(step).collect();
        let steps = steps.join(",");
        format!(r##"{{"$defs":{{{steps},"d3000":{{"type":"string"}}}},"$ref":"#/$defs/d0"}}"##)
    };
    for schema in [chain("", ""), chain(r#"{"type":"array","items":"#, "}")] {
        // What comes of it is of no matter: once, the process ended here.
        let _read = model.compiler.compile(&Constraint::JsonSchema(schema)).map(drop);
    }
}
