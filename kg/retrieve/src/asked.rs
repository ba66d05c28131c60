//! What is asked of retrieval. In: a question, what the conversation knows already. Out: the same as one value. Knows no graph.

use loquat_contract::{EntityId, Mention};

/// A question with what is known of it already. A text alone is one too: `retriever.retrieve("Who directed Heat?")`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The question.
    pub text: &'a str,
    /// What the conversation is about, the latest first.
    pub about: &'a [EntityId],
    /// The names in the text, where they are linked already; `None` links them. To force a meaning, leave it as the only
    /// candidate of its mention. A mention with an empty range is what the question is about though its text has no name for it
    /// (“and its currency?”).
    pub mentions: Option<&'a [Mention]>,
}

impl<'a> From<&'a str> for Asked<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }
}
