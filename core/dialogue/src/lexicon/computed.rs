//! The words and forms of sentences that count, compare, and answer yes or no. In: a language's `[computed]`. Out: phrases and patterns.

use loquat_contract::Language;
use serde::Deserialize;

use crate::phrases::Phrasebook;
use crate::verify::{Claim, Order, Pattern};
use crate::words::{fold, keys};

/// An adjective, and the labels of the relations that it compares by: "larger" compares areas.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Adjective {
    of: Vec<String>,
    #[serde(default)]
    greater: Vec<String>,
    #[serde(default)]
    less: Vec<String>,
    #[serde(default)]
    greatest: Vec<String>,
    #[serde(default)]
    least: Vec<String>,
}

/// The section as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComputedFile {
    yes: Vec<String>,
    no: Vec<String>,
    /// What joins the last of a list.
    join: Vec<String>,
    greater: Vec<String>,
    less: Vec<String>,
    greatest: Vec<String>,
    least: Vec<String>,
    /// "Bhutan borders two countries"; "Two countries border Bhutan"; "Bhutan has two neighbours".
    count_of_verb: Vec<String>,
    count_before_verb: Vec<String>,
    count_of_noun: Vec<String>,
    comparison: Vec<String>,
    extreme: Vec<String>,
    #[serde(default)]
    adjective: Vec<Adjective>,
}

/// How a language counts and compares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    /// "larger", and "largest".
    pub(crate) more: Phrasebook<Order>,
    pub(crate) most: Phrasebook<Order>,
    pub(crate) patterns: Vec<(Claim, Pattern)>,
    pub(crate) join: Vec<String>,
    answers: Vec<(String, bool)>,
    /// The labels that each adjective compares by, folded.
    measured_by: Vec<Vec<String>>,
}

impl Computed {
    pub(super) fn new(file: &ComputedFile, language: &Language) -> Self {
        let mut computed = Self { join: file.join.clone(), ..Self::default() };
        let mut add = |adjective: Option<usize>, [greater, less, greatest, least]: [&Vec<String>; 4]| {
            for (book, phrases, greater) in
                [(0, greater, true), (0, less, false), (1, greatest, true), (1, least, false)]
            {
                let book = if book == 0 { &mut computed.more } else { &mut computed.most };
                for phrase in phrases {
                    book.insert(keys(phrase, language), Order { adjective, greater });
                }
            }
        };
        add(None, [&file.greater, &file.less, &file.greatest, &file.least]);
        for (place, adjective) in file.adjective.iter().enumerate() {
            add(Some(place), [&adjective.greater, &adjective.less, &adjective.greatest, &adjective.least]);
        }
        let labels = |adjective: &Adjective| adjective.of.iter().map(|label| fold(label)).collect();
        computed.measured_by = file.adjective.iter().map(labels).collect();
        for (claim, patterns) in [
            (Claim::CountOfVerb, &file.count_of_verb),
            (Claim::CountBeforeVerb, &file.count_before_verb),
            (Claim::CountOfNoun, &file.count_of_noun),
            (Claim::Comparison, &file.comparison),
            (Claim::Extreme, &file.extreme),
        ] {
            computed.patterns.extend(patterns.iter().map(|pattern| (claim, Pattern::parse(pattern))));
        }
        for (words, says) in [(&file.yes, true), (&file.no, false)] {
            computed.answers.extend(words.iter().map(|word| (word.clone(), says)));
        }
        // The longest first: 不是 before 不.
        computed.answers.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        computed
    }

    /// Whether the adjective compares by the relation with this label.
    pub(crate) fn is_measured_by(&self, adjective: usize, label: &str) -> bool {
        self.measured_by.get(adjective).is_some_and(|labels| labels.contains(&fold(label)))
    }

    /// The yes or no that a sentence begins with, and where it goes on: "Yes, Thimphu is …".
    pub(crate) fn answer(&self, sentence: &str) -> Option<(bool, usize)> {
        self.answers.iter().find_map(|(word, says)| {
            let begin = sentence.get(..word.len())?;
            let rest = sentence.get(word.len()..)?;
            let goes_on = rest
                .chars()
                .next()
                .is_none_or(|c| matches!(c, ',' | '.' | ';' | '!' | '，' | '。' | '；' | '！' | ':' | '：'));
            let length = sentence.len()
                - rest.trim_start_matches([',', '.', ';', '!', '，', '。', '；', '！', ':', '：', ' ']).len();
            (begin.eq_ignore_ascii_case(word) && goes_on).then_some((*says, length))
        })
    }
}
