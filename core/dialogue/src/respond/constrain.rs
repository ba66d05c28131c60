//! What a second try may consist of. In: the facts that answer. Out: a constraint under which every name, number and date is one of
//! theirs. Says nothing of the order, which verification judges.

use loquat_contract::Constraint;

use crate::ground::Grounds;
use crate::lexicon::Lexicon;
use crate::realise::{object, phrasing, readable};

/// The facts' objects, and what joins them in a list; where the sentence has not begun yet, the names of their subjects, the words of
/// their relations and the few words that leave a fact as it is, too.
pub(super) fn to_the_facts(grounds: &Grounds, is_begun: bool, lexicon: &Lexicon) -> Constraint {
    let language = &lexicon.language;
    let realise = &lexicon.realise;
    let gap = if language.is_unspaced() { "" } else { " " };
    let mut pieces: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let piece = format!("{gap}{}", text.trim());
        if !text.trim().is_empty() && !pieces.contains(&piece) {
            pieces.push(piece);
        }
    };
    for fact in &grounds.facts {
        add(&object(fact, lexicon));
        if !is_begun {
            add(&fact.subject.name_in_sentence(language));
            add(&readable(fact.predicate.label(language)));
            for template in phrasing(&fact.predicate, false, lexicon).templates() {
                template
                    .split(['{', '}'])
                    .step_by(2)
                    .for_each(|words| add(words.trim_end_matches(['.', '。'])));
            }
        }
    }
    add(realise.last_separator.trim());
    pieces.push(realise.separator.trim_end().to_owned());
    if !is_begun && !language.is_unspaced() {
        // A sentence begins without a space.
        let begin = pieces.iter().filter_map(|piece| piece.strip_prefix(' ')).map(str::to_owned);
        let begin: Vec<String> = begin.collect();
        pieces.extend(begin);
    }
    let ends = vec![if language.is_unspaced() { "。" } else { "." }.to_owned()];
    Constraint::Pieces { pieces, ends }
}
