//! Sentences that must pass, and those that must not.

mod computed;
mod whole_words;

use std::sync::Arc;

use loquat_contract::{Entity, Fact, Label, Language, Predicate, Templates, Unit, Value, Verdict};

use super::{Evidence, Finding};
use crate::lexicon::Lexicons;

fn entity(en: &str, zh: &str, aliases: &[&str]) -> Arc<Entity> {
    let labels = vec![Label::new(en, "en"), Label::new(zh, "zh")];
    let aliases = aliases.iter().map(|alias| Label::new(*alias, "en")).collect();
    Arc::new(Entity { id: en.into(), labels, aliases, ..Entity::default() })
}

/// A predicate that is said as "The P of S is O" and "O is the P of S".
fn predicate(en: &str, zh: &str, aliases: &[&str], unit: Option<&str>) -> Arc<Predicate> {
    let single =
        [format!("The {en} of {{subject}} is {{object}}."), format!("{{subject}}的{zh}是{{object}}。")];
    let inverse =
        [format!("{{object}} is the {en} of {{subject}}."), format!("{{object}}是{{subject}}的{zh}。")];
    said(en, zh, aliases, unit, single, inverse)
}

/// A predicate that is said as "S verb O".
fn verb(en: &str, zh: &str) -> Arc<Predicate> {
    let single = [format!("{{subject}} {en} {{object}}."), format!("{{subject}}与{{object}}{zh}。")];
    said(en, zh, &[], None, single.clone(), single)
}

fn said(
    en: &str,
    zh: &str,
    aliases: &[&str],
    unit: Option<&str>,
    single: [String; 2],
    inverse: [String; 2],
) -> Arc<Predicate> {
    let both = |[en, zh]: [String; 2]| vec![Label::new(en, "en"), Label::new(zh, "zh")];
    Arc::new(Predicate {
        id: en.into(),
        labels: vec![Label::new(en, "en"), Label::new(zh, "zh")],
        aliases: aliases.iter().map(|alias| Label::new(*alias, "en")).collect(),
        templates: Templates { single: both(single), inverse: both(inverse), ..Templates::default() },
        unit: unit.map(|symbol| Unit { symbol: symbol.to_owned(), labels: vec![] }),
    })
}

fn fact(subject: &Arc<Entity>, predicate: &Arc<Predicate>, object: Value) -> Fact {
    let id = format!("{} {} {}", subject.id, predicate.id, object.text(&Language::english()));
    Fact::new(id.as_str().into(), subject.clone(), predicate.clone(), object, "test".into())
}

fn number(value: f64) -> Value {
    Value::number(value.to_string(), value)
}

fn bhutan() -> Arc<Entity> {
    entity("Bhutan", "不丹", &["Bhutanese", "Kingdom of Bhutan"])
}

fn bhutan_facts() -> Vec<Fact> {
    let bhutan = bhutan();
    vec![
        fact(
            &bhutan,
            &predicate("capital", "首都", &["capital city"], None),
            Value::Entity(entity("Thimphu", "廷布", &[])),
        ),
        fact(
            &bhutan,
            &predicate("currency", "货币", &["money"], None),
            Value::Entity(entity("Bhutanese ngultrum", "努尔特鲁姆", &["ngultrum"])),
        ),
        fact(&bhutan, &predicate("area", "面积", &["size"], Some("km²")), number(38394.0)),
        fact(&bhutan, &predicate("landlocked", "内陆国", &[], None), Value::Boolean(true)),
    ]
}

fn check_in(language: &str, facts: &[Fact], groups: Vec<Vec<usize>>, sentence: &str) -> Finding {
    let lexicons = Lexicons::builtin().unwrap();
    Evidence::new(facts, groups, lexicons.of(&Language::new(language))).check(sentence)
}

/// Whether a sentence is let through: what is contradicted is as little supported as what no fact speaks of.
fn passes(verdict: Verdict) -> Verdict {
    if verdict.is_doubtful() { Verdict::Unsupported } else { verdict }
}

fn verdict(facts: &[Fact], sentence: &str) -> Verdict {
    passes(check_in("en", facts, vec![], sentence).verdict)
}

#[test]
fn a_currency_that_is_not_in_the_graph_is_caught() {
    let facts = &bhutan_facts()[1..2];
    assert_eq!(verdict(facts, "The currency used in Bhutan is the Bhutanese dollar."), Verdict::Unsupported);
    assert_eq!(verdict(facts, "The currency used in Bhutan is the Bhutanese ngultrum."), Verdict::Supported);
}

#[test]
fn a_name_that_ends_with_a_number_has_a_possessive_too() {
    let volume = entity("The Songbook, Vol. 1", "歌集", &[]);
    let label = predicate("record label", "唱片公司", &[], None);
    let facts = [fact(&volume, &label, Value::Entity(entity("Pablo Records", "帕布罗", &[])))];
    assert_eq!(verdict(&facts, "The Songbook, Vol. 1's record label is Pablo Records."), Verdict::Supported);
    let riot = entity("Teenage Riot: 1992–2000", "暴动", &[]);
    let years = [fact(&riot, &label, Value::Entity(entity("Digital Recordings", "数码", &[])))];
    let sentence = "Teenage Riot: 1992–2000's record label is Digital Recordings.";
    assert_eq!(verdict(&years, sentence), Verdict::Supported);
    assert_eq!(
        verdict(&facts, "The Songbook, Vol. 2's record label is Pablo Records."),
        Verdict::Unsupported
    );
    assert_eq!(
        verdict(&facts, "The Songbook, Vol. 1's record label is Verve Records."),
        Verdict::Unsupported
    );
}

#[test]
fn a_warranty_of_another_length_is_caught() {
    let headphones = entity("Aurora headphones", "极光耳机", &["Aurora"]);
    let facts = [fact(&headphones, &predicate("warranty", "保修", &[], Some("months")), number(24.0))];
    assert_eq!(
        verdict(&facts, "The warranty of the Aurora headphones is 1 year, 1 month."),
        Verdict::Unsupported
    );
    assert_eq!(verdict(&facts, "The warranty of the Aurora headphones is two years."), Verdict::Supported);
    assert_eq!(verdict(&facts, "The Aurora headphones have a 24-month warranty."), Verdict::Supported);
    assert_eq!(
        verdict(&facts, "The Aurora headphones have a warranty of about 2 years."),
        Verdict::Supported
    );
    assert_eq!(
        verdict(&facts, "The Aurora headphones have a warranty of about 20 months."),
        Verdict::Unsupported
    );
    assert_eq!(verdict(&facts, "The warranty is 24 days."), Verdict::Unsupported);
    assert_eq!(verdict(&facts, "The warranty is <24 months."), Verdict::Unsupported);
    assert_eq!(verdict(&facts, "The warranty is 24+ months."), Verdict::Unsupported);
    assert_eq!(verdict(&facts, "The warranty is $24 months."), Verdict::Unsupported);
    assert_eq!(
        verdict(&facts, "The Aurora headphones have a lifetime warranty of 24 months."),
        Verdict::Unsupported
    );
}

#[test]
fn supported_sentences_name_their_facts() {
    let facts = bhutan_facts();
    let finding = check_in("en", &facts, vec![], "Thimphu is the capital of Bhutan.");
    assert_eq!((finding.verdict, finding.facts), (Verdict::Supported, vec![facts[0].id.clone()]));
    for sentence in [
        "Its capital is Thimphu and its currency is the Bhutanese ngultrum.",
        "Thimphu is the capital and the Bhutanese ngultrum is the currency of Bhutan.",
        "Bhutan's area is 38,394 square kilometres.",
        "Bhutan has an area of about 38,000 km².",
        "The capital is Thimphu.",
    ] {
        let finding = check_in("en", &facts, vec![], sentence);
        assert_eq!(finding.verdict, Verdict::Supported, "{sentence} {:?}", finding.reason);
    }
}

#[test]
fn names_put_together_wrongly_are_caught() {
    let facts = bhutan_facts();
    for sentence in [
        "Bhutan is the capital of Thimphu.",
        "Thimphu's capital is Bhutan.",
        "Thimphu is Bhutan.",
        "Bhutan is Thimphu.",
        "Is Thimphu the capital of Bhutan?",
        "The capital of Bhutan may be Thimphu.",
        "All of Bhutan has Thimphu as capital.",
        "🇨🇳 The capital of Bhutan is Thimphu.",
        "The capital of Bhutanese is Thimphu.",
        "Bhutan is landlocked.",
        "Bhutan has an area of 38,394 cities.",
        "Bhutan has an area of about 30,000 km².",
        "The capital of Bhutan is the ngultrum.",
        "The capital is the ngultrum and the currency is Thimphu.",
        "The capital of Bhutan is not Thimphu.",
        "Bhutan is not landlocked.",
        "The capital of Bhutan is 38,394.",
        "The capital of Nepal is Thimphu.",
        "The capital of Bhutan is Thimphu, a city of 114,551 people.",
        "The capital of Bhutan is a city.",
        "The capital of Bhutan is Thimphu, the largest city.",
    ] {
        assert_eq!(verdict(&facts, sentence), Verdict::Unsupported, "{sentence}");
    }
}

#[test]
fn subjects_keep_their_own_objects() {
    let population = predicate("population", "人口", &[], None);
    let facts = [
        fact(&entity("France", "法国", &[]), &population, number(68_000_000.0)),
        fact(&entity("Germany", "德国", &[]), &population, number(83_000_000.0)),
    ];
    let right = "The population of France is 68 million and that of Germany is 83 million.";
    let wrong = "The population of France is 83 million and that of Germany is 68 million.";
    assert_eq!(verdict(&facts, right), Verdict::Supported);
    assert_eq!(verdict(&facts, wrong), Verdict::Unsupported);
}

#[test]
fn half_a_list_is_not_the_list() {
    let borders = verb("borders", "接壤");
    let facts = [
        fact(&bhutan(), &borders, Value::Entity(entity("China", "中国", &[]))),
        fact(&bhutan(), &borders, Value::Entity(entity("India", "印度", &[]))),
    ];
    let check = |sentence| passes(check_in("en", &facts, vec![vec![0, 1]], sentence).verdict);
    assert_eq!(check("Bhutan borders China and India."), Verdict::Supported);
    assert_eq!(check("Bhutan borders India."), Verdict::Unsupported);
    assert_eq!(check("India borders China and India."), Verdict::Unsupported);
    assert_eq!(check("China and India borders Bhutan."), Verdict::Unsupported);
    assert_eq!(check("Bhutan borders China, India and Nepal."), Verdict::Unsupported);
}

#[test]
fn objects_without_their_predicate_need_their_subject() {
    let currency = predicate("currency", "货币", &[], None);
    let facts = [
        fact(&bhutan(), &currency, Value::Entity(entity("Bhutanese ngultrum", "不丹努尔特鲁姆", &[]))),
        fact(&bhutan(), &currency, Value::Entity(entity("Indian rupee", "印度卢比", &[]))),
    ];
    let check = |language, sentence| passes(check_in(language, &facts, vec![vec![0, 1]], sentence).verdict);
    assert_eq!(check("zh", "不丹努尔特鲁姆和印度卢比是印度卢比。"), Verdict::Unsupported);
    assert_eq!(check("en", "The Bhutanese ngultrum is the Indian rupee."), Verdict::Unsupported);
    let whole = "The currency of Bhutan is the Bhutanese ngultrum and the Indian rupee.";
    assert_eq!(check("en", whole), Verdict::Supported);
}

#[test]
fn a_template_may_be_said_word_for_word() {
    let lexicons = Lexicons::builtin().unwrap();
    let shipping = predicate("free shipping from", "包邮门槛", &[], Some("€"));
    let facts = [fact(&entity("shipping", "配送", &[]), &shipping, number(50.0))];
    let realised = "Shipping is free from an order value of 50 €.";
    let evidence = Evidence::new(&facts, vec![vec![0]], lexicons.of(&Language::english()));
    assert_eq!(evidence.check(realised).verdict, Verdict::Unsupported);
    let evidence = evidence.or_as_realised(&[realised]);
    assert_eq!(evidence.check(realised).facts, [facts[0].id.clone()]);
    assert!(evidence.check("Shipping is free from an order value of 40 €.").verdict.is_doubtful());
    for sentence in [
        "Shipping is free for any order value of 50 €.",
        "Shipping is free from an order value of 50 $.",
        "Shipping is free from an order value of -50 €.",
        "Shipping is free from an order value of >50 €.",
        "Shipping is free from an order value of 50 €?",
    ] {
        assert!(evidence.check(sentence).verdict.is_doubtful(), "{sentence}");
    }
}

#[test]
fn a_capital_called_as_its_country_is_said_twice() {
    let luxembourg = entity("Luxembourg", "卢森堡", &[]);
    let city = entity("Luxembourg", "卢森堡", &[]);
    let facts = [fact(&luxembourg, &predicate("capital", "首都", &[], None), Value::Entity(city))];
    assert_eq!(verdict(&facts, "The capital of Luxembourg is Luxembourg."), Verdict::Supported);
    assert_eq!(verdict(&facts, "Luxembourg is the capital."), Verdict::Unsupported);
}

#[test]
fn chinese_sentences_are_accounted_for_character_by_character() {
    let facts = bhutan_facts();
    let verdict = |sentence| passes(check_in("zh", &facts, vec![], sentence).verdict);
    assert_eq!(verdict("不丹的首都是廷布。"), Verdict::Supported);
    assert_eq!(verdict("廷布是不丹的首都。"), Verdict::Supported);
    assert_eq!(verdict("不丹的货幣是努爾特魯姆。"), Verdict::Supported);
    assert_eq!(verdict("不丹的面积是38,394平方公里。"), Verdict::Supported);
    assert_eq!(verdict("不丹的面积约3.84万平方公里。"), Verdict::Supported);
    assert_eq!(verdict("不丹的首都是加德满都。"), Verdict::Unsupported);
    assert_eq!(verdict("廷布的首都是不丹。"), Verdict::Unsupported);
    assert_eq!(verdict("不丹的首都不是廷布。"), Verdict::Unsupported);
    assert_eq!(verdict("不丹的面积是5万平方公里。"), Verdict::Unsupported);
}

#[test]
fn small_talk_may_claim_nothing() {
    let lexicons = Lexicons::builtin().unwrap();
    let evidence = Evidence::none("Juniper", lexicons.of(&Language::english()));
    for sentence in
        ["Hello! How can I help you today?", "I'm doing well, thank you for asking.", "I am Juniper."]
    {
        assert_eq!(evidence.check(sentence).verdict, Verdict::NoClaim, "{sentence}");
    }
    for sentence in [
        "I was made by Hugging Face.",
        "The sun is a star.",
        "You can return anything for 90 days.",
        "Help is free.",
        "Paris is nice.",
        "You will get your headphones today.",
        "We will call you today.",
        "I know where you live.",
        "Of course you can have it, it's yours.",
        "We have great headphones for you.",
    ] {
        assert_eq!(evidence.check(sentence).verdict, Verdict::Unsupported, "{sentence}");
    }
}

#[test]
fn a_contradicted_sentence_names_the_facts_that_say_otherwise() {
    let facts = bhutan_facts();
    for (sentence, fact) in [
        ("The capital of Bhutan is Paro.", 0),
        ("The capital of Bhutan is not Thimphu.", 0),
        ("Bhutan is the capital of Thimphu.", 0),
        ("Bhutan has an area of 40,000 km².", 2),
    ] {
        let finding = check_in("en", &facts, vec![], sentence);
        assert_eq!(finding.verdict, Verdict::Contradicted, "{sentence} {:?}", finding.reason);
        assert_eq!(finding.facts, [facts[fact].id.clone()], "{sentence}");
    }
    for sentence in
        ["The president of Bhutan is Paro.", "Bhutan may be in Paro.", "Is the capital of Bhutan Paro?"]
    {
        assert_eq!(check_in("en", &facts, vec![], sentence).verdict, Verdict::Unsupported, "{sentence}");
    }
}

#[test]
fn spans_cover_the_names_the_words_and_the_value() {
    let facts = bhutan_facts();
    let sentence = "The capital of Bhutan is Thimphu.";
    let finding = check_in("en", &facts, vec![], sentence);
    let covered: Vec<&str> = finding.spans.iter().map(|span| &sentence[span.start..span.end]).collect();
    assert_eq!(covered, ["capital", "Bhutan", "Thimphu"]);
    assert!(finding.spans.iter().all(|span| span.fact == facts[0].id));
}

#[test]
fn a_relation_without_templates_has_a_direction() {
    let directed = Arc::new(Predicate {
        id: "directed_by".into(),
        labels: vec![Label::plain("directed_by")],
        ..Predicate::default()
    });
    let facts =
        [fact(&entity("Heat", "盗火线", &[]), &directed, Value::Entity(entity("Michael Mann", "曼", &[])))];
    for sentence in [
        "Heat was directed by Michael Mann.",
        "Michael Mann directed Heat.",
        "The director of Heat was Michael Mann.",
    ] {
        let finding = check_in("en", &facts, vec![], sentence);
        assert_eq!(finding.verdict, Verdict::Supported, "{sentence} {:?}", finding.reason);
    }
    for sentence in [
        "Heat directed Michael Mann.",
        "Michael Mann was directed by Heat.",
        "The director of Michael Mann was Heat.",
    ] {
        assert_eq!(verdict(&facts, sentence), Verdict::Unsupported, "{sentence}");
    }
}

mod corruption {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        "[A-Z][bcdfgk][aeiou][bdgklmnr][aeiou]x".prop_map(|name| name)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is swapped, denied, turned around or added, a sentence that was supported is so no longer.
        #[test]
        fn a_corrupted_sentence_is_never_supported(
            [country, city, other] in [name(), name(), name()],
            area in 1000u32..9_000_000,
            by in 1u32..500,
        ) {
            prop_assume!(country != city && city != other && country != other);
            let subject = entity(&country, "国", &[]);
            let facts = [
                fact(&subject, &predicate("capital", "首都", &[], None), Value::Entity(entity(&city, "城", &[]))),
                fact(&subject, &predicate("area", "面积", &[], Some("km²")), number(f64::from(area))),
            ];
            let lexicons = Lexicons::builtin().unwrap();
            let evidence = Evidence::new(&facts, vec![], lexicons.of(&Language::english()));
            let holds = |sentence: &str| evidence.check(sentence).verdict == Verdict::Supported;
            let wrong = area + by;
            for good in [
                format!("The capital of {country} is {city}."),
                format!("{country}'s capital is {city} and its area is {area} km²."),
                format!("{city} is the capital of {country}."),
                format!("{country} has an area of {area} square kilometres."),
            ] {
                prop_assert!(holds(&good), "{}", good);
                let denied = good.replace(" is ", " is not ").replace(" has ", " never has ");
                let turned = good.replace(&country, "§").replace(&city, &country).replace('§', &city);
                let swapped = good.replace(&city, &other).replace(&area.to_string(), &wrong.to_string());
                let unit = good.replace("km²", "people").replace("square kilometres", "square miles");
                let moved = good.replace(&country, &other);
                for bad in [denied, turned, swapped, unit, moved, format!("{good}?"), format!("Perhaps {good}")] {
                    prop_assert!(bad == good || !holds(&bad), "{}", bad);
                }
            }
        }
    }
}
