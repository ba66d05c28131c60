//! Records → numbers. In: what was asked and replied. Out: rates, percentiles and counts for a group of records. Must not know how they are
//! shown.

use std::collections::BTreeMap;

use loquat_contract::{Outcome, Wording};
use serde::{Deserialize, Serialize};

use crate::item::Expect;
use crate::results::{Record, TurnRecord};

/// Percentiles (nearest rank) of what a reply took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the replies took no longer.
    pub p50: f64,
    /// 95 of 100 took no longer.
    pub p95: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

/// Whose words answers are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnWords {
    /// Sentences that state facts.
    pub sentences: usize,
    /// The model's own, freely.
    pub model: usize,
    /// The model's, under constrained decoding.
    pub constrained: usize,
    /// A template's.
    pub template: usize,
}

impl OwnWords {
    /// The share of the model's own, constrained ones included.
    pub fn share(&self) -> Option<f64> {
        share(self.model + self.constrained, self.sentences)
    }
}

/// What a group of records amounts to. Shares are from 0 to 1, and `None` where there is nothing to take a share of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Items.
    pub items: usize,
    /// Items of which something was expected.
    pub graded: usize,
    /// Those in which everything was as expected.
    pub right: usize,
    /// `right` of `graded`: for questions, accuracy; for hidden facts, abstention.
    pub accuracy: Option<f64>,
    /// The 95 % interval of `accuracy` (Wilson 1927).
    pub interval: Option<(f64, f64)>,
    /// Of the turns for which an answer is expected, those whose first value is accepted: a reply without values has missed. `None`
    /// where no reply lists any.
    pub hits_at_1: Option<f64>,
    /// Of the turns for which an answer is accepted, those whose text has one.
    pub in_text: Option<f64>,
    /// Turns that do not answer where an answer was expected.
    pub abstained: usize,
    /// Turns that ask back where an answer was expected.
    pub asked_back: usize,
    /// Turns that answer, and wrongly or where they should not.
    pub wrong: usize,
    /// `wrong` among all graded items.
    pub wrong_share: Option<f64>,
    /// Turns in which something was said that never should be.
    pub forbidden: usize,
    /// Sentences that were sent.
    pub sentences: usize,
    /// Those that claim what no cited fact says, by the audit.
    pub unsupported: usize,
    /// Replies that have one of these.
    pub unsupported_replies: usize,
    /// Turns that the engine failed on.
    pub failed: usize,
    /// Whose words the answers are in, by language.
    pub own_words: BTreeMap<String, OwnWords>,
    /// How long replies took.
    pub latency: Latency,
    /// Tokens read, for a turn, on the average.
    pub prompt_tokens: f64,
    /// Tokens written, for a turn, on the average.
    pub completion_tokens: f64,
}

/// The measures of the records of one group, such as a relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What the records have in common.
    pub name: String,
    /// What they amount to.
    pub measures: Measures,
}

impl Measures {
    /// What some records amount to.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut measures = Self::default();
        let (mut times, mut tokens) = (Vec::new(), (0, 0));
        let (mut listed, mut answerable, mut first, mut accepted, mut in_text) = (0, 0, 0, 0, 0);
        for record in records {
            measures.items += 1;
            if let Some(is_right) = record.is_right() {
                measures.graded += 1;
                measures.right += usize::from(is_right);
            }
            for turn in &record.turns {
                measures.add(turn);
                times.push(turn.milliseconds);
                tokens.0 += turn.tokens.prompt;
                tokens.1 += turn.tokens.completion;
                let is_asked = turn.expect == Expect::Answer && !turn.answers.is_empty();
                listed += usize::from(turn.graded.is_first.is_some());
                answerable += usize::from(is_asked);
                first += usize::from(is_asked && turn.graded.is_first == Some(true));
                if let Some(is_there) = turn.graded.is_in_text {
                    accepted += 1;
                    in_text += usize::from(is_there);
                }
            }
        }
        measures.accuracy = share(measures.right, measures.graded);
        measures.interval = wilson(measures.right, measures.graded);
        measures.wrong_share = share(measures.wrong, measures.graded);
        // Where no reply lists values there is no first one to judge.
        measures.hits_at_1 = share(first, answerable).filter(|_| listed > 0);
        measures.in_text = share(in_text, accepted);
        measures.prompt_tokens = share(tokens.0, times.len()).unwrap_or_default();
        measures.completion_tokens = share(tokens.1, times.len()).unwrap_or_default();
        times.sort_by(f64::total_cmp);
        measures.latency =
            Latency { p50: percentile(&times, 50), p95: percentile(&times, 95), p99: percentile(&times, 99) };
        measures
    }

    fn add(&mut self, turn: &TurnRecord) {
        let graded = &turn.graded;
        let is_wrong = graded.is_right == Some(false);
        self.failed += usize::from(turn.error.is_some());
        self.forbidden += usize::from(!graded.forbidden.is_empty());
        if turn.expect == Expect::Answer && !graded.is_answer {
            let asks_back = turn.outcome == Some(Outcome::Clarified);
            self.asked_back += usize::from(asks_back);
            self.abstained += usize::from(!asks_back && turn.error.is_none());
        }
        self.wrong += usize::from(is_wrong && graded.is_answer);
        self.sentences += turn.sentences.len();
        let mut unsupported: Vec<usize> = turn.findings.iter().map(|finding| finding.sentence).collect();
        unsupported.dedup();
        self.unsupported += unsupported.len();
        self.unsupported_replies += usize::from(!unsupported.is_empty());
        for sentence in &turn.sentences {
            let words = self.own_words.entry(turn.language.clone()).or_default();
            let count = match sentence.wording {
                Wording::Model if sentence.verdict != loquat_contract::Verdict::NoClaim => &mut words.model,
                Wording::Constrained => &mut words.constrained,
                Wording::Template => &mut words.template,
                Wording::Line | Wording::Model => continue,
            };
            *count += 1;
            words.sentences += 1;
        }
    }
}

/// The records in groups, by a key that not all need have; in the order of the keys.
pub(crate) fn grouped<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    key: impl Fn(&Record) -> Option<String>,
) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for record in records {
        if let Some(name) = key(record) {
            groups.entry(name).or_default().push(record);
        }
    }
    groups.into_iter().map(|(name, records)| Group { name, measures: Measures::of(records) }).collect()
}

pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The 95 % score interval of a share (Wilson 1927).
pub(crate) fn wilson(part: usize, whole: usize) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_964;
    let (n, p) = (whole as f64, share(part, whole)?);
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// The nearest rank; the numbers are sorted.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let numbers: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([50, 95, 99].map(|percent| percentile(&numbers, percent)), [100.0, 190.0, 198.0]);
        assert_eq!(percentile(&[7.0], 99), 7.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }

    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = wilson(95, 100).unwrap();
        assert!((low - 0.8882).abs() < 1e-3 && (high - 0.9785).abs() < 1e-3, "{low} {high}");
        assert_eq!(wilson(0, 0), None);
        assert!((wilson(10, 10).unwrap().1 - 1.0).abs() < 1e-9);
    }
}
