//! What a grounded answer rests on: annotations in OpenAI's shape and in our own, and the `loquat` object. In: a reply. Out: their JSON.

use std::sync::Arc;

use loquat_contract::{
    EntityId, FactId, Generation, Language, ModelIdentity, Outcome, Policy, Verdict, Wording,
};
use serde::Serialize;

/// A citation, where its sentence stands. `url_citation` is OpenAI's; where the source is no address there is ours alone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Annotation {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url_citation: Option<UrlCitation>,
    pub(crate) loquat_citation: Triple,
}

/// The page that a sentence is taken from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UrlCitation {
    /// Where the sentence begins in the content, in characters.
    pub(crate) start_index: usize,
    /// Where it ends.
    pub(crate) end_index: usize,
    pub(crate) title: String,
    pub(crate) url: Arc<str>,
}

/// The fact that a sentence rests on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Triple {
    pub(crate) start_index: usize,
    pub(crate) end_index: usize,
    /// Its number among the answer's citations, from 1.
    pub(crate) number: usize,
    pub(crate) title: String,
    pub(crate) fact: FactId,
    pub(crate) entity: EntityId,
    pub(crate) subject: String,
    pub(crate) predicate: String,
    pub(crate) object: String,
    pub(crate) source: Arc<str>,
}

/// The `loquat` object.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Grounds {
    pub(crate) outcome: Outcome,
    pub(crate) policy: Policy,
    pub(crate) graph: Generation,
    pub(crate) language: Language,
    pub(crate) model: ModelIdentity,
    pub(crate) values: Vec<String>,
    pub(crate) choices: Vec<String>,
    pub(crate) sentences: Vec<Checked>,
    /// The parameters that the bot's own settings stand in for.
    pub(crate) ignored: Vec<&'static str>,
}

/// Where a sentence stands, and what verification found of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Checked {
    pub(crate) start_index: usize,
    pub(crate) end_index: usize,
    pub(crate) verdict: Verdict,
    pub(crate) wording: Wording,
    pub(crate) citations: Vec<usize>,
}
