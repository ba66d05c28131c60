//! What the bot answers, and what proves it. In: a draft that passed verification. Out: what connectors show.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{EntityId, FactId, Generation, Language, ModelIdentity, TokenCount};

/// What happens to a sentence that the facts do not support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is never sent.
    #[default]
    Strict,
    /// It is sent, and marked.
    Hedged,
    /// It is sent; the verdict is only recorded.
    Open,
}

/// What kind of answer this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The question was answered from facts.
    Answered,
    /// The graph does not say, and so neither does the bot.
    Abstained,
    /// Nothing was asked that facts could answer.
    Smalltalk,
}

/// What verification found of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every claim in it resolves to the facts listed.
    Supported,
    /// It claims something that no fact given to the model says.
    Unsupported,
    /// It claims nothing.
    NoClaim,
}

/// One sentence of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// The words.
    pub text: String,
    /// What verification found.
    pub verdict: Verdict,
    /// The facts that support it.
    pub facts: Vec<FactId>,
}

/// A fact that a reply rests on, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The fact.
    pub id: FactId,
    /// Its subject's label.
    pub subject: String,
    /// Its predicate's label.
    pub predicate: String,
    /// Its object in words, with the unit.
    pub object: String,
    /// Where it came from.
    pub source: Arc<str>,
}

/// A name in the question and what it was taken to mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkedEntity {
    /// The name as typed.
    pub text: String,
    /// Byte offset of its start in the message.
    pub start: usize,
    /// Byte offset of its end in the message.
    pub end: usize,
    /// The entity.
    pub id: EntityId,
    /// The entity's label in the reply's language.
    pub label: String,
    /// How sure the linking is, from 0 to 1.
    pub score: f32,
}

/// How long the parts of an answer took, in milliseconds from the start of the message's handling where not a part's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Linking alone.
    pub link: f64,
    /// Choosing the facts alone.
    pub ground: f64,
    /// Until the model's first piece of text; `None` where no model was asked.
    pub first_token: Option<f64>,
    /// Until the reply was complete.
    pub total: f64,
}

/// A complete reply. Its JSON is what `loquat ask --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The sentences as one text.
    pub answer: String,
    /// The language it is in.
    pub language: Language,
    /// What kind of answer it is.
    pub outcome: Outcome,
    /// The sentences in order.
    pub sentences: Vec<Sentence>,
    /// The facts that the sentences rest on, in the order of their first use.
    pub citations: Vec<Citation>,
    /// What the message's names were taken to mean.
    pub entities: Vec<LinkedEntity>,
    /// The policy it was made under.
    pub policy: Policy,
    /// The model that was asked.
    pub model: ModelIdentity,
    /// The state of the graph that it was made from.
    pub graph: Generation,
    /// The seed of the sampling.
    pub seed: u64,
    /// How long it took.
    #[serde(rename = "timings_ms")]
    pub timings: Timings,
    /// What it cost.
    pub tokens: TokenCount,
}

impl Reply {
    /// The positions, counted from 1, of the citations that `sentence` rests on.
    pub fn citation_numbers(&self, sentence: &Sentence) -> Vec<usize> {
        let position = |id: &FactId| self.citations.iter().position(|citation| citation.id == *id);
        sentence.facts.iter().filter_map(position).map(|index| index + 1).collect()
    }
}
