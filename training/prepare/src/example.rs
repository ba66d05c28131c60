//! One line of a training set.

use std::collections::BTreeSet;

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
