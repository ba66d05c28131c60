//! Answers that are computed: counts, yes or no, comparisons, superlatives, bounds of time.

use loquat_contract::Language;

use super::super::{Computed, Most, Outcome, RetrieveOptions, Shape};
use super::{best, facts, films, retrieve, retrieve_with};

fn rivers() -> Vec<loquat_contract::Fact> {
    facts(
        "Ebro | country | Spain
        Ebro | instance of | river
        Ebro | length | 930
        Tagus | country | Spain
        Tagus | instance of | river
        Tagus | length | 1007
        Madrid | country | Spain
        Madrid | instance of | city
        Madrid | length | 2000
        Rhine | country | Germany
        Rhine | instance of | river
        Rhine | length | 1230",
    )
}

fn named(computed: &Computed) -> Vec<String> {
    let Outcome::Extreme { entities, .. } = &computed.outcome else { panic!("{:?}", computed.outcome) };
    entities.iter().map(|entity| entity.label(&Language::english()).to_owned()).collect()
}

#[tokio::test]
async fn lists_are_whole() {
    let found = retrieve(films(), "Which movies did Michael Mann direct?").await;
    assert_eq!(found.shape, Shape::List);
    assert_eq!(best(&found), ["Ali", "Heat", "Thief"]);
    assert!(!found.groups[0].truncated);
}

#[tokio::test]
async fn counts_come_with_what_was_counted() {
    let found = retrieve(films(), "How many films did Michael Mann direct?").await;
    let computed = found.computed.unwrap();
    assert_eq!(computed.outcome, Outcome::Count { count: 3, at_least: false });
    assert_eq!(computed.facts.len(), 3);

    let found = retrieve(films(), "How many films did Michael Mann direct before 2000?").await;
    let computed = found.computed.unwrap();
    assert_eq!(computed.outcome, Outcome::Count { count: 2, at_least: false });
    // Two films, and when each came out.
    assert_eq!(computed.facts.len(), 4);
}

#[tokio::test]
async fn a_number_in_the_graph_is_not_counted() {
    let found = retrieve(facts("Bhutan | population | 777000"), "How many people live in Bhutan?").await;
    assert_eq!((found.shape, found.computed.is_none()), (Shape::Value, true));
    assert_eq!(best(&found), ["777000"]);
}

#[tokio::test]
async fn one_value_with_figures_is_no_list_to_be_counted() {
    for (graph, question) in [
        ("磁盘X1 | 转速 | 7200rpm", "磁盘X1的转速为多少？"),
        ("登山社 | 会员 | 3500余人", "登山社有多少会员？"),
    ] {
        let found = retrieve(facts(graph), question).await;
        assert_eq!((found.shape, found.computed.is_none()), (Shape::Value, true), "{question}");
        assert_eq!(best(&found).len(), 1, "{question}");
    }
    // Two members are counted.
    let found = retrieve(facts("登山社 | 会员 | 张三\n登山社 | 会员 | 李四"), "登山社有多少会员？").await;
    assert_eq!(found.computed.unwrap().outcome, Outcome::Count { count: 2, at_least: false });
}

#[tokio::test]
async fn chinese_relations_are_said_in_parts_and_by_other_words() {
    let graph = "长桥 | 开工时间 | 1990-05-01
        长桥 | 竣工时间 | 1993-05-01
        长桥 | 主要用途 | 公路
        长桥 | 桥面宽度 | 30米";
    for (question, answer) in [
        ("长桥是啥时候开始动工的？", "1990-05-01"),
        ("长桥何时建成？", "1993-05-01"),
        ("长桥有什么用途？", "公路"),
        ("长桥的桥面有多宽？", "30米"),
    ] {
        assert_eq!(best(&retrieve(facts(graph), question).await), [answer], "{question}");
    }
}

#[tokio::test]
async fn yes_and_no_are_told_by_the_facts() {
    let yes = retrieve(films(), "Did Michael Mann direct Heat?").await.computed.unwrap();
    assert_eq!(yes.outcome, Outcome::YesNo(true));
    assert_eq!(yes.facts.len(), 1);
    let no = retrieve(films(), "Was Heat directed by Christopher Nolan?").await.computed.unwrap();
    assert_eq!(no.outcome, Outcome::YesNo(false));
    assert_eq!(no.facts[0].object.text(&Language::english()), "Michael Mann");
    let landlocked = facts("Bhutan | landlocked | true\nSpain | landlocked | false");
    let found = retrieve(landlocked.clone(), "Is Bhutan landlocked?").await;
    assert_eq!(found.computed.unwrap().outcome, Outcome::YesNo(true));
    let found = retrieve(landlocked, "Is Spain landlocked?").await;
    assert_eq!(found.computed.unwrap().outcome, Outcome::YesNo(false));
}

#[tokio::test]
async fn two_are_compared() {
    let longer = retrieve(rivers(), "Which is longer, the Ebro or the Rhine?").await;
    assert_eq!(longer.shape, Shape::Comparison(Most::Greatest));
    let computed = longer.computed.unwrap();
    assert_eq!(named(&computed), ["Rhine"]);
    assert_eq!(computed.facts.len(), 2);
    let older = retrieve(films(), "Is Al Pacino older than Val Kilmer?").await;
    assert_eq!(older.computed.unwrap().outcome, Outcome::YesNo(true));
    let younger = retrieve(films(), "Who is younger, Al Pacino or Val Kilmer?").await;
    assert_eq!(named(&younger.computed.unwrap()), ["Val Kilmer"]);
    // Michael Mann's birth is not in the graph, so nothing is claimed.
    assert_eq!(retrieve(films(), "Is Al Pacino older than Michael Mann?").await.computed, None);
}

#[tokio::test]
async fn amounts_in_different_units_are_not_compared() {
    let mut lakes = facts("Como | depth | 425\nGarda | depth | 346");
    if let loquat_contract::Value::Number { unit, .. } = &mut lakes[0].object {
        *unit =
            Some(std::sync::Arc::new(loquat_contract::Unit { symbol: "ft".to_owned(), labels: Vec::new() }));
    }
    assert_eq!(retrieve(lakes, "Which is deeper, Como or Garda?").await.computed, None);
}

#[tokio::test]
async fn the_most_of_a_list_is_found_among_things_of_the_kind() {
    let found = retrieve(rivers(), "What is the longest river in Spain?").await;
    assert_eq!(found.shape, Shape::Superlative(Most::Greatest));
    let computed = found.computed.unwrap();
    // Madrid is longer in this graph, and no river.
    assert_eq!(named(&computed), ["Tagus"]);
    assert!(computed.facts.len() >= 3, "{:?}", computed.facts);
    let first = retrieve(films(), "What was the first film by director Michael Mann?").await;
    assert_eq!(named(&first.computed.unwrap()), ["Thief"]);
}

#[tokio::test]
async fn nothing_is_the_greatest_of_a_list_that_was_cut() {
    let mut many = rivers();
    let more: String =
        (0..60).map(|n| format!("River{n} | country | Spain\nRiver{n} | length | {n}\n")).collect();
    many.extend(facts(&more));
    let question = "What is the longest river in Spain?";
    let found = retrieve(many.clone(), question).await;
    assert!(matches!(found.computed.unwrap().outcome, Outcome::Extreme { .. }));
    let options = RetrieveOptions { fan_out: 20, ..RetrieveOptions::default() };
    assert_eq!(retrieve_with(many.clone(), question, options).await.computed, None);
    // The list is whole, but not all its members could be read.
    let options = RetrieveOptions { lookups: 30, ..RetrieveOptions::default() };
    assert_eq!(retrieve_with(many, question, options).await.computed, None);
}

#[tokio::test]
async fn time_bounds_a_list() {
    let found = retrieve(films(), "Which movies did Michael Mann direct between 1990 and 2010?").await;
    let computed = found.computed.unwrap();
    let Outcome::Within(values) = &computed.outcome else { panic!("{:?}", computed.outcome) };
    let mut names: Vec<String> = values.iter().map(|value| value.text(&Language::english())).collect();
    names.sort();
    assert_eq!(names, ["Ali", "Heat"]);
}

#[tokio::test]
async fn when_asks_for_a_date() {
    let found = retrieve(films(), "When was Al Pacino born?").await;
    assert_eq!(found.shape, Shape::Date);
    assert_eq!(best(&found), ["1940-04-25"]);
}
