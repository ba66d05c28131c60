//! Counts, comparisons, superlatives, and answers of yes or no.

use loquat_contract::Language;
use loquat_retrieve::Step;

use super::*;
use crate::conclusion::{Conclusion, Walk};
use crate::ground::Group;
use crate::verify::Verifier;

fn countries() -> Vec<Fact> {
    let borders = verb("borders", "接壤");
    let area = predicate("area", "面积", &[], Some("km²"));
    let population = predicate("population", "人口", &[], None);
    let nepal = entity("Nepal", "尼泊尔", &[]);
    let algeria = entity("Algeria", "阿尔及利亚", &[]);
    let mut facts = vec![
        fact(&bhutan(), &borders, Value::Entity(entity("China", "中国", &[]))),
        fact(&bhutan(), &borders, Value::Entity(entity("India", "印度", &[]))),
    ];
    for (country, size, people) in [
        (&bhutan(), 38394.0, 780_000.0),
        (&nepal, 147_181.0, 29_600_000.0),
        (&algeria, 2_381_741.0, 45_000_000.0),
    ] {
        facts.push(fact(country, &area, number(size)));
        facts.push(fact(country, &population, number(people)));
    }
    facts
}

fn checked(language: &str, facts: &[Fact], lists: &[Vec<usize>], sentence: &str) -> Verdict {
    Verifier::new().unwrap().evidence(facts, lists, &Language::new(language)).check(sentence).verdict
}

#[test]
fn what_is_counted_is_counted_again() {
    let facts = countries();
    for (language, sentence, verdict) in [
        ("en", "Bhutan borders two countries.", Verdict::Supported),
        ("en", "Bhutan has 2 neighbours.", Verdict::Supported),
        ("en", "Bhutan has exactly two neighbouring countries.", Verdict::Supported),
        ("en", "The number of countries that Bhutan borders is two.", Verdict::Supported),
        ("en", "Bhutan borders three countries.", Verdict::Contradicted),
        ("en", "Bhutan has one neighbour.", Verdict::Contradicted),
        ("en", "Bhutan borders two oceans.", Verdict::Unsupported),
        ("en", "Two countries border China.", Verdict::Unsupported),
        ("en", "Two countries border Bhutan.", Verdict::Unsupported),
        ("en", "China borders one country.", Verdict::Unsupported),
        ("en", "Bhutan borders more than two countries.", Verdict::Unsupported),
        ("en", "Bhutan borders about two countries.", Verdict::Unsupported),
        ("en", "Bhutan borders two rich countries.", Verdict::Unsupported),
        ("en", "Does Bhutan border two countries?", Verdict::Unsupported),
        ("zh", "不丹有两个邻国。", Verdict::Supported),
        ("zh", "不丹一共有2个邻国。", Verdict::Supported),
        ("zh", "不丹与两个国家接壤。", Verdict::Supported),
        ("zh", "不丹有三个邻国。", Verdict::Contradicted),
        ("zh", "不丹与五个国家接壤。", Verdict::Contradicted),
        ("zh", "中国有两个邻国。", Verdict::Unsupported),
        ("zh", "不丹有两个首都。", Verdict::Unsupported),
        ("zh", "不丹没有两个邻国。", Verdict::Unsupported),
    ] {
        let found = checked(language, &facts, &[vec![0, 1]], sentence);
        assert_eq!(found, verdict, "{sentence}");
    }
    // A list that may be cut is not counted.
    assert!(checked("en", &facts, &[], "Bhutan borders two countries.").is_doubtful());
    assert!(checked("en", &facts, &[vec![0]], "Bhutan borders one country.").is_doubtful());
}

#[test]
fn what_is_compared_is_compared_again() {
    let facts = countries();
    for (language, sentence, verdict) in [
        ("en", "Nepal is larger than Bhutan.", Verdict::Supported),
        ("en", "Bhutan is smaller than Nepal.", Verdict::Supported),
        ("en", "Bhutan is larger than Nepal.", Verdict::Contradicted),
        ("en", "Nepal has a larger population than Bhutan.", Verdict::Supported),
        ("en", "The population of Nepal is smaller than that of Algeria.", Verdict::Supported),
        ("en", "Nepal's area is greater than Algeria's.", Verdict::Contradicted),
        ("en", "Algeria is more populous than Nepal.", Verdict::Supported),
        ("en", "Of Nepal, Bhutan and Algeria, Algeria is the largest.", Verdict::Supported),
        ("en", "Algeria is the largest of the three.", Verdict::Supported),
        ("en", "Bhutan has the smallest population of Nepal, Bhutan and Algeria.", Verdict::Supported),
        ("en", "Nepal is the largest of Nepal, Bhutan and Algeria.", Verdict::Contradicted),
        ("en", "Algeria is the largest.", Verdict::Unsupported),
        ("en", "Algeria is the largest country in the world.", Verdict::Unsupported),
        ("en", "Algeria is the largest of the four.", Verdict::Unsupported),
        ("en", "Algeria is the richest of the three.", Verdict::Unsupported),
        ("en", "Algeria is larger than France.", Verdict::Unsupported),
        ("en", "Nepal is much larger than Bhutan.", Verdict::Unsupported),
        ("en", "Nepal is older than Bhutan.", Verdict::Unsupported),
        ("en", "Nepal was larger than Bhutan.", Verdict::Unsupported),
        ("en", "Nepal is twice larger than Bhutan.", Verdict::Unsupported),
        ("zh", "尼泊尔比不丹大。", Verdict::Supported),
        ("zh", "不丹的人口比尼泊尔少。", Verdict::Supported),
        ("zh", "不丹的面积大于尼泊尔。", Verdict::Contradicted),
        ("zh", "在不丹、尼泊尔和阿尔及利亚中，阿尔及利亚的面积最大。", Verdict::Supported),
        ("zh", "不丹、尼泊尔和阿尔及利亚中，不丹最大。", Verdict::Contradicted),
        ("zh", "尼泊尔不比不丹大。", Verdict::Unsupported),
        ("zh", "尼泊尔比不丹古老。", Verdict::Unsupported),
        ("zh", "阿尔及利亚最大。", Verdict::Unsupported),
    ] {
        let found = checked(language, &facts, &[], sentence);
        assert_eq!(found, verdict, "{sentence}");
    }
}

/// "Larger" is of the area; with the population alone, nobody knows.
#[test]
fn an_adjective_compares_by_its_own_relation() {
    let facts: Vec<Fact> =
        countries().into_iter().filter(|fact| fact.predicate.id.as_str() == "population").collect();
    assert_eq!(checked("en", &facts, &[], "Nepal is larger than Bhutan."), Verdict::Unsupported);
    assert_eq!(checked("en", &facts, &[], "Nepal is more populous than Bhutan."), Verdict::Supported);
}

#[test]
fn a_yes_or_no_has_to_be_the_one_concluded() {
    let facts = bhutan_facts();
    let lexicons = Lexicons::builtin().unwrap();
    let check = |holds: bool, sentence: &str| {
        let conclusion = Some(Conclusion::YesNo(holds));
        let group = Group { facts: vec![0], lists_subjects: false, more: 0, conclusion };
        let evidence = Evidence::new(&facts[..1], vec![vec![0]], lexicons.of(&Language::english()));
        evidence.concluding(&[group]).check(sentence)
    };
    let sentence = "Yes, the capital of Bhutan is Thimphu.";
    let finding = check(true, sentence);
    assert_eq!(finding.verdict, Verdict::Supported);
    assert!(finding.spans.iter().any(|span| &sentence[span.start..span.end] == "Thimphu"));
    assert_eq!(check(true, "Yes.").verdict, Verdict::Supported);
    assert_eq!(check(false, "No, the capital of Bhutan is Thimphu.").verdict, Verdict::Supported);
    for (holds, sentence) in [
        (false, "Yes, the capital of Bhutan is Thimphu."),
        (true, "No."),
        (true, "No, it is Paro."),
        (true, "Yes, the capital of Bhutan is Paro."),
        (true, "Yes?"),
        (true, "Yes and no."),
    ] {
        assert!(check(holds, sentence).verdict.is_doubtful(), "{holds} {sentence}");
    }
}

#[test]
fn a_count_that_was_concluded_may_be_said() {
    let facts = countries();
    let lexicons = Lexicons::builtin().unwrap();
    let check = |count: usize, sentence: &str| {
        let steps = vec![Step { predicate: facts[0].predicate.clone(), inverse: false }];
        let conclusion = Some(Conclusion::Count { walk: Walk { topic: bhutan(), steps }, count });
        let group = Group { facts: vec![0, 1], lists_subjects: false, more: 0, conclusion };
        let evidence = Evidence::new(&facts[..2], vec![vec![0, 1]], lexicons.of(&Language::english()));
        evidence.concluding(&[group]).check(sentence).verdict
    };
    assert_eq!(check(2, "Bhutan borders two countries."), Verdict::Supported);
    assert_eq!(check(2, "Bhutan borders four countries."), Verdict::Contradicted);
    assert_eq!(check(7, "Bhutan borders two countries."), Verdict::Unsupported);
}
