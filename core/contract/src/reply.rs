//! What the bot answers, and what proves it. In: a draft that passed verification. Out: what connectors show.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Choice, EntityId, FactId, Generation, Language, ModelIdentity, PredicateId, TokenCount};

/// What happens to a sentence that the facts do not support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The question was answered from facts.
    Answered,
    /// The graph does not say, and so neither does the bot.
    Abstained,
    /// What was meant is asked back, with choices.
    Clarified,
    /// Nothing was asked that facts could answer.
    Smalltalk,
}

/// What verification found of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every claim in it resolves to the facts listed.
    Supported,
    /// A fact says otherwise: it gives another value for what the sentence speaks of.
    Contradicted,
    /// It claims something that no fact given to the model says.
    Unsupported,
    /// It claims nothing.
    NoClaim,
}

impl Verdict {
    /// Whether the sentence claims something that is not supported.
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Contradicted | Self::Unsupported)
    }
}

/// Whose words a sentence is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// The model's, free to write what it would.
    Model,
    /// The model's, where names and numbers could only be those of the facts.
    Constrained,
    /// A template's, filled with a fact.
    Template,
    /// One of the bot's own lines, which says nothing of the graph.
    #[default]
    Line,
}

/// What of a sentence a fact supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Span {
    /// The fact.
    pub fact: FactId,
    /// Byte offset of the span's start in the sentence.
    pub start: usize,
    /// Byte offset of its end.
    pub end: usize,
}

/// One sentence of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Sentence {
    /// The words.
    pub text: String,
    /// What verification found.
    pub verdict: Verdict,
    /// The facts that support it; where it is [`Verdict::Contradicted`], those that say otherwise.
    pub facts: Vec<FactId>,
    /// For each fact that supports it, the names, values and words of its relation in the sentence that it accounts for, in the
    /// order of the sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Whose words it is in.
    #[serde(default)]
    pub wording: Wording,
    /// How many more facts of its lists the graph had when it was made: facts that have subject and predicate, or predicate and
    /// object, in common with those that support it, and that it leaves out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

impl Sentence {
    /// A sentence that claims nothing, such as a greeting.
    pub fn line(text: impl Into<String>) -> Self {
        Self::new(text, Verdict::NoClaim, Vec::new())
    }

    /// A sentence with its verdict and the facts behind that.
    pub fn new(text: impl Into<String>, verdict: Verdict, facts: Vec<FactId>) -> Self {
        Self {
            text: text.into(),
            verdict,
            facts,
            spans: Vec::new(),
            wording: Wording::default(),
            left_out: 0,
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A fact that a reply rests on, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Citation {
    /// The fact.
    pub id: FactId,
    /// Its subject, by which the graph finds the fact again.
    #[serde(default)]
    pub entity: EntityId,
    /// Its subject's label.
    pub subject: String,
    /// Its predicate's label.
    pub predicate: String,
    /// Its object in words, with the unit.
    pub object: String,
    /// Where it came from.
    pub source: Arc<str>,
    /// The state of the graph since which it holds the fact.
    #[serde(default)]
    pub since: Generation,
}

/// Something that was asked and that the graph does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Gap {
    /// The question.
    pub question: String,
    /// What it is about; `None` where nothing in it is in the graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityId>,
    /// Its label, or the name that is not in the graph, as typed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The relation that was asked for, where the graph has one that is called so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<PredicateId>,
    /// The words that ask for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked: String,
}

/// A name in the question and what it was taken to mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    /// The values that were asked for, in the order in which they are said: names, numbers with their units, dates, yes or no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What was asked and is not in the graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// What the person can choose from, where a name may mean several things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
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
