//! One line of a training set.

use std::collections::BTreeSet;

use loquat_contract::ChatMessage;
use serde::{Deserialize, Serialize};

/// Something to learn from: a dialogue, or plain text. A set is a folder with `train.jsonl`, `dev.jsonl` and `test.jsonl`, one example a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Unique in its set.
    pub id: String,
    /// What it teaches.
    pub kind: Kind,
    /// The dialogue, in OpenAI's form; empty where there is `text`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Plain text, of which every token is learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Ids of the entities that it is about: what has one in common is in the same part of the split.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub entities: BTreeSet<String>,
    /// The relation asked for, or another name of the group that is balanced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The question as it was put to the bot, without facts and label; none for dialogues and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Answers to it that are right: those that its question set accepts, else the values of the bot's own answer. Any one of them will do.
    /// None where the facts do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Whether the last answer was cut off: then it is not learnt that it ends there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

/// What an example teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To say one fact.
    Fact,
    /// To say a fact found over others.
    MultiHop,
    /// To say a list, whole.
    List,
    /// To answer yes or no.
    YesNo,
    /// To answer what only the dialogue before it makes clear.
    FollowUp,
    /// To say that the facts do not tell.
    Missing,
    /// To put a wrong presupposition right.
    Contradicted,
    /// To talk.
    Dialogue,
    /// To go on in the manner of a text.
    Text,
    /// To say what the base says already.
    Rehearsal,
}

/// One message of a dialogue, as OpenAI's files for fine-tuning have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// Of an assistant's message: 0 where it is read and not learnt. Without it, it is learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who set the bot up.
    System,
    /// A person.
    User,
    /// The bot.
    Assistant,
}

impl Message {
    /// A message, learnt where it is the assistant's.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), weight: None }
    }

    /// The same, read and not learnt.
    #[must_use]
    pub fn only_read(self) -> Self {
        let weight = (self.role == Role::Assistant).then_some(0);
        Self { weight, ..self }
    }
}

impl From<&ChatMessage> for Message {
    fn from(message: &ChatMessage) -> Self {
        let role = match message.role {
            loquat_contract::Role::System => Role::System,
            loquat_contract::Role::User => Role::User,
            loquat_contract::Role::Assistant => Role::Assistant,
        };
        // What the engine shows its model as examples is no answer to learn.
        Self::new(role, message.content.clone()).only_read()
    }
}

impl Kind {
    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Fact,
        Self::MultiHop,
        Self::List,
        Self::YesNo,
        Self::FollowUp,
        Self::Missing,
        Self::Contradicted,
        Self::Dialogue,
        Self::Text,
        Self::Rehearsal,
    ];

    /// Its name in recipes and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::MultiHop => "multi_hop",
            Self::List => "list",
            Self::YesNo => "yes_no",
            Self::FollowUp => "follow_up",
            Self::Missing => "missing",
            Self::Contradicted => "contradicted",
            Self::Dialogue => "dialogue",
            Self::Text => "text",
            Self::Rehearsal => "rehearsal",
        }
    }
}
