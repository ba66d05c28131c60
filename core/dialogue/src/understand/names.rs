//! Names and words. In: what the linker found in a question. Out: the same without what is no name: a graph may have something called
//! "film" or "The Director", and a question for "the director of the film …" names neither.

use loquat_contract::{Language, Mention};
use loquat_retrieve::Retriever;

/// The mentions that are names. Where none is, all stay: the only one is what the question is about.
pub(crate) fn names(mentions: Vec<Mention>, retriever: &Retriever, language: &Language) -> Vec<Mention> {
    let writes_capitals = mentions.iter().any(has_capital_within);
    let is_word = |mention: &Mention| {
        let is_written_otherwise = writes_capitals && is_of_a_capital(mention, language);
        !has_capital_within(mention) && (is_written_otherwise || retriever.is_plain(&mention.text, language))
    };
    if mentions.iter().all(is_word) {
        return mentions;
    }
    mentions.into_iter().filter(|mention| !is_word(mention)).collect()
}

/// Whether it is written with a capital other than the one that begins the text: "Tell me" is not Tell Me.
fn has_capital_within(mention: &Mention) -> bool {
    let is_first = mention.range.start == 0;
    mention.text.chars().skip(usize::from(is_first)).any(char::is_uppercase)
}

fn has_capital(text: &str) -> bool {
    text.contains(char::is_uppercase)
}

/// Whether what may be meant is written with a capital: "fall" in a text that has capitals is not The Fall.
fn is_of_a_capital(mention: &Mention, language: &Language) -> bool {
    mention.candidates.iter().all(|candidate| has_capital(candidate.entity.label(language)))
}
