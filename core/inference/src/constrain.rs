//! What a reply may consist of. In: a [`Constraint`] of a request. Out: the tokens that may come next, step by step.
//! Must not know: logits, sampling, graphs, chats.

mod vocabulary;

mod texts;

mod grammar;

use std::fmt::Display;
use std::sync::OnceLock;

use llguidance::toktrie::SimpleVob;
use loquat_contract::Constraint;

use self::grammar::{Grammar, Grammars};
use self::texts::Texts;
use self::vocabulary::Vocabulary;
use crate::InferenceError;
use crate::tokenizer::Tokenizer;

/// A set of token ids.
pub(crate) type TokenSet = SimpleVob;

/// Whether a text may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// More has to follow.
    Forbidden,
    /// It is complete, and more may follow.
    Allowed,
    /// It is complete, and nothing may follow.
    Forced,
}

/// The state of one constrained reply: masks the logits, step by step. Its `Display` names the constraint in errors.
///
/// To implement it: give in [`mask`](Self::mask) the ids that may come next, the ends of a turn among them where the text may
/// end; follow in [`commit`](Self::commit) the token that was chosen.
pub(crate) trait LogitMask: Display + Send {
    /// The tokens that may come next; computed once between commits, so that asking early costs nothing later.
    ///
    /// # Errors
    /// No token of the vocabulary goes on, or the constraint is beyond its limits.
    fn mask(&mut self) -> Result<&TokenSet, InferenceError>;

    /// Goes on by `token`, which is in the mask.
    ///
    /// # Errors
    /// It is not.
    fn commit(&mut self, token: u32) -> Result<(), InferenceError>;

    /// Whether the text may end here.
    fn ending(&mut self) -> Ending;

    /// The tokens that write the only way on, often none. Whoever feeds them commits them, one by one.
    fn forced(&mut self) -> Vec<u32> {
        Vec::new()
    }
}

/// Makes the constraints of one model's requests.
///
/// It holds what they share, the vocabulary as a trie of bytes, which is built at the first use. May be used from several threads at once.
pub(crate) struct ConstraintCompiler {
    tokenizer: Tokenizer,
    /// Ids that end a turn.
    eos: Vec<u32>,
    /// How many logits the model gives.
    width: usize,
    vocabulary: OnceLock<Result<Vocabulary, String>>,
    grammars: OnceLock<Result<Grammars, String>>,
}

impl ConstraintCompiler {
    /// Costs nothing yet. `width` is the number of logits.
    pub(crate) fn new(tokenizer: Tokenizer, eos: Vec<u32>, width: usize) -> Self {
        Self { tokenizer, eos, width, vocabulary: OnceLock::new(), grammars: OnceLock::new() }
    }

    /// The constraint at the beginning of a text. Takes milliseconds, the first one more.
    ///
    /// # Errors
    /// The constraint is malformed, allows no text, or is beyond the limits; the error says which constraint and why.
    pub(crate) fn compile(&self, constraint: &Constraint) -> Result<Box<dyn LogitMask>, InferenceError> {
        let vocabulary =
            self.vocabulary.get_or_init(|| Vocabulary::new(&self.tokenizer, &self.eos, self.width));
        let vocabulary = vocabulary.as_ref().map_err(|reason| InferenceError::Tokenizer(reason.clone()))?;
        Ok(match constraint {
            Constraint::OneOf(texts) => Box::new(Texts::new(vocabulary.clone(), &[], texts)?),
            Constraint::Pieces { pieces, ends } => Box::new(Texts::new(vocabulary.clone(), pieces, ends)?),
            Constraint::Regex(source) => Box::new(Grammar::regex(self.grammars(vocabulary)?, source)?),
            Constraint::JsonSchema(source) => {
                Box::new(Grammar::json_schema(self.grammars(vocabulary)?, source)?)
            }
            Constraint::Lark(source) => Box::new(Grammar::lark(self.grammars(vocabulary)?, source)?),
        })
    }

    fn grammars(&self, vocabulary: &Vocabulary) -> Result<&Grammars, InferenceError> {
        let grammars = self.grammars.get_or_init(|| Grammars::new(vocabulary));
        grammars.as_ref().map_err(|reason| InferenceError::Tokenizer(reason.clone()))
    }
}

/// `text` as an error shows it: in quotes, shortened.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut start: String = text.chars().take(SHOWN).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

#[cfg(test)]
pub(crate) mod tests;
