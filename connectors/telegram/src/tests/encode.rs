//! What documents become: their words and entities, and that these always fit.

use loquat_contract::{Block, Button, Document, Format, Inline, Mentioned, Part};
use proptest::prelude::*;
use serde_json::json;
use teloxide_core::types::{MessageEntity, MessageEntityKind};

use super::harness::part;
use crate::encode::{Encoded, encode, keyboard, notice, rich};

/// The words that an entity covers.
fn words(encoded: &Encoded, entity: &MessageEntity) -> String {
    let units: Vec<u16> = encoded.text.encode_utf16().collect();
    String::from_utf16(&units[entity.offset..entity.offset + entity.length]).unwrap()
}

/// What is covered by what, in order.
fn covered(encoded: &Encoded) -> Vec<(String, String)> {
    let kind = |entity: &MessageEntity| json!(entity)["type"].as_str().unwrap_or_default().to_owned();
    encoded.entities.iter().map(|entity| (kind(entity), words(encoded, entity))).collect()
}

fn markdown(text: &str) -> Encoded {
    encode(&part(text))
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, words)| ((*kind).to_owned(), (*words).to_owned())).collect()
}

#[test]
fn styles_are_entities_counted_in_utf16_units() {
    let encoded = markdown("👩🏽‍🚀 廷布 is **bold**, *slanted* and `code`.");
    assert_eq!(encoded.text, "👩🏽‍🚀 廷布 is bold, slanted and code.");
    assert_eq!(covered(&encoded), pairs(&[("bold", "bold"), ("italic", "slanted"), ("code", "code")]));
    assert_eq!(encoded.entities[0].offset, 14);
}

#[test]
fn markup_in_words_stays_words() {
    for text in ["*not bold* _nor this_", "<b>bold</b> &amp; [a](b)", "`x` ~~y~~ ||z|| \\*", "```pre```"] {
        let encoded =
            encode(&Part { text: text.to_owned(), document: Document::plain(text), ..Part::default() });
        assert_eq!(encoded, Encoded { text: text.to_owned(), entities: vec![] });
    }
}

#[test]
fn a_name_in_words_calls_nobody_and_one_that_the_host_made_does() {
    let encoded = markdown("Ask @durov, write to a@example.org.");
    assert_eq!(covered(&encoded), pairs(&[("code", "@durov")]));
    let mention = |id: &str| {
        let person = Mentioned { id: id.into(), name: "ann".into() };
        let document = Document { blocks: vec![Block::Paragraph(vec![Inline::Mention(person)])] };
        encode(&Part { text: "@ann".into(), document, ..Part::default() })
    };
    let by_number = mention("5000000001");
    assert_eq!(json!(by_number.entities)[0]["type"], "text_mention");
    assert_eq!(json!(by_number.entities)[0]["user"]["id"], 5_000_000_001_i64);
    assert_eq!(mention("@ann"), Encoded { text: "@ann".into(), entities: vec![] });
}

/// The inlines as the only paragraph.
fn paragraph(inlines: Vec<Inline>) -> Encoded {
    let document = Document { blocks: vec![Block::Paragraph(inlines)] };
    encode(&Part { text: document.render(Format::Plain), document, ..Part::default() })
}

#[test]
fn a_name_in_pieces_calls_nobody() {
    let text = |text: &str| Inline::Text(text.into());
    let link = |url: &str, label: &str| Inline::Link { url: url.into(), label: vec![text(label)] };
    for inlines in [
        vec![text("@"), Inline::Strong(vec![text("durov")])],
        vec![text("@du"), text("rov")],
        vec![Inline::Emphasis(vec![text("@")]), text("durov")],
        vec![link("javascript:x", "@durov")],
        vec![link("@durov", "@durov")],
        vec![text("see "), link("x:@durov", "y")],
    ] {
        let encoded = paragraph(inlines.clone());
        let at = encoded.text.find("@durov").unwrap_or_else(|| panic!("{encoded:?}"));
        let is_quiet = covered(&encoded).contains(&("code".to_owned(), "@durov".to_owned()));
        // Telegram takes what stands behind a colon for a name too.
        assert!(is_quiet, "{inlines:?} {at} {encoded:?}");
    }
    let bare = encode(&Part { text: "ask @durov".into(), ..Part::default() });
    assert_eq!(bare.text, "ask ＠durov");
    let linked = paragraph(vec![link("https://example.org", "@durov")]);
    assert_eq!(covered(&linked), pairs(&[("text_link", "@durov")]));
}

#[test]
fn of_more_entities_than_telegram_takes_those_are_left_out_that_are_only_looks() {
    let strong = || Inline::Strong(vec![Inline::Text("b".into())]);
    let mut inlines: Vec<Inline> = (0..150).flat_map(|_| [strong(), Inline::Text(" ".into())]).collect();
    let link = Inline::Link { url: "https://example.org".into(), label: vec![Inline::Text("there".into())] };
    inlines.extend([Inline::Text("@durov ".into()), link.clone()]);
    let encoded = paragraph(inlines);
    assert_eq!(encoded.entities.len(), 100);
    let covered = covered(&encoded);
    assert!(covered.ends_with(&pairs(&[("code", "@durov"), ("text_link", "there")])), "{covered:?}");

    // What is more than looks is said in words, where it is too much.
    let links: Vec<Inline> = (0..120).flat_map(|_| [link.clone(), Inline::Text(" @durov ".into())]).collect();
    let encoded = paragraph(links);
    assert_eq!(encoded.entities, []);
    assert_eq!(encoded.text.matches("there (https://example.org)").count(), 120);
    assert_eq!((encoded.text.matches("＠durov").count(), encoded.text.matches('@').count()), (120, 0));
}

#[test]
fn links_lie_below_their_words_where_telegram_knows_such_links() {
    let encoded =
        markdown("[Bhutan](https://example.org/b) and [post](ftp://example.org) and <https://example.org>");
    assert_eq!(encoded.text, "Bhutan and post (ftp://example.org) and https://example.org");
    assert_eq!(covered(&encoded), pairs(&[("text_link", "Bhutan")]));
    let link = markdown("[`code` and **bold**](https://example.org/b)");
    assert_eq!(covered(&link), pairs(&[("text_link", "code and bold"), ("bold", "bold")]));
}

#[test]
fn code_tables_quotes_and_lists_keep_their_form() {
    let encoded = markdown(
        "# Head with `code`\n\n```rust\nfn a() {\n\n}\n```\n\n- one\n  - two **bold**\n- three\n\n> said\n>\n> > before\n\n| 名 | b |\n|---|---|\n| 廷布 | 2 |",
    );
    let text = "Head with code\n\nfn a() {\n\n}\n\n• one\n  • two bold\n• three\n\nsaid\n\n> before\n\n名   | b\n廷布 | 2";
    assert_eq!(encoded.text, text);
    assert_eq!(
        covered(&encoded),
        pairs(&[
            ("bold", "Head with "),
            ("code", "code"),
            ("pre", "fn a() {\n\n}"),
            ("bold", "bold"),
            ("blockquote", "said\n\n> before"),
            ("pre", "名   | b\n廷布 | 2"),
        ])
    );
    let pre = encoded.entities.iter().find(|entity| matches!(entity.kind, MessageEntityKind::Pre { .. }));
    assert_eq!(json!(pre)["language"], "rust");
}

#[test]
fn two_code_blocks_are_two_even_side_by_side() {
    let code = |text: &str| Block::Code { language: String::new(), text: text.into() };
    let document = Document { blocks: vec![code("a\nb"), code("c")] };
    let encoded = encode(&Part { text: "a".into(), document, ..Part::default() });
    assert_eq!(covered(&encoded), pairs(&[("pre", "a\nb"), ("pre", "c")]));
}

#[test]
fn buttons_keep_their_rows_and_ids() {
    let button = |id: &str, label: &str| Button { id: id.into(), label: label.into() };
    let buttons = vec![vec![button("a.1", "👍"), button("a.2", "👎")], vec![], vec![button("a.3", "Why?")]];
    let keyboard = keyboard(&Part { buttons, ..part("hi") }).unwrap();
    let expected = json!({"inline_keyboard": [
        [{"text": "👍", "callback_data": "a.1"}, {"text": "👎", "callback_data": "a.2"}],
        [{"text": "Why?", "callback_data": "a.3"}],
    ]});
    assert_eq!(json!(keyboard), expected);
    assert_eq!(super::super::encode::keyboard(&part("hi")), None);
}

#[test]
fn a_notice_is_no_longer_than_telegram_takes() {
    assert_eq!(notice("short"), "short");
    let long = notice(&"多".repeat(300));
    assert_eq!((long.chars().count(), long.ends_with('…')), (200, true));
    assert_eq!(notice(&"🚀".repeat(150)).encode_utf16().count(), 199);
}

#[test]
fn a_table_can_be_a_rich_message_and_nothing_else_need_be() {
    assert_eq!(rich(&part("just **words**\n\n- and a list")), None);
    let rich = rich(&part("See `x`:\n\n1. [a](https://example.org)\n\n| a | *b* |\n|---|---|\n| <b> | 2 |"))
        .unwrap();
    assert_eq!(
        rich["blocks"][0],
        json!({"type": "paragraph", "text": ["See ", {"type": "code", "text": "x"}, ":"]})
    );
    let link = json!({"type": "url", "text": "a", "url": "https://example.org"});
    let item = json!({"blocks": [{"type": "paragraph", "text": link}], "type": "1", "value": 1});
    assert_eq!(rich["blocks"][1], json!({"type": "list", "items": [item]}));
    let cell = |text: serde_json::Value| json!({"text": text, "align": "left", "valign": "top"});
    let mut head = [cell(json!("a")), cell(json!({"type": "italic", "text": "b"}))];
    head.iter_mut().for_each(|cell| cell["is_header"] = true.into());
    let row = [cell(json!("<b>")), cell(json!("2"))];
    assert_eq!(rich["blocks"][2], json!({"type": "table", "cells": [head, row], "is_bordered": true}));
}

fn inline() -> impl Strategy<Value = Inline> {
    let words = prop_oneof!["[a-z @*_`<>&\\[\\]()廷布🚀é.\n]{0,12}", "@[a-z]{1,8}", ".{0,6}"];
    let leaf = prop_oneof![
        4 => words.clone().prop_map(Inline::Text),
        1 => words.prop_map(Inline::Code),
        1 => (1usize..20).prop_map(Inline::Citation),
        1 => Just(Inline::Break),
        1 => ("[0-9]{1,9}|[a-z]{1,9}", "[a-zé]{1,9}").prop_map(|(id, name)| Inline::Mention(Mentioned { id, name })),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let inlines = prop::collection::vec(inner, 0..4);
        prop_oneof![
            inlines.clone().prop_map(Inline::Strong),
            inlines.clone().prop_map(Inline::Emphasis),
            ("(https://e\\.org/[a-z]{0,9})|ftp://x|[ -~]{0,9}", inlines)
                .prop_map(|(url, label)| Inline::Link { url, label }),
        ]
    })
}

fn document_of(depth: u32) -> BoxedStrategy<Document> {
    let line = || prop::collection::vec(inline(), 0..5);
    let cells = || prop::collection::vec(line(), 0..4);
    let leaf = prop_oneof![
        line().prop_map(Block::Paragraph),
        line().prop_map(Block::Heading),
        ("[a-z]{0,4}", "[ -~\n]{0,30}").prop_map(|(language, text)| Block::Code { language, text }),
        (cells(), prop::collection::vec(cells(), 0..4))
            .prop_map(|(header, rows)| Block::Table { header, rows }),
    ];
    let block = if depth == 0 {
        leaf.boxed()
    } else {
        prop_oneof![
            3 => leaf,
            1 => (prop::option::of(0u64..200), prop::collection::vec(document_of(depth - 1), 0..4))
                .prop_map(|(start, items)| Block::List { start, items }),
            1 => document_of(depth - 1).prop_map(Block::Quote),
        ]
        .boxed()
    };
    prop::collection::vec(block, 0..4).prop_map(|blocks| Document { blocks }).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_message_is_longer_than_the_host_measured_and_each_entity_fits(document in document_of(2)) {
        let text = document.render(Format::Plain);
        let encoded = encode(&Part { text: text.clone(), document, ..Part::default() });
        let units = |text: &str| text.encode_utf16().count();
        prop_assert!(units(&encoded.text) <= units(&text), "{:?} is longer than {text:?}", encoded.text);
        let length = units(&encoded.text);
        for entity in &encoded.entities {
            prop_assert!(entity.length > 0 && entity.offset + entity.length <= length);
            let units: Vec<u16> = encoded.text.encode_utf16().collect();
            prop_assert!(String::from_utf16(&units[entity.offset..entity.offset + entity.length]).is_ok());
        }
        // As Telegram has them: one in the other, or apart; nothing in code.
        for (index, one) in encoded.entities.iter().enumerate() {
            for other in &encoded.entities[index + 1..] {
                let (a, b) = ((one.offset, one.offset + one.length), (other.offset, other.offset + other.length));
                let is_apart = a.1 <= b.0 || b.1 <= a.0;
                let is_inside = a.0 <= b.0 && b.1 <= a.1 || b.0 <= a.0 && a.1 <= b.1;
                prop_assert!(is_apart || is_inside, "{one:?} crosses {other:?}");
                let is_code = |entity: &MessageEntity| {
                    matches!(entity.kind, MessageEntityKind::Code | MessageEntityKind::Pre { .. })
                };
                let is_quote = |entity: &MessageEntity| entity.kind == MessageEntityKind::Blockquote;
                prop_assert!(
                    is_apart || !is_code(one) && !is_code(other) || is_quote(one) || is_quote(other),
                    "{one:?} and {other:?}"
                );
            }
        }
    }
}
