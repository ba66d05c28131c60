//! Texts made comparable, as question-answering benchmarks do (SQuAD, Rajpurkar et al. 2016; EntityQuestions, Sciavolino et al.
//! 2021). In: texts. Out: whether one equals the other or stands in it. Must not know what they are about.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::quantity::{agrees, quantities};

/// A word of a text; each Han character is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// In lower case, without thousands separators.
    pub(crate) folded: String,
    /// Where it stands in the text.
    pub(crate) range: Range<usize>,
    /// Whether it begins with a capital letter.
    pub(crate) is_capital: bool,
}

/// Whether a character is a Chinese one.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// NFKC, with straight apostrophes.
pub(crate) fn composed(text: &str) -> String {
    text.nfkc().map(|c| if matches!(c, '\u{2018}' | '\u{2019}' | '\u{2bc}') { '\'' } else { c }).collect()
}

/// The words of a text that is [`composed`], in order.
pub(crate) fn words_of(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (start, word) in text.unicode_word_indices() {
        let mut at = start;
        // “Bhutan's” is “Bhutan” and a mark of possession.
        for piece in word.split('\'') {
            if !piece.is_empty() {
                let is_number = piece.starts_with(|c: char| c.is_ascii_digit())
                    && piece.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
                let folded = if is_number {
                    piece.replace(',', "")
                } else {
                    piece.chars().flat_map(char::to_lowercase).collect()
                };
                let is_capital = piece.chars().next().is_some_and(char::is_uppercase);
                words.push(Word { folded, range: at..at + piece.len(), is_capital });
            }
            at += piece.len() + 1;
        }
    }
    words
}

/// The words that are compared: without articles, unless there is nothing else.
fn compared(text: &str) -> Vec<String> {
    let all: Vec<String> = words_of(&composed(text)).into_iter().map(|word| word.folded).collect();
    let kept: Vec<String> =
        all.iter().filter(|word| !matches!(word.as_str(), "a" | "an" | "the")).cloned().collect();
    if kept.is_empty() { all } else { kept }
}

/// Whether two texts are the same answer.
pub(crate) fn same(value: &str, accepted: &str) -> bool {
    let (ours, theirs) = (compared(value), compared(accepted));
    if ours.is_empty() || theirs.is_empty() {
        return value.trim() == accepted.trim();
    }
    ours == theirs || same_quantity(value, accepted)
}

/// Whether both are one number or date, in whatever form; a unit may follow what is said, and has to be the same where both have one.
fn same_quantity(value: &str, accepted: &str) -> bool {
    let (value, accepted) = (composed(value), composed(accepted));
    let (ours, theirs) = (quantities(&value), quantities(&accepted));
    let ([ours], [theirs]) = (ours.as_slice(), theirs.as_slice()) else { return false };
    let begin = |text: &str, range: &Range<usize>| text[..range.start].trim().is_empty();
    let unit = |text: &str, range: &Range<usize>| compared(&text[range.end..]);
    let (ours_unit, theirs_unit) = (unit(&value, &ours.range), unit(&accepted, &theirs.range));
    begin(&value, &ours.range)
        && begin(&accepted, &theirs.range)
        && (theirs_unit.is_empty() || ours_unit.is_empty() || ours_unit == theirs_unit)
        && agrees(ours, theirs.value)
        && agrees(theirs, ours.value)
}

/// Where a sequence of words begins in another.
pub(crate) fn find<T: PartialEq<U>, U>(text: &[T], sought: &[U]) -> Option<usize> {
    if sought.is_empty() || sought.len() > text.len() {
        return None;
    }
    (0..=text.len() - sought.len())
        .find(|&start| text[start..].iter().zip(sought).all(|(ours, theirs)| ours == theirs))
}

/// Whether an answer stands in a text, as whole words.
pub(crate) fn stands_in(sought: &str, text: &str) -> bool {
    let (needle, hay) = (compared(sought), compared(text));
    if needle.is_empty() {
        return text.contains(sought.trim());
    }
    if find(&hay, &needle).is_some() {
        return true;
    }
    let (sought, text) = (composed(sought), composed(text));
    let wanted = quantities(&sought);
    let [wanted] = wanted.as_slice() else { return false };
    let is_alone = wanted.range.start == 0 && wanted.range.end == sought.trim_end().len();
    is_alone
        && quantities(&text).iter().any(|found| agrees(found, wanted.value) && agrees(wanted, found.value))
}

/// Whether a text, or a `/regular expression/`, stands in another text.
pub(crate) fn says(pattern: &str, text: &str) -> bool {
    match expression(pattern) {
        // It was tried when the set was read.
        Some(Ok(expression)) => expression.is_match(text),
        Some(Err(_)) => false,
        None => stands_in(pattern, text),
    }
}

/// The regular expression that a pattern is; `None` where it is a plain text.
pub(crate) fn expression(pattern: &str) -> Option<Result<Regex, regex::Error>> {
    let inner = pattern.strip_prefix('/')?.strip_suffix('/').filter(|inner| !inner.is_empty())?;
    Some(Regex::new(&format!("(?is){inner}")))
}

/// Whether a model's text says that it has no answer.
///
/// Only for texts that come without an outcome: the model alone, and facts in the prompt without verification.
pub(crate) fn says_it_does_not_know(text: &str) -> bool {
    static REFUSALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\b(do not|don't|does not|doesn't|cannot|can't|could not|couldn't) (know|have (any |enough |that |this )?information|say|answer|tell|find)\b|\b(not sure|unsure|no (information|facts?|data|records?)|unable to|not aware|is unknown|not (mentioned|stated|given|provided|specified|available))\b|不知道|不清楚|不确定|无法|没有[^，。；！？]{0,14}(信息|事实|资料)|未(提及|提供|提到)|没有(提及|提供|提到)|不了解",
        )
        .ok()
    });
    REFUSALS.as_ref().is_some_and(|refusals| refusals.is_match(&composed(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_as_whole_words_without_case_articles_and_punctuation() {
        assert!(same("The Netherlands", "netherlands"));
        assert!(same("Pon. Muthuramalingam", "pon muthuramalingam"));
        assert!(stands_in("Lyon", "It is Lyon's river."));
        assert!(!stands_in("Lyon", "The Lyons live there."));
        assert!(same("The The", "the the"));
        assert!(!same("Paris", "Paris, Texas"));
        assert!(same("$", "$") && !same("$", "!"));
    }

    #[test]
    fn chinese_is_compared_by_characters() {
        assert!(stands_in("北京", "中国的首都是北京。"));
        assert!(same("《高等数学》", "高等数学"));
        assert!(!same("北京", "北京市"));
    }

    #[test]
    fn numbers_and_dates_are_the_same_in_any_form() {
        assert!(same("884,546 people", "884546"));
        assert!(same("30 December 2013", "2013-12-30"));
        assert!(same("2013年12月30日", "2013-12-30"));
        assert!(!same("30 December 2013", "2013-12-31"));
        assert!(!same("5 km", "5 kg"));
        assert!(stands_in("2013-12-30", "It came out on December 30, 2013."));
        assert!(!stands_in("2013-12-30", "It came out in 2013."));
        assert!(stands_in("1,000", "It has 1000 seats."));
    }

    #[test]
    fn expressions_are_told_from_texts() {
        assert!(says("/is (now )?lyon/", "It is now Lyon."));
        assert!(!says("/is lyon/", "It is not Lyon."));
        assert!(says("AC/DC", "They are AC/DC."));
        assert!(expression("/(/").is_some_and(|parsed| parsed.is_err()));
    }

    #[test]
    fn a_refusal_is_recognised() {
        assert!(says_it_does_not_know("I’m sorry, I don’t know that."));
        assert!(says_it_does_not_know("抱歉，我不知道。"));
        assert!(says_it_does_not_know("I found no fact about who founded Wide Boyz."));
        assert!(says_it_does_not_know("The founder is not mentioned in the facts."));
        assert!(!says_it_does_not_know("The capital is Thimphu."));
    }
}
