//! Questions that leave out what the last one said. In: the last question and what replaces a part of it ("And of Nepal?", "And the
//! smallest?"). Out: the question in full. Knows no graph.

use loquat_contract::{Candidate, Mention};

use super::Understood;
use crate::session::Asked;

/// The last question again, about what this message names; the likeliest reading first. Empty where the message says more than a
/// name, or a word that compares.
pub(crate) fn completed(last: &Asked, text: &str, understood: &Understood) -> Vec<String> {
    let compares = understood.comparing.as_ref().map(|range| &text[range.clone()]);
    let is_plain = understood.unexplained.iter().all(|word| Some(word.as_str()) == compares);
    let is_bare = understood.relations.is_empty() && is_plain;
    if !is_bare || !understood.points_back {
        return Vec::new();
    }
    let replaced = |range: &std::ops::Range<usize>, by: &str| {
        let (before, after) = (last.text.get(..range.start)?, last.text.get(range.end..)?);
        Some(format!("{before}{by}{after}"))
    };
    match (understood.mentions.as_slice(), &understood.comparing) {
        ([name], None) => last.names.iter().rev().filter_map(|range| replaced(range, &name.text)).collect(),
        ([], Some(comparing)) => {
            last.comparing.iter().filter_map(|range| replaced(range, &text[comparing.clone()])).collect()
        }
        _ => Vec::new(),
    }
}

/// The mentions of a question where one name is known to mean one thing.
pub(crate) fn renamed(mentions: Vec<Mention>, meant: &Candidate) -> Vec<Mention> {
    let is_candidate =
        |mention: &Mention| mention.candidates.iter().any(|candidate| candidate.entity.id == meant.entity.id);
    let narrow = |mention: Mention| {
        if is_candidate(&mention) { Mention { candidates: vec![meant.clone()], ..mention } } else { mention }
    };
    mentions.into_iter().map(narrow).collect()
}
