//! What was chosen of what was asked back. In: a message and the lines that were offered. Out: which of them it means, or that it means
//! something else. Knows no graph.

use crate::lexicon::{Lexicon, WordKind};
use crate::words::{fold, keys, words};

/// The place of the line that the message chooses: by its number, in full, or by words that only one line has ("the US state").
pub(crate) fn choice(text: &str, lines: &[&str], lexicon: &Lexicon) -> Option<usize> {
    let language = &lexicon.language;
    let bare = text.trim().trim_end_matches(['.', '!', '?', '。', '！', '？']);
    if let Ok(number) = bare.parse::<usize>() {
        return number.checked_sub(1).filter(|place| *place < lines.len());
    }
    let folded = fold(bare);
    if let Some(place) = lines.iter().position(|line| fold(line) == folded) {
        return Some(place);
    }
    let of_lines: Vec<Vec<String>> = lines.iter().map(|line| keys(line, language)).collect();
    let said = words(bare, language);
    let mut meant = Vec::new();
    for (at, word) in said.iter().enumerate() {
        let is = |kind: WordKind| {
            lexicon.kinds.longest_at(&said, at).is_some_and(|found| found.tags.contains(&kind))
        };
        if is(WordKind::Function) && !language.is_unspaced() {
            continue;
        }
        let is_offered = of_lines.iter().any(|line| line.contains(&word.key));
        match is_offered {
            true => meant.push(&word.key),
            false if is(WordKind::Filler) || is(WordKind::Function) || is(WordKind::Personal) => {}
            false => return None,
        }
    }
    let has_all = |line: &&Vec<String>| meant.iter().all(|word| line.contains(word));
    let fitting: Vec<usize> =
        of_lines.iter().enumerate().filter(|(_, line)| has_all(line)).map(|(place, _)| place).collect();
    match fitting.as_slice() {
        [only] if !meant.is_empty() => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Language;

    use super::*;
    use crate::lexicon::Lexicons;

    #[test]
    fn a_line_is_chosen_by_number_words_or_in_full() {
        let lexicons = Lexicons::builtin().unwrap();
        let lines = ["Georgia — country in the Caucasus", "Georgia — US state"];
        let chosen = |text: &str| choice(text, &lines, lexicons.of(&Language::english()));
        assert_eq!(chosen("2"), Some(1));
        assert_eq!(chosen("3"), None);
        assert_eq!(chosen("georgia — us state"), Some(1));
        assert_eq!(chosen("the country"), Some(0));
        assert_eq!(chosen("I mean the US state."), Some(1));
        assert_eq!(chosen("the one in the Caucasus, please"), Some(0));
        assert_eq!(chosen("Georgia"), None, "both are called so");
        assert_eq!(chosen("What is the capital of the country Bhutan?"), None);
        let lines = ["格鲁吉亚 — 高加索国家", "格鲁吉亚 — 美国的州"];
        let chosen = |text: &str| choice(text, &lines, lexicons.of(&Language::chinese()));
        assert_eq!(chosen("那个国家"), Some(0), "国 is in both, 家 in one");
        assert_eq!(chosen("美国的那个州"), Some(1));
        assert_eq!(chosen("不丹的首都"), None);
    }
}
