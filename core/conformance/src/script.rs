//! What the bot of the kit says. In: a text that somebody says. Out: the same text; or, where it asks for that, a long or awkward one, or
//! the same after a while.

use std::time::Duration;

use loquat_contract::testing::{Echo, reply};
use loquat_contract::{
    BoxFuture, Choice, ConversationId, Dialogue, DialogueError, Length, LengthUnit, Memory, Outcome, Reply,
    Sentence,
};

/// How long an answer to a text that begins with [`SLOW`] takes.
pub(crate) const TAKES: Duration = Duration::from_millis(700);
/// What a text begins with that takes a while to answer.
pub(crate) const SLOW: &str = "slow";
/// What a text begins with whose answer is shown at once, and takes a while until it is complete.
pub(crate) const DRAFT: &str = "draft";
/// What a text begins with that is asked back, with these choices.
pub(crate) const CHOOSE: &str = "choose";
/// The choices. What each stands for begins with its name, and ends with the word by which the question is known and the name again.
pub(crate) const CHOICES: [&str; 3] = ["left", "right", "linger"];
/// What a text begins with that takes long to answer.
const LINGER: &str = CHOICES[2];
/// How long that takes: long enough for a second press.
const LINGERS: Duration = Duration::from_secs(3);
/// What a text begins with that is answered from facts.
pub(crate) const FACTS: &str = "facts";
/// What a text begins with that asks for an awkward reply.
pub(crate) const MAKE: &str = "make";

/// An awkward reply, by its name and what it is awkward about.
pub(crate) const AWKWARD: [(&str, &str); 10] = [
    ("limit", "a reply of just the longest length"),
    ("over", "a reply one longer than that"),
    ("thrice", "a reply of three times that"),
    ("word", "a word longer than a message may be"),
    ("unicode", "emoji of several code points, combining marks, Chinese, Arabic, characters beyond the BMP"),
    ("code", "a long code block"),
    ("table", "a long table"),
    ("list", "a long list in a list"),
    ("link", "links with long addresses"),
    ("mention", "@everyone, @here and mentions in a platform's own form"),
];

/// What a choice of a question stands for. The word of the question is not a word of its own in it.
pub(crate) fn chosen(name: &str, token: &str) -> String {
    format!("{name} {token}{name}")
}

/// The limit that is played with on platforms that have none.
const NO_LIMIT: Length = Length { limit: 5000, unit: LengthUnit::Characters };

/// The awkward reply of a name, for a platform with this limit.
pub(crate) fn awkward(name: &str, token: &str, limit: Option<Length>) -> String {
    let Length { limit, unit } = limit.unwrap_or(NO_LIMIT);
    let filled = |length: usize| {
        let mut text = token.to_owned();
        for word in ["one ", "zwei ", "três ", "四 ", "пять "].iter().cycle() {
            if unit.measure(&text) + unit.measure(word) + 1 > length {
                break;
            }
            text = format!("{text} {}", word.trim());
        }
        while unit.measure(&text) < length {
            text.push('x');
        }
        text
    };
    let lines = |line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for number in 1.. {
            text += &line(number);
            text.push('\n');
            if unit.measure(&text) > limit * 2 {
                break;
            }
        }
        text
    };
    match name {
        "limit" => filled(limit),
        "over" => filled(limit + 1),
        "thrice" => filled(limit * 3),
        "word" => format!("{token} {}", "abcdefghij".repeat(limit / 5)),
        "unicode" => {
            let sample = "👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈 e\u{301}a\u{308}\u{323} 不丹的首都是廷布。 مرحبا بالعالم 𝔘𝔫𝔦 𠮷野家 नमस्ते";
            format!("{token} {}", vec![sample; limit / 40 + 1].join(" "))
        }
        "code" => format!("{token}\n\n```\n{}```\n\nend", lines(&|n| format!("let line_{n} = {n}; // é"))),
        "table" => {
            format!(
                "{token}\n\n| name | value |\n|---|---|\n{}\nend",
                lines(&|n| format!("| row{n} | {n}00 |"))
            )
        }
        "list" => format!("{token}\n\n{}\nend", lines(&|n| format!("- item{n}\n  - inner{n}"))),
        "link" => format!(
            "{token} {}",
            lines(&|n| format!("[place{n}](https://example.org/{n}/{})", "p".repeat(60)))
        ),
        "mention" => {
            format!("{token} @everyone and @here, <@123456>, <@&42>, <#7>, <!everyone>, <!channel>!")
        }
        _ => token.to_owned(),
    }
}

/// The engine of the kit's bot.
#[derive(Default)]
pub(crate) struct Script {
    echo: Echo,
    limit: Option<Length>,
}

impl Script {
    /// For a platform with this limit.
    pub(crate) fn new(limit: Option<Length>) -> Self {
        Self { limit, ..Self::default() }
    }
}

impl Dialogue for Script {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            let words: Vec<&str> = text.split_whitespace().collect();
            match words[..] {
                [MAKE, name, token] => Ok(reply(&awkward(name, token, self.limit))),
                [DRAFT, token] => {
                    // Of a single sentence, some platforms show no draft.
                    let mut reply = reply(token);
                    reply.sentences.push(Sentence::line("That was all."));
                    reply.sentences.iter().for_each(&mut *show);
                    tokio::time::sleep(TAKES).await;
                    Ok(reply)
                }
                [CHOOSE, token] => {
                    let choice = |name: &str| Choice { label: name.to_owned(), value: chosen(name, token) };
                    let choices = CHOICES.into_iter().map(choice).collect();
                    Ok(Reply {
                        choices,
                        outcome: Outcome::Clarified,
                        ..reply(&format!("Which one? {token}"))
                    })
                }
                [FACTS, token] => Ok(Reply { outcome: Outcome::Answered, ..reply(token) }),
                _ => {
                    match words.first() {
                        Some(&SLOW) => tokio::time::sleep(TAKES).await,
                        Some(&LINGER) => tokio::time::sleep(LINGERS).await,
                        _ => {}
                    }
                    self.echo.answer(conversation, text, show).await
                }
            }
        })
    }

    fn memory(&self, conversation: &ConversationId) -> Option<Memory> {
        self.echo.memory(conversation)
    }

    fn recall<'a>(&'a self, conversation: &'a ConversationId, memory: Memory) -> BoxFuture<'a, ()> {
        self.echo.recall(conversation, memory)
    }
}
