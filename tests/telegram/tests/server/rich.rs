//! Rich messages: only where the version has them, with their limits, and drawn on the page.

use loquat_fake_telegram::Options;
use serde_json::{Value, json};

use crate::bot::start;

fn version(bot_api_version: (u8, u8)) -> Options {
    Options { bot_api_version, ..Options::default() }
}

fn table(columns: usize) -> Value {
    let row: Vec<Value> = (0..columns).map(|column| json!({"text": format!("c{column}")})).collect();
    json!([{"type": "table", "cells": [row]}])
}

#[tokio::test]
async fn older_servers_do_not_know_them() {
    for (at, why) in [
        ((9, 6), Some("Not Found")),
        ((10, 1), Some("Bad Request: rich message must be non-empty")),
        ((10, 2), None),
    ] {
        let (telegram, bot) = start(version(at)).await;
        let ann = telegram.user("Ann");
        let chat = telegram.private(&ann);
        let params = json!({"chat_id": chat, "rich_message": {"blocks": table(2)}});
        match why {
            Some(why) => assert_eq!(bot.refused("sendRichMessage", params).await.1, why),
            None => {
                let sent = bot.call("sendRichMessage", params).await;
                assert_eq!(sent["rich_message"]["blocks"][0]["cells"][0][1]["align"], "left");
                assert_eq!(telegram.answers(chat)[0].text, "c0 | c1");
            }
        }
    }
}

#[tokio::test]
async fn markdown_becomes_blocks() {
    let (telegram, bot) = start(version((10, 1))).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let source = "# Title\n\nSome **bold *both*** and [a link](https://example.org/).\n\n3. three\n   - inner\n4. four\n\n\
                  | a | b |\n|---|--:|\n| 1 | `2` |\n\n```rust\nfn main() {}\n```\n\n> quoted";
    let sent =
        bot.call("sendRichMessage", json!({"chat_id": chat, "rich_message": {"markdown": source}})).await;
    let blocks = &sent["rich_message"]["blocks"];
    assert_eq!(blocks[0], json!({"type": "heading", "text": "Title", "size": 1}));
    let paragraph = json!([
        "Some ",
        {"type": "bold", "text": ["bold ", {"type": "italic", "text": "both"}]},
        " and ",
        {"type": "url", "text": "a link", "url": "https://example.org/"},
        "."
    ]);
    assert_eq!(blocks[1]["text"], paragraph);
    assert_eq!(blocks[2]["items"][0]["label"], "3.");
    assert_eq!(blocks[2]["items"][0]["blocks"][1]["items"][0]["blocks"][0]["text"], "inner");
    assert_eq!(blocks[2]["items"][1]["value"], 4);
    assert_eq!(blocks[3]["cells"][0][0]["is_header"], true);
    assert_eq!(blocks[3]["cells"][1][1]["text"], json!({"type": "code", "text": "2"}));
    assert_eq!(blocks[3]["cells"][1][1]["align"], "right");
    assert_eq!(blocks[4], json!({"type": "pre", "text": "fn main() {}", "language": "rust"}));
    assert_eq!(blocks[5]["blocks"][0]["text"], "quoted");

    let id = sent["message_id"].clone();
    let edit = json!({"chat_id": chat, "message_id": id, "rich_message": {"markdown": "# Other"}});
    bot.call("editMessageText", edit.clone()).await;
    assert!(bot.refused("editMessageText", edit).await.1.contains("message is not modified"));
    assert_eq!(telegram.answers(chat)[0].text, "Other");
    bot.call(
        "sendRichMessageDraft",
        json!({"chat_id": chat, "draft_id": 1, "rich_message": {"markdown": "x"}}),
    )
    .await;
    assert_eq!(telegram.drafts(chat)[0].text, "x");
}

#[tokio::test]
async fn their_limits_hold() {
    let (telegram, bot) = start(version((10, 2))).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let paragraph = |text: &str| json!({"type": "paragraph", "text": text});
    let mut deep = json!([paragraph("x")]);
    for _ in 0..15 {
        deep = json!([{"type": "blockquote", "blocks": deep}]);
    }
    let send = |blocks: Value| json!({"chat_id": chat, "rich_message": {"blocks": blocks}});
    bot.call("sendRichMessage", send(deep.clone())).await;
    bot.call("sendRichMessage", send(table(20))).await;
    bot.call("sendRichMessage", send(json!(vec![paragraph("x"); 500]))).await;
    bot.call("sendRichMessage", send(json!([paragraph(&"é".repeat(32_768))]))).await;
    for refused in [
        json!([{"type": "blockquote", "blocks": deep}]),
        table(21),
        json!(vec![paragraph("x"); 501]),
        json!([paragraph(&"é".repeat(32_769))]),
        json!([{"type": "marquee", "text": "x"}]),
        json!([{"type": "heading", "text": "x"}]),
        json!([{"type": "thinking", "text": "only in drafts"}]),
        json!([paragraph(" ")]),
    ] {
        let (code, why) = bot.refused("sendRichMessage", send(refused)).await;
        assert_eq!(code, 400, "{why}");
    }
}
