//! Names in plain text. In: a message. Out: which stretches of it name what, with scores, and what looks like a name and is none
//! of the graph's. Knows no store, and of the graph only what [`surroundings`] lists.
//!
//! 1. Text and names are folded alike ([`fold`](mod@fold)): NFKC, lower case, simplified characters, one space for any. Every folded
//!    character keeps its bytes in the message. A looser form without diacritics and punctuation is kept beside it.
//! 2. From each word's start (each character, in scripts without spaces) every name in the index is taken ([`scan`]), also in
//!    the plural ([`inflect`]). Case and common words decide what may be meant ([`case`](mod@case)).
//! 3. Where words are written as a name ([`shape`]) and no name covers them as a whole, names with small spelling mistakes
//!    are looked for ([`fuzzy`], [`search`]).
//! 4. Of readings that overlap, those that explain most of the text stand ([`cover`]): leftmost and longest as a rule.
//! 5. Prior ([`score`]), words of the message ([`relations`]), and coherence with the other mentions and with the conversation
//!    decide which entity is meant ([`context`]).
//! 6. Evidence becomes a probability ([`calibrate`]); what stays below [`THRESHOLD`] is not linked ([`resolve`]).
//!
//! **Evidence** starts at 1 and is multiplied by the factors below. A mention's candidates share its certainty.
//!
//! | found by | factor |
//! |---|---|
//! | without diacritics or punctuation, or with another "and" | 0.95 |
//! | plural | 0.85 |
//! | lower case where the name has a capital: one word, several words | 0.78, 0.9 |
//! | one word in lower case, a noun; one that names a predicate | 0.78, 0.72 |
//! | begins in lower case and goes on with capitals | 0.85 |
//! | up to three characters within a run of Chinese that goes on at one side, at both | 0.75, 0.5 |
//! | only digits and signs | 0.5 |
//! | spelling mistakes: `e` edits in `n` characters | 0.85 × (1 − e/n) |
//! | the mentions cover the share `s` of a longer name | s² |
//! | part of a quotation in Chinese quotation marks | 0.35 |
//! | two single words with capitals, or three names, in a row that the graph does not relate | 0.3 |
//! | one word in lower case beside a word that nothing explains | 0.7 |
//! | among other words | at most 0.97 |

mod calibrate;
mod context;
mod cover;
mod function_words;
mod fuzzy;
mod index;
mod inflect;
mod keys;
mod relations;
mod resolve;
mod scan;
mod score;
mod search;
mod shape;
mod surroundings;

use loquat_terms::{borders, case, fold};

pub(crate) use fold::{fold_text, is_unspaced};
pub(crate) use index::{Index, PREFERRED, PredicateNames, flags};
pub(crate) use keys::{Form, keys_of};
pub(crate) use resolve::{Found, Names};
pub(crate) use surroundings::Surroundings;

/// The least evidence of a reading, before the rest of the message is looked at.
const LEAST_EVIDENCE: f32 = 0.4;

/// The least certainty of a mention. As low as that, since whoever reads the graph next sees more: whether there is a fact of
/// the kind that is asked for.
const THRESHOLD: f32 = 0.2;

#[cfg(test)]
mod tests;
