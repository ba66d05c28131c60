//! What of a message could be a name. In: a message. Out: stretches between the borders of words, each in the spellings to look for.

use std::ops::Range;

use loquat_terms::borders::borders;
use loquat_terms::case::{Message, Stretch, is_lone_character};
use loquat_terms::fold::is_unspaced;
use loquat_text::simplified;

/// Words of a name.
const WORDS: usize = 6;

/// Characters of a name that is written without spaces.
const CHARACTERS: usize = 10;

/// Bytes of a name.
const BYTES: usize = 120;

/// Stretches of one message; what stands behind is not linked.
const STRETCHES: usize = 1_000;

/// Factor for a name found in the plural.
const PLURAL: f32 = 0.85;

/// A stretch that could be a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tried {
    pub(crate) range: Range<usize>,
    /// Spellings, each once, with how much of the certainty it takes.
    pub(crate) forms: Vec<(String, f32)>,
}

/// Every stretch that could be a name, by start, and of one start the longest first.
pub(crate) fn stretches(text: &str) -> Vec<Tried> {
    let message = Message::of(text);
    let borders = borders(text);
    let mut found = Vec::new();
    let starts = text.char_indices().filter(|(at, c)| borders[*at] && begins(*c));
    for (start, first) in starts {
        let mut ends = Vec::new();
        let (mut words, mut characters, mut before) = (1, 0, first);
        for (at, c) in text[start..].char_indices().map(|(at, c)| (start + at, c)) {
            if at > start && borders[at] && ends_name(before) {
                ends.push(at);
            }
            words += usize::from(c.is_whitespace() && !before.is_whitespace());
            characters += usize::from(is_unspaced(c));
            if words > WORDS || characters > CHARACTERS || at - start > BYTES || parts(c) {
                break;
            }
            before = c;
            if at + c.len_utf8() == text.len() && ends_name(c) {
                ends.push(text.len());
            }
        }
        for end in ends.into_iter().rev() {
            let range = start..end;
            let grammar = Stretch::of(text, range.clone()).is_grammar(message);
            if !grammar && !is_lone_character(text, &range) {
                found.push(Tried { forms: forms(&text[range.clone()]), range });
            }
            if found.len() >= STRETCHES {
                return found;
            }
        }
    }
    found
}

fn begins(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !c.is_ascii_punctuation() && !parts(c)
}

fn ends_name(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, ',' | ';' | ':' | '"' | '\'' | '(' | '[' | '-' | '?' | '\\')
}

/// What no name goes across. A backslash is no part of a name, so that none comes into a query.
fn parts(c: char) -> bool {
    c.is_control()
        || matches!(c, '?' | '\\' | '"' | '“' | '”' | '。' | '？' | '！' | '，' | '；' | '：' | '…')
}

/// The spellings that people may mean by these words, the likeliest first.
fn forms(surface: &str) -> Vec<(String, f32)> {
    let plain: String = surface.split_whitespace().collect::<Vec<_>>().join(" ").replace('’', "'");
    let mut forms: Vec<(String, f32)> = Vec::new();
    add(&plain, 1.0, &mut forms);
    let simple: String = plain.chars().map(simplified).collect();
    add(&simple, 1.0, &mut forms);
    for singular in singulars(&plain) {
        add(&singular, PLURAL, &mut forms);
    }
    forms
}

/// Adds a spelling in the cases that it may have.
fn add(text: &str, factor: f32, forms: &mut Vec<(String, f32)>) {
    let lower = text.to_lowercase();
    let mut cases = vec![text.to_owned()];
    let cased = text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
    if cased {
        cases.push(titled(&lower, true));
        cases.push(titled(&lower, false));
        if text.chars().count() <= 5 && !text.contains(' ') {
            cases.push(text.to_uppercase());
        }
        cases.push(lower);
    }
    for form in cases {
        if !form.is_empty() && !forms.iter().any(|(known, _)| *known == form) {
            forms.push((form, factor));
        }
    }
}

/// The first letter as a capital, or that of every word.
fn titled(lower: &str, every: bool) -> String {
    let mut titled = String::with_capacity(lower.len());
    let mut start = true;
    for c in lower.chars() {
        if start && c.is_alphanumeric() {
            titled.extend(c.to_uppercase());
            start = false;
        } else {
            titled.push(c);
            start |= every && matches!(c, ' ' | '-');
        }
    }
    titled
}

/// The English singulars that a plural may have.
fn singulars(text: &str) -> Vec<String> {
    let last = text.rsplit(' ').next().unwrap_or_default();
    if last.len() < 4 || !last.is_ascii() || !last.to_ascii_lowercase().ends_with('s') || last.ends_with("ss")
    {
        return Vec::new();
    }
    let mut found = vec![text[..text.len() - 1].to_owned()];
    let lower = text.to_ascii_lowercase();
    if lower.ends_with("ies") {
        found.push(format!("{}y", &text[..text.len() - 3]));
    } else if lower.ends_with("es") {
        found.push(text[..text.len() - 2].to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Tried, forms, stretches};

    fn texts(text: &str) -> Vec<&str> {
        stretches(text).into_iter().map(|Tried { range, .. }| &text[range]).collect()
    }

    #[test]
    fn stretches_lie_between_the_borders_of_words() {
        assert_eq!(
            texts("Is Druk Yul big"),
            [
                "Is Druk Yul big",
                "Is Druk Yul",
                "Is Druk",
                "Druk Yul big",
                "Druk Yul",
                "Druk",
                "Yul big",
                "Yul",
                "big"
            ]
        );
        assert!(texts("What is Bhutan's capital?").contains(&"Bhutan"));
        let chinese = texts("不丹的首都");
        assert!(chinese.contains(&"不丹") && chinese.contains(&"首都") && !chinese.contains(&"丹"));
        assert!(texts("Paris? Rome").iter().all(|text| !text.contains('?')));
    }

    #[test]
    fn spellings_are_those_that_people_mean() {
        let has = |surface: &str, form: &str| forms(surface).iter().any(|(known, _)| known == form);
        assert!(has("united states", "United States") && has("BHUTAN", "Bhutan") && has("us", "US"));
        assert!(has("Countries", "Country") && has("countries", "country") && has("capitals", "capital"));
        assert!(has("聯合國", "联合国") && has("Côte  d’Ivoire", "Côte d'Ivoire"));
        assert_eq!(forms("不丹").len(), 1);
        assert_eq!(forms("Bhutan")[0], ("Bhutan".to_owned(), 1.0));
    }

    proptest! {
        #[test]
        fn any_text_has_few_stretches_within_it(text in "\\PC{0,300}") {
            let found = stretches(&text);
            prop_assert!(found.len() <= super::STRETCHES);
            for Tried { range, forms } in found {
                prop_assert!(text.get(range).is_some_and(|text| !text.is_empty()));
                prop_assert!(!forms.is_empty() && forms.iter().all(|(form, _)| !form.contains('\\')));
            }
        }
    }
}
