//! What cutting promises. In: documents and limits by chance. Out: whether each part fits, and nothing is lost or broken.

use loquat_contract::{Length, LengthUnit};
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

fn capabilities(limit: usize, unit: LengthUnit, format: Format) -> Capabilities {
    Capabilities { max_length: Some(Length { limit, unit }), format, ..Capabilities::default() }
}

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn cut_at(markdown: &str, limit: usize) -> Vec<String> {
    let capabilities = capabilities(limit, LengthUnit::Characters, Format::Markdown);
    cut(&Document::from_markdown(markdown), &capabilities).into_iter().map(|(text, _)| text).collect()
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-z]{1,12}[,.!?]?",
        1 => Just("家在不丹，首都是廷布。你好！".to_owned()),
        1 => Just("👩‍👩‍👧‍👦👨‍🚀🇧🇹".to_owned()),
        1 => Just("e\u{301}a\u{308}\u{323}ộ".to_owned()),
        1 => Just("مرحبا بالعالم".to_owned()),
        1 => "[a-z]{60,120}",
        1 => Just("*_`<&>|[x](y)#".to_owned()),
        1 => Just("https://example.org/a_b?c=(d)".to_owned()),
        1 => Just("𝕬𝕭".to_owned()),
    ];
    prop::collection::vec(word, 1..12).prop_map(|words| words.join(" "))
}

fn inlines() -> impl Strategy<Value = Vec<Inline>> {
    let inline = prop_oneof![
        6 => words().prop_map(Inline::Text),
        1 => words().prop_map(Inline::Code),
        1 => Just(Inline::Break),
        1 => (1usize..20).prop_map(Inline::Citation),
        1 => words().prop_map(|words| Inline::Strong(vec![Inline::Text(words.clone()), Inline::Emphasis(vec![Inline::Text(words)])])),
        1 => "[a-z]{1,30}".prop_map(|label| Inline::Link { url: format!("https://x.y/{label}"), label: vec![Inline::Text(label)] }),
    ];
    // A space between them: whether two neighbours are one word is not what is tested.
    prop::collection::vec(inline, 1..5).prop_map(|inlines| {
        inlines.into_iter().flat_map(|inline| [inline, Inline::Text(" ".to_owned())]).collect()
    })
}

fn code() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(String::new()),
        "( {0,8})[a-z(){};=]{1,20}( [a-z]{1,9}){0,4}",
        Just("```".to_owned())
    ];
    prop::collection::vec(line, 1..20).prop_map(|lines| lines.join("\n"))
}

fn block() -> impl Strategy<Value = Block> {
    let cell = prop_oneof![Just(Vec::new()), "[a-z]{1,10}".prop_map(|word| vec![Inline::Text(word)])];
    let row = prop::collection::vec(cell, 2);
    let leaf = prop_oneof![
        4 => inlines().prop_map(Block::Paragraph),
        1 => inlines().prop_map(Block::Heading),
        1 => code().prop_map(|text| Block::Code { language: "rust".to_owned(), text }),
        1 => ("[A-Z]{1,9}", prop::collection::vec(row, 1..8)).prop_map(|(head, rows)| {
            let header = vec![vec![Inline::Text(head)], vec![Inline::Text("HEAD".to_owned())]];
            Block::Table { header, rows }
        }),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let inner = prop::collection::vec(inner, 1..3).prop_map(|blocks| Document { blocks });
        prop_oneof![
            (prop::option::of(1u64..2000), prop::collection::vec(inner.clone(), 1..5))
                .prop_map(|(start, items)| Block::List { start, items }),
            inner.prop_map(Block::Quote),
        ]
    })
}

fn document() -> impl Strategy<Value = Document> {
    prop::collection::vec(block(), 1..5).prop_map(|blocks| Document { blocks })
}

fn unit() -> impl Strategy<Value = LengthUnit> {
    prop_oneof![Just(LengthUnit::Characters), Just(LengthUnit::Utf16), Just(LengthUnit::Bytes)]
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Plain), Just(Format::Markdown), Just(Format::Html)]
}

/// What a tree says, without white space, list marks and table headers.
fn said(document: &Document) -> String {
    let mut out = String::new();
    for block in &document.blocks {
        match block {
            Block::List { items, .. } => items.iter().for_each(|item| out.push_str(&said(item))),
            Block::Quote(inner) => out.push_str(&said(inner)),
            Block::Table { rows, .. } => {
                let cells = rows.iter().flatten();
                cells.for_each(|cell| out.push_str(&plain(&[Block::Paragraph(cell.clone())])));
            }
            other => out.push_str(&plain(std::slice::from_ref(other))),
        }
    }
    out.retain(|c| !c.is_whitespace() && c != '|' && !c.is_ascii_uppercase());
    out
}

fn plain(blocks: &[Block]) -> String {
    render(blocks, Format::Plain)
}

/// Whether a part is as short as a part can be: one grapheme.
fn is_least(part: &Document) -> bool {
    plain(&part.blocks).graphemes(true).count() == 1
}

fn check(document: &Document, capabilities: &Capabilities) -> Result<(), TestCaseError> {
    let parts = cut(document, capabilities);
    for (text, part) in &parts {
        prop_assert!(is_within(text, capabilities) || is_least(part), "{text:?}");
        prop_assert!(!text.trim().is_empty());
        prop_assert_eq!(text, &part.render(capabilities.format));
        if capabilities.format == Format::Html {
            for element in ["pre", "code", "b", "i", "a", "blockquote"] {
                let opened = text.matches(&format!("<{element}>")).count()
                    + text.matches(&format!("<{element} ")).count();
                prop_assert_eq!(opened, text.matches(&format!("</{element}>")).count(), "{}", text);
            }
        }
        if capabilities.format == Format::Markdown {
            prop_assert_eq!(said(&Document::from_markdown(text)), said(part), "{}", text);
        }
    }
    let words: String = parts.iter().map(|(_, part)| said(part)).collect();
    prop_assert_eq!(words, said(&document.normalised()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn parts_fit_and_say_everything(
        document in document(),
        limit in prop_oneof![1usize..12, 12usize..120, 120usize..=2000],
        unit in unit(),
        format in format(),
        max_lines in prop::option::of(2usize..12),
    ) {
        let capabilities = Capabilities { max_lines, ..capabilities(limit, unit, format) };
        check(&document, &capabilities)?;
    }

    #[test]
    fn single_lines_fit_and_say_everything(document in document(), limit in 1usize..500, unit in unit()) {
        let capabilities = Capabilities { max_lines: Some(1), ..capabilities(limit, unit, Format::Plain) };
        let bare = |text: &str| text.replace(|c: char| c.is_whitespace() || "|>•".contains(c), "");
        let mut words = String::new();
        for (text, part) in cut(&document, &capabilities) {
            prop_assert!(is_within(&text, &capabilities) || is_least(&part), "{text:?}");
            prop_assert!(!text.trim().is_empty() && !text.contains('\n'));
            words.push_str(&bare(&text));
        }
        prop_assert_eq!(words, bare(&document.render(Format::Plain)));
    }

    #[test]
    fn graphemes_stay_whole(words in words(), limit in 1usize..20, unit in unit()) {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let document = Document::plain(words.clone());
        let parts = cut(&document, &capabilities(limit, unit, Format::Plain));
        let graphemes = |text: &str| -> Vec<String> {
            text.graphemes(true).filter(|g| *g != " ").map(str::to_owned).collect()
        };
        let of_parts: Vec<String> = parts.iter().flat_map(|(text, _)| graphemes(text)).collect();
        prop_assert_eq!(of_parts, graphemes(&words));
    }

    #[test]
    fn code_is_the_same_in_parts_and_fences_are_closed(text in code(), limit in 80usize..2000, unit in unit()) {
        let block = Block::Code { language: "rust".to_owned(), text: text.clone() };
        let parts = cut(&Document { blocks: vec![block] }, &capabilities(limit, unit, Format::Markdown));
        let mut codes = Vec::new();
        for (rendered, part) in &parts {
            match part.blocks.as_slice() {
                [Block::Code { language, text }] if language == "rust" => codes.push(text.clone()),
                other => prop_assert!(false, "{other:?}"),
            }
            prop_assert_eq!(&Document::from_markdown(rendered), part);
        }
        if text.trim().is_empty() {
            prop_assert!(codes.is_empty());
        } else {
            prop_assert_eq!(codes.join("\n"), text);
        }
    }
}

#[test]
fn nothing_gives_no_part() {
    for empty in ["", " \n ", "---", "\u{200b}"] {
        assert_eq!(cut_at(empty, 10), Vec::<String>::new(), "{empty:?}");
    }
}

#[test]
fn without_a_limit_there_is_one_part() {
    let document = Document::from_markdown("a\n\n- b\n- c");
    assert_eq!(cut(&document, &Capabilities::default()), [("a\n\n• b\n• c".to_owned(), document)]);
}

#[test]
fn cuts_are_made_where_they_harm_least() {
    assert_eq!(cut_at("One two.\n\nThree four. Five six.", 24), ["One two.", "Three four. Five six."]);
    assert_eq!(cut_at("Three four. Five six. Seven.", 22), ["Three four. Five six.", "Seven."]);
    assert_eq!(cut_at("Three four five", 10), ["Three four", "five"]);
    assert_eq!(cut_at("see https://a.b/c now", 16), ["see", "https://a.b/c", "now"]);
    assert_eq!(cut_at("你好，世界。再见。", 6), ["你好，世界。", "再见。"]);
    assert_eq!(cut_at("**bold words here** and", 14), ["**bold words**", "**here** and"]);
}

#[test]
fn lists_are_cut_between_items_and_go_on_counting() {
    assert_eq!(cut_at("9. one\n10. two\n11. three", 15), ["9. one\n10. two", "11. three"]);
    assert_eq!(cut_at("1. one two\n2. three", 8), ["1. one", "two", "2. three"]);
    assert_eq!(cut_at("> one two", 6), ["> one", "> two"]);
}

#[test]
fn code_is_cut_between_lines_in_fences_of_its_language() {
    let parts = ["```rs\nlet a;\n\n```", "```rs\nlet b;\n```", "```rs\n  let c;\n```"];
    assert_eq!(cut_at("```rs\nlet a;\n\nlet b;\n  let c;\n```", 22), parts);
}

#[test]
fn tables_are_cut_between_rows_below_their_header() {
    let header = "| a |\n| --- |\n";
    assert_eq!(
        cut_at(&format!("{header}| b |\n| c |\n| d |"), 26),
        [format!("{header}| b |\n| c |"), format!("{header}| d |")]
    );
}

#[test]
fn a_heading_stays_with_what_is_below_it() {
    let above = "One two three four five.";
    assert_eq!(cut_at(&format!("{above}\n\n## Head\n\nsix seven"), 34), [above, "## Head\n\nsix seven"]);
    let code = "```\nlet a;\nlet b;\nlet c;\n```";
    let parts = [above, "## Head\n\n```\nlet a;\nlet b;\n```", "```\nlet c;\n```"];
    assert_eq!(cut_at(&format!("{above}\n\n## Head\n\n{code}"), 32), parts);
    let long = "## A heading that leaves no room";
    assert_eq!(cut_at(&format!("{above}\n\n{long}\n\nsix seven"), 34), [above, long, "six seven"]);
}

#[test]
fn citations_stay_with_their_sentence() {
    let sentence = |words: &str, number| vec![text(words), text(" "), Inline::Citation(number)];
    let inlines = [sentence("One two.", 1), vec![text(" ")], sentence("Three.", 2)].concat();
    let document = Document { blocks: vec![Block::Paragraph(inlines)] };
    let parts = cut(&document, &capabilities(13, LengthUnit::Characters, Format::Plain));
    assert_eq!(
        parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(),
        ["One two. [1]", "Three. [2]"]
    );
}

#[test]
fn a_citation_that_leads_a_line_is_no_part_of_its_own() {
    let inlines = vec![Inline::Citation(1), text(" Bhutan — capital — Thimphu, a town")];
    let document = Document { blocks: vec![Block::Paragraph(inlines)] };
    let parts = cut(&document, &capabilities(28, LengthUnit::Characters, Format::Plain));
    assert_eq!(
        parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(),
        ["[1] Bhutan — capital —", "Thimphu, a town"]
    );
}

#[test]
fn sources_in_one_line_are_cut_between_facts() {
    let fact = |number, words: &str| vec![Inline::Citation(number), text(words)];
    let separator = vec![text("; ")];
    let inlines = [
        fact(1, " A — motto — One. Two"),
        separator.clone(),
        fact(2, " B — is — C"),
        separator,
        fact(3, " D — is — E"),
    ];
    let document = Document { blocks: vec![Block::Paragraph(inlines.concat())] };
    let cut = |limit| -> Vec<String> {
        let capabilities =
            Capabilities { max_lines: Some(1), ..capabilities(limit, LengthUnit::Characters, Format::Plain) };
        cut(&document, &capabilities).into_iter().map(|(text, _)| text).collect()
    };
    assert_eq!(cut(44), ["[1] A — motto — One. Two; [2] B — is — C;", "[3] D — is — E"]);
    assert_eq!(cut(34), ["[1] A — motto — One. Two;", "[2] B — is — C; [3] D — is — E"]);
}

#[test]
fn numbers_of_citations_are_never_alone() {
    let cut = |numbers: Vec<Inline>, limit| -> Vec<String> {
        let inlines = [vec![text("One two three. ")], numbers].concat();
        let document = Document { blocks: vec![Block::Paragraph(inlines)] };
        let capabilities = capabilities(limit, LengthUnit::Characters, Format::Plain);
        cut(&document, &capabilities).into_iter().map(|(text, _)| text).collect()
    };
    assert_eq!(cut(vec![text("[1–38]")], 15), ["One two", "three. [1–38]"]);
    assert_eq!(cut(vec![Inline::Citation(1)], 15), ["One two", "three. [1]"]);
    assert_eq!(cut(vec![text("[1–38] Four. [a–b]")], 22), ["One two three. [1–38]", "Four. [a–b]"]);
}

#[test]
fn a_link_is_whole_unless_it_is_too_long_alone() {
    assert_eq!(cut_at("see [the page](https://a.b) now", 26), ["see", "[the page](https://a.b)", "now"]);
    assert_eq!(cut_at("[the page](https://a.b)", 14), ["the page", "(https://a.b)"]);
}

#[test]
fn one_line_a_part_where_messages_are_one_line() {
    let markdown =
        "# Title\n\nOne  \ntwo\n\n1. first\n2. second\n   - inner\n\n> quoted\n\n```py\nif a:\n\n    b\n```";
    let capabilities =
        Capabilities { max_lines: Some(1), ..capabilities(80, LengthUnit::Bytes, Format::Plain) };
    let parts = cut(&Document::from_markdown(markdown), &capabilities);
    let texts: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        texts,
        ["Title", "One", "two", "1. first", "2. second", "• inner", "> quoted", "if a:", "    b"]
    );
}

#[test]
fn a_long_heading_does_not_cut_what_follows_to_shreds() {
    let markdown = format!("# {}\n\n{}", "heading ".repeat(23).trim_end(), "word ".repeat(400));
    let parts = cut_at(&markdown, 200);
    assert!(parts.len() < 15, "{} parts", parts.len());
    let short = format!("# heading\n\n{}", "word ".repeat(400));
    let first = &cut_at(&short, 200)[0];
    assert!(first.starts_with("## heading\n\nword "), "{first}");
}
