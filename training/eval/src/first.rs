//! What a model writes before anybody helps it. In: records. Out: how often its first, free attempt is the answer, and how often it claims
//! what no fact says. Must not know how replies are made: whose words a sentence is in stands beside it.

use loquat_contract::{Outcome, Verdict, Wording};
use serde::{Deserialize, Serialize};

use crate::item::Expect;
use crate::measure::{share, wilson};
use crate::refusal::refuses;
use crate::results::{Record, TurnRecord};

/// A share of a number of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Cases in which it is so.
    pub part: usize,
    /// All cases.
    pub whole: usize,
}

impl Rate {
    /// From 0 to 1; `None` where there are no cases.
    pub fn share(self) -> Option<f64> {
        share(self.part, self.whole)
    }

    /// The 95 % interval of the share (Wilson 1927).
    pub fn interval(self) -> Option<(f64, f64)> {
        wilson(self.part, self.whole)
    }

    pub(crate) fn count(&mut self, is_so: bool) {
        self.part += usize::from(is_so);
        self.whole += 1;
    }
}

/// What became of the questions that facts answer and that the model was asked to word. Of records under [`Mode::Verified`](crate::Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAttempts {
    /// Right, and every sentence that states a fact is the model's own, written freely and passed by the verifier: before anything was tried
    /// again or filled into a template.
    pub own: Rate,
    /// At least one sentence was written under constraint, and none filled into a template.
    pub constrained: usize,
    /// At least one sentence is a template's.
    pub template: usize,
    /// Questions that should be answered, and were answered wrongly or not at all: the model had no chance.
    pub unanswered: usize,
}

impl FirstAttempts {
    /// Counts the turns of records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut found = Self::default();
        for turn in records.into_iter().flat_map(|record| &record.turns) {
            if turn.expect == Expect::Answer && turn.outcome != Some(Outcome::Answered) {
                found.unanswered += 1;
            }
            found.add(turn);
        }
        found
    }

    fn add(&mut self, turn: &TurnRecord) {
        let states = |wording: Wording| {
            let is_of = move |sentence: &&crate::SentSentence| {
                sentence.wording == wording && sentence.verdict != Verdict::NoClaim
            };
            turn.sentences.iter().filter(is_of).count()
        };
        let [model, constrained, template] =
            [Wording::Model, Wording::Constrained, Wording::Template].map(states);
        let is_asked = turn.outcome == Some(Outcome::Answered) && turn.tokens.prompt > 0;
        if !is_asked || model + constrained + template == 0 {
            return;
        }
        let is_right = turn.graded.is_right != Some(false);
        self.own.count(is_right && constrained + template == 0);
        self.constrained += usize::from(constrained > 0 && template == 0);
        self.template += usize::from(template > 0);
    }
}

/// What a model claims with facts in its prompt, as the verifier judges it and nobody holds it back. Of records under
/// [`Mode::Facts`](crate::Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawClaims {
    /// Of the sentences that claim something, those that no fact supports.
    pub unsupported: Rate,
    /// Of the replies that claim something, those with such a sentence.
    pub replies: Rate,
    /// Of all replies, those that refuse although the facts are there.
    pub refused: Rate,
}

impl RawClaims {
    /// Counts the turns for which the graph has facts.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut found = Self::default();
        for turn in records.into_iter().flat_map(|record| &record.turns) {
            // Without facts in the prompt the model says what it believes; that is another measure.
            if turn.values.is_empty() {
                continue;
            }
            // A needless refusal is no answer, and claims nothing either.
            let is_refusal = refuses(&turn.said, &turn.values, &turn.reply);
            found.refused.count(is_refusal);
            if is_refusal {
                continue;
            }
            let claims = turn.sentences.iter().filter(|sentence| {
                sentence.wording == Wording::Model && sentence.verdict != Verdict::NoClaim
            });
            let doubtful: Vec<bool> = claims.map(|sentence| sentence.verdict.is_doubtful()).collect();
            doubtful.iter().for_each(|is_doubtful| found.unsupported.count(*is_doubtful));
            if !doubtful.is_empty() {
                found.replies.count(doubtful.contains(&true));
            }
        }
        found
    }
}

/// How surprised a model is by texts: the exponential of the mean negative log-probability of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    /// Texts.
    pub texts: usize,
    /// Tokens that were judged.
    pub tokens: usize,
    /// The sum of the natural logarithms of their probabilities.
    pub log_probability: f64,
}

impl Perplexity {
    /// Adds a text.
    pub fn add(&mut self, tokens: usize, log_probability: f64) {
        self.texts += 1;
        self.tokens += tokens;
        self.log_probability += log_probability;
    }

    /// Its value; `None` where nothing was judged.
    pub fn value(&self) -> Option<f64> {
        (self.tokens > 0).then(|| (-self.log_probability / self.tokens as f64).exp())
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::TokenCount;

    use super::*;
    use crate::{Graded, SentSentence};

    fn turn(wordings: &[(Wording, Verdict)], is_right: bool) -> TurnRecord {
        let sentence = |(wording, verdict): &(Wording, Verdict)| SentSentence {
            text: "x".to_owned(),
            verdict: *verdict,
            wording: *wording,
        };
        TurnRecord {
            said: "?".to_owned(),
            expect: Expect::Answer,
            answers: vec!["x".to_owned()],
            reply: "x".to_owned(),
            language: "en".to_owned(),
            outcome: Some(Outcome::Answered),
            values: vec!["x".to_owned()],
            sentences: wordings.iter().map(sentence).collect(),
            cited: Vec::new(),
            linked: Vec::new(),
            graded: Graded { is_right: Some(is_right), ..Graded::default() },
            stage: None,
            findings: Vec::new(),
            milliseconds: 0.0,
            tokens: TokenCount { prompt: 9, completion: 3 },
            error: None,
        }
    }

    fn record(turns: Vec<TurnRecord>) -> Record {
        Record {
            system: "verified".to_owned(),
            set: "set".to_owned(),
            id: "1".to_owned(),
            language: "en".to_owned(),
            relation: None,
            hops: None,
            category: None,
            is_paraphrase: false,
            turns,
        }
    }

    #[test]
    fn only_what_the_model_wrote_freely_and_all_of_it_counts_as_its_own() {
        use Verdict::{NoClaim, Supported};
        let own = turn(&[(Wording::Model, Supported), (Wording::Line, NoClaim)], true);
        let wrong = turn(&[(Wording::Model, Supported)], false);
        let again = turn(&[(Wording::Constrained, Supported)], true);
        let mixed = turn(&[(Wording::Model, Supported), (Wording::Template, Supported)], true);
        // A long list goes to the template without asking the model.
        let unasked =
            TurnRecord { tokens: TokenCount::default(), ..turn(&[(Wording::Template, Supported)], true) };
        let abstained =
            TurnRecord { outcome: Some(Outcome::Abstained), ..turn(&[(Wording::Line, NoClaim)], false) };
        let found = FirstAttempts::of(&[record(vec![own, wrong, again, mixed, unasked, abstained])]);
        let expected =
            FirstAttempts { own: Rate { part: 1, whole: 4 }, constrained: 1, template: 1, unanswered: 1 };
        assert_eq!(found, expected);
    }

    #[test]
    fn claims_are_counted_where_there_are_facts() {
        use Verdict::{Contradicted, NoClaim, Supported, Unsupported};
        let bad = turn(
            &[(Wording::Model, Supported), (Wording::Model, Contradicted), (Wording::Model, NoClaim)],
            true,
        );
        let believed = TurnRecord { values: Vec::new(), ..turn(&[(Wording::Model, Unsupported)], false) };
        let good = turn(&[(Wording::Model, Supported)], true);
        let refused = TurnRecord {
            said: "What type of music does Pinball play?".to_owned(),
            reply: "I don't know. I found no fact that answers this.".to_owned(),
            ..turn(&[(Wording::Model, Unsupported), (Wording::Model, Unsupported)], false)
        };
        // One that tells the value all the same is none.
        let told = TurnRecord {
            values: vec!["arcade".to_owned()],
            reply: "I don't know. The facts say arcade.".to_owned(),
            ..refused.clone()
        };
        assert_eq!(RawClaims::of(&[record(vec![told])]).refused, Rate { part: 0, whole: 1 });
        let found = RawClaims::of(&[record(vec![bad, believed, good, refused])]);
        assert_eq!(found.refused, Rate { part: 1, whole: 3 });
        assert_eq!(found.unsupported, Rate { part: 1, whole: 3 });
        assert_eq!(found.replies, Rate { part: 1, whole: 2 });
    }

    #[test]
    fn perplexity_is_that_of_all_tokens_together() {
        let mut found = Perplexity::default();
        assert_eq!(found.value(), None);
        found.add(1, 0.5_f64.ln());
        found.add(3, 3.0 * 0.5_f64.ln());
        assert!((found.value().unwrap() - 2.0).abs() < 1e-12);
    }
}
