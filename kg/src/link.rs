//! Names in plain text. In: a message. Out: which stretches of it name what, with scores. Knows no facts and no store.
//!
//! 1. Text and names are folded alike ([`fold`](mod@fold)): NFKC, lower case, simplified characters, one space for any. Every folded
//!    character keeps its bytes in the message. A looser form without diacritics and punctuation is kept beside it.
//! 2. From each word's start (each character, in scripts without spaces) the longest name in the index is taken, leftmost
//!    first ([`scan`]). The exact form is preferred to the loose one, and both to an English plural.
//! 3. Case and common words decide what may be meant ([`case`](mod@case)); kind of name and degree decide which entity ([`score`]).
//! 4. Words that no name covers are compared with small spelling mistakes ([`fuzzy`]).
//!
//! **Scores.** A mention's certainty starts at 1 and is multiplied by the factors below; its candidates share it in
//! proportion to their weights. What stays below [`THRESHOLD`] is not linked.
//!
//! | found by | factor |
//! |---|---|
//! | without diacritics or punctuation | 0.95 |
//! | plural | 0.85 |
//! | lower case where the name has a capital: one word, several words | 0.7, 0.9 |
//! | only digits and signs | 0.5 |
//! | spelling mistakes: `e` edits in `n` characters | 0.85 × (1 − e/n) |

mod fuzzy;
mod index;
mod keys;
mod scan;
mod score;

use loquat_terms::{borders, case, fold};

pub(crate) use fold::{fold_text, is_unspaced};
pub(crate) use index::{Index, PREFERRED, PredicateNames, flags};
pub(crate) use keys::{Form, keys_of};
pub(crate) use scan::Found;

/// The least certainty of a mention.
pub(crate) const THRESHOLD: f32 = 0.4;

#[cfg(test)]
mod tests;
