//! An answer as it comes, whoever makes it: the bot or a model. In: nothing. Out: the pieces that completions and chunks are made of.

use futures::stream::BoxStream;

use crate::error::ApiError;
use crate::wire::grounds::{Annotation, Grounds};
use crate::wire::response::TokenLogprob;

/// A piece of one choice.
#[derive(Debug)]
pub(crate) enum Delta {
    /// How many tokens went in.
    Prompt(usize),
    /// The next words.
    Text(String),
    /// A token of the words that follow.
    Logprob(Box<TokenLogprob>),
    /// A tool is called; its arguments follow.
    Call(String),
    /// The next piece of the arguments.
    Arguments(String),
    /// What the words rest on.
    Annotations(Vec<Annotation>),
    /// What else is to be said of a grounded answer.
    Grounds(Box<Grounds>),
    /// The end.
    Finish {
        /// `stop`, `length` or `tool_calls`.
        reason: &'static str,
        /// How many tokens were written.
        completion: usize,
    },
}

/// The pieces of one choice, to the end or an error. Dropping it stops whoever makes it.
pub(crate) type Deltas = BoxStream<'static, Result<Delta, ApiError>>;
