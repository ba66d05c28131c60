//! The questions of a message. In: its text. Out: where each stands. Knows no graph.

use std::ops::Range;

use super::asks;
use crate::lexicon::{Lexicon, WordKind};
use crate::words::{is_abbreviation, words};

/// How many questions of one message are answered.
const CLAUSES: usize = 4;

/// The questions of a message, as byte ranges. Statements beside a question ("I live in France. What …?", "… is Lyon, so what …?") ask
/// nothing; a message without a question is taken whole.
pub(crate) fn clauses(text: &str, lexicon: &Lexicon) -> Vec<Range<usize>> {
    let sentences = sentences(text);
    let ranges: Vec<Range<usize>> =
        sentences.into_iter().flat_map(|range| joined(text, range, lexicon)).collect();
    let questions: Vec<Range<usize>> =
        ranges.iter().filter(|range| asks(&text[(*range).clone()], lexicon)).cloned().collect();
    let has_parts = ranges.len() > 1 && !questions.is_empty();
    let whole = std::iter::once(0..text.len());
    if has_parts { questions.into_iter().take(CLAUSES).collect() } else { whole.collect() }
}

/// The sentences that have words.
fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let ends = match c {
            '.' if is_abbreviation(&text[start..at]) => false,
            // "Bros. play": a small letter begins no sentence.
            '.' if text[end..].trim_start().starts_with(char::is_lowercase) => false,
            '?' | '!' | '.' => text[end..].starts_with(char::is_whitespace),
            '\u{FF1F}' | '\u{FF01}' | '。' | '\n' => true,
            _ => false,
        };
        if ends {
            ranges.push(start..end);
            start = end;
        }
    }
    ranges.push(start..text.len());
    ranges.retain(|range| text[range.clone()].chars().any(char::is_alphanumeric));
    ranges
}

/// The questions that one sentence joins: "what is … and who …". It is cut before a conjunction that a question word follows; in
/// languages without spaces, at a comma between two stretches that both ask.
fn joined(text: &str, sentence: Range<usize>, lexicon: &Lexicon) -> Vec<Range<usize>> {
    let own = &text[sentence.clone()];
    let words = words(own, &lexicon.language);
    if lexicon.language.is_unspaced() {
        return at_commas(text, sentence, lexicon);
    }
    let is = |at: usize, kind: WordKind| {
        lexicon.kinds.longest_at(&words, at).is_some_and(|found| found.tags.contains(&kind))
    };
    // "films which … and which …" is one question.
    let is_repeated = |at: usize| {
        is(at, WordKind::Nesting) && words[..at].iter().any(|before| before.folded == words[at].folded)
    };
    let opens = |at: usize| {
        at < words.len() && lexicon.interrogatives.longest_at(&words, at).is_some() && !is_repeated(at)
    };
    let mut parts = Vec::new();
    let mut start = sentence.start;
    for at in 1..words.len() {
        let begins = is(at, WordKind::Conjunction) && !is(at - 1, WordKind::Conjunction);
        let next =
            (at + 1..words.len()).find(|next| !is(*next, WordKind::Conjunction)).unwrap_or(words.len());
        if begins && opens(next) {
            let cut = sentence.start + words[at].range.start;
            parts.push(start..cut);
            start = cut;
        }
    }
    parts.push(start..sentence.end);
    parts
}

fn at_commas(text: &str, sentence: Range<usize>, lexicon: &Lexicon) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = sentence.start;
    for (at, c) in text[sentence.clone()].char_indices() {
        let end = sentence.start + at + c.len_utf8();
        if matches!(c, '，' | ',' | '；' | ';') {
            parts.push(start..end);
            start = end;
        }
    }
    parts.push(start..sentence.end);
    let asking = |part: &&Range<usize>| asks(&text[(*part).clone()], lexicon);
    if parts.iter().filter(asking).count() > 1 { parts } else { vec![sentence] }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Language;

    use super::*;
    use crate::lexicon::Lexicons;

    fn cut(text: &str, language: Language) -> Vec<&str> {
        let lexicons = Lexicons::builtin().unwrap();
        clauses(text, lexicons.of(&language)).into_iter().map(|range| text[range].trim()).collect()
    }

    #[test]
    fn questions_that_are_joined_are_taken_apart() {
        let english = |text| cut(text, Language::english());
        assert_eq!(
            english("What is the capital of Bhutan and who borders it?"),
            ["What is the capital of Bhutan", "and who borders it?"]
        );
        assert_eq!(
            english("My friend says the capital of France is Lyon, so what is the capital of France?"),
            ["so what is the capital of France?"]
        );
        assert_eq!(english("Which films did he direct and which she wrote?").len(), 1);
        assert_eq!(english("What are the capital and the currency of Nepal?").len(), 1);
        assert_eq!(english("In Bhutan, what is the currency?").len(), 1);
    }

    #[test]
    fn statements_beside_a_question_ask_nothing() {
        let text = "The capital of France is Lyon. What is the capital of France?";
        assert_eq!(cut(text, Language::english()), ["What is the capital of France?"]);
        let text = "不丹的首都是什么，它的货币是什么？";
        assert_eq!(cut(text, Language::chinese()), ["不丹的首都是什么，", "它的货币是什么？"]);
        assert_eq!(cut("北京，上海和广州在哪里？", Language::chinese()).len(), 1);
    }
}
