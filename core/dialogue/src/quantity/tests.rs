//! Measures that are equal, and those that are not.

use loquat_contract::{Entity, FactId, Label, Predicate};

use super::*;
use crate::lexicon::Lexicons;
use crate::words::words;

fn fact(object: Value, unit: Option<&str>) -> Fact {
    let unit = unit.map(|symbol| Unit { symbol: symbol.to_owned(), labels: vec![] });
    let subject = Entity { id: "s".into(), labels: vec![Label::plain("s")], ..Entity::default() };
    let predicate = Predicate { unit, ..Predicate::default() };
    Fact::new(FactId::from("f"), subject.into(), predicate.into(), object, "test".into())
}

fn number(value: f64) -> Value {
    Value::number(value.to_string(), value)
}

fn agrees(language: &str, sentence: &str, fact: &Fact) -> bool {
    let lexicons = Lexicons::builtin().unwrap();
    let lexicon = lexicons.of(&Language::new(language));
    let units = Units::new(lexicon, std::slice::from_ref(fact));
    let words = words(sentence, &lexicon.language);
    let known = units.of_fact(fact).unwrap();
    let said: Vec<Measure> = (0..words.len())
        .find_map(|at| units.measure_at(sentence, &words, at))
        .map(|(m, _)| m)
        .into_iter()
        .collect();
    said.iter().any(|said| said.agrees_with(&known))
}

#[test]
fn durations_compare_across_units() {
    let warranty = fact(number(24.0), Some("months"));
    assert!(agrees("en", "24 months", &warranty));
    assert!(agrees("en", "two years", &warranty));
    assert!(agrees("en", "1 year and 12 months", &warranty));
    assert!(!agrees("en", "1 year, 1 month", &warranty));
    assert!(!agrees("en", "24 days", &warranty));
    assert!(!agrees("en", "about 20 months", &warranty));
    assert!(!agrees("en", "24", &warranty));
    assert!(agrees("zh", "两年", &warranty));
    assert!(agrees("zh", "24个月", &warranty));
}

#[test]
fn rounding_counts_only_where_it_is_announced() {
    let population = fact(number(5_223_100.0), None);
    assert!(agrees("en", "about 5.2 million", &population));
    assert!(!agrees("en", "5.2 million", &population));
    assert!(!agrees("en", "about 5 million", &population));
    assert!(!agrees("en", "-5,223,100", &population));
    assert!(agrees("en", "5,223,100", &population));
    assert!(!agrees("en", "5,223,000", &population));
    assert!(agrees("en", "about 5,220,000", &population));
    assert!(!agrees("en", "5.3 million", &population));
    assert!(agrees("zh", "约522万", &population));
}

#[test]
fn money_and_area_have_symbols() {
    let price = fact(number(129.0), Some("EUR"));
    assert!(agrees("en", "€129", &price));
    assert!(agrees("en", "129.00 euros", &price));
    assert!(!agrees("en", "$129", &price));
    let area = fact(number(38394.0), Some("km²"));
    assert!(agrees("en", "38,394 km²", &area));
    assert!(agrees("en", "38394 square kilometres", &area));
    assert!(!agrees("en", "38,394 square miles", &area));
}

#[test]
fn dates_agree_part_by_part() {
    let delivery = fact(Value::Date("2026-12-03".to_owned()), None);
    for said in ["3 December 2026", "December 3, 2026", "3rd of December", "2026-12-03", "Dec 3"] {
        assert!(agrees("en", said, &delivery), "{said}");
    }
    assert!(!agrees("en", "4 December 2026", &delivery));
    assert!(!agrees("en", "3 December 2025", &delivery));
    assert!(agrees("zh", "2026年12月3日", &delivery));
    assert!(!agrees("zh", "12月4日", &delivery));
}
