//! Names and words. In: what the linker found in a question. Out: which of it is no name: a graph may have something called "film" or
//! "The Director", and a question for "the director of the film …" does not name it.

use loquat_contract::{Language, Mention};
use loquat_retrieve::Retriever;

use crate::understand::Understood;

/// The question, with such stretches taken for words of what is asked.
pub(super) fn without_words(
    understood: &Understood,
    retriever: &Retriever,
    language: &Language,
) -> Understood {
    let mut understood = understood.clone();
    let writes_capitals = understood.mentions.iter().any(|mention| has_capital(&mention.text));
    for (place, mention) in understood.mentions.iter().enumerate() {
        let is_word = !has_capital(&mention.text)
            && (writes_capitals && is_of_a_capital(mention, language)
                || retriever.is_plain(&mention.text, language));
        // The only name is what the question is about.
        if is_word && understood.mentions.len() > 1 {
            understood.within_relation[place] = true;
        }
    }
    understood
}

fn has_capital(text: &str) -> bool {
    text.contains(char::is_uppercase)
}

/// Whether what may be meant is written with a capital: "fall" in a text that has capitals is not The Fall.
fn is_of_a_capital(mention: &Mention, language: &Language) -> bool {
    mention.candidates.iter().all(|candidate| has_capital(candidate.entity.label(language)))
}
