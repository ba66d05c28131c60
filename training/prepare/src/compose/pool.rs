//! What the cases of one part lend each other. In: the cases. Out: for a case another one, of the same relation, of a name that is like its
//! own, or any, which says nothing of its subject.

use std::collections::{BTreeSet, HashMap};

use unicode_segmentation::UnicodeSegmentation;

use super::names;
use crate::case::Case;
use crate::dice::Dice;

/// Words of fewer letters, such as "of" and "the", are in too many names to make two alike.
const LETTERS: usize = 4;

/// The cases of one part, as a source of lines and values for each other.
pub(super) struct Pool<'a> {
    pub(super) cases: &'a [&'a Case],
    by_group: HashMap<(&'a str, &'a str), Vec<&'a Case>>,
    by_word: HashMap<(&'a str, &'a str, String), Vec<&'a Case>>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(cases: &'a [&'a Case]) -> Self {
        let mut by_group: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_word: HashMap<_, Vec<_>> = HashMap::new();
        for case in cases {
            let (language, group) = (case.language.primary(), case.group.as_str());
            by_group.entry((language, group)).or_default().push(*case);
            for word in case.subject().map(words).unwrap_or_default() {
                by_word.entry((language, group, word)).or_default().push(*case);
            }
        }
        Self { cases, by_group, by_word }
    }

    /// Those of the same relation.
    pub(super) fn like<'b>(&'b self, case: &'b Case) -> &'b [&'a Case] {
        self.of(case, &case.group)
    }

    /// Those of a relation, in the language of a case.
    pub(super) fn of<'b>(&'b self, case: &'b Case, group: &'b str) -> &'b [&'a Case] {
        self.by_group.get(&(case.language.primary(), group)).map_or(&[], Vec::as_slice)
    }

    /// One of the same relation whose subject's name has a word in common with this one's; where there is none, any of the same relation.
    pub(super) fn like_it(&self, case: &Case, dice: &mut Dice) -> Option<&'a Case> {
        let words: Vec<String> = case.subject().map(words).unwrap_or_default().into_iter().collect();
        dice.shuffled(&words)
            .into_iter()
            .filter_map(|word| self.by_word.get(&(case.language.primary(), case.group.as_str(), word)))
            .find_map(|alike| self.other(case, alike, dice))
            .or_else(|| self.other(case, self.like(case), dice))
    }

    /// A case that stands in the same words of prompt, and says nothing of this one's subject.
    pub(super) fn other(&self, case: &Case, from: &[&'a Case], dice: &mut Dice) -> Option<&'a Case> {
        const TRIES: usize = 12;
        (0..TRIES).find_map(|_| {
            let other = *dice.pick(from)?;
            let is_named = |subject: &str| other.prompt.facts.iter().any(|fact| names(fact, subject));
            let is_other = other.topics.is_disjoint(&case.topics)
                && other.language.matches(&case.language)
                && !case.subject().is_some_and(is_named)
                // A question may call its subject by a name that is another's.
                && !other.subject().is_some_and(|subject| names(&case.prompt.question, subject));
            is_other.then_some(other)
        })
    }
}

/// The words by which a name can be taken for another.
fn words(name: &str) -> BTreeSet<String> {
    let tells =
        |word: &&str| word.chars().count() >= LETTERS || !word.is_ascii() || word.contains(char::is_numeric);
    name.unicode_words().filter(tells).map(str::to_lowercase).collect()
}
