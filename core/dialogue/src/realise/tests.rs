//! How relations are said, by the form of their labels; the whole table is `realisations.txt`, which `UPDATE_GOLDEN=1` writes anew.

use std::path::Path;
use std::sync::Arc;

use loquat_contract::{Entity, FactId, Language, Predicate, PredicateId, Templates, Unit};
use loquat_retrieve::{Most, Step};

use super::*;
use crate::conclusion::{Conclusion, Walk};
use crate::lexicon::Lexicons;

fn entity(name: &str) -> Arc<Entity> {
    Arc::new(Entity { id: name.into(), labels: vec![Label::plain(name)], ..Entity::default() })
}

fn predicate(label: &str) -> Arc<Predicate> {
    Arc::new(Predicate { id: label.into(), labels: vec![Label::plain(label)], ..Predicate::default() })
}

fn fact(subject: &str, predicate: &Arc<Predicate>, object: Value) -> Fact {
    let id = format!("{subject} {} {object:?}", predicate.id);
    Fact::new(FactId::from(id.as_str()), entity(subject), predicate.clone(), object, "test".into())
}

fn thing(name: &str) -> Value {
    Value::Entity(entity(name))
}

/// What a group of all the facts says.
fn said(facts: &[Fact], lists_subjects: bool, conclusion: Option<Conclusion>, language: &str) -> String {
    let lexicons = Lexicons::builtin().unwrap();
    let group = Group { facts: (0..facts.len()).collect(), lists_subjects, more: 0, conclusion };
    realise(facts, &group, lexicons.of(&Language::new(language))).unwrap().text
}

/// One fact, several objects, several subjects.
fn forms(label: &str, language: &str) -> Vec<String> {
    let predicate = predicate(label);
    let (one, two, other) = if language == "zh" { ("甲", "乙", "丙") } else { ("Alpha", "Beta", "Gamma") };
    let single = [fact(one, &predicate, thing(two))];
    let plural = [fact(one, &predicate, thing(two)), fact(one, &predicate, thing(other))];
    let subjects = [fact(one, &predicate, thing(two)), fact(other, &predicate, thing(two))];
    vec![
        said(&single, false, None, language),
        said(&plural, false, None, language),
        said(&subjects, true, None, language),
    ]
}

#[test]
fn relations_read_well_whatever_their_labels_look_like() {
    let english = [
        "capital",
        "directed_by",
        "written by",
        "starred_actors",
        "release_year",
        "in_language",
        "has_genre",
        "has_tags",
        "has_imdb_rating",
        "place of birth",
        "placeOfDeath",
        "owned by",
        "located in the administrative territorial entity",
        "spouse",
        "child",
        "educated at",
        "notable work",
        "position played on team",
        "headquarters location",
        "occupation",
        "country of origin",
        "location of formation",
        "record label",
        "language of work or name",
        "founded by",
        "member of",
        "capital of",
        "part of",
        "belongs_to",
        "borders",
        "is used by",
        "was awarded",
        "official languages",
        "GDP",
        "ISBN",
        "publishedIn",
        "named_after",
        "DIRECTED_BY",
        "Date of birth",
        "treats",
        "married",
        "also known as",
        "depends on",
        "close to",
        "author",
        "作者",
        "series",
        "influenced by",
        "based on",
        "film editor",
        "has part",
        "in",
    ];
    let chinese = [
        "首都",
        "出生日期",
        "作者",
        "外文名",
        "所属学院",
        "上映时间",
        "又名",
        "定 义",
        "毕业于",
        "位于",
        "包括",
        "isbn",
        "directed_by",
        "place of birth",
        "has_genre",
        "owned by",
        "接壤",
    ];
    let mut table = String::new();
    for (language, labels) in [("en", &english[..]), ("zh", &chinese[..])] {
        for label in labels {
            table.push_str(&format!("{label} ({language})\n"));
            forms(label, language).iter().for_each(|sentence| table.push_str(&format!("    {sentence}\n")));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/realise/realisations.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(table, golden, "where the new table is right, run this test with UPDATE_GOLDEN=1");
}

#[test]
fn the_graphs_own_templates_win() {
    let own =
        Templates { single: vec![Label::new("{subject}'s seat is {object}.", "en")], ..Templates::default() };
    let capital = Arc::new(Predicate { templates: own, ..(*predicate("capital")).clone() });
    let facts = [fact("Bhutan", &capital, thing("Thimphu"))];
    assert_eq!(said(&facts, false, None, "en"), "Bhutan's seat is Thimphu.");
    assert_eq!(said(&facts, false, None, "zh"), "Bhutan的首都是Thimphu。");
}

#[test]
fn dates_stand_behind_their_preposition() {
    let released = predicate("launched");
    let on = |date: &str| said(&[fact("Heat", &released, Value::Date(date.to_owned()))], false, None, "en");
    assert_eq!(on("1995-12-15"), "Heat was launched on 15 December 1995.");
    assert_eq!(on("1995"), "Heat was launched in 1995.");
    let born = predicate("born");
    let born = [fact("Ann", &born, Value::Date("1990-03-01".to_owned()))];
    assert_eq!(said(&born, false, None, "en"), "Ann was born on 1 March 1990.");
}

fn step(label: &str, inverse: bool) -> Step {
    Step { predicate: predicate(label), inverse }
}

fn walk(topic: &str, steps: &[(&str, bool)]) -> Walk {
    Walk { topic: entity(topic), steps: steps.iter().map(|(label, inverse)| step(label, *inverse)).collect() }
}

fn films() -> Vec<Fact> {
    let (directed, genre) = (predicate("directed_by"), predicate("has_genre"));
    vec![
        fact("Heat", &directed, thing("Michael Mann")),
        fact("Thief", &directed, thing("Michael Mann")),
        fact("Heat", &genre, thing("Crime")),
        fact("Thief", &genre, thing("Drama")),
    ]
}

#[test]
fn values_at_the_end_of_a_path_are_said_with_the_path() {
    let values = |walk, values: &[&str]| Conclusion::Values {
        walk,
        values: values.iter().map(|name| thing(name)).collect(),
        more: 0,
    };
    let genres = walk("Michael Mann", &[("directed_by", true), ("has_genre", false)]);
    let genres = values(genres, &["Crime", "Drama"]);
    assert_eq!(
        said(&films(), false, Some(genres.clone()), "en"),
        "The genres of those that were directed by Michael Mann are Crime and Drama."
    );
    assert_eq!(said(&films(), false, Some(genres), "zh"), "导演为Michael Mann者的类型有Crime和Drama。");
    let siblings = walk("Heat", &[("directed_by", false), ("directed_by", true)]);
    assert_eq!(
        said(&films(), false, Some(values(siblings, &["Thief"])), "en"),
        "Thief was directed by the director of Heat."
    );
    let third = walk("Heat", &[("directed_by", false), ("directed_by", true), ("has_genre", false)]);
    assert_eq!(
        said(&films(), false, Some(values(third, &["Drama"])), "en"),
        "The genre of those that were directed by the director of Heat is Drama."
    );
}

#[test]
fn counts_read_well_whatever_the_relation() {
    let count = |walk, count| Some(Conclusion::Count { walk, count });
    let forward = |label: &str, language: &str, n| {
        said(&films(), false, count(walk("Germany", &[(label, false)]), n), language)
    };
    assert_eq!(forward("borders", "en", 9), "Germany has 9 neighbours.");
    assert_eq!(forward("official language", "en", 1), "Germany has 1 official language.");
    assert_eq!(forward("has_tags", "en", 3), "Germany has 3 tags.");
    assert_eq!(forward("belongs to", "en", 2), "The number of those that Germany belongs to is 2.");
    assert_eq!(forward("官方语言", "zh", 2), "Germany有2个官方语言。");
    let directed = walk("Michael Mann", &[("directed_by", true)]);
    assert_eq!(
        said(&films(), false, count(directed.clone(), 2), "en"),
        "The number of those that were directed by Michael Mann is 2."
    );
    assert_eq!(said(&films(), false, count(directed, 2), "zh"), "导演为Michael Mann者共有2个。");
    let borders = Predicate {
        id: PredicateId::from("borders"),
        labels: vec![Label::new("接壤", "zh")],
        aliases: vec![Label::new("邻国", "zh")],
        ..Predicate::default()
    };
    let borders =
        Walk { topic: entity("德国"), steps: vec![Step { predicate: Arc::new(borders), inverse: false }] };
    assert_eq!(said(&films(), false, count(borders, 9), "zh"), "德国有9个邻国。");
}

#[test]
fn yes_and_no_come_with_their_facts() {
    let facts = [fact("Australia", &predicate("capital"), thing("Canberra"))];
    assert_eq!(
        said(&facts, false, Some(Conclusion::YesNo(false)), "en"),
        "No, the capital of Australia is Canberra."
    );
    assert_eq!(said(&facts, false, Some(Conclusion::YesNo(true)), "zh"), "是的，Australia的首都是Canberra。");
}

#[test]
fn the_greatest_is_said_with_its_value() {
    let area = Predicate {
        unit: Some(Unit { symbol: "km²".to_owned(), labels: Vec::new() }),
        ..(*predicate("area")).clone()
    };
    let area = Arc::new(area);
    let facts = [
        fact("Bhutan", &area, Value::number("38394", 38394.0)),
        fact("Nepal", &area, Value::number("147181", 147_181.0)),
    ];
    let extreme = |most, name: &str, among| {
        Some(Conclusion::Extreme { most, attribute: area.clone(), entities: vec![entity(name)], among })
    };
    assert_eq!(
        said(&facts, false, extreme(Most::Greatest, "Nepal", None), "en"),
        "Of Bhutan and Nepal, Nepal has the greatest area: 147,181 km² against 38,394 km²."
    );
    assert_eq!(
        said(&facts, false, extreme(Most::Least, "Bhutan", Some(walk("Asia", &[("part of", true)]))), "en"),
        "Of those that are part of Asia, Bhutan has the smallest area: 38,394 km²."
    );
    assert_eq!(
        said(&facts, false, extreme(Most::Greatest, "Nepal", None), "zh"),
        "在Bhutan和Nepal中，Nepal的area最大：147,181km²，其余为38,394km²。"
    );
}

#[test]
fn a_value_with_braces_stays_a_value() {
    assert_eq!(fill("{subject}: {object}", &[("subject", "{object}"), ("object", "x")]), "{object}: x");
    assert_eq!(fill("a { b {object}", &[("object", "x")]), "a { b x");
}

#[test]
fn only_words_in_lower_case_get_a_capital() {
    assert_eq!(capitalised("the Netherlands borders Belgium."), "The Netherlands borders Belgium.");
    assert_eq!(capitalised("iPhone 15 is in stock."), "iPhone 15 is in stock.");
}
