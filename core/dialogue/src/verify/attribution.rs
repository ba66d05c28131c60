//! Which predicate is said to be whose. In: a covered sentence. Out: pairs of a predicate and a name that read "P of X", "X's P" or
//! "X, whose P". Knows no fact.

use super::cover::{Cover, Occurrence};
use crate::lexicon::Lexicon;

/// How a predicate is said to be a name's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// "the capital of Bhutan"
    Of,
    /// "Bhutan's capital", "Bhutan, whose capital"
    Possessive,
    /// "Bhutan capital", 不丹首都
    Beside,
}

/// Finds "P of X" and "X's P" between neighbouring occurrences.
pub(super) fn find(cover: &Cover, sentence: &str, lexicon: &Lexicon) -> Vec<(usize, usize, Link)> {
    let grammar = &lexicon.grammar;
    let has = |list: &[String], word: &str| list.iter().any(|entry| entry == word);
    let mut attributions = Vec::new();
    for (index, pair) in cover.occurrences.windows(2).enumerate() {
        let between: Vec<&str> = (pair[0].words.end..pair[1].words.start).map(|at| cover.word(at)).collect();
        let is_predicate = |occurrence: &Occurrence| !occurrence.predicate_of.is_empty();
        let gap = sentence.get(pair[0].bytes.end..pair[1].bytes.start).unwrap_or_default();
        let is_cut = gap.contains([',', ';', '，', '；', '。', '.', ':', '：']);
        let of = match between.as_slice() {
            [of] => has(&grammar.of, of),
            [of, article] => has(&grammar.of, of) && has(&grammar.articles, article),
            // "the capital used in Bhutan": the word before the preposition says nothing.
            [_, of, ..] if between.len() <= 3 => has(&grammar.of, of),
            _ => false,
        };
        let possessive =
            between.first().is_some_and(|word| has(&grammar.possessive, word)) && between.len() <= 3;
        let whose = between.iter().any(|word| has(&grammar.whose, word)) && between.len() <= 2;
        // Chinese leaves the 的 out: 不丹首都.
        // 由X承运 and 属于X地区 are no possessions: the one is done by X, the other has said its verb before.
        let before = cover.before(pair[0].words.start);
        let is_introduced = has(&grammar.agent, before) || has(&grammar.has, before);
        let is_said_before = cover.occurrences[..index]
            .iter()
            .any(|other| other.predicate_of.iter().any(|fact| pair[1].predicate_of.contains(fact)));
        let is_unspaced = lexicon.language.is_unspaced();
        let is_beside = between.is_empty() && gap.trim().is_empty();
        let touches = is_unspaced && is_beside && !is_introduced && !is_said_before;
        // "the Bhutanese capital is"; a verb would stand there too: "Heat directed".
        let is_adjective = !is_unspaced && is_beside && has(&grammar.copula, cover.word(pair[1].words.end));
        if is_predicate(&pair[0]) && pair[1].is_name() && of && !is_cut {
            attributions.push((index, index + 1, Link::Of));
        }
        if pair[0].is_name() && is_predicate(&pair[1]) {
            if possessive && !is_cut || whose && !pair[0].subject_of.is_empty() {
                attributions.push((index + 1, index, Link::Possessive));
            } else if !pair[0].subject_of.is_empty() && (touches || is_adjective) {
                attributions.push((index + 1, index, Link::Beside));
            }
        }
    }
    attributions
}
