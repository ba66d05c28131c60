//! An answer of 30,000 characters, with lists in lists, tables, code in three languages and Chinese, on platforms that take far less in one
//! message: it arrives whole, in order, and looks right.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::HashMap;
use std::sync::Arc;

use loquat_contract::testing::reply;
use loquat_contract::{
    Block, BotCard, BoxFuture, CancellationToken, Capabilities, ConversationId, Dialogue, DialogueError,
    Document, Egress, Format, Ingress, Reply, Sentence,
};
use loquat_dispatch::{Bot, Dispatch};
use loquat_fake_discord::Discord;
use loquat_fake_telegram::Telegram;
use loquat_journal::EmbeddedJournal;
use loquat_tests::look;
use tempfile::TempDir;

/// The answer.
const ANSWER: &str = include_str!("../fixtures/long_answer.md");
/// Its last words.
const END: &str = "完。";
/// How many letters may come twice: the heads of tables, in each message that they go on in.
const REPEATED: usize = 100;

/// An engine with one answer to everything.
struct Recites;

impl Dialogue for Recites {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        _: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        show(&Sentence::line(ANSWER));
        Box::pin(async { Ok(reply(ANSWER)) })
    }
}

/// A bot of one platform, until it is dropped.
struct Running {
    stop: CancellationToken,
    _journal: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn run(platform: &'static str, ingress: Arc<dyn Ingress>, egress: Arc<dyn Egress>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(EmbeddedJournal::open(folder.path()).unwrap());
    let stop = CancellationToken::new();
    let egresses = HashMap::from([(platform.to_owned(), egress)]);
    let bot = Bot { max_message_chars: 1000, ..Bot::default() };
    let dispatch = Dispatch::new(bot, Arc::new(Recites), journal, egresses, stop.clone());
    tokio::spawn(async move { dispatch.run(platform, ingress).await });
    Running { stop, _journal: folder }
}

/// The letters and digits of a text, in every script.
fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The code of a text's blocks, in order.
fn code(markdown: &str) -> Vec<String> {
    fn collect(document: &Document, found: &mut Vec<String>) {
        for block in &document.blocks {
            match block {
                Block::Code { text, .. } => found.push(text.clone()),
                Block::List { items, .. } => items.iter().for_each(|item| collect(item, found)),
                Block::Quote(quote) => collect(quote, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(&Document::from_markdown(markdown), &mut found);
    found
}

/// The answer's letters without the addresses of links, which platforms show each in their own way. A table that is too wide for the
/// platform is a list, with its heads in each item.
fn expected(capabilities: &Capabilities) -> Vec<char> {
    let columns = capabilities.table_columns.unwrap();
    let plain = Document::from_markdown(ANSWER).with_tables_within(columns).render(Format::Plain);
    letters(&without_addresses(&plain))
}

fn without_addresses(text: &str) -> String {
    text.replace("https://example.org/access?who=everybody&how=(by%20code)", "")
}

/// Checks that everything is there, in order, and hardly anything twice.
fn check_whole(shown: &str, capabilities: &Capabilities) {
    let (expected, shown) = (expected(capabilities), letters(&without_addresses(shown)));
    let mut wanted = expected.iter().peekable();
    for letter in &shown {
        if wanted.peek() == Some(&letter) {
            wanted.next();
        }
    }
    let missing: String = wanted.take(80).collect();
    assert!(missing.is_empty(), "missing from here on: {missing}");
    let twice = shown.len() - expected.len();
    assert!(twice <= REPEATED, "{twice} letters are shown that the answer does not have");
}

#[test]
fn the_answer_is_what_it_is_said_to_be() {
    assert!(ANSWER.chars().count() >= 30_000);
    assert_eq!(code(ANSWER).len(), 3);
    assert!(code(ANSWER)[0].len() > 4096, "no message takes it whole");
    assert!(ANSWER.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count() > 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_arrives_whole_on_telegram() {
    let telegram = Telegram::start(Default::default()).await.unwrap();
    let config = loquat_telegram::Config {
        token: Some(telegram.token().into()),
        api: telegram.url(),
        private_pause_ms: 1,
        ..Default::default()
    };
    let (ingress, egress) = loquat_telegram::connect(config, BotCard::default()).unwrap();
    let capabilities = egress.capabilities();
    let _running = run(loquat_telegram::PLATFORM, Arc::new(ingress), Arc::new(egress));
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.ready().await.unwrap();
    telegram.say(chat, &ann, "Tell me everything.").unwrap();
    let shown = telegram.until("the end", |telegram| {
        let shown = telegram.answers(chat);
        shown.last().is_some_and(|last| last.text.contains(END)).then_some(shown)
    });
    let shown = shown.await.unwrap();
    look(&format!("{}/view/{chat}", telegram.url()), "long-telegram").unwrap();
    assert!(shown.iter().all(|part| part.mended.is_empty() && part.mentioned.is_empty()), "{shown:#?}");
    check_whole(&shown.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n"), &capabilities);
    let blocks: Vec<String> = shown
        .iter()
        .flat_map(|part| {
            let units: Vec<u16> = part.text.encode_utf16().collect();
            let code =
                part.entities.iter().filter(|entity| entity.kind == "pre" && entity.language.is_some());
            code.map(move |entity| {
                String::from_utf16(&units[entity.offset..entity.offset + entity.length]).unwrap()
            })
            .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(letters(&blocks.concat()), letters(&code(ANSWER).concat()), "code stays code");
    assert!(blocks.len() > 3, "the long block is cut, and each piece is code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_arrives_whole_on_discord() {
    let discord = Discord::start(Default::default()).await.unwrap();
    let config = loquat_discord::Config {
        token: Some(discord.token().into()),
        api: Some(format!("{}/api/v10", discord.url())),
        ..Default::default()
    };
    let (ingress, egress) = loquat_discord::connect(config, BotCard::default()).unwrap();
    let capabilities = egress.capabilities();
    let _running = run(loquat_discord::PLATFORM, Arc::new(ingress), Arc::new(egress));
    let ann = discord.person("ann");
    let channel = discord.direct(ann);
    discord.ready().await.unwrap();
    discord.say(channel, ann, "Tell me everything.").unwrap();
    let shown = discord.until("the end", |discord| {
        let shown: Vec<_> = discord.shown(channel).into_iter().filter(|shown| shown.is_own).collect();
        shown.last().is_some_and(|last| last.content.contains(END)).then_some(shown)
    });
    let shown = shown.await.unwrap();
    look(&format!("{}/view/{channel}", discord.url()), "long-discord").unwrap();
    assert!(shown.iter().all(|part| part.notified.is_empty() && part.mentions.is_empty()), "{shown:#?}");
    for part in &shown {
        let fences = part.content.lines().filter(|line| line.starts_with("```")).count();
        assert_eq!(fences % 2, 0, "a fence stays open: {}", part.content);
    }
    let is_code = |line: &&str| !line.starts_with("```");
    let words = |part: &loquat_fake_discord::Shown| {
        part.content.lines().filter(is_code).collect::<Vec<_>>().join("\n").replace('\\', "")
    };
    check_whole(&shown.iter().map(words).collect::<Vec<_>>().join("\n"), &capabilities);
    let blocks: Vec<String> = shown
        .iter()
        .flat_map(|part| Document::from_markdown(&part.content).blocks)
        .filter_map(|block| match block {
            Block::Code { language, text } if !language.is_empty() => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(letters(&blocks.concat()), letters(&code(ANSWER).concat()), "code stays code");
    assert!(blocks.len() > 3, "the long block is cut, and each piece is code");
}
