//! A question as the harness has it, whatever format it came in. In: nothing. Out: types. Must not know how a set is stored.

use serde::{Deserialize, Serialize};

/// What a turn's reply should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// It answers from facts.
    Answer,
    /// It does not.
    Abstain,
    /// It asks back, with choices.
    Clarify,
    /// Whatever it is.
    #[default]
    Any,
}

/// Something that is said to the bot, and what the reply should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What is said.
    pub say: String,
    /// What kind of reply is expected.
    pub expect: Expect,
    /// Accepted answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Texts or `/regular expressions/` that all stand in the reply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must: Vec<String>,
    /// Texts or `/regular expressions/` of which none stands in the reply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

impl Turn {
    /// Whether anything at all is expected of its reply.
    pub fn is_graded(&self) -> bool {
        self.expect != Expect::Any
            || !(self.answers.is_empty() && self.must.is_empty() && self.never.is_empty())
    }
}

/// A question, or a conversation, with what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Names it; unique in its set.
    pub id: String,
    /// The set that it is of.
    pub set: String,
    /// BCP 47 tag of its language.
    pub language: String,
    /// The relation asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The facts between the topic and the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<u8>,
    /// The name of what is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What kind of question or attack it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether the question stands in other words than its set has it in.
    #[serde(default)]
    pub is_paraphrase: bool,
    /// What is said, in order; at least one.
    pub turns: Vec<Turn>,
}

/// `zh` where a text has Han characters, else `en`.
pub(crate) fn language_of(text: &str) -> String {
    if text.chars().any(crate::normal::is_han) { "zh" } else { "en" }.to_owned()
}
