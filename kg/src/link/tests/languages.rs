//! Names as people write them in English, Chinese, German and mixed text, where they overlap, and where they are misspelt.

use super::{Tested, entity, index_of};

fn index() -> Tested {
    let english: [(&str, &[&str]); 26] = [
        ("New York", &[]),
        ("New York City", &[]),
        ("City Council", &[]),
        ("University of Oxford", &[]),
        ("Oxford Brookes University", &["Oxford Brookes"]),
        ("The Beatles", &[]),
        ("Queen Victoria", &[]),
        ("Trinidad and Tobago", &[]),
        ("Simon & Garfunkel", &[]),
        ("country", &[]),
        ("wife", &[]),
        ("wolf", &[]),
        ("child", &[]),
        ("policeman", &[]),
        ("person", &[]),
        ("goose", &[]),
        ("bus", &[]),
        ("tooth", &[]),
        ("Spider-Man", &[]),
        ("O'Reilly", &[]),
        ("Margaret Wade", &[]),
        ("Wade", &[]),
        ("The Mock Turtles", &[]),
        ("Mock Turtle", &[]),
        ("Tokyo", &["東京"]),
        ("GPT-4", &[]),
    ];
    let german: [(&str, &[&str]); 7] = [
        ("Deutschland", &[]),
        ("Straße der Nationen", &[]),
        ("Köln", &[]),
        ("Max Weiß", &[]),
        ("Sprache", &[]),
        ("Berlin", &[]),
        ("Lehrerin", &[]),
    ];
    let chinese: [(&str, &[&str]); 8] = [
        ("中国", &["China"]),
        ("中国人民银行", &[]),
        ("人民银行", &[]),
        ("北京", &["Peking"]),
        ("北京大学", &[]),
        ("机械设计", &[]),
        ("道什", &[]),
        ("圣", &[]),
    ];
    let all = english.iter().map(|name| (name, "en")).chain(german.iter().map(|name| (name, "de")));
    let all = all.chain(chinese.iter().map(|name| (name, "zh-hans")));
    index_of(all.map(|((name, aliases), language)| (entity(name, &[(name, language)], aliases), 5)).collect())
}

#[track_caller]
fn assert_linked(text: &str, expected: &[&str]) {
    let index = index();
    let found: Vec<&str> = index.link(text).into_iter().map(|found| &text[found.range]).collect();
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn assert_unlinked(text: &str, linked: &[&str], unlinked: &[&str]) {
    assert_linked(text, linked);
    let names = index().resolve(text, None, &[]);
    let found: Vec<&str> = names.unlinked.into_iter().map(|range| &text[range]).collect();
    assert_eq!(found, unlinked, "{text}");
}

#[test]
fn of_names_that_overlap_those_that_explain_most_stand() {
    assert_linked("ask the New York City Council", &["New York", "City Council"]);
    assert_linked("ask the New York City mayor", &["New York City"]);
    assert_linked("at the University of Oxford", &["University of Oxford"]);
    assert_linked("at Oxford Brookes now", &["Oxford Brookes"]);
    assert_linked("What do The Mock Turtles play?", &["The Mock Turtles"]);
}

#[test]
fn a_part_of_a_longer_name_is_not_taken_for_it() {
    assert_unlinked("Is Berlin Philharmonic good?", &[], &["Berlin Philharmonic"]);
    assert_unlinked("the University of Oxford Brookes Wobble", &[], &["University of Oxford Brookes Wobble"]);
    assert_unlinked("Who is Ralph Wade?", &[], &["Ralph Wade"]);
    assert_unlinked("Who is Berlin Wade's child?", &["child"], &["Berlin Wade"]);
    assert_unlinked("Tell me about Narnia, please", &[], &["Narnia"]);
    assert_unlinked("请问《机械设计基础》的作者是谁？", &[], &["机械设计基础"]);
    assert_unlinked("請問「機械設計」的作者是誰？", &["機械設計"], &[]);
}

#[test]
fn titles_and_small_words_make_no_longer_name() {
    assert_unlinked("Where is President Wade?", &["Wade"], &[]);
    assert_unlinked("Where is the Republic of Berlin?", &["Berlin"], &[]);
    assert_unlinked("from Berlin to Narnia", &["Berlin"], &["Narnia"]);
    assert_unlinked("Wie groß ist die Stadt Berlin?", &["Berlin"], &[]);
    assert_unlinked("WHERE IS BERLIN NOW?", &["BERLIN"], &[]);
    assert_unlinked("Where Is The Berlin Of The North", &["Berlin"], &[]);
}

#[test]
fn possessives_in_three_forms() {
    assert_linked("Queen Victoria's child", &["Queen Victoria", "child"]);
    assert_linked("the Beatles' songs", &["the Beatles"]);
    assert_linked("the Beatles’ songs", &["the Beatles"]);
    assert_linked("Wie heißt Deutschlands Hauptstadt?", &["Deutschlands"]);
    assert_linked("O’Reilly's books", &["O’Reilly"]);
}

#[test]
fn plurals_of_several_kinds() {
    for plural in
        ["countries", "wives", "wolves", "children", "policemen", "people", "geese", "buses", "teeth"]
    {
        assert_linked(&format!("how many {plural} are there"), &[plural]);
    }
    assert_linked("Wie viele Sprachen gibt es?", &["Sprachen"]);
    assert_linked("Wie viele Lehrerinnen gibt es?", &["Lehrerinnen"]);
}

#[test]
fn letters_with_and_without_marks() {
    assert_linked("Strasse der Nationen", &["Strasse der Nationen"]);
    assert_linked("Max Weiss", &["Max Weiss"]);
    assert_linked("KÖLN, Koeln, Koln", &["KÖLN", "Koeln", "Koln"]);
    assert_linked("Ｂｅｒｌｉｎ！", &["Ｂｅｒｌｉｎ"]);
}

#[test]
fn signs_and_their_words() {
    assert_linked("Simon and Garfunkel sang", &["Simon and Garfunkel"]);
    assert_linked("Simon & Garfunkel sang", &["Simon & Garfunkel"]);
    assert_linked("Simon und Garfunkel sangen", &["Simon und Garfunkel"]);
    assert_linked("in Trinidad & Tobago", &["Trinidad & Tobago"]);
    assert_linked("Spider Man, Spider‑Man, Spider–Man", &["Spider Man", "Spider‑Man", "Spider–Man"]);
    assert_linked("I saw Spiderman", &["Spiderman"]);
}

#[test]
fn chinese_names_within_longer_runs() {
    assert_linked("中国人民银行在哪里？", &["中国人民银行"]);
    assert_linked("中國人民銀行在哪裡？", &["中國人民銀行"]);
    assert_linked("我在北京大学学习", &["北京大学"]);
    assert_linked("北京在中国吗", &["北京", "中国"]);
    assert_linked("你知道什么？", &[]);
    assert_linked("请问圣的部首是什么？", &["圣"]);
    assert_linked("神圣罗马", &[]);
}

#[test]
fn mixed_text() {
    assert_linked("我想去Tokyo和北京", &["Tokyo", "北京"]);
    assert_linked("GPT-4是中国的吗", &["GPT-4", "中国"]);
    assert_linked("Is 東京 in China?", &["東京", "China"]);
    assert_linked("🎉Berlin🎉 und 北京", &["Berlin", "北京"]);
}

#[test]
fn a_slip_in_a_longer_name_is_seen_before_its_parts() {
    assert_linked("Where did Margraet Wade die?", &["Margraet Wade"]);
    assert_linked("Where did Margaret Wdae die?", &["Margaret Wdae"]);
    assert_linked("Is Queen Vitcoria's child known?", &["Queen Vitcoria", "child"]);
    assert_linked("ask the Nwe York City Council", &["Nwe York", "City Council"]);
}
