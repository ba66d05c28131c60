//! Sentences of any kind against two facts: the check never panics, its spans lie within the sentence, and a sentence with a word that
//! neither a fact nor a language has is never supported.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use loquat_contract::{Entity, Fact, Label, Language, Predicate, Unit, Value, Verdict};
use loquat_dialogue::Verifier;

static VERIFIER: LazyLock<Option<Verifier>> = LazyLock::new(|| Verifier::new().ok());

fn named(en: &str, zh: &str) -> Arc<Entity> {
    Arc::new(Entity { id: en.into(), labels: vec![Label::new(en, "en"), Label::new(zh, "zh")], ..Entity::default() })
}

fn relation(en: &str, zh: &str, unit: Option<&str>) -> Arc<Predicate> {
    let unit = unit.map(|symbol| Unit { symbol: symbol.to_owned(), labels: Vec::new() });
    Arc::new(Predicate { id: en.into(), labels: vec![Label::new(en, "en"), Label::new(zh, "zh")], unit, ..Predicate::default() })
}

static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| {
    let bhutan = named("Bhutan", "不丹");
    let thimphu = Value::Entity(named("Thimphu", "廷布"));
    let area = Value::number("38394", 38394.0);
    vec![
        Fact::new("1".into(), bhutan.clone(), relation("capital", "首都", None), thimphu, "seed".into()),
        Fact::new("2".into(), bhutan, relation("area", "面积", Some("km²")), area, "seed".into()),
    ]
});

fuzz_target!(|data: &[u8]| {
    let (Ok(sentence), Some(verifier)) = (std::str::from_utf8(data), VERIFIER.as_ref()) else { return };
    for language in [Language::english(), Language::chinese()] {
        let evidence = verifier.evidence(&FACTS, &[vec![0], vec![1]], &language);
        let finding = evidence.check(sentence);
        for span in &finding.spans {
            assert!(sentence.get(span.start..span.end).is_some(), "a span outside of the sentence");
        }
        for unknown in ["Zyzzogeton ", "饕餮"] {
            let longer = format!("{unknown}{sentence}");
            assert_ne!(evidence.check(&longer).verdict, Verdict::Supported, "{longer}");
        }
    }
});
