//! An answer of 30,000 characters with everything in it, through the real dispatch: it arrives whole, in private and in a group.

use std::collections::HashMap;
use std::sync::Arc;

use loquat_contract::testing::{Echo, reply};
use loquat_contract::{BotCard, CancellationToken, Egress};
use loquat_dispatch::access::Access;
use loquat_dispatch::{Bot, Dispatch};
use loquat_fake_telegram::{Kind, Options, Telegram};
use loquat_journal::EmbeddedJournal;

use super::conformance::{quick, shown};
use crate::{Config, PLATFORM, connect};

/// Where the chats are written as pages, for somebody to look at them.
const LOOK: &str = "LOQUAT_LOOK";

/// Nested lists, tables, three blocks of code and Chinese, again and again.
fn long() -> String {
    let mut text = String::from("# Everything about 不丹\n\n");
    let mut number = 0;
    while text.chars().count() < 30_000 {
        number += 1;
        text += &format!(
            "## Part {number}: 第{number}部分\n\nA paragraph with **bold**, *italic*, `code`, **bold with `code` in it** and [a link](https://example.org/{number}). 不丹的首都是廷布，人口约为十一万五千。👩🏽‍🚀 It goes on for a while, so that there is something to cut.\n\n- item {number}\n  - inner item with **weight**\n    1. first\n    2. second 第二\n  - another\n- 项目\n\n| 名称 | value {number} |\n|---|---|\n| 廷布 | 115,000 |\n| Paro | **11,448** |\n\n> What somebody said, 有人说。\n\n"
        );
        if number <= 3 {
            let language = ["rust", "python", ""][number - 1];
            let lines: String =
                (0..40).map(|line| format!("let line_{number}_{line} = \"值 {line}\";\n")).collect();
            text += &format!("```{language}\n{lines}```\n\n");
        }
    }
    text + "The end 完。"
}

/// Everything that is neither white space nor what may be markup or padding.
fn significant(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation() && *c != '•').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_arrives_whole_in_private_and_in_a_group() {
    let telegram = Telegram::start(Options {
        privacy_mode: false,
        patience: std::time::Duration::from_secs(20),
        ..Options::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
    let config = Config { answer_all: true, ..quick(&telegram.url(), &telegram.token()) };
    let (ingress, egress) = connect(config, BotCard { name: "Test".into(), ..BotCard::default() }).unwrap();
    let long = long();
    let echo = Echo::default();
    echo.answer_with("tell me everything", reply(&long));
    let egress: Arc<dyn Egress> = Arc::new(egress);
    let stop = CancellationToken::new();
    let access = Access { messages_per_minute: 0, conversation_messages_per_minute: 0, ..Access::default() };
    let dispatch = Dispatch::new(
        Bot { access, max_message_chars: 4000, ..Bot::default() },
        Arc::new(echo),
        Arc::new(journal),
        HashMap::from([(PLATFORM.to_owned(), egress)]),
        stop.clone(),
    );
    let running = {
        let dispatch = dispatch.clone();
        tokio::spawn(async move { dispatch.run(PLATFORM, Arc::new(ingress)).await })
    };
    let ann = telegram.user("Ann");
    // The language of a block of code is no word of it.
    let wanted = significant(&long.replace("```rust", "").replace("```python", ""));
    for chat in [telegram.private(&ann), telegram.group(Kind::Supergroup, "Friends", &[&ann])] {
        telegram.say(chat, &ann, "tell me everything").unwrap();
        let is_there = |telegram: &Telegram| {
            let last = telegram.answers(chat).last()?.text.clone();
            last.contains("The end 完。").then_some(())
        };
        let there = telegram.until("the whole answer", is_there).await;
        there.unwrap_or_else(|error| panic!("{error}: {:#?}", telegram.answers(chat)));
        let answers = telegram.answers(chat);
        if let Some(folder) = std::env::var_os(LOOK) {
            let page = reqwest::Client::builder().no_proxy().build().unwrap();
            let page = page
                .get(format!("{}/view/{chat}", telegram.url()))
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("telegram{chat}.html")), page).unwrap();
        }
        let pieces: Vec<_> = answers.iter().map(shown).collect();
        assert!(answers.len() >= 30_000 / 4096, "{} messages", answers.len());
        assert!(pieces.iter().all(|piece| piece.fault.is_none() && piece.notified.is_empty()), "{pieces:?}");
        let got: String = pieces.iter().map(|piece| significant(&piece.text)).collect();
        let differ = wanted.chars().zip(got.chars()).take_while(|(wanted, got)| wanted == got).count();
        let around = |text: &str| text.chars().skip(differ.saturating_sub(20)).take(60).collect::<String>();
        assert_eq!(wanted, got, "{:?} became {:?}", around(&wanted), around(&got));
        let pre: Vec<_> =
            answers.iter().flat_map(|seen| &seen.entities).filter(|entity| entity.kind == "pre").collect();
        assert!(pre.iter().any(|entity| entity.language.as_deref() == Some("rust")));
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}
