//! Parts as messages: within Discord's limits, and nobody called, whatever is in them.

use std::sync::Arc;

use loquat_contract::testing::reply;
use loquat_contract::{
    Address, Button, Citation, ConversationId, Envelope, FactId, Generation, Language, MessageId, Part, Reply,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fakes::{envelope, key, part};
use crate::encode::{encode, notice, whisper};

fn to() -> Address {
    let conversation: ConversationId = "Mira/discord/2".parse().unwrap();
    Address { conversation, in_reply_to: MessageId("3".into()) }
}

fn citation(number: usize, words: &str) -> Citation {
    Citation {
        id: FactId(format!("f{number}").into()),
        entity: "Q1".into(),
        subject: format!("{words} {number}"),
        predicate: "capital".into(),
        object: "Thimphu".into(),
        source: "https://example.org/data".into(),
        since: Generation(1),
    }
}

pub(super) fn cited(count: usize, words: &str) -> Envelope {
    let citations = (1..=count).map(|number| citation(number, words)).collect();
    let reply = Arc::new(Reply { citations, ..reply("It is Thimphu.") });
    Envelope { reply: Some(reply), ..envelope(to(), "It is Thimphu. [1]") }
}

fn created(envelope: &Envelope) -> Value {
    encode(envelope, true).unwrap().create(&key(7), None)
}

#[test]
fn citations_are_an_embed_below_the_last_part() {
    let body = created(&cited(2, "Bhutan"));
    let embed = &body["embeds"][0];
    assert_eq!(embed["title"], "Sources");
    assert_eq!(
        embed["description"],
        "[1] Bhutan 1 — capital — Thimphu\n[2] Bhutan 2 — capital — Thimphu (https://example.org/data)"
    );
    assert_eq!(body["flags"], 0, "an embed of ours is not suppressed");
    let mut first = cited(2, "Bhutan");
    first.of = 2;
    let body = created(&first);
    assert_eq!((&body["embeds"], &body["flags"]), (&json!([]), &json!(4)));
    assert_eq!(encode(&cited(2, "Bhutan"), false).unwrap().create(&key(7), None)["embeds"], json!([]));
    let mut chinese = cited(400, "不丹");
    let reply = Reply { language: Language::chinese(), ..(**chinese.reply.as_ref().unwrap()).clone() };
    chinese.reply = Some(Arc::new(reply));
    let embed = &created(&chinese)["embeds"][0];
    assert_eq!(embed["title"], "来源");
    let text = embed["description"].as_str().unwrap();
    assert!(
        text.encode_utf16().count() <= 4096 && text.lines().last().unwrap().starts_with("以及另外"),
        "{text}"
    );
    let numbered = text.lines().count() - 1;
    assert!(text.ends_with(&format!("以及另外 {} 条", 400 - numbered)), "{numbered} {text}");
}

#[test]
fn a_message_is_a_reply_with_a_nonce_and_calls_nobody() {
    let body = encode(&envelope(to(), "hi"), true).unwrap().create(&key(7), Some(3.into()));
    assert_eq!(body["nonce"], key(7).0);
    assert!(key(7).0.len() <= 25, "Discord's limit");
    assert_eq!(body["enforce_nonce"], true);
    assert_eq!(body["message_reference"], json!({ "message_id": "3", "fail_if_not_exists": false }));
    assert_eq!(body["allowed_mentions"]["parse"], json!([]));
    assert_eq!(body["allowed_mentions"]["replied_user"], false);
    assert_eq!(body["allowed_mentions"]["users"], json!([]));
    for body in [notice("@everyone", None), whisper("@everyone")["data"].clone()] {
        assert_eq!(body["allowed_mentions"]["parse"], json!([]));
    }
    let edit = encode(&envelope(to(), "hi"), true).unwrap().edit();
    assert!(edit.get("nonce").is_none() && edit.get("message_reference").is_none());
    assert_eq!(edit["components"], json!([]), "buttons of a draft's state before are gone");
}

fn buttons(rows: &[Vec<String>]) -> Part {
    let mut number = 0;
    let mut button = |label: &String| {
        number += 1;
        Button { id: format!("c{number}.1"), label: label.clone() }
    };
    let buttons = rows.iter().map(|row| row.iter().map(&mut button).collect()).collect();
    Part { buttons, ..part("choose") }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn buttons_stay_within_discords_limits(rows in prop::collection::vec(prop::collection::vec("\\PC{0,120}", 0..7), 0..7)) {
        let mut envelope = envelope(to(), "choose");
        envelope.part = buttons(&rows);
        let body = created(&envelope);
        let shown = body["components"].as_array().unwrap();
        prop_assert!(shown.len() <= 5);
        for row in shown {
            let row = row["components"].as_array().unwrap();
            prop_assert!((1..=5).contains(&row.len()));
            for button in row {
                let label = button["label"].as_str().unwrap();
                prop_assert!(!label.trim().is_empty() && label.encode_utf16().count() <= 80);
            }
        }
    }

    #[test]
    fn embeds_stay_within_discords_limits_and_are_no_markup(words in "\\PC{0,200}", count in 1usize..120) {
        let body = created(&cited(count, &words));
        let text = body["embeds"][0]["description"].as_str().unwrap();
        prop_assert!(text.encode_utf16().count() <= 4096);
        prop_assert!(!text.contains("@everyone"));
    }

    #[test]
    fn what_the_connector_says_itself_is_cut(text in "\\PC{0,4000}") {
        let body = notice(&text, None);
        let content = body["content"].as_str().unwrap();
        prop_assert!(content.encode_utf16().count() <= 2000 && text.starts_with(content));
    }
}
