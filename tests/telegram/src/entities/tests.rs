//! Markup and entities: what the server makes of them, and that nothing upsets it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn params(text: &str, more: &[(&str, &str)]) -> Params {
    let mut params = Params::default();
    params.values.insert("text".to_owned(), text.to_owned());
    for (name, value) in more {
        params.values.insert((*name).to_owned(), (*value).to_owned());
    }
    params
}

fn read(text: &str, mode: &str) -> Result<Formatted, String> {
    formatted(&params(text, &[("parse_mode", mode)]), "text", "entities")
        .map_err(|refusal| refusal.description)
}

fn with(text: &str, entities: &Value) -> Formatted {
    formatted(&params(text, &[("entities", &entities.to_string())]), "text", "entities").unwrap()
}

/// The entities, short.
fn short(formatted: &Formatted) -> Vec<(String, usize, usize)> {
    formatted.entities.iter().map(|entity| (entity.kind.clone(), entity.offset, entity.length)).collect()
}

fn entity(kind: &str, offset: usize, length: usize) -> Value {
    json!({"type": kind, "offset": offset, "length": length})
}

fn kinds(list: &[(&str, usize, usize)]) -> Vec<(String, usize, usize)> {
    list.iter().map(|(kind, offset, length)| ((*kind).to_owned(), *offset, *length)).collect()
}

#[test]
fn html_as_documented() {
    let read = |source: &str| read(source, "HTML").unwrap();
    let all = read(
        "<b>bold <i>both <s>three</s></i></b> <ins>u</ins> <tg-spoiler>s</tg-spoiler><span class=\"tg-spoiler\">t</span>",
    );
    assert_eq!(all.text, "bold both three u st");
    assert_eq!(
        short(&all),
        kinds(&[
            ("bold", 0, 15),
            ("italic", 5, 10),
            ("strikethrough", 10, 5),
            ("underline", 16, 1),
            ("spoiler", 18, 2)
        ])
    );
    let links = read(
        "<a href=\"https://e.org/?a=1&amp;b=2\">l</a> <a href=\"tg://user?id=42\">m</a> <a href='nowhere'>n</a>",
    );
    assert_eq!(links.entities[0].url.as_deref(), Some("https://e.org/?a=1&b=2"));
    assert_eq!((links.entities[1].kind.as_str(), links.entities[1].user), ("text_mention", Some(42)));
    assert_eq!(links.entities.len(), 2);
    let code = read(
        "<pre>plain</pre><pre><code class=\"language-c++\">x &lt; &#121; &#x7a;</code></pre><code class=\"language-c\">c</code>",
    );
    assert_eq!(code.text, "plainx < y zc");
    assert_eq!(short(&code), kinds(&[("pre", 0, 5), ("pre", 5, 7), ("code", 12, 1)]));
    assert_eq!(code.entities[1].language.as_deref(), Some("c++"));
    let quotes = read("<blockquote>a\nb</blockquote><blockquote expandable>c</blockquote>&nbsp;&");
    assert_eq!(short(&quotes), kinds(&[("blockquote", 0, 3), ("expandable_blockquote", 3, 1)]));
    assert_eq!(quotes.text, "a\nbc&nbsp;&");
}

#[test]
fn html_that_is_wrong() {
    for (source, why) in [
        ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
        ("<b><i>x</b></i>", "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<div>x</div>", "Unsupported start tag \"div\" at byte offset 0"),
        ("a < b", "Unclosed start tag at byte offset 2"),
        ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
    ] {
        assert_eq!(read(source, "HTML").unwrap_err(), format!("Bad Request: can't parse entities: {why}"));
    }
    assert_eq!(read("x", "BBCode").unwrap_err(), "Bad Request: unsupported parse_mode");
}

#[test]
fn markdown_v2_as_documented() {
    let read = |source: &str| read(source, "MarkdownV2").unwrap();
    let all = read(r"*bold _italic bold ~italic bold strike~ __under___* ||sp|| _it_ 1\. \\ `c\`d`");
    assert_eq!(all.text, r"bold italic bold italic bold strike under sp it 1. \ c`d");
    assert!(all.entities.iter().any(|entity| entity.kind == "spoiler" && entity.words(&all.text) == "sp"));
    let code = read("```rust\nfn *main*() {}\n```\n>quote\n>more\nafter");
    assert_eq!(code.text, "fn *main*() {}\n\nquote\nmore\nafter");
    assert_eq!(short(&code), kinds(&[("pre", 0, 15), ("blockquote", 16, 10)]));
    assert_eq!(code.entities[0].language.as_deref(), Some("rust"));
    let link = read(r"[a \] b](https://e.org/a\)b) ![👍](tg://emoji?id=5)");
    assert_eq!(
        (link.text.as_str(), link.entities[0].url.as_deref()),
        ("a ] b 👍", Some("https://e.org/a)b"))
    );
    assert_eq!(link.entities[1].custom_emoji.as_deref(), Some("5"));
    let old = super::formatted(
        &params("*b* _i_ `c` [l](https://e.org/) a\\_b", &[("parse_mode", "Markdown")]),
        "text",
        "entities",
    );
    assert_eq!(
        short(&old.unwrap()),
        kinds(&[("bold", 0, 1), ("italic", 2, 1), ("code", 4, 1), ("text_link", 6, 1)])
    );
}

#[test]
fn markdown_v2_that_is_wrong() {
    for (source, why) in [
        ("1.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("*x", "Can't find end of Bold entity at byte offset 0"),
        ("a `x", "Can't find end of Code entity at byte offset 2"),
        ("```x", "Can't find end of Pre entity at byte offset 0"),
        ("[x](y", "Can't find end of a URL at byte offset 3"),
    ] {
        assert_eq!(
            read(source, "MarkdownV2").unwrap_err(),
            format!("Bad Request: can't parse entities: {why}")
        );
    }
}

#[test]
fn what_needs_no_markup_is_found() {
    let text =
        "/start /a@loquat_test_bot /no/path x@y.org @ann_1 #tag #1 $USD https://e.org/a_(b). see e.org, a/b";
    let found: Vec<(String, String)> =
        detect(text).into_iter().map(|entity| (entity.kind.clone(), entity.words(text))).collect();
    let found: Vec<(&str, &str)> =
        found.iter().map(|(kind, words)| (kind.as_str(), words.as_str())).collect();
    assert_eq!(
        found,
        [
            ("bot_command", "/start"),
            ("bot_command", "/a@loquat_test_bot"),
            ("email", "x@y.org"),
            ("mention", "@ann_1"),
            ("hashtag", "#tag"),
            ("cashtag", "$USD"),
            ("url", "https://e.org/a_(b"),
            ("url", "e.org")
        ]
    );
    let code = read("<code>/start</code> <a href=\"https://e.org/\">@ann_1</a>", "HTML").unwrap();
    assert_eq!(short(&code), kinds(&[("code", 0, 6), ("text_link", 7, 6)]));
}

#[test]
fn entities_are_mended_without_a_word() {
    // Beyond the end, and in blanks.
    let mended = with("bold  ", &json!([entity("bold", 0, 99), entity("italic", 4, 2)]));
    assert_eq!((mended.text.as_str(), short(&mended)), ("bold", kinds(&[("bold", 0, 4)])));
    assert_eq!(mended.mended.len(), 2);
    // Styles keep out of code; quotes do not nest; crossing styles are cut.
    let mended = with("a code b", &json!([entity("bold", 0, 8), entity("code", 2, 4)]));
    assert_eq!(short(&mended), kinds(&[("bold", 0, 2), ("code", 2, 4), ("bold", 6, 2)]));
    let mended = with("quote in quote", &json!([entity("blockquote", 0, 14), entity("blockquote", 6, 2)]));
    assert_eq!(short(&mended), kinds(&[("blockquote", 0, 14)]));
    let mended = with("abcdefgh", &json!([entity("bold", 0, 5), entity("italic", 3, 5)]));
    assert_eq!(short(&mended), kinds(&[("bold", 0, 5), ("italic", 3, 2), ("italic", 5, 3)]));
    assert!(mended.mended.is_empty(), "that is allowed");
    // Code in a quote is fine, and what the server finds itself is passed over.
    let fine =
        with("quote code", &json!([entity("blockquote", 0, 10), entity("pre", 6, 4), entity("url", 0, 5)]));
    assert_eq!(short(&fine), kinds(&[("blockquote", 0, 10), ("pre", 6, 4)]));
    assert!(fine.mended.is_empty());
    // What is found runs over the border of no quote.
    let found = with("quote/a", &json!([entity("blockquote", 0, 6)]));
    assert_eq!(short(&found), kinds(&[("blockquote", 0, 6)]));
    let found = with("quote /a", &json!([entity("blockquote", 0, 7)]));
    assert_eq!(short(&found), kinds(&[("blockquote", 0, 7)]));
    // The text is trimmed, and the entities move along; carriage returns are gone.
    let trimmed = with("\n a\r\nb\u{7}c ", &json!([entity("bold", 5, 3)]));
    assert_eq!((trimmed.text.as_str(), short(&trimmed)), ("a\nb c", kinds(&[("bold", 2, 3)])));
}

#[test]
fn entities_that_are_refused() {
    let refused = |entities: Value| {
        let params = params("a😀b", &[("entities", &entities.to_string())]);
        formatted(&params, "text", "entities").unwrap_err().description
    };
    assert_eq!(
        refused(json!([entity("bold", 0, 2)])),
        "Bad Request: entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 2"
    );
    assert_eq!(
        refused(json!([{"offset": 0, "length": 1}])),
        "Bad Request: can't parse MessageEntity: Can't find field \"type\""
    );
    assert_eq!(
        refused(json!([{"type": "bold", "offset": 0}])),
        "Bad Request: can't parse MessageEntity: Can't find field \"length\""
    );
    assert_eq!(
        refused(json!([entity("text_link", 0, 1)])),
        "Bad Request: can't parse MessageEntity: Can't find field \"url\""
    );
    assert_eq!(
        refused(json!([entity("marquee", 0, 1)])),
        "Bad Request: can't parse MessageEntity: Unsupported type specified"
    );
    assert_eq!(read(&"x".repeat(32_769), "HTML").unwrap_err(), "Bad Request: text is too long");
    // What is no list at all is passed over, but not unnoticed here.
    let passed = with("x", &json!({"type": "bold"}));
    assert_eq!((passed.entities.len(), passed.mended.len()), (0, 1));
}

proptest! {
    #[test]
    fn nothing_upsets_the_markup(source in "[a-c<>/&;*_~`|\\[\\]()!\\\\\n \"=😀.-]{0,40}") {
        for mode in ["HTML", "MarkdownV2", "Markdown"] {
            if let Ok(formatted) = read(&source, mode) {
                in_order(&formatted)?;
            }
        }
    }

    #[test]
    fn mended_entities_nest(
        text in "[a-d \n😀@/]{0,20}",
        list in proptest::collection::vec((0..7usize, 0..24usize, 0..24usize), 0..8),
    ) {
        let kinds = ["bold", "italic", "spoiler", "code", "pre", "blockquote", "text_link"];
        let list: Value = list
            .into_iter()
            .map(|(kind, offset, length)| {
                let mut entity = entity(kinds[kind], offset, length);
                entity["url"] = "https://e.org/".into();
                entity
            })
            .collect();
        let params = params(&text, &[("entities", &list.to_string())]);
        if let Ok(formatted) = formatted(&params, "text", "entities") {
            in_order(&formatted)?;
        }
    }
}

/// Entities are in the text, sorted, and of two that overlap one is in the other; code has nothing in it.
fn in_order(formatted: &Formatted) -> Result<(), TestCaseError> {
    let length = units(&formatted.text);
    let entities = &formatted.entities;
    for (index, entity) in entities.iter().enumerate() {
        prop_assert!(entity.length > 0 && entity.end() <= length, "{entity:?} of {length}");
        for later in entities.get(index + 1..).unwrap_or_default() {
            prop_assert!(entity.offset <= later.offset);
            if later.offset < entity.end() {
                prop_assert!(later.end() <= entity.end(), "{entity:?} crosses {later:?}");
                prop_assert!(!entity.is_code(), "{later:?} in {entity:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn entities_behind_the_hundredth_are_passed_over_and_long_addresses_are_refused() {
    let text = "a ".repeat(120) + "@durov";
    let mut list: Vec<Value> = (0..120).map(|index| entity("bold", index * 2, 1)).collect();
    list.push(entity("code", 240, 6));
    let kept = with(&text, &Value::Array(list));
    let bold = kept.entities.iter().filter(|entity| entity.kind == "bold").count();
    let last = kept.entities.last().map(|entity| entity.kind.clone());
    assert_eq!((bold, last.as_deref()), (100, Some("mention")), "what was to be code is a mention again");
    assert_eq!(kept.mended, ["121 entities are too many"]);

    let link = |index: usize| {
        let url = format!("https://example.org/{}", "x".repeat(200));
        json!({"type": "text_link", "offset": index * 2, "length": 1, "url": url})
    };
    let list = Value::Array((0..60).map(link).collect());
    let refused = formatted(&params(&text, &[("entities", &list.to_string())]), "text", "entities");
    assert_eq!(refused.unwrap_err().description, "Bad Request: ENTITIES_TOO_LONG");
}
