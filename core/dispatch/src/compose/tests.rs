//! What a reply looks like. In: replies made by hand. Out: whether each rule holds.

use loquat_contract::{Citation, FactId, Language, Length, LengthUnit, Policy, Sentence, Verdict, testing};

use super::*;

fn sentence(text: &str, facts: &[&str]) -> Sentence {
    let facts = facts.iter().map(|id| FactId((*id).into())).collect();
    Sentence::new(text, Verdict::Supported, facts)
}

fn citation(id: &str, object: &str, source: &str) -> Citation {
    Citation {
        id: FactId(id.into()),
        entity: "Bhutan".into(),
        subject: "Bhutan".to_owned(),
        predicate: "capital".to_owned(),
        object: object.to_owned(),
        source: source.into(),
        since: loquat_contract::Generation(1),
    }
}

fn reply(sentences: &[Sentence], citations: &[Citation]) -> Reply {
    Reply { sentences: sentences.to_vec(), citations: citations.to_vec(), ..testing::reply("") }
}

fn choices(labels: &[&str]) -> Vec<Choice> {
    labels.iter().map(|label| Choice { label: (*label).to_owned(), value: "v".to_owned() }).collect()
}

fn markdown() -> Capabilities {
    Capabilities { format: Format::Markdown, ..Capabilities::default() }
}

fn only_text(parts: Vec<Part>) -> String {
    let [part] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(part.text, part.document.render(Format::Plain));
    part.text.clone()
}

fn composed(sentences: &[Sentence], citations: &[Citation]) -> String {
    only_text(compose(&reply(sentences, citations), &[], &Capabilities::default()))
}

#[test]
fn sentences_are_one_paragraph_with_the_numbers_of_their_facts() {
    let citations = [citation("a", "Thimphu", "x"), citation("b", "Thimphu", "y")];
    let sentences =
        [sentence("Thimphu.", &["a", "b"]), sentence("It is *high*.", &[]), sentence("So.", &["b"])];
    let text = composed(&sentences, &citations);
    assert_eq!(text.lines().next(), Some("Thimphu. [1] [2] It is high. So. [2]"));
}

#[test]
fn citations_that_the_connector_shows_itself_are_not_in_the_text() {
    let citations = [citation("a", "Thimphu", "x")];
    let sentences = [Sentence::new("It is Thimphu.", Verdict::Supported, vec![FactId("a".into())])];
    let capabilities = Capabilities { citations_apart: true, ..Capabilities::default() };
    let text = only_text(compose(&reply(&sentences, &citations), &[], &capabilities));
    assert_eq!(text, "It is Thimphu. [1]");
}

#[test]
fn chinese_sentences_stand_side_by_side_but_for_behind_a_citation() {
    let citations = [citation("a", "廷布", "x")];
    let sentences = [sentence("你好。", &[]), sentence("首都是廷布。", &["a"]), sentence("再见。", &[])];
    assert!(composed(&sentences, &citations).starts_with("你好。首都是廷布。 [1] 再见。\n"));
}

#[test]
fn blocks_stay_blocks_and_items_one_list() {
    let texts = ["Look:", "```rs\nlet a;\n```", "1. one", "2. two", "End.", "Really."];
    let sentences: Vec<Sentence> = texts.iter().map(|text| sentence(text, &[])).collect();
    assert_eq!(composed(&sentences, &[]), "Look:\n\nlet a;\n\n1. one\n2. two\n\nEnd. Really.");
    let cited = [sentence("```\nlet a;\n```", &["a"])];
    assert!(composed(&cited, &[citation("a", "b", "c")]).starts_with("let a;\n\n[1]\n"));
}

#[test]
fn unsupported_sentences_are_marked_unless_the_policy_is_open() {
    let doubtful = Sentence { verdict: Verdict::Unsupported, ..sentence("It is big.", &[]) };
    for (policy, language, text) in [
        (Policy::Hedged, "en", "It is big. (not in my facts)"),
        (Policy::Hedged, "zh", "It is big.（我的事实中没有）"),
        (Policy::Open, "en", "It is big."),
    ] {
        let reply = Reply {
            policy,
            language: Language::new(language),
            ..reply(std::slice::from_ref(&doubtful), &[])
        };
        assert_eq!(only_text(compose(&reply, &[], &Capabilities::default())), text);
    }
}

#[test]
fn a_sentence_that_the_facts_deny_names_them_within_the_doubt() {
    let doubtful = Sentence { verdict: Verdict::Contradicted, ..sentence("It is Paro.", &["a"]) };
    let sentences = [doubtful, sentence("Really.", &[])];
    for (policy, language, text) in [
        (Policy::Hedged, "en", "It is Paro. (my facts say otherwise [1]) Really."),
        (Policy::Hedged, "zh", "It is Paro.（与我的事实不符 [1]）Really."),
        (Policy::Open, "en", "It is Paro. Really."),
    ] {
        let reply = Reply {
            policy,
            language: Language::new(language),
            ..reply(&sentences, &[citation("a", "Thimphu", "x")])
        };
        let composed = only_text(compose(&reply, &[], &Capabilities::default()));
        assert_eq!(composed.lines().next(), Some(text));
    }
}

#[test]
fn sources_are_named_once_at_the_last_fact_in_a_row() {
    let citations = [citation("a", "A", "x"), citation("b", "B", "x"), citation("c", "C\n1", "y")];
    assert_eq!(
        composed(&[sentence("Yes.", &["a"])], &citations),
        "Yes. [1]\n\n[1] Bhutan — capital — A\n[2] Bhutan — capital — B (x)\n[3] Bhutan — capital — C 1 (y)"
    );
}

#[test]
fn facts_and_labels_are_words_not_markup() {
    let citations = [citation("a", "*A* <@1> @everyone", "x_")];
    let reply = reply(&[sentence("Yes.", &["a"])], &citations);
    let parts = compose(&reply, &choices(&["**b**"]), &markdown());
    assert_eq!(
        parts[0].text,
        "Yes. [1]\n\n[1] Bhutan — capital — \\*A\\* \\<@1> @\u{200b}everyone (x\\_)\n\n1. \\*\\*b\\*\\*"
    );
}

#[test]
fn where_messages_are_one_line_the_sources_are() {
    let capabilities = Capabilities { max_lines: Some(1), ..Capabilities::default() };
    let citations = [citation("a", "A", "x"), citation("b", "B", "x")];
    let parts = compose(&reply(&[sentence("Yes.", &["a", "b"])], &citations), &[], &capabilities);
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(texts, ["Yes. [1] [2]", "[1] Bhutan — capital — A; [2] Bhutan — capital — B (x)"]);
}

#[test]
fn where_messages_are_one_line_three_sources_are_named_and_numbers_in_a_row_are_a_range() {
    let capabilities = Capabilities { max_lines: Some(1), ..Capabilities::default() };
    let ids: Vec<String> = (1..=38).map(|number| number.to_string()).collect();
    let citations: Vec<Citation> = ids.iter().map(|id| citation(id, id, "x")).collect();
    let shown = |cited: &[&str], count: usize, language: &str| -> Vec<String> {
        let reply = Reply {
            language: Language::new(language),
            ..reply(&[sentence("Yes.", cited), sentence("So.", &[])], &citations[..count])
        };
        compose(&reply, &[], &capabilities).into_iter().map(|part| part.text).collect()
    };
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let named = "[1] Bhutan — capital — 1; [2] Bhutan — capital — 2; [3] Bhutan — capital — 3 (x)";
    for (cited, count, language, sentence, more) in [
        (&all[..], 38, "en", "Yes. [1–38] So.", "; and 35 more facts"),
        (&all[..], 38, "zh", "Yes. [1–38] So.", "; 以及另外 35 条事实"),
        (&["1", "2", "4"], 4, "en", "Yes. [1] [2] [4] So.", "; and 1 more fact"),
        (&["3", "1", "2", "3"], 3, "en", "Yes. [3] [1–3] So.", ""),
    ] {
        assert_eq!(shown(cited, count, language), [sentence.to_owned(), format!("{named}{more}")]);
    }
    let everything = composed(&[sentence("Yes.", &all)], &citations);
    assert!(
        everything.starts_with("Yes. [1] [2] [3] [4] ")
            && everything.ends_with("[38] Bhutan — capital — 38 (x)")
    );
}

#[test]
fn choices_are_numbered_lines_where_there_are_too_few_buttons() {
    let length = Length { limit: 12, unit: LengthUnit::Characters };
    let two = choices(&["one", "two"]);
    let capabilities = Capabilities { max_length: Some(length), buttons: 2, ..Capabilities::default() };
    let parts = notice("First part.\n\nSecond part.", &two, &capabilities);
    assert_eq!(parts.len(), 2, "they are added below it later");
    assert!(parts.iter().all(|part| !part.text.contains("two")));
    let parts = notice("Which?", &two, &Capabilities { buttons: 1, ..Capabilities::default() });
    assert_eq!(parts[0].text, "Which?\n\n1. one\n2. two");
}

#[test]
fn a_draft_is_the_first_part_without_what_is_not_known_yet() {
    let length = Length { limit: 40, unit: LengthUnit::Characters };
    let capabilities = Capabilities { max_length: Some(length), ..Capabilities::default() };
    let sentences = [sentence("Bhutan is small.", &["a", "b"]), sentence("It has *hills*.", &["b"])];
    assert_eq!(draft(&sentences[..1], &capabilities).text, "Bhutan is small. [1] [2]");
    assert_eq!(
        draft(&sentences, &capabilities).text,
        "Bhutan is small. [1] [2]",
        "what follows is another part"
    );
    let doubtful = Sentence { verdict: Verdict::Unsupported, ..sentence("不丹很小。", &[]) };
    assert_eq!(draft(&[doubtful], &capabilities).text, "不丹很小。（我的事实中没有）");
    assert!(draft(&sentences, &capabilities).buttons.is_empty());
}

#[test]
fn nothing_visible_is_three_dots() {
    assert_eq!(composed(&[], &[]), "…");
    assert_eq!(composed(&[sentence(" \u{200b}", &[])], &[]), "…");
    assert_eq!(only_text(notice(" \n", &[], &Capabilities::default())), "…");
}

#[test]
fn a_notice_is_words_not_markup() {
    let parts = notice("a *b*\n- c", &[], &markdown());
    assert_eq!(parts[0].text, "a \\*b\\*  \n\\- c");
}

#[test]
fn a_fact_that_is_a_whole_text_is_named_by_its_beginning() {
    let text = "é".repeat(500);
    let composed = composed(&[sentence(&text, &["f"])], &[citation("f", &text, "a.ttl")]);
    assert!(composed.starts_with(&text), "the answer has it whole");
    let sources = composed.split_once("[1] Bhutan").unwrap().1;
    assert!(sources.contains("é…") && sources.chars().count() < 200, "{sources}");
}

#[test]
fn a_draft_that_grows_has_the_same_blocks_however_it_comes() {
    let texts = [
        "Bhutan is small.",
        "It has *hills*.",
        "# Rivers",
        "1. one",
        "2. two",
        "- this",
        "- that",
        "不丹很小。",
        "山很高。",
        "Small.\n\nTwo paragraphs.",
        "",
        "The end.",
    ];
    let facts: [&[&str]; 4] = [&["a"], &[], &["b", "a"], &["c"]];
    let sentences: Vec<Sentence> =
        texts.iter().zip(facts.into_iter().cycle()).map(|(text, facts)| sentence(text, facts)).collect();
    // The words within a doubt are in the language so far, which is no matter of blocks.
    let citations: Vec<Citation> = ["a", "b", "c"].map(|id| citation(id, "", "")).into();
    let whole = body::blocks(&reply(&sentences, &citations), false);
    for size in 1..=sentences.len() {
        let mut growing = Growing::new(&Capabilities::default());
        let pieces = sentences.chunks(size).map(|sentences| growing.add(sentences));
        assert_eq!(pieces.fold(Piece::default(), Piece::then).blocks, whole, "{size} at once");
    }
    let mut growing = Growing::new(&Capabilities::default());
    let goes_on: Vec<bool> = texts.iter().map(|text| growing.add(&[sentence(text, &[])]).goes_on).collect();
    let expected = [false, true, false, false, true, false, true, false, true, true, false, true];
    assert_eq!(goes_on, expected);
}
