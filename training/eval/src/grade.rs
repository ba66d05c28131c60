//! A reply beside what was expected. In: a turn and its reply. Out: whether it is right, and in which respects. Looks nothing up.

use loquat_contract::{Outcome, Reply};
use serde::{Deserialize, Serialize};

use crate::item::{Expect, Turn};
use crate::normal::{same, says, says_it_does_not_know, stands_in};
use crate::system::Mode;

/// How a reply compares with what was expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// Whether it is all that was expected; `None` where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_right: Option<bool>,
    /// Whether it claims to answer.
    pub is_answer: bool,
    /// Whether an accepted answer is among the values that the reply lists; `None` without accepted answers or values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_in_values: Option<bool>,
    /// Whether the first value is an accepted answer (Hits@1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_first: Option<bool>,
    /// Whether an accepted answer stands in the text; `None` without accepted answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_in_text: Option<bool>,
    /// What should stand in the text, and does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What should never be said, and was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
}

/// Grades a reply.
pub fn grade(turn: &Turn, reply: &Reply, mode: Mode) -> Graded {
    let accepts = |value: &String| turn.answers.iter().any(|answer| same(value, answer));
    let has_both = !turn.answers.is_empty() && !reply.values.is_empty();
    let is_in_values = has_both.then(|| reply.values.iter().any(accepts));
    let is_first = has_both.then(|| reply.values.first().is_some_and(accepts));
    let is_in_text = (!turn.answers.is_empty())
        .then(|| turn.answers.iter().any(|answer| stands_in(answer, &reply.answer)));
    let is_refusal = mode.is_judged_by_text() && says_it_does_not_know(&reply.answer);
    let is_answer = reply.outcome == Outcome::Answered && !is_refusal;
    let has_answer = match (mode.is_judged_by_text(), is_in_values) {
        (false, Some(is_in_values)) => is_in_values,
        _ => is_in_text.unwrap_or(true),
    };
    let is_expected = match turn.expect {
        Expect::Answer => is_answer && has_answer,
        Expect::Abstain => !is_answer && reply.outcome != Outcome::Clarified,
        Expect::Clarify => reply.outcome == Outcome::Clarified,
        Expect::Any => true,
    };
    let missing: Vec<String> = turn.must.iter().filter(|text| !says(text, &reply.answer)).cloned().collect();
    let forbidden: Vec<String> =
        turn.never.iter().filter(|text| says(text, &reply.answer)).cloned().collect();
    let is_right = turn.is_graded().then_some(is_expected && missing.is_empty() && forbidden.is_empty());
    Graded { is_right, is_answer, is_in_values, is_first, is_in_text, missing, forbidden }
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing;

    use super::*;

    fn reply(answer: &str, outcome: Outcome, values: &[&str]) -> Reply {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Reply { answer: answer.to_owned(), outcome, values, ..testing::reply("") }
    }

    fn turn(answers: &[&str]) -> Turn {
        let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
        Turn { say: "?".to_owned(), expect: Expect::Answer, answers, ..Turn::default() }
    }

    #[test]
    fn a_verified_reply_is_judged_by_its_values_and_others_by_their_text() {
        let replied = reply("It is Lyon.", Outcome::Answered, &["Paris"]);
        let paris = turn(&["Paris"]);
        assert_eq!(grade(&paris, &replied, Mode::Verified).is_right, Some(true));
        assert_eq!(grade(&paris, &replied, Mode::Facts).is_right, Some(false));
        let without_values = reply("It is Paris.", Outcome::Answered, &[]);
        let graded = grade(&paris, &without_values, Mode::Verified);
        assert_eq!((graded.is_right, graded.is_first), (Some(true), None));
    }

    #[test]
    fn hits_at_one_is_of_the_first_value() {
        let graded = grade(&turn(&["B"]), &reply("", Outcome::Answered, &["A", "B"]), Mode::Verified);
        assert_eq!((graded.is_in_values, graded.is_first), (Some(true), Some(false)));
    }

    #[test]
    fn abstention_is_an_outcome_or_where_there_is_none_a_phrase() {
        let abstains = Turn { expect: Expect::Abstain, ..turn(&["Paris"]) };
        assert_eq!(
            grade(&abstains, &reply("Paris.", Outcome::Answered, &[]), Mode::Verified).is_right,
            Some(false)
        );
        assert_eq!(
            grade(&abstains, &reply("", Outcome::Abstained, &[]), Mode::Verified).is_right,
            Some(true)
        );
        let refusal = reply("I do not know.", Outcome::Answered, &[]);
        assert_eq!(grade(&abstains, &refusal, Mode::Model).is_right, Some(true));
        assert_eq!(grade(&abstains, &refusal, Mode::Verified).is_right, Some(false));
    }

    #[test]
    fn what_is_never_to_be_said_fails_an_answer_that_is_right_otherwise() {
        let strict =
            Turn { never: vec!["Lyon".to_owned()], must: vec!["/capital/".to_owned()], ..turn(&["Paris"]) };
        let graded =
            grade(&strict, &reply("Paris, and not Lyon.", Outcome::Answered, &["Paris"]), Mode::Verified);
        assert_eq!(graded.is_right, Some(false));
        assert_eq!((graded.forbidden.len(), graded.missing.len()), (1, 1));
        assert_eq!(
            grade(&Turn::default(), &reply("x", Outcome::Answered, &[]), Mode::Verified).is_right,
            None
        );
    }
}
