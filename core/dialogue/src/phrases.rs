//! Finding known phrases in words. In: phrases with a tag each. Out: the longest that stand at a position.

use std::collections::HashMap;

use crate::words::Word;

/// Phrases by their first word.
#[derive(Clone, Debug)]
pub(crate) struct Phrasebook<T> {
    by_first: HashMap<String, Vec<(Vec<String>, T)>>,
}

/// Phrases of one length found at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    /// How many words they cover.
    pub(crate) length: usize,
    /// Their tags, each once, in the order of insertion.
    pub(crate) tags: Vec<T>,
}

impl<T> Default for Phrasebook<T> {
    fn default() -> Self {
        Self { by_first: HashMap::new() }
    }
}

impl<T: Clone + PartialEq> Phrasebook<T> {
    /// Adds a phrase by the keys of its words; one without words is left out.
    pub(crate) fn insert(&mut self, keys: Vec<String>, tag: T) {
        if let Some(first) = keys.first() {
            self.by_first.entry(first.clone()).or_default().push((keys, tag));
        }
    }

    /// The longest phrases that begin at `words[at]`.
    pub(crate) fn longest_at(&self, words: &[Word], at: usize) -> Option<Found<T>> {
        self.all_at(words, at).into_iter().max_by_key(|found| found.length)
    }

    /// The longest phrases at `words[at]` whose length `fits`.
    pub(crate) fn longest_where(
        &self,
        words: &[Word],
        at: usize,
        fits: impl Fn(usize) -> bool,
    ) -> Option<Found<T>> {
        self.all_at(words, at).into_iter().filter(|found| fits(found.length)).max_by_key(|found| found.length)
    }

    /// The longest phrases that begin at `words[at]` with their inflections, for phrases inserted that way.
    pub(crate) fn longest_folded_at(&self, words: &[Word], at: usize) -> Option<Found<T>> {
        self.matching(words, at, |word| &word.folded).into_iter().max_by_key(|found| found.length)
    }

    /// The phrases that begin at `words[at]`, those of one length together.
    pub(crate) fn all_at(&self, words: &[Word], at: usize) -> Vec<Found<T>> {
        self.matching(words, at, |word| &word.key)
    }

    fn matching(&self, words: &[Word], at: usize, form: fn(&Word) -> &String) -> Vec<Found<T>> {
        let mut all: Vec<Found<T>> = Vec::new();
        let Some(candidates) = words.get(at).and_then(|word| self.by_first.get(form(word))) else {
            return all;
        };
        let rest = &words[at..];
        for (keys, tag) in candidates {
            let stands_here =
                keys.len() <= rest.len() && keys.iter().zip(rest).all(|(key, word)| *key == *form(word));
            if !stands_here {
                continue;
            }
            match all.iter_mut().find(|found| found.length == keys.len()) {
                Some(found) if found.tags.contains(tag) => {}
                Some(found) => found.tags.push(tag.clone()),
                None => all.push(Found { length: keys.len(), tags: vec![tag.clone()] }),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Language;

    use super::*;
    use crate::words::{keys, words};

    #[test]
    fn the_longest_phrase_wins_and_equal_ones_share() {
        let language = Language::english();
        let mut book = Phrasebook::default();
        for (phrase, tag) in [("New York", 1), ("New York City", 2), ("New York City", 3), ("York", 4)] {
            book.insert(keys(phrase, &language), tag);
        }
        let text = words("in new york city now", &language);
        assert_eq!(book.longest_at(&text, 1), Some(Found { length: 3, tags: vec![2, 3] }));
        assert_eq!(book.longest_at(&text, 2), Some(Found { length: 1, tags: vec![4] }));
        assert_eq!(book.longest_at(&text, 4), None);
    }
}
