//! Questions as people type them. In: a question. Out: the same in lower case and without its mark, or with one slip of the keyboard;
//! names stay as they are.

use std::ops::Range;

use super::Composer;
use crate::case::Case;
use crate::dice::Dice;
use crate::prompt::Prompt;

/// Words of fewer letters are read wrong with a slip in them.
const LETTERS: usize = 4;

impl Composer<'_> {
    /// The prompt with its question as somebody may type it.
    pub(super) fn as_typed(&self, prompt: &Prompt, case: &Case, dice: &mut Dice) -> Prompt {
        let kept: Vec<&str> =
            case.slots.iter().flat_map(|slots| [slots.subject.as_str(), slots.object.as_str()]).collect();
        let mut question = prompt.question.clone();
        // Without a name it is not known what may be changed.
        if kept.is_empty() || case.language.is_unspaced() {
            return prompt.clone();
        }
        if dice.chance(self.augment.careless) {
            question = careless(&question, &kept);
        }
        if dice.chance(self.augment.typos) {
            question = slipped(&question, &kept, dice);
        }
        prompt.with_question(&question)
    }
}

/// Where the names stand.
fn names(text: &str, kept: &[&str]) -> Vec<Range<usize>> {
    let found = kept.iter().filter(|name| !name.is_empty());
    found.flat_map(|name| text.match_indices(name).map(|(at, name)| at..at + name.len())).collect()
}

fn careless(text: &str, kept: &[&str]) -> String {
    let names = names(text, kept);
    let is_name = |at: usize| names.iter().any(|range| range.contains(&at));
    let mut said = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if is_name(at) { said.push(c) } else { said.extend(c.to_lowercase()) }
    }
    said.trim_end_matches(['?', '.', '!']).to_owned()
}

/// With two letters of a word swapped, one left out, or one doubled.
fn slipped(text: &str, kept: &[&str], dice: &mut Dice) -> String {
    let names = names(text, kept);
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_ascii_lowercase(), start) {
            (true, None) => start = Some(at),
            (false, Some(begun)) => {
                words.push(begun..at);
                start = None;
            }
            _ => {}
        }
    }
    let is_free = |word: &&Range<usize>| {
        word.len() >= LETTERS && names.iter().all(|name| word.end <= name.start || word.start >= name.end)
    };
    let free: Vec<Range<usize>> = words.iter().filter(is_free).cloned().collect();
    let Some(word) = dice.pick(&free).cloned() else { return text.to_owned() };
    // Words are ASCII, so that each byte is a letter; the first stays.
    let at = word.start + 1 + dice.below(word.len() - 2);
    let (before, after) = (&text[..at], &text[at + 2..]);
    let (one, two) = (&text[at..=at], &text[at + 1..at + 2]);
    match dice.below(3) {
        0 if one != two => format!("{before}{two}{one}{after}"),
        1 => format!("{before}{two}{after}"),
        _ => format!("{before}{one}{one}{two}{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_one_word_slips() {
        let text = "Where was James Morris born?";
        assert_eq!(careless(text, &["James Morris"]), "where was James Morris born");
        for seed in 0..200 {
            let mut dice = Dice::new(seed, "", "");
            let said = slipped(text, &["James Morris"], &mut dice);
            assert!(said != text && said.contains("James Morris"), "{said}");
            assert!(said.len().abs_diff(text.len()) <= 1, "{said}");
        }
        assert_eq!(slipped("Who is it?", &[], &mut Dice::new(1, "", "")), "Who is it?");
    }
}
